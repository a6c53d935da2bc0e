//! A third corpus: evidence without subjects, numbers as text, times as text and as Unix seconds, short notes and long
//! sentences. Written after the checker was corrected by the second one, and not used to correct it.

use serde_json::{Value, json};

struct Case {
    app: &'static str,
    stranger: &'static str,
    namespace: &'static str,
    rev: u32,
    good: u32,
    hour: u32,
    was: &'static str,
    is: &'static str,
    lie: &'static str,
    burn: &'static str,
    burn_lie: &'static str,
    rps: u32,
    ms: (u32, u32),
    heap: u32,
    budget: u32,
}

const CASES: [Case; 5] = [
    Case {
        app: "booking-api",
        stranger: "refund-api",
        namespace: "travel",
        rev: 61,
        good: 59,
        hour: 10,
        was: "0.3%",
        is: "24.6%",
        lie: "2.46%",
        burn: "24.6",
        burn_lie: "246",
        rps: 310,
        ms: (140, 1_900),
        heap: 780,
        budget: 44,
    },
    Case {
        app: "wallet",
        stranger: "ledger",
        namespace: "finance",
        rev: 4,
        good: 3,
        hour: 23,
        was: "0.05%",
        is: "7.7%",
        lie: "77%",
        burn: "77",
        burn_lie: "7.7",
        rps: 56,
        ms: (33, 88),
        heap: 256,
        budget: 9,
    },
    Case {
        app: "streamer",
        stranger: "uploader",
        namespace: "video",
        rev: 908,
        good: 907,
        hour: 5,
        was: "1.1%",
        is: "63%",
        lie: "36%",
        burn: "63",
        burn_lie: "36",
        rps: 4_200,
        ms: (75, 610),
        heap: 3_100,
        budget: 71,
    },
    Case {
        app: "auth-proxy",
        stranger: "token-svc",
        namespace: "edge",
        rev: 33,
        good: 32,
        hour: 15,
        was: "0.009%",
        is: "0.85%",
        lie: "8.5%",
        burn: "17",
        burn_lie: "71",
        rps: 12_500,
        ms: (4, 19),
        heap: 96,
        budget: 58,
    },
    Case {
        app: "mail-sender",
        stranger: "sms-sender",
        namespace: "comms",
        rev: 150,
        good: 148,
        hour: 18,
        was: "2%",
        is: "41%",
        lie: "14%",
        burn: "8.2",
        burn_lie: "82",
        rps: 18,
        ms: (900, 5_200),
        heap: 410,
        budget: 83,
    },
];

fn evidence(c: &Case) -> Value {
    let day = 1_795_219_200_u64;
    let item = |id: &str, fact: String, value: Value, unit: &str, window: Value| json!({"id": id, "fact": fact, "value": value, "unit": unit, "window": window, "subject": null});
    let (app, space) = (c.app, c.namespace);
    json!([
        item("E1", format!("error rate of {app} before revision {}", c.rev), json!(c.was), "", json!("1h")),
        item("E2", format!("error rate of {app} after revision {}", c.rev), json!(c.is), "", json!("5m")),
        item("E3", format!("error budget burn rate of {app}"), json!(c.burn), "times", json!("1h")),
        item(
            "E4",
            format!("revision {} of {space}/{app} deployed", c.rev),
            json!(day + u64::from(c.hour) * 3_600 + 17 * 60 + 20),
            "unix",
            json!(null)
        ),
        item("E5", "errors began".into(), json!(format!("{:02}:19:05", c.hour)), "", json!(null)),
        item("E6", format!("last good revision of {app}"), json!(c.good), "", json!(null)),
        item(
            "E7",
            format!("requests per second of {app}, before and after"),
            json!(format!("{} before, {} after", c.rps, c.rps + c.rps / 100)),
            "",
            json!(null)
        ),
        item(
            "E8",
            format!("median latency of {app}"),
            json!(format!("{} ms -> {} ms", c.ms.0, c.ms.1)),
            "",
            json!("10m")
        ),
        item("E9", format!("memory of {app} pods"), json!(c.heap), "MiB", json!("10m")),
        item("E10", "error budget left".into(), json!(c.budget), "%", json!("30d")),
        item("E11", "page threshold".into(), json!("14.4x"), "", json!("1h")),
        item(
            "E12",
            format!("image of revision {}", c.rev),
            json!(format!("ghcr.io/{space}/{app}:2.{}.0", c.rev)),
            "",
            json!(null)
        ),
        item("E13", "failed readiness probes".into(), json!(0), "events", json!("15m")),
        item("E14", format!("dependencies of {app} that burn"), json!("none"), "", json!("5m"))
    ])
}

/// Sentence, cited ids, and (what is said, kind of lie, what is said wrongly).
type Note = (String, Vec<&'static str>, Vec<(String, &'static str, String)>);

fn notes(c: &Case) -> Vec<Note> {
    let (app, was, is, rev, good) = (c.app.to_owned(), c.was.to_owned(), c.is.to_owned(), c.rev, c.good);
    let lie = |claim: &str, kind: &'static str, wrong: &str| (claim.to_owned(), kind, wrong.to_owned());
    let at = format!("{:02}:17", c.hour);
    let onset = format!("{:02}:19", c.hour);
    let (fast, slow) = (format!("{} ms", c.ms.0), format!("{} ms", c.ms.1));
    let burn = format!("{}x", c.burn);
    let rps = format!("{} rps", c.rps);
    vec![
        (
            format!("Looking at {app}, {is} of calls have been failing since revision {rev} [E2]."),
            vec!["E2"],
            vec![
                lie(&is, "value", c.lie),
                lie(&app, "wrong service", c.stranger),
                lie(&format!("revision {rev}"), "wrong revision", &format!("revision {}", rev + 1)),
            ],
        ),
        (
            format!("- error rate: {was} → {is} (E1, E2)"),
            vec!["E1", "E2"],
            vec![
                lie(&format!("{was} → {is}"), "swapped", &format!("{is} → {was}")),
                lie(&is, "value", c.lie),
                lie("E2", "invented citation", "E52"),
            ],
        ),
        (
            format!(
                "The deploy of revision {rev} at {at} was followed by a jump in errors at {onset}, about two minutes later."
            ),
            vec!["E1", "E2", "E4", "E5"],
            vec![
                lie(&at, "wrong time", &format!("{:02}:47", c.hour)),
                lie(&onset, "wrong time", &format!("{:02}:39", c.hour)),
                lie("two minutes", "value", "twenty minutes"),
                lie("jump", "direction reversed", "drop"),
            ],
        ),
        (
            format!("Error budget is burning {burn} faster than allowed (1h window) [E3]."),
            vec!["E3"],
            vec![
                lie(&burn, "factor or digits", &format!("{}x", c.burn_lie)),
                lie("1h", "wrong window", "5m"),
                lie(&burn, "unit", &format!("{}%", c.burn)),
            ],
        ),
        (
            format!("Before revision {rev} the rate was only {was}."),
            vec!["E1"],
            vec![lie(&was, "value", &is), lie("Before", "order reversed", "After")],
        ),
        (
            format!("Traffic is essentially unchanged: {rps} before."),
            vec!["E7"],
            vec![
                lie("unchanged", "direction reversed", "three times as high"),
                lie(&rps, "value", &format!("{} rps", c.rps * 2)),
                lie(&rps, "unit", &format!("{} ms", c.rps)),
            ],
        ),
        (
            format!("Load did not change ({} to {} requests per second).", c.rps, c.rps + c.rps / 100),
            vec!["E7"],
            vec![
                lie("did not change", "direction reversed", "collapsed"),
                lie(
                    &format!("{} requests per second", c.rps + c.rps / 100),
                    "value",
                    &format!("{} requests per second", c.rps / 4),
                ),
            ],
        ),
        (
            format!("Median latency went from {fast} to {slow}."),
            vec!["E8"],
            vec![
                lie(&format!("{fast} to {slow}"), "swapped", &format!("{slow} to {fast}")),
                lie(&slow, "factor or digits", &format!("{} ms", c.ms.1 * 10)),
                lie(&slow, "unit", &format!("{} s", c.ms.1)),
            ],
        ),
        (
            format!("Latency increased to {slow}."),
            vec!["E8"],
            vec![
                lie("increased", "direction reversed", "decreased"),
                lie(&slow, "value", &format!("{} ms", c.ms.1 * 3 / 2)),
            ],
        ),
        (
            format!(
                "Memory sits at {} MiB, {} of the budget remains.",
                c.heap,
                format_args!("{}%", c.budget)
            ),
            vec!["E9", "E10"],
            vec![
                lie(&format!("{} MiB", c.heap), "unit", &format!("{} GiB", c.heap)),
                lie(&format!("{}%", c.budget), "value", &format!("{}%", c.budget + 12)),
                lie(&format!("{} MiB", c.heap), "value", &format!("{} MiB", c.heap * 2)),
            ],
        ),
        (
            format!(
                "Revision {good} is the last good revision, so going back to revision {good} is the safe choice."
            ),
            vec!["E6"],
            vec![
                lie(
                    &format!("back to revision {good}"),
                    "wrong revision",
                    &format!("back to revision {rev}"),
                ),
                lie(&format!("Revision {good}"), "wrong revision", &format!("Revision {}", good + 10)),
            ],
        ),
        (
            format!("It runs tag 2.{rev}.0 of {app}."),
            vec!["E12"],
            vec![
                lie(&format!("2.{rev}.0"), "wrong name", &format!("2.{}.1", rev + 4)),
                lie(&app, "wrong service", c.stranger),
            ],
        ),
        (
            "No readiness probe failed, and nothing it depends on burns [E13][E14].".into(),
            vec!["E13", "E14"],
            vec![lie("[E14]", "invented citation", "[E44]")],
        ),
        (
            format!("Compared with {was} before, {is} now fail; that is higher than before."),
            vec!["E1", "E2"],
            vec![
                lie("higher than", "comparison reversed", "lower than"),
                lie(&is, "sign", &format!("-{is}")),
            ],
        ),
        (
            format!("{}'s deployment changed at {at}.", c.app),
            vec!["E4"],
            vec![
                lie(&at, "wrong time", &format!("{:02}:17", (c.hour + 1) % 24)),
                lie(&app, "wrong service", c.stranger),
            ],
        ),
        (
            format!("The page threshold is 14.4x and {app} burns at {burn}."),
            vec!["E3", "E11"],
            vec![
                lie("14.4x", "value", "6x"),
                lie(&burn, "factor or digits", &format!("{}x", c.burn_lie)),
                lie(&app, "wrong service", c.stranger),
            ],
        ),
        (
            format!("Errors began at {onset}, after revision {rev} was deployed."),
            vec!["E4", "E5"],
            vec![
                lie("after", "order reversed", "before"),
                lie(&format!("revision {rev}"), "wrong revision", &format!("revision {}", rev + 7)),
            ],
        ),
    ]
}

/// All lines.
pub fn corpus() -> Vec<Value> {
    let mut out = Vec::new();
    for case in &CASES {
        for (text, ids, lies) in notes(case) {
            let line = |text: &str, labels: Vec<Value>| json!({"evidence": evidence(case), "answer": [{"text": text, "evidence": ids}], "claims": labels});
            let mut truths: Vec<&String> =
                lies.iter().filter(|(_, kind, _)| *kind != "swapped").map(|(claim, ..)| claim).collect();
            truths.dedup();
            out.push(line(
                &text,
                truths
                    .iter()
                    .map(|t| json!({"sentence": 0, "text": t, "mark": "confirmed", "kind": "true"}))
                    .collect(),
            ));
            for (claim, kind, wrong) in &lies {
                let at = text.find(claim.as_str()).unwrap_or_else(|| panic!("{claim} is not in {text}"));
                let lied = format!("{}{wrong}{}", &text[..at], &text[at + claim.len()..]);
                let mark = if *kind == "invented citation" { "not_found" } else { "contradicted" };
                out.push(line(
                    &lied,
                    vec![json!({"sentence": 0, "text": wrong, "mark": mark, "kind": kind})],
                ));
            }
        }
    }
    out
}
