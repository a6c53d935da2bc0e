//! The gate holds: what arms it, what disarms it, what the reason and the token must be, and that no accident of the
//! hand, of a paste or of a clock approves anything.

#[path = "common/story.rs"]
mod story;

use std::time::Duration;

use goaround::domain::advice::Dissent;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::ContentDigest;
use goaround::domain::plan::DryRun;
use goaround::domain::signal::Signal;
use goaround::domain::slo::SloId;
use goaround::domain::value::Value;
use goaround::domain::verdict::{Gate, GateState, Offer};
use goaround::domain::window::Window;
use goaround::engine::analysis::Wish;
use goaround::engine::event::{Command, Shown};
use goaround::engine::gate::{Decision, Gesture, Proposal, stroke};
use goaround::engine::state::Setup;
use goaround::engine::{Effect, Event};
use proptest::prelude::*;
use proptest::test_runner::Config;
use story::{Story, Workload, at, config_map, key};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// The card of the story, never shown, on a clock that begins at 0.
fn card() -> Proposal {
    let story = Story::burning();
    let opened = story.proposal().clone();
    assert_eq!(opened.analysis.offer, Offer::Rollback);
    assert_eq!(opened.analysis.not_passed().count(), 0, "{:?}", opened.analysis.gates);
    let mut card = Proposal::open(opened.analysis, story.now, Duration::ZERO, chrono::TimeDelta::minutes(10));
    assert!(lines(&card) >= 3, "the story has some lines to read");
    card.arm(MS(1), "");
    assert_eq!(card.gesture, Gesture::Idle);
    card
}

fn lines(card: &Proposal) -> usize {
    card.effect_lines().len()
}

fn frame(card: &Proposal, lines: impl IntoIterator<Item = usize>) -> Shown {
    Shown {
        digest: Some(card.digest.clone()),
        lines: lines.into_iter().collect(),
        large_enough: true,
        ..Shown::default()
    }
}

fn whole(card: &Proposal) -> Shown {
    frame(card, 0..lines(card))
}

/// A card that was read, armed, and has its token on the screen since 2 s.
fn armed() -> Proposal {
    let mut card = card();
    card.shown(&whole(&card), MS(10));
    card.arm(MS(1_000), "");
    assert!(matches!(card.gesture, Gesture::Token { .. }), "{:?}", card.note);
    card.shown(&whole(&card), MS(2_000));
    card
}

/// Types one character every `gap` from `from` on, each in a read of its own.
fn typed(card: &mut Proposal, text: &str, from: Duration, gap: Duration) -> Decision {
    let mut decision = Decision::None;
    for (n, c) in text.chars().enumerate() {
        let read = from.as_millis() as u64 * 10 + n as u64;
        decision = card.char(c, from + gap * n as u32, read);
    }
    decision
}

fn approves(decision: &Decision) -> bool {
    matches!(decision, Decision::Approve(_))
}

fn is_armed(card: &Proposal) -> bool {
    matches!(card.gesture, Gesture::Token { .. } | Gesture::Reason(_))
}

#[test]
fn a_card_is_called_by_the_beginning_of_its_digest_never_by_its_token() {
    let card = card();
    assert_eq!(
        (card.name().len(), card.digest.short().starts_with(card.name())),
        (8, true),
        "{}",
        card.name()
    );
    assert_ne!(card.name(), card.token);
    // In records, the same plan proposed again is another proposal.
    let opened = card.opened + chrono::TimeDelta::seconds(1);
    let again = Proposal::open(card.analysis.clone(), opened, Duration::ZERO, chrono::TimeDelta::minutes(10));
    assert_eq!(again.digest, card.digest);
    assert!(card.id().starts_with(card.name()) && again.id().starts_with(card.name()), "{}", card.id());
    assert_ne!(again.id(), card.id());
}

// Arming.

#[test]
fn a_card_arms_when_every_line_was_whole_for_800_ms_and_not_a_moment_earlier() {
    for (read_for, arms) in [(0, false), (1, false), (799, false), (800, true), (5_000, true)] {
        let mut card = card();
        card.shown(&whole(&card), MS(100));
        card.arm(MS(100 + read_for), "");
        assert_eq!(is_armed(&card), arms, "after {read_for} ms");
    }
}

#[test]
fn one_line_that_was_never_shown_keeps_the_card_from_arming() {
    let card = card();
    for missing in 0..lines(&card) {
        let mut card = card.clone();
        card.shown(&frame(&card, (0..lines(&card)).filter(|l| *l != missing)), MS(100));
        card.arm(MS(9_000), "");
        assert!(!is_armed(&card), "without line {missing}");
        assert!(card.note.is_some_and(|n| n.as_str().starts_with("1 effect line not read yet: ")));
    }
}

#[test]
fn lines_may_be_read_page_by_page() {
    let mut card = card();
    let last = lines(&card) - 1;
    card.shown(&frame(&card, 0..last), MS(100));
    card.shown(&frame(&card, [last]), MS(1_000));
    card.arm(MS(1_799), "");
    assert!(!is_armed(&card), "the second page was there for 799 ms");
    card.arm(MS(1_800), "");
    assert!(is_armed(&card));
}

#[test]
fn a_line_that_went_away_too_early_is_read_from_the_start_again() {
    let mut card = card();
    card.shown(&whole(&card), MS(100));
    card.shown(&frame(&card, 1..lines(&card)), MS(700));
    card.shown(&whole(&card), MS(800));
    card.arm(MS(1_599), "");
    assert!(!is_armed(&card), "line 0 was back for 799 ms only");
    card.arm(MS(1_600), "");
    assert!(is_armed(&card));
}

#[test]
fn another_page_another_card_or_no_card_interrupts_the_reading() {
    for other in [None, Some(ContentDigest("other".into()))] {
        let mut card = card();
        card.shown(&whole(&card), MS(100));
        let away = Shown {
            digest: other,
            lines: (0..lines(&card)).collect(),
            large_enough: true,
            ..Shown::default()
        };
        card.shown(&away, MS(800));
        card.shown(&whole(&card), MS(850));
        card.arm(MS(1_500), "");
        assert!(!is_armed(&card), "650 ms in one piece");
        // Nor does it arm while something else is in front.
        let mut card = self::card();
        card.shown(&whole(&card), MS(100));
        card.shown(&away, MS(2_000));
        card.arm(MS(2_001), "");
        assert!(!is_armed(&card), "it is not on the screen");
    }
}

#[test]
fn a_screen_that_is_too_small_neither_arms_nor_approves() {
    let small = |card: &Proposal| Shown { large_enough: false, ..whole(card) };
    let mut card = card();
    card.shown(&small(&card), MS(100));
    card.arm(MS(5_000), "");
    assert!(!is_armed(&card));
    let told = |card: &Proposal| card.note.as_ref().is_some_and(|n| n.as_str().contains("80x24"));
    assert!(told(&card));
    // Said as long as it is so, and no longer.
    card.shown(&small(&card), MS(5_100));
    assert!(told(&card));
    card.shown(&whole(&card), MS(5_200));
    assert_eq!(card.note, None);
    // Made smaller after arming: the token is refused until the card is whole again.
    let mut card = armed();
    let token = card.token.clone();
    card.shown(&small(&card), MS(3_000));
    assert!(
        !approves(&typed(&mut card, &token, MS(3_100), MS(150))),
        "approved on a screen too small to read"
    );
    let mut card = armed();
    card.shown(&Shown::default(), MS(3_000));
    assert!(!approves(&typed(&mut card, &token, MS(3_100), MS(150))), "approved behind another page");
}

#[test]
fn a_frame_takes_no_note_away_but_the_one_about_its_size() {
    let mut card = card();
    card.note = Some(Clean::new("why nothing happened"));
    card.shown(&whole(&card), MS(100));
    card.shown(&Shown { large_enough: false, ..whole(&card) }, MS(200));
    assert_eq!(card.note, Some(Clean::new("why nothing happened")));
}

/// What a person saw: a subset of the lines for a while.
fn glimpses(lines: usize) -> impl Strategy<Value = Vec<(Vec<bool>, u64, bool)>> {
    prop::collection::vec(
        (prop::collection::vec(any::<bool>(), lines), 0_u64..1_000, prop::bool::weighted(0.9)),
        1..12,
    )
}

#[test]
fn armed_means_that_each_line_was_once_whole_for_800_ms_in_one_piece() {
    let card = card();
    let count = lines(&card);
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases: 3_000,
        failure_persistence: None,
        ..Config::default()
    });
    let counted = std::cell::Cell::new(0_usize);
    runner
        .run(&glimpses(count), |glimpses| {
            let mut card = card.clone();
            let mut now = 10;
            let mut since: Vec<Option<u64>> = vec![None; count];
            let mut read = vec![false; count];
            let mut in_front = false;
            for (whole, lasts, ours) in &glimpses {
                let shown =
                    if *ours { frame(&card, (0..count).filter(|n| whole[*n])) } else { Shown::default() };
                card.shown(&shown, MS(now));
                for n in 0..count {
                    let visible = *ours && whole[n];
                    since[n] = if visible { since[n].or(Some(now)) } else { None };
                    read[n] |= since[n].is_some_and(|s| now + lasts - s >= 800);
                }
                in_front = *ours;
                now += lasts;
            }
            card.arm(MS(now), "");
            let expected = in_front && read.iter().all(|r| *r);
            prop_assert_eq!(is_armed(&card), expected);
            counted.set(counted.get() + usize::from(expected));
            Ok(())
        })
        .expect("the model agrees");
    assert!(counted.get() > 20, "some of the histories arm: {}", counted.get());
}

// The card changes.

#[test]
fn a_gate_that_changes_disarms_and_everything_must_be_read_again() {
    for (n, state) in [(0, GateState::Unknown), (1, GateState::Fail), (6, GateState::Fail)] {
        let mut card = armed();
        let mut newer = card.analysis.clone();
        newer.gates[n].state = state;
        assert!(card.refresh(newer, card.opened), "it says that it changed");
        assert_eq!(card.gesture, Gesture::Idle);
        assert_eq!(card.unseen(MS(60_000)), lines(&card));
        assert!(card.note.as_ref().is_some_and(|n| n.as_str().contains("changed while you read")));
        let token = card.token.clone();
        assert!(!approves(&typed(&mut card, &token, MS(3_000), MS(150))));
    }
}

#[test]
fn a_new_block_a_new_effect_line_and_a_new_verdict_disarm() {
    type Edit = fn(&mut goaround::engine::analysis::Analysis);
    let edits: [(&str, Edit); 4] = [
        ("block", |a| a.blocks.push("no right".into())),
        ("line", |a| a.plan.as_mut().expect("a plan").also.push("and more".into())),
        ("verdict", |a| a.fingerprint.push_str("|unknown")),
        ("digest", |a| a.digest = Some(ContentDigest("other".into()))),
    ];
    for (what, edit) in edits {
        let mut card = armed();
        let mut newer = card.analysis.clone();
        edit(&mut newer);
        assert!(card.refresh(newer, card.opened), "{what}");
        assert_eq!(card.gesture, Gesture::Idle, "{what}");
    }
}

#[test]
fn what_was_decided_stays_decided_whatever_changes() {
    let mut card = armed();
    let token = card.token.clone();
    assert!(approves(&typed(&mut card, &token, MS(3_000), MS(150))));
    let mut newer = card.analysis.clone();
    newer.gates[1].state = GateState::Fail;
    assert!(card.refresh(newer, card.opened));
    assert_eq!((&card.gesture, &card.note), (&Gesture::Decided, &None));
}

#[test]
fn a_change_under_a_typing_hand_startles_until_it_was_there_for_800_ms() {
    let mut card = armed();
    assert!(!card.startled(MS(2_100)));
    let mut newer = card.analysis.clone();
    newer.gates[1].state = GateState::Fail;
    card.refresh(newer, card.opened);
    assert!(card.startled(MS(60_000)), "no frame showed it");
    card.shown(&Shown::default(), MS(60_000));
    assert!(card.startled(MS(70_000)), "another page showed it no more");
    card.shown(&whole(&card), MS(70_000));
    card.shown(&whole(&card), MS(70_500));
    assert!(card.startled(MS(70_799)));
    assert!(!card.startled(MS(70_800)));
}

#[test]
fn figures_alone_do_not_disarm() {
    let mut card = armed();
    let mut newer = card.analysis.clone();
    newer.at += chrono::TimeDelta::seconds(30);
    newer.attribution.new.bad += 500.0;
    newer.gates[0].line = Clean::new("5m 201x and 1h 19x");
    newer.cost.per_minute = Some(1.0);
    assert!(!card.refresh(newer, card.opened));
    assert!(is_armed(&card));
    let token = card.token.clone();
    assert!(approves(&typed(&mut card, &token, MS(3_000), MS(150))));
}

// What disables approving.

#[test]
fn whatever_disables_approving_is_said_and_keeps_the_card_from_arming() {
    let refuse = |s: &mut Story| s.dry_run = Some(DryRun::Refused("admission webhook says no".into()));
    type Change = Box<dyn Fn(&mut Story)>;
    let cases: [(&str, Change); 5] = [
        ("--read-only", Box::new(|s| s.state.setup.read_only = true)),
        ("the journal cannot be written", Box::new(|s| s.journal = Err("disk full".into()))),
        ("no right to patch deployments", Box::new(|s| s.rights = false)),
        ("dry run refused", Box::new(refuse)),
        (
            "unknown outcome",
            Box::new(|s| {
                s.past = vec![goaround::engine::record::PastAction {
                    action: "01OLD".into(),
                    time: at("11:30:00"),
                    workload: "shop/api".into(),
                    cluster: "c0ffee".into(),
                    unknown: true,
                    ..Default::default()
                }]
                .into();
            }),
        ),
    ];
    for (why, change) in cases {
        let mut story = Story::told(vec![Workload::burning("api"), Workload::new("web")], change);
        story.show();
        story.mono += Duration::from_secs(2);
        story.command(Command::Arm);
        let card = story.proposal();
        assert_eq!(card.gesture, Gesture::Idle, "{why}");
        let blocks: Vec<&str> = card.analysis.blocks.iter().map(Clean::as_str).collect();
        assert!(blocks.iter().any(|b| b.contains(why)), "{why}: {blocks:?}");
        assert!(card.note.as_ref().is_some_and(|n| n.as_str().starts_with("cannot be approved")), "{why}");
    }
}

#[test]
fn a_paused_deployment_has_no_plan_and_an_equal_template_neither() {
    let story = Story::told(vec![Workload::burning("api")], |s| {
        s.workload_mut("api").deployment["spec"]["paused"] = true.into();
    });
    assert!(story.analysis("api").plan.is_none());
    assert!(story.analysis("api").blocks.iter().any(|b| b.as_str().contains("paused")));
    // By hand to a revision that is the same template under another number.
    let mut api = Workload::burning("api");
    let template = api.deployment["spec"]["template"].clone();
    api.revision(4, "ddd4", template, "2026-11-20T11:57:30Z");
    let mut story = Story::told(vec![api], |_| {});
    let twin = story.state.world.replica_sets.keys().find(|u| u.0 == "rs-api-ddd4").expect("it").clone();
    let current = story.analysis("api").current_row().expect("a current one").uid.clone();
    let other = if current == twin { goaround::domain::cluster::Uid("rs-api-ccc3".into()) } else { twin };
    let planned = story.now;
    let incident = story.state.incidents.get_mut(&key("api")).expect("an incident");
    incident.want(Wish { target: Some(other), by_hand: true, ..Wish::default() }, planned);
    story.pass(2);
    assert!(story.analysis("api").plan.is_none(), "an empty plan is no plan");
    story.show();
    story.mono += Duration::from_secs(2);
    story.command(Command::Arm);
    assert_eq!(story.proposal().gesture, Gesture::Idle);
}

// The reason.

#[test]
fn the_reason_must_name_each_gate_that_is_not_pass() {
    let card = card();
    for set in 0..128_u32 {
        let mut card = card.clone();
        let mut open: Vec<&str> = Vec::new();
        for (n, gate) in card.analysis.gates.iter_mut().enumerate() {
            if set & (1 << n) != 0 {
                gate.state = if n % 2 == 0 { GateState::Fail } else { GateState::Unknown };
                open.push(gate.gate.name());
            }
        }
        card.shown(&whole(&card), MS(10));
        card.arm(MS(1_000), "");
        if open.is_empty() {
            assert!(matches!(card.gesture, Gesture::Token { .. }), "nothing to explain");
            continue;
        }
        assert!(matches!(card.gesture, Gesture::Reason(_)));
        card.submit();
        assert!(matches!(card.gesture, Gesture::Reason(_)), "an empty reason");
        // All but one are not enough, whichever is left out.
        for left_out in &open {
            let words: Vec<&str> = open.iter().filter(|n| *n != left_out).copied().collect();
            let mut card = card.clone();
            card.paste(&format!("because {}", words.join(" and ")));
            card.submit();
            assert!(matches!(card.gesture, Gesture::Reason(_)), "{left_out} was not named");
            assert!(card.note.is_some_and(|n| n.as_str().contains(left_out)));
        }
        card.paste(&format!("because {}", open.join(" and ")).to_lowercase());
        card.submit();
        assert!(matches!(card.gesture, Gesture::Token { .. }), "all named: {open:?}");
    }
}

#[test]
fn a_gate_is_named_by_words_of_its_own() {
    for (reason, named) in
        [("3 hours late", false), ("yours", false), ("ours: I know", true), ("(OURS)", true)]
    {
        let mut card = card();
        card.analysis.gates[1].state = GateState::Unknown;
        card.shown(&whole(&card), MS(10));
        card.arm(MS(1_000), "");
        card.paste(reason);
        card.submit();
        assert_eq!(matches!(card.gesture, Gesture::Token { .. }), named, "{reason}");
    }
}

#[test]
fn tab_writes_the_names_that_are_still_wanted_and_nothing_more() {
    let mut card = card();
    card.analysis.gates[2].state = GateState::Fail;
    card.analysis.gates[5].state = GateState::Unknown;
    card.shown(&whole(&card), MS(10));
    card.arm(MS(1_000), "");
    for _ in 0..4 {
        card.insert_next_gate();
    }
    assert_eq!(card.gesture, Gesture::Reason("ONLY US: SAFE NOW: ".into()));
    card.submit();
    assert!(matches!(card.gesture, Gesture::Token { .. }));
}

#[test]
fn a_dissent_asks_for_the_reason_again_and_for_a_word_beside_the_names() {
    let mut card = armed();
    let token = card.token.clone();
    typed(&mut card, &token[..2], MS(2_100), MS(150));
    card.hears(None);
    assert!(matches!(&card.gesture, Gesture::Token { typed, .. } if typed.len() == 2), "nothing is new");
    card.hears(Some(Dissent::Cause));
    assert_eq!(card.gesture, Gesture::Reason(String::new()), "it is not named yet");
    for (reason, note) in [
        ("because", "must name DISSENT"),
        ("DISSENT", "say in a word why"),
        ("dissent: x!", "say in a word why"),
        ("DISSENT dissent", "say in a word why"),
    ] {
        let mut card = card.clone();
        card.paste(reason);
        card.submit();
        assert_eq!(card.gesture, Gesture::Reason(reason.to_owned()));
        assert!(card.note.as_ref().is_some_and(|n| n.as_str().contains(note)), "{reason}: {:?}", card.note);
    }
    card.paste(" dissent: ok ");
    card.submit();
    let given = |card: &Proposal| match &card.gesture {
        Gesture::Token { reason, .. } => reason.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!((given(&card).as_str(), &card.note), ("dissent: ok", &None));
    // Another dissent is named by the same word, and an agreement wants nothing.
    for next in [Some(Dissent::Both), None] {
        card.hears(next);
        assert_eq!((card.dissent, given(&card).as_str()), (next, "dissent: ok"));
    }
    // The name of a gate is no word of one's own.
    card.back();
    card.analysis.gates[1].state = GateState::Unknown;
    card.hears(Some(Dissent::Action));
    card.arm(MS(9_000), "OURS: DISSENT:");
    card.submit();
    assert_eq!(card.gesture, Gesture::Reason("OURS: DISSENT:".to_owned()));
}

#[test]
fn a_field_takes_four_hundred_characters_and_no_control_characters() {
    type Field = fn(String) -> Gesture;
    let fields: [Field; 3] = [Gesture::Reason, Gesture::Rejecting, Gesture::Settling];
    for field in fields {
        let mut card = card();
        card.gesture = field(String::new());
        card.note = Some("a note".into());
        assert_eq!(card.char('a', MS(1), 1), Decision::None);
        assert_eq!(card.note, None, "who types has read it");
        for c in ['\u{1b}', '\n', '\u{9b}'] {
            card.char(c, MS(2), 2);
        }
        card.paste("b\tc");
        assert_eq!(card.gesture, field("abc".to_owned()));
        card.note = Some("a note".into());
        card.backspace();
        assert_eq!((&card.gesture, &card.note), (&field("ab".to_owned()), &None));
        card.paste(&"é".repeat(500));
        assert_eq!(card.gesture, field(format!("ab{}", "é".repeat(398))));
    }
}

#[test]
fn a_rejection_wants_a_reason_and_a_settlement_more_than_a_word() {
    for text in ["", "  "] {
        let mut card = card();
        card.gesture = Gesture::Rejecting(text.to_owned());
        assert_eq!(card.submit(), Decision::None);
        assert_eq!(card.gesture, Gesture::Rejecting(text.to_owned()));
        assert!(card.note.is_some_and(|n| n.as_str() == "a reason is needed"));
    }
    let mut rejected = card();
    rejected.gesture = Gesture::Rejecting(" no ".to_owned());
    assert_eq!(rejected.submit(), Decision::Reject("no".to_owned()));
    assert_eq!(rejected.gesture, Gesture::Decided);
    for text in ["", " done "] {
        let mut card = card();
        card.gesture = Gesture::Settling(text.to_owned());
        assert_eq!(card.submit(), Decision::None);
        assert_eq!(card.gesture, Gesture::Settling(text.to_owned()));
        assert!(card.note.is_some_and(|n| n.as_str().contains("more than a word")));
    }
    let mut settled = card();
    settled.gesture = Gesture::Settling(" was done ".to_owned());
    assert_eq!(settled.submit(), Decision::Settle("was done".to_owned()));
    assert_eq!(settled.gesture, Gesture::Idle);
}

#[test]
fn whatever_was_begun_can_be_left_and_only_what_is_written_takes_text() {
    let draft = Gesture::Editing(goaround::engine::gate::Draft::default());
    let written = [
        armed().gesture,
        draft,
        Gesture::Reason("a".into()),
        Gesture::Rejecting("a".into()),
        Gesture::Settling("a".into()),
    ];
    for gesture in written {
        let mut card = card();
        card.gesture = gesture.clone();
        card.note = Some("a note".into());
        assert!(card.takes_text(), "{gesture:?}");
        assert!(card.back(), "{gesture:?}");
        assert_eq!((&card.gesture, &card.note), (&Gesture::Idle, &None));
    }
    for gesture in [Gesture::Idle, Gesture::Decided] {
        let mut card = card();
        card.gesture = gesture.clone();
        assert!(!card.takes_text() && !card.back(), "{gesture:?}");
        assert_eq!((card.submit(), &card.gesture), (Decision::None, &gesture));
    }
}

#[test]
fn by_hand_a_reason_is_wanted_even_when_every_gate_passes() {
    let mut card = card();
    card.analysis.by_hand = true;
    card.shown(&whole(&card), MS(10));
    card.arm(MS(1_000), "");
    card.paste("   ");
    card.submit();
    assert!(matches!(card.gesture, Gesture::Reason(_)), "blanks are no reason");
    card.paste("a drill");
    card.submit();
    assert!(matches!(card.gesture, Gesture::Token { .. }));
    card.shown(&whole(&card), MS(2_000));
    let token = card.token.clone();
    assert_eq!(typed(&mut card, &token, MS(2_100), MS(100)), Decision::Approve("a drill".into()));
}

// The token.

#[test]
fn the_token_is_four_characters_of_its_alphabet_and_hangs_on_digest_and_target() {
    let first = card();
    let mut tokens = std::collections::BTreeSet::new();
    for n in 0..400 {
        let mut analysis = first.analysis.clone();
        analysis.digest = Some(ContentDigest::of_bytes(format!("{n}").as_bytes()));
        let card =
            Proposal::open(analysis.clone(), first.opened, Duration::ZERO, chrono::TimeDelta::minutes(1));
        assert_eq!(card.token.chars().count(), 4);
        assert!(card.token.chars().all(|c| "ABCDEFGHJKMNPQRSTUVWXYZ23456789".contains(c)), "{}", card.token);
        analysis.target = Some(goaround::domain::cluster::Uid("elsewhere".into()));
        let other = Proposal::open(analysis, first.opened, Duration::ZERO, chrono::TimeDelta::minutes(1));
        assert_ne!(card.token, other.token, "the target is part of it");
        tokens.insert(card.token);
    }
    assert!(tokens.len() > 390, "tokens differ: {}", tokens.len());
}

#[test]
fn the_right_token_approves_in_either_case_with_its_last_character() {
    for lower in [false, true] {
        let mut card = armed();
        let token = if lower { card.token.to_lowercase() } else { card.token.clone() };
        let (most, last) = token.split_at(3);
        assert_eq!(typed(&mut card, most, MS(2_100), MS(100)), Decision::None);
        assert_eq!(typed(&mut card, last, MS(2_500), MS(100)), Decision::Approve(String::new()));
        assert_eq!(card.gesture, Gesture::Decided);
        // Decided is decided: the same hand on the same keys does nothing more.
        assert_eq!(typed(&mut card, &token, MS(3_000), MS(100)), Decision::None);
    }
}

#[test]
fn a_wrong_character_stays_until_backspace_corrects_it() {
    let token = armed().token;
    for wrong_at in 0..4 {
        let mut card = armed();
        let wrong: String =
            token.char_indices().map(|(n, c)| if n == wrong_at { next_letter(c) } else { c }).collect();
        assert!(!approves(&typed(&mut card, &wrong, MS(2_100), MS(100))), "{wrong} is not {token}");
        assert!(card.note.as_ref().is_some_and(|n| n.as_str().contains("backspace corrects")));
        assert!(!approves(&typed(&mut card, &token, MS(3_000), MS(100))), "the field is full");
        for _ in wrong_at..4 {
            card.backspace();
        }
        assert!(approves(&typed(&mut card, &token[wrong_at..], MS(4_000), MS(100))));
    }
}

fn next_letter(c: char) -> char {
    if c == 'Z' { 'A' } else { char::from(c as u8 + 1) }
}

#[test]
fn enter_never_approves_wherever_it_is_pressed() {
    let token = armed().token;
    for typed_so_far in 0..4 {
        let mut card = armed();
        typed(&mut card, &token[..typed_so_far], MS(2_100), MS(100));
        for _ in 0..3 {
            assert_eq!(card.submit(), Decision::None);
        }
        assert!(matches!(card.gesture, Gesture::Token { .. }));
    }
}

#[test]
fn a_pasted_token_is_refused() {
    let mut card = armed();
    let token = card.token.clone();
    card.paste(&token);
    card.paste(&format!("{token}\n"));
    assert!(matches!(&card.gesture, Gesture::Token { typed, .. } if typed.is_empty()));
    assert!(card.note.as_ref().is_some_and(|n| n.as_str().contains("typed, not pasted")));
}

#[test]
fn characters_of_one_read_or_within_40_ms_were_not_typed_by_a_hand() {
    let token = armed().token;
    let mut card = armed();
    let one_read = token.chars().map(|c| card.char(c, MS(2_500), 7)).last();
    assert_eq!(one_read, Some(Decision::None));
    let mut card = armed();
    let mut last = Decision::None;
    for (n, c) in token.chars().enumerate() {
        last = card.char(c, MS(2_500 + 500 * n as u64), 7);
    }
    assert_eq!(last, Decision::None, "one read is one read, however late it is seen");
    for (gap, approved) in [(0, false), (1, false), (13, false), (14, true), (120, true)] {
        let mut card = armed();
        let decision = typed(&mut card, &token, MS(2_500), MS(gap));
        assert_eq!(approves(&decision), approved, "{gap} ms between characters");
        if !approved {
            assert_eq!(card.note.as_ref().map(Clean::as_str), Some("too fast, type again"));
            assert!(approves(&typed(&mut card, &token, MS(9_000), MS(100))), "by hand it goes");
        }
    }
    for (last, approved) in [(39, false), (40, true)] {
        let mut card = armed();
        typed(&mut card, &token[..3], MS(2_500), MS(1));
        let decision = card.char(char::from(token.as_bytes()[3]), MS(2_500 + last), 90_000);
        assert_eq!(approves(&decision), approved, "{last} ms from the first to the last");
    }
}

#[test]
fn what_came_at_once_after_one_another_was_not_typed_by_a_hand() {
    for (read, number) in [(7, 7), (7 | stroke::AT_ONCE, 7)] {
        assert_eq!(stroke::number(read), number);
    }
    for (one, next, apart) in [
        (1, 2, true),
        (1 | stroke::AT_ONCE, 2, true),
        (1, 1, false),
        (1, 2 | stroke::AT_ONCE, false),
        (1, 1 | stroke::AT_ONCE, false),
    ] {
        assert_eq!(stroke::apart(one, next), apart, "{one:x} and {next:x}");
    }
    let mut card = armed();
    let token = card.token.clone();
    typed(&mut card, &token[..3], MS(2_500), MS(150));
    let last = char::from(token.as_bytes()[3]);
    assert_eq!(card.char(last, MS(9_000), 90_000 | stroke::AT_ONCE), Decision::None);
    assert_eq!(card.note.as_ref().map(Clean::as_str), Some("too fast, type again"));
}

#[test]
fn what_counts_came_after_the_frame_by_the_clock_and_by_the_read() {
    for (mono, read, counts) in [(2_000, 5, 0), (2_000, 6, 0), (2_001, 5, 0), (9_000, 4, 0), (2_001, 6, 1)] {
        let mut card = card();
        card.shown(&whole(&card), MS(10));
        card.arm(MS(1_000), "");
        card.shown(&Shown { read: 5, ..whole(&card) }, MS(2_000));
        card.char('A', MS(mono), read);
        let Gesture::Token { typed, .. } = &card.gesture else { panic!("{:?}", card.gesture) };
        assert_eq!(typed.len(), counts, "at {mono} ms in read {read}");
    }
}

#[test]
fn what_was_typed_before_the_token_was_on_the_screen_does_not_count() {
    let mut card = card();
    let token = card.token.clone();
    card.shown(&whole(&card), MS(10));
    assert!(!approves(&typed(&mut card, &token, MS(100), MS(100))), "not armed");
    card.arm(MS(1_000), "");
    assert!(!approves(&typed(&mut card, &token, MS(1_010), MS(100))), "armed, not drawn yet");
    assert!(matches!(&card.gesture, Gesture::Token { typed, .. } if typed.is_empty()));
    let mut away = card.clone();
    away.shown(&Shown { digest: None, ..whole(&card) }, MS(1_600));
    assert!(!approves(&typed(&mut away, &token, MS(1_700), MS(100))), "a frame without the card");
    card.shown(&whole(&card), MS(3_000));
    // Half before, half after: only the second half counts.
    let mut late = self::card();
    late.shown(&whole(&late), MS(10));
    late.arm(MS(1_000), "");
    typed(&mut late, &token[..2], MS(1_010), MS(100));
    late.shown(&whole(&late), MS(3_000));
    assert!(!approves(&typed(&mut late, &token[2..], MS(3_100), MS(100))));
    assert!(approves(&typed(&mut card, &token, MS(3_100), MS(100))));
}

#[test]
fn escape_disarms_and_forgets_what_was_typed() {
    let mut card = armed();
    let token = card.token.clone();
    typed(&mut card, &token[..3], MS(2_100), MS(100));
    assert!(card.back());
    assert_eq!(card.gesture, Gesture::Idle);
    assert!(!approves(&typed(&mut card, &token[3..], MS(3_000), MS(100))));
    card.arm(MS(4_000), "");
    card.shown(&whole(&card), MS(4_010));
    assert!(!approves(&typed(&mut card, &token[3..], MS(4_100), MS(100))), "the first three are gone");
}

// No accident.

/// What a hand, a cat, a paste or a screen may do.
#[derive(Clone, Debug)]
enum Op {
    Char(u8, u64, bool),
    Paste,
    Enter,
    Backspace,
    Escape,
    Tab,
    Arm,
    Reject,
    Frame(u8),
    Time(u64),
}

/// A number as something done: a plain number costs a fifth of a strategy, and it shrinks as well.
fn op(number: u32) -> Op {
    let (what, which) = (number % 27, number / 27);
    match what {
        0..=11 => {
            Op::Char((which % 6) as u8, [0, 5, 20, 45, 150][which as usize / 6 % 5], which / 30 % 2 == 0)
        }
        12 => Op::Paste,
        13..=14 => Op::Enter,
        15..=16 => Op::Backspace,
        17 => Op::Escape,
        18 => Op::Tab,
        19..=20 => Op::Arm,
        21 => Op::Reject,
        22..=24 => Op::Frame((which % 4) as u8),
        _ => Op::Time(u64::from(which % 1_500) + 1),
    }
}

/// The token occurs in what was typed, in its order, however much lies between.
fn in_order(token: &str, typed: &str) -> bool {
    let mut rest = typed.chars();
    token.chars().all(|wanted| rest.any(|c| c.eq_ignore_ascii_case(&wanted)))
}

/// Sequences that were tried and did not contain the token, and how many of those had the gate armed.
#[derive(Default)]
struct Tried {
    sequences: usize,
    armed: usize,
}

/// Does `sequence` to a card that was read; the outcome must not be an approval unless the token was typed.
fn play(
    card: &mut Proposal,
    whole: &Shown,
    now: &mut u64,
    sequence: &[u32],
    tried: &mut Tried,
) -> Result<(), TestCaseError> {
    let token = card.token.clone();
    let others: Vec<char> = token.chars().chain(['7', 'q']).collect();
    let (mut keys, mut read, mut was_armed) = (String::new(), 0, false);
    for number in sequence {
        let decision = match op(*number) {
            Op::Char(c, ms, own) => {
                *now += ms;
                read += u64::from(own);
                let c = others[usize::from(c)];
                keys.push(c);
                card.char(if own { c } else { c.to_ascii_lowercase() }, MS(*now), read)
            }
            Op::Paste => {
                card.paste(&token);
                Decision::None
            }
            Op::Enter => card.submit(),
            Op::Backspace => {
                card.backspace();
                Decision::None
            }
            Op::Escape => {
                card.back();
                Decision::None
            }
            Op::Tab => {
                card.insert_next_gate();
                Decision::None
            }
            Op::Arm => {
                card.arm(MS(*now), "");
                Decision::None
            }
            Op::Reject => {
                if card.gesture == Gesture::Idle {
                    card.gesture = Gesture::Rejecting(String::new());
                }
                Decision::None
            }
            Op::Frame(which) => {
                let shown = match which {
                    0 => Shown::default(),
                    1 => Shown { large_enough: false, ..whole.clone() },
                    _ => whole.clone(),
                };
                card.shown(&shown, MS(*now));
                Decision::None
            }
            Op::Time(ms) => {
                *now += ms;
                Decision::None
            }
        };
        was_armed |= matches!(card.gesture, Gesture::Token { shown: Some(_), .. });
        if approves(&decision) {
            prop_assert!(in_order(&token, &keys), "{keys} approved, the token is {token}");
        }
        if card.gesture == Gesture::Decided {
            return Ok(());
        }
    }
    if !in_order(&token, &keys) {
        tried.sequences += 1;
        tried.armed += usize::from(was_armed);
    }
    Ok(())
}

#[test]
fn two_hundred_thousand_accidents_approve_nothing() {
    const SEQUENCES: usize = 250;
    let read = armed();
    let whole = whole(&read);
    let tried = std::cell::RefCell::new(Tried::default());
    let cases = 900;
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = prop::collection::vec(prop::collection::vec(any::<u32>(), 1..12), SEQUENCES);
    runner
        .run(&sequences, |sequences| {
            let mut card = read.clone();
            let mut now = 3_000;
            for sequence in &sequences {
                if matches!(card.gesture, Gesture::Decided) {
                    card = read.clone();
                } else {
                    // Back to the start of the gesture: read, and every second time armed with the token shown.
                    card.back();
                    now += 1_000;
                    card.shown(&whole, MS(now));
                    if sequence.len() % 2 == 0 {
                        card.arm(MS(now), "");
                        card.shown(&whole, MS(now));
                    }
                }
                play(&mut card, &whole, &mut now, sequence, &mut tried.borrow_mut())?;
            }
            Ok(())
        })
        .expect("no accident approves");
    let tried = tried.borrow();
    assert!(tried.sequences >= 200_000, "{} sequences without the token", tried.sequences);
    assert!(tried.armed >= 80_000, "{} of them in front of an open gate", tried.armed);
}

/// Any command, with frames and ticks between, through the whole engine.
fn command() -> impl Strategy<Value = Command> {
    let letters =
        prop::sample::select("ABCDEFGHJKMNPQRSTUVWXYZ23456789 arweupvz".chars().collect::<Vec<_>>());
    prop_oneof![
        8 => (letters, 0_u64..4).prop_map(|(c, read)| Command::Char(c, read)),
        4 => Just(Command::Arm),
        2 => Just(Command::Submit),
        2 => Just(Command::Backspace),
        2 => Just(Command::Back),
        1 => Just(Command::Reject),
        1 => Just(Command::Wait),
        1 => Just(Command::Edit),
        1 => Just(Command::Undo),
        1 => Just(Command::ByHand),
        1 => Just(Command::AddRestore),
        1 => Just(Command::Gate),
        1 => Just(Command::Open),
        1 => Just(Command::Help),
        1 => Just(Command::FocusNext),
        1 => Just(Command::Down),
        1 => Just(Command::Evidence),
        1 => "[A-Z2-9]{0,8}".prop_map(Command::Paste),
        1 => "[a-z ]{0,8}".prop_map(Command::Draft),
    ]
}

#[test]
fn no_sequence_of_commands_without_the_token_rechecks_or_executes() {
    let story = Story::burning();
    let (state, at, begin) = (story.state.clone(), story.now, story.mono);
    let token = story.proposal().token.clone();
    let step = prop_oneof![5 => command().prop_map(Some), 2 => Just(None)];
    let sequences = prop::collection::vec((step, 1_u64..400), 1..40);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    proptest!(config, |(sequence in sequences)| {
        let mut state = state.clone();
        let (mut mono, mut typed) = (begin + Duration::from_secs(1), String::new());
        for (command, ms) in sequence {
            mono += Duration::from_millis(ms);
            let event = match command {
                Some(command) => {
                    if let Command::Char(c, _) = command { typed.push(c); }
                    Event::Command(command)
                }
                None => {
                    let card = state.incidents[&key("api")].proposal.as_ref();
                    let shown = card.map(whole).unwrap_or_default();
                    Event::Shown(shown)
                }
            };
            let effects = goaround::engine::step(&mut state, goaround::engine::Stamped { at, mono, event });
            let acts = effects.iter().any(|e| matches!(e, Effect::Recheck(..) | Effect::Execute(_)));
            // Another card than the first may be open by now; its token is as hard to hit.
            let open = state.incidents[&key("api")].proposal.as_ref().map_or(token.clone(), |p| p.token.clone());
            prop_assert!(!acts || in_order(&open, &typed) || in_order(&token, &typed));
        }
    });
}

#[test]
fn the_whole_gesture_through_the_engine_approves_once() {
    let mut story = Story::burning();
    story.hold.insert("recheck");
    story.approve();
    assert_eq!(story.count("recheck"), 1);
    let token = story.proposal().token.clone();
    story.type_text(&token);
    story.command(Command::Arm);
    story.type_text(&token);
    assert_eq!(story.count("recheck"), 1, "the same keys again do nothing");
    assert_eq!(story.count("execute"), 0);
}

// Decisions.

#[test]
fn a_rejection_is_recorded_and_holds_until_the_evidence_changes() {
    let mut story = Story::burning();
    story.show();
    story.command(Command::Reject);
    story.command(Command::Submit);
    assert!(story.card("api").is_some(), "a rejection wants a reason");
    story.type_text("known and accepted");
    story.command(Command::Submit);
    assert!(story.card("api").is_none());
    let rejected = story.records("rejected");
    assert_eq!(rejected.len(), 1);
    assert_eq!((&rejected[0]["reason"], &rejected[0]["by"]), (&"known and accepted".into(), &"ana".into()));
    story.pass(40);
    assert!(story.card("api").is_none(), "the same evidence is not proposed again");
    // Other evidence: the target of the offer is another one now.
    story.workload_mut("api").sets.remove(1);
    story.objects();
    story.pass(2);
    assert!(story.card("api").is_some(), "another target is another proposal");
}

#[test]
fn a_rejected_proposal_can_be_asked_for_by_hand() {
    let mut story = Story::burning();
    story.command(Command::Reject);
    story.type_text("no");
    story.command(Command::Submit);
    let target = story.analysis("api").target.clone().expect("a target");
    let now = story.now;
    let incident = story.state.incidents.get_mut(&key("api")).expect("an incident");
    incident.want(Wish { target: Some(target), by_hand: true, ..Wish::default() }, now);
    story.pass(2);
    assert!(story.proposal().analysis.by_hand);
}

#[test]
fn nothing_that_is_pressed_after_approving_takes_the_action_from_its_way() {
    for later in [Command::Reject, Command::Wait, Command::Edit, Command::AddRestore, Command::Back] {
        let mut story = Story::burning();
        story.hold.insert("recheck");
        story.approve();
        story.turn_to("api");
        story.command(later.clone());
        story.type_text("no no no");
        story.command(Command::Submit);
        assert_eq!(story.records("rejected").len() + story.records("waited").len(), 0, "{later:?}");
        story.answer("recheck");
        assert_eq!(story.count("execute"), 1, "{later:?}: the first decision is final");
    }
}

#[test]
fn approve_and_reject_exclude_each_other() {
    let mut story = Story::burning();
    story.arm();
    let token = story.proposal().token.clone();
    story.type_text(&token[..3]);
    story.command(Command::Back);
    story.command(Command::Reject);
    story.type_text(&token);
    story.command(Command::Submit);
    story.type_text(&token);
    assert_eq!(story.records("rejected").len(), 1);
    assert_eq!(story.count("recheck"), 0);
}

#[test]
fn waiting_ends_when_its_time_is_up() {
    let mut story = Story::burning();
    story.command(Command::Wait);
    assert!(story.card("api").is_none());
    assert_eq!(story.records("waited").len(), 1);
    story.jump(299);
    assert!(story.card("api").is_none(), "five minutes are not over");
    story.jump(2);
    story.pass(2);
    assert!(story.card("api").is_some(), "asked again");
}

#[test]
fn waiting_ends_early_when_the_burn_grows_by_half() {
    for (burn, asked) in [(200.0, false), (299.0, false), (301.0, true)] {
        let mut story = Story::burning();
        story.command(Command::Wait);
        story.workload_mut("api").burns[0] = burn;
        story.slos();
        story.pass(3);
        assert_eq!(story.card("api").is_some(), asked, "burn {burn} after 200");
    }
}

#[test]
fn waiting_ends_when_something_else_is_offered() {
    let mut story = Story::burning();
    story.command(Command::Wait);
    story.workload_mut("api").sets.remove(1);
    story.objects();
    story.pass(3);
    assert!(story.card("api").is_some());
}

// Expiry.

#[test]
fn a_card_expires_by_the_wall_clock_and_is_drawn_anew() {
    let mut story = Story::burning();
    let opened = story.proposal().opened;
    story.arm();
    let token = story.proposal().token.clone();
    story.now = opened + chrono::TimeDelta::seconds(601);
    story.type_text(&token);
    assert_eq!(story.count("recheck"), 0, "it was void before the first character");
    story.pass(2);
    assert_eq!(story.records("expired").len(), 1);
    assert!(story.proposal().opened > opened, "it still burns: a fresh card");
    assert_eq!(story.proposal().gesture, Gesture::Idle);
}

#[test]
fn a_card_expires_by_the_monotonic_clock_when_the_wall_clock_was_set_back() {
    let mut story = Story::burning();
    let opened = story.proposal().opened_mono;
    story.arm();
    let token = story.proposal().token.clone();
    story.now -= chrono::TimeDelta::hours(1);
    story.mono = opened + Duration::from_secs(601);
    story.type_text(&token);
    assert_eq!(story.count("recheck"), 0, "eleven minutes are eleven minutes");
    story.mono += Duration::from_secs(2);
    story.event(Event::Tick);
    assert_eq!(story.records("expired").len(), 1, "and the card knows it");
}

#[test]
fn an_approval_that_expires_during_the_second_look_sends_nothing() {
    for (wall, mono) in [(601, 0), (0, 601)] {
        let mut story = Story::told(vec![Workload::burning("api")], |s| {
            s.state.setup.policy.execute_within = Window::hours(2);
        });
        story.hold.insert("recheck");
        story.approve();
        assert_eq!(story.count("recheck"), 1);
        story.now += chrono::TimeDelta::seconds(wall);
        story.mono += Duration::from_secs(mono);
        story.answer("recheck");
        assert_eq!((story.count("intent"), story.count("execute")), (0, 0), "wall {wall}, monotonic {mono}");
    }
}

#[test]
fn a_card_that_offers_to_wait_does_not_expire() {
    let mut api = Workload::burning("api");
    api.rate = vec![(at("00:00:00"), 40.0), (at("11:58:00"), 120.0)];
    api.forget_revision();
    let mut story = Story::told(vec![api], |_| {});
    assert_eq!(story.proposal().analysis.offer, Offer::Wait);
    story.jump(700);
    story.pass(2);
    assert_eq!(story.records("expired").len(), 0);
}

// Withdrawal.

#[test]
fn a_card_is_withdrawn_when_nothing_burns_any_more() {
    let mut story = Story::burning();
    story.arm();
    story.heal("api");
    story.pass(1);
    assert!(story.card("api").is_none());
    assert_eq!(story.records("withdrawn").len(), 1);
}

#[test]
fn an_alert_that_resolves_while_the_data_are_missing_withdraws_nothing() {
    let mut story = Story::burning();
    story.workload_mut("api").burning = false;
    story.workload_mut("api").burns = [f64::NAN; 5];
    let slos: Vec<_> = story
        .state
        .world
        .slos
        .values()
        .cloned()
        .map(|mut slo| {
            slo.alerts.clear();
            for reading in slo.ratios.values_mut() {
                reading.value = Value::Absent;
            }
            slo
        })
        .collect();
    story.signal(Signal::Slos(slos));
    story.pass(2);
    assert_eq!(story.records("withdrawn").len(), 0);
    assert!(story.incident("api").calm_since.is_none());
    // Nor while those of one of two SLOs are.
    for there in [false, true] {
        let mut story = Story::burning();
        let mut other = story.state.world.slos.values().find(|s| s.burning().is_some()).expect("one").clone();
        other.id = SloId("api-latency".into());
        let mut slos: Vec<_> = story.state.world.slos.values().cloned().chain([other]).collect();
        story.signal(Signal::Slos(slos.clone()));
        story.pass(1);
        assert_eq!(story.incident("api").slos.len(), 2);
        for slo in &mut slos {
            slo.alerts.clear();
            for reading in slo.ratios.values_mut() {
                let told = there || slo.id.0 != "api-latency";
                reading.value = if told { Value::Number(0.0) } else { Value::Absent };
            }
        }
        story.signal(Signal::Slos(slos));
        story.pass(2);
        assert_eq!(story.incident("api").calm_since.is_some(), there);
    }
}

#[test]
fn a_card_is_withdrawn_when_what_it_stands_on_changes() {
    type Edit = fn(&mut Story);
    let edits: [(&str, Edit); 4] = [
        ("uid", |s| s.workload_mut("api").deployment["metadata"]["uid"] = "dep-other".into()),
        ("template", |s| {
            s.workload_mut("api").deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
                "x:9".into();
        }),
        ("annotations", |s| {
            s.workload_mut("api").deployment["metadata"]["annotations"]["note"] = "hello".into();
        }),
        ("deleted", |s| s.workloads.retain(|w| w.name != "api")),
    ];
    for (what, edit) in edits {
        let mut story = Story::told(vec![Workload::burning("api"), Workload::new("web")], |_| {});
        story.arm();
        let (token, digest) = (story.proposal().token.clone(), story.proposal().digest.clone());
        story.hold.insert("inquire");
        edit(&mut story);
        story.objects();
        story.pass(1);
        assert_eq!(story.records("withdrawn").len(), 1, "{what}");
        assert!(story.card("api").is_none_or(|c| c.digest != digest), "{what}");
        story.type_text(&token);
        assert_eq!(story.count("recheck"), 0, "{what}");
    }
}

#[test]
fn a_card_that_comes_after_one_on_which_somebody_typed_is_not_decided_by_that_hand() {
    for later in [Command::Wait, Command::Reject, Command::Edit, Command::Arm] {
        let mut story = Story::burning();
        story.arm();
        let token = story.proposal().token.clone();
        story.type_text(&token[..1]);
        story.hold.insert("dry_run");
        story.workload_mut("api").deployment["metadata"]["annotations"]["note"] = "hello".into();
        story.objects();
        story.pass(1);
        assert!(story.card("api").is_none(), "the server has not said yet what it thinks of the next one");
        story.answer("dry_run");
        story.pass(1);
        story.show();
        let new = story.proposal().digest.clone();
        story.command(later.clone());
        story.mono += MS(790);
        story.command(later.clone());
        let card = story.proposal();
        assert_eq!((&card.digest, &card.gesture), (&new, &Gesture::Idle), "{later:?}");
        assert_eq!(story.records("waited").len(), 0, "{later:?}");
        story.mono += MS(20);
        story.command(later.clone());
        assert!(story.card("api").is_none_or(|c| c.gesture != Gesture::Idle), "{later:?} counts again");
    }
}

#[test]
fn a_card_that_restores_a_config_map_is_withdrawn_when_its_content_changes_again() {
    let mut story = Story::config_edited(true);
    assert_eq!(story.proposal().analysis.offer, Offer::RestoreConfig, "{}", story.analysis("api").reason);
    story.arm();
    let digest = story.proposal().digest.clone();
    let mut other = config_map("api-config", "timeout=2s", Some("2026-11-20T11:56:30Z"));
    other["metadata"]["resourceVersion"] = "71".into();
    story.configs.insert("api-config".into(), other);
    story.config_maps();
    story.pass(2);
    assert_eq!(story.records("withdrawn").len(), 1);
    assert!(story.card("api").is_none_or(|c| c.digest != digest && c.gesture == Gesture::Idle));
}

#[test]
fn what_blocks_while_the_card_is_armed_disarms_it() {
    let mut story = Story::burning();
    story.arm();
    assert!(is_armed(story.proposal()));
    story.rights = false;
    story.jump(61);
    story.pass(1);
    assert_eq!(story.proposal().gesture, Gesture::Idle);
    assert_eq!(story.gate(Gate::SafeNow), GateState::Fail);
}

#[test]
fn read_only_never_arms_whatever_else_is_well() {
    let setup = Setup { read_only: true, ..Setup::default() };
    let mut story = Story::empty(setup, vec![Workload::burning("api")]);
    story.begin();
    story.approve();
    assert_eq!(story.count("recheck"), 0);
}
