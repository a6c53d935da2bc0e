//! Tables: units, nouns that are counted, directions, roles, metrics, events, and the words that are no names. What is
//! missing here is not understood; nothing here decides.

use super::quantity::{Family, Noun};

/// Family, factor to the family's own unit (1, seconds, per second, bytes, cores), by unit word in lower case.
pub fn unit(word: &str) -> Option<(Family, f64)> {
    Some(match word {
        "%" | "percent" | "pct" | "per-cent" | "percentage" | "pp" | "points" | "point" => {
            (Family::Ratio, 0.01)
        }
        "‰" | "permille" | "per-mille" | "permil" => (Family::Ratio, 0.001),
        "ratio" | "fraction" | "share" | "proportion" => (Family::Ratio, 1.0),
        "x" | "×" | "times" | "fold" | "multiple" | "multiples" => (Family::Multiple, 1.0),
        "ns" | "nanoseconds" => (Family::Time, 1e-9),
        "us" | "µs" | "μs" | "microseconds" => (Family::Time, 1e-6),
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => (Family::Time, 1e-3),
        "s" | "sec" | "secs" | "second" | "seconds" => (Family::Time, 1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => (Family::Time, 60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => (Family::Time, 3_600.0),
        "d" | "day" | "days" => (Family::Time, 86_400.0),
        "w" | "wk" | "week" | "weeks" => (Family::Time, 604_800.0),
        "rps"
        | "qps"
        | "tps"
        | "req/s"
        | "reqs/s"
        | "request/s"
        | "requests/s"
        | "r/s"
        | "/s"
        | "req/sec"
        | "reqs/sec"
        | "requests/sec"
        | "requests/second"
        | "req/second"
        | "calls/s"
        | "calls/sec"
        | "errors/s"
        | "errors/sec"
        | "errors/second"
        | "ops/s"
        | "queries/s"
        | "1/s"
        | "/sec"
        | "per_second"
        | "requests_per_second"
        | "hz"
        | "msgs/s"
        | "messages/s"
        | "msg/s" => (Family::Rate, 1.0),
        "rpm" | "req/min" | "reqs/min" | "requests/min" | "requests/minute" | "/min" | "errors/min"
        | "errors/minute" | "calls/min" => (Family::Rate, 1.0 / 60.0),
        "b" | "byte" | "bytes" => (Family::Bytes, 1.0),
        "kib" | "ki" => (Family::Bytes, 1_024.0),
        "mib" | "mi" => (Family::Bytes, 1_048_576.0),
        "gib" | "gi" => (Family::Bytes, 1_073_741_824.0),
        "tib" | "ti" => (Family::Bytes, 1_099_511_627_776.0),
        "kb" => (Family::Bytes, 1e3),
        "mb" => (Family::Bytes, 1e6),
        "gb" => (Family::Bytes, 1e9),
        "tb" => (Family::Bytes, 1e12),
        "core" | "cores" | "vcpu" | "vcpus" | "cpu" | "cpus" => (Family::Cores, 1.0),
        "millicore" | "millicores" | "mcpu" => (Family::Cores, 1e-3),
        _ => return None,
    })
}

/// What follows a number as its power of ten; `M` and `m` are told apart by the caller.
pub fn power(word: &str) -> Option<f64> {
    Some(match word {
        "k" | "thousand" => 1e3,
        "million" | "mn" | "mio" => 1e6,
        "g" | "bn" | "billion" => 1e9,
        "hundred" => 1e2,
        "dozen" => 12.0,
        _ => return None,
    })
}

/// What something is held against: a threshold, an objective.
pub const LIMITS: &[&str] = &[
    "threshold",
    "thresholds",
    "thresh",
    "objective",
    "objectives",
    "obj",
    "target",
    "limit",
    "limits",
    "slo",
    "slos",
    "goal",
    "cutoff",
    "bound",
];

/// Things that are counted; different names of one thing are one noun.
pub fn noun(word: &str) -> Option<Noun> {
    Some(match word {
        "request" | "requests" | "req" | "reqs" | "call" | "calls" | "hits" | "queries" | "query"
        | "transactions" => Noun::Requests,
        "error" | "errors" | "failure" | "failures" | "5xx" | "5xxs" | "500s" | "failing" | "faults" => {
            Noun::Errors
        }
        "replica" | "replicas" | "pod" | "pods" | "instance" | "instances" => Noun::Pods,
        "restart" | "restarts" | "crash" | "crashes" => Noun::Restarts,
        "node" | "nodes" => Noun::Nodes,
        "slo" | "slos" => Noun::Slos,
        "event" | "events" => Noun::Events,
        "alert" | "alerts" | "page" | "pages" => Noun::Alerts,
        "revision" | "revisions" | "rollout" | "rollouts" | "deploy" | "deploys" | "deployments"
        | "releases" => Noun::Revisions,
        "connection" | "connections" => Noun::Connections,
        "service" | "services" | "sibling" | "siblings" | "dependencies" | "workloads" | "upstreams" => {
            Noun::Services
        }
        "user" | "users" | "customer" | "customers" | "sessions" => Noun::Users,
        "message" | "messages" | "job" | "jobs" | "task" | "tasks" | "items" | "orders" => Noun::Messages,
        "key" | "keys" | "line" | "lines" | "configmaps" | "secrets" => Noun::Lines,
        _ => return None,
    })
}

/// Words that may stand between a number and what it counts.
#[rustfmt::skip] // one word a line would be a thousand lines
pub const BETWEEN: &[&str] = &[
    "failed", "failing", "bad", "good", "total", "new", "old", "ready", "available", "unavailable", "http", "server",
    "successful", "more", "other", "distinct", "consecutive", "unhealthy", "healthy", "running", "of", "the", "all",
    "its", "incoming", "client", "application", "container", "quiet", "burning", "additional", "recorded", "observed",
    "out", "those", "these", "firing", "desired", "old-pod", "erroneous", "broken", "open", "active", "concurrent",
    "user", "neighbouring", "neighboring", "sibling", "related", "earlier", "previous",
];

/// Small numbers in words.
pub fn spelled(word: &str) -> Option<f64> {
    const SMALL: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    const TENS: [&str; 7] = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let index = |list: &[&str]| list.iter().position(|w| *w == word).map(|n| n as f64);
    if let Some((tens, ones)) = word.split_once('-') {
        let (tens, ones) = (spelled(tens)?, spelled(ones)?);
        return (tens >= 20.0 && ones < 10.0).then_some(tens + ones);
    }
    index(&SMALL).or_else(|| index(&TENS).map(|n| 30.0 + 10.0 * n)).or((word == "hundred").then_some(100.0))
}

/// Parts of a whole in words.
pub fn part(word: &str) -> Option<f64> {
    Some(match word {
        "half" | "halves" => 0.5,
        "third" | "thirds" => 1.0 / 3.0,
        "quarter" | "quarters" | "fourth" => 0.25,
        "fifth" | "fifths" => 0.2,
        "sixth" | "sixths" => 1.0 / 6.0,
        "seventh" => 1.0 / 7.0,
        "eighth" | "eighths" => 0.125,
        "ninth" => 1.0 / 9.0,
        "tenth" | "tenths" => 0.1,
        "twentieth" => 0.05,
        "hundredth" => 0.01,
        "thousandth" => 0.001,
        _ => return None,
    })
}

/// What makes a number less sharp.
#[rustfmt::skip]
pub const ABOUT: &[&str] = &[
    "about", "around", "roughly", "approximately", "approx", "circa", "some", "nearly", "almost", "close", "ca",
    "practically", "virtually", "essentially", "just", "near", "say", "order", "estimated",
];

/// Which way something went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// More than before.
    Up,
    /// Less than before.
    Down,
    /// As before.
    Flat,
    /// Up or down, by what is good for the metric.
    Better,
    /// The reverse.
    Worse,
}

/// Direction of a word, and the factor that it states (`doubled`).
pub fn way(word: &str) -> Option<(Way, Option<f64>)> {
    #[rustfmt::skip]
    let up = [
        "rose", "rise", "rises", "rising", "risen", "increase", "increased", "increases", "increasing", "jumped", "jump",
        "jumps", "jumping", "spiked", "spike", "spikes", "spiking", "climbed", "climb", "climbs", "climbing", "grew",
        "grow", "grows", "growing", "grown", "growth", "surged", "surge", "surges", "surging", "soared", "soars", "soar",
        "escalated", "escalating", "ballooned", "skyrocketed", "shot", "leapt", "leaped", "swelled", "exploded",
        "rocketed", "mounted", "accelerated", "accelerating", "ramped", "uptick", "upward", "upwards", "shoots", "elevated",
    ];
    #[rustfmt::skip]
    let down = [
        "fell", "fall", "falls", "falling", "fallen", "dropped", "drop", "drops", "dropping", "decreased", "decrease",
        "decreases", "decreasing", "declined", "decline", "declines", "declining", "sank", "sunk", "sinking", "plunged",
        "plunge", "plunges", "plummeted", "plummet", "plummets", "dipped", "dip", "dips", "reduced", "reduction",
        "shrank", "shrunk", "lowered", "collapsed", "tumbled", "slid", "subsided", "downward", "downwards", "cratered",
        "diminished", "lessened", "slumped", "eased", "dwindled", "shrinking",
    ];
    #[rustfmt::skip]
    let flat = [
        "unchanged", "flat", "steady", "stable", "constant", "level", "unaltered", "static", "stationary", "flatlined",
        "plateaued", "identical",
    ];
    Some(match word {
        "doubled" | "doubles" | "doubling" => (Way::Up, Some(2.0)),
        "tripled" | "triples" | "tripling" | "trebled" => (Way::Up, Some(3.0)),
        "quadrupled" | "quadruples" | "quadrupling" => (Way::Up, Some(4.0)),
        "quintupled" => (Way::Up, Some(5.0)),
        "halved" | "halving" => (Way::Down, Some(0.5)),
        "improved" | "improves" | "improving" | "improvement" => (Way::Better, None),
        "worsened" | "worsens" | "worsening" | "degraded" | "deteriorated" | "deteriorating" => {
            (Way::Worse, None)
        }
        w if up.contains(&w) => (Way::Up, None),
        w if down.contains(&w) => (Way::Down, None),
        w if flat.contains(&w) => (Way::Flat, None),
        _ => return None,
    })
}

/// What a number measures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Metric {
    /// Error ratio, failures.
    Error,
    /// Availability, success.
    Success,
    /// Requests per second, load.
    Traffic,
    /// Response times.
    Latency,
    /// Burn rate.
    Burn,
    /// What is left of, or spent from, the budget.
    Budget,
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Restarts.
    Restarts,
    /// Replicas.
    Pods,
    /// Queues and saturation.
    Queue,
}

/// Metric of the word at hand, given the one before and the one behind it.
pub fn metric(word: &str, before: &str, behind: &str) -> Option<Metric> {
    Some(match word {
        "burn" | "burning" | "burns" | "burned" | "burnt" | "burn-rate" | "burnrate" => Metric::Burn,
        "budget" if behind.starts_with("burn") => return None,
        "budget" => Metric::Budget,
        "error" | "errors" | "error-rate" | "err" | "errs" if behind != "budget" => Metric::Error,
        "failure" | "failures" | "failing" | "failed" | "fail" | "fails" | "5xx" | "500s" | "bad"
        | "erroring" | "errored" | "unsuccessful" | "lost" | "rejected" | "unserved" => Metric::Error,
        "availability" | "avail" | "success" | "successful" | "succeeded" | "succeed" | "succeeding"
        | "successes" | "uptime" => Metric::Success,
        "latency" | "latencies" | "slow" | "slower" | "p50" | "p75" | "p90" | "p95" | "p99" | "p999"
        | "p99.9" | "response-time" => Metric::Latency,
        "time" | "times" if before == "response" => Metric::Latency,
        "traffic" | "rps" | "qps" | "load" | "throughput" | "volume" | "demand" | "req/s" | "requests/s" => {
            Metric::Traffic
        }
        "rate" if ["request", "requests", "call", "arrival"].contains(&before) => Metric::Traffic,
        "requests" | "request" if !["failed", "failing", "bad"].contains(&before) => Metric::Traffic,
        "cpu" => Metric::Cpu,
        "memory" | "mem" | "heap" | "rss" | "working-set" => Metric::Memory,
        "restart" | "restarts" | "crashes" => Metric::Restarts,
        "replica" | "replicas" => Metric::Pods,
        "queue" | "backlog" | "saturation" | "lag" | "connections" | "pool" => Metric::Queue,
        _ => return None,
    })
}

/// Whether a word speaks of what is left (true) of something, or of what is used of it (false).
pub fn left(word: &str) -> Option<bool> {
    match word {
        "left" | "remaining" | "remains" | "remain" | "unspent" => Some(true),
        "used" | "spent" | "consumed" | "burnt" | "burned" | "eaten" | "gone" | "exhausted" | "consumes"
        | "depleted" | "lost" | "ate" | "cost" => Some(false),
        _ => None,
    }
}

/// What happened at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    /// A rollout, a change.
    Deploy,
    /// A change of configuration in particular.
    Edit,
    /// The errors began.
    Onset,
    /// Somebody was alerted.
    Alert,
    /// A rollback.
    Rollback,
    /// The errors ended.
    Recovery,
}

impl Event {
    /// With every kind of change as one.
    pub fn change(self) -> Self {
        if self == Self::Edit { Self::Deploy } else { self }
    }
}

/// Event that a word speaks of.
pub fn event(word: &str) -> Option<Event> {
    Some(match word {
        "rollout" | "deploy" | "deployed" | "deployment" | "deploys" | "deploying" | "release"
        | "released" | "shipped" | "change" | "changed" | "update" | "updated" | "upgrade" | "upgraded"
        | "landed" | "push" | "pushed" | "live" | "went" | "revision" | "version" | "available"
        | "restarted" | "rolled" | "applied" | "promoted" | "introduced" | "canary" | "activated" => {
            Event::Deploy
        }
        "edit" | "edited" | "edits" | "configmap" => Event::Edit,
        "onset" | "errors" | "error" | "err" | "errs" | "burn" | "burning" | "incident" | "failures"
        | "failing" | "failed" | "fail" | "fails" | "degradation" | "spike" | "outage" | "failure"
        | "symptoms" | "problem" | "problems" | "500s" | "5xx" | "regression" | "latency" | "impact"
        | "jump" | "breach" | "broke" | "breaks" => Event::Onset,
        "alert" | "alerted" | "alerts" | "page" | "paged" | "fired" | "firing" | "alarm" | "fires" => {
            Event::Alert
        }
        "rollback" | "undo" | "reverted" | "revert" => Event::Rollback,
        "recovery" | "recovered" | "resolved" | "cleared" | "healed" => Event::Recovery,
        _ => return None,
    })
}

/// What a revision does or is, as a sentence says it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// It was rolled out, it is current, it is bad.
    Current,
    /// It is what one goes back to.
    Target,
}

/// Role of a revision that a word gives.
pub fn part_of_revision(word: &str) -> Option<Part> {
    Some(match word {
        "deployed" | "rollout" | "rolled-out" | "went" | "shipped" | "released" | "landed" | "deploy"
        | "live" | "current" | "introduced" | "bad" | "burns" | "burning" | "failing" | "broken"
        | "culprit" | "promoted" | "deployment" | "pushed" => Part::Current,
        "rollback" | "roll" | "revert" | "undo" | "target" | "good" | "known-good" | "previous" | "prior"
        | "stable" | "healthy" | "restore" | "returning" | "reverting" | "back" => Part::Target,
        _ => return None,
    })
}

/// Names of services that writers choose, where grammar alone does not show that a name is meant.
#[rustfmt::skip]
pub const SERVICES: &[&str] = &[
    "checkout", "payments", "payment", "cart", "orders", "inventory", "catalog", "catalogue", "frontend", "backend",
    "auth", "billing", "shipping", "recommendations", "recommendation", "recommender", "notifications", "notification", "search",
    "storefront", "pricing", "fulfillment", "fulfilment", "ledger", "accounts", "profile", "identity", "reviews",
    "ratings", "currency", "email", "ads", "ad", "session", "sessions", "users", "invoicing", "invoices", "warehouse",
    "redis", "postgres", "mysql", "kafka", "rabbitmq", "mongo", "mongodb", "memcached", "elasticsearch", "etcd", "nginx",
    "envoy", "istio", "haproxy", "traefik", "productcatalog", "media", "feed", "geo", "quotes", "quote", "wallet",
    "basket", "loyalty", "promo", "promotions", "gateway", "ingress", "scheduler", "mailer", "reporting", "analytics",
    "database", "db", "cache", "web", "api", "worker",
];

/// Words that stand where a name could stand, and are none.
#[rustfmt::skip]
pub const NO_NAMES: &[&str] = &[
    "the", "a", "an", "this", "that", "these", "those", "its", "their", "our", "new", "old", "bad", "good", "affected",
    "upstream", "downstream", "same", "other", "another", "each", "every", "any", "no", "one", "some", "all", "both",
    "current", "previous", "prior", "earlier", "later", "latest", "last", "first", "whole", "entire", "failing", "faulty",
    "broken", "healthy", "unhealthy", "calling", "called", "dependent", "dependency", "neighbouring", "neighboring",
    "which", "whose", "what", "kubernetes", "production", "prod", "target", "canary", "stable", "recent", "rolling",
    "initial", "said", "single", "main", "such", "running", "and", "or", "of", "in", "to", "for", "on", "by", "is", "was",
    "with", "from", "at", "as", "my", "your", "out", "per", "degraded", "critical", "bursting", "sibling", "customer",
    "user-facing", "external", "internal", "following", "deploy", "since", "after", "before", "between", "more", "ready",
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "quiet", "config", "configuration", "web-facing",
];

/// Words that follow a preposition or open a sentence without being the name of anything.
#[rustfmt::skip]
pub const COMMON: &[&str] = &[
    "traffic", "load", "latency", "errors", "error", "failures", "failure", "demand", "burn", "budget", "availability",
    "everything", "nothing", "something", "anything", "someone", "nobody", "it", "they", "them", "there", "here", "we", "you",
    "he", "she", "i", "us", "me", "this", "users", "customers", "people", "clients", "average", "total", "fact", "turn", "place",
    "time", "times", "times", "memory", "capacity", "comparison", "example", "instance", "now", "normal", "baseline", "data",
    "evidence", "approval", "review", "safety", "rollback", "production", "service", "services", "course", "once", "least",
    "most", "half", "parallel", "line", "general", "particular", "effect", "response", "responses", "requests", "calls",
    "minutes", "seconds", "hours", "days", "hour", "minute", "second", "percent", "percentage", "replicas", "pods", "nodes",
    "restarts", "containers", "events", "alerts", "pages", "revision", "revisions", "version", "config", "configuration",
    "image", "images", "code", "rollout", "deploy", "deployment", "release", "change", "changes", "onset", "incident",
    "that", "what", "where", "when", "why", "how", "which", "who", "over", "under", "about", "around", "roughly", "nearly",
    "almost", "only", "just", "still", "even", "also", "again", "back", "being", "having", "doing", "going", "getting",
    "better", "worse", "more", "less", "fewer", "higher", "lower", "good", "bad", "use", "usage", "work", "sure", "instead",
    "success", "health", "throughput", "volume", "rate", "rates", "ratio", "ratios", "share", "cpu", "disk", "network",
    "saturation", "queue", "threshold", "objective", "target", "window", "windows", "page", "alert", "need", "needs", "cause",
    "causes", "effects", "signs", "sign", "order", "front", "top", "addition", "contrast", "short", "summary", "conclusion",
    "context", "question", "answer", "reference", "detail", "details", "hand", "side", "sides", "scale", "balance", "step",
    "steps", "rest", "restart", "monitoring", "prometheus", "kubernetes", "sustainable", "scratch", "utc", "today",
    "yesterday", "tomorrow", "midnight", "noon", "january", "february", "march", "april", "may", "june", "july", "august",
    "september", "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
    "sunday", "slos", "slis", "slo", "sli", "api", "http", "zero", "none", "neither", "either", "both", "then", "thus",
    "therefore", "hence", "so", "if", "because", "although", "while", "whereas", "however", "not", "never", "always", "too",
    "recommend", "suggest", "rolling", "reverting", "roll", "revert", "wait", "note", "check", "verify", "see", "given",
    "compared", "according", "based", "due", "thanks", "relative", "respect", "regard", "failing", "failed", "successful",
    "http", "internal", "server", "degradation", "regression", "outage", "impact", "symptoms", "recovery", "success",
    "responding", "serving", "user", "customer", "request", "respective", "confidence", "certainty", "investigation",
    "mitigation", "remediation", "improvement", "increase", "decrease", "growth", "spikes", "spike", "peaks", "peak", "idle",
    "sustained", "affected", "unaffected", "day", "week", "month", "night", "morning", "evening", "noise", "chance", "value",
    "values", "present", "number", "numbers", "count", "counts", "level", "levels", "long", "pace", "speed", "burning", "hold", "far",
    "root", "reason", "reasons", "itself", "themselves", "others", "dependencies", "neighbours", "neighbors", "siblings",
    "sustained", "steep", "severe", "combined", "overall", "hourly", "daily", "weekly", "recent", "initial", "observed",
    "measured", "rapid", "quick", "upstream", "downstream", "callers", "callees", "operators", "engineers", "hours", "container", "pod", "node", "cluster",
];

/// What a service does: a word that opens a sentence before one of these is its name.
#[rustfmt::skip]
pub const SERVES: &[&str] = &[
    "currently", "fails", "failed", "serves", "served", "handled", "handles", "moved", "burns", "burned", "returns", "returned", "sees",
    "saw", "runs", "ran", "went", "started", "began", "is", "was", "has", "had", "now", "itself", "degraded", "errors",
    "depends", "calls", "received", "receives", "reported", "reports", "shows", "showed", "lost", "keeps", "kept", "stayed",
    "stays", "remained", "remains", "suffers", "suffered", "answers", "answered", "got", "gets", "did", "does", "'", "’", ":",
    "consumed", "exceeded", "exceeds", "breached", "burn", "fail", "pages", "paged", "would", "rose", "jumped", "spiked", "deployed", "rolled", "switched",
];

/// Parts by which a word with hyphens is plain English and no name.
#[rustfmt::skip]
pub const ENGLISH_PARTS: &[&str] = &[
    "minute", "minutes", "hour", "hours", "day", "days", "second", "seconds", "week", "month", "fold", "wide", "level",
    "good", "bad", "term", "running", "based", "related", "only", "side", "facing", "off", "up", "out", "in", "down", "time",
    "call", "run", "scale", "over", "burn", "rate", "like", "free", "then", "now", "old", "new", "step", "pre", "post", "non",
    "re", "well", "short", "long", "self", "multi", "near", "mid", "high", "low", "fast", "slow", "one", "two", "three",
    "four", "five", "six", "seven", "eight", "nine", "ten", "error", "errors", "cross", "real", "end", "roll", "ill", "still",
    "ever", "so", "under", "newly", "recently", "year", "first", "last", "per", "by", "known", "budget", "back", "window",
    "point", "case", "half", "third", "thirds", "quarter", "quarters", "fifth", "fifths", "sharp", "cause", "and", "to", "of",
    "the", "for", "hundred", "thousand", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "wise",
    "worthy", "grade", "driven", "specific", "proof", "heavy", "ward", "page",
    "ready", "request", "response", "traffic", "latency", "upstream", "downstream", "hoc", "place", "deploy", "deployment",
    "rollout", "release", "incident", "baseline", "than", "more", "less", "all", "no", "not", "clear", "cut", "minded",
];

/// Endings that make a word with hyphens a name whatever its other parts are.
#[rustfmt::skip]
pub const NAME_ENDINGS: &[&str] = &[
    "service", "svc", "api", "gateway", "worker", "db", "config", "cm", "proxy", "backend", "frontend", "cache", "queue",
    "store", "server", "consumer", "producer", "controller", "operator", "app", "ui", "secret", "routes", "map", "requests",
    "availability", "slo", "prod", "staging", "shop",
];

/// Identifiers of schemas and of the field that are no names of anything in a cluster.
#[rustfmt::skip]
pub const IDENTIFIERS: &[&str] = &[
    "bad_deploy", "config_change", "not_enough_data", "traffic_spike", "dependency_failure", "scale_out", "roll_back",
    "restore_config", "target_revision", "and/or", "n/a", "w/o", "either/or", "up/down", "e.g", "i.e", "a.m", "p.m",
    "slo/sli", "http/https", "ok", "before/after", "req/s", "requests/s", "on/off", "read/write", "ci/cd", "vs",
    "bad_request", "errors/s", "sre/devops",
];

/// Words in mixed case that are kinds of Kubernetes or of the field, not names.
#[rustfmt::skip]
pub const KINDS: &[&str] = &[
    "replicaset", "configmap", "replicasets", "configmaps", "deployment", "slos", "slis", "javascript", "github",
    "statefulset", "daemonset", "kubectl", "crashloopbackoff", "oomkilled", "daemonsets", "postgresql", "qps", "rps",
    "promql", "goaround", "gitops", "devops", "apiserver", "readinessprobe", "macos",
];
