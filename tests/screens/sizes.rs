//! Every screen at the four sizes that people have. In monochrome the words are the same, and what colours say is said by
//! bold, reverse or a sign.

use goaround::engine::drill::{Answer, Drill};
use goaround::engine::ledger::{Told, Whole, summaries};
use goaround::engine::{Event, Stamped, step};
use serde_json::json;

use super::*;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (160, 50), (200, 60)];

/// One screen: its name, and how a person comes to it.
type Way = (&'static str, fn() -> World);

const WAYS: [Way; 15] = [
    ("page_detail", || pane(1)),
    ("page_chart", || pane(2)),
    ("page_revisions", || pane(3)),
    ("page_log", || pane(4)),
    ("evidence", || pressed(World::burning(), "gv")),
    ("diff", || pressed(edited(), "gd")),
    ("edit", || pressed(edited(), "ge")),
    ("rejecting", || pressed(World::burning(), "gr")),
    ("model", || pressed(World::burning(), "gm")),
    ("log", || pressed(edited(), "l")),
    ("verifying", verifying),
    ("journal", || recorded("")),
    ("record", || recorded("\r")),
    ("drill_question", || drill(None)),
    ("drill_told", || drill(Some(Answer::DoNot))),
];

/// What of colours must be said otherwise: the same words, and nothing coloured.
fn in_monochrome(world: &World, size: (u16, u16)) -> String {
    let mut terminal =
        ratatui::Terminal::new(ratatui::backend::TestBackend::new(size.0, size.1)).expect("a terminal");
    terminal
        .draw(|frame| {
            ui(Depth::None).draw(frame, &world.state);
        })
        .expect("a frame");
    let buffer = terminal.backend().buffer();
    let coloured = |c: &ratatui::buffer::Cell| {
        c.fg != ratatui::style::Color::Reset || c.bg != ratatui::style::Color::Reset
    };
    assert!(!buffer.content().iter().any(coloured));
    text(buffer)
}

#[test]
fn every_screen_says_the_same_at_every_size_with_colours_and_without() {
    for (name, way) in WAYS {
        let mut world = way();
        for size in SIZES {
            world.look(size.0, size.1);
            let drawn = text(&world.frame(size.0, size.1).0);
            assert_eq!(in_monochrome(&world, size), drawn, "{name} at {size:?}");
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn);
        }
    }
}

fn pressed(mut world: World, keys: &str) -> World {
    world.look(80, 24);
    for key in keys.chars() {
        world.press(if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) });
        world.read_it();
    }
    world
}

fn pane(tabs: usize) -> World {
    let mut world = edited();
    (0..tabs).for_each(|_| world.press(KeyCode::Tab));
    world
}

fn verifying() -> World {
    let mut world = approved(World::burning());
    world.roll_out("5d9c77f49", 1);
    world.pass(3);
    world.roll_out("5d9c77f49", 3);
    world.errors.to = Some(world.now);
    world.pass(20);
    world
}

/// The journal of a rollback that helped, and what `keys` make of it.
fn recorded(keys: &str) -> World {
    let mut world = pressed(World::burning(), "J");
    let bodies = [
        (
            "proposed",
            json!({"workload": "shop/api-gateway", "offer": "rollback", "target": "5d9c7", "verdict": "bad_deploy",
                "proposal": "81f0c2d4", "reason": "bad_deploy: 1,215 of 8,990 failed on the new side",
                "gates": {"real": {"state": "pass", "line": "5m 200× and 1h 30×"},
                    "reversible": {"state": "fail", "line": "ConfigMap gateway-config changed"}},
                "evidence": [{"id": "E1", "fact": "burn rate of api-gateway", "value": 200.0, "unit": "x",
                    "window": "5m", "source": "prom slo:sli_error:ratio_rate5m"}]}),
        ),
        (
            "intent",
            json!({"workload": "shop/api-gateway", "action": "01K", "offer": "rollback", "by": "ana",
                "reason": "the pool is too small", "proposal": "81f0c2d4", "target": "5d9c7",
                "calls": [{"method": "PATCH", "path": "/apis/apps/v1/namespaces/shop/deployments/api-gateway",
                    "body": [{"op": "test", "path": "/metadata/uid", "value": "u"},
                        {"op": "replace", "path": "/spec/template", "value": {}}]}]}),
        ),
        ("outcome", json!({"action": "01K", "done": 1, "of": 1})),
        (
            "closed",
            json!({"action": "01K", "outcome": "helped", "words": "0 of 2,520 failed since the rollout"}),
        ),
    ];
    let times = ["11:58:02", "12:01:40", "12:01:41", "12:04:10"];
    let records = bodies.iter().zip(times).enumerate();
    let records = records.map(|(n, ((kind, body), time))| (n as u64 + 1, at(time), *kind, body));
    let told = Told { entries: summaries(records), records: 4, head: Ok(Clean::new("4122e73d6502eed6")) };
    world.event(Event::Records(told));
    if !keys.is_empty() {
        world.press(KeyCode::End);
        world.press(KeyCode::Enter);
        let whole = Whole { seq: 1, hash: Clean::new("77b0a1"), body: bodies[0].1.clone() };
        world.event(Event::Whole(Ok(whole)));
    }
    world
}

/// A question of a drill, or what came of the answer to it.
fn drill(answer: Option<Answer>) -> World {
    let mut world = World::burning();
    world.state.drill = Some(Drill {
        number: 3,
        of: 14,
        scenario: Clean::new("slo-burn"),
        happened: Clean::new("a new revision of the gateway points at a bad route map"),
        about: Key::new("shop", "api-gateway"),
        right: Answer::RollBack,
        why: Clean::new("Only the pods of the new revision fail, from the moment at which they took over."),
        asked: None,
        phase: Default::default(),
        next: false,
    });
    let stamp = |event| Stamped { at: world.now, mono: world.state.mono, event };
    let tick = stamp(Event::Tick);
    step(&mut world.state, tick);
    world.press(KeyCode::Char('g'));
    if let Some(answer) = answer {
        let key = if answer == Answer::DoNot { 'n' } else { 'b' };
        world.press(KeyCode::Char(key));
        world.type_text("it will pass");
        world.press(KeyCode::Enter);
    }
    world
}
