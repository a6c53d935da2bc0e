//! Values that are none: each is shown as its own word, and never as 0 or 100 %. Data that are missing close nothing.

use serde_json::{Value, json};

use crate::cluster::{Asked, Cluster};
use crate::gate;

/// The recorded ratios and what remains of the budget.
fn is_record(asked: &Asked) -> bool {
    asked.query().starts_with("slo:sli_error:ratio_rate")
        || asked.query().starts_with("slo:period_error_budget")
}

fn series(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    body["data"]["result"].as_array_mut().into_iter().flatten()
}

/// Every recorded value is `value`.
fn record(value: &'static str) -> impl Fn(&Asked, &mut Value) + Send + Sync + 'static {
    move |asked, body| {
        if is_record(asked) {
            series(body).for_each(|one| one["value"][1] = json!(value));
        }
    }
}

/// Nothing is recorded any more.
fn no_series(asked: &Asked, body: &mut Value) {
    if is_record(asked) {
        body["data"]["result"] = json!([]);
    }
}

/// What is recorded was written ten minutes ago.
fn late(asked: &Asked, body: &mut Value) {
    if asked.query().starts_with("timestamp(") {
        for one in series(body) {
            let at: f64 = one["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a time");
            one["value"][1] = json!((at - 600.0).to_string());
        }
    }
}

/// The number above a label of the main screen.
fn number(screen: &str, label: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    let row =
        lines.iter().position(|line| line.contains(label)).unwrap_or_else(|| panic!("no {label}\n{screen}"));
    let at = lines[row].find(label).map(|byte| lines[row][..byte].chars().count()).expect("it is there");
    let cell: String = lines[row - 1].chars().skip(at).take(19).collect();
    cell.trim().to_owned()
}

/// The word for a value that is none, in the text, in JSON and on the screen.
fn is_called(
    edit: impl Fn(&Asked, &mut Value) + Send + Sync + 'static,
    word: &str,
    json: impl Fn(&Value) -> bool,
) {
    let cluster = Cluster::burning();
    cluster.prometheus.edit(edit);
    let (state, line) = {
        let ran = cluster.run(&["propose"]);
        let (state, line) = gate(&ran, "REAL");
        (state.to_owned(), line.to_owned())
    };
    assert_eq!(state, "unknown", "{word}: {line}");
    assert!(line.starts_with(&format!("5m {word} and 1h {word}")), "{line}");
    let proposal = cluster.run(&["propose", "-o", "json"]).one();
    assert_eq!(proposal["gates"]["real"], "unknown");
    let evidence = proposal["evidence"].as_array().expect("a list").clone();
    let burns: Vec<&Value> =
        evidence.iter().filter(|e| e["fact"].as_str().is_some_and(|f| f.starts_with("burn rate"))).collect();
    assert_eq!(burns.len(), 2);
    assert!(burns.iter().all(|e| json(&e["value"])), "{burns:?}");
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    let text = screen.wait_for(word, |text| number(text, "available, 5 m").starts_with(word));
    let left = number(&text, "budget left");
    assert!(
        ["unknown", "no ", "stale"].iter().any(|word| left.starts_with(word)),
        "{left}
{text}"
    );
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

#[test]
fn nan_is_no_traffic() {
    is_called(record("NaN"), "no traffic", |value| value == "NaN");
}

#[test]
fn infinity_is_no_budget() {
    is_called(record("+Inf"), "no budget", |value| value == "+Inf");
}

#[test]
fn no_series_is_no_data() {
    is_called(no_series, "no data", Value::is_null);
}

#[test]
fn an_old_sample_is_stale() {
    is_called(late, "stale", |value| value["stale"].as_f64().is_some_and(|last| last > 100.0));
}

#[test]
fn without_counts_there_is_no_offer_and_no_share_of_anything() {
    let cluster = Cluster::burning();
    cluster.prometheus.edit(|asked, body| {
        if asked.query().contains("http_requests_total") {
            body["data"]["result"] = json!([]);
        }
    });
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(11), "{}", ran.out);
    assert!(ran.out.starts_with("WAIT: shop/api-gateway\n  not_enough_data: no counts"), "{}", ran.out);
    assert!(gate(&ran, "REAL").1.ends_with("no counts"), "{}", ran.out);
    assert!(!ran.out.contains(" %"), "{}", ran.out);
}

#[test]
fn counts_that_cannot_be_are_no_evidence_against_a_revision() {
    let cluster = Cluster::burning();
    // What no counter can do: fewer than none.
    cluster.prometheus.edit(|asked, body| {
        if asked.query().contains("http_requests_total") {
            for one in series(body) {
                let minus = |sample: &mut Value| {
                    let value = sample[1].as_str().unwrap_or_default().trim_start_matches('-');
                    sample[1] = json!(format!("-{value}"));
                };
                if one["values"].is_array() {
                    one["values"].as_array_mut().into_iter().flatten().for_each(minus);
                } else {
                    minus(&mut one["value"]);
                }
            }
        }
    });
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(11), "{}", ran.out);
    assert!(!ran.out.contains('-') || !ran.out.contains("- "), "{}", ran.out);
    assert_ne!(gate(&ran, "OURS").0, "pass", "{}", ran.out);
}

/// No alert is active, in ALERTS and in the rules.
fn resolved(asked: &Asked, body: &mut Value) {
    if asked.query().starts_with("ALERTS") {
        body["data"]["result"] = json!([]);
    }
    for group in body["data"]["groups"].as_array_mut().into_iter().flatten() {
        for rule in group["rules"].as_array_mut().into_iter().flatten() {
            if rule["alerts"].is_array() {
                rule["alerts"] = json!([]);
                rule["state"] = json!("inactive");
            }
        }
    }
}

#[test]
fn an_alert_that_resolves_while_data_are_missing_closes_nothing() {
    let cluster = Cluster::burning();
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    cluster.prometheus.edit(|asked, body| {
        resolved(asked, body);
        no_series(asked, body);
    });
    screen.wait_for("stale", |text| number(text, "available, 5 m").starts_with("stale since"));
    screen.press("l");
    let text = screen.wait("EVENT LOG");
    assert!(!text.contains("burns any more"), "{text}");
    // With fresh data that are well it closes.
    cluster.prometheus.edit(|asked, body| {
        resolved(asked, body);
        record("0.0001")(asked, body);
    });
    screen.wait("no SLO of it burns any more");
}
