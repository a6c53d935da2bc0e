//! Where a stream begins: a card in some state of the gate, the size of the terminal, and what is true of it.

use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::Time;
use goaround::domain::plan::DryRun;
use goaround::engine::State;
use goaround::engine::event::{Command, Shown};
use goaround::engine::gate::Gesture;
use goaround::engine::view::Screen;
use serde_json::json;

use crate::story::{Story, Workload, template};

/// How a stream begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// The token is on the screen since a while.
    Armed,
    /// The same with a token that has the key of another decision in it.
    Waits,
    /// Everything was read, nothing pressed.
    Read,
    /// The card is drawn for the first time.
    Fresh,
    /// A gate does not pass: a reason is wanted first.
    Reason,
    /// The list, with a gate open.
    List,
    /// More consequences than the screen has rows.
    Long,
}

pub const BEGINS: [Begin; 7] =
    [Begin::Armed, Begin::Waits, Begin::Read, Begin::Fresh, Begin::Reason, Begin::List, Begin::Long];

/// A world at the moment at which a stream begins.
pub struct Desk {
    pub begin: Begin,
    pub story: Story,
    pub state: State,
    pub now: Time,
    pub mono: Duration,
    pub size: (u16, u16),
    pub token: String,
    pub workloads: Vec<Workload>,
    /// The state is not that of the begin but for what a hand can do.
    dirty: bool,
}

impl Desk {
    pub fn new(begin: Begin) -> Self {
        let mut story = match begin {
            Begin::Reason => rolled_out(template("api", "4.12", "50"), |s| {
                s.dry_run = Some(DryRun::Unavailable("a webhook has side effects".into()));
            }),
            Begin::Long => long(),
            Begin::Waits => rolled_out(template("api", "4.12", "9"), |_| {}),
            // A token without a key that makes the engine review everything.
            _ => rolled_out(template("api", "4.12", "50"), |_| {}),
        };
        story.hold.insert("recheck");
        let size = if begin == Begin::Long { (80, 24) } else { (100, 30) };
        match begin {
            Begin::Armed | Begin::Waits => {
                show(&mut story);
                story.mono += Duration::from_millis(900);
                story.command(Command::Arm);
                show(&mut story);
                let gesture = &story.proposal().gesture;
                assert!(matches!(gesture, Gesture::Token { shown: Some(_), .. }), "{gesture:?}");
            }
            Begin::Read | Begin::Reason => {
                show(&mut story);
                story.mono += Duration::from_millis(900);
            }
            Begin::List => story.state.view.screen = Screen::Main,
            Begin::Fresh | Begin::Long => {}
        }
        story.trace.clear();
        let (state, now, mono) = (story.state.clone(), story.now, story.mono);
        let token = story.proposal().token.clone();
        assert!(begin != Begin::Waits || token.contains('W'), "{token}");
        assert!(begin != Begin::Read || !token.contains(['R', 'U', 'W', 'Z']), "{token}");
        let workloads = story.workloads.clone();
        Self { begin, story, state, now, mono, size, token, workloads, dirty: true }
    }

    /// The story as it was at the begin; `lively`: its world will be reviewed as time passes.
    pub fn reset(&mut self, lively: bool) {
        let (state, before) = (&mut self.story.state, &self.state);
        let standing = Some(self.now + TimeDelta::days(10));
        if self.dirty || lively || state.reviewed != standing {
            state.clone_from(before);
            self.story.workloads.clone_from(&self.workloads);
            self.story.rights = true;
        } else {
            // Without a review only a hand was at it: the same at a tenth of the price.
            state.view.clone_from(&before.view);
            for (now, before) in state.incidents.values_mut().zip(before.incidents.values()) {
                now.proposal.clone_from(&before.proposal);
                now.wish.clone_from(&before.wish);
                now.waiting.clone_from(&before.waiting);
            }
            state.counsel.clone_from(&before.counsel);
            state.inspected.clone_from(&before.inspected);
            state.ledger.clone_from(&before.ledger);
            state.told.clone_from(&before.told);
            if state.log.len() != before.log.len() {
                state.log.clone_from(&before.log);
            }
            (state.now, state.mono, state.quitting) = (before.now, before.mono, false);
            (state.dirty, state.remap) = (before.dirty, before.remap);
        }
        (self.story.now, self.story.mono) = (self.now, self.mono);
        self.story.trace.clear();
        self.story.held.clear();
        self.dirty = lively;
        if !lively {
            // A review of everything costs more than a thousand keys: here the world stands still.
            state.reviewed = standing;
            state.reviewed_mono = self.mono + Duration::from_secs(1_000_000);
        }
    }

    /// Time of the world at a time of the hand.
    pub fn at(&self, mono: Duration) -> Time {
        self.now + TimeDelta::from_std(mono.saturating_sub(self.mono)).unwrap_or_default()
    }
}

fn show(story: &mut Story) {
    let lines = (0..story.proposal().effect_lines().len()).collect();
    let digest = Some(story.proposal().digest.clone());
    story.event(goaround::engine::Event::Shown(Shown {
        digest,
        lines,
        large_enough: true,
        ..Shown::default()
    }));
}

/// A rollout that changed a great deal.
fn long() -> Story {
    let mut changed = template("api", "4.12", "5");
    let env = (0..30).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value {n}")}));
    changed["spec"]["containers"][0]["env"] = env.collect();
    rolled_out(changed, |_| {})
}

/// A rollout of this template that burns.
fn rolled_out(changed: serde_json::Value, before: impl FnOnce(&mut Story)) -> Story {
    let mut api = Workload::burning("api");
    api.forget_revision();
    api.revision(3, "ccc3", changed, "2026-11-20T11:57:00Z");
    api.serve("ccc3", "2026-11-20T11:57:00Z", None);
    // What served before it is over.
    let last = api.served.len() - 2;
    api.served[last].2 = Some("2026-11-20T11:57:00Z".parse().expect("a time"));
    Story::told(vec![api, Workload::new("web")], before)
}
