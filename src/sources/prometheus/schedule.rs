//! Which questions a cycle asks: at most eight. What an alert is judged by comes every time, the rest in rotation, the
//! most overdue first. Until everything has been asked once, the cycles hold nothing but what has not been asked.
//!
//! ```text
//! 1st  info objective period 5m 1h ALERTS remaining rules
//! 2nd  freshness, all other windows, declared SLOs (and a 3rd, where they do not fit)
//! then 5m 1h ALERTS remaining freshness, declared 5m and 1h; up to three that are due
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::rules::RATIO;
use crate::domain::Time;
use crate::domain::window::Window;

/// Requests of one cycle at the most, rules included.
pub const MOST: usize = 8;
/// Sloth's windows beside 5m and 1h, for servers whose rules cannot be read.
const USUAL: [&str; 6] = ["30m", "2h", "6h", "1d", "3d", "30d"];
/// Between two readings of what hardly changes.
const META_S: i64 = 300;
/// Between two readings of the rules, and while an alert is pending or firing.
const RULES_S: i64 = 60;
const RULES_ALERTED_S: i64 = 30;
/// Between two readings of a window shorter than a day, and of a longer one.
const WINDOW_S: i64 = 15;
pub(super) const LONG_WINDOW_S: i64 = 60;
/// Between two readings of the longer windows of declared SLOs.
const DECLARED_S: i64 = 300;
/// What failed and is not asked every time is asked again after this.
const RETRY_S: i64 = 30;
/// Requests for declared SLOs in one cycle, where a faulty one has split them.
const DECLARED_AT_ONCE: usize = 2;

/// A question of the cycle.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Question {
    Info,
    Objective,
    Period,
    /// Error ratios of a window, as its name has it.
    Ratio(String),
    Remaining,
    Alerts,
    Rules,
    /// When the samples of this window were written.
    Freshness(String),
    /// A batch of declared SLOs.
    Declared(u32),
}

impl Question {
    /// The query; `None` for what is no query, or is written elsewhere.
    pub fn promql(&self) -> Option<String> {
        Some(match self {
            Self::Info => "sloth_slo_info".to_owned(),
            Self::Objective => "slo:objective:ratio".to_owned(),
            Self::Period => "slo:time_period:days".to_owned(),
            Self::Ratio(window) => format!("{RATIO}{window}"),
            Self::Remaining => super::rules::REMAINING.to_owned(),
            Self::Alerts => "ALERTS{sloth_id!=\"\"}".to_owned(),
            Self::Freshness(window) => format!("timestamp({RATIO}{window})"),
            Self::Rules | Self::Declared(_) => return None,
        })
    }

    /// What it is about, for a message.
    pub fn about(&self) -> String {
        match self {
            Self::Rules => "rules".to_owned(),
            Self::Declared(_) => "declared SLOs".to_owned(),
            other => other.promql().unwrap_or_default(),
        }
    }
}

/// What there is to ask.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// Windows that the rules record; `None` while they are not known.
    pub windows: Option<&'a BTreeSet<String>>,
    /// An alert is pending or firing.
    pub alerted: bool,
    /// Batches of declared SLOs, and which of them come every time.
    pub declared: Vec<(u32, bool)>,
    /// A faulty one among them is being looked for: nobody waits for that.
    pub halved: bool,
}

/// When what was asked.
#[derive(Default)]
pub(super) struct Schedule {
    asked: BTreeMap<Question, Time>,
    /// Everything was asked once.
    complete: bool,
    /// The windows that come every time, where they are known.
    windows: Option<[String; 2]>,
}

impl Schedule {
    /// Everything has been asked once.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Without an answer to this one nothing can be said of now.
    pub fn is_essential(&self, question: &Question) -> bool {
        matches!(question, Question::Alerts)
            || matches!(question, Question::Ratio(window) if match &self.windows {
                Some(fast) => fast.contains(window),
                None => window == "5m" || window == "1h",
            })
    }

    /// The questions of the next cycle, the most important first.
    pub fn next(&self, wanted: &Wanted<'_>, now: Time) -> Vec<Question> {
        if self.asked.is_empty() {
            return first();
        }
        let (fast, slow) = self.split(wanted);
        if !self.complete {
            let all = fast.into_iter().chain(slow.into_iter().map(|(question, _)| question));
            return all.filter(|q| !self.asked.contains_key(q)).take(MOST).collect();
        }
        let mut due: Vec<(f64, Question)> = slow
            .into_iter()
            .map(|(question, every)| (self.overdue(&question, every, now), question))
            .filter(|(overdue, _)| *overdue >= 1.0)
            .collect();
        due.sort_by(|(a, q), (b, r)| b.total_cmp(a).then_with(|| q.cmp(r)));
        fast.into_iter().chain(due.into_iter().map(|(_, question)| question)).take(MOST).collect()
    }

    /// `questions` were put and answered, be it by a refusal.
    pub fn asked(&mut self, question: &Question, failed: bool, now: Time) {
        let mut at = now;
        if failed && let Some(every) = interval(question) {
            at = now - chrono::TimeDelta::seconds((every - RETRY_S).max(0));
        }
        self.asked.insert(question.clone(), at);
    }

    /// Notes whether anything is left that was never asked; to be called after each cycle.
    pub fn settle(&mut self, wanted: &Wanted<'_>) {
        let (fast, slow) = self.split(wanted);
        if let [Question::Ratio(short), Question::Ratio(long), ..] = &fast[..] {
            self.windows = Some([short.clone(), long.clone()]);
        }
        let mut all = fast.into_iter().chain(slow.into_iter().map(|(question, _)| question));
        let unimportant = |question: &Question| wanted.halved && matches!(question, Question::Declared(_));
        self.complete |=
            !self.asked.is_empty() && all.all(|q| self.asked.contains_key(&q) || unimportant(&q));
        self.asked.retain(|question, _| match question {
            Question::Declared(batch) => wanted.declared.iter().any(|(known, _)| known == batch),
            _ => true,
        });
    }

    /// What comes every time, and the rest with its interval in seconds.
    fn split(&self, wanted: &Wanted<'_>) -> (Vec<Question>, Vec<(Question, i64)>) {
        let windows = windows(wanted.windows);
        // Two windows decide a page: the shortest, and the one of an hour where there is one.
        let short = windows.first().map_or("5m", |(_, name)| name.as_str()).to_owned();
        let long = windows
            .iter()
            .find(|(window, name)| *window >= Window::hours(1) && *name != short)
            .or(windows.get(1))
            .map_or("1h", |(_, name)| name.as_str())
            .to_owned();
        let mut fast = vec![
            Question::Ratio(short.clone()),
            Question::Ratio(long.clone()),
            Question::Alerts,
            Question::Remaining,
            Question::Freshness(short.clone()),
        ];
        let mut always: Vec<Question> = wanted
            .declared
            .iter()
            .filter(|(_, always)| *always)
            .map(|(batch, _)| Question::Declared(*batch))
            .collect();
        always.sort_by_key(|question| self.asked.get(question).copied());
        fast.extend(always.into_iter().take(DECLARED_AT_ONCE));
        let rules = if wanted.alerted { RULES_ALERTED_S } else { RULES_S };
        let mut slow = vec![
            (Question::Rules, rules),
            (Question::Info, META_S),
            (Question::Objective, META_S),
            (Question::Period, META_S),
        ];
        for (window, name) in windows {
            if name != short && name != long {
                slow.push((Question::Ratio(name), window_interval(window)));
            }
        }
        let later = wanted.declared.iter().filter(|(_, always)| !*always);
        slow.extend(later.map(|(batch, _)| (Question::Declared(*batch), DECLARED_S)));
        (fast, slow)
    }

    /// How long ago it should have been asked, in intervals; a clock that was set back makes it due.
    fn overdue(&self, question: &Question, every: i64, now: Time) -> f64 {
        match self.asked.get(question) {
            Some(asked) if *asked <= now => (now - *asked).num_milliseconds() as f64 / (every as f64 * 1e3),
            Some(_) => 1.0,
            None => f64::INFINITY,
        }
    }
}

fn first() -> Vec<Question> {
    vec![
        Question::Ratio("5m".to_owned()),
        Question::Ratio("1h".to_owned()),
        Question::Alerts,
        Question::Remaining,
        Question::Info,
        Question::Objective,
        Question::Period,
        Question::Rules,
    ]
}

fn windows(recorded: Option<&BTreeSet<String>>) -> Vec<(Window, String)> {
    let parsed = |name: &str| Some((name.parse().ok()?, name.to_owned()));
    let mut windows: Vec<(Window, String)> = match recorded {
        Some(recorded) if !recorded.is_empty() => recorded.iter().filter_map(|n| parsed(n)).collect(),
        _ => ["5m", "1h"].into_iter().chain(USUAL).filter_map(parsed).collect(),
    };
    windows.sort();
    windows
}

fn window_interval(window: Window) -> i64 {
    if window < Window::days(1) { WINDOW_S } else { LONG_WINDOW_S }
}

fn interval(question: &Question) -> Option<i64> {
    match question {
        Question::Info | Question::Objective | Question::Period => Some(META_S),
        Question::Rules => Some(RULES_S),
        Question::Declared(_) => Some(DECLARED_S),
        _ => None,
    }
}
