//! What a server says is wrong: in the body of an error, or in the middle of a stream. Only reading and sorting; what
//! is said to a person is built in `error.rs`.

use serde_json::Value;

use crate::domain::clean::Clean;

/// The most of a server's words that are repeated, in characters.
const WORDS: usize = 300;

/// A complaint of a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trouble {
    /// The HTTP status, or what it would have been.
    pub status: u16,
    /// `invalid_request_error`, `overloaded_error`, ...
    pub kind: Clean,
    /// `context_length_exceeded`, `insufficient_quota`, ...
    pub code: Clean,
    /// The field that is complained about.
    pub param: Clean,
    /// Its words.
    pub said: Clean,
    /// Tokens of the prompt and tokens that the model takes, where they were given as fields.
    tokens: (Option<u64>, Option<u64>),
}

impl Trouble {
    /// Without words.
    pub fn of_status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// From the body of an answer with `status`, or of an error inside a stream.
    pub fn of_body(status: Option<u16>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Value>(&text) {
            Ok(json) => Self::of_json(status, &json),
            Err(_) => Self {
                status: status.unwrap_or(500),
                said: words(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()),
                ..Self::default()
            },
        }
    }

    /// From JSON: `{"error": {..}}`, `{"error": ".."}`, `{"message": ..}`, `{"detail": ..}`, or a list with one of them.
    pub fn of_json(status: Option<u16>, json: &Value) -> Self {
        let json = json.as_array().and_then(|list| list.first()).unwrap_or(json);
        let inner = json.get("error").filter(|error| !error.is_null()).unwrap_or(json);
        let text = |key: &str| match inner.get(key).or_else(|| json.get(key)) {
            Some(Value::String(text)) => words(text),
            Some(Value::Number(number)) => words(&number.to_string()),
            _ => Clean::default(),
        };
        let said = match (inner, inner.get("message").or_else(|| inner.get("detail"))) {
            (Value::String(said), _) | (_, Some(Value::String(said))) => words(said),
            (_, Some(other)) => words(&other.to_string()),
            (other, None) => words(&other.to_string()),
        };
        let number = |key: &str| inner.get(key).and_then(Value::as_u64);
        let (kind, code) = (text("type"), text("code"));
        let own = number("code").or_else(|| number("status")).and_then(|code| u16::try_from(code).ok());
        let own = own.filter(|code| (400..600).contains(code));
        Self {
            status: status.or(own).unwrap_or_else(|| status_of(kind.as_str(), code.as_str())),
            tokens: (number("n_prompt_tokens"), number("n_ctx")),
            param: text("param"),
            kind,
            code,
            said,
        }
    }

    /// The same with `secret` made unreadable: a server may repeat a key that it refuses.
    pub fn without(mut self, secret: &str) -> Self {
        let hide = |text: &Clean| {
            let text = text.as_str();
            let text = if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") };
            let like_a_key = |word: &str| word.starts_with("sk-") || word.contains("***");
            let shown = text.split(' ').map(|word| if like_a_key(word) { "***" } else { word });
            Clean::new(shown.collect::<Vec<_>>().join(" "))
        };
        self.said = hide(&self.said);
        self.param = hide(&self.param);
        self
    }

    /// All of it in lower case, to be searched.
    fn words(&self) -> String {
        format!("{} {} {} {}", self.kind, self.code, self.param, self.said).to_lowercase()
    }

    fn has(&self, any: &[&str]) -> bool {
        let words = self.words();
        any.iter().any(|part| words.contains(part))
    }

    /// No money, or no more of it: to ask again would not help. Words of OpenAI and Anthropic.
    pub fn is_quota(&self) -> bool {
        matches!(self.status, 402 | 403 | 429 | 400)
            && self.has(&[
                "insufficient_quota",
                "exceeded your current quota",
                "credit balance",
                "credit_balance",
                "spend limit",
                "spend_limit",
                "spending limit",
                "billing_",
                "billing hard limit",
            ])
    }

    /// The prompt is longer than the model takes.
    pub fn is_too_long(&self) -> bool {
        self.status == 413
            || matches!(self.status, 400 | 422 | 500)
                && self.has(&[
                    "exceed_context_size",
                    "context_length_exceeded",
                    "context length",
                    "context size",
                    "context window",
                    "prompt is too long",
                    "input is too long",
                    "too many tokens",
                ])
    }

    /// Tokens of the prompt, and tokens that the model takes: from fields, else from the known wordings.
    pub fn tokens(&self) -> (Option<u64>, Option<u64>) {
        if self.tokens != (None, None) {
            return self.tokens;
        }
        let said = self.said.as_str();
        let after = |mark: &str| said.split_once(mark).and_then(|(_, rest)| number_at_start(rest));
        // OpenAI and vLLM: "maximum context length is 8192 tokens. However, you requested 12500 tokens (12031 in ..".
        if let Some(takes) = after("maximum context length is ") {
            let needs = ["resulted in ", "requested "].iter().find_map(|mark| after(mark));
            return (needs, Some(takes));
        }
        // Anthropic: "prompt is too long: 212031 tokens > 200000 maximum".
        (after("too long: "), after(" tokens > "))
    }

    /// The schema, or the field that carries it, is not taken.
    pub fn is_about_schema(&self) -> bool {
        matches!(self.status, 400 | 404 | 422 | 501)
            && !self.is_too_long()
            && self.has(&[
                "response_format",
                "schema",
                "output_config",
                "output_format",
                "structured output",
                "grammar",
            ])
    }

    /// The limit of tokens must be called `max_completion_tokens`.
    pub fn wants_completion_tokens(&self) -> bool {
        matches!(self.status, 400 | 422) && self.has(&["max_completion_tokens"])
    }

    /// The model is not there.
    pub fn is_about_model(&self) -> bool {
        let absent =
            ["not found", "not_found", "not exist", "no such", "unknown model", "notfound", "invalid model"];
        matches!(self.status, 400 | 404) && self.has(&["model", "deployment"]) && self.has(&absent)
    }
}

/// The number with which `text` begins; thousands may be separated by commas.
fn number_at_start(text: &str) -> Option<u64> {
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    digits.replace(',', "").parse().ok()
}

/// The status for which a kind of error stands: those of Anthropic's documentation, and what others call the same.
fn status_of(kind: &str, code: &str) -> u16 {
    let is = |word: &str| kind == word || code == word;
    match () {
        () if is("invalid_request_error") || is("invalid_request") => 400,
        () if is("exceed_context_size_error") || is("context_length_exceeded") => 400,
        () if is("authentication_error") || is("invalid_api_key") => 401,
        () if is("billing_error") => 402,
        () if is("permission_error") => 403,
        () if is("not_found_error") || is("model_not_found") => 404,
        () if is("request_too_large") => 413,
        () if is("rate_limit_error") || is("rate_limit_exceeded") || is("insufficient_quota") => 429,
        () if is("timeout_error") => 504,
        () if is("overloaded_error") => 529,
        () => 500,
    }
}

fn words(text: &str) -> Clean {
    let text = text.trim();
    let mut cut: String = text.chars().take(WORDS).collect();
    if cut.len() < text.len() {
        cut.push_str(" ...");
    }
    Clean::new(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_an_error_gives_its_words() {
        for body in [
            r#"{"error":{"message":"no","type":"t","code":null}}"#,
            r#"{"error":"no"}"#,
            r#"{"message":"no"}"#,
            r#"{"detail":"no"}"#,
            r#"[{"error":{"message":"no","code":400}}]"#,
            r#"{"type":"error","error":{"type":"t","message":"no"}}"#,
            "no",
            "\n  no\nmore",
        ] {
            assert_eq!(Trouble::of_body(Some(400), body.as_bytes()).said.as_str(), "no", "{body}");
        }
    }

    #[test]
    fn both_token_counts_are_read_from_fields_and_from_each_known_wording() {
        for body in [
            r#"{"error":{"code":400,"message":"x","type":"exceed_context_size_error","n_prompt_tokens":12031,"n_ctx":8192}}"#,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 12031 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 12031 tokens (12000 in the messages, 31 in the completion)."}}"#,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 12031 tokens > 8192 maximum"}}"#,
        ] {
            let trouble = Trouble::of_body(Some(400), body.as_bytes());
            assert!(trouble.is_too_long() && !trouble.is_about_schema(), "{body}");
            assert_eq!(trouble.tokens(), (Some(12_031), Some(8_192)), "{body}");
        }
    }

    #[test]
    fn a_key_that_a_server_repeats_is_not_repeated_by_us() {
        let body = r#"{"error":{"message":"Incorrect API key provided: tok-secret-7. Or sk-abcd****wxyz, as you like."}}"#;
        let said = Trouble::of_body(Some(401), body.as_bytes()).without("tok-secret-7").said;
        assert_eq!(said.as_str(), "Incorrect API key provided: *** Or *** as you like.");
    }
}
