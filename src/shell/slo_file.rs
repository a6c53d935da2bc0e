//! Reads SLOs as Sloth's `prometheus/v1` files declare them, taken as they are: one or several YAML documents. What
//! would change the meaning of an SLO without goaround understanding it (plugins, other formats, unknown keys) is
//! refused with its place instead of being skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::{Error, Location, MessageFormatter, Spanned, UserMessageFormatter};

use crate::domain::clean::Clean;
use crate::domain::sloth::{Declared, DeclaredAlert, DeclaredSli, Template};
use crate::domain::text_error::{TextError, did_you_mean};

/// The only version of the format.
const VERSION: &str = "prometheus/v1";
/// Keys that are read only to say which other format a file is in.
const FOREIGN: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const PLUGINS: &str = "plugins are not supported: they can change what the recorded ratios mean, and goaround would \
                       compute something else than Sloth does; expected an SLO without them";

/// Why an SLO file is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct SloFileError(#[from] pub TextError);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    version: Option<Spanned<String>>,
    service: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    slo_plugins: Option<Spanned<IgnoredAny>>,
    slos: Option<Spanned<Vec<Spanned<Slo>>>>,
    #[serde(rename = "apiVersion")]
    api_version: Option<Spanned<String>>,
    kind: Option<Spanned<String>>,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    #[serde(rename = "spec")]
    _spec: Option<IgnoredAny>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slo {
    name: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    objective: Option<Spanned<f64>>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    sli: Option<Spanned<Sli>>,
    #[serde(default)]
    alerting: Alerting,
    plugins: Option<Spanned<IgnoredAny>>,
    slo_plugins: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sli {
    events: Option<Spanned<Events>>,
    raw: Option<Spanned<Raw>>,
    plugin: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    error_query: Option<Spanned<String>>,
    total_query: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    error_ratio_query: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Alerting {
    name: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "annotations")]
    _annotations: BTreeMap<String, String>,
    page_alert: Alert,
    ticket_alert: Alert,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Alert {
    disable: bool,
    labels: BTreeMap<String, String>,
    #[serde(rename = "annotations")]
    _annotations: BTreeMap<String, String>,
}

/// Reads all SLOs of `source`, in its order; `file` is what errors call it.
pub fn parse(source: &str, file: &str) -> Result<Vec<Declared>, SloFileError> {
    let text = Text { file, source };
    // Snippets are ours; the parser's own would quote the line a second time.
    let options = serde_saphyr::options! { with_snippet: false };
    let specs: Vec<Spanned<Spec>> = serde_saphyr::from_multiple_with_options(source, options)
        .map_err(|error| text.of_parser(error.without_snippet()))?;
    if specs.is_empty() {
        let error =
            text.first("there is no SLO in this file, expected `version: prometheus/v1`, a service and slos");
        return Err(error.into());
    }
    let mut declared: Vec<Declared> = Vec::new();
    for spec in &specs {
        text.read(spec, &mut declared)?;
    }
    Ok(declared)
}

#[derive(Clone, Copy)]
struct Text<'t> {
    file: &'t str,
    source: &'t str,
}

impl Text<'_> {
    fn error(&self, location: Location, width: usize, message: impl AsRef<str>) -> TextError {
        // The parser gives 0 where it does not know.
        let place = (location.line().max(1) as usize, location.column().max(1) as usize);
        TextError::at(self.file, self.source, place, width, message)
    }

    fn first(&self, message: impl AsRef<str>) -> TextError {
        TextError::at(self.file, self.source, (1, 1), 1, message)
    }

    fn at<T>(&self, value: &Spanned<T>, message: impl AsRef<str>) -> TextError {
        let width = usize::try_from(value.referenced.span().len()).unwrap_or(1);
        self.error(value.referenced, width, message)
    }

    fn at_text(&self, value: &Spanned<String>, message: impl AsRef<str>) -> TextError {
        self.error(value.referenced, value.value.chars().count(), message)
    }

    fn of_parser(&self, error: &Error) -> TextError {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        match error {
            Error::SerdeUnknownField { field, expected, .. } => {
                let known: Vec<&str> =
                    expected.iter().copied().filter(|key| !FOREIGN.contains(key)).collect();
                let message = format!("unknown key `{field}`, expected one of: {}", known.join(", "));
                self.error(location, field.chars().count(), message).maybe_hint(did_you_mean(field, known))
            }
            Error::InvalidScalar { ty, .. } => {
                let expected = if *ty == "floating point" { "a number" } else { ty };
                self.error(location, 1, format!("this value does not fit, expected {expected}"))
            }
            other => self.error(location, 1, UserMessageFormatter.format_message(other)),
        }
    }

    fn read(&self, spec: &Spanned<Spec>, declared: &mut Vec<Declared>) -> Result<(), TextError> {
        self.check_format(spec)?;
        let service = self.need(spec, &spec.value.service, "`service` is missing at the top level")?;
        self.check_name("service", service)?;
        let slos = self.need(spec, &spec.value.slos, "`slos` is missing at the top level")?;
        if slos.value.is_empty() {
            return Err(self.at(slos, "`slos` is empty, expected at least one SLO"));
        }
        for slo in &slos.value {
            let name = self.need(slo, &slo.value.name, "`name` is missing in this SLO")?;
            self.check_name("name", name)?;
            let one = self.declared((service, name), &spec.value.labels, slo)?;
            if declared.iter().any(|other| other.id == one.id) {
                let message = format!("the SLO `{}` is declared twice, expected each id once", one.id);
                return Err(self.at_text(name, message));
            }
            declared.push(one);
        }
        Ok(())
    }

    /// Refuses the other formats in which SLOs are written, by their name.
    fn check_format(&self, spec: &Spanned<Spec>) -> Result<(), TextError> {
        if let Some(api) = spec.value.api_version.as_ref().or(spec.value.kind.as_ref()) {
            let what = match api.value.as_str() {
                text if text.starts_with("sloth.slok.dev/") || text == "PrometheusServiceLevel" => {
                    "the Kubernetes form of Sloth (PrometheusServiceLevel)"
                }
                text if text.starts_with("openslo/") => "OpenSLO",
                text if text.starts_with("pyrra.dev/") => "Pyrra",
                _ => "a Kubernetes object",
            };
            return Err(self
                .at_text(
                    api,
                    format!("this file is {what}, expected Sloth's own format, `version: {VERSION}`"),
                )
                .hint(
                    "once its rules are in Prometheus goaround finds it without any file; name it with \
                     [[slo]] id and workload",
                ));
        }
        match &spec.value.version {
            None => Err(self.at(spec, format!("`version` is missing, expected `version: {VERSION}`"))),
            Some(version) if version.value != VERSION => Err(self
                .at_text(version, format!("version `{}` is not known, expected `{VERSION}`", version.value))),
            Some(_) => match &spec.value.slo_plugins {
                Some(plugins) => Err(self.at(plugins, PLUGINS)),
                None => Ok(()),
            },
        }
    }

    fn declared(
        &self,
        (service, name): (&Spanned<String>, &Spanned<String>),
        labels: &BTreeMap<String, String>,
        slo: &Spanned<Slo>,
    ) -> Result<Declared, TextError> {
        let place = slo;
        let slo = &place.value;
        let percent = self.need(place, &slo.objective, "`objective` is missing in this SLO")?;
        let sli = self.need(place, &slo.sli, "`sli` is missing in this SLO")?;
        let objective = percent.value;
        if !(objective > 0.0 && objective <= 100.0) {
            let message = format!(
                "the objective is {objective}, expected percent, greater than 0 and at most 100, as in 99.9"
            );
            return Err(self.at(percent, message));
        }
        if let Some(plugins) = slo.plugins.as_ref().or(slo.slo_plugins.as_ref()) {
            return Err(self.at(plugins, PLUGINS));
        }
        let (service, name) = (Clean::new(&service.value), Clean::new(&name.value));
        Ok(Declared {
            id: Clean::new(format!("{service}-{name}")),
            service,
            name,
            objective_percent: objective,
            description: Clean::new(slo.description.trim()),
            labels: merged(labels, &slo.labels),
            sli: self.sli(sli)?,
            page: alert(&slo.alerting, &slo.alerting.page_alert),
            ticket: alert(&slo.alerting, &slo.alerting.ticket_alert),
        })
    }

    fn sli(&self, sli: &Spanned<Sli>) -> Result<DeclaredSli, TextError> {
        if let Some(plugin) = &sli.value.plugin {
            return Err(self
                .at(
                    plugin,
                    "SLI plugins are not supported: the expression is made by code that goaround does not run; \
                     expected `events` or `raw`",
                )
                .hint("`sloth generate` shows the expression that the plugin makes"));
        }
        match (&sli.value.events, &sli.value.raw) {
            (Some(events), None) => Ok(DeclaredSli::Events {
                error: self.template(events, &events.value.error_query, "error_query")?,
                total: self.template(events, &events.value.total_query, "total_query")?,
            }),
            (None, Some(raw)) => Ok(DeclaredSli::Raw {
                ratio: self.template(raw, &raw.value.error_ratio_query, "error_ratio_query")?,
            }),
            (Some(_), Some(_)) => Err(self.at(sli, "both `events` and `raw`, expected one of them")),
            (None, None) => Err(self.at(sli, "an SLI without an expression, expected `events` or `raw`")),
        }
    }

    fn template<P>(
        &self,
        parent: &Spanned<P>,
        text: &Option<Spanned<String>>,
        key: &str,
    ) -> Result<Template, TextError> {
        let text = self.need(parent, text, &format!("`{key}` is missing here"))?;
        Template::parse(&text.value).map_err(|why| {
            self.at(text, why.to_string()).hint("write the range as [{{.window}}], as Sloth does")
        })
    }

    /// What must be there, else an error at the beginning of what it is missing in. (The derived readers would put
    /// it wherever the parser happens to be.)
    fn need<'v, P, T>(
        &self,
        parent: &Spanned<P>,
        value: &'v Option<Spanned<T>>,
        missing: &str,
    ) -> Result<&'v Spanned<T>, TextError> {
        value.as_ref().ok_or_else(|| self.at(parent, missing))
    }

    /// Names become labels and ids, so they are what Sloth accepts.
    fn check_name(&self, key: &str, name: &Spanned<String>) -> Result<(), TextError> {
        let text = name.value.as_str();
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inside = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if ends(text.chars().next()) && ends(text.chars().last()) && inside {
            return Ok(());
        }
        Err(self.at_text(
            name,
            format!("`{key}` is \"{text}\", expected letters, digits, `-`, `_` and `.`, a letter or digit at both ends"),
        ))
    }
}

fn alert(alerting: &Alerting, alert: &Alert) -> Option<DeclaredAlert> {
    (!alert.disable && !alerting.name.is_empty()).then(|| DeclaredAlert {
        name: Clean::new(&alerting.name),
        labels: merged(&alerting.labels, &alert.labels),
    })
}

fn merged(below: &BTreeMap<String, String>, above: &BTreeMap<String, String>) -> BTreeMap<Clean, Clean> {
    let both = below.iter().chain(above);
    both.map(|(key, value)| (Clean::new(key), Clean::new(value))).collect()
}
