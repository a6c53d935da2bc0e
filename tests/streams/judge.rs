//! What an accident is, said without the gate's own words: looks at bytes, at when they came, and at what frames really
//! showed. Approving is no accident only when the token was typed in its order, each character in a read of its own and
//! all of them over the time that a hand needs, after the token was shown on a card that was read whole, did not change
//! since, and stands on a frame as large as its terminal.

use std::time::Duration;

use goaround::engine::event::Shown;
use goaround::engine::gate::SEEN_AFTER;

/// A hand needs longer for a token.
const HAND: Duration = Duration::from_millis(40);

/// What a frame showed.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    pub shown: Shown,
    /// The token is on it, in the line that asks for it.
    pub asks: bool,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    c: char,
    at: Duration,
    read: usize,
    /// It may have been thrown away.
    doubtful: bool,
}

/// Watches one stream.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    token: String,
    /// What must not change under the hand.
    held: u64,
    lines: Vec<Line>,
    /// The token is on the screen since.
    asked: Option<Duration>,
    /// Since then; `None` erases.
    typed: Vec<Option<Press>>,
    /// What was drawn before this is no frame for the terminal, not even when it has its old size again.
    resized: Duration,
    /// The program may throw away what came until then: it was told of another size, and had drawn nothing since.
    doubt: Duration,
    /// What came last is a character that counts.
    counts: bool,
    startled: Startled,
    pub was_armed: bool,
}

/// What is known of one consequence.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    since: Option<Duration>,
    read: bool,
}

/// The card changed while its token was asked for.
#[derive(Clone, Copy, Debug, Default)]
enum Startled {
    #[default]
    No,
    Unseen,
    Seen(Duration),
}

impl Judge {
    /// A card with so many consequences; `read`: a person has read them before the stream begins.
    pub fn new(token: &str, held: u64, lines: usize, read: bool) -> Self {
        let line = Line { since: None, read };
        Self { token: token.to_owned(), held, lines: vec![line; lines], ..Self::default() }
    }

    /// The token was on the screen before the stream begins.
    pub fn armed(mut self, since: Duration) -> Self {
        (self.asked, self.was_armed) = (Some(since), true);
        self
    }

    /// The terminal has another size: what stands on it is no frame for it.
    pub fn resized(&mut self, at: Duration) {
        (self.asked, self.resized) = (None, at);
    }

    /// The program was told that it has.
    pub fn learnt(&mut self) {
        self.doubt = Duration::MAX;
    }

    /// A frame of this size, drawn then, is on the terminal, which has that one.
    pub fn frame(
        &mut self,
        frame: &Frame,
        size: (u16, u16),
        terminal: (u16, u16),
        drawn: Duration,
        at: Duration,
    ) {
        for (n, line) in self.lines.iter_mut().enumerate() {
            let whole = frame.shown.digest.is_some() && frame.shown.lines.contains(&n);
            // It was there until now.
            line.read |= line.since.is_some_and(|since| at.saturating_sub(since) >= SEEN_AFTER);
            line.since = if whole { line.since.or(Some(at)) } else { None };
        }
        if let Startled::Unseen = self.startled {
            self.startled = Startled::Seen(at);
        }
        self.doubt = self.doubt.min(at);
        let large = size.0 >= 80 && size.1 >= 24;
        if frame.asks && large && frame.shown.digest.is_some() {
            self.was_armed = true;
            if size == terminal && drawn >= self.resized {
                self.asked.get_or_insert(at);
            }
        } else {
            self.void();
        }
    }

    /// What is true of the card now: its token, what it says, how many consequences it has.
    pub fn card(&mut self, token: Option<&str>, held: u64, lines: usize) {
        if token == Some(self.token.as_str()) && held == self.held {
            return;
        }
        if self.asked.is_some() {
            self.startled = Startled::Unseen;
        }
        self.void();
        self.token = token.unwrap_or_default().to_owned();
        self.held = held;
        self.lines = vec![Line::default(); lines];
    }

    /// Somebody else has the terminal, or the gesture begins anew.
    pub fn void(&mut self) {
        self.asked = None;
        self.typed.clear();
    }

    /// A character came in the read number `read`, at `at`.
    pub fn char(&mut self, c: char, at: Duration, read: usize) {
        // Read when the frame was whole on the terminal, in the same millisecond at the earliest.
        let seen = self.asked.is_some_and(|asked| at >= asked);
        self.counts = seen && !c.is_whitespace();
        if self.counts {
            let doubtful = at <= self.doubt;
            self.typed.push(Some(Press { c: c.to_ascii_uppercase(), at, read, doubtful }));
        }
    }

    /// What is typed last is erased.
    pub fn erased(&mut self) {
        self.counts = false;
        self.typed.push(None);
    }

    /// What came last made the token whole, and a hand did it: in as many places as it has, where one more character has
    /// no place, from the first or from a later one on, because a gate that finds characters too fast begins anew; with or
    /// without what may have been thrown away.
    fn whole(&self) -> bool {
        let places = self.token.len();
        let field = |typed: &[Option<Press>], doubtful: bool| {
            let mut field: Vec<Press> = Vec::new();
            for press in typed {
                match press {
                    Some(press) if press.doubtful && !doubtful => {}
                    Some(press) if field.len() < places => field.push(*press),
                    Some(_) => {}
                    None => drop(field.pop()),
                }
            }
            field
        };
        let Some(Some(last)) = self.typed.last().filter(|_| self.counts) else { return false };
        let hand =
            |doubtful| (0..self.typed.len()).any(|from| self.by_hand(&field(&self.typed[from..], doubtful)));
        hand(true) || !last.doubtful && hand(false)
    }

    /// The token, each character of it in a read of its own.
    fn by_hand(&self, field: &[Press]) -> bool {
        let (Some(first), Some(last)) = (field.first(), field.last()) else { return false };
        field.windows(2).all(|pair| pair[0].read != pair[1].read)
            && last.at - first.at >= HAND
            && field.iter().map(|press| press.c).eq(self.token.chars())
    }

    /// It was approved now: by a hand that saw what it did?
    pub fn honest(&self, now: Duration) -> bool {
        let since = |line: &Line| line.since.is_some_and(|since| now.saturating_sub(since) >= SEEN_AFTER);
        self.whole() && self.lines.iter().all(|line| line.read || since(line))
    }

    /// A key decides now that was meant for a token.
    pub fn startles(&self, now: Duration) -> bool {
        match self.startled {
            Startled::No => false,
            Startled::Unseen => true,
            Startled::Seen(at) => now.saturating_sub(at) < SEEN_AFTER,
        }
    }
}
