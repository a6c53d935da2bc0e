//! An area of the screen that leads to an address (OSC 8). Only http and https; whatever could end the sequence that
//! carries it, or make two addresses look alike, is percent-encoded. An address that stays doubtful leads nowhere.

use ratatui::layout::Rect;

/// Longest address, in bytes: longer ones are cut by terminals, and a cut address leads elsewhere.
const LONGEST: usize = 2_000;

/// Cells that lead to an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    area: Rect,
    url: String,
}

impl Link {
    /// A link of `area` to `url`; `None` where `url` is no plain address.
    pub fn new(area: Rect, url: &str) -> Option<Self> {
        Some(Self { area, url: address(url)? })
    }

    /// The cells.
    pub fn area(&self) -> Rect {
        self.area
    }

    /// The address: printable ASCII without space, quotes, control characters.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// `url` in characters that every terminal passes on, or nothing.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    // A name that must be read twice, credentials, or no name at all.
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b)) {
        return None;
    }
    let mut out = format!("{}://", scheme.to_ascii_lowercase());
    for byte in rest.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    (out.len() <= LONGEST).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_http_in_harmless_characters_or_nothing() {
        for (url, wanted) in [
            ("https://grafana.example/d/x?a=b&c=1#p", Some("https://grafana.example/d/x?a=b&c=1#p")),
            ("HTTP://10.0.0.1:9090/graph?g0.expr=a%7B", Some("http://10.0.0.1:9090/graph?g0.expr=a%7B")),
            ("http://[::1]:9090/", Some("http://[::1]:9090/")),
            ("https://x.example/ä b\"'", Some("https://x.example/%C3%A4%20b%22%27")),
            ("https://x.example/\x1b\\\x07\u{9c}", Some("https://x.example/%1B%5C%07%C2%9C")),
            ("https://x.example/\u{202e}moc", Some("https://x.example/%E2%80%AEmoc")),
            ("javascript:alert(1)", None),
            ("javascript://x.example/%0aalert(1)", None),
            ("file:///etc/passwd", None),
            ("https:///nowhere", None),
            ("https://user:secret@x.example/", None),
            ("https://exämple.org/", None),
            ("https://x.example\x07/", None),
            ("", None),
        ] {
            let link = Link::new(Rect::new(1, 2, 3, 1), url);
            assert_eq!(link.as_ref().map(Link::url), wanted, "{url:?}");
        }
        let long = format!("https://x.example/{}", "a".repeat(LONGEST));
        assert_eq!(Link::new(Rect::ZERO, &long), None);
    }
}
