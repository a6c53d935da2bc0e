//! Label and field selectors of list and watch requests.

use serde_json::Value;

/// One requirement on the labels.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Need {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    HasNot(String),
}

/// What an object must be like to be in the answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selector {
    labels: Vec<Need>,
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    /// From the two query parameters, either of which may be empty.
    ///
    /// # Errors
    /// The message that the API server has for it.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, String> {
        let labels = split(labels).iter().map(|part| need(part)).collect::<Result<_, _>>()?;
        let fields = split(fields).iter().map(|part| field(part)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// Whether `object` is in the answer.
    pub fn fits(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        self.labels.iter().all(|need| match need {
            Need::In(name, values) => label(name).is_some_and(|value| values.iter().any(|v| v == value)),
            Need::NotIn(name, values) => label(name).is_none_or(|value| values.iter().all(|v| v != value)),
            Need::Has(name) => label(name).is_some(),
            Need::HasNot(name) => label(name).is_none(),
        }) && self.fields.iter().all(|(name, equal, wanted)| {
            let found = name.split('.').fold(object, |value, part| &value[part]).as_str().unwrap_or_default();
            (found == wanted) == *equal
        })
    }
}

/// At commas that are not within parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn need(part: &str) -> Result<Need, String> {
    let wrong = || format!("unable to parse requirement: {part:?} is not a label selector");
    let plain = |name: &str| {
        let name = name.trim();
        let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        good.then(|| name.to_owned()).ok_or_else(wrong)
    };
    for (word, is_in) in [(" notin ", false), (" in ", true)] {
        if let Some((name, list)) = part.split_once(word) {
            let list = list.trim().strip_prefix('(').and_then(|l| l.strip_suffix(')')).ok_or_else(wrong)?;
            let values = list.split(',').map(|value| value.trim().to_owned()).collect();
            let name = plain(name)?;
            return Ok(if is_in { Need::In(name, values) } else { Need::NotIn(name, values) });
        }
    }
    for (sign, is_in) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, value)) = part.split_once(sign) {
            let (name, values) = (plain(name)?, vec![value.trim().to_owned()]);
            return Ok(if is_in { Need::In(name, values) } else { Need::NotIn(name, values) });
        }
    }
    match part.strip_prefix('!') {
        Some(name) => plain(name).map(Need::HasNot),
        None => plain(part).map(Need::Has),
    }
}

fn field(part: &str) -> Result<(String, bool, String), String> {
    const KNOWN: [&str; 7] = [
        "metadata.name",
        "metadata.namespace",
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.uid",
        "type",
    ];
    for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, value)) = part.split_once(sign) {
            return if KNOWN.contains(&name) {
                Ok((name.to_owned(), equal, value.to_owned()))
            } else {
                Err(format!(
                    "\"{name}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                ))
            };
        }
    }
    Err(format!("invalid selector: '{part}'; can't understand '{part}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_choose_as_kubectl_users_expect() {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("app in (api, web)", true),
            ("app notin (api,web)", false),
            ("tier", true),
            ("!tier", false),
            ("!zone,app=web", true),
        ] {
            assert_eq!(Selector::parse(selector, "").expect(selector).fits(&object), expected, "{selector}");
        }
        assert!(Selector::parse("", "metadata.name=a").expect("known").fits(&object));
        assert!(!Selector::parse("", "metadata.name!=a").expect("known").fits(&object));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        assert!(Selector::parse("=", "").is_err());
        assert!(Selector::parse("", "spec.x=1").is_err());
    }
}
