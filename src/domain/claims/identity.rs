//! Marks what names one thing: revisions, services and other names, statistics, times of day and days.

use super::Mark;
use super::check::{Context, contradicted};
use super::extract::What;
use super::facts::{self, Fact, Moment};
use super::order;
use super::place;
use super::quantity::Family;
use super::words::{Event, Part};

impl Context<'_> {
    pub(super) fn revision(&self, n: usize, number: &String) -> Mark {
        let of = |part: Part| {
            let with = self.cited.iter().filter(move |f| f.part == Some(part));
            with.flat_map(|f| f.revisions.iter().cloned()).collect::<Vec<String>>()
        };
        let all: Vec<String> = self.cited.iter().flat_map(|f| f.revisions.iter().cloned()).collect();
        let Some(first) = all.first() else { return Mark::NotFound };
        let wrong = |r: Option<&String>| contradicted(format!("revision {}", r.unwrap_or(first)));
        if !all.contains(number) {
            let near = match self.part_said(n) {
                Some(part) => of(part),
                None => Vec::new(),
            };
            return wrong(near.first());
        }
        let (current, target) = (of(Part::Current), of(Part::Target));
        match self.part_said(n) {
            Some(Part::Target)
                if !target.is_empty() && !target.contains(number) && current.contains(number) =>
            {
                wrong(target.first())
            }
            Some(Part::Current)
                if !current.is_empty() && !current.contains(number) && target.contains(number) =>
            {
                wrong(current.first())
            }
            _ => self
                .revision_of_number(n)
                .or_else(|| self.revisions_swapped(n, number))
                .unwrap_or(Mark::Confirmed),
        }
    }

    /// What the sentence says a revision is.
    pub(super) fn part_said(&self, n: usize) -> Option<Part> {
        let at = &self.reading.mentions[n].at;
        let low = |t: usize| self.reading.tokens.get(t).map_or("", |t| t.low.as_str());
        let back = |b: usize| at.start.checked_sub(b).map_or("", low);
        let backwards = (1..7).any(|b| {
            ["roll", "rollback", "revert", "return", "back", "restore", "undo", "rolling", "reverting", "go"]
                .contains(&back(b))
        });
        if (back(1) == "to" && backwards) || back(1) == "target" || (back(1) == "is" && back(2) == "target") {
            return Some(Part::Target);
        }
        let deployed = [
            "deployed",
            "went",
            "shipped",
            "released",
            "landed",
            "rolled",
            "introduced",
            "promoted",
            "pushed",
            "goes",
            "replaced",
            "replaces",
            "superseded",
            "supersedes",
            "current",
        ];
        if ["replaced", "replaces", "superseded", "supersedes", "replacing"].contains(&back(1)) {
            return Some(Part::Target);
        }
        let ahead = (0..4)
            .map(|a| low(at.end + a))
            .take_while(|w| ![",", ";", ".", "and"].contains(w))
            .collect::<Vec<_>>();
        if ahead.iter().any(|w| deployed.contains(w)) && !ahead.contains(&"back") {
            return Some(Part::Current);
        }
        let of = back(1) == "of" && ["rollout", "deploy", "deployment", "release"].contains(&back(2));
        (of || ["deployed", "shipped", "released", "deploying", "introduced"].contains(&back(1)))
            .then_some(Part::Current)
            .or_else(|| self.standing(n))
    }

    /// "currently runs revision 9", "revision 8 was the last good one": what a revision is, and not what happened to it.
    fn standing(&self, n: usize) -> Option<Part> {
        let at = &self.reading.mentions[n].at;
        let low = |t: usize| self.reading.tokens.get(t).map_or("", |t| t.low.as_str());
        let back = |b: usize| at.start.checked_sub(b).map_or("", low);
        let stop = |w: &&str| ![",", ";", ".", "and", "but", "while", ""].contains(w);
        let earlier: Vec<&str> = (1..7).map(back).take_while(stop).collect();
        let later: Vec<&str> = (at.end..at.end + 6).map(low).take_while(stop).collect();
        let be = ["is", "was", "remains"];
        let good = ["good", "healthy", "previous", "last", "stable"];
        let acted = ["deployed", "shipped", "released", "rolled", "pushed"];
        let named = |words: &[&str]| {
            words.iter().any(|w| good.contains(w)) && !words.iter().any(|w| acted.contains(w))
        };
        let subject = later.first().is_some_and(|w| be.contains(w)) && named(&later);
        let predicate =
            be.contains(&back(1)) && named(&earlier) && earlier.iter().any(|w| w.starts_with("revision"));
        if subject || predicate || (["good", "healthy", "previous"].contains(&back(1))) {
            return Some(Part::Target);
        }
        let runs = ["runs", "running", "serves", "serving"].contains(&back(1))
            || back(1) == "on" && ["is", "now", "currently", "running", "runs", "are"].contains(&back(2))
            || back(1) == "at" && ["is", "now", "currently"].contains(&back(2));
        (runs && !earlier.iter().any(|w| ["was", "were", "before", "previously", "again"].contains(w)))
            .then_some(Part::Current)
    }

    /// "went from revision 9 to revision 8", where the cited items say that 9 is current and 8 what was before.
    fn against_parts(&self, from: &String, to: &String) -> bool {
        let is = |part: Part, number: &String| {
            self.cited.iter().any(|f| f.part == Some(part) && f.revisions.contains(number))
        };
        let said = |words: &[&str]| self.reading.tokens.iter().any(|t| t.among(words));
        let done = said(&[
            "went", "moved", "changed", "updated", "upgraded", "deployed", "switched", "promoted", "rollout",
            "advanced",
        ]);
        let proposed =
            said(&["would", "should", "could", "will", "can", "must", "propose", "recommend", "suggest"]);
        let told = is(Part::Current, from) && is(Part::Target, to);
        done && !proposed && told && !is(Part::Target, from) && !is(Part::Current, to)
    }

    /// A number beside the revision is another revision's.
    pub(super) fn revision_of_number(&self, n: usize) -> Option<Mark> {
        let paired = self.revisions[n].filter(|_| !self.led_by_order(n))?;
        if self.roles[paired].is_some_and(|r| r.pair) {
            return None;
        }
        // "Serving is revision 9; the last good one is 8": a revision too, and not its number.
        if let What::Number { quantity, .. } = &self.reading.mentions[paired].what
            && quantity.family == Family::Bare
            && self.cited.iter().any(|f| f.revisions.contains(&format!("{}", quantity.value)))
        {
            return None;
        }
        let (f, _) = self.misplaced(n, paired)?;
        self.own(n, paired).filter(|_| !self.crossed(&self.revisions))?;
        Some(contradicted(format!("revision {}", f.revisions.first()?)))
    }

    /// `7 -> 6` where the item says `6 -> 7`.
    pub(super) fn revisions_swapped(&self, n: usize, number: &String) -> Option<Mark> {
        let mentions = &self.reading.mentions;
        let pair = |a: usize, b: usize| match (&mentions.get(a)?.what, &mentions.get(b)?.what) {
            (What::Revision(x), What::Revision(y)) => {
                let between: Vec<&str> = (mentions[a].at.end..mentions[b].at.start)
                    .map(|t| self.reading.tokens[t].low.as_str())
                    .collect();
                match between[..] {
                    ["to" | "->" | "→" | "=>"]
                    | ["to", "revision"]
                    | ["was" | "is", "replaced" | "superseded", "by"]
                    | ["replaced" | "superseded", "by"] => Some((x.clone(), y.clone())),
                    ["replaced" | "replaces" | "superseded" | "supersedes"] => Some((y.clone(), x.clone())),
                    _ => None,
                }
            }
            _ => None,
        };
        let (from, to) = pair(n, n + 1).or_else(|| pair(n.checked_sub(1)?, n))?;
        let back = self.reading.tokens.iter().any(|t| {
            ["roll", "rollback", "revert", "undo", "back", "reverting", "rolling"].contains(&t.low.as_str())
        });
        let told = |a: &String, b: &String| {
            let newer_first = |f: &Fact| {
                f.words.iter().flatten().any(|w| {
                    ["replaced", "replaces", "replacing", "supersedes", "superseded", "after", "over"]
                        .contains(&w.as_str())
                })
            };
            let adjacent =
                |f: &Fact, x: &String, y: &String| f.revisions.windows(2).any(|w| w[0] == *x && w[1] == *y);
            self.cited.iter().any(|f| if newer_first(f) { adjacent(f, b, a) } else { adjacent(f, a, b) })
        };
        let _ = number;
        let wrong = told(&to, &from) && !told(&from, &to) || self.against_parts(&from, &to);
        (!back && wrong).then(|| contradicted(format!("{to} to {from}")))
    }

    pub(super) fn has_name(&self, f: &Fact, name: &str) -> bool {
        let wanted = facts::parts(name);
        if wanted.is_empty() {
            return false;
        }
        let exact = f.words.contains(&wanted);
        // `checkout` is not `checkout-worker`, if both are there.
        let own = self.known.names.iter().any(|n| facts::parts(n) == wanted);
        let within = |word: &Vec<String>| word.windows(wanted.len()).any(|w| w == wanted.as_slice());
        let longer = f.words.iter().any(|word| {
            within(word)
                && (!own
                    || !self.known.names.iter().any(|n| {
                        facts::parts(n) == *word && n.split(['/', ':']).all(|p| facts::parts(p) != wanted)
                    }))
        });
        if wanted.len() == 1 {
            return exact || longer;
        }
        // `gateway-config` is not `api-gateway-config`, but `api-gateway` is of `api-gateway-7d9f8b6c0`.
        // A tag is a whole: `api:5.2.0` is not `api:5.2.0-rc1`.
        let tagged = f.words.iter().any(|w| w.ends_with(&wanted) || w.iter().any(|p| p == "sha256"));
        let path = if name.contains(':') { tagged } else { name.contains('/') };
        let opens =
            longer && (path || !name.contains(':') && f.components.iter().any(|c| c.starts_with(&wanted)));
        // `api gateway` of two words.
        let across = (0..f.words.len()).any(|n| {
            let mut left = wanted.as_slice();
            for word in &f.words[n..] {
                match left.strip_prefix(word.as_slice()) {
                    Some([]) => return true,
                    Some(rest) => left = rest,
                    None => return false,
                }
            }
            false
        });
        exact || opens || across
    }

    pub(super) fn name(&self, n: usize, name: &str) -> Mark {
        let there: Vec<&&Fact> = self.cited.iter().filter(|f| self.has_name(f, name)).collect();
        if there.is_empty() {
            let revision = name
                .strip_prefix('v')
                .filter(|r| self.cited.iter().any(|f| f.revisions.iter().any(|x| x == r)));
            if revision.is_some() {
                return Mark::Confirmed;
            }
            if is_version(name) {
                let other = self.cited.iter().flat_map(|f| &f.names).find(|n| same_thing(name, n));
                return other.map_or(Mark::NotFound, contradicted);
            }
            let subject = self.cited.iter().map(|f| f.subject.as_str()).find(|s| !s.is_empty());
            let other = subject
                .map(str::to_owned)
                .or_else(|| self.cited.iter().flat_map(|f| f.names.iter().cloned()).next());
            return other.map_or(Mark::NotFound, contradicted);
        }
        if let Some(mark) = self.wrong_end(n, name).or_else(|| self.names_swapped(n)) {
            return mark;
        }
        // The number beside it is another's.
        if let Some(paired) = self.names[n]
            && let Some((f, _)) = self.misplaced(n, paired)
            && self.own(n, paired).is_some()
            && !self.crossed(&self.names)
        {
            return contradicted(if f.subject.is_empty() { &f.names[0] } else { &f.subject }.clone());
        }
        Mark::Confirmed
    }

    /// "The new image is cart:1.4" of `cart:1.4 -> cart:1.5`: the wrong end of the arrow.
    fn wrong_end(&self, n: usize, name: &str) -> Option<Mark> {
        let at = self.reading.mentions[n].at.start;
        let clause = place::clause_of(self.reading, at);
        let others = self.reading.mentions.iter().enumerate().any(|(m, o)| {
            m != n && matches!(&o.what, What::Name(x) if x.contains(':')) && clause.contains(&o.at.start)
        });
        let low = |t: usize| self.reading.tokens[t].low.as_str();
        let before =
            |list: &[&str]| (clause.start.max(at.saturating_sub(5))..at).any(|t| list.contains(&low(t)));
        let newer = before(&["new", "current", "now", "newest"]);
        let older = before(&["old", "previous", "former", "earlier"]);
        if others || newer == older || !name.contains(':') {
            return None;
        }
        let ends: Vec<(&String, &String)> = self
            .cited
            .iter()
            .filter(|f| f.arrow)
            .filter_map(|f| match &f.names.iter().filter(|x| x.contains(':')).collect::<Vec<_>>()[..] {
                [a, b] if a != b => Some((*a, *b)),
                _ => None,
            })
            .collect();
        let is = |whole: &String| {
            let (whole, part) = (facts::parts(whole), facts::parts(name));
            whole.ends_with(&part)
        };
        let [(old, new)] = ends[..] else { return None };
        let (right, wrong) = if newer { (new, old) } else { (old, new) };
        (is(wrong) && !is(right)).then(|| contradicted(right.clone()))
    }

    /// `from b:2 to b:1` where an item says `b:1 -> b:2`.
    fn names_swapped(&self, n: usize) -> Option<Mark> {
        let mentions = &self.reading.mentions;
        let pair = |a: usize, b: usize| match (&mentions.get(a)?.what, &mentions.get(b)?.what) {
            (What::Name(x), What::Name(y)) => {
                let low = |t: usize| self.reading.tokens[t].low.as_str();
                let between: Vec<&str> = (mentions[a].at.end..mentions[b].at.start)
                    .map(low)
                    .filter(|w| !["image", "version", "the", "by", "was", "is", "were"].contains(w))
                    .collect();
                let verb =
                    |list: &[&str]| (0..mentions[a].at.start).rev().take(4).any(|t| list.contains(&low(t)));
                let by = (mentions[a].at.end..mentions[b].at.start).any(|t| low(t) == "by");
                match between[..] {
                    ["to" | "->" | "→" | "=>"] => Some((x, y)),
                    ["for"] if verb(&["swapped", "exchanged", "traded", "swaps", "swap"]) => Some((x, y)),
                    ["with"] if verb(&["replaced", "replaces", "replacing", "replace"]) => Some((x, y)),
                    ["replaced" | "superseded"] if by => Some((x, y)),
                    ["replaced" | "replaces" | "superseded" | "supersedes"] | ["instead", "of"] => {
                        Some((y, x))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        let (from, to) = pair(n, n + 1).or_else(|| pair(n.checked_sub(1)?, n))?;
        // `cart:1.5` is the end of `hub.local/cart:1.5`.
        let ends = |whole: &String, part: &String| {
            whole == part || part.contains(':') && facts::parts(whole).ends_with(&facts::parts(part))
        };
        let adjacent = |f: &Fact, x: &String, y: &String| {
            f.arrow && f.names.windows(2).any(|w| ends(&w[0], x) && ends(&w[1], y))
        };
        let back = self
            .reading
            .tokens
            .iter()
            .any(|t| t.among(&["roll", "rollback", "revert", "undo", "back", "rolling"]));
        let told = |x, y| self.cited.iter().any(|f| adjacent(f, x, y));
        (!back && told(to, from) && !told(from, to)).then(|| contradicted(format!("{to} to {from}")))
    }

    pub(super) fn statistic(&self, name: &str) -> Option<Mark> {
        let all: Vec<&String> = self.cited.iter().flat_map(|f| &f.statistics).collect();
        if all.iter().any(|s| *s == name) || self.cited.iter().any(|f| self.has_name(f, name)) {
            return Some(Mark::Confirmed);
        }
        match all.first() {
            Some(other) => Some(contradicted((*other).clone())),
            None => name.starts_with('p').then_some(Mark::NotFound),
        }
    }

    pub(super) fn clock(&self, n: usize, second: u32, exact: bool, about: bool) -> Mark {
        let agrees = |m: &&Moment| {
            let off = i64::from(m.second).abs_diff(i64::from(second));
            match (exact, m.exact) {
                _ if about => off <= 90,
                (true, true) => off == 0,
                _ => m.second / 60 == second / 60,
            }
        };
        let moments: Vec<&Moment> = self.cited.iter().flat_map(|f| &f.moments).collect();
        let text = |m: &Moment| {
            let (h, min, s) = (m.second / 3_600, m.second / 60 % 60, m.second % 60);
            if m.exact { format!("{h:02}:{min:02}:{s:02}") } else { format!("{h:02}:{min:02}") }
        };
        let same: Vec<&&Moment> = moments.iter().filter(|m| agrees(m)).collect();
        let event = order::event_of_clock(self, n);
        if same.is_empty() {
            let told = moments
                .iter()
                .find(|m| event.is_some() && m.event.map(Event::change) == event)
                .or(moments.first());
            return told.map_or(Mark::NotFound, |m| contradicted(text(m)));
        }
        if let Some(event) = event {
            let other = same.iter().all(|m| m.event.is_some_and(|e| e.change() != event.change()));
            let told = moments.iter().find(|m| m.event.map(Event::change) == Some(event) && !agrees(m));
            if let Some(told) = told.filter(|_| other) {
                return contradicted(text(told));
            }
        }
        Mark::Confirmed
    }

    pub(super) fn date(&self, y: i32, m: u32, d: u32) -> Mark {
        let dates: Vec<(i32, u32, u32)> = self.cited.iter().flat_map(|f| f.dates.iter().copied()).collect();
        let same = |(a, b, c): &(i32, u32, u32)| *b == m && *c == d && (*a == y || *a == 0 || y == 0);
        match dates.first() {
            _ if dates.iter().any(same) => Mark::Confirmed,
            Some((a, b, c)) => contradicted(format!("{a:04}-{b:02}-{c:02}")),
            None => Mark::NotFound,
        }
    }
}

/// `1.27.2`, `v7`, `5d9c`, `shop/api:4.12`: a version, a hash or an image, and no service.
fn is_version(name: &str) -> bool {
    let end = tag(name).unwrap_or(name).trim_start_matches('v');
    let number = end.starts_with(|c: char| c.is_ascii_digit());
    let hash = end.len() >= 4
        && end.chars().all(|c| c.is_ascii_hexdigit())
        && end.contains(|c: char| c.is_ascii_digit());
    tag(name).is_some() || !name.contains(['-', '/']) && (number || hash)
}

/// What follows the name of an image.
fn tag(name: &str) -> Option<&str> {
    name.rsplit_once([':', '@']).map(|(_, tag)| tag)
}

/// Another version of what `name` is a version of.
fn same_thing(name: &str, other: &str) -> bool {
    match (name.rsplit_once([':', '@']), other.rsplit_once([':', '@'])) {
        (Some((a, _)), Some((b, _))) => facts::parts(b).ends_with(&facts::parts(a)),
        (None, None) => is_version(other) && name.contains('.') == other.contains('.'),
        _ => false,
    }
}
