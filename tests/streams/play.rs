//! Plays a stream: bytes through the real reader of the terminal, keys through the real screen and keymap, commands
//! through the real engine, frames really drawn. The clock is the stream's own. What of a card is visible is drawn once
//! for each situation that differs in it, and drawn again now and then to see that it was so.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use goaround::domain::clean::Clean;
use goaround::engine::analysis::Analysis;
use goaround::engine::event::{Command, Event, Shown};
use goaround::engine::gate::Gesture;
use goaround::engine::record;
use goaround::engine::view::Screen;
use goaround::engine::{Effect, State};
use goaround::shell::hand::{self, Fit};
use goaround::shell::screen::parser::Told;
use goaround::shell::screen::reader::{Ears, Heard, Line, Typed};
use goaround::ui::Ui;
use goaround::ui::keymap::{COMMANDS, Keymap};
use goaround::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::desk::{BEGINS, Begin, Desk};
use super::judge::{Frame, Judge};
use super::stream::{Act, Stream, World};
use crate::story::key;

/// Between two frames, as the terminal has it.
const FRAME: Duration = Duration::from_millis(66);
/// One of so many frames that are known is drawn all the same.
const SAMPLE: u64 = 4_096;

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The token was on the screen at some time.
    pub armed: bool,
    /// It was approved.
    pub approved: bool,
    /// By a hand that saw what it did.
    pub honest: bool,
    /// A character of a token decided about another card.
    pub decided: bool,
}

impl Outcome {
    pub fn is_accident(self) -> bool {
        self.approved && !self.honest || self.decided
    }
}

/// One thread's worlds, screens and memory of what is visible.
pub struct Player {
    desks: Vec<Desk>,
    uis: [Ui; 2],
    known: BTreeMap<u64, Frame>,
    draws: u64,
    base: Instant,
}

/// What waits for the program.
enum Item {
    Heard(Heard, usize),
    Size,
    Away(Duration),
    World(World),
}

fn ui(keymap: &str) -> Ui {
    let built_in = |all: &[(&'static str, &'static str)], name: &str| {
        all.iter().find(|(known, _)| *known == name).expect("built in").1
    };
    let theme = Theme::parse(built_in(goaround::ui::theme::BUILT_IN, "dark"), "dark.toml").expect("a theme");
    let source = built_in(goaround::ui::keymap::BUILT_IN, keymap);
    Ui::new(theme, Keymap::parse(source, "keymap.toml", COMMANDS).expect("a keymap"))
}

impl Player {
    #[allow(clippy::disallowed_methods, reason = "any moment will do to count from")]
    pub fn new() -> Self {
        let base = Instant::now();
        let desks = BEGINS.into_iter().map(Desk::new).collect();
        Self { desks, uis: [ui("default"), ui("vim")], known: BTreeMap::new(), draws: 0, base }
    }

    /// The token of the card that a stream begins with.
    pub fn token(&self, begin: Begin) -> String {
        self.desks.iter().find(|d| d.begin == begin).expect("each").token.clone()
    }

    /// Plays a stream from its begin.
    pub fn play(&mut self, stream: &Stream) -> Outcome {
        let desk = self.desks.iter_mut().find(|d| d.begin == stream.begin).expect("each");
        desk.reset(stream.lively);
        let ui = &mut self.uis[usize::from(stream.vim)];
        // Keys of a sequence that the last stream began.
        let escape = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        ui.key(&desk.state, escape, 0);
        let typed = Typed::default();
        let start = desk.mono + Duration::from_millis(20);
        let (held, lines) = card(&desk.story.state);
        let read = matches!(stream.begin, Begin::Armed | Begin::Waits | Begin::Read | Begin::Reason);
        let judge = Judge::new(&desk.token, held, lines, read);
        let armed = matches!(stream.begin, Begin::Armed | Begin::Waits);
        let judge = if armed { judge.armed(desk.mono) } else { judge };
        let mut run = Run {
            size: desk.size,
            judge,
            lively: stream.lively,
            now: start,
            busy: start,
            drawn: Duration::ZERO,
            fit: Fit::default(),
            ears: Ears::new(self.base, typed.clone()),
            typed,
            last_piece: start,
            pieces: 0,
            queue: VecDeque::new(),
            stalled: false,
            changed: false,
            sending: None,
            slow: Duration::from_millis(u64::from(stream.slow)),
            outcome: Outcome::default(),
            base: self.base,
            records: 0,
            desk,
            ui,
            known: &mut self.known,
            draws: &mut self.draws,
        };
        run.draw();
        run.go(stream);
        Outcome { armed: run.judge.was_armed, ..run.outcome }
    }
}

/// One stream under way.
struct Run<'p> {
    desk: &'p mut Desk,
    ui: &'p mut Ui,
    known: &'p mut BTreeMap<u64, Frame>,
    draws: &'p mut u64,
    base: Instant,
    judge: Judge,
    lively: bool,
    size: (u16, u16),
    now: Duration,
    /// The program does something else until then.
    busy: Duration,
    drawn: Duration,
    fit: Fit,
    ears: Ears,
    typed: Typed,
    last_piece: Duration,
    pieces: usize,
    queue: VecDeque<(Duration, Item)>,
    stalled: bool,
    changed: bool,
    /// A frame that is being written, until then.
    sending: Option<(Duration, Frame, (u16, u16))>,
    slow: Duration,
    outcome: Outcome,
    /// Effects that were looked at.
    records: usize,
}

/// What happens next by itself.
enum Next {
    Sent,
    Silence,
    Item,
    Draw,
}

impl Run<'_> {
    fn go(&mut self, stream: &Stream) {
        let mut clock = self.now;
        for step in &stream.steps {
            clock += Duration::from_millis(u64::from(step.after));
            if !self.advance(clock) {
                return;
            }
            match &step.act {
                Act::Bytes(bytes) => self.piece(bytes, clock),
                Act::Rest => self.event(Event::Tick, clock),
                Act::Stall => self.stalled = true,
                Act::Resume => {
                    self.stalled = false;
                    self.busy = self.busy.max(clock);
                }
                Act::Size(columns, rows) => {
                    self.size = (*columns, *rows);
                    self.judge.resized(clock);
                    // A signal is heard before any key that waits.
                    self.queue.push_front((clock, Item::Size));
                }
                Act::Away(ms) => {
                    let away = Duration::from_millis(u64::from(*ms));
                    self.queue.push_back((clock, Item::Away(away)));
                    clock += away;
                }
                Act::World(world) => self.queue.push_back((clock, Item::World(*world))),
            }
        }
        self.stalled = false;
        self.busy = self.busy.max(clock);
        self.advance(clock + Duration::from_secs(3));
    }

    /// One read of the terminal.
    fn piece(&mut self, bytes: &[u8], at: Duration) {
        self.pieces += 1;
        self.last_piece = at;
        let heard = self.ears.hear(bytes, self.base + at);
        self.hear(heard, at);
    }

    fn hear(&mut self, heard: Vec<Heard>, at: Duration) {
        let piece = self.pieces;
        self.queue.extend(heard.into_iter().map(|heard| (at, Item::Heard(heard, piece))));
    }

    /// Lets everything happen until then; false: it is over.
    fn advance(&mut self, until: Duration) -> bool {
        loop {
            if self.is_over() {
                return false;
            }
            let sent = self.sending.as_ref().map(|(at, ..)| (*at, Next::Sent));
            let patience = self.ears.patience(&Line::default());
            let silence = patience.map(|patience| (self.last_piece + patience, Next::Silence));
            let free = !self.stalled && self.sending.is_none();
            let item = self.queue.front().filter(|_| free).map(|(at, _)| ((*at).max(self.busy), Next::Item));
            let waits = free && self.changed && self.queue.is_empty();
            let draw = waits.then(|| (self.busy.max(self.drawn + FRAME), Next::Draw));
            let next = [sent, silence, item, draw].into_iter().flatten().min_by_key(|(at, _)| *at);
            let Some((at, next)) = next.filter(|(at, _)| *at <= until) else {
                self.now = self.now.max(until);
                return true;
            };
            self.now = self.now.max(at);
            match next {
                Next::Sent => self.sent(),
                Next::Silence => {
                    self.last_piece = at;
                    let heard = self.ears.silence(self.base + at);
                    self.hear(heard, at);
                }
                Next::Item => {
                    if let Some((came, item)) = self.queue.pop_front() {
                        self.item(item, came, at);
                    }
                }
                Next::Draw => self.draw(),
            }
        }
    }

    /// Approved, left, or the world moves where it was to stand still.
    fn is_over(&self) -> bool {
        let state = &self.desk.story.state;
        let moves = !self.lively && state.reviewed_mono < self.now;
        self.outcome.approved || self.outcome.decided || state.quitting || moves
    }

    fn item(&mut self, item: Item, came: Duration, now: Duration) {
        match item {
            Item::Heard(heard, piece) => {
                self.told(&heard.told, came, piece);
                let fits = self.fit.counts(heard.read);
                let stroke = heard.stroke();
                let command = hand::command(self.ui, &self.desk.story.state, heard.told, stroke, fits);
                if let Some(command) = command {
                    self.command(command, now);
                }
            }
            Item::Size => {
                self.judge.learnt();
                self.fit.resized();
            }
            Item::Away(away) => {
                self.judge.void();
                for at in [now, now + away] {
                    if let Some(command) = hand::returned(&self.desk.story.state) {
                        self.command(command, at);
                    }
                }
                self.busy = now + away;
                self.now = self.busy;
            }
            Item::World(world) => {
                self.world(world, now);
                self.changed = true;
                return;
            }
        }
        if self.is_over() {
            return;
        }
        if self.queue.is_empty() || self.now.saturating_sub(self.drawn) >= FRAME {
            self.draw();
        } else {
            self.changed = true;
        }
    }

    /// What the judge makes of a key.
    fn told(&mut self, told: &Told, came: Duration, piece: usize) {
        let Told::Key(key) = told else { return };
        if key.kind != KeyEventKind::Press {
            return;
        }
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if plain => self.judge.char(c, came, piece),
            KeyCode::Backspace => self.judge.erased(),
            KeyCode::Esc => self.judge.void(),
            _ => {}
        }
    }

    fn command(&mut self, command: Command, now: Duration) {
        self.event(Event::Command(command), now);
    }

    fn event(&mut self, event: Event, now: Duration) {
        let at = self.desk.at(now);
        let story = &mut self.desk.story;
        story.now = story.now.max(at);
        // The story counts a millisecond for each event.
        story.mono = story.mono.max(now.saturating_sub(Duration::from_millis(1)));
        story.event(event);
        self.after();
    }

    /// Looks at what followed.
    fn after(&mut self) {
        let story = &self.desk.story;
        // The moment that the engine was told: each event of a story has one of its own.
        let told = story.mono;
        for (_, effects) in &story.trace[self.records..] {
            for effect in effects {
                match effect {
                    Effect::Recheck(..) | Effect::Execute(_) => {
                        self.outcome.approved = true;
                        self.outcome.honest = self.judge.honest(told);
                    }
                    Effect::Record { kind: record::WAITED, .. } => {
                        self.outcome.decided = self.judge.startles(told);
                    }
                    _ => {}
                }
            }
        }
        self.records = story.trace.len();
        let (held, lines) = card(&story.state);
        let proposal = story.state.incidents.get(&key("api")).and_then(|i| i.proposal.as_ref());
        self.judge.card(proposal.map(|p| p.token.as_str()), held, lines);
    }

    fn world(&mut self, world: World, now: Duration) {
        let (at, mono) = (self.desk.at(now), now);
        let story = &mut self.desk.story;
        story.now = story.now.max(at);
        story.mono = story.mono.max(mono);
        if !self.lively {
            match world {
                World::Late => {
                    story.now += chrono::TimeDelta::seconds(900);
                    story.event(Event::Tick);
                }
                World::Figures => change(&mut story.state, |a| a.gates[0].line = Clean::new("5m 201x")),
                World::Healed => change(&mut story.state, |a| a.fingerprint.push_str("|healed")),
                World::Neighbour => change(&mut story.state, |_| {}),
                World::Rights | World::Edited | World::Journal => change(&mut story.state, |a| {
                    if a.blocks.pop().is_none() {
                        a.blocks.push("no right".into());
                    }
                }),
            }
            self.after();
            return;
        }
        match world {
            World::Figures => {
                story.workload_mut("api").burns[0] += 3.0;
                story.slos();
            }
            World::Rights => {
                story.rights = !story.rights;
                let allowed = story.rights;
                let rights: Vec<_> = story.state.world.rights.keys().cloned().collect();
                let rights = rights.into_iter().map(|right| (right, allowed)).collect();
                story.signal(goaround::domain::signal::Signal::Rights(rights));
            }
            World::Edited => {
                let deployment = &mut story.workload_mut("api").deployment;
                deployment["metadata"]["generation"] = 6.into();
                deployment["metadata"]["annotations"]["touched"] = "by somebody".into();
                story.objects();
                story.slos();
            }
            World::Neighbour => {
                story.workload_mut("web").burn(crate::story::at("11:59:00"), 0.3);
                story.slos();
            }
            World::Journal => {
                story.event(Event::Journal(Err(Clean::new("disk full")), story.past.clone()));
                story.slos();
            }
            World::Healed => story.heal("api"),
            World::Late => story.jump(900),
        }
        self.after();
    }

    /// A frame goes out; it is on the terminal when its write has ended.
    fn draw(&mut self) {
        self.changed = false;
        self.drawn = self.now;
        let frame = self.look();
        self.sending = Some((self.now + self.slow, frame, self.size));
        if self.slow.is_zero() {
            self.sent();
        }
    }

    fn sent(&mut self) {
        let Some((at, frame, size)) = self.sending.take() else { return };
        self.busy = self.busy.max(at);
        self.judge.frame(&frame, size, self.size, self.drawn, at);
        self.fit.drawn(self.typed.last());
        let shown = Shown { read: self.typed.last(), ..frame.shown };
        self.event(Event::Shown(shown), at);
    }

    /// What is to be seen now.
    fn look(&mut self) -> Frame {
        let situation = situation(&self.desk.story.state, self.size);
        *self.draws += 1;
        let known = self.known.get(&situation);
        if let Some(known) = known.filter(|_| !(*self.draws).is_multiple_of(SAMPLE)) {
            return known.clone();
        }
        let drawn = really_drawn(self.ui, &self.desk.story.state, self.size);
        if let Some(known) = known {
            let of = |frame: &Frame| {
                let shown = &frame.shown;
                (shown.digest.clone(), shown.lines.clone(), shown.large_enough, frame.asks)
            };
            assert_eq!(of(known), of(&drawn), "the same situation showed something else");
        }
        self.known.insert(situation, drawn.clone());
        drawn
    }
}

/// The card alone changes, as a review would change it.
fn change(state: &mut State, edit: impl Fn(&mut Analysis)) {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(&key("api")) else { return };
    let Some(proposal) = &mut incident.proposal else { return };
    let mut newer = proposal.analysis.clone();
    edit(&mut newer);
    if proposal.gesture != Gesture::Decided {
        proposal.refresh(newer, now);
    }
}

/// Draws it.
fn really_drawn(ui: &Ui, state: &State, (columns, rows): (u16, u16)) -> Frame {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    let shown = ui.paint(state, &mut buffer).shown;
    let token = state.incidents.get(&key("api")).and_then(|i| i.proposal.as_ref()).map(|p| &p.token);
    let asks = token.is_some_and(|token| {
        let words = format!("type {token} to approve");
        (0..rows).any(|y| {
            let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
            line.contains(&words)
        })
    });
    Frame { shown, asks }
}

/// What must not change under a hand, and how many consequences there are.
fn card(state: &State) -> (u64, usize) {
    let Some(proposal) = state.incidents.get(&key("api")).and_then(|i| i.proposal.as_ref()) else {
        return (0, 0);
    };
    let mut hasher = DefaultHasher::new();
    proposal.held.hash(&mut hasher);
    proposal.opened_mono.hash(&mut hasher);
    let lines =
        proposal.analysis.plan.as_ref().map_or(0, |p| p.changes.len() + p.not_restored.len() + p.also.len());
    (hasher.finish(), lines)
}

struct Words(DefaultHasher);

impl std::fmt::Write for Words {
    fn write_str(&mut self, words: &str) -> std::fmt::Result {
        self.0.write(words.as_bytes());
        Ok(())
    }
}

/// Everything on which depends what of a card is visible.
fn situation(state: &State, size: (u16, u16)) -> u64 {
    let mut words = Words(DefaultHasher::new());
    size.hash(&mut words.0);
    let view = &state.view;
    (view.palette.is_some(), view.help, view.scroll).hash(&mut words.0);
    let _ = write!(words, "{:?}", view.screen);
    if let Screen::Card(shown) = &view.screen
        && let Some(incident) = state.incidents.get(shown)
    {
        let running = incident.running.as_ref().map(|r| &r.phase);
        let _ = write!(words, "{running:?}");
        if let Some(proposal) = &incident.proposal {
            proposal.held.hash(&mut words.0);
            let (gesture, long) = match &proposal.gesture {
                Gesture::Idle => (0, 0),
                Gesture::Reason(text) => (1, proposal.unnamed(text).count()),
                Gesture::Token { .. } => (2, 0),
                Gesture::Rejecting(_) => (3, 0),
                Gesture::Editing(draft) => (4, draft.field),
                Gesture::Decided => (5, 0),
                Gesture::Settling(_) => (6, 0),
            };
            // How many rows a note takes, not what it says.
            let note = proposal.note.as_ref().map(|note| note.as_str().chars().count() / 10);
            (gesture, long, note).hash(&mut words.0);
        }
    }
    words.0.finish()
}
