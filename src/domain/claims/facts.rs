//! What evidence offers to be compared with: each item read once, its numbers, times, names, revisions, sides, metrics.

use super::extract::{self, Known, Reading, What};
use super::item::{Given, Item};
use super::place::{self, Role};
use super::quantity::{Family, Noun};
use super::words::{self, Event, Metric, Part, Way};

/// One number that an item offers.
#[derive(Clone, PartialEq, Debug)]
pub struct Offer {
    /// Index of the item.
    pub item: usize,
    /// In the family's own unit.
    pub canonical: f64,
    /// As given.
    pub raw: f64,
    /// Unit family.
    pub family: Family,
    /// What is counted.
    pub noun: Option<Noun>,
    /// Which side it speaks of.
    pub role: Option<Role>,
    /// It is the item's value, not a number in its words.
    pub value: bool,
    /// It is a limit, not a measurement.
    pub threshold: bool,
    /// A factor or a difference between two sides.
    pub change: bool,
    /// Length of its window, seconds.
    pub windows: Vec<f64>,
}

/// A time that an item offers.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    /// Seconds since midnight.
    pub second: u32,
    /// Seconds were given.
    pub exact: bool,
    /// What happened then.
    pub event: Option<Event>,
    /// Index of the item.
    pub item: usize,
}

/// One item, read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Fact {
    /// Upper case.
    pub id: String,
    /// Its numbers.
    pub offers: Vec<Offer>,
    /// Its times.
    pub moments: Vec<Moment>,
    /// Its days.
    pub dates: Vec<(i32, u32, u32)>,
    /// Revisions, in order.
    pub revisions: Vec<String>,
    /// What its revision is.
    pub part: Option<Part>,
    /// All identifiers and words, as parts.
    pub words: Vec<Vec<String>>,
    /// The same, cut at `/`, `:`, `@` and `=` first: the names of which a path or an image is made.
    pub components: Vec<Vec<String>>,
    /// Its subject, lower case.
    pub subject: String,
    /// `p99`.
    pub statistics: Vec<String>,
    /// What it measures.
    pub metrics: Vec<Metric>,
    /// The side of the whole item.
    pub role: Option<Role>,
    /// Lengths of its window, seconds.
    pub windows: Vec<f64>,
    /// Directions in its words.
    pub ways: Vec<(Way, bool)>,
    /// What happened, in the order of its words; and which came first, where the words say so: (earlier, later).
    pub order: Vec<(Event, Event)>,
    /// Its subject is the name of something.
    pub about_name: bool,
    /// It says what is left of a budget, or what is used of it.
    pub left: Option<bool>,
    /// Its words go from one thing to another: `6 -> 7`.
    pub arrow: bool,
    /// Names in it.
    pub names: Vec<String>,
}

/// `burn_rate_5m` and `p99Latency` as words; what is written in words, or is a path, stays as it is.
pub fn spaced(fact: &str) -> String {
    let fact = fact.trim();
    if fact.contains(char::is_whitespace) || fact.contains('/') {
        return fact.to_owned();
    }
    let mut out = String::with_capacity(fact.len() + 8);
    let mut before = ' ';
    for c in fact.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            out.push(' ');
        }
        out.push(if "_:-.".contains(c) { ' ' } else { c });
        before = c;
    }
    // `slo:period:days` may be one word to those who know it: without a word that is understood it stays whole.
    let understood = out.to_lowercase().split(' ').any(|w| {
        words::metric(w, "", "").is_some()
            || words::event(w).is_some()
            || words::noun(w).is_some()
            || words::LIMITS.contains(&w)
            || w == "revision"
    });
    if understood { out } else { fact.to_owned() }
}

/// Ids and names that occur in `items`.
pub fn known(items: &[Item]) -> Known {
    let mut known = Known::default();
    for item in items {
        known.ids.push(item.id.to_uppercase());
        let words = [&item.fact, &item.unit].into_iter().flat_map(|t| t.split(|c: char| !c.is_alphabetic()));
        known.counted.extend(words.map(str::to_lowercase).filter(|w| w.ends_with('s')));
        for word in item.subject.split([' ', ',', ';', '/', '(', ')']) {
            let low = word.to_lowercase();
            let low = low.trim_matches(|c: char| !c.is_alphanumeric());
            if is_subject(low) {
                known.names.push(low.to_owned());
            }
        }
        let text = match &item.value {
            Given::Text(text) => text.as_str(),
            _ => "",
        };
        for part in [item.fact.as_str(), text, item.window.as_str()] {
            for mention in extract::read(part, &alone()).mentions {
                if let What::Name(name) = mention.what {
                    known.names.push(name);
                }
            }
        }
    }
    known.names.sort();
    known.names.dedup();
    known
}

/// A fact is read as if it were about something that is not known yet: "p99 latency of seatmap".
fn alone() -> Known {
    Known { about_names: true, ..Known::default() }
}

/// Whether a word of a subject is the name of something.
fn is_subject(low: &str) -> bool {
    low.len() > 1
        && !low.chars().all(|c| c.is_ascii_digit() || c == '.')
        && !words::NO_NAMES.contains(&low)
        && !words::KINDS.contains(&low)
        && words::metric(low, "", "").is_none()
        && words::unit(low).is_none()
        && words::event(low).is_none()
        && (words::noun(low).is_none() || words::SERVICES.contains(&low))
        && ![
            "revision",
            "service",
            "workload",
            "rev",
            "pods",
            "cluster",
            "node",
            "namespace",
            "objective",
            "time",
            "rate",
            "user",
            "users",
            "job",
            "old",
            "new",
        ]
        .contains(&low)
        && !(low.starts_with("rev")
            && low.trim_start_matches(|c: char| !c.is_ascii_digit()).chars().all(|c| c.is_ascii_digit())
            && low.len() < 10
            && low.chars().any(|c| c.is_ascii_digit()))
}

/// Reads one item.
pub fn fact(index: usize, item: &Item, known: &Known) -> Fact {
    let text = match &item.value {
        Given::Text(text) => text.clone(),
        _ => String::new(),
    };
    // "revision: 6 -> 7": the word stands in the fact.
    let text = match text.trim_start_matches("from ") {
        rest if revision_fact(&item.fact) && rest.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("revision {rest}")
        }
        _ => text,
    };
    let read = |text: &str| extract::read(text, known);
    let (in_fact, in_value, in_window, in_subject) =
        (read(&item.fact), read(&text), read(&item.window), read(&item.subject));
    let all = [&in_fact, &in_value, &in_window, &in_subject];
    let mut out =
        Fact { id: item.id.to_uppercase(), subject: item.subject.to_lowercase(), ..Fact::default() };
    let led = extract::read(&item.fact, &alone()).mentions.iter().any(|m| matches!(m.what, What::Name(_)));
    out.about_name = led
        || in_value.mentions.iter().any(|m| matches!(m.what, What::Name(_)))
        || out.subject.split([' ', ',', '/', '(', ')']).any(is_subject);
    out.role = [&in_fact, &in_subject, &in_window].into_iter().find_map(place::role_of_text);
    out.metrics = item_metrics(item, &in_fact, &in_value);
    out.windows =
        windows(&in_window).into_iter().chain(in_fact.mentions.iter().filter_map(window_of)).collect();
    if out.windows.is_empty() && !out.metrics.is_empty() {
        out.windows.extend(trailing_window(&in_fact));
    }
    for reading in all {
        collect(reading, &mut out);
    }
    for part in [&item.fact, &text, &item.window, &item.subject, &item.unit] {
        out.words.extend(part.split_whitespace().map(parts).filter(|p| !p.is_empty()));
        let cut = part.split(|c: char| c.is_whitespace() || "/:@=".contains(c));
        out.components.extend(cut.map(parts).filter(|p| !p.is_empty()));
    }
    out.part = part_of(&in_fact)
        .or_else(|| part_of(&in_value))
        .or_else(|| part_of(&in_subject))
        .or_else(|| weak_part_of(&in_fact));
    out.arrow = in_value.tokens.iter().any(|t| ["->", "→", "=>", "to"].contains(&t.low.as_str()))
        || in_fact.tokens.iter().any(|t| ["->", "→", "=>"].contains(&t.low.as_str()));
    if out.metrics.contains(&Metric::Budget) {
        out.left = in_fact.tokens.iter().chain(&in_value.tokens).find_map(|t| words::left(&t.low));
    }
    value_offer(index, item, &mut out);
    text_offers(index, item, &in_value, true, &mut out);
    text_offers(index, item, &in_fact, false, &mut out);
    counts(index, item, &mut out);
    moments(index, item, [&in_value, &in_fact, &in_window], &mut out);
    // "error ratio before the rollout" orders no events: the word says which side was measured.
    let level = out.offers.iter().any(|o| o.value && o.family != Family::Time);
    if !level {
        out.order = orders(&in_fact).into_iter().chain(orders(&in_value)).collect();
    }
    if let Given::Number(n) = item.value
        && n < 0.0
    {
        // "rollout to onset: -94 s" is the other way round.
        out.order = out.order.iter().map(|(a, b)| (*b, *a)).collect();
    }
    out
}

fn window_of(mention: &extract::Mention) -> Option<f64> {
    match &mention.what {
        What::Number { quantity, window: true } => Some(quantity.canonical()),
        _ => None,
    }
}

/// `burn rate 5m`: a length of minutes or more at the end of a fact that names a measurement.
fn trailing_window(reading: &Reading) -> Option<f64> {
    let time = |m: &&extract::Mention| matches!(&m.what, What::Number { quantity, .. } if quantity.family == Family::Time);
    let last = reading.mentions.last().filter(|m| m.at.end == reading.tokens.len())?;
    if reading.mentions.iter().filter(time).count() > 1 {
        return None;
    }
    match &last.what {
        What::Number { quantity, .. } if quantity.family == Family::Time && quantity.scale >= 60.0 => {
            Some(quantity.canonical())
        }
        _ => None,
    }
}

/// Lengths in the words of a window: `5m`; the length of `12:26..12:33`.
fn windows(reading: &Reading) -> Vec<f64> {
    let mut out = Vec::new();
    let mut clocks = Vec::new();
    for mention in &reading.mentions {
        match &mention.what {
            What::Number { quantity, .. } if quantity.family == Family::Time => {
                out.push(quantity.canonical())
            }
            What::Clock(second, ..) => clocks.push(f64::from(*second)),
            _ => {}
        }
    }
    if let [from, to] = clocks[..] {
        out.push((to - from).rem_euclid(86_400.0));
    }
    out
}

fn item_metrics(item: &Item, in_fact: &Reading, in_value: &Reading) -> Vec<Metric> {
    let mut metrics = place::metrics(in_fact, 0..in_fact.tokens.len());
    if metrics.is_empty() {
        metrics = place::metrics(in_value, 0..in_value.tokens.len());
    }
    let unit = words::unit(&item.unit.to_lowercase()).map(|(f, _)| f);
    // "requests, new pods" as a ratio is the ratio of bad ones.
    if unit == Some(Family::Ratio)
        && metrics == [Metric::Traffic]
        && !item.fact.to_lowercase().contains("change")
    {
        metrics = vec![Metric::Error];
    }
    if metrics.is_empty() && unit == Some(Family::Rate) {
        metrics = vec![Metric::Traffic];
    }
    metrics
}

fn collect(reading: &Reading, out: &mut Fact) {
    for mention in &reading.mentions {
        match &mention.what {
            What::Revision(r) => out.revisions.push(r.clone()),
            What::Statistic(s) => out.statistics.push(s.clone()),
            What::Date(y, m, d) => out.dates.push((*y, *m, *d)),
            What::Direction(way, _, negated) => out.ways.push((*way, *negated)),
            What::Name(name) => out.names.push(name.clone()),
            _ => {}
        }
    }
}

fn part_of(reading: &Reading) -> Option<Part> {
    reading.tokens.iter().find_map(|t| words::part_of_revision(&t.low))
}

/// "running", "last revision without errors": what a revision is, where no plainer word says it.
fn weak_part_of(reading: &Reading) -> Option<Part> {
    let has = |words: &[&str]| reading.tokens.iter().any(|t| t.among(words));
    if has(&["last", "latest", "newest"]) && has(&["without", "free", "clean", "known"]) {
        Some(Part::Target)
    } else {
        (has(&["running", "active", "serving", "runs"]) && !has(&["was", "before", "earlier"]))
            .then_some(Part::Current)
    }
}

fn is_limit(text: &str) -> bool {
    let low = text.to_lowercase();
    ["threshold", "objective", "target ratio", "limit", "slo target", "goal", "alert fires above"]
        .iter()
        .any(|w| low.contains(w))
}

/// A factor or a difference, by the words of the fact.
fn is_change(item: &Item, metrics: &[Metric], family: Family) -> bool {
    let low = item.fact.to_lowercase();
    let mut order = 9;
    // "before the change", "since the last change": an event, and no difference.
    let kept: Vec<&str> = low
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .filter(|w| {
            order =
                if ["before", "after", "since", "until", "following"].contains(w) { 0 } else { order + 1 };
            !(["change", "drop", "step"].contains(w) && order <= 3)
        })
        .collect();
    let has = |words: &[&str]| words.iter().any(|w| kept.contains(w));
    let both = has(&["before", "baseline", "previous", "prior", "normal", "usual"]);
    let over = has(&[
        "over", "versus", "vs", "relative", "compared", "against", "to", "than", "divided", "times",
        "factor", "step", "ratio",
    ]);
    let named = has(&[
        "change",
        "delta",
        "growth",
        "increase",
        "decrease",
        "rise",
        "drop",
        "factor",
        "multiplier",
        "step",
    ]);
    match family {
        Family::Multiple => {
            !metrics.contains(&Metric::Burn) && (named || over || both || !metrics.is_empty())
        }
        Family::Ratio => {
            named || (both && over && has(&["after", "during", "now", "incident", "current", "since"]))
        }
        _ => has(&["change", "delta", "difference"]),
    }
}

/// Unit family that the words of a fact give where the unit is empty.
fn family_by_words(item: &Item, number: f64, metrics: &[Metric]) -> (Family, f64, Option<Noun>) {
    let low = item.fact.to_lowercase();
    let has = |w: &str| low.contains(w);
    if has("per second") || has("rps") || has("/s") || has("qps") {
        (Family::Rate, 1.0, None)
    } else if has("percent") || has("%") {
        (Family::Ratio, 0.01, None)
    } else if has("burn rate") || has("burn-rate") || has("factor") {
        (Family::Multiple, 1.0, None)
    } else if has("milliseconds") || has("(ms)") || has(" ms") {
        (Family::Time, 1e-3, None)
    } else if has("seconds") {
        (Family::Time, 1.0, None)
    } else if (has("ratio")
        || has("error rate")
        || has("share")
        || has("fraction")
        || has("availability")
        || has("success rate"))
        && number.abs() <= 1.0
    {
        (Family::Ratio, 1.0, None)
    } else if has("availability") || has("error rate") || has("objective") {
        (Family::Ratio, 0.01, None)
    } else {
        let noun = head_noun(&low);
        let noun = noun
            .map(|n| if n == Noun::Requests && metrics.contains(&Metric::Error) { Noun::Errors } else { n });
        (Family::Bare, 1.0, noun.filter(|_| number.fract() == 0.0))
    }
}

/// What the words of a fact count: the last noun before `of`, `since` and the like (`pod restarts since noon`).
fn head_noun(low: &str) -> Option<Noun> {
    let border = [
        "of", "in", "since", "for", "per", "while", "with", "after", "before", "during", "on", "that", "from",
    ];
    let words: Vec<&str> = low.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let end = words.iter().position(|w| border.contains(w)).unwrap_or(words.len());
    let (head, rest) = words.split_at(end);
    head.iter().rev().find_map(|w| words::noun(w)).or_else(|| rest.iter().find_map(|w| words::noun(w)))
}

fn value_offer(index: usize, item: &Item, out: &mut Fact) {
    let Given::Number(number) = item.value else { return };
    let stem = unit_word(item);
    if ["revision", "rev"].contains(&stem.as_str())
        || (stem.is_empty() && revision_fact(&item.fact) && number.fract() == 0.0)
    {
        out.revisions.push(format!("{number}"));
    }
    let (family, scale, noun) = unit_of(item, number, &out.metrics);
    let text = item.fact.to_lowercase();
    let noun = match noun {
        Some(Noun::Requests) if out.metrics.contains(&Metric::Error) => Some(Noun::Errors),
        other => other,
    };
    let change = is_change(item, &out.metrics, family);
    // "a minute of waiting", in requests: a rate as well.
    let per_minute = family == Family::Count
        && ["a minute of", "per minute", "each minute"].iter().any(|w| text.contains(w));
    if per_minute {
        out.offers.push(Offer {
            item: index,
            canonical: number / 60.0,
            raw: number,
            family: Family::Rate,
            noun: None,
            role: None,
            value: true,
            threshold: false,
            change: false,
            windows: Vec::new(),
        });
    }
    let role =
        out.role.filter(|_| !change && family != Family::Time || out.metrics.contains(&Metric::Latency));
    out.offers.push(Offer {
        item: index,
        canonical: number * scale,
        raw: number,
        family,
        noun,
        role,
        value: true,
        threshold: is_limit(&text),
        change,
        windows: out.windows.clone(),
    });
}

fn unit_word(item: &Item) -> String {
    item.unit.trim().to_lowercase().trim_matches(|c: char| "()[]".contains(c)).to_owned()
}

/// Family, factor and noun of an item's bare number: by its unit, else by the words of its fact.
fn unit_of(item: &Item, number: f64, metrics: &[Metric]) -> (Family, f64, Option<Noun>) {
    let stem = unit_word(item);
    match words::unit(&stem) {
        Some(_) if stem == "m" && metrics.contains(&Metric::Cpu) => (Family::Cores, 1e-3, None),
        Some((family, scale)) => (family, scale, None),
        None if stem.contains("per second") || stem.ends_with("/s") || stem.ends_with("per sec") => {
            (Family::Rate, 1.0, None)
        }
        None if stem.contains("per minute") || stem.ends_with("/min") => (Family::Rate, 1.0 / 60.0, None),
        None if stem.starts_with("percent") || stem.contains('%') => (Family::Ratio, 0.01, None),
        None if stem.contains("burn") || stem.starts_with('x') || stem.contains("budget") => {
            (Family::Multiple, 1.0, None)
        }
        None if stem.is_empty() || ["number", "none", "-", "1", "value"].contains(&stem.as_str()) => {
            family_by_words(item, number, metrics)
        }
        None => match stem.split(' ').next().and_then(words::unit) {
            Some((family, scale)) => (family, scale, None),
            None => (Family::Count, 1.0, stem.split(' ').find_map(words::noun)),
        },
    }
}

fn revision_fact(fact: &str) -> bool {
    let low = fact.to_lowercase();
    let mut words = low.split_whitespace();
    low.contains("revision")
        && !low.contains("number of")
        && !words.any(|w| ["revisions", "ratio", "rate", "errors", "requests", "latency"].contains(&w))
}

/// Numbers in the words of an item.
fn text_offers(index: usize, item: &Item, reading: &Reading, value: bool, out: &mut Fact) {
    let roles = place::roles(reading, true);
    let beside = place::belongs(reading, |w| matches!(w, What::Number { window: true, .. }));
    for (n, mention) in reading.mentions.iter().enumerate() {
        let What::Number { quantity, window } = &mention.what else { continue };
        if *window && !value {
            continue;
        }
        // "310 before, 313 after" of requests per second: the unit stands in the fact.
        let (family, scale, noun) = match quantity.family {
            Family::Bare if value => match unit_of(item, quantity.value, &out.metrics) {
                (Family::Bare | Family::Count, _, noun) => (Family::Bare, 1.0, noun.or(quantity.noun)),
                other => other,
            },
            _ => (quantity.family, quantity.scale, quantity.noun),
        };
        let role = roles[n].or(if value && reading.mentions.len() < 2 { out.role } else { None });
        out.offers.push(Offer {
            item: index,
            canonical: quantity.value * scale,
            raw: quantity.value,
            family,
            noun,
            role,
            value: value
                && reading.mentions.iter().filter(|m| matches!(m.what, What::Number { .. })).count() == 1,
            threshold: quantity.threshold || (!value && quantity.bound.is_some()),
            change: quantity.change && quantity.family != Family::Count,
            windows: match beside
                .iter()
                .position(|of| *of == Some(n))
                .and_then(|w| window_of(&reading.mentions[w]))
            {
                Some(own) => vec![own],
                None if quantity.family == Family::Time && quantity.scale >= 1.0 => Vec::new(),
                None => out.windows.clone(),
            },
        });
    }
}

fn counts(index: usize, item: &Item, out: &mut Fact) {
    let role = out.role;
    let windows = out.windows.clone();
    let mut add = |number: f64, family: Family, noun: Option<Noun>| {
        out.offers.push(Offer {
            item: index,
            canonical: number,
            raw: number,
            family,
            noun,
            role,
            value: true,
            threshold: false,
            change: false,
            windows: windows.clone(),
        });
    };
    for (count, noun) in [(item.bad, Noun::Errors), (item.total, Noun::Requests)] {
        if let Some(count) = count {
            add(count.round(), Family::Count, Some(noun));
        }
    }
    if let (Some(bad), Some(total)) = (item.bad, item.total)
        && total > 0.0
        && !matches!(item.value, Given::Number(_))
    {
        add(bad / total, Family::Ratio, None);
    }
}

fn moments(index: usize, item: &Item, readings: [&Reading; 3], out: &mut Fact) {
    let by_fact = readings[1].tokens.iter().find_map(|t| strong_event(&t.low));
    let lead = by_fact.or_else(|| readings[1].tokens.iter().find_map(|t| words::event(&t.low)));
    for (which, reading) in readings.into_iter().enumerate() {
        for mention in &reading.mentions {
            let What::Clock(second, exact, _) = mention.what else { continue };
            // "12:26 to onset 12:28": the word next to a time says what happened then.
            let own = mention
                .at
                .start
                .checked_sub(1)
                .and_then(|n| reading.tokens.get(n))
                .and_then(|t| words::event(&t.low));
            // "after 14:02: 99.8 %" says nothing of what happened then.
            let border = mention.at.start.checked_sub(1).and_then(|n| reading.tokens.get(n));
            let border = border.is_some_and(|t| t.among(&["before", "after", "since", "until"]));
            // "changed from A to B at 05:17": the last word for an event before the time.
            let led = (which == 0)
                .then(|| (0..mention.at.start).rev().find_map(|t| words::event(&reading.tokens[t].low)))
                .flatten();
            let event = own.or(if border || which == 1 { None } else { lead.or(led) });
            out.moments.push(Moment { second, exact, event, item: index });
        }
    }
    if let Given::Number(n) = item.value {
        let unit = item.unit.to_lowercase();
        let unix = (1e9..4.2e9).contains(&n)
            && ["", "s", "unix", "timestamp", "epoch", "seconds", "unix seconds", "unix_s", "time"]
                .contains(&unit.as_str());
        if unix {
            let second = n.rem_euclid(86_400.0) as u32;
            out.moments.push(Moment { second, exact: true, event: lead, item: index });
        }
    }
}

/// Words that say better than others what happened.
fn strong_event(low: &str) -> Option<Event> {
    match low {
        "onset" | "began" | "errors" | "burn" => Some(Event::Onset),
        "alert" | "fired" | "firing" | "page" | "paged" => Some(Event::Alert),
        "rollback" => Some(Event::Rollback),
        "recovery" | "resolved" | "recovered" => Some(Event::Recovery),
        "deployed" | "rollout" | "deploy" => Some(Event::Deploy),
        _ => None,
    }
    .filter(|_| low != "began")
}

/// Orders of events that words state: `X before Y`, `X after Y`, `from X to Y`, `between X and Y`, `X to Y`.
pub fn orders(reading: &Reading) -> Vec<(Event, Event)> {
    let events: Vec<(usize, Event)> =
        reading.tokens.iter().enumerate().filter_map(|(n, t)| words::event(&t.low).map(|e| (n, e))).collect();
    let mut out = Vec::new();
    for (at, token) in reading.tokens.iter().enumerate() {
        let left = events.iter().rev().find(|(n, _)| *n < at).map(|(_, e)| *e);
        let right = events.iter().find(|(n, _)| *n > at).map(|(_, e)| *e);
        let (Some(left), Some(right)) = (left, right) else { continue };
        if left == right {
            continue;
        }
        match token.low.as_str() {
            "before" | "preceded" | "predates" | "to" | "until" | "till" | "->" | "→" => {
                out.push((left, right))
            }
            "and" if reading.tokens.iter().any(|t| t.is("between")) => out.push((left, right)),
            "after" | "since" | "following" => out.push((right, left)),
            _ => {}
        }
    }
    out
}

/// Lower-case parts of a word: `shop/api-gateway:v4.12` is shop, api, gateway, 4, 12.
pub fn parts(word: &str) -> Vec<String> {
    word.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|p| !p.is_empty())
        .map(|p| match p.strip_prefix('v') {
            Some(rest) if !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()) => rest.to_owned(),
            _ => p.to_owned(),
        })
        .collect()
}
