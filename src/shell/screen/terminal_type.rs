//! What the name of a terminal (`TERM`) must be believed for, because it cannot be asked without a risk: whether it
//! takes sequences that it does not know in silence, and whether its font has more than letters.

/// What may be sent to a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skills {
    /// Sequences with words in them (OSC): links, clipboard, title, notifications.
    pub osc: bool,
    /// Scroll regions.
    pub regions: bool,
    /// Erasing a number of columns.
    pub erases: bool,
    /// Questions (DSR, DECRQM, DA1) and modes of xterm: mouse, pasted text in brackets, synchronized output.
    pub asks: bool,
}

impl Skills {
    /// What every terminal of this century can do.
    pub const MODERN: Self = Self { osc: true, regions: true, erases: true, asks: true };

    /// Of the terminal called `term`.
    pub fn of(term: Option<&str>) -> Self {
        match kind(term) {
            Kind::Modern => Self::MODERN,
            // A console prints the words of sequences that it does not know.
            Kind::Console => Self { osc: false, ..Self::MODERN },
            Kind::Glass => Self { osc: false, regions: true, erases: false, asks: false },
            Kind::Dumb => Self { osc: false, regions: false, erases: false, asks: false },
        }
    }
}

/// Whether the terminal called `term` shows ASCII only, whatever the locale says.
pub fn is_ascii(term: Option<&str>) -> bool {
    kind(term) != Kind::Modern
}

/// Whether the terminal called `term` shows colours.
pub fn has_colours(term: Option<&str>) -> bool {
    matches!(kind(term), Kind::Modern | Kind::Console)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Modern,
    /// The console of a kernel: colours and UTF-8, and 512 glyphs.
    Console,
    /// The real thing, or what passes for it.
    Glass,
    /// Nothing is known but that it prints.
    Dumb,
}

fn kind(term: Option<&str>) -> Kind {
    let term = term.unwrap_or("");
    let glass = |prefix: &str| {
        term.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    match term {
        "" | "dumb" | "unknown" => Kind::Dumb,
        "linux" | "cons25" | "wsvt25" | "pccon" => Kind::Console,
        _ if ["linux-", "pccon"].iter().any(|prefix| term.starts_with(prefix)) => Kind::Console,
        _ if glass("vt") => Kind::Glass,
        _ => Kind::Modern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_cannot_be_asked() {
        for (term, osc, asks, ascii) in [
            (Some("xterm-256color"), true, true, false),
            (Some("tmux-256color"), true, true, false),
            (Some("screen"), true, true, false),
            (Some("foot"), true, true, false),
            (Some("vte"), true, true, false),
            (Some("linux"), false, true, true),
            (Some("vt100"), false, false, true),
            (Some("vt220"), false, false, true),
            (Some("dumb"), false, false, true),
            (Some(""), false, false, true),
            (None, false, false, true),
        ] {
            let skills = Skills::of(term);
            assert_eq!((skills.osc, skills.asks, is_ascii(term)), (osc, asks, ascii), "{term:?}");
        }
        assert!(has_colours(Some("linux")) && !has_colours(Some("vt220")));
        assert!(!Skills::of(Some("dumb")).regions && Skills::of(Some("vt100")).regions);
    }
}
