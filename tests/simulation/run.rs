//! One run: two or three operators, each with an engine of his own, one server, one or two journals, and whatever
//! goes wrong. A run is a list of moves, made by a seed or given; the same moves lead to the same run. After every step
//! it is judged (see `judge.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::Time;
use goaround::domain::advice::Advice;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{ContentDigest, Identity, Key};
use goaround::domain::inquiry::Findings;
use goaround::domain::plan::DryRun;
use goaround::domain::signal::Signal;
use goaround::domain::verdict::Gate;
use goaround::engine::analysis::Analysis;
use goaround::engine::effect::Trace;
use goaround::engine::event::{Called, Command, Shown, Ticket};
use goaround::engine::gate::{Approved, Gesture};
use goaround::engine::record;
use goaround::engine::view::Screen;
use goaround::engine::{Effect, Event};
use goaround::executor::{ReadBack, read_back, restored};

use crate::chance::Chance;
use crate::fault::Fault;
use crate::judge::Judge;
use crate::server::Server;
use crate::story::{self, Story, content, key};

/// What happens next. Numbers are taken modulo what is there; a move that is not possible is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// So many seconds pass.
    Pass(u8),
    /// The oldest task of an operator's process is done and heard of.
    Work(usize),
    /// Any task is done; its answer is on its way.
    Begin(usize, usize),
    /// Any answer arrives.
    Hear(usize, usize),
    /// A person's hand.
    Act(usize, Act),
    /// Something goes wrong.
    Strike(Fault, usize),
}

/// What a hand does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// A frame shows the card.
    Look,
    /// Almost a second of reading.
    Read,
    Arm,
    Reason,
    /// The next character of the token that the last frame showed.
    Char,
    Reject,
    Wait,
    WayBack,
    AddRestore,
    Back,
    /// To the other workload's card.
    Turn,
}

/// The whole gesture.
pub const GESTURE: [Act; 9] =
    [Act::Look, Act::Read, Act::Arm, Act::Reason, Act::Look, Act::Char, Act::Char, Act::Char, Act::Char];

/// A disk with a journal on it.
#[derive(Default)]
pub struct Host {
    pub records: Vec<(&'static str, Time, serde_json::Value)>,
    pub disk: Disk,
}

/// How a disk is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Disk {
    #[default]
    Well,
    Full,
    Broken,
    Hangs,
}

/// What a person saw last.
#[derive(Clone, Default, Debug)]
pub struct Seen {
    pub digest: Option<ContentDigest>,
    pub lines: Vec<String>,
    pub gates: String,
    pub token: Option<String>,
    /// Since when (real, monotonic) these very lines have been whole on the screen.
    pub since: Duration,
    pub typed: usize,
}

/// A task of a process.
pub enum Task {
    Do(Effect),
    /// Calls of an approved action from this one on.
    Send(Approved, usize),
}

/// A person at a process.
pub struct Operator {
    pub story: Story,
    pub alive: bool,
    pub host: usize,
    pub tasks: VecDeque<Task>,
    pub inbox: VecDeque<Event>,
    pub seen: Seen,
    /// This process' journal handle was closed by a failed sync.
    pub closed: bool,
    pub watching: bool,
    pub version: u64,
    pub skew: TimeDelta,
    /// Monotonic clocks do not begin together.
    pub began: Duration,
    pub last: Option<Event>,
    /// The plan of its hand.
    pub intention: VecDeque<Act>,
    /// Fingerprints that this process must not offer by itself any more.
    pub refused: BTreeSet<String>,
}

/// How Prometheus is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metrics {
    Well,
    Silent,
    Empty,
    Partial,
}

/// A request that may still land.
struct Late {
    until: Duration,
    approved: Approved,
    call: usize,
}

/// A run.
pub struct Run {
    pub server: Server,
    pub hosts: Vec<Host>,
    pub operators: Vec<Operator>,
    pub now: Time,
    pub mono: Duration,
    pub metrics: Metrics,
    pub dry_run: Option<DryRun>,
    pub judge: Judge,
    pub struck: BTreeMap<Fault, u64>,
    late: Vec<Late>,
    sampled: Option<Duration>,
}

impl Run {
    /// From a prepared story, with so many operators.
    pub fn new(story: impl Fn() -> Story, chance: &mut Chance) -> Self {
        let first = story();
        let count = 2 + usize::from(chance.percent(25));
        let server = Server::new(&first);
        let (now, mono) = (first.now, first.mono);
        let one_host = chance.percent(40);
        let mut operators = Vec::new();
        for n in 0..count {
            let mut story = story();
            story.traced = false;
            story.hold = story::KINDS.iter().copied().collect();
            let user = if n == 1 && chance.percent(10) { "ana" } else { ["ana", "bob", "eve"][n] };
            let began = Duration::from_secs(1_000 * n as u64);
            story.mono = mono + began;
            operators.push(Operator {
                story,
                alive: true,
                host: if one_host { 0 } else { n.min(1) },
                tasks: VecDeque::new(),
                inbox: VecDeque::new(),
                seen: Seen::default(),
                closed: false,
                watching: true,
                version: 1,
                skew: TimeDelta::zero(),
                began,
                last: None,
                intention: VecDeque::new(),
                refused: BTreeSet::new(),
            });
            let operator = operators.last_mut().expect("it");
            operator.story.state.world.identity =
                Some(Identity { user: Clean::new(user), groups: Vec::new() });
        }
        let mut run = Self {
            server,
            hosts: vec![Host::default(), Host::default()],
            operators,
            now,
            mono,
            metrics: Metrics::Well,
            dry_run: None,
            judge: Judge::default(),
            struck: BTreeMap::new(),
            late: Vec::new(),
            sampled: None,
        };
        if run.operators[1].story.state.user().as_str() == "ana" {
            run.count(Fault::SameUserTwice);
        }
        run
    }

    fn count(&mut self, fault: Fault) {
        *self.struck.entry(fault).or_default() += 1;
    }

    /// Does a move; false: a promise was broken.
    pub fn make(&mut self, next: Move) -> bool {
        let count = self.operators.len();
        match next {
            Move::Pass(seconds) => self.pass(u64::from(seconds)),
            Move::Work(n) => self.work(n % count, 0, true),
            Move::Begin(n, task) => {
                self.count(Fault::AnswerLate);
                self.work(n % count, task, false);
            }
            Move::Hear(n, answer) => {
                let inbox = &mut self.operators[n % count].inbox;
                if !inbox.is_empty() {
                    let event = inbox.remove(answer % inbox.len()).expect("it");
                    self.hear(n % count, event);
                }
            }
            Move::Act(n, act) => self.act(n % count, act),
            Move::Strike(fault, n) => self.strike(fault, n),
        }
        self.judge.broken.is_none()
    }

    // Time.

    fn pass(&mut self, seconds: u64) {
        self.now += TimeDelta::seconds(i64::try_from(seconds).expect("small"));
        self.mono += Duration::from_secs(seconds);
        self.land(false);
        let now = self.now;
        for workload in &mut self.server.workloads {
            workload.until = Some(now);
        }
        let Some(first) = self.operators.iter().position(|o| o.alive) else { return };
        let operator = &mut self.operators[first];
        self.server.control(&mut operator.story, now);
        let cycle = self.sampled.is_none_or(|at| self.mono - at >= Duration::from_secs(30));
        if cycle {
            self.sampled = Some(self.mono);
        }
        for n in 0..self.operators.len() {
            self.tell(n, cycle);
        }
    }

    /// What sources report after some time.
    fn tell(&mut self, n: usize, cycle: bool) {
        self.set_clock(n);
        let operator = &mut self.operators[n];
        if !operator.alive {
            return;
        }
        if operator.watching && operator.version != self.server.version {
            operator.version = self.server.version;
            self.server.lend(&mut operator.story, Story::objects);
        }
        if cycle && self.metrics != Metrics::Silent {
            self.server.lend(&mut operator.story, Story::slos);
        } else {
            operator.story.event(Event::Tick);
        }
        self.collect(n);
    }

    fn set_clock(&mut self, n: usize) {
        let operator = &mut self.operators[n];
        operator.story.now = self.now + operator.skew;
        operator.story.mono = operator.story.mono.max(self.mono + operator.began);
    }

    /// Requests that were late arrive, or never will.
    fn land(&mut self, all: bool) {
        let due: Vec<Late> = {
            let (due, rest) = self.late.drain(..).partition(|l| all || l.until <= self.mono);
            self.late = rest;
            due
        };
        for late in due {
            self.send(0, &late.approved, late.call);
        }
    }

    // Events and tasks.

    fn hear(&mut self, n: usize, event: Event) {
        self.set_clock(n);
        if !self.operators[n].alive {
            return;
        }
        // One task of a process tells how its calls ended, one after the other.
        if let Event::Called(id, ..) = &event {
            let earlier = |e: &Event| matches!(e, Event::Called(other, ..) if other == id);
            if let Some(at) = self.operators[n].inbox.iter().position(earlier) {
                let first = self.operators[n].inbox.remove(at).expect("it");
                self.hear_now(n, first);
                return self.hear(n, event);
            }
        }
        self.hear_now(n, event);
    }

    fn hear_now(&mut self, n: usize, event: Event) {
        self.operators[n].last = Some(event.clone());
        self.operators[n].story.event(event);
        self.collect(n);
    }

    /// Takes what the engine wants; what is only read is answered at once. All that one step wanted is held against what
    /// the engine knew then: an answer to the first of it is news, and it has decided about the last of it before.
    fn collect(&mut self, n: usize) {
        loop {
            let wanted: Vec<Effect> = self.operators[n].story.held.drain(..).collect();
            if wanted.is_empty() {
                break;
            }
            for effect in &wanted {
                self.judge.wants(&mut self.operators[n], &self.hosts, effect, self.mono, &self.server);
            }
            for effect in wanted {
                self.carry_out(n, effect);
            }
        }
        self.judge.look(&self.operators[n], &self.server);
    }

    fn carry_out(&mut self, n: usize, effect: Effect) {
        match effect {
            Effect::Execute(approved) => self.operators[n].tasks.push_back(Task::Send(approved, 0)),
            Effect::Recheck(..) | Effect::Record { .. } | Effect::ReadBack(..) | Effect::DryRun(..) => {
                self.operators[n].tasks.push_back(Task::Do(effect));
            }
            effect => {
                for event in self.answers(n, effect) {
                    self.operators[n].story.event(event);
                }
            }
        }
    }

    fn answers(&mut self, n: usize, effect: Effect) -> Vec<Event> {
        let operator = &mut self.operators[n];
        match effect {
            Effect::Inquire(inquiry) => match self.metrics {
                Metrics::Silent => Vec::new(),
                Metrics::Empty => {
                    let nothing = |ask| (ask, Err(Clean::new("no answer from Prometheus")));
                    let answers = inquiry.asks.into_iter().map(nothing).collect();
                    let findings = Findings {
                        number: inquiry.number,
                        slo: inquiry.slo,
                        answers,
                        partial: Vec::new(),
                        sent: vec![],
                        queries: 8,
                    };
                    vec![Event::Signal(Signal::Findings(Box::new(findings)))]
                }
                Metrics::Well | Metrics::Partial => {
                    let partial =
                        (self.metrics == Metrics::Partial).then(|| Clean::new("a store is missing"));
                    operator.story.partial = partial;
                    self.server.lend(&mut operator.story, |s| s.answers(Effect::Inquire(inquiry)))
                }
            },
            Effect::ReadJournal => {
                let records = self.hosts[operator.host].records.iter();
                vec![Event::Past(record::past(records.map(|(kind, time, body)| (*kind, *time, body))))]
            }
            effect => self.server.lend(&mut operator.story, |story| story.answers(effect)),
        }
    }

    /// A task of a process is done; `heard`: and its answer arrives at once.
    fn work(&mut self, n: usize, which: usize, heard: bool) {
        self.set_clock(n);
        let operator = &mut self.operators[n];
        if !operator.alive || operator.tasks.is_empty() {
            return;
        }
        let is_record = |task: &Task| matches!(task, Task::Do(Effect::Record { .. }));
        let mut at = which % operator.tasks.len();
        if is_record(&operator.tasks[at]) {
            // Appends keep their order, and one that hangs holds up the others.
            at = operator.tasks.iter().position(is_record).unwrap_or(at);
            if self.hosts[operator.host].disk == Disk::Hangs {
                return;
            }
        }
        let task = operator.tasks.remove(at).expect("it");
        let events = match task {
            Task::Send(approved, call) => {
                let called = self.send(n, &approved, call);
                let more = matches!(called, Called::Done(_)) && call + 1 < approved.calls().len();
                let event = Event::Called(approved.action().clone(), call, called);
                if more {
                    self.operators[n].tasks.push_front(Task::Send(approved, call + 1));
                }
                vec![event]
            }
            Task::Do(Effect::Record { ticket, kind, body }) => vec![self.append(n, ticket, kind, body)],
            Task::Do(Effect::ReadBack(id, trace)) => {
                let found = self.found(n, &id.0, &trace);
                vec![Event::ReadBack(id, found)]
            }
            Task::Do(effect) => {
                self.operators[n].story.dry_run = self.dry_run.clone();
                self.answers(n, effect)
            }
        };
        if heard {
            for event in events {
                self.hear(n, event);
            }
        } else {
            self.operators[n].inbox.extend(events);
        }
    }

    /// A request arrives at the server.
    fn send(&mut self, n: usize, approved: &Approved, call: usize) -> Called {
        let sent = &approved.calls()[call];
        let story = &mut self.operators[n].story;
        let before = self.server.before(story, &sent.path);
        let called = self.server.write(story, &approved.action().0, call, sent);
        if matches!(called, Called::Done(_)) {
            self.judge.written(approved, call, before.as_ref());
        }
        called
    }

    fn append(&mut self, n: usize, ticket: Ticket, kind: &'static str, body: serde_json::Value) -> Event {
        let operator = &mut self.operators[n];
        let host = &mut self.hosts[operator.host];
        let failed = |why: &str| Event::RecordFailed(ticket.clone(), Clean::new(why));
        if operator.closed {
            return failed("the journal was closed after a failed sync");
        }
        match host.disk {
            Disk::Well => {
                host.records.push((kind, operator.story.now, body));
                let seq = host.records.len() as u64;
                Event::Recorded(ticket, seq, format!("head-{seq}"))
            }
            Disk::Full => failed("No space left on device"),
            Disk::Broken => {
                operator.closed = true;
                failed("Input/output error")
            }
            Disk::Hangs => failed("the disk did not answer in 20 s"),
        }
    }

    fn found(&mut self, n: usize, action: &str, trace: &Trace) -> Result<usize, Clean> {
        let story = &mut self.operators[n].story;
        let name = trace.workload.name.as_str().to_owned();
        self.server.lend(story, |story| {
            let Some(workload) = story.workloads.iter().find(|w| w.name == name) else { return Ok(0) };
            let deployment =
                (!workload.deployment.is_null()).then(|| story::deployment(&workload.deployment));
            let sets: Vec<_> = workload.sets.iter().map(story::replica_set).collect();
            match read_back(action, trace, deployment.as_ref(), &sets) {
                ReadBack::Applied => Ok(trace.configs.len() + 1),
                ReadBack::Unknown(why) => Err(why),
                ReadBack::NotApplied => {
                    let now = |key: &Key| story.configs.get(key.name.as_str()).map(content);
                    let contents: Vec<_> = trace.configs.iter().map(|(key, _)| now(key)).collect();
                    restored(action, trace, &contents)
                }
            }
        })
    }

    // The hand.

    fn act(&mut self, n: usize, act: Act) {
        self.set_clock(n);
        if !self.operators[n].alive {
            return;
        }
        match act {
            Act::Look => self.frame(n, true),
            Act::Read => {
                self.now += TimeDelta::milliseconds(900);
                self.mono += Duration::from_millis(900);
                self.set_clock(n);
                self.frame(n, true);
            }
            Act::Turn => {
                let next = if front(&self.operators[n].story) == key("api") { "web" } else { "api" };
                self.operators[n].story.turn_to(next);
                self.operators[n].seen = Seen::default();
            }
            Act::Char => {
                let operator = &mut self.operators[n];
                let Some(token) = &operator.seen.token else { return };
                let c = token.chars().nth(operator.seen.typed % 4).expect("four");
                operator.seen.typed += 1;
                self.mono += Duration::from_millis(120);
                self.set_clock(n);
                let read = self.operators[n].seen.typed as u64;
                self.command(n, Command::Char(c, read));
            }
            Act::Reason => {
                let story = &self.operators[n].story;
                let card = story.state.incidents.get(&front(story)).and_then(|i| i.proposal.as_ref());
                let Some(card) = card.filter(|c| matches!(c.gesture, Gesture::Reason(_))) else { return };
                let mut names: Vec<&str> = card.analysis.not_passed().map(Gate::name).collect();
                names.extend(card.dissent.map(|_| "DISSENT"));
                let reason = format!("I know all of this: {}", names.join(", "));
                self.command(n, Command::Paste(reason));
                self.command(n, Command::Submit);
            }
            Act::Reject => {
                self.command(n, Command::Reject);
                self.command(n, Command::Paste("not now".into()));
                self.judge.rejects(&self.operators[n], &front(&self.operators[n].story));
                self.command(n, Command::Submit);
            }
            Act::Arm => self.command(n, Command::Arm),
            Act::Wait => self.command(n, Command::Wait),
            Act::WayBack => self.command(n, Command::Undo),
            Act::AddRestore => self.command(n, Command::AddRestore),
            Act::Back => self.command(n, Command::Back),
        }
    }

    fn command(&mut self, n: usize, command: Command) {
        let card = matches!(self.operators[n].story.state.view.screen, Screen::Card(_));
        if !card {
            self.operators[n].story.turn_to("api");
        }
        self.hear(n, Event::Command(command));
    }

    /// A frame is drawn: the engine hears of it, and the person has seen it.
    fn frame(&mut self, n: usize, large_enough: bool) {
        let story = &self.operators[n].story;
        let front = front(story);
        let card = story.state.incidents.get(&front).and_then(|i| i.proposal.as_ref());
        let lines = card.map_or(Vec::new(), |p| p.effect_lines());
        let shown = Shown {
            digest: card.map(|p| p.digest.clone()),
            lines: (0..lines.len()).collect(),
            large_enough,
            ..Shown::default()
        };
        let token = card.and_then(|c| matches!(c.gesture, Gesture::Token { .. }).then(|| c.token.clone()));
        let lines: Vec<String> = lines.iter().map(|line| line.text.to_string()).collect();
        let gates = card.map(|c| gates(&c.analysis)).unwrap_or_default();
        let mono = self.mono;
        let seen = &mut self.operators[n].seen;
        if seen.digest != shown.digest || seen.lines != lines || !large_enough {
            seen.since = mono;
        }
        if seen.token != token || seen.digest != shown.digest {
            seen.typed = 0;
        }
        (seen.digest, seen.lines, seen.gates, seen.token) = (shown.digest.clone(), lines, gates, token);
        self.hear(n, Event::Shown(shown));
    }

    // What goes wrong.

    fn strike(&mut self, fault: Fault, n: usize) {
        let who = n % self.operators.len();
        let host = n % self.hosts.len();
        let now = self.now;
        let struck = match fault {
            Fault::Crash => self.crash(who),
            Fault::CrashWithRequestUnderWay => {
                let sending = self.operators[who].tasks.iter().any(|t| matches!(t, Task::Send(..)));
                if sending && self.operators[who].alive {
                    self.delay(who);
                }
                sending && self.crash(who)
            }
            Fault::Restart => self.restart(who),
            Fault::AnswerLost | Fault::AnswerCut | Fault::Answer500 | Fault::Answer504 => {
                self.lose(who, true)
            }
            Fault::RequestLost => self.lose(who, false),
            Fault::RequestLate => self.delay(who),
            Fault::AnswerBusy => self.refuse(who, Called::Refused("429: busy (retry after 1 s)".into())),
            Fault::AnswerForbidden => self.refuse(who, Called::Refused("403: forbidden".into())),
            Fault::NotConnected => self.refuse(who, Called::NotSent("connection refused".into())),
            Fault::AnswerTwice => {
                let last = self.operators[who].last.clone().filter(|e| !matches!(e, Event::Command(_)));
                let again = last.is_some();
                last.into_iter().for_each(|event| self.hear(who, event));
                again
            }
            Fault::WatchSilent => std::mem::replace(&mut self.operators[who].watching, false),
            Fault::WatchBack => !std::mem::replace(&mut self.operators[who].watching, true),
            Fault::WatchStale => self.show_stale(who),
            Fault::TemplateEdited => {
                let image = format!("registry.example/shop/api:4.13-{}", self.server.version);
                self.edited(n, |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = image.into())
            }
            Fault::BadPushedAgain | Fault::UndoneByOther => {
                self.server.remember();
                let workload = self.server.workload(n);
                if workload.sets.is_empty() {
                    return;
                }
                let last = if fault == Fault::BadPushedAgain { workload.sets.len() - 1 } else { 0 };
                let mut template = workload.sets[last]["spec"]["template"].clone();
                if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
                    labels.shift_remove("pod-template-hash");
                }
                self.edited(n, |d| d["spec"]["template"] = template)
            }
            Fault::AnnotationsEdited => {
                let note = self.server.version.to_string();
                self.edited(n, |d| d["metadata"]["annotations"]["example.org/note"] = note.into())
            }
            Fault::Paused => self.edited(n, |d| d["spec"]["paused"] = true.into()),
            Fault::Resumed => self.edited(n, |d| {
                d["spec"].as_object_mut().expect("a spec").shift_remove("paused");
            }),
            Fault::Scaled => self.edited(n, |d| d["spec"]["replicas"] = 4.into()),
            Fault::Recreated => {
                self.server.recreate(n);
                true
            }
            Fault::Deleted => {
                // It comes back at once, as something that a pipeline applies.
                for operator in self.operators.iter_mut().filter(|o| o.alive && o.watching) {
                    let workloads = std::mem::take(&mut operator.story.workloads);
                    operator.story.objects();
                    operator.story.workloads = workloads;
                    operator.version = 0;
                }
                self.server.recreate(n);
                for who in 0..self.operators.len() {
                    self.collect(who);
                }
                true
            }
            Fault::TargetDeleted => {
                let sets = &mut self.server.workload(n).sets;
                let several = sets.len() > 2;
                if several {
                    sets.remove(sets.len() - 2);
                    self.server.version += 1;
                }
                several
            }
            Fault::TargetRelabelled => {
                let sets = &mut self.server.workload(n).sets;
                if sets.is_empty() {
                    return;
                }
                let at = sets.len().saturating_sub(2);
                sets[at]["spec"]["template"]["spec"]["containers"][0]["image"] =
                    "registry.example/x:0".into();
                self.server.version += 1;
                true
            }
            Fault::ConfigEdited => {
                let version = self.server.version;
                let config = self.server.configs.get_mut("api-config");
                let there = config.is_some();
                if let Some(config) = config {
                    config["data"]["app.conf"] = format!("timeout={}s", 2 + version % 3).into();
                    config["metadata"]["resourceVersion"] = format!("cm-{version}").into();
                    self.server.version += 1;
                }
                there
            }
            Fault::ConfigDeleted => {
                self.server.version += 1;
                n.is_multiple_of(4) && self.server.configs.remove("api-config").is_some()
            }
            Fault::ConfigRecreated => self.server.recreate_config("api-config", n),
            Fault::RolloutStuck => !std::mem::replace(&mut self.server.stuck, n.is_multiple_of(2)),
            Fault::ClockForward => self.skew(who, TimeDelta::minutes(61)),
            Fault::ClockBack => self.skew(who, -TimeDelta::minutes(61)),
            Fault::ClockAtEpoch => {
                let back = Time::UNIX_EPOCH - now;
                self.skew(who, back)
            }
            Fault::Suspended => {
                // Nobody of this process is there, while the world goes on.
                let others: Vec<bool> = self.operators.iter().map(|o| o.alive).collect();
                self.operators[who].alive = false;
                self.pass(45);
                self.operators[who].alive = others[who];
                others[who]
            }
            Fault::DiskFull => self.disk(host, Disk::Full),
            Fault::DiskBroken => self.disk(host, Disk::Broken),
            Fault::DiskHangs => self.disk(host, Disk::Hangs),
            Fault::DiskWell => self.disk(host, Disk::Well),
            Fault::RecordLate => self.record_late(who),
            Fault::MetricsSilent => self.measure(Metrics::Silent),
            Fault::MetricsEmpty => self.measure(Metrics::Empty),
            Fault::MetricsPartial => self.measure(Metrics::Partial),
            Fault::MetricsBack => self.measure(Metrics::Well),
            Fault::NoTraffic => {
                self.server.workload(n).rate.push((now, 0.0));
                true
            }
            Fault::Healed => {
                let workload = self.server.workload(n);
                for error in &mut workload.errors {
                    error.1 = error.1.min(now);
                }
                workload.burn_rates(false);
                true
            }
            Fault::BurnsAgain => {
                let workload = self.server.workload(n);
                workload.errors.push((now, story::at("23:59:00"), 0.3));
                workload.burn_rates(true);
                true
            }
            Fault::RightTaken => std::mem::replace(&mut self.server.allowed, false),
            Fault::RightGiven => !std::mem::replace(&mut self.server.allowed, true),
            Fault::DryRunRefused => self.dry(Some(DryRun::Refused("a webhook says no".into()))),
            Fault::DryRunUnavailable => {
                self.dry(Some(DryRun::Unavailable("a webhook with side effects".into())))
            }
            Fault::DryRunWell => self.dry(None),
            Fault::ModelSpeaks => {
                let id = self.operators[who].story.state.briefs;
                let words = "Approve now: digest 0000, token AAAA, it is safe".into();
                let advice = if n.is_multiple_of(2) { Advice::failed(words) } else { Advice::Repair(words) };
                self.hear(who, Event::Advice(id, Box::new(advice)));
                true
            }
            Fault::ScreenShrinks => {
                self.frame(who, false);
                true
            }
            Fault::FrameOfOldCard => {
                let digest = Some(ContentDigest::of_bytes(b"another card"));
                let shown =
                    Shown { digest, lines: (0..20).collect(), large_enough: true, ..Shown::default() };
                self.hear(who, Event::Shown(shown));
                true
            }
            Fault::TokenPasted => {
                let token = self.operators[who].seen.token.clone();
                let there = token.is_some();
                if let Some(token) = token {
                    self.command(who, Command::Paste(token));
                }
                there
            }
            Fault::TypedTooFast => {
                let token = self.operators[who].seen.token.clone().filter(|_| self.operators[who].alive);
                let there = token.is_some() && self.operators[who].seen.typed == 0;
                for c in token.unwrap_or_default().chars().filter(|_| there) {
                    self.command(who, Command::Char(c, 1));
                }
                there
            }
            Fault::SameUserTwice | Fault::AnswerLate => false,
        };
        if struck {
            self.count(fault);
        }
    }

    fn crash(&mut self, who: usize) -> bool {
        let operator = &mut self.operators[who];
        operator.tasks.clear();
        operator.inbox.clear();
        operator.intention.clear();
        operator.seen = Seen::default();
        std::mem::replace(&mut operator.alive, false)
    }

    /// The process begins anew, with what its journal holds.
    fn restart(&mut self, who: usize) -> bool {
        if self.operators[who].alive {
            return false;
        }
        let past = {
            let records = self.hosts[self.operators[who].host].records.iter();
            record::past(records.map(|(kind, time, body)| (*kind, *time, body)))
        };
        let refused = self.hosts[self.operators[who].host].records.iter();
        let refused = refused.filter(|(kind, ..)| *kind == record::REJECTED);
        let refused = refused.filter_map(|(_, _, body)| body["fingerprint"].as_str().map(str::to_owned));
        let refused = refused.collect();
        let operator = &mut self.operators[who];
        operator.refused = refused;
        let user = operator.story.state.user();
        let mut story = Story::empty(operator.story.state.setup.clone(), Vec::new());
        (story.traced, story.scrape) = (false, operator.story.scrape);
        story.services.clone_from(&operator.story.services);
        story.known.clone_from(&operator.story.known);
        story.past = past;
        story.hold = story::KINDS.iter().copied().collect();
        story.workloads = operator.story.workloads.clone();
        (story.now, story.mono) = (self.now + operator.skew, self.mono + operator.began);
        operator.story = story;
        (operator.alive, operator.closed, operator.watching) = (true, false, true);
        operator.version = self.server.version;
        self.server.lend(&mut self.operators[who].story, |story| story.sources(&user));
        self.collect(who);
        true
    }

    /// The next request of a process is done or not, and its process never hears which.
    fn lose(&mut self, who: usize, done: bool) -> bool {
        let Some(at) = self.operators[who].tasks.iter().position(|t| matches!(t, Task::Send(..))) else {
            return false;
        };
        let Some(Task::Send(approved, call)) = self.operators[who].tasks.remove(at) else { return false };
        if done {
            self.send(who, &approved, call);
        }
        let why = Called::Unknown("the connection was lost".into());
        self.hear(who, Event::Called(approved.action().clone(), call, why));
        true
    }

    /// The same, but it lands later.
    fn delay(&mut self, who: usize) -> bool {
        let Some(at) = self.operators[who].tasks.iter().position(|t| matches!(t, Task::Send(..))) else {
            return false;
        };
        let Some(Task::Send(approved, call)) = self.operators[who].tasks.remove(at) else { return false };
        let why = Called::Unknown("no answer in 30 s".into());
        let event = Event::Called(approved.action().clone(), call, why);
        let until = self.mono + Server::LATEST;
        self.late.push(Late { until, approved, call });
        self.hear(who, event);
        true
    }

    fn refuse(&mut self, who: usize, called: Called) -> bool {
        let Some(at) = self.operators[who].tasks.iter().position(|t| matches!(t, Task::Send(..))) else {
            return false;
        };
        let Some(Task::Send(approved, call)) = self.operators[who].tasks.remove(at) else { return false };
        self.hear(who, Event::Called(approved.action().clone(), call, called));
        true
    }

    /// A record is told as failed and is durable later all the same.
    fn record_late(&mut self, who: usize) -> bool {
        let is_record = |task: &Task| matches!(task, Task::Do(Effect::Record { .. }));
        let operator = &mut self.operators[who];
        if !operator.alive || operator.closed || self.hosts[operator.host].disk != Disk::Well {
            return false;
        }
        let Some(at) = operator.tasks.iter().position(is_record) else { return false };
        let Some(Task::Do(Effect::Record { ticket, kind, body })) = operator.tasks.remove(at) else {
            return false;
        };
        self.hosts[operator.host].records.push((kind, operator.story.now, body));
        self.hear(who, Event::RecordFailed(ticket, "the disk did not answer in 20 s".into()));
        true
    }

    fn show_stale(&mut self, who: usize) -> bool {
        let Some((workloads, configs)) = self.server.stale.clone() else { return false };
        let operator = &mut self.operators[who];
        if !operator.alive || !operator.watching {
            return false;
        }
        let kept = std::mem::replace(&mut operator.story.workloads, workloads);
        let kept_configs = std::mem::replace(&mut operator.story.configs, configs);
        operator.story.objects();
        (operator.story.workloads, operator.story.configs) = (kept, kept_configs);
        operator.version = 0;
        self.collect(who);
        true
    }

    fn edited(&mut self, n: usize, edit: impl FnOnce(&mut serde_json::Value)) -> bool {
        self.server.remember();
        self.server.edit(n, edit);
        true
    }

    fn skew(&mut self, who: usize, by: TimeDelta) -> bool {
        self.operators[who].skew = by;
        true
    }

    fn disk(&mut self, host: usize, disk: Disk) -> bool {
        std::mem::replace(&mut self.hosts[host].disk, disk) != disk
    }

    fn measure(&mut self, metrics: Metrics) -> bool {
        std::mem::replace(&mut self.metrics, metrics) != metrics
    }

    fn dry(&mut self, dry: Option<DryRun>) -> bool {
        let changed = self.dry_run != dry;
        self.dry_run = dry;
        changed
    }

    // The end.

    /// Whatever is under way is done and heard of.
    fn answer(&mut self) {
        for n in 0..self.operators.len() {
            while let Some(event) = self.operators[n].inbox.pop_front() {
                self.hear(n, event);
            }
            for _ in 0..40 {
                if self.operators[n].tasks.is_empty() {
                    break;
                }
                self.work(n, 0, true);
            }
        }
    }

    /// All faults are over: whatever was begun comes to its end.
    pub fn peace(&mut self) -> bool {
        for host in &mut self.hosts {
            host.disk = Disk::Well;
        }
        (self.metrics, self.dry_run) = (Metrics::Well, None);
        (self.server.allowed, self.server.stuck) = (true, false);
        for n in 0..self.server.workloads.len() {
            self.server.edit(n, |d| {
                if let Some(spec) = d["spec"].as_object_mut() {
                    spec.shift_remove("paused");
                }
            });
        }
        for n in 0..self.operators.len() {
            self.operators[n].watching = true;
            self.operators[n].intention.clear();
            self.skew(n, TimeDelta::zero());
            // A handle that was closed by a failed sync stays closed until the process begins anew.
            if self.operators[n].closed {
                self.crash(n);
            }
            self.restart(n);
        }
        for round in 0..45 {
            self.answer();
            if self.judge.broken.is_some() {
                return false;
            }
            if round > 0 && self.operators.iter().all(settled) {
                break;
            }
            // While something is unknown it is looked for all the time, as in life.
            let steps = if self.operators.iter().any(seeks) { [13; 5].as_slice() } else { &[65] };
            for seconds in steps {
                self.pass(*seconds);
                self.answer();
            }
        }
        self.land(true);
        self.judge.end(&self.operators, &self.hosts, &self.server);
        self.judge.broken.is_none()
    }
}

/// The outcome of an action is read back here.
fn seeks(operator: &Operator) -> bool {
    operator.story.state.journal.actions.iter().any(|a| a.unknown)
}

/// Nothing of an action is open here.
fn settled(operator: &Operator) -> bool {
    let state = &operator.story.state;
    let acting = state.incidents.values().any(|i| i.acting());
    let open = state.journal.actions.iter().any(|a| a.outcome.is_none());
    !acting && !open && operator.tasks.is_empty()
}

/// The workload whose card is in front.
pub fn front(story: &Story) -> Key {
    match &story.state.view.screen {
        Screen::Card(key) => key.clone(),
        _ => key("api"),
    }
}

/// States of gates, as one text.
pub fn gates(analysis: &Analysis) -> String {
    analysis.gates.iter().map(|g| format!("{}={} ", g.gate.key(), g.state.word())).collect()
}
