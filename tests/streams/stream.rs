//! What a stream is made of, and how chance and malice make one: keys that are really used on a card, the token in every
//! wrong way, pastes, the mouse, answers of a terminal, resizes, suspensions, and a world that moves between two keys.

use super::desk::{BEGINS, Begin};

/// Something that happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// One read of the terminal.
    Bytes(Vec<u8>),
    /// Nothing.
    Rest,
    /// The program stands still: what arrives waits for it.
    Stall,
    /// It goes on, and takes what has waited.
    Resume,
    /// The terminal has another size.
    Size(u16, u16),
    /// Suspended, and continued so many milliseconds later.
    Away(u32),
    /// The world moves.
    World(World),
}

/// What moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    /// Figures.
    Figures,
    /// A right is taken away, or given back.
    Rights,
    /// Somebody else changes the Deployment.
    Edited,
    /// Another workload burns too.
    Neighbour,
    /// The journal cannot be written.
    Journal,
    /// The errors are over.
    Healed,
    /// A quarter of an hour.
    Late,
}

/// Something that happens so many milliseconds after what was before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub after: u32,
    pub act: Act,
}

/// A stream, whole: the same seed is the same stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stream {
    pub seed: u64,
    pub begin: Begin,
    pub vim: bool,
    /// The engine reviews the whole world once a second, as it does; else a card changes only by itself.
    pub lively: bool,
    /// Each frame stands in a write for so many milliseconds.
    pub slow: u32,
    pub steps: Vec<Step>,
}

/// Chance that repeats (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub fn within(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(u64::from(to - from)) as u32
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

const KEYS: &[&[u8]] = &[
    b"a", b"a", b"a", b"a", b"r", b"e", b"v", b"d", b"m", b"?", b":", b"/", b"g", b"gg", b"G", b"i", b"q",
    b"l", b"p", b"y", b"n", b"\r", b"\r", b"\t", b"\x1b", b"\x1b", b"\x7f", b"\x7f", b" ", b"\x1b[A",
    b"\x1b[B", b"\x1b[5~", b"\x1b[6~", b"\x1b[H", b"\x1b[F", b"\x1b[Z", b"j", b"k", b"\x13", b"1", b"7",
];
/// After these everything is reviewed, which takes its time.
const DECIDE: &[&[u8]] = &[b"w", b"z", b"u"];
const REPORTS: &[&[u8]] = &[
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[0n",
    b"\x1b[2;3R",
    b"\x1b[?2026;2$y",
    b"\x1b[?64;1;2c",
    b"\x1b]11;rgb:0/0/0\x07",
    b"\x1b[<0;5;5M",
    b"\x1b[<0;5;5m",
    b"\x1b[<64;10;10M",
    b"\x1b[<65;10;10M",
    b"\x1b[M !!",
    b"\x1b[<0;40;28M",
    b"\x1b[<35;20;20M",
    b"\x1b[<2;20;20M",
    b"\x1bP1$r\x1b\\",
];
const SIZES: &[(u16, u16)] =
    &[(80, 24), (79, 24), (80, 23), (40, 10), (120, 40), (100, 30), (20, 5), (1, 1), (200, 60)];

/// Makes one stream.
struct Maker<'a> {
    chance: Chance,
    token: &'a [u8],
    steps: Vec<Step>,
}

/// The stream of `seed`; `token` tells the token of the card that it begins with.
pub fn of(seed: u64, token: impl Fn(Begin) -> String) -> Stream {
    let mut chance = Chance::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
    let begin = match chance.below(40) {
        0..=18 => Begin::Armed,
        19 => Begin::Waits,
        20..=27 => Begin::Read,
        28..=31 => Begin::Fresh,
        32..=35 => Begin::Reason,
        36..=37 => Begin::List,
        _ => Begin::Long,
    };
    debug_assert!(BEGINS.contains(&begin));
    let vim = chance.one_in(5);
    let lively = chance.one_in(1_000);
    let slow = if chance.one_in(6) { chance.within(1, 400) } else { 0 };
    let word = token(begin);
    let mut maker = Maker { chance, token: word.as_bytes(), steps: Vec::new() };
    let motifs = 1 + maker.chance.below(3);
    for _ in 0..motifs {
        maker.motif();
    }
    let steps = maker.steps;
    Stream { seed, begin, vim, lively, slow, steps }
}

impl Maker<'_> {
    fn push(&mut self, after: u32, act: Act) {
        self.steps.push(Step { after, act });
    }

    fn bytes(&mut self, after: u32, bytes: &[u8]) {
        self.push(after, Act::Bytes(bytes.to_vec()));
    }

    /// Between two keys of a hand.
    fn pace(&mut self) -> u32 {
        self.chance.within(60, 300)
    }

    fn key(&mut self) {
        let key = if self.chance.one_in(200) { self.chance.of(DECIDE) } else { self.chance.of(KEYS) };
        let after = self.pace();
        self.bytes(after, key);
    }

    /// Reads for a while, then `a`.
    fn arm(&mut self) {
        let read = self.chance.of(&[0, 100, 700, 799, 801, 900, 1_500]);
        self.bytes(read, b"a");
    }

    fn letter(&mut self, n: usize) -> u8 {
        let c = self.token[n % self.token.len()];
        if self.chance.one_in(2) { c.to_ascii_lowercase() } else { c }
    }

    fn motif(&mut self) {
        match self.chance.below(30) {
            0..=3 => self.key(),
            4..=6 => {
                self.arm();
                let after = self.pace();
                self.push(after, Act::Rest);
            }
            7 => {
                let report = self.chance.of(REPORTS);
                self.bytes(3, report);
            }
            8 => self.noise(),
            9 => {
                let (columns, rows) = self.chance.of(SIZES);
                self.push(50, Act::Size(columns, rows));
            }
            10 => self.hold(),
            11 => self.kitty(),
            12 => {
                let word = self.chance.of(&[b"reversible: yes".as_slice(), b"SAFE NOW ", b"known", b"rw "]);
                self.bytes(30, word);
            }
            13 => self.world(),
            14 => self.queued(),
            _ => self.token(),
        }
    }

    fn world(&mut self) {
        let all = [
            World::Rights,
            World::Rights,
            World::Figures,
            World::Edited,
            World::Neighbour,
            World::Journal,
            World::Healed,
            World::Late,
        ];
        let world = self.chance.of(&all);
        self.push(30, Act::World(world));
    }

    fn noise(&mut self) {
        let length = 1 + self.chance.below(12);
        let bytes: Vec<u8> = (0..length).map(|_| self.chance.next() as u8).collect();
        // The one byte that means to leave is kept for the keys.
        let bytes: Vec<u8> = bytes.into_iter().filter(|b| *b != 3).collect();
        self.bytes(20, &bytes);
    }

    /// A key that is held down: of the token, or `a`.
    fn hold(&mut self) {
        let n = self.chance.below(5) as usize;
        let key = if n == 4 { b'a' } else { self.letter(n) };
        let gap = self.chance.of(&[25, 33, 50, 90, 200]);
        for _ in 0..3 + self.chance.below(6) {
            self.bytes(gap, &[key]);
        }
    }

    /// Keys as a terminal tells them that was asked for more than characters.
    fn kitty(&mut self) {
        let kind = self.chance.of(&[1, 2, 2, 3, 3]);
        if self.chance.one_in(3) {
            self.bytes(900, format!("\x1b[97;1:{kind}u").as_bytes());
            return;
        }
        for n in 0..4 {
            let code = self.letter(n).to_ascii_lowercase();
            let after = self.pace();
            self.bytes(after, format!("\x1b[{code};1:{kind}u").as_bytes());
        }
    }

    /// Everything at a hand's pace while the program stands still: typed before anything of it was seen.
    fn queued(&mut self) {
        let after = self.chance.within(0, 1_000);
        self.push(after, Act::Stall);
        if self.chance.one_in(2) {
            self.bytes(50, b"\x1b");
            self.bytes(300, b"a");
        } else if !self.chance.one_in(4) {
            self.bytes(100, b"a");
        }
        for n in 0..4 {
            let (after, c) = (self.pace(), self.letter(n));
            self.bytes(after, &[c]);
        }
        self.push(40, Act::Resume);
        let after = self.pace();
        self.push(after, Act::Rest);
    }

    /// The token with something that is wrong with it.
    fn token(&mut self) {
        if self.chance.one_in(3) {
            self.arm();
            let seen = self.chance.of(&[1, 5, 60, 300]);
            self.push(seen, Act::Rest);
        }
        match self.chance.below(14) {
            0 => self.pasted(),
            1 => {
                let word: Vec<u8> = (0..4).map(|n| self.letter(n)).collect();
                self.bytes(200, &word);
            }
            2 => {
                let word: Vec<u8> = (0..4).map(|n| self.letter(n)).collect();
                let cut = 1 + self.chance.below(3) as usize;
                let gap = self.chance.of(&[0, 1, 5, 39, 41, 100, 300]);
                self.bytes(200, &word[..cut]);
                self.bytes(gap, &word[cut..]);
            }
            3 => {
                // One pair in a read.
                let pair = self.chance.below(3) as usize;
                let word: Vec<u8> = (0..4).map(|n| self.letter(n)).collect();
                for read in [&word[..pair], &word[pair..pair + 2], &word[pair + 2..]] {
                    for piece in read.chunks(2) {
                        let after = self.pace();
                        self.bytes(after, piece);
                    }
                }
            }
            4 => {
                let gap = self.chance.within(0, 14);
                for n in 0..4 {
                    let c = self.letter(n);
                    self.bytes(gap, &[c]);
                }
            }
            5 => self.scrambled(),
            6..=12 => {
                let broken_at = 1 + self.chance.below(3) as usize;
                for n in 0..4 {
                    if n == broken_at {
                        self.break_it();
                    }
                    let (after, c) = (self.pace(), self.letter(n));
                    self.bytes(after, &[c]);
                }
            }
            _ => {
                // In a read with something else.
                for n in 0..4 {
                    let (after, c) = (self.pace(), self.letter(n));
                    let more: &[u8] = self.chance.of(&[b"\x1b[I", b"\x7f", b"a", b"\x1b[0", b"q\x7f"]);
                    self.bytes(after, &[&[c], more].concat());
                }
            }
        }
    }

    fn pasted(&mut self) {
        let word: Vec<u8> = (0..4).map(|n| self.letter(n)).collect();
        let pieces: Vec<Vec<u8>> = match self.chance.below(4) {
            0 => vec![[b"\x1b[200~", word.as_slice(), b"\x1b[201~"].concat()],
            1 => vec![b"\x1b[200~".to_vec(), word, b"\x1b[201~".to_vec()],
            2 => vec![[b"\x1b[200~", word.as_slice()].concat(), b"\r\x1b[2".to_vec(), b"01~".to_vec()],
            // Each character in a piece of its own: a line that is very slow.
            _ => {
                let letters = word.into_iter().map(|c| vec![c]);
                std::iter::once(b"\x1b[200~".to_vec()).chain(letters).chain([b"\x1b[201~".to_vec()]).collect()
            }
        };
        for piece in pieces {
            let after = self.chance.of(&[0, 30, 120, 400]);
            self.bytes(after, &piece);
        }
    }

    /// Another order, another letter, one twice; sometimes corrected, into something that is still wrong.
    fn scrambled(&mut self) {
        let mut order: Vec<usize> = (0..4).collect();
        let a = self.chance.below(4) as usize;
        let b = (a + 1 + self.chance.below(3) as usize) % 4;
        match self.chance.below(3) {
            0 => order.swap(a, b),
            1 => order.insert(a, b),
            _ => drop(order.remove(a)),
        }
        for n in order {
            let (after, c) = (self.pace(), self.letter(n));
            self.bytes(after, &[c]);
            if self.chance.one_in(8) {
                self.bytes(100, b"\x7f");
            }
        }
        self.bytes(100, b"\r");
    }

    /// What must not happen between two characters of a token.
    fn break_it(&mut self) {
        match self.chance.below(8) {
            0 => {
                let (columns, rows) = self.chance.of(&SIZES[1..4]);
                self.push(30, Act::Size(columns, rows));
                if self.chance.one_in(2) {
                    self.push(200, Act::Size(100, 30));
                }
            }
            1 => {
                // The size changes while the program is busy.
                let (columns, rows) = self.chance.of(SIZES);
                self.push(10, Act::Stall);
                self.push(10, Act::Size(columns, rows));
            }
            2 => {
                let away = self.chance.within(1, 5_000);
                self.push(60, Act::Away(away));
            }
            3 => {
                let world = self.chance.of(&[World::Rights, World::Rights, World::Journal, World::Edited]);
                self.push(60, Act::World(world));
            }
            4 => self.bytes(60, b"\x1b"),
            5 => {
                self.bytes(60, b"\x1b");
                self.bytes(300, b"a");
            }
            6 => {
                let report = self.chance.of(REPORTS);
                self.bytes(60, report);
                let c = self.letter(0);
                self.bytes(60, &[c]);
            }
            _ => {
                let page: &[u8] = self.chance.of(&[b"\x1b[27u", b"\x03", b"\x7f", b"\x1b\x1b", b"?"]);
                self.bytes(80, page);
            }
        }
    }
}

/// The whole gesture as a person does it, after some disorder.
pub fn honest(seed: u64, token: impl Fn(Begin) -> String) -> Stream {
    let mut chance = Chance::new(seed ^ 0x0e57);
    let begin = chance.of(&[Begin::Armed, Begin::Read, Begin::Fresh, Begin::Read]);
    let vim = chance.one_in(2);
    let slow = chance.of(&[0, 0, 5, 30]);
    let word = token(begin);
    let mut maker = Maker { chance, token: word.as_bytes(), steps: Vec::new() };
    if begin != Begin::Armed {
        maker.push(950, Act::Rest);
        maker.bytes(60, b"a");
    }
    maker.push(400, Act::Rest);
    if maker.chance.one_in(3) {
        // A wrong letter, seen and corrected.
        let after = maker.pace();
        maker.bytes(after, b"1");
        maker.bytes(200, b"\x7f");
    }
    for n in 0..4 {
        let (after, c) = (maker.pace(), maker.letter(n));
        maker.bytes(after, &[c]);
        if maker.chance.one_in(4) {
            let report = maker.chance.of(&[b"\x1b[I".as_slice(), b"\x1b[0n", b"\x1b[<64;5;5M"]);
            maker.bytes(50, report);
        }
    }
    let steps = maker.steps;
    Stream { seed, begin, vim, lively: seed.is_multiple_of(4), slow, steps }
}
