//! The display without a person: the scripted operator goes through the ordinary gate on the smallest screen, always says
//! that it is simulated, and lets go at the first key.

mod common;

use common::Screen;

#[test]
fn the_operator_of_the_display_decides_by_the_ordinary_gate_and_lets_go_at_a_key() {
    let mut screen = Screen::start(80, 24, &["demo", "--autopilot", "--speed", "20"]);
    screen.wait("simulated operator");
    screen.wait("objectives kept");
    screen.press("j");
    let paused = screen.wait("paused, the keys are yours");
    assert!(paused.contains("simulated operator") && paused.contains("ctrl+o"), "{paused}");
    screen.press("?");
    screen.wait("MAIN SCREEN, LOG");
    screen.press("?");
    screen.press("\x0f");
    screen.wait_gone("paused");
    let end = screen.wait("it ended as the scenario expects: helped");
    assert!(end.contains("HELPED") && end.contains("DEMO"), "{end}");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    screen.assert_restored();
    assert!(screen.raw().contains("slo-burn: helped (expected helped)"));
}

#[test]
fn a_loop_goes_on_with_the_scenario_and_q_leaves_at_any_time() {
    let mut screen =
        Screen::start(100, 30, &["demo", "traffic-spike", "--autopilot", "--loop", "--speed", "60"]);
    screen.wait("next: traffic-spike");
    screen.wait("connects to a cluster");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    assert!(screen.raw().contains("traffic-spike: waited (expected waited)"));
}
