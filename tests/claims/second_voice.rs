//! A second corpus in another voice: other facts, other units and shapes of evidence, other sentences. The checker was
//! not written against it; what it says of it is the honest figure.

use serde_json::{Value, json};

use super::generator::Dice;

/// One incident, in numbers.
struct Story {
    service: &'static str,
    wrong: [&'static str; 2],
    revision: u32,
    previous: u32,
    minute: u32,
    lag: u32,
    before: f64,
    after: f64,
    burn: f64,
    slow: f64,
    rate: f64,
    p95: (f64, f64),
    failed: u32,
    requests: u32,
    pods: u32,
    objective: f64,
}

const STORIES: [Story; 6] = [
    Story {
        service: "storefront",
        wrong: ["mailer", "warehouse"],
        revision: 57,
        previous: 56,
        minute: 9 * 60 + 14,
        lag: 3,
        before: 0.07,
        after: 37.4,
        burn: 374.0,
        slow: 81.5,
        rate: 640.0,
        p95: (180.0, 1_350.0),
        failed: 14_362,
        requests: 38_400,
        pods: 6,
        objective: 99.9,
    },
    Story {
        service: "quote-engine",
        wrong: ["pricing-svc", "ledger"],
        revision: 1_204,
        previous: 1_203,
        minute: 17 * 60 + 41,
        lag: 6,
        before: 0.4,
        after: 6.8,
        burn: 13.6,
        slow: 7.9,
        rate: 88.0,
        p95: (95.0, 260.0),
        failed: 2_154,
        requests: 31_680,
        pods: 4,
        objective: 99.5,
    },
    Story {
        service: "shop/login",
        wrong: ["shop/signup", "profile"],
        revision: 19,
        previous: 17,
        minute: 2 * 60 + 5,
        lag: 11,
        before: 0.02,
        after: 2.6,
        burn: 26.0,
        slow: 9.4,
        rate: 215.0,
        p95: (60.0, 140.0),
        failed: 3_354,
        requests: 129_000,
        pods: 8,
        objective: 99.9,
    },
    Story {
        service: "media-proxy",
        wrong: ["feed", "thumbnailer"],
        revision: 333,
        previous: 332,
        minute: 22 * 60 + 38,
        lag: 2,
        before: 0.15,
        after: 88.0,
        burn: 880.0,
        slow: 190.0,
        rate: 3_100.0,
        p95: (45.0, 900.0),
        failed: 327_360,
        requests: 372_000,
        pods: 12,
        objective: 99.9,
    },
    Story {
        service: "ticketing",
        wrong: ["seatmap", "venue-api"],
        revision: 8,
        previous: 6,
        minute: 13 * 60 + 27,
        lag: 4,
        before: 0.9,
        after: 15.3,
        burn: 15.3,
        slow: 6.2,
        rate: 33.0,
        p95: (410.0, 2_400.0),
        failed: 1_212,
        requests: 7_920,
        pods: 3,
        objective: 99.0,
    },
    Story {
        service: "geo-index",
        wrong: ["tile-cache", "router"],
        revision: 71,
        previous: 70,
        minute: 6 * 60 + 52,
        lag: 9,
        before: 0.005,
        after: 0.62,
        burn: 12.4,
        slow: 5.1,
        rate: 9_400.0,
        p95: (12.0, 31.0),
        failed: 31_471,
        requests: 5_076_000,
        pods: 20,
        objective: 99.95,
    },
];

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

fn evidence(s: &Story) -> Value {
    let item = |id: &str, fact: &str, value: Value, unit: &str, window: Value, subject: &str| json!({"id": id, "fact": fact, "value": value, "unit": unit, "window": window, "subject": subject});
    let name = s.service;
    json!([
        item(
            "E1",
            "failed share of requests in the half hour before the deploy",
            json!(s.before),
            "percent",
            json!("30m"),
            name
        ),
        item(
            "E2",
            "failed share of requests since the deploy",
            json!(s.after),
            "percent",
            json!("10m"),
            name
        ),
        item("E3", "budget burn, fast window", json!(s.burn), "x", json!("5m"), name),
        item("E4", "budget burn, slow window", json!(s.slow), "x", json!("1h"), name),
        item(
            "E5",
            "deploy event",
            json!(format!("revision {} replaced revision {} at {}", s.revision, s.previous, clock(s.minute))),
            "",
            json!(null),
            name
        ),
        item(
            "E6",
            "first failed request after a quiet period",
            json!(clock(s.minute + s.lag)),
            "",
            json!(null),
            name
        ),
        item("E7", "lag between deploy and first errors", json!(s.lag * 60), "s", json!(null), name),
        item("E8", "mean request rate, previous hour", json!(s.rate), "rps", json!("1h"), name),
        item("E9", "mean request rate, now", json!(s.rate * 1.01), "rps", json!("5m"), name),
        item("E10", "p95 response time before the deploy", json!(s.p95.0), "ms", json!("30m"), name),
        item("E11", "p95 response time now", json!(s.p95.1), "ms", json!("10m"), name),
        item("E12", "failed requests", json!(s.failed), "requests", json!("10m"), name),
        item("E13", "all requests", json!(s.requests), "requests", json!("10m"), name),
        item("E14", "pods ready", json!(format!("{0}/{0}", s.pods)), "", json!(null), name),
        item("E15", "SLO target", json!(s.objective), "%", json!("30d"), name),
        item("E16", "restarts of containers since the deploy", json!(0), "count", json!("10m"), name)
    ])
}

/// A sentence with one marked place, the ids it cites, and what that place may be turned into.
type Line = (String, &'static [&'static str], Vec<(String, &'static str, String)>);

fn told(s: &Story) -> Vec<Line> {
    let up = format!("{}%", s.after);
    let low = format!("{}%", s.before);
    let name = s.service.to_owned();
    let rev = format!("revision {}", s.revision);
    let burn = format!("{}x", s.burn);
    let slow = format!("{}x", s.slow);
    let at = clock(s.minute);
    let onset = clock(s.minute + s.lag);
    let lag = format!("{} minutes", s.lag);
    let rate = format!("{} rps", s.rate);
    let (fast_ms, slow_ms) = (format!("{}ms", s.p95.0), format!("{}ms", s.p95.1));
    let thousands = format!("{:.1}k", f64::from(s.requests) / 1e3);
    let alt = s.wrong[0].to_owned();
    let lie = |claim: &str, kind: &'static str, wrong: String| (claim.to_owned(), kind, wrong);
    let ten = |v: f64, unit: &str| format!("{}{unit}", (v * 10.0 * 1e6).round() / 1e6);
    let tenth = |v: f64, unit: &str| format!("{}{unit}", (v / 10.0 * 1e6).round() / 1e6);
    vec![
        (
            format!("We are looking at a failure share of {up} for {name} [E2]."),
            &["E2"],
            vec![
                lie(&up, "factor of ten", tenth(s.after, "%")),
                lie(&up, "value", format!("{:.1}%", s.after * 0.6)),
                lie(&up, "sign", format!("-{up}")),
                lie(&name, "wrong service", alt.clone()),
                lie("[E2]", "invented citation", "[E41]".into()),
            ],
        ),
        (
            format!("Failures shot up from {low} to {up} once {rev} was live [E1, E2, E5]."),
            &["E1", "E2", "E5"],
            vec![
                lie("shot up", "direction reversed", "went down".into()),
                lie(&rev, "wrong revision", format!("revision {}", s.revision + 3)),
                lie(&low, "factor of ten", ten(s.before, "%")),
                lie(&up, "value", format!("{:.1}%", s.after * 1.7)),
                lie(&format!("{low} to {up}"), "swapped", format!("{up} to {low}")),
            ],
        ),
        (
            format!("{name}: failed share {low} -> {up}."),
            &["E1", "E2"],
            vec![
                lie(&format!("{low} -> {up}"), "swapped", format!("{up} -> {low}")),
                lie(&up, "factor of ten", tenth(s.after, "%")),
                lie(&name, "wrong service", s.wrong[1].into()),
            ],
        ),
        (
            format!("The fast window (5m) shows a burn of {burn}, the slow one (1h) {slow}."),
            &["E3", "E4"],
            vec![
                lie(&burn, "factor of ten", ten(s.burn, "x")),
                lie(&slow, "value", format!("{:.1}x", s.slow * 1.4)),
                lie(&burn, "unit", format!("{}%", s.burn)),
                lie("1h", "wrong window", "6h".into()),
                lie("5m", "wrong window", "30m".into()),
            ],
        ),
        (
            format!("In the past five minutes the budget burned {burn} faster than sustainable."),
            &["E3"],
            vec![
                lie(&burn, "factor of ten", tenth(s.burn, "x")),
                lie("five minutes", "wrong window", "two hours".into()),
                lie(&burn, "value", format!("{:.1}x", s.burn * 2.3)),
            ],
        ),
        (
            format!("{rev} took over at {at}; the first failures came {lag} later, at {onset}."),
            &["E5", "E6", "E7"],
            vec![
                lie(&at, "wrong time", clock(s.minute + 73)),
                lie(&onset, "wrong time", clock(s.minute + s.lag + 95)),
                lie(&lag, "value", format!("{} minutes", s.lag * 3 + 1)),
                lie(&lag, "unit", format!("{} seconds", s.lag)),
                lie(&rev, "wrong revision", format!("revision {}", s.previous - 1)),
            ],
        ),
        (
            format!("At {at} UTC, {name} moved from revision {} to {}.", s.previous, s.revision),
            &["E5"],
            vec![
                lie(&at, "wrong time", clock(s.minute + 61)),
                lie(&name, "wrong service", alt.clone()),
                lie(
                    &format!("from revision {} to {}", s.previous, s.revision),
                    "swapped",
                    format!("from revision {} to {}", s.revision, s.previous),
                ),
            ],
        ),
        (
            format!("It took {lag} from the deploy to the first errors."),
            &["E7"],
            vec![
                lie(&lag, "factor of ten", format!("{} minutes", s.lag * 10)),
                lie(&lag, "unit", format!("{} hours", s.lag)),
            ],
        ),
        (
            format!("Demand has not moved: {rate} over the previous hour and about the same now."),
            &["E8", "E9"],
            vec![
                lie(&rate, "value", format!("{} rps", s.rate * 1.8)),
                lie("not moved", "direction reversed", "doubled".into()),
                lie(&rate, "unit", format!("{} ms", s.rate)),
            ],
        ),
        (
            "Traffic is basically flat, so load is not the cause.".to_owned(),
            &["E8", "E9"],
            vec![
                lie("flat", "direction reversed", "up sharply, having tripled".into()),
                lie("flat", "direction reversed", "falling".into()),
            ],
        ),
        (
            format!("p95 response time climbed to {slow_ms} from {fast_ms}."),
            &["E10", "E11"],
            vec![
                lie("climbed", "direction reversed", "fell".into()),
                lie(&slow_ms, "factor of ten", ten(s.p95.1, "ms")),
                lie(&fast_ms, "value", format!("{:.0}ms", s.p95.0 * 1.6)),
                lie("p95", "wrong name", "p50".into()),
                lie(&slow_ms, "unit", format!("{}s", s.p95.1)),
            ],
        ),
        (
            format!("Responses at the 95th percentile are slower than before the deploy (p95 of {slow_ms})."),
            &["E10", "E11"],
            vec![lie("slower than", "comparison reversed", "faster than".into())],
        ),
        (
            format!("In ten minutes {} of {} requests failed.", s.failed, s.requests),
            &["E12", "E13"],
            vec![
                lie(
                    &format!("{} of {}", s.failed, s.requests),
                    "swapped",
                    format!("{} of {}", s.requests, s.failed),
                ),
                lie(&s.failed.to_string(), "factor of ten", (s.failed * 10).to_string()),
                lie(&s.failed.to_string(), "value", (s.failed + s.failed / 3).to_string()),
            ],
        ),
        (
            format!("{name} handled {thousands} requests in that window."),
            &["E13"],
            vec![
                lie(&thousands, "factor of ten", format!("{:.1}k", f64::from(s.requests) / 1e4)),
                lie(&thousands, "value", format!("{:.1}k", f64::from(s.requests) / 7e2)),
                lie(&name, "wrong service", alt.clone()),
            ],
        ),
        (
            format!("All {} pods are ready and there were no restarts.", s.pods),
            &["E14", "E16"],
            vec![
                lie(&format!("{} pods", s.pods), "value", format!("{} pods", s.pods + 5)),
                lie("no restarts", "value", "14 restarts".into()),
            ],
        ),
        (
            format!("The target for {name} is {}% over 30 days.", s.objective),
            &["E15"],
            vec![
                lie("30 days", "wrong window", "7 days".into()),
                lie(&format!("{}%", s.objective), "value", format!("{}%", s.objective - 1.7)),
                lie(&name, "wrong service", s.wrong[1].into()),
            ],
        ),
        (
            format!("I would return to revision {}, which served before [E5].", s.previous),
            &["E5"],
            vec![
                lie(
                    &format!("revision {}", s.previous),
                    "wrong revision",
                    format!("revision {}", s.previous - 2),
                ),
                lie("[E5]", "invented citation", "[E23]".into()),
            ],
        ),
        (
            format!("Errors started after the deploy, not before it: {onset} against {at}."),
            &["E5", "E6"],
            vec![
                lie(&onset, "wrong time", clock(s.minute + 200)),
                lie("after", "order reversed", "before".into()),
            ],
        ),
    ]
}

/// All lines.
pub fn corpus(seed: u64) -> Vec<Value> {
    let mut dice = Dice(seed);
    let mut out = Vec::new();
    for story in &STORIES {
        for (text, ids, lies) in told(story) {
            let mut truths: Vec<String> = Vec::new();
            for (claim, ..) in &lies {
                if !truths.contains(claim) && !claim.contains(" to ") {
                    truths.push(claim.clone());
                }
            }
            let labels: Vec<Value> = truths
                .iter()
                .map(|t| json!({"sentence": 0, "text": t, "mark": "confirmed", "kind": "true"}))
                .collect();
            let line = |text: &str, labels: &[Value]| json!({"evidence": evidence(story), "answer": [{"text": text, "evidence": ids}], "claims": labels});
            out.push(line(&text, &labels));
            for (claim, kind, wrong) in &lies {
                let places: Vec<usize> = text.match_indices(claim.as_str()).map(|(n, _)| n).collect();
                let at = places[dice.roll(places.len())];
                let lied = format!("{}{wrong}{}", &text[..at], &text[at + claim.len()..]);
                let mark = if *kind == "invented citation" { "not_found" } else { "contradicted" };
                out.push(line(&lied, &[json!({"sentence": 0, "text": wrong, "mark": mark, "kind": kind})]));
            }
        }
    }
    out
}
