//! The budget arithmetic against published numbers, Sloth's factors, and what a real Prometheus recorded.

use std::path::Path;

use goaround::domain::burn::{
    Against, DEFAULT_PAIRS, Exhaustion, Severity, Stretch, WindowPair, against, allowed_downtime_s, budget,
    burn, cost_of_waiting, exhaustion_linear, exhaustion_rolling, factor, failures_left, remaining, spent,
    spent_by_incident, time_to_alert_s,
};
use goaround::domain::statistics::{Counts, Difference};
use goaround::domain::window::Window;
use proptest::prelude::*;
use serde_json::Value;

const MONTH: Window = Window::days(30);

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/slo").join(name);
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn scenarios() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/slo/prometheus-scenarios");
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let scenarios: Vec<_> = names
        .iter()
        .map(|name| fixture(&format!("prometheus-scenarios/{}", name.to_str().unwrap())))
        .collect();
    assert_eq!(scenarios.len(), 12);
    scenarios
}

fn scenario(name: &str) -> Value {
    fixture(&format!("prometheus-scenarios/{name}.json"))
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// A number as Prometheus writes it; `None` when there is no sample.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => Some(text.parse().unwrap()),
        other => other.as_f64(),
    }
}

/// Equal as the vectors ask for it (relative 1e-9), NaN to NaN, infinite to infinite.
fn same(ours: f64, theirs: f64) -> bool {
    ours == theirs
        || (ours.is_nan() && theirs.is_nan())
        || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(ours.abs()).max(1e-3)
}

fn window(text: &Value) -> Window {
    text.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_published_times_to_exhaustion_come_out() {
    for row in rows(&fixture("sre_workbook_numbers.json")["time_to_exhaustion"]) {
        let budget = budget(row["objective"].as_f64().unwrap());
        let published = row["burn"].as_f64().unwrap();
        if let Some(ratio) = row["error_ratio"].as_f64() {
            assert!(same(burn(ratio, budget), published), "{row}");
        }
        let Exhaustion::InSeconds(seconds) = exhaustion_linear(1.0, published, MONTH) else {
            panic!("{row}")
        };
        let (minutes, tolerance) = match row["expect_minutes"].as_f64() {
            Some(minutes) => (minutes, row["tol_minutes"].as_f64().unwrap()),
            None => (row["expect_hours"].as_f64().unwrap() * 60.0, row["tol_hours"].as_f64().unwrap() * 60.0),
        };
        assert!((seconds / 60.0 - minutes).abs() <= tolerance, "{row}: {} min", seconds / 60.0);
    }
}

#[test]
fn the_published_factors_and_the_budget_behind_them_come_out() {
    for row in rows(&fixture("sre_workbook_numbers.json")["burn_from_budget"]) {
        let window = Window::hours(row["window_hours"].as_u64().unwrap());
        let (share, expected) =
            (row["budget_fraction"].as_f64().unwrap(), row["expect_burn"].as_f64().unwrap());
        assert!(same(factor(share, window, MONTH), expected), "{row}");
        assert!(same(spent(expected, window, MONTH), share), "{row}");
    }
}

#[test]
fn the_default_pairs_are_the_published_rows() {
    let published = fixture("sre_workbook_numbers.json");
    for row in rows(&published["alert_rows"]) {
        let pair = DEFAULT_PAIRS
            .iter()
            .find(|pair| pair.long == window(&row["long"]) && pair.short == window(&row["short"]))
            .unwrap_or_else(|| panic!("no pair for {row}"));
        assert!(same(pair.factor(MONTH), row["burn"].as_f64().unwrap()), "{row}");
        assert_eq!(pair.severity == Severity::Page, row["severity"] == "page", "{row}");
    }
    assert_eq!(rows(&published["alert_rows"]).len(), DEFAULT_PAIRS.len());
}

#[test]
fn one_failure_of_ten_an_hour_is_a_hundredfold_not_a_thousandfold() {
    let row = &fixture("sre_workbook_numbers.json")["low_traffic"];
    let budget = budget(row["objective"].as_f64().unwrap());
    let hourly = row["requests_per_hour"].as_f64().unwrap();
    let ratio = row["failures"].as_f64().unwrap() / hourly;
    assert!(same(ratio, row["expect_hourly_error_ratio"].as_f64().unwrap()));
    assert!(same(burn(ratio, budget), row["expect_burn"].as_f64().unwrap()));
    let share = spent(burn(ratio, budget), Window::hours(1), MONTH);
    let tolerance = row["tol"].as_f64().unwrap();
    assert!((share - row["expect_budget_consumed_fraction"].as_f64().unwrap()).abs() <= tolerance);
    let allowed = failures_left(1.0, budget, hourly * 720.0);
    assert_eq!(allowed.floor(), row["expect_failures_allowed_in_30d"].as_f64().unwrap());
    assert!((spent_by_incident(1.0, hourly, 0.0, budget, hourly * 720.0) - share).abs() < 1e-12);
}

#[test]
fn further_numbers_of_the_chapter_come_out() {
    let total_outage = burn(1.0, budget(0.999));
    assert!((spent(total_outage, Window::hours(1), MONTH) - 1.39).abs() < 0.01, "an hour of outage: 139 %");
    assert!((allowed_downtime_s(budget(0.999), MONTH) / 60.0 - 43.2).abs() < 1e-9);
    let Exhaustion::InSeconds(five_nines) = exhaustion_linear(1.0, burn(1.0, budget(0.99999)), MONTH) else {
        panic!("a total outage exhausts five nines")
    };
    assert!((five_nines - 26.0).abs() < 0.1);
    let ninety = budget(0.9);
    assert!((spent(burn(1.0, ninety), Window::hours(1), MONTH) - 0.014).abs() < 0.000_2);
    assert!(!DEFAULT_PAIRS[0].can_fire(ninety, MONTH), "at most 10x: the 14.4x page can never fire");
    assert!(DEFAULT_PAIRS[1].can_fire(ninety, MONTH));
}

#[test]
fn the_factors_are_sloths_for_each_period_it_knows() {
    let seven_days = [(1, 0.08), (6, 0.125), (24, 0.2), (72, 0.42)].map(|(hours, share)| {
        WindowPair::new(Severity::Page, Window::hours(hours), Window::minutes(5), share)
    });
    let mut seen = 0;
    for case in rows(&fixture("sloth_factors.json")["cases"]) {
        let Some(factors) = case["factors"].as_array() else {
            continue;
        };
        let pairs = if case["windows"].is_null() { &DEFAULT_PAIRS } else { &seven_days };
        for (pair, factor) in pairs.iter().zip(factors) {
            assert!(same(pair.factor(window(&case["period"])), factor.as_f64().unwrap()), "{case}");
            seen += 1;
        }
    }
    assert_eq!(seen, 12);
}

#[test]
fn a_sudden_burn_fires_each_rule_in_the_minute_in_which_prometheus_fired_it() {
    let rules = [
        ("std_14_4_5m_1h", Window::hours(1), 14.4),
        ("std_6_30m_6h", Window::hours(6), 6.0),
        ("seed004_14_4_1h_6h", Window::hours(6), 14.4),
        ("seed004_6_6h_3d", Window::days(3), 6.0),
    ];
    for case in rows(&fixture("seed004_rule_compare.json")["cases"]) {
        let burn = case["burn"].as_f64().unwrap();
        for (rule, long, factor) in rules {
            let minutes = time_to_alert_s(burn, long, factor).unwrap() / 60.0;
            // Evaluated each minute, strictly above: the first whole minute after the threshold is reached.
            let first = (minutes * (1.0 + 1e-9)).floor() + 1.0;
            match case["first_fire_min"][rule].as_f64() {
                Some(fired) => {
                    assert_eq!(first, fired, "{rule} at {burn}x");
                    let share = case["budget_fraction_spent_at_fire"][rule].as_f64().unwrap();
                    assert!(
                        same(spent(burn, Window::minutes(fired as u64), MONTH), share),
                        "{rule} at {burn}x"
                    );
                }
                None => assert!(first > case["run_minutes"].as_f64().unwrap(), "{rule} at {burn}x"),
            }
        }
    }
    assert_eq!(time_to_alert_s(14.4, Window::hours(1), 14.4), None, "at the threshold is not above it");
    assert_eq!(time_to_alert_s(f64::NAN, Window::hours(1), 14.4), None);
}

#[test]
fn burn_and_remaining_are_what_prometheus_recorded_nan_and_infinity_included() {
    let (mut seen, mut odd) = (0, 0);
    for scenario in scenarios() {
        let budget = budget(scenario["objective_percent"].as_f64().unwrap() / 100.0);
        for checkpoint in rows(&scenario["checkpoints"]) {
            for series in rows(&checkpoint["series"]) {
                let recorded = |name: &str| number(&series["recorded"][name]);
                let what = format!("{} at {}", scenario["name"], checkpoint["t_min"]);
                let pairs = [
                    (recorded("slo:sli_error:ratio_rate5m"), recorded("slo:current_burn_rate:ratio")),
                    (period_ratio(&scenario, series), recorded("slo:period_burn_rate:ratio")),
                ];
                for (ratio, expected) in pairs {
                    let (Some(ratio), Some(expected)) = (ratio, expected) else {
                        continue;
                    };
                    assert!(same(burn(ratio, budget), expected), "{what}: {ratio} {expected}");
                    seen += 1;
                    odd += usize::from(!expected.is_finite());
                }
                let left =
                    (period_ratio(&scenario, series), recorded("slo:period_error_budget_remaining:ratio"));
                if let (Some(ratio), Some(expected)) = left {
                    assert!(same(remaining(ratio, budget), expected), "{what}: {ratio} {expected}");
                }
            }
        }
    }
    assert!(seen > 100 && odd > 5, "{seen} compared, {odd} of them not finite");
}

fn period_ratio(scenario: &Value, series: &Value) -> Option<f64> {
    let days = scenario["period_days"].as_f64().unwrap();
    number(&series["recorded"][format!("slo:sli_error:ratio_rate{days}d")])
}

#[test]
fn a_row_fires_where_prometheus_fired_except_at_the_threshold_itself() {
    let (mut decided, mut at, mut fired) = (0, 0, 0);
    for scenario in scenarios().iter().filter(|scenario| scenario["alert_transitions"].is_object()) {
        let budget = budget(scenario["objective_percent"].as_f64().unwrap() / 100.0);
        let period = Window::days(scenario["period_days"].as_f64().unwrap() as u64);
        for checkpoint in rows(&scenario["checkpoints"]) {
            let firing: Vec<_> =
                rows(&checkpoint["alerts_firing"]).iter().map(|alert| alert.as_str().unwrap()).collect();
            for series in rows(&checkpoint["series"]) {
                for (severity, name) in [(Severity::Page, "page"), (Severity::Ticket, "ticket")] {
                    let label = match series["labels"]["handler"].as_str() {
                        Some(handler) => format!("{name}:{handler}"),
                        None => name.to_owned(),
                    };
                    let states: Vec<_> = DEFAULT_PAIRS
                        .iter()
                        .filter(|pair| pair.severity == severity)
                        .map(|pair| {
                            let at = |window: Window| {
                                let ratio =
                                    number(&series["recorded"][format!("slo:sli_error:ratio_rate{window}")]);
                                burn(ratio.unwrap_or(f64::NAN), budget)
                            };
                            pair.against(at(pair.long), at(pair.short), period)
                        })
                        .collect();
                    let above = states.contains(&Some(Against::Above));
                    if !above && states.contains(&Some(Against::At)) {
                        at += 1;
                        continue;
                    }
                    let what = format!("{} at {}: {label}", scenario["name"], checkpoint["t_min"]);
                    assert_eq!(above, firing.contains(&label.as_str()), "{what} {states:?}");
                    decided += 1;
                    fired += usize::from(above);
                }
            }
        }
    }
    assert!(decided > 100 && fired > 20 && at > 3, "{decided} decided, {fired} fired, {at} at the threshold");
}

#[test]
fn exactly_at_the_threshold_is_called_so_whatever_the_last_digits() {
    for jitter in [14.399_999_999_999_998, 14.4, 14.400_000_000_001_587] {
        assert_eq!(against(jitter, 14.4), Some(Against::At));
    }
    assert_eq!(against(14.399_999, 14.4), Some(Against::Below));
    assert_eq!(against(14.400_001, 14.4), Some(Against::Above));
    assert_eq!(against(0.0, 0.0), Some(Against::At));
    assert_eq!(against(f64::INFINITY, 14.4), Some(Against::Above));
    assert_eq!(against(f64::NEG_INFINITY, 14.4), Some(Against::Below));
    assert_eq!(against(f64::NAN, 14.4), None);
}

/// The stretches of a forecast scenario, oldest first, up to the start of the burn.
fn history(scenario: &Value) -> Vec<Stretch> {
    let budget = budget(scenario["objective_percent"].as_f64().unwrap() / 100.0);
    let segments = rows(&scenario["segments"]);
    segments[..segments.len() - 1]
        .iter()
        .map(|segment| Stretch {
            seconds: segment["minutes"].as_f64().unwrap() * 60.0,
            burn: burn(
                segment["errors_per_min"].as_f64().unwrap() / segment["total_per_min"].as_f64().unwrap(),
                budget,
            ),
        })
        .collect()
}

#[test]
fn the_forecast_with_roll_off_is_what_prometheus_then_saw() {
    for name in ["forecast_clean_history", "forecast_roll_off_a"] {
        let scenario = fixture(&format!("forecast/{name}.json"));
        let (burn, left) =
            (scenario["burn"].as_f64().unwrap(), scenario["remaining_at_burn_start"].as_f64().unwrap());
        let minutes = |exhaustion| match exhaustion {
            Exhaustion::InSeconds(seconds) => seconds / 60.0,
            other => panic!("{name}: {other:?}"),
        };
        let naive = minutes(exhaustion_linear(left, burn, MONTH));
        assert!(
            same(naive, scenario["naive_linear_minutes_to_exhaustion"].as_f64().unwrap()),
            "{name}: {naive}"
        );
        let observed = scenario["observed_minutes_to_exhaustion"].as_f64().unwrap();
        let forecast = minutes(exhaustion_rolling(left, burn, &history(&scenario), MONTH));
        assert!((forecast - observed).abs() < 0.01, "{name}: {forecast}, seen {observed}");
    }
}

#[test]
fn the_answers_that_need_no_forecast_are_given_in_words() {
    let clean = [Stretch { seconds: MONTH.secs_f64(), burn: 0.0 }];
    for (left, burn, expected) in [
        (0.0, 5.0, Exhaustion::Exhausted),
        (-0.4, 0.0, Exhaustion::Exhausted),
        (f64::NEG_INFINITY, f64::INFINITY, Exhaustion::Exhausted),
        (0.5, 0.0, Exhaustion::Never),
        (f64::NAN, 5.0, Exhaustion::Unknown),
        (0.5, f64::NAN, Exhaustion::Unknown),
        (0.5, f64::INFINITY, Exhaustion::Unknown),
    ] {
        assert_eq!(exhaustion_linear(left, burn, MONTH), expected, "{left} {burn}");
        assert_eq!(exhaustion_rolling(left, burn, &clean, MONTH), expected, "{left} {burn}");
    }
    // Half the budget a month, for ever: the straight line ends, the rolling window does not.
    assert!(matches!(exhaustion_linear(0.5, 0.4, MONTH), Exhaustion::InSeconds(_)));
    assert_eq!(exhaustion_rolling(1.0, 0.5, &clean, MONTH), Exhaustion::Never);
    // Of a history longer than the period only the last period counts.
    let long = [Stretch { seconds: 1e6, burn: 99.0 }, clean[0]];
    assert_eq!(exhaustion_rolling(0.5, 10.0, &long, MONTH), exhaustion_rolling(0.5, 10.0, &clean, MONTH));
    // Without a history the answer is the earliest possible one, the straight line.
    assert_eq!(exhaustion_rolling(0.5, 10.0, &[], MONTH), exhaustion_linear(0.5, 10.0, MONTH));
}

#[test]
fn ten_minutes_of_waiting_cost_what_the_design_says() {
    let cost = |now: f64| cost_of_waiting(Window::minutes(10), now, 0.0, budget(0.999), MONTH, 50.0).unwrap();
    assert!((cost(0.02).share - 0.004_6).abs() < 0.000_1, "20x: 0.46 %");
    assert!((cost(1.0).share - 0.23).abs() < 0.002, "1000x: 23 %");
    assert!((cost(0.02).requests - 600.0).abs() < 1e-9, "2 % of 50/s for 600 s");
    let over_baseline = cost_of_waiting(Window::minutes(10), 0.02, 0.01, budget(0.999), MONTH, 50.0).unwrap();
    assert!((over_baseline.requests - 300.0).abs() < 1e-9, "a rollback does not cure the baseline");
    let better = cost_of_waiting(Window::minutes(10), 0.01, 0.02, budget(0.999), MONTH, 50.0).unwrap();
    assert_eq!((better.requests, better.share), (0.0, 0.0));
}

#[test]
fn where_a_number_is_missing_the_cost_cannot_be_said() {
    let wait = Window::minutes(10);
    for (now, before, budget, rate) in [
        (f64::NAN, 0.0, 0.001, 50.0),
        (0.02, f64::NAN, 0.001, 50.0),
        (0.02, 0.0, 0.0, 50.0),
        (0.02, 0.0, f64::NAN, 50.0),
        (0.02, 0.0, 0.001, 0.0),
        (0.02, 0.0, 0.001, f64::NAN),
    ] {
        assert_eq!(
            cost_of_waiting(wait, now, before, budget, MONTH, rate),
            None,
            "{now} {before} {budget} {rate}"
        );
    }
}

#[test]
fn an_incident_has_spent_what_the_recorded_counts_say() {
    let scenario = scenario("fast_burn_20x_45m_recover");
    let at = |minute: u64| {
        rows(&scenario["checkpoints"]).iter().find(|checkpoint| checkpoint["t_min"] == minute).unwrap()
    };
    // 60 minutes at 20x of a month: 60 * 20 / 43200 of the budget, in counts of a month at 1000 a minute.
    let bad = at(4_380)["error_count_1h"].as_f64().unwrap();
    let total = at(4_380)["total_count_1h"].as_f64().unwrap();
    let share = spent_by_incident(bad, total, 0.0, budget(0.999), 43_200_000.0);
    assert!(same(share, spent(20.0, Window::hours(1), MONTH)), "{share}");
    let with_baseline = spent_by_incident(bad, total, 0.01, budget(0.999), 43_200_000.0);
    assert!(same(with_baseline, share / 2.0), "{with_baseline}");
    assert_eq!(spent_by_incident(1.0, 1_000.0, 0.01, 0.001, 1e6), 0.0, "better than before spends nothing");
}

#[test]
fn a_new_revision_at_four_percent_is_a_strong_difference() {
    let scenario = scenario("two_revisions");
    let first = &scenario["checkpoints"][0];
    let later =
        rows(&scenario["checkpoints"]).iter().find(|checkpoint| checkpoint["t_min"] == 1_460).unwrap();
    let counts = |checkpoint: &Value, window: &str| {
        let count = |kind: &str| checkpoint[format!("{kind}_count_{window}")].as_f64().unwrap();
        Counts::new(count("error"), count("total"))
    };
    let (before, after) = (counts(first, "1d"), counts(later, "5m"));
    assert_eq!(Difference::between(before, after, budget(0.999)), Difference::Strong);
    let rolled_back = counts(scenario["checkpoints"].as_array().unwrap().last().unwrap(), "1h");
    assert_eq!(Difference::between(before, rolled_back, budget(0.999)), Difference::NoneSeen);
}

#[test]
fn nothing_is_ever_minus_zero() {
    for left in [remaining(0.001, 0.001), remaining(budget(0.999), budget(0.999))] {
        assert!(left == 0.0 && left.is_sign_positive(), "{left}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn roll_off_never_exhausts_before_the_straight_line(
        now in 0.0..50.0_f64, past in proptest::collection::vec((0.01..1.0_f64, 0.0..3.0_f64), 0..12),
    ) {
        let length: f64 = past.iter().map(|(share, _)| share).sum::<f64>().max(1.0);
        let history: Vec<_> = past.iter()
            .map(|(share, burn)| Stretch { seconds: share / length * MONTH.secs_f64(), burn: *burn }).collect();
        let left = 1.0 - history.iter().map(|past| past.seconds * past.burn).sum::<f64>() / MONTH.secs_f64();
        let line = exhaustion_linear(left, now, MONTH);
        match (exhaustion_rolling(left, now, &history, MONTH), line) {
            (Exhaustion::InSeconds(rolling), Exhaustion::InSeconds(line)) => {
                prop_assert!(rolling >= line * (1.0 - 1e-6), "{rolling} before {line}");
                // What was forecast is then true: the window at that time holds exactly one budget.
                let mut spent = now * rolling;
                let mut skip = rolling - (MONTH.secs_f64() - history.iter().map(|past| past.seconds).sum::<f64>());
                for past in &history {
                    let kept = (past.seconds - skip.max(0.0)).max(0.0);
                    skip -= past.seconds;
                    spent += kept * past.burn;
                }
                prop_assert!((spent / MONTH.secs_f64() - 1.0).abs() < 1e-6, "{}", spent / MONTH.secs_f64());
            }
            (Exhaustion::Never, Exhaustion::InSeconds(_) | Exhaustion::Never) => {
                prop_assert!(now <= 1.0 + 1e-6, "above 1x a budget always ends within a period");
            }
            (Exhaustion::Exhausted, Exhaustion::Exhausted) => {}
            (rolling, line) => prop_assert!(false, "{rolling:?} against {line:?}"),
        }
    }

    #[test]
    fn a_factor_spends_its_share(share in 0.001..1.0_f64, hours in 1..200_u64, days in 1..90_u64) {
        let (window, period) = (Window::hours(hours), Window::days(days));
        prop_assert!(same(spent(factor(share, window, period), window, period), share));
    }
}
