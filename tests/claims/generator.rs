//! Makes true sentences from evidence sets, and from each true sentence one false sentence for each way in which one of
//! its claims can be wrong. What is not touched keeps its label. Templates say which item each claim is taken from.

use serde_json::{Value, json};

/// A small generator of numbers: the same corpus on every run.
pub struct Dice(pub u64);

impl Dice {
    /// Below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    /// One of `list`.
    pub fn one<'l>(&mut self, list: &[&'l str]) -> &'l str {
        list[self.roll(list.len())]
    }
}

/// Templates: `{kind:slot}` is a claim. `~a~b` at the end: the numbers of two slots may be swapped.
const TEMPLATES: &[&str] = &[
    "The error ratio {up:error_before} from {n:error_before} to {n:error_after} {c:error_before}{c:error_after}.~error_before~error_after",
    "Errors {up:error_before} from {n:error_before} to {n:error_after} after {rev:deploy} was deployed {c:error_before}{c:error_after}{c:deploy}.~error_before~error_after",
    "{s:error_after} now fails {n:error_after} of its requests {c:error_after}.",
    "{n:error_after} of requests to {s:error_after} fail since the rollout {c:error_after}.",
    "Before the rollout {n:error_before} of requests failed; now it is {n:error_after} {c:error_before}{c:error_after}.~error_before~error_after",
    "The error ratio was {n:error_before} before the rollout and {n:error_after} after it {c:error_before}{c:error_after}.~error_before~error_after",
    "The budget of {s:burn_short} burns at {n:burn_short} over {w:burn_short} {c:burn_short}.",
    "Over {w:burn_long}, the burn rate of {s:burn_long} is {n:burn_long} {c:burn_long}.",
    "Burn is {n:burn_short} over {w:burn_short} and {n:burn_long} over {w:burn_long} {c:burn_short}{c:burn_long}.~burn_short~burn_long",
    "The {w:burn_short} burn rate stands at {n:burn_short} {c:burn_short}.",
    "The burn rates are {n:burn_short} ({w:burn_short}) and {n:burn_long} ({w:burn_long}) {c:burn_short}{c:burn_long}.~burn_short~burn_long",
    "Since the onset at {at:onset:counts}, {bad:counts} of {total:counts} requests failed {c:counts}.",
    "{bad:counts} requests failed since {at:onset:counts} {c:counts}.",
    "The errors began {n:change} after the change {c:change}.",
    "The errors began {n:change} {after:change} the change {c:change}.",
    "{rev:deploy} went out at {at:deploy:deploy} {c:deploy}.",
    "{rev:deploy} was deployed at {at:deploy:deploy}, and the errors began at {at:onset:change} {c:deploy}{c:change}.",
    "At {at:deploy:deploy} {rev:deploy} of {s:deploy} was rolled out {c:deploy}.",
    "Roll back to {tgt:target} {c:target}.",
    "The last known good revision is {tgt:target} {c:target}.",
    "{tgt:target} is the last good one, {rev:deploy} the culprit {c:target}{c:deploy}.",
    "The page fired at {at:alert:alert} {c:alert}.",
    "Traffic is {flat:rps_before}: {n:rps_before} before, {n:rps_after} after {c:rps_before}{c:rps_after}.",
    "Traffic stayed {flat:rps_before} at {n:rps_after} {c:rps_before}{c:rps_after}.",
    "The request rate is {flat:rps_before} at about {n:rps_after}, so this is no traffic spike {c:rps_before}{c:rps_after}.",
    "Load is {flat:factor}, {n:factor} of what it was {c:factor}.",
    "{s:rps_after} serves {n:rps_after} {c:rps_after}.",
    "{p:lat_after} latency {up:lat_before} from {n:lat_before} to {n:lat_after} {c:lat_before}{c:lat_after}.~lat_before~lat_after",
    "Latency at the {p:lat_after} is {n:lat_after} {c:lat_after}.",
    "{n:quiet} are quiet {c:quiet}.",
    "Nothing else burns: {n:quiet} are quiet near {s:quiet} {c:quiet}.",
    "While {hash:served} served, {n:served} of requests failed over {w:served} {c:served}.",
    "The objective of {s:objective} is {n:objective} over {w:objective} {c:objective}.",
    "The burn of {n:burn_short} is {above:threshold} the page threshold of {n:threshold} {c:burn_short}{c:threshold}.",
    "{n:replicas} are ready {c:replicas}.",
    "{s:restarts} saw {n:restarts} over {w:restarts} {c:restarts}.",
    "{n:budget} of the error budget is left {c:budget}.",
    "The ConfigMap {name:config} was changed {c:config}.",
    "{rev:deploy} runs {image:image} {c:image}.",
    "After {rev:deploy}, the new pods fail {n:error_after} of requests, compared with {n:error_before} before {c:deploy}{c:error_after}{c:error_before}.~error_before~error_after",
    "Errors on {s:error_after} are {higher:error_before} than before: {n:error_after} {c:error_before}{c:error_after}.",
    "The error ratio of {s:error_after} is {n:error_after}, the burn {n:burn_short} {c:error_after}{c:burn_short}.",
];

struct Piece {
    text: String,
    claim: bool,
    slot: String,
    number: bool,
    lies: Vec<(&'static str, String)>,
}

/// One answer for each set.
pub fn corpus(sets: &str, seed: u64) -> Vec<Value> {
    let mut dice = Dice(seed);
    let mut out = Vec::new();
    for line in sets.lines().filter(|l| !l.trim().is_empty()) {
        let set: Value = serde_json::from_str(line).expect("a set is JSON");
        let mut one = Vec::new();
        for template in TEMPLATES {
            lines(&set, template, &mut dice, &mut one);
        }
        out.push(joined(&set, one));
    }
    out
}

/// All sentences about one set as one answer.
fn joined(set: &Value, lines: Vec<Value>) -> Value {
    let (mut answer, mut claims) = (Vec::new(), Vec::new());
    for line in lines {
        for claim in line["claims"].as_array().into_iter().flatten() {
            let mut claim = claim.clone();
            claim["sentence"] = answer.len().into();
            claims.push(claim);
        }
        answer.push(line["answer"][0].clone());
    }
    json!({"evidence": set["evidence"], "answer": answer, "claims": claims})
}

fn lines(set: &Value, template: &str, dice: &mut Dice, out: &mut Vec<Value>) {
    let mut swap = template.split('~');
    let body = swap.next().unwrap_or_default();
    let slots: Vec<&str> = swap.collect();
    let Some((pieces, cited)) = pieces(set, body, dice) else { return };
    out.push(line(set, &pieces, &cited, &[], "true"));
    for n in 0..pieces.len() {
        for (kind, lie) in &pieces[n].lies {
            // Too small for the digits of its style: "0 %" would be no lie.
            if lie.trim_start_matches('-').starts_with("0 ")
                || lie.trim_start_matches('-').starts_with("0%")
                || *lie == pieces[n].text
            {
                continue;
            }
            out.push(line(set, &pieces, &cited, &[(n, lie.clone())], kind));
        }
    }
    if let [a, b] = slots[..] {
        let of = |slot: &str| pieces.iter().position(|p| p.slot == slot && p.number);
        if let (Some(a), Some(b)) = (of(a), of(b)) {
            let swapped = [(a, pieces[b].text.clone()), (b, pieces[a].text.clone())];
            out.push(line(set, &pieces, &cited, &swapped, "swapped"));
        }
    }
}

fn line(set: &Value, pieces: &[Piece], cited: &[String], lies: &[(usize, String)], kind: &str) -> Value {
    let mut text = String::new();
    let mut claims = Vec::new();
    for (n, piece) in pieces.iter().enumerate() {
        let lie = lies.iter().find(|(at, _)| *at == n).map(|(_, lie)| lie);
        let said = lie.unwrap_or(&piece.text);
        text.push_str(said);
        if piece.claim && (lie.is_some() || !entangled(kind, piece)) {
            let mark = match (lie, kind) {
                (None, _) => "confirmed",
                (_, "invented citation") => "not_found",
                _ => "contradicted",
            };
            let label = said.trim();
            claims.push(json!({"sentence": 0, "text": label, "mark": mark, "kind": if lie.is_some() { kind } else { "true" }}));
        }
    }
    json!({"evidence": set["evidence"], "answer": [{"text": text, "evidence": cited}], "claims": claims})
}

/// Claims whose truth depends on the one that was changed: they get no label then.
fn entangled(kind: &str, piece: &Piece) -> bool {
    match kind {
        "swapped" => !piece.number,
        "direction reversed" | "wrong window" => piece.number,
        "value" | "factor of ten" | "unit" | "sign" => {
            piece.lies.iter().any(|(k, _)| *k == "direction reversed" || *k == "wrong window")
        }
        _ => false,
    }
}

fn pieces(set: &Value, body: &str, dice: &mut Dice) -> Option<(Vec<Piece>, Vec<String>)> {
    let mut out = Vec::new();
    let mut cited = Vec::new();
    let inline = dice.roll(3) > 0;
    for (n, part) in body.split(['{', '}']).enumerate() {
        if n % 2 == 0 {
            out.push(Piece {
                text: part.to_owned(),
                claim: false,
                slot: String::new(),
                number: false,
                lies: vec![],
            });
            continue;
        }
        let mut words = part.split(':');
        let (kind, first, second) = (words.next()?, words.next()?, words.next());
        let slot = second.unwrap_or(first);
        let item = set["evidence"].as_array()?.iter().find(|i| i["slot"] == slot)?;
        let id = item["id"].as_str()?.to_owned();
        if kind == "c" {
            cited.push(id.clone());
            if inline {
                let lie = format!("[E{}]", 60 + dice.roll(30));
                let lies = vec![("invented citation", lie)];
                out.push(Piece {
                    text: format!("[{id}]"),
                    claim: true,
                    slot: slot.to_owned(),
                    number: false,
                    lies,
                });
            }
            continue;
        }
        let (text, lies) = claim(set, item, kind, first, dice)?;
        let number = kind == "n";
        out.push(Piece { text, claim: true, slot: slot.to_owned(), number, lies });
    }
    Some((out, cited))
}

type Said = (String, Vec<(&'static str, String)>);

fn claim(set: &Value, item: &Value, kind: &str, first: &str, dice: &mut Dice) -> Option<Said> {
    let text = |name: &str| set[name].as_str().unwrap_or_default().to_owned();
    Some(match kind {
        "n" => number(item["value"].as_f64()?, item["unit"].as_str()?, dice),
        "bad" | "total" => {
            let value = item[kind].as_f64()?;
            let other = item[if kind == "bad" { "total" } else { "bad" }].as_f64()?;
            let wrong = if (value * 1.31 - other).abs() < other * 0.04 { value * 1.57 } else { value * 1.31 };
            (
                grouped(value),
                vec![("value", grouped(wrong.round())), ("factor of ten", grouped((value * 10.0).round()))],
            )
        }
        "w" => {
            let window = item["window"].as_str()?;
            let (seconds, other) = match window {
                "5m" => (["5m", "5 minutes", "five minutes", "5 min"], ["1h", "30m", "6 hours"]),
                "1h" => (["1h", "one hour", "60 minutes", "1 h"], ["5m", "6h", "30 minutes"]),
                "30d" => (["30 days", "30d", "30 d", "30 days"], ["7 days", "1d", "90 days"]),
                "20 h" => (["20 h", "20 hours", "20h", "twenty hours"], ["2 hours", "20 minutes", "3 d"]),
                _ => return None,
            };
            (dice.one(&seconds).to_owned(), vec![("wrong window", dice.one(&other).to_owned())])
        }
        "s" => {
            let others = set["others"].as_array()?;
            let other = others[dice.roll(others.len())].as_str()?.to_owned();
            let invented =
                dice.one(&["ledger", "billing-api", "notifications", "user-service", "pricing"]).to_owned();
            (text("service"), vec![("wrong service", other), ("wrong service", invented)])
        }
        "rev" | "tgt" => revision(set, kind, dice),
        "at" => {
            let clock = text(first);
            let short = clock[..5].to_owned();
            let said = if dice.roll(2) == 0 { short } else { clock.clone() };
            let minutes: u32 = clock[..2].parse::<u32>().ok()? * 60 + clock[3..5].parse::<u32>().ok()?;
            let off = [11, 20, 57][dice.roll(3)];
            let wrong = (minutes + off) % 1_440;
            let wrong = format!("{:02}:{:02}{}", wrong / 60, wrong % 60, &said[5..]);
            (said, vec![("wrong time", wrong)])
        }
        "up" => {
            let down = dice.one(&["fell", "dropped", "decreased", "declined", "went down"]);
            (
                dice.one(&["rose", "increased", "jumped", "climbed", "went up", "spiked"]).into(),
                vec![("direction reversed", down.into())],
            )
        }
        "flat" => {
            let moved = dice.one(&["doubled", "sharply increased", "tripled", "sharply reduced"]);
            (
                dice.one(&["unchanged", "flat", "steady", "stable"]).into(),
                vec![("direction reversed", moved.into())],
            )
        }
        "after" => ("after".into(), vec![("order reversed", "before".into())]),
        "above" => ("above".into(), vec![("comparison reversed", "below".into())]),
        "higher" => ("higher".into(), vec![("comparison reversed", "lower".into())]),
        "p" => ("p99".into(), vec![("wrong name", "p50".into())]),
        "hash" => (text("hash"), vec![("wrong name", format!("{}-5c6d7f8b9", text("service")))]),
        "name" => {
            (item["value"].as_str()?.to_owned(), vec![("wrong name", format!("{}-limits", text("service")))])
        }
        "image" => {
            let image = item["value"].as_str()?;
            let tag = image.rsplit(':').next()?.to_owned();
            (tag, vec![("wrong name", "v9.9.7".into())])
        }
        _ => return None,
    })
}

fn revision(set: &Value, kind: &str, dice: &mut Dice) -> Said {
    let (current, target) = (set["revision"].as_i64().unwrap_or(0), set["target"].as_i64().unwrap_or(0));
    let said = if kind == "rev" { current } else { target };
    let word = dice.one(&["revision", "revision", "rev", "Revision"]).to_owned();
    let other = if kind == "rev" { current + 1 } else { target - 1 };
    let lies = vec![
        ("wrong revision", format!("{word} {other}")),
        ("wrong revision", format!("{word} {}", said + 10)),
    ];
    (format!("{word} {said}"), lies)
}

/// A number as writers write it, and as it would be wrong.
fn number(value: f64, unit: &str, dice: &mut Dice) -> Said {
    match unit {
        "ratio" => {
            let percent = value * 100.0;
            let digits = if !(1.0..99.0).contains(&percent) { 3 } else { 1 + dice.roll(2) };
            let write = |p: f64, style: usize| match style {
                0 => format!("{} %", trim(p, digits)),
                1 => format!("{}%", trim(p, digits)),
                _ => format!("{} percent", trim(p, digits)),
            };
            let style = dice.roll(3);
            let other = if percent > 50.0 { percent * 0.71 } else { percent * 1.37 };
            let lies = vec![
                ("value", write(other, style)),
                ("factor of ten", write(percent / 10.0, style)),
                ("unit", format!("{} ms", trim(percent, digits))),
                ("unit", format!("{}x", trim(percent, digits))),
                ("sign", write(-percent, style)),
            ];
            (write(percent, style), lies)
        }
        "x" => {
            let style = dice.roll(3);
            let write = |v: f64| {
                let number = if v >= 20.0 && style > 0 {
                    format!("{v:.0}")
                } else {
                    trim(v, if v < 3.0 { 2 } else { 1 })
                };
                match style {
                    0 => format!("{number}x"),
                    1 => format!("{number} times"),
                    _ => format!("{number}×"),
                }
            };
            let lies = vec![
                ("value", write(value * 1.6)),
                ("factor of ten", write(value * 10.0)),
                ("unit", format!("{} %", trim(value, 2))),
                ("sign", format!("-{}", write(value))),
            ];
            (write(value), lies)
        }
        "s" => {
            let minutes = value >= 120.0 && dice.roll(2) == 0;
            let write =
                |v: f64| if minutes { format!("{} minutes", trim(v / 60.0, 2)) } else { format!("{v:.0} s") };
            (
                write(value),
                vec![
                    ("value", write(value * 2.3)),
                    ("factor of ten", write(value * 10.0)),
                    ("unit", format!("{value:.0} hours")),
                ],
            )
        }
        "ms" => {
            let seconds = value >= 200.0 && dice.roll(2) == 0;
            let write =
                |v: f64| if seconds { format!("{} s", trim(v / 1e3, 3)) } else { format!("{v:.0} ms") };
            (
                write(value),
                vec![
                    ("value", write(value * 1.45)),
                    ("factor of ten", write(value * 10.0)),
                    ("unit", format!("{value:.0} minutes")),
                ],
            )
        }
        "requests/s" => {
            let unit = dice.one(&["rps", "req/s", "requests per second", "requests/s"]);
            let write = |v: f64| format!("{} {unit}", trim(v, 0));
            (
                write(value),
                vec![
                    ("value", write(value * 1.5)),
                    ("factor of ten", write(value * 10.0)),
                    ("unit", format!("{value:.0} %")),
                ],
            )
        }
        "SLOs" => {
            (format!("{value:.0} other SLOs"), vec![("value", format!("{:.0} other SLOs", value + 2.0))])
        }
        "replicas" => (
            format!("{value:.0} replicas"),
            vec![
                ("value", format!("{:.0} replicas", value + 1.0)),
                ("factor of ten", format!("{:.0} replicas", value * 10.0)),
            ],
        ),
        _ => (format!("{value:.0} restarts"), vec![("value", format!("{:.0} restarts", value + 3.0))]),
    }
}

fn trim(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (n, c) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}
