//! How it looks: theme, keymap and glyphs, and the styles that panels ask for by meaning. Without colours the same
//! meanings become bold, dim, underlined and reversed; none of them is ever told by style alone.

use std::cell::RefCell;

use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};

use super::keymap::Keymap;
use super::link::Link;
use super::mouse::Places;
use super::theme::Theme;

/// Theme, keymap, glyphs.
#[derive(Clone, PartialEq, Debug)]
pub struct Look {
    /// Colours by meaning.
    pub theme: Theme,
    /// Which key is which command.
    pub keymap: Keymap,
    /// Only ASCII may be drawn.
    pub ascii: bool,
    /// Where theme, keymap and configuration come from.
    pub origin: Origin,
    /// What of the last frame can be pointed at.
    pub places: Places,
    /// What this frame leads to. Panels get a shared look, and none of them can read it.
    links: RefCell<Vec<Link>>,
}

/// Where it comes from how it looks: files, or that they are built in. For the help.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The configuration.
    pub config: String,
    /// The theme.
    pub theme: String,
    /// The keymap.
    pub keymap: String,
}

impl Look {
    /// With the colours of `theme` and the keys of `keymap`.
    pub fn new(theme: Theme, keymap: Keymap) -> Self {
        let (origin, places) = (Origin::default(), Places::default());
        Self { theme, keymap, ascii: false, origin, places, links: RefCell::default() }
    }

    /// Makes the cells of `area` lead to `url`, in terminals that know how. An address that is not plain http or https
    /// leads nowhere.
    pub fn link(&self, area: Rect, url: &str) {
        self.links.borrow_mut().extend(Link::new(area, url));
    }

    /// The links of this frame, and none of them is kept.
    pub(super) fn take_links(&self) -> Vec<Link> {
        self.links.take()
    }

    fn mono(&self) -> bool {
        let Theme { text, bad, good, .. } = &self.theme;
        [text, bad, good].iter().all(|c| **c == Color::Reset)
    }

    fn fore(&self, colour: Color, without: Modifier) -> Style {
        let style = Style::new().fg(colour);
        if self.mono() { style.add_modifier(without) } else { style }
    }

    fn back(&self, colour: Color, without: Modifier) -> Style {
        let style = Style::new().bg(colour);
        if self.mono() { style.add_modifier(without) } else { style }
    }

    /// What lies under everything.
    pub fn ground(&self) -> Style {
        Style::new().bg(self.theme.background)
    }

    /// What must be read.
    pub fn text(&self) -> Style {
        self.fore(self.theme.text, Modifier::empty())
    }

    /// The one thing of a zone that decides.
    pub fn strong(&self) -> Style {
        self.text().add_modifier(Modifier::BOLD)
    }

    /// Labels and units.
    pub fn dim(&self) -> Style {
        self.fore(self.theme.dim, Modifier::DIM)
    }

    /// What only guides the eye.
    pub fn faint(&self) -> Style {
        self.fore(self.theme.faint, Modifier::DIM)
    }

    /// The empty part of a gauge.
    pub fn track(&self) -> Style {
        self.fore(self.theme.track, Modifier::DIM)
    }

    /// Measured good.
    pub fn good(&self) -> Style {
        self.fore(self.theme.good, Modifier::empty())
    }

    /// A claim that the evidence confirms; underlined where there is no colour for it.
    pub fn confirmed(&self) -> Style {
        self.fore(self.theme.good, Modifier::UNDERLINED)
    }

    /// Needs a person.
    pub fn attention(&self) -> Style {
        self.fore(self.theme.attention, Modifier::BOLD)
    }

    /// Burning, failed.
    pub fn bad(&self) -> Style {
        self.fore(self.theme.bad, Modifier::BOLD)
    }

    /// Keys and where the operator is.
    pub fn accent(&self) -> Style {
        self.fore(self.theme.accent, Modifier::UNDERLINED)
    }

    /// A key in a line of keys.
    pub fn key(&self) -> Style {
        self.accent().add_modifier(Modifier::BOLD)
    }

    /// Background of the selected row.
    pub fn selection(&self) -> Style {
        self.back(self.theme.selection, Modifier::empty())
    }

    /// Background of header and footer.
    pub fn bar(&self) -> Style {
        self.back(self.theme.bar, Modifier::empty())
    }

    /// Background of an open proposal.
    pub fn proposal(&self) -> Style {
        self.back(self.theme.proposal, Modifier::empty())
    }

    /// Background of a production context.
    pub fn prod(&self) -> Style {
        self.back(self.theme.prod, Modifier::REVERSED)
    }

    /// The edges of the screen in a production context.
    pub fn edge(&self) -> Style {
        let style = Style::new().fg(self.theme.bad).bg(self.theme.prod);
        if self.mono() { style.add_modifier(Modifier::BOLD) } else { style }
    }

    /// The first key of a command as it is shown, if it has one.
    pub fn key_of(&self, context: &str, command: &str) -> Option<String> {
        let first = self.keymap.shown_for(context, command).into_iter().next()?;
        Some(match first.as_str() {
            "up" => "↑".into(),
            "down" => "↓".into(),
            "left" => "←".into(),
            "right" => "→".into(),
            _ => first,
        })
    }
}

/// The same, bold.
pub fn bold(style: Style) -> Style {
    style.add_modifier(Modifier::BOLD)
}
