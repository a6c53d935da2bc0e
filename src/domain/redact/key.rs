//! Names of keys, variables, headers and flags that say that their value is a secret: `DB_PASSWORD`, `apiKey`,
//! `x-auth-token`. Names that only speak of one (`secretName`, `token_count`, `password_file`) do not.

use super::Label;

/// What a name says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// What the value is.
    pub label: Label,
    /// The word that says so ends the name and is no plural: any value counts, a number too.
    pub sure: bool,
    /// The name is `pwd`, which is also the working directory.
    pub pwd: bool,
    /// The name is `auth`: only a value that looks encoded counts.
    pub auth: bool,
}

/// Last words after which a name no longer names the secret itself.
const SPEAKS_OF: &str = " name names ref refs reference file files filename path paths dir directory count counts total \
    type kind length len size limit max min ttl expiry expires expired expiration expire lifetime seconds secs minutes \
    hours days ms bytes policy enabled disabled required optional version age status state code error errors rate \
    endpoint endpoints host port audience issuer scope scopes namespace algorithm alg format prefix suffix mount volume \
    header field param parameter selector requests provider method store manager generator interval timeout duration \
    rotation created updated changed at valid invalid missing exists usage used remaining url uri ";

/// Words before `key` that make it one to keep.
const KEY_OF: &str = " api access secret encryption master account shared service auth license storage app hmac aes \
    webhook ";

/// Words of a name, in lower case: cut where letters end, and before a capital in `camelCase`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (n, c) in chars.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| chars.get(n));
        let after = chars.get(n + 1);
        let hump = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if !c.is_alphanumeric() || hump {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn listed(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|each| each == word)
}

/// What one word says, without digits at its end: `password2`.
fn of_word(word: &str) -> Option<Label> {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let ends = |with: &[&str]| with.iter().any(|end| word.ends_with(end));
    match word {
        "pass" | "pw" | "pwd" | "passcode" | "passwort" | "passwords" => Some(Label::Password),
        "tokens" | "jwt" | "bearer" | "csrf" | "xsrf" => Some(Label::Token),
        "credential" | "credentials" | "creds" => Some(Label::Credentials),
        "authorization" => Some(Label::Authorization),
        "cookie" | "cookies" | "sessionid" | "jsessionid" | "phpsessid" | "sessid" => Some(Label::Cookie),
        "dsn" | "connectionstring" | "connstring" | "connstr" => Some(Label::ConnectionString),
        "bypass" | "compass" | "surpass" | "overpass" | "underpass" | "trespass" => None,
        _ if word.contains("password") || word.contains("passwd") || word.contains("passphrase") => {
            Some(Label::Password)
        }
        _ if ends(&["pass", "pwd"]) => Some(Label::Password),
        _ if ["apikey", "secretkey", "accesskey", "accountkey"].iter().any(|w| word.contains(w)) => {
            Some(Label::ApiKey)
        }
        _ if word.contains("privatekey") || word.contains("signingkey") => Some(Label::PrivateKey),
        _ if ends(&["token"]) => Some(Label::Token),
        _ if ends(&["secret"]) => Some(Label::Secret),
        _ => None,
    }
}

/// What two words say together.
fn of_pair(first: &str, second: &str) -> Option<Label> {
    match (first, second) {
        ("private" | "signing" | "ssh" | "rsa", "key" | "keys") => Some(Label::PrivateKey),
        (first, "key" | "keys") if listed(KEY_OF, first) => Some(Label::ApiKey),
        ("connection" | "conn", "string" | "str" | "url" | "uri") => Some(Label::ConnectionString),
        ("session", "id") => Some(Label::Cookie),
        _ => None,
    }
}

/// What a name says of its value; `None` where it says nothing.
pub fn kind(name: &str) -> Option<Kind> {
    let words = words(name);
    let (last, before) = words.split_last()?;
    let pair = before.last().and_then(|first| of_pair(first, last));
    let key_id = last == "id" && before.last().is_some_and(|word| word.ends_with("key"));
    if pair.is_none() && (listed(SPEAKS_OF, last) || key_id) {
        return None;
    }
    let kind = |label, sure| Kind { label, sure, pwd: false, auth: false };
    let plural = last.ends_with('s') && !last.ends_with("ss");
    if let Some(label) = pair.or_else(|| of_word(last)) {
        let pwd = label == Label::Password && before.is_empty() && matches!(last.as_str(), "pwd" | "oldpwd");
        // `tests pass: 12` is no password.
        let counts = last == "pass" && before.is_empty();
        let sure = !plural && !counts;
        return Some(Kind { pwd, ..kind(label, sure) });
    }
    if last == "auth" {
        return Some(Kind { auth: true, ..kind(Label::Credentials, false) });
    }
    let pairs = words.windows(2).rev().filter_map(|two| match two {
        [first, second] => of_pair(first, second),
        _ => None,
    });
    let singles = before.iter().rev().filter_map(|word| of_word(word));
    pairs.chain(singles).next().map(|label| kind(label, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_ends_in_a_secret_says_so_in_every_spelling() {
        for (name, label) in [
            ("password", Label::Password),
            ("DB_PASSWORD", Label::Password),
            ("PGPASSWORD", Label::Password),
            ("spring.datasource.password", Label::Password),
            ("smtpPass", Label::Password),
            ("MYSQL_ROOT_PWD", Label::Password),
            ("password2", Label::Password),
            ("passwordHash", Label::Password),
            ("x-auth-token", Label::Token),
            ("accessToken", Label::Token),
            ("client_secret", Label::Secret),
            ("SECRET_KEY_BASE", Label::ApiKey),
            ("apiKey", Label::ApiKey),
            ("APIKey", Label::ApiKey),
            ("X-Api-Key", Label::ApiKey),
            ("AccountKey", Label::ApiKey),
            ("ssh_private_key", Label::PrivateKey),
            ("Set-Cookie", Label::Cookie),
            ("SENTRY_DSN", Label::ConnectionString),
            ("connectionString", Label::ConnectionString),
            ("secret_id", Label::Secret),
        ] {
            assert_eq!(kind(name).map(|k| k.label), Some(label), "{name}");
        }
    }

    #[test]
    fn a_name_that_only_speaks_of_a_secret_does_not() {
        for name in [
            "secretName",
            "secretKeyRef",
            "imagePullSecrets",
            "token_count",
            "password_file",
            "tokenExpirationSeconds",
            "aws_access_key_id",
            "auth_token_requests_total",
            "public_key",
            "cache_key",
            "bypass",
            "author",
            "image",
            "redacted",
            "",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
