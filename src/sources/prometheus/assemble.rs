//! Builds SLOs from what is known: joins series, alerts and rules by `sloth_id` and by the labels that groups differ
//! in, and marks as stale what was not written lately. It asks nothing and keeps nothing but parsed expressions.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Labels;
use super::declared::{DeclaredSlos, Member, PERIOD};
use super::known::{Freshness, Known, OfId};
use super::rules::{Active, AlertRule, OfSlo, SLOTH_ID, identity, severity};
use super::schedule::LONG_WINDOW_S;
use crate::domain::Time;
use crate::domain::burn::{self, DEFAULT_PAIRS};
use crate::domain::clean::Clean;
use crate::domain::sli::{Pair, PromQl, SliExpression, understand, window_pairs};
use crate::domain::slo::{Alert, Origin, Reading, Severity, Sli, Slo, SloId, WindowPair};
use crate::domain::value::Value;
use crate::domain::window::Window;

/// A sample older than so many evaluations is stale.
const EVALUATIONS: f64 = 3.0;
/// A sample older than this is stale where the interval of its rule is not known, in seconds.
const STALE_S: i64 = 60;
/// No sample is stale before this, in seconds: an evaluation may take a while.
const STALE_AT_LEAST_S: i64 = 10;
/// Parsed expressions kept.
const PARSED: usize = 20_000;

/// Expressions as they were understood; parsing thousands of them anew in every cycle would be a waste.
#[derive(Default)]
pub(super) struct Parsed {
    sli: BTreeMap<PromQl, Result<SliExpression, Clean>>,
    pairs: BTreeMap<(PromQl, u64), Vec<Pair>>,
}

impl Parsed {
    fn sli(&mut self, expr: &PromQl) -> &Result<SliExpression, Clean> {
        if self.sli.len() > PARSED {
            self.sli.clear();
        }
        self.sli
            .entry(expr.clone())
            .or_insert_with(|| understand(expr.as_query()).map_err(|error| error.reason))
    }

    fn pairs(&mut self, expr: &PromQl, budget: Option<f64>) -> &[Pair] {
        if self.pairs.len() > PARSED {
            self.pairs.clear();
        }
        self.pairs
            .entry((expr.clone(), budget.unwrap_or(f64::NAN).to_bits()))
            .or_insert_with(|| window_pairs(expr.as_query(), budget))
    }
}

/// Everything that is known as SLOs, in the order of their ids. `now` is the server's time.
pub(super) fn slos(
    known: &mut Known,
    declared: &mut DeclaredSlos,
    parsed: &mut Parsed,
    now: Time,
) -> Vec<Slo> {
    let mut slos = Vec::new();
    let nothing = OfSlo::default();
    let rules = |id: &Clean| known.rules.as_ref().and_then(|rules| rules.by_id.get(id)).unwrap_or(&nothing);
    let taken = |id: &Clean| declared.members.iter().any(|member| member.slo.id == *id);
    for (id, of) in &mut known.by_id {
        if !of.is_recorded() && taken(id) {
            continue;
        }
        of.varying.extend(varying(of.identities()));
        let of = &*of;
        for labels in identities(id, of, rules(id)) {
            let one = Recorded { id, of, rules: rules(id), labels: &labels, now };
            slos.push(one.slo(parsed));
        }
    }
    let is_recorded = |id: &Clean| known.by_id.get(id).is_some_and(OfId::is_recorded);
    for member in declared.members.iter_mut().filter(|member| !is_recorded(&member.slo.id)) {
        let groups: BTreeSet<&Labels> = member.ratios.keys().map(|(group, _)| group).collect();
        let differing = varying(groups);
        member.varying.extend(differing);
        let of = known.by_id.get(&member.slo.id);
        let mut groups: BTreeSet<&Labels> = member.ratios.keys().map(|(group, _)| group).collect();
        let whole = Labels::new();
        if groups.is_empty() {
            groups.insert(&whole);
        }
        for group in groups {
            slos.push(evaluated(member, group, of, rules(&member.slo.id), parsed));
        }
    }
    slos.sort_by(|a, b| a.id.cmp(&b.id));
    slos
}

/// Labels that `identities` do not all have with the same value.
fn varying(identities: BTreeSet<&Labels>) -> BTreeSet<String> {
    let Some(first) = identities.first() else {
        return BTreeSet::new();
    };
    let names: BTreeSet<&String> = identities.iter().flat_map(|labels| labels.keys()).collect();
    names
        .into_iter()
        .filter(|name| identities.iter().any(|labels| labels.get(*name) != first.get(*name)))
        .cloned()
        .collect()
}

/// The label sets of the SLOs under one id: of its ratios, else of whatever else tells of it.
fn identities(id: &Clean, of: &OfId, rules: &OfSlo) -> BTreeSet<Labels> {
    let ratios = of.identities();
    if !ratios.is_empty() {
        return ratios.into_iter().cloned().collect();
    }
    let info = of.info.iter().cloned().map(identity);
    let objective = of.objective.iter().map(|(labels, _)| labels.clone());
    let mut told: BTreeSet<Labels> = info.collect();
    if told.is_empty() {
        told = objective.collect();
    }
    if told.is_empty() {
        told = rules.records.first().map(|record| record.labels.clone()).into_iter().collect();
    }
    if told.is_empty() {
        let mut least = Labels::from([(SLOTH_ID.to_owned(), id.clone())]);
        for name in ["sloth_service", "sloth_slo"] {
            let value = of.alerts.iter().find_map(|alert| alert.labels.get(name));
            least.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        told.insert(least);
    }
    told
}

/// `sloth_id`, and in braces what this one of several groups has that others have not.
fn named(id: &Clean, labels: &Labels, varying: &BTreeSet<String>) -> SloId {
    let own: Vec<String> =
        varying.iter().filter_map(|name| Some(format!("{name}=\"{}\"", labels.get(name)?))).collect();
    SloId(if own.is_empty() { id.clone() } else { Clean::new(format!("{id}{{{}}}", own.join(","))) })
}

/// Of several series with one id the one that contradicts `labels` in nothing and shares most with it.
fn nearest<'a, T>(all: impl Iterator<Item = (&'a Labels, T)>, labels: &Labels) -> Option<T> {
    let shared = |other: &Labels| {
        other.iter().try_fold(0, |count, (name, value)| match labels.get(name) {
            Some(own) if own == value => Some(count + 1),
            Some(_) => None,
            None => Some(count),
        })
    };
    all.filter_map(|(other, value)| Some((shared(other)?, value)))
        .max_by_key(|(count, _)| *count)
        .map(|(_, value)| value)
}

impl OfId {
    /// The server has records of it.
    pub fn is_recorded(&self) -> bool {
        !self.info.is_empty() || !self.objective.is_empty() || !self.ratios.is_empty()
    }
}

/// One SLO that the server records.
struct Recorded<'a> {
    id: &'a Clean,
    of: &'a OfId,
    rules: &'a OfSlo,
    labels: &'a Labels,
    now: Time,
}

impl Recorded<'_> {
    fn slo(&self, parsed: &mut Parsed) -> Slo {
        let objective = self.objective();
        let period = self.period();
        let ratios = self.ratios();
        let watching = Watching::new(self.of, self.rules, self.labels);
        let (pairs, pairs_from_rules) = watching.pairs(parsed, objective, period);
        let label = |name: &str| self.labels.get(name).cloned().unwrap_or_default();
        Slo {
            id: named(self.id, self.labels, &self.of.varying),
            service: label("sloth_service"),
            name: label("sloth_slo"),
            labels: clean_names(self.labels),
            rule_labels: watching.labels(),
            objective,
            period,
            remaining: self.remaining(&ratios),
            ratios,
            alerts: watching.alerts(),
            pairs,
            pairs_from_rules,
            sli: self.sli(parsed),
            runbook: watching.runbook(),
            origin: Origin::Recorded,
            has_alert_rule: watching.exists(),
        }
    }

    fn objective(&self) -> Option<f64> {
        let recorded = self.of.objective.iter().map(|(labels, ratio)| (labels, *ratio));
        let percent = || {
            let info = self.of.info.iter();
            let described: Vec<(Labels, &Labels)> =
                info.map(|labels| (identity(labels.clone()), labels)).collect();
            let text = nearest(described.iter().map(|(own, all)| (own, *all)), self.labels)?
                .get("sloth_objective")?;
            text.as_str().parse::<f64>().ok().map(|percent| percent / 100.0)
        };
        nearest(recorded, self.labels).or_else(percent).filter(|ratio| *ratio > 0.0 && *ratio <= 1.0)
    }

    fn period(&self) -> Option<Window> {
        let days = nearest(self.of.period_days.iter().map(|(l, days)| (l, *days)), self.labels)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and what is not positive is left out"
        )]
        let seconds = (days * 86_400.0).round() as u64;
        (seconds > 0).then(|| Window::from_secs(seconds))
    }

    /// How old a sample may be.
    fn limit_s(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        self.rules
            .interval_s()
            .map_or(STALE_S, |seconds| (EVALUATIONS * seconds).ceil() as i64)
            .max(STALE_AT_LEAST_S)
    }

    /// When the samples were written, if that was too long ago when it was asked.
    fn late(&self) -> Option<Freshness> {
        let told = self.of.freshness.get(self.labels)?;
        ((told.asked - told.sampled).num_seconds() > self.limit_s()).then_some(*told)
    }

    fn ratios(&self) -> BTreeMap<Window, Reading> {
        let mut ratios = BTreeMap::new();
        let late = self.late();
        // What is asked once a minute is not stale for being a minute old.
        let limit = self.limit_s() + 2 * LONG_WINDOW_S;
        let first = (self.labels.clone(), String::new());
        let own = self.of.ratios.range(first..).take_while(|((of, _), _)| of == self.labels);
        for ((_, window), kept) in own {
            let Ok(window) = window.parse::<Window>() else {
                continue;
            };
            let value = match (kept.value, late) {
                (Value::Number(last), Some(late)) => Value::Stale { last, since: late.sampled.min(kept.at) },
                (value, _) => value.aged(kept.at, self.now, limit),
            };
            let reading = Reading { value, at: kept.at };
            // One window may be written in two ways (4w and 28d): the one that is there counts.
            if kept.present || !ratios.contains_key(&window) {
                ratios.insert(window, reading);
            }
        }
        ratios
    }

    /// What remains is recorded even while nothing else is, and then does not move: as old as the newest ratio.
    fn remaining(&self, ratios: &BTreeMap<Window, Reading>) -> Value {
        let kept = self.of.remaining.iter().map(|(labels, kept)| (labels, kept.value));
        let value = nearest(kept, self.labels).unwrap_or_default();
        match (value, ratios.values().next().map(|reading| reading.value)) {
            (Value::Number(last), Some(Value::Stale { since, .. })) => Value::Stale { last, since },
            (value, _) => value,
        }
    }

    fn sli(&self, parsed: &mut Parsed) -> Sli {
        let mut why = None;
        for record in self.rules.writing(self.labels) {
            let pinned = match parsed.sli(&record.expr) {
                Ok(sli) => sli.pin(self.labels, &record.labels).map_err(|error| error.reason),
                Err(reason) => Err(reason.clone()),
            };
            match pinned {
                Ok(sli) => return Sli::Understood(Box::new(sli)),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        why.map_or(Sli::Unknown, Sli::NotUnderstood)
    }
}

/// Alerts and alert rules of one SLO.
struct Watching<'a> {
    rules: Vec<&'a AlertRule>,
    active: Vec<Active>,
    alerted: bool,
}

impl<'a> Watching<'a> {
    fn new(of: &OfId, rules: &'a OfSlo, labels: &'a Labels) -> Self {
        let rules: Vec<&AlertRule> = rules.watching(labels).collect();
        // A group label that a rule overwrites fits no group: then the alert is everybody's.
        let fits = |alert: &Active, labels: &Labels| {
            of.varying
                .iter()
                .all(|name| alert.labels.get(name).is_none_or(|value| labels.get(name) == Some(value)))
        };
        let identities = std::cell::LazyCell::new(|| of.identities());
        let is_ours =
            |alert: &&Active| fits(alert, labels) || !identities.iter().any(|other| fits(alert, other));
        let mut active: Vec<Active> = of.alerts.iter().filter(is_ours).cloned().collect();
        let told = || rules.iter().flat_map(|rule| rule.active.iter());
        for alert in &mut active {
            let same = told().find(|told| same_alert(told, alert));
            alert.since = same.and_then(|told| told.since);
        }
        // An alert that lost its sloth_id is not among ALERTS{sloth_id!=""}; its rule tells of it all the same.
        let nameless = told().filter(|told| !told.labels.contains_key(SLOTH_ID)).filter(is_ours);
        active.extend(nameless.cloned());
        Self { rules, active, alerted: of.alerted }
    }

    fn exists(&self) -> bool {
        !self.rules.is_empty() || self.alerted
    }

    fn alerts(&self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = self
            .active
            .iter()
            .map(|alert| Alert {
                name: alert.labels.get("alertname").cloned().unwrap_or_default(),
                severity: severity(&alert.labels),
                firing: alert.firing,
                active_at: alert.since,
            })
            .collect();
        alerts.sort_by(|a, b| {
            (a.severity, !a.firing, &a.name, a.active_at).cmp(&(b.severity, !b.firing, &b.name, b.active_at))
        });
        alerts
    }

    /// Labels that the rules set, those of the page first; what the server has yet to fill in is no value.
    fn labels(&self) -> BTreeMap<Clean, Clean> {
        let mut labels = BTreeMap::new();
        for rule in self.by_severity() {
            for (name, value) in rule.labels.iter().filter(|(_, value)| !value.as_str().contains("{{")) {
                labels.entry(Clean::new(name)).or_insert_with(|| value.clone());
            }
        }
        labels
    }

    fn runbook(&self) -> Option<Clean> {
        self.by_severity().into_iter().find_map(|rule| rule.runbook.clone())
    }

    fn by_severity(&self) -> Vec<&AlertRule> {
        let mut rules = self.rules.clone();
        rules.sort_by_key(|rule| rule.severity);
        rules
    }

    /// The pairs that the rules have, else the usual ones; and whether they are the rules'.
    fn pairs(
        &self,
        parsed: &mut Parsed,
        objective: Option<f64>,
        period: Option<Window>,
    ) -> (Vec<WindowPair>, bool) {
        let budget = objective.map(burn::budget);
        let mut pairs: Vec<WindowPair> = Vec::new();
        for rule in &self.rules {
            for pair in parsed.pairs(&rule.expr, budget) {
                let pair = WindowPair {
                    severity: rule.severity,
                    long: pair.long,
                    short: pair.short,
                    factor: pair.factor,
                };
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        let from_rules = !pairs.is_empty();
        if !from_rules {
            pairs = default_pairs(period.unwrap_or(PERIOD));
        }
        // The most urgent first.
        pairs.sort_by(|a, b| a.severity.cmp(&b.severity).then_with(|| b.factor.total_cmp(&a.factor)));
        (pairs, from_rules)
    }
}

/// ALERTS and the rules API tell of the same alert.
fn same_alert(told: &Active, alert: &Active) -> bool {
    let own = alert.labels.iter().filter(|(name, _)| !matches!(name.as_str(), "__name__" | "alertstate"));
    own.eq(told.labels.iter())
}

fn default_pairs(period: Window) -> Vec<WindowPair> {
    let pair = |row: &burn::WindowPair| WindowPair {
        severity: match row.severity {
            burn::Severity::Page => Severity::Page,
            burn::Severity::Ticket => Severity::Ticket,
        },
        long: row.long,
        short: row.short,
        factor: row.factor(period),
    };
    DEFAULT_PAIRS.iter().map(pair).collect()
}

fn clean_names(labels: &Labels) -> BTreeMap<Clean, Clean> {
    labels.iter().map(|(name, value)| (Clean::new(name), value.clone())).collect()
}

/// One group of an SLO that is evaluated here.
fn evaluated(member: &Member, group: &Labels, of: Option<&OfId>, rules: &OfSlo, parsed: &mut Parsed) -> Slo {
    let Member { file, slo, .. } = member;
    let mut labels: Labels = slo.labels.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    labels.extend([
        (SLOTH_ID.to_owned(), slo.id.clone()),
        ("sloth_service".to_owned(), slo.service.clone()),
        ("sloth_slo".to_owned(), slo.name.clone()),
    ]);
    labels.extend(group.clone());
    let objective = slo.objective_percent / 100.0;
    let ratios: BTreeMap<Window, Reading> = member
        .ratios
        .iter()
        .filter(|((of, _), _)| of == group)
        .map(|((_, window), kept)| {
            let reading = Reading { value: kept.value, at: kept.at };
            (*window, reading)
        })
        .collect();
    let none = OfId::default();
    let watching = Watching::new(of.unwrap_or(&none), rules, &labels);
    let (pairs, pairs_from_rules) = watching.pairs(parsed, Some(objective), Some(PERIOD));
    let mut rule_labels: BTreeMap<Clean, Clean> = watching.labels();
    for alert in [&slo.page, &slo.ticket].into_iter().flatten() {
        for (name, value) in &alert.labels {
            rule_labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Slo {
        id: named(&slo.id, group, &member.varying),
        service: slo.service.clone(),
        name: slo.name.clone(),
        labels: clean_names(&labels),
        rule_labels,
        objective: Some(objective),
        period: Some(PERIOD),
        remaining: remaining(ratios.get(&PERIOD), objective),
        ratios,
        alerts: watching.alerts(),
        pairs,
        pairs_from_rules,
        sli: declared_sli(member, group, parsed),
        runbook: watching.runbook(),
        origin: Origin::Declared(file.clone()),
        has_alert_rule: watching.exists(),
    }
}

fn declared_sli(member: &Member, group: &Labels, parsed: &mut Parsed) -> Sli {
    let expr = PromQl::new(member.slo.query(Window::minutes(5)));
    let pinned = match (parsed.sli(&expr), &member.refused) {
        (Ok(sli), _) => sli.pin(group, &Labels::new()).map_err(|error| error.reason),
        (Err(_), Some(refused)) => Err(refused.clone()),
        (Err(reason), None) => Err(reason.clone()),
    };
    match pinned {
        Ok(sli) => Sli::Understood(Box::new(sli)),
        Err(reason) => Sli::NotUnderstood(reason),
    }
}

/// What is left of the budget by the error ratio over the whole period.
fn remaining(ratio: Option<&Reading>, objective: f64) -> Value {
    let left = |ratio| Value::from_f64(burn::remaining(ratio, burn::budget(objective)));
    match ratio.map(|reading| reading.value) {
        None => Value::Absent,
        Some(Value::Number(ratio)) => left(ratio),
        Some(Value::Stale { last, since }) => match left(last).number() {
            Some(last) => Value::Stale { last, since },
            None => Value::Absent,
        },
        Some(other) => other,
    }
}
