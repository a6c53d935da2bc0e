//! Which words are names: of services, workloads, ConfigMaps, images, paths, alerts. By their shape, by what is known of
//! the evidence, and by where they stand; plain English is none, and what remains unclear is left alone.

use super::extract::{Extractor, What};
use super::quantity::Family;
use super::token::Kind;
use super::words;

impl Extractor<'_> {
    pub(super) fn names(&mut self) {
        self.slowest();
        self.spaced_names();
        self.plain_names();
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            if statistic(&low) {
                let same = match low.as_str() {
                    "median" => "p50".to_owned(),
                    other => other.strip_suffix("th").map_or(other.to_owned(), |n| format!("p{n}")),
                };
                self.say(at..at + 1, What::Statistic(same), false);
            } else if self.is_name(at, &low) {
                self.say(at..at + 1, What::Name(low), false);
            }
        }
    }

    /// "The slowest 1 % of requests": the 99th percentile in other words. The number is taken with it.
    fn slowest(&mut self) {
        for n in 0..self.out.len() {
            let at = self.out[n].at.clone();
            let led = ["slowest", "worst", "fastest"].contains(&self.prior(at.start, 1));
            if let What::Number { quantity, .. } = &self.out[n].what
                && led
                && quantity.family == Family::Ratio
                && quantity.canonical() <= 0.5
            {
                let share = quantity.canonical() * 100.0;
                let rank = if self.prior(at.start, 1) == "fastest" { share } else { 100.0 - share };
                self.out[n].what = What::Statistic(format!("p{rank}"));
            }
        }
    }

    fn plain_names(&mut self) {
        let named = |e: &Self| {
            e.out.iter().any(|m| matches!(&m.what, What::Name(name) if name.starts_with(char::is_alphabetic)))
                || e.tokens.iter().any(|t| {
                    let own = |n: &String| {
                        *n == t.low || n.split(['-', '_', '/', ':']).any(|p| p == t.low && p.len() > 3)
                    };
                    t.kind == Kind::Word && e.known.names.iter().any(own)
                })
        };
        if !self.known.about_names {
            return;
        }
        // Beside a name that is known, only the subject of a clause is another: "ledger fails, and savings burns".
        let strict = named(self);
        for at in 0..self.tokens.len() {
            if !self.used[at] && self.is_word(at) && self.in_place_of_a_name(at, strict) {
                let low = self.low(at).to_owned();
                self.say(at..at + 1, What::Name(low), false);
            }
        }
    }

    /// A plain word where the name of a service stands: "for seatmap [E2]", "seatmap fails".
    fn in_place_of_a_name(&self, at: usize, strict: bool) -> bool {
        let low = self.low(at);
        let raw = self.raw(at);
        // "calls to boarding are rejected": whoever is called is a service, whatever the word ends in.
        let called = ["to", "by", "from"].contains(&self.prior(at, 1))
            && ["calls", "requests", "traffic", "responses", "queries"].contains(&self.prior(at, 2))
            && [
                "are", "is", "were", "was", "have", "has", "get", "got", "fail", "failed", "return",
                "returned", "end", "ended", "now",
            ]
            .contains(&self.low(at + 1));
        // "tipping (0.02 % errors)" at the head of a sentence.
        let opens_bracket = at == 0
            && raw.starts_with(char::is_lowercase)
            && self.low(1) == "("
            && matches!(self.tokens.get(2).map(|t| &t.kind), Some(Kind::Number { .. }));
        let plain = low.len() > 2
            && low.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
            && !low
                .rsplit('-')
                .take(usize::from(low.contains('-')))
                .any(|p| words::ENGLISH_PARTS.contains(&p))
            && !words::COMMON.contains(&low)
            && !words::ENGLISH_PARTS.contains(&low)
            && !words::NO_NAMES.contains(&low)
            && !words::BETWEEN.contains(&low)
            && !words::ABOUT.contains(&low)
            && !words::KINDS.contains(&low)
            && !raw.chars().skip(1).any(char::is_uppercase)
            && words::metric(low, "", "").is_none()
            && words::unit(low).is_none()
            && words::way(low).is_none()
            && words::spelled(low).is_none()
            && words::part(low).is_none()
            && (words::event(low).is_none() || words::SERVICES.contains(&low))
            && (words::noun(low).is_none() || words::SERVICES.contains(&low))
            && (words::SERVICES.contains(&low)
                || called
                || opens_bracket
                || (["dependency", "neighbour", "neighbor", "workload"].contains(&self.prior(at, 1))
                    && words::SERVES.contains(&self.low(at + 1)))
                || (at == 0
                    && raw.starts_with(char::is_lowercase)
                    && ["fails", "serves", "burns", "currently"].contains(&self.low(1)))
                || !["ing", "ed", "ly", "ness", "ion", "ity"].iter().any(|e| low.ends_with(e)));
        if !plain {
            return false;
        }
        let (prior, next) = (self.prior(at, 1), self.low(at + 1));
        let first = at == 0 || [".", ";", ":", "-", "*", "?", "!"].contains(&prior);
        let lower = raw.starts_with(char::is_lowercase);
        let comma = [",", "while", "and", "whereas", "but", "only", "neither", "nor"].contains(&prior)
            && lower
            && words::SERVES.contains(&next);
        let number = matches!(self.tokens.get(at + 2).map(|t| &t.kind), Some(Kind::Number { .. }));
        if called {
            return lower;
        }
        // "the dependency settlement is healthy": the word before says that a name follows.
        let thing = [
            "dependency",
            "service",
            "workload",
            "deployment",
            "microservice",
            "neighbour",
            "neighbor",
            "upstream",
            "callee",
            "caller",
        ];
        if thing.contains(&prior)
            && lower
            && (words::SERVES.contains(&next) || [",", ".", "(", "[", ""].contains(&next))
        {
            return !words::SERVES.contains(&low);
        }
        if strict {
            let apart = [",", "and", "while", "both", "nor", "neither", "unlike", "like", "versus", "vs"]
                .contains(&prior)
                && ["at", "(", "with"].contains(&next);
            let aside = next == "," && words::SERVICES.contains(&low);
            return (apart && lower && number)
                || comma
                || (first && lower && (aside || words::SERVES.contains(&next)));
        }
        let opens = comma || first && (lower || words::SERVES.contains(&next));
        let ends = [
            "", "[", ",", ".", ";", ":", ")", "'", "’", "(", "at", "over", "since", "in", "on", "after",
            "before", "during", "and", "while", "to", "from", "by", "with", "than", "for",
        ];
        let led = [
            "for", "of", "on", "to", "by", "in", "from", "against", "at", "that", "on", "while", "whereas",
            "where",
        ]
        .contains(&prior);
        opens || (led && (ends.contains(&next) || words::SERVES.contains(&next)))
    }

    /// `api gateway` where `api-gateway` is known.
    fn spaced_names(&mut self) {
        let known = self.known;
        for name in &known.names {
            let parts: Vec<&str> = name.split(['-', '_', ' ']).collect();
            if parts.len() < 2 {
                continue;
            }
            for at in 0..self.tokens.len().saturating_sub(parts.len() - 1) {
                let here = (0..parts.len())
                    .all(|n| self.low(at + n) == parts[n] && self.is_word(at + n) && !self.used[at + n]);
                if here {
                    self.say(at..at + parts.len(), What::Name(name.clone()), false);
                }
            }
        }
    }

    fn is_name(&self, at: usize, low: &str) -> bool {
        if self.known.names.iter().any(|n| n == low) {
            return true;
        }
        if words::IDENTIFIERS.contains(&low)
            || words::KINDS.contains(&low)
            || low.len() < 2
            || low.contains(['\'', '’'])
        {
            return false;
        }
        if words::unit(low).is_some() || (words::noun(low).is_some() && !words::SERVICES.contains(&low)) {
            return false;
        }
        if self.tokens[at].quoted && words::way(low).is_none() && words::metric(low, "", "").is_none() {
            return !words::NO_NAMES.contains(&low);
        }
        let raw = self.raw(at);
        // `the SLO api-gateway-latency`: the word before says that a name follows.
        let named = [
            "slo",
            "sli",
            "alert",
            "configmap",
            "secret",
            "deployment",
            "workload",
            "service",
            "pod",
            "replicaset",
            "rule",
            "image",
            "namespace",
        ];
        if shaped(low)
            || self.is_sibling(low)
            || (low.contains('-') && low.len() > 6 && named.contains(&self.prior(at, 1)))
        {
            return true;
        }
        let camel = raw.chars().zip(raw.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
        if camel {
            return true;
        }
        let (prior, next) = (self.prior(at, 1), self.low(at + 1));
        let thing = ["service", "deployment", "workload", "microservice"];
        if words::SERVICES.contains(&low) {
            let common = [
                "users",
                "database",
                "db",
                "cache",
                "gateway",
                "api",
                "web",
                "worker",
                "sessions",
                "session",
                "feed",
                "ad",
                "ads",
                "geo",
                "email",
                "media",
                "backend",
                "frontend",
                "accounts",
                "quote",
                "quotes",
                "ingress",
                "identity",
                "reviews",
                "profile",
                "scheduler",
                "reporting",
                "analytics",
                "payment",
                "notification",
                "orders",
            ];
            if low == "orders" && next == "of" {
                return false;
            }
            // "1 % of users wait": people and things, of which there is a part.
            let part = [
                "%", "percent", "half", "third", "quarter", "majority", "share", "number", "all", "most",
                "many", "fraction",
            ];
            let counted = words::noun(low).is_some() || ["accounts", "reviews"].contains(&low);
            if counted && prior == "of" && part.contains(&self.prior(at, 2)) {
                return false;
            }
            let owner = [
                "service",
                "deployment",
                "workload",
                "pods",
                "pod",
                "'",
                "’",
                "p99",
                "p95",
                "error",
                "errors",
                "latency",
                "burn",
                "burns",
                "rollout",
                "revision",
                "rev",
                "replicas",
                "availability",
                "slo",
                "is",
                "was",
                "saw",
                "has",
                "burned",
                "now",
                "fails",
                "serves",
                "served",
                "returns",
                "began",
                "started",
                "itself",
                "failed",
                "runs",
                "sees",
                "went",
                "had",
            ];
            let of = [
                "of",
                "for",
                "to",
                "service",
                "deployment",
                "workload",
                "by",
                "on",
                "in",
                "from",
                "that",
                "against",
                "near",
                "at",
                "calls",
            ];
            let joined = |n: usize| self.known.names.iter().any(|k| k == self.low(n));
            let listed = (["and", ",", "or"].contains(&next) && joined(at + 2))
                || (at > 1 && ["and", ",", "or"].contains(&prior) && joined(at - 2));
            let clause = ["while", "whereas", "but", "than"].contains(&prior)
                && (next == "(" || words::SERVES.contains(&next) || ["does", "did", "do"].contains(&next));
            let apart = ["at", "("].contains(&next)
                && matches!(self.tokens.get(at + 2).map(|t| &t.kind), Some(Kind::Number { .. }))
                && ([",", "and", "both", "neither", "nor", "while"].contains(&prior) || next == "(");
            let terse = listed
                || clause
                || apart
                || (at == 0
                    && self.raw(at).starts_with(char::is_lowercase)
                    && ["+", ":", "&", "burning"].contains(&next))
                || ["+", "&"].contains(&prior);
            let placed = owner.contains(&next) || of.contains(&prior) || terse;
            // "api answers 2.2 % with errors": it opens the sentence and does what services do.
            let subject =
                at == 0 && self.raw(at).starts_with(char::is_lowercase) && words::SERVES.contains(&next);
            return !common.contains(&low)
                || subject
                || (placed && !["the", "a", "our"].contains(&prior))
                || thing.contains(&next);
        }
        let plain = low.len() > 3
            && low.chars().all(|c| c.is_ascii_alphabetic())
            && !words::NO_NAMES.contains(&low)
            && words::metric(low, "", "").is_none()
            && words::event(low).is_none()
            && words::way(low).is_none()
            && !["ing", "ed", "ly"].iter().any(|e| low.ends_with(e));
        // "the new pods of recommender show"
        let owner = ["pods", "replicas"].contains(&self.prior(at, 2)) && prior == "of";
        if plain && owner && !words::COMMON.contains(&low) && !words::ENGLISH_PARTS.contains(&low) {
            return words::noun(low).is_none()
                && !["the", "this", "that", "these", "those", "both", "each", "some"].contains(&low);
        }
        plain && thing.contains(&next) && next != "deployment" && prior != "in"
    }

    /// `cart-latency` where `checkout-latency` is known: it ends as a name does, and begins with no plain word.
    fn is_sibling(&self, low: &str) -> bool {
        let parts: Vec<&str> = low.split('-').collect();
        let plain = |p: &&str| {
            p.len() < 3
                || words::ENGLISH_PARTS.contains(p)
                || words::COMMON.contains(p)
                || ["tail", "average", "overall", "total", "combined"].contains(p)
                || statistic(p)
                || words::metric(p, "", "").is_some()
                || words::way(p).is_some()
                || words::event(p).is_some()
                || words::spelled(p).is_some()
                || !p.chars().all(|c| c.is_ascii_alphabetic())
        };
        (1..parts.len()).any(|cut| {
            let (head, tail) = parts.split_at(cut);
            let end = format!("-{}", tail.join("-"));
            !head.iter().any(&plain) && self.known.names.iter().any(|n| n.ends_with(&end))
        })
    }
}

/// `p99`, `p99.9`, `median`.
pub fn statistic(low: &str) -> bool {
    let percentile = low
        .strip_prefix('p')
        .is_some_and(|d| d.len() >= 2 && d.chars().all(|c| c.is_ascii_digit() || c == '.'));
    percentile || ["median", "mean", "95th", "99th", "90th", "50th"].contains(&low)
}

/// The shape of an identifier: connectors or digits inside, and not plain English.
pub fn shaped(low: &str) -> bool {
    let has_digit = low.chars().any(|c| c.is_ascii_digit());
    let connectors = low.contains(['-', '_', '/', ':', '@', '.']);
    if !has_digit && !connectors {
        return false;
    }
    if !connectors {
        // `v7`, `7d9f8b6c5`, `rs42`; not `p0`, `5xx`, `2nd`, `k8s`.
        let ordinal = ["st", "nd", "rd", "th", "xx"].iter().any(|e| low.ends_with(e))
            && low.starts_with(|c: char| c.is_ascii_digit());
        return !ordinal && low != "k8s" && low != "http2" && (low.len() > 2 || low.starts_with('v'));
    }
    if low.starts_with('/') {
        return true;
    }
    let parts: Vec<&str> = low.split(['-', '_', '/', ':', '@', '.']).filter(|p| !p.is_empty()).collect();
    let Some(last) = parts.last() else { return false };
    if has_digit || low.contains('_') || low.contains('@') {
        // `5-minute` is no name; `phase-2` may be one.
        return !parts.iter().any(|p| {
            ["minute", "minutes", "hour", "day", "fold", "second", "xx", "5xx", "4xx", "p99", "p95", "p50"]
                .contains(p)
        });
    }
    if low.contains('-') {
        // `long-running` is English, `shipping-rates` is a name.
        let english = parts.iter().any(|p| words::ENGLISH_PARTS.contains(p) || p.ends_with("ly"));
        let ending = ["ing", "ed"].iter().any(|e| last.ends_with(e));
        return words::NAME_ENDINGS.contains(last) || !(english || ending);
    }
    // `error/latency` is two words; `cart:stable` and `nginx.conf` are names.
    let common = |p: &&str| {
        words::metric(p, "", "").is_some()
            || words::noun(p).is_some()
            || words::way(p).is_some()
            || words::event(p).is_some()
    };
    // `b/s` is a unit, `core/mailer` is not.
    let units = parts.iter().all(|p| words::unit(p).is_some() || p.len() < 2);
    parts.len() >= 2 && !(low.contains('/') && (units || parts.iter().any(common)))
}
