//! The gate: the state machine between a card on the screen and an approved action, and the owner of [`Approved`].
//!
//! ```text
//! Idle --a, every effect line seen--> Reason (if a gate is not pass) --enter--> Token --4 characters--> approved
//!   \--r--> Rejecting --enter--> rejected      \--w--> waited      any text state --esc--> Idle
//! ```
//! No single key, Enter, repeat, paste or type-ahead leads to the end: the token is shown only when armed, and typed
//! characters count only after a frame that showed it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use crate::domain::Time;
use crate::domain::advice::Dissent;
use crate::domain::clean::Clean;
use crate::domain::cluster::ContentDigest;
use crate::domain::diff;
use crate::domain::format;
use crate::domain::notice::Ruling;
use crate::domain::plan::Call;
use crate::domain::verdict::Gate;
use crate::sabotage::{self, Design};

use super::analysis::Analysis;
use super::event::{ActionId, Shown};

/// An effect line counts as seen when it was whole on the screen for this long, unchanged.
pub const SEEN_AFTER: Duration = Duration::from_millis(800);
/// Four characters that arrive within this were not typed by a hand.
const TOO_FAST: Duration = Duration::from_millis(40);
/// Characters of a token: no I, L, O, 0, 1, which look alike.
const ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// The note while there is no room; it goes when there is.
const TOO_SMALL: &str = "cannot be approved: the screen is smaller than 80x24";
/// Length of a token.
pub const TOKEN: usize = 4;

/// What kind of consequence a line tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectKind {
    /// It changes.
    Changes,
    /// It stays as it is although it changed.
    NotRestored,
    /// It follows from it.
    Also,
}

/// A consequence that must have been on the screen before approving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EffectLine {
    /// Which kind.
    pub kind: EffectKind,
    /// The sentence.
    pub text: Clean,
}

/// Where the person is.
#[derive(Clone, PartialEq, Debug)]
pub enum Gesture {
    /// Nothing pressed.
    Idle,
    /// Armed; a reason is wanted that names each gate that is not `pass`.
    Reason(String),
    /// Armed; the token is shown and wanted.
    Token {
        /// The reason given.
        reason: String,
        /// Typed so far, with time and number of the terminal read.
        typed: Vec<(char, Duration, u64)>,
        /// The token was on the screen since then, and since this read of the terminal.
        shown: Option<(Duration, u64)>,
    },
    /// A reason for the rejection is wanted.
    Rejecting(String),
    /// What became of an earlier action is being said.
    Settling(String),
    /// The proposal is being edited.
    Editing(Draft),
    /// Decided; the action goes its way.
    Decided,
}

/// The edit form.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Draft {
    /// Which field has the focus: 0 target, 1 restore, 2 reason.
    pub field: usize,
    /// Index into the rows of the timeline.
    pub target: usize,
    /// Restore ConfigMaps as well.
    pub restore: bool,
    /// The reason, from the text area.
    pub reason: String,
}

/// An approval of this session that is not enough by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Given {
    /// The reason.
    pub reason: String,
    /// When.
    pub at: Time,
    /// When, monotonic.
    pub mono: Duration,
    /// It is being written and counted; else it waits for others.
    pub counting: bool,
}

/// What a gesture led to.
#[derive(Clone, PartialEq, Debug)]
pub enum Decision {
    /// Nothing yet.
    None,
    /// Approved, with the reason.
    Approve(String),
    /// Rejected, with the reason.
    Reject(String),
    /// An earlier action is settled, with the word.
    Settle(String),
}

/// How long each effect line has been whole on the screen.
#[derive(Clone, PartialEq, Debug, Default)]
struct Sight(BTreeMap<usize, Seen>);

/// Whether a card changed while somebody typed on it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Startle {
    None,
    /// And no frame showed it yet.
    Unseen,
    /// And a frame shows it since.
    Since(Duration),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Seen {
    Since(Duration),
    Done,
}

/// An open card.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    /// What it shows; figures move, what is under the digest does not.
    pub analysis: Analysis,
    /// Digest of the plan; of the fingerprint, where nothing is offered that acts.
    pub digest: ContentDigest,
    /// The token.
    pub token: String,
    /// When it was opened.
    pub opened: Time,
    /// When it was opened, monotonic.
    pub opened_mono: Duration,
    /// When it becomes void by the monotonic clock.
    pub expires_mono: Duration,
    /// When anything but figures changed last.
    pub drawn: Time,
    /// When it becomes void.
    pub expires: Time,
    /// Where the person is.
    pub gesture: Gesture,
    /// A word to the person: why nothing happened.
    pub note: Option<Clean>,
    /// The model sees it differently: one more word is wanted. A word from a fixed list, never a text.
    pub dissent: Option<Dissent>,
    /// What STILL TRUE compares: facts that must not change.
    pub held: String,
    /// This session approved, and more people are wanted.
    pub given: Option<Given>,
    /// Approvals of the quorum that was met, and until when each holds by the monotonic clock.
    pub counted: Vec<(Ruling, Duration)>,
    sight: Sight,
    startle: Startle,
    /// Whether the last frame had room for approving; `None`: no frame showed this card yet.
    large_enough: Option<bool>,
}

impl Proposal {
    /// Opens a card.
    pub fn open(analysis: Analysis, now: Time, mono: Duration, void_after: TimeDelta) -> Self {
        let digest = analysis
            .digest
            .clone()
            .unwrap_or_else(|| ContentDigest::of_bytes(analysis.fingerprint.as_bytes()));
        let target = analysis.target.as_ref().map_or("", |t| t.0.as_str());
        Self {
            token: token(&digest, target),
            held: held(&analysis),
            digest,
            opened: now,
            opened_mono: mono,
            expires_mono: mono + void_after.to_std().unwrap_or_default(),
            drawn: now,
            expires: now + void_after,
            gesture: Gesture::Idle,
            note: None,
            dissent: None,
            given: None,
            counted: Vec::new(),
            sight: Sight::default(),
            startle: Startle::None,
            large_enough: None,
            analysis,
        }
    }

    /// Nobody decided in time, by either clock: wall clocks can be set back. A scaled world runs faster than the
    /// hand's clock, never slower, so there this clock is only the later of the two.
    pub fn void(&self, now: Time, mono: Duration) -> bool {
        now >= self.expires || (mono >= self.expires_mono && !sabotage::is(Design::WallClockOnly))
    }

    /// How the screens and the log call it: never by its token, which is shown only when armed.
    pub fn name(&self) -> &str {
        self.digest.short().get(..8).unwrap_or_default()
    }

    /// How records call it.
    pub fn id(&self) -> String {
        format!("{}-{}", self.digest.short(), self.opened.format("%H%M%S"))
    }

    /// All consequences, in the order of the card.
    pub fn effect_lines(&self) -> Vec<EffectLine> {
        effect_lines(&self.analysis)
    }

    /// Newer figures for the same card. When what must not change changed, whatever was pressed is void and every
    /// line must be seen again.
    pub fn refresh(&mut self, analysis: Analysis, now: Time) -> bool {
        let held = held(&analysis);
        let same = held == self.held;
        self.analysis = analysis;
        if !same {
            self.held = held;
            self.drawn = now;
            self.sight = Sight::default();
            // What was approved is not so any more.
            self.given = None;
            match self.gesture {
                Gesture::Decided => {}
                _ if sabotage::is(Design::TokenUnbound) => {}
                // Why nothing happened then may not be so any more.
                Gesture::Idle => self.note = None,
                _ if sabotage::is(Design::TokenSurvivesChange) => {}
                _ => {
                    self.gesture = Gesture::Idle;
                    self.startle = Startle::Unseen;
                    self.note =
                        Some(Clean::new("the card changed while you read it: look again, then arm again"));
                }
            }
        }
        !same
    }

    /// Takes the report of a drawn frame.
    pub fn shown(&mut self, shown: &Shown, mono: Duration) {
        let ours = shown.digest.as_ref() == Some(&self.digest);
        self.large_enough = ours.then_some(shown.large_enough);
        let armed = matches!(self.gesture, Gesture::Reason(_) | Gesture::Token { .. });
        if armed && self.large_enough != Some(true) && !sabotage::is(Design::TooSmallApproves) {
            // What cannot be read cannot be approved, whatever was read before.
            self.gesture = Gesture::Idle;
            self.note = Some(Clean::new(TOO_SMALL));
        }
        if self.large_enough == Some(true) && self.note.as_ref().is_some_and(|n| n == TOO_SMALL) {
            self.note = None;
        }
        if ours && self.startle == Startle::Unseen {
            self.startle = Startle::Since(mono);
        }
        let lines: &[usize] = if ours { &shown.lines } else { &[] };
        self.sight.update(lines, mono);
        if let (Gesture::Token { shown: first, .. }, true) = (&mut self.gesture, ours) {
            first.get_or_insert((mono, shown.read));
        }
    }

    /// This card took the place of one on which somebody was typing.
    pub fn startles(&mut self) {
        self.startle = Startle::Unseen;
    }

    /// The card changed under a hand that was typing, and nobody had the time to see it: what is pressed now was meant
    /// for the card before, and `w` of a token is no wish to wait.
    pub fn startled(&self, mono: Duration) -> bool {
        match self.startle {
            Startle::None => false,
            Startle::Unseen => !sabotage::is(Design::TokenDecides),
            Startle::Since(at) => mono.saturating_sub(at) < SEEN_AFTER && !sabotage::is(Design::TokenDecides),
        }
    }

    /// Effect lines that were not on the screen for long enough yet.
    pub fn unseen(&self, mono: Duration) -> usize {
        (0..self.effect_lines().len()).filter(|line| !self.sight.seen(*line, mono)).count()
    }

    /// `a`: arms, if every effect line was seen and nothing disables approving.
    pub fn arm(&mut self, mono: Duration, given: &str) {
        if self.gesture != Gesture::Idle {
            return;
        }
        self.note = None;
        if let Some(block) = self.analysis.blocks.first() {
            self.note = Some(Clean::new(format!("cannot be approved: {block}")));
        } else if self.large_enough == Some(false) && !sabotage::is(Design::TooSmallApproves) {
            self.note = Some(Clean::new(TOO_SMALL));
        } else if self.unseen(mono) > 0 && !sabotage::is(Design::UnreadArms) {
            let left = self.unseen(mono);
            let lines = format::several(left, "effect line");
            self.note = Some(Clean::new(format!("{lines} not read yet: to be shown for 0.8 s (pgdn)")));
        } else if self.large_enough.is_none() {
            self.note = Some(Clean::new("cannot be approved: the card is not on the screen"));
        } else if self.needs_reason() {
            self.gesture = Gesture::Reason(given.to_owned());
        } else {
            self.gesture = Gesture::Token { reason: given.to_owned(), typed: Vec::new(), shown: None };
        }
    }

    /// The model sees it differently now, or no longer. A token that is being typed is not taken away by an agreement,
    /// but a dissent must be named before it counts: the reason is asked for again, as it was.
    pub fn hears(&mut self, dissent: Option<Dissent>) {
        if self.dissent == dissent {
            return;
        }
        self.dissent = dissent;
        let Gesture::Token { reason, .. } = &self.gesture else { return };
        let reason = reason.clone();
        if self.unnamed(&reason).next().is_some() {
            self.gesture = Gesture::Reason(reason);
        }
    }

    /// A reason is wanted: a gate is not `pass`, it is by hand, or the model dissents.
    pub fn needs_reason(&self) -> bool {
        self.analysis.by_hand || self.dissent.is_some() || self.analysis.not_passed().next().is_some()
    }

    /// What a reason must still name: gates that are not `pass`, and a dissent.
    pub fn unnamed<'a>(&'a self, reason: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        let said = reason.to_uppercase();
        let dissent = self.dissent.map(|_| Dissent::NAME);
        let wanted = self.analysis.not_passed().map(Gate::name).chain(dissent);
        wanted.filter(move |name| !names(&said, name))
    }

    /// There are words in `reason` beside the names that were inserted.
    fn says_more(&self, reason: &str) -> bool {
        let mut rest = reason.to_uppercase();
        for name in self.analysis.not_passed().map(Gate::name).chain([Dissent::NAME]) {
            rest = rest.replace(name, "");
        }
        rest.chars().filter(|c| c.is_alphanumeric()).count() >= 2
    }

    /// A typed character.
    pub fn char(&mut self, c: char, mono: Duration, read: u64) -> Decision {
        match &mut self.gesture {
            Gesture::Reason(text) | Gesture::Rejecting(text) | Gesture::Settling(text) => {
                push(text, c);
                self.note = None;
            }
            Gesture::Token { typed, shown, .. }
                if !c.is_whitespace()
                    && (self.large_enough != Some(false) || sabotage::is(Design::TooSmallApproves))
                    && seen_before(*shown, mono, read) =>
            {
                self.note = None;
                if typed.len() < TOKEN {
                    typed.push((c.to_ascii_uppercase(), mono, read));
                }
                if typed.len() == TOKEN {
                    return self.complete();
                }
            }
            _ => {}
        }
        Decision::None
    }

    /// Four characters are there: the right ones, typed by a hand?
    fn complete(&mut self) -> Decision {
        let Gesture::Token { reason, typed, .. } = &mut self.gesture else {
            return Decision::None;
        };
        let word: String = typed.iter().map(|(c, _, _)| *c).collect();
        let (first, last) = (typed[0], typed[TOKEN - 1]);
        // A paste without brackets that a slow line tore into pieces is still no hand: two of its characters came
        // together, or at once after one another.
        let one_read = typed.windows(2).any(|pair| !stroke::apart(pair[0].2, pair[1].2));
        let too_fast = one_read || last.1.saturating_sub(first.1) < TOO_FAST;
        if too_fast && !sabotage::is(Design::OneReadApproves) {
            typed.clear();
            self.note = Some(Clean::new("too fast, type again"));
            return Decision::None;
        }
        if word != self.token {
            // Left as typed: Backspace corrects.
            self.note = Some(Clean::new(format!("{word} is not the token: backspace corrects")));
            return Decision::None;
        }
        let reason = std::mem::take(reason);
        self.gesture = Gesture::Decided;
        Decision::Approve(reason)
    }

    /// Erases.
    pub fn backspace(&mut self) {
        self.note = None;
        match &mut self.gesture {
            Gesture::Reason(text) | Gesture::Rejecting(text) | Gesture::Settling(text) => {
                text.pop();
            }
            Gesture::Token { typed, .. } => {
                typed.pop();
            }
            _ => {}
        }
    }

    /// Pasted text is taken in text fields only; a token cannot be pasted.
    pub fn paste(&mut self, pasted: &str) -> Decision {
        match &mut self.gesture {
            Gesture::Reason(text) | Gesture::Rejecting(text) | Gesture::Settling(text) => {
                pasted.chars().for_each(|c| push(text, c));
            }
            Gesture::Token { shown: Some((mono, read)), .. } if sabotage::is(Design::PasteTypes) => {
                let (mono, read) = (*mono, *read);
                let typed = (1_u32..).zip(pasted.chars());
                let decisions = typed.map(|(n, c)| self.char(c, mono + TOO_FAST * n, read + u64::from(n)));
                return decisions.last().unwrap_or(Decision::None);
            }
            Gesture::Token { .. } => self.note = Some(Clean::new("a token is typed, not pasted")),
            _ => {}
        }
        Decision::None
    }

    /// Tab in the reason: the next gate that it must name.
    pub fn insert_next_gate(&mut self) {
        let Gesture::Reason(text) = &self.gesture else {
            return;
        };
        let Some(next) = self.unnamed(text).next() else {
            return;
        };
        if let Gesture::Reason(text) = &mut self.gesture {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
            text.push_str(next);
            text.push_str(": ");
        }
    }

    /// Enter in a text field: a complete reason leads to the token, a rejection's reason to the rejection.
    pub fn submit(&mut self) -> Decision {
        match &self.gesture {
            Gesture::Reason(text) => {
                let missing: Vec<&str> = self.unnamed(text).collect();
                if text.trim().is_empty() {
                    self.note = Some(Clean::new("a reason is needed"));
                } else if !missing.is_empty() {
                    self.note = Some(Clean::new(format!(
                        "the reason must name {} (tab inserts)",
                        missing.join(", ")
                    )));
                } else if self.dissent.is_some() && !self.says_more(text) {
                    self.note =
                        Some(Clean::new("the model dissents: say in a word why you approve all the same"));
                } else {
                    let reason = text.trim().to_owned();
                    self.note = None;
                    self.gesture = Gesture::Token { reason, typed: Vec::new(), shown: None };
                }
                Decision::None
            }
            Gesture::Rejecting(text) if text.trim().is_empty() => {
                self.note = Some(Clean::new("a reason is needed"));
                Decision::None
            }
            Gesture::Rejecting(text) => {
                let reason = text.trim().to_owned();
                self.gesture = Gesture::Decided;
                Decision::Reject(reason)
            }
            Gesture::Settling(text) if text.split_whitespace().count() < 2 => {
                self.note = Some(Clean::new("say what happened, in more than a word"));
                Decision::None
            }
            Gesture::Settling(text) => {
                let word = text.trim().to_owned();
                self.gesture = Gesture::Idle;
                Decision::Settle(word)
            }
            _ => Decision::None,
        }
    }

    /// Esc: back to reading. True when there was something to leave.
    pub fn back(&mut self) -> bool {
        self.note = None;
        let left = !matches!(self.gesture, Gesture::Idle | Gesture::Decided);
        if left {
            self.gesture = Gesture::Idle;
        }
        left
    }

    /// True while characters are text.
    pub fn takes_text(&self) -> bool {
        matches!(
            self.gesture,
            Gesture::Reason(_)
                | Gesture::Token { .. }
                | Gesture::Rejecting(_)
                | Gesture::Settling(_)
                | Gesture::Editing(_)
        )
    }
}

/// What is typed counts when the token was on the screen before: before it was handled, and before it was pressed.
fn seen_before(shown: Option<(Duration, u64)>, mono: Duration, read: u64) -> bool {
    match shown {
        _ if sabotage::is(Design::TypeAhead) => true,
        Some((at, before)) => {
            mono > at && (stroke::number(read) > before || sabotage::is(Design::QueuedCounts))
        }
        None => false,
    }
}

impl Sight {
    fn update(&mut self, lines: &[usize], mono: Duration) {
        for (line, seen) in &mut self.0 {
            if let Seen::Since(since) = *seen
                && !lines.contains(line)
                && mono.saturating_sub(since) >= SEEN_AFTER
            {
                *seen = Seen::Done;
            }
        }
        self.0.retain(|line, seen| *seen == Seen::Done || lines.contains(line));
        for line in lines {
            self.0.entry(*line).or_insert(Seen::Since(mono));
        }
    }

    fn seen(&self, line: usize, mono: Duration) -> bool {
        match self.0.get(&line) {
            Some(Seen::Done) => true,
            Some(Seen::Since(since)) => mono.saturating_sub(*since) >= SEEN_AFTER,
            None => false,
        }
    }
}

/// Is `name` in `said` as words of its own? "3 hours" does not name OURS.
fn names(said: &str, name: &str) -> bool {
    said.match_indices(name).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !letter(said[..at].chars().next_back()) && !letter(said[at + name.len()..].chars().next())
    })
}

/// Longest text of a field.
const LONGEST: usize = 400;

fn push(text: &mut String, c: char) {
    if text.chars().count() < LONGEST && !c.is_control() {
        text.push(c);
    }
}

/// All consequences of an analysis' plan.
pub fn effect_lines(analysis: &Analysis) -> Vec<EffectLine> {
    let Some(plan) = &analysis.plan else {
        return Vec::new();
    };
    let line = |kind, text: String| EffectLine { kind, text: Clean::new(text) };
    let changes = plan.changes.iter().map(|c| line(EffectKind::Changes, diff::shown(c)));
    let not_restored = plan
        .not_restored
        .iter()
        .map(|n| line(EffectKind::NotRestored, format!("{} {} ({})", n.kind, n.name, n.why)));
    let also = plan.also.iter().map(|a| line(EffectKind::Also, a.to_string()));
    changes.chain(not_restored).chain(also).collect()
}

/// What STILL TRUE compares: uid, template, annotations and ConfigMap data (all under the digest), rights and other
/// blocks, verdict, gate states, target, and every consequence that was read. Figures are left out.
pub(super) fn held(analysis: &Analysis) -> String {
    let gates: Vec<&str> = analysis.gates.iter().map(|g| g.state.word()).collect();
    let digest = analysis.digest.as_ref().map_or("", |d| d.0.as_str());
    let lines: Vec<Clean> = effect_lines(analysis).into_iter().map(|line| line.text).collect();
    format!("{}|{digest}|{}|{:?}|{lines:?}", analysis.fingerprint, gates.join(","), analysis.blocks)
}

/// The token of a digest and a target: four different characters, so that no key that is held down types it.
fn token(digest: &ContentDigest, target: &str) -> String {
    let hash = Sha256::digest(format!("token|{}|{target}", digest.0));
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    let mut token = String::with_capacity(TOKEN);
    // 32 bytes hold four different ones but for a chance that nobody meets; then the rest is in their order.
    for c in hash.iter().map(letter).chain(ALPHABET.iter().map(|c| char::from(*c))) {
        if token.len() < TOKEN && !token.contains(c) {
            token.push(c);
        }
    }
    token
}

/// How a typed character names the read of the terminal that it came in.
pub mod stroke {
    /// Beside the number: the read came so soon after the one before that no hand typed both.
    pub const AT_ONCE: u64 = 1 << 63;

    /// The number of the read.
    pub fn number(stroke: u64) -> u64 {
        stroke & !AT_ONCE
    }

    /// A hand can have typed the one and then the other.
    pub fn apart(one: u64, next: u64) -> bool {
        number(one) != number(next) && next & AT_ONCE == 0
    }
}

/// Permission to execute: made in one place, from a gesture that was completed and rechecked, and from nothing else.
#[derive(Clone, PartialEq, Debug)]
pub struct Approved {
    action: ActionId,
    digest: ContentDigest,
    calls: Vec<Call>,
}

impl Approved {
    /// The action's id.
    pub fn action(&self) -> &ActionId {
        &self.action
    }

    /// Digest of what was approved.
    pub fn digest(&self) -> &ContentDigest {
        &self.digest
    }

    /// The calls, stamped with action id and approver, in order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }
}

/// Seals an action whose intent is durable. Called by [`super::incident`] when [`super::Event::Recorded`] answers the
/// intent, and nowhere else (a test counts the callers).
pub(super) fn seal(action: ActionId, digest: ContentDigest, calls: Vec<Call>) -> Approved {
    Approved { action, digest, calls }
}

/// A ULID from time and content, so that the same events give the same id.
pub(super) fn action_id(now: Time, mono: Duration, digest: &ContentDigest, by: &Clean) -> ActionId {
    let hash = Sha256::digest(format!("action|{}|{by}|{}", digest.0, mono.as_nanos()));
    let mut random = [0_u8; 16];
    random[6..].copy_from_slice(&hash[..10]);
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    ActionId(Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string())
}
