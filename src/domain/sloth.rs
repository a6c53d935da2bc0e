//! An SLO as a person declared it in a Sloth `prometheus/v1` file: objective, labels, and the expressions of its
//! indicator as templates over the window. Its format: `pkg/prometheus/api/v1` in slok/sloth. Nothing here knows
//! whether Prometheus has any record of it.

use std::collections::BTreeMap;

use super::clean::Clean;
use super::window::Window;

/// One declared SLO.
#[derive(Clone, PartialEq, Debug)]
pub struct Declared {
    /// `service-name`, the value of the label `sloth_id`.
    pub id: Clean,
    /// The service, the value of `sloth_service`.
    pub service: Clean,
    /// The name, the value of `sloth_slo`.
    pub name: Clean,
    /// What is promised, in percent; greater than 0, at most 100.
    pub objective_percent: f64,
    /// What it is about, in the words of its author.
    pub description: Clean,
    /// Labels of the service, overridden by those of the SLO.
    pub labels: BTreeMap<Clean, Clean>,
    /// The indicator.
    pub sli: DeclaredSli,
    /// The alert that wakes somebody, unless it is disabled or has no name.
    pub page: Option<DeclaredAlert>,
    /// The alert that opens a ticket, unless it is disabled or has no name.
    pub ticket: Option<DeclaredAlert>,
}

/// How bad events are counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeclaredSli {
    /// Bad and all events per second; their quotient is the error ratio.
    Events {
        /// Rate of bad events.
        error: Template,
        /// Rate of all events.
        total: Template,
    },
    /// The error ratio (0..1) itself.
    Raw {
        /// The ratio.
        ratio: Template,
    },
}

/// An alert that Sloth generates for an SLO.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclaredAlert {
    /// The alert's name; page and ticket of one SLO share it and differ in the label `sloth_severity`.
    pub name: Clean,
    /// Labels given to the alert, those of the severity over those of the SLO's alerting.
    pub labels: BTreeMap<Clean, Clean>,
}

impl Declared {
    /// The PromQL expression of the error ratio (0..1) over `window`, as Sloth generates it.
    pub fn query(&self, window: Window) -> String {
        match &self.sli {
            DeclaredSli::Events { error, total } => {
                format!("({})\n/\n({})", error.over(window), total.over(window))
            }
            DeclaredSli::Raw { ratio } => format!("({})", ratio.over(window)),
        }
    }
}

/// A PromQL expression with `{{.window}}` where its window goes. It may have several lines, and it is sent to
/// Prometheus as it is: whoever shows it makes it [`Clean`] first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    /// The text between the places of the window; at least two.
    parts: Vec<String>,
}

/// Why a text is not a [`Template`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotATemplate {
    /// Nothing in it depends on the window.
    #[error("no {{{{.window}}}} in the expression, so it would be the same over every window")]
    NoWindow,
    /// A template action other than the window.
    #[error("`{{{{{0}}}}}` is not understood, expected {{{{.window}}}}")]
    Unknown(Clean),
    /// `{{` without its `}}`.
    #[error("`{{{{` is never closed, expected {{{{.window}}}}")]
    Open,
}

impl Template {
    /// Reads `text`; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, NotATemplate> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while let Some((before, after)) = rest.split_once("{{") {
            let (action, behind) = after.split_once("}}").ok_or(NotATemplate::Open)?;
            if action.trim() != ".window" {
                return Err(NotATemplate::Unknown(Clean::new(action)));
            }
            parts.push(before.to_owned());
            rest = behind;
        }
        if parts.is_empty() {
            return Err(NotATemplate::NoWindow);
        }
        parts.push(rest.to_owned());
        Ok(Self { parts })
    }

    /// The expression over `window`.
    pub fn over(&self, window: Window) -> String {
        self.parts.join(&window.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_filled_in_wherever_it_stands() {
        let template = Template::parse(" a[{{.window}}] / b[{{ .window }}]\n").expect("a template");
        assert_eq!(template.over(Window::minutes(5)), "a[5m] / b[5m]");
        assert_eq!(template.over(Window::days(30)), "a[30d] / b[30d]");
    }

    #[test]
    fn what_could_not_be_filled_in_is_refused_before_it_is_asked() {
        assert_eq!(Template::parse("a[5m]"), Err(NotATemplate::NoWindow));
        assert_eq!(Template::parse("a[{{.window]"), Err(NotATemplate::Open));
        assert_eq!(Template::parse("a[{{.windw}}]"), Err(NotATemplate::Unknown(Clean::new(".windw"))));
        assert_eq!(
            NotATemplate::Unknown(Clean::new(".x")).to_string(),
            "`{{.x}}` is not understood, expected {{.window}}"
        );
    }
}
