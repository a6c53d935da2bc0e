//! Colours by meaning. A theme is a flat TOML file with one colour for each meaning; panels ask for `bad`, never for
//! red. What a terminal cannot show is brought down to what it can, and meaning is never told by colour alone, so a
//! theme without any colour is complete.

use std::convert::Infallible;

use ratatui::style::Color;

use crate::domain::document::Document;
use crate::domain::text_error::{TextError, nearest};

/// The built-in theme `dark`, as a file.
pub const DARK: &str = include_str!("../../themes/dark.toml");

/// The built-in themes by name, as files.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("dark", DARK),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("monochrome", include_str!("../../themes/monochrome.toml")),
];

/// The ANSI colours by name, in their order (0..16).
const ANSI: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright_black", Color::DarkGray),
    ("bright_red", Color::LightRed),
    ("bright_green", Color::LightGreen),
    ("bright_yellow", Color::LightYellow),
    ("bright_blue", Color::LightBlue),
    ("bright_magenta", Color::LightMagenta),
    ("bright_cyan", Color::LightCyan),
    ("bright_white", Color::White),
];

/// Why a theme is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct ThemeError(#[from] pub TextError);

/// A colour as a theme file writes it: `#rrggbb`, an ANSI name (`red`, `bright_blue`) or `default`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour(pub Color);

impl Colour {
    /// Reads one colour; on failure the nearest known name, if there is one.
    pub fn parse(text: &str) -> Result<Self, Option<&'static str>> {
        if let Some(hex) = text.strip_prefix('#') {
            return hex_colour(hex).map(Self).ok_or(None);
        }
        if text == "default" {
            return Ok(Self(Color::Reset));
        }
        let found = ANSI.iter().find(|(name, _)| *name == text);
        found.map(|(_, colour)| Self(*colour)).ok_or_else(|| {
            nearest(text, ANSI.iter().map(|(name, _)| *name).chain(["default", "bright_black"]))
        })
    }
}

fn hex_colour(hex: &str) -> Option<Color> {
    // The digits are checked first: from_str_radix would take a sign.
    if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some(Color::Rgb(byte(0)?, byte(2)?, byte(4)?))
}

/// How a colour is used; it decides what becomes of it where there are few colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Foreground,
    Background,
}

macro_rules! meanings {
    ($($(#[$doc:meta])* $name:ident: $role:ident,)*) => {
        /// One colour for each meaning.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Theme { $($(#[$doc])* pub $name: Color,)* }

        impl Theme {
            /// The keys of a theme file.
            pub const KEYS: &[&str] = &[$(stringify!($name)),*];

            fn build<E>(mut colour: impl FnMut(&'static str) -> Result<Color, E>) -> Result<Self, E> {
                Ok(Self { $($name: colour(stringify!($name))?,)* })
            }

            fn each(&self, mut change: impl FnMut(Color, Role) -> Color) -> Self {
                Self { $($name: change(self.$name, Role::$role),)* }
            }
        }
    };
}

meanings! {
    /// What lies under everything.
    background: Background,
    /// What must be read.
    text: Foreground,
    /// Labels and units.
    dim: Foreground,
    /// Lines, and what only guides the eye.
    faint: Foreground,
    /// The empty part of a gauge.
    track: Foreground,
    /// Healthy, passed.
    good: Foreground,
    /// To be looked at, unknown.
    attention: Foreground,
    /// Burning, failed.
    bad: Foreground,
    /// Where the operator is, and what can be pressed.
    accent: Foreground,
    /// Background of the selected row.
    selection: Background,
    /// Background of the header and footer.
    bar: Background,
    /// Background of an open proposal.
    proposal: Background,
    /// Background of the name of a production context.
    prod: Background,
}

impl Theme {
    /// Reads a theme file: every key of [`Theme::KEYS`] must be there, and no other.
    pub fn parse(source: &str, file: &str) -> Result<Self, ThemeError> {
        let document = Document::parse(file, source)?;
        let root = document.root();
        root.only(Self::KEYS)?;
        Self::build(|key| {
            let entry = root.need(key).map_err(|error| {
                error.hint("a theme holds every key; copy the file of the theme `dark` and change it")
            })?;
            let text = entry.text()?;
            let colour = Colour::parse(text).map_err(|near| {
                entry
                    .error(format!(
                        "`{key}` is \"{text}\", expected \"#rrggbb\", an ANSI name such as \"bright_red\", or \"default\""
                    ))
                    .maybe_hint(near.map(|name| format!("did you mean `{name}`?")))
            })?;
            Ok(colour.0)
        })
    }

    /// No colour at all: everything in the terminal's own.
    pub fn monochrome() -> Self {
        let colourless: Result<Self, Infallible> = Self::build(|_| Ok(Color::Reset));
        match colourless {
            Ok(theme) => theme,
        }
    }

    /// This theme in the colours that a terminal of `depth` can show.
    pub fn at(&self, depth: Depth) -> Self {
        let paper = self.is_light();
        self.each(|colour, role| match (depth, colour) {
            (Depth::None, _) => Color::Reset,
            (Depth::Ansi256, Color::Rgb(r, g, b)) => Color::Indexed(to_256([r, g, b])),
            (Depth::Ansi16, Color::Rgb(r, g, b)) => to_16([r, g, b], role, paper),
            (_, other) => other,
        })
    }

    /// Dark text on a light background.
    fn is_light(&self) -> bool {
        matches!(self.background, Color::Rgb(r, g, b) if [r, g, b].iter().all(|part| *part >= 128))
    }
}

/// How many colours a terminal shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Depth {
    /// None are wanted, or none are possible.
    None,
    /// The sixteen of ANSI.
    Ansi16,
    /// The palette of xterm.
    Ansi256,
    /// 24 bits.
    True,
}

impl Depth {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no colours",
            Self::Ansi16 => "16 colours",
            Self::Ansi256 => "256 colours",
            Self::True => "24 bit colours",
        }
    }

    /// From the values of `NO_COLOR` (any text but the empty one, see no-color.org), `COLORTERM` and `TERM`.
    pub fn detect(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or("");
        let says_true = matches!(colorterm, Some("truecolor" | "24bit"));
        if no_color.is_some_and(|value| !value.is_empty()) || matches!(term, "" | "dumb") {
            Self::None
        } else if says_true || term.ends_with("-direct") || term.ends_with("-truecolor") {
            Self::True
        } else if term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// The nearest of xterm's colour cube (16..=231) and its greys (232..=255). A colour with a hue stays in the cube,
/// even where a grey is nearer: the dark red behind a production context must not become the grey of the bar.
fn to_256(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let cube = rgb.map(|part| nearest_step(part, &STEPS));
    let cube_colour = cube.map(|step| STEPS[usize::from(step)]);
    let mean = (u16::from(rgb[0]) + u16::from(rgb[1]) + u16::from(rgb[2])) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey_is_nearer = distance(rgb, [8 + 10 * grey; 3]) < distance(rgb, cube_colour);
    let keeps_its_hue = has_hue(rgb) && has_hue(cube_colour);
    if grey_is_nearer && !keeps_its_hue { 232 + grey } else { 16 + 36 * cube[0] + 6 * cube[1] + cube[2] }
}

fn nearest_step(part: u8, steps: &[u8; 6]) -> u8 {
    (0..6_u8).min_by_key(|step| steps[usize::from(*step)].abs_diff(part)).unwrap_or(0)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

/// Whether a colour is seen as one, rather than as a grey.
fn has_hue(rgb: [u8; 3]) -> bool {
    let most = rgb.into_iter().max().unwrap_or(0);
    let chroma = most - rgb.into_iter().min().unwrap_or(0);
    chroma >= 12 && u16::from(chroma) * 4 >= u16::from(most)
}

/// By hue rather than by distance: the sixteen differ from terminal to terminal, and the nearest of a dark
/// background and a dim text is the same black. A background without a hue becomes the terminal's own.
/// On `paper` the terminal's own is light, and so a light tint is too: it is left to words and marks.
fn to_16(rgb: [u8; 3], role: Role, paper: bool) -> Color {
    let [r, g, b] = rgb.map(i32::from);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = most - least;
    if paper && role == Role::Background {
        return Color::Reset;
    }
    if !has_hue(rgb) {
        return match (role, most) {
            (Role::Background, _) => Color::Reset,
            (_, 0..=63) if paper => Color::Black,
            (_, 0..=130) if paper => Color::DarkGray,
            (_, _) if paper => Color::Gray,
            (_, 0..=110) => Color::DarkGray,
            (_, 111..=190) => Color::Gray,
            _ => Color::White,
        };
    }
    let hue = if most == r {
        (60 * (g - b) / chroma).rem_euclid(360)
    } else if most == g {
        120 + 60 * (b - r) / chroma
    } else {
        240 + 60 * (r - g) / chroma
    };
    let (plain, light) = match hue {
        20..=74 => (Color::Yellow, Color::LightYellow),
        75..=159 => (Color::Green, Color::LightGreen),
        160..=199 => (Color::Cyan, Color::LightCyan),
        200..=264 => (Color::Blue, Color::LightBlue),
        265..=329 => (Color::Magenta, Color::LightMagenta),
        _ => (Color::Red, Color::LightRed),
    };
    if role == Role::Foreground && most >= 200 { light } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dark() -> Theme {
        Theme::parse(DARK, "dark.toml").expect("the built-in theme is whole")
    }

    #[test]
    fn the_theme_dark_is_calm_and_leaves_the_background_to_the_terminal() {
        let dark = dark();
        assert_eq!(dark.text, Color::Rgb(208, 208, 204));
        assert_eq!(dark.dim, Color::Rgb(122, 124, 128));
        assert_eq!(dark.faint, Color::Rgb(84, 88, 94));
        assert_eq!(dark.track, Color::Rgb(48, 52, 58));
        assert_eq!(dark.good, Color::Rgb(126, 186, 120));
        assert_eq!(dark.attention, Color::Rgb(222, 170, 84));
        assert_eq!(dark.bad, Color::Rgb(231, 111, 105));
        assert_eq!(dark.accent, Color::Rgb(112, 168, 214));
        assert_eq!(dark.selection, Color::Rgb(38, 42, 50));
        assert_eq!(dark.bar, Color::Rgb(30, 33, 39));
        assert_eq!(dark.proposal, Color::Rgb(26, 29, 34));
        assert_eq!(dark.prod, Color::Rgb(56, 24, 24));
        assert_eq!(dark.background, Color::Reset);
    }

    #[test]
    fn states_stay_apart_at_every_depth_that_has_colours() {
        for (name, whole) in built_in().into_iter().filter(|(name, _)| *name != "monochrome") {
            for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16] {
                let theme = whole.at(depth);
                let states = [theme.good, theme.attention, theme.bad, theme.accent, theme.text];
                for (n, one) in states.iter().enumerate() {
                    assert!(!states[n + 1..].contains(one), "{name} {depth:?}: {states:?}");
                }
                if name != "light" || depth != Depth::Ansi16 {
                    assert_ne!(theme.prod, theme.bar, "{name} {depth:?}");
                    assert_ne!(theme.prod, Color::Reset, "{name} {depth:?}");
                }
            }
        }
    }

    #[test]
    fn sixteen_colours_follow_the_hue() {
        let theme = dark().at(Depth::Ansi16);
        assert_eq!(theme.good, Color::Green);
        assert_eq!(theme.attention, Color::LightYellow);
        assert_eq!(theme.bad, Color::LightRed);
        assert_eq!(theme.accent, Color::LightBlue);
        assert_eq!((theme.selection, theme.prod), (Color::Reset, Color::Red));
        assert_eq!((theme.faint, theme.dim, theme.text), (Color::DarkGray, Color::Gray, Color::White));
    }

    #[test]
    fn the_palette_of_256_is_met_exactly_where_it_can_be() {
        for (rgb, index) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([95, 135, 175], 67),
            ([8, 8, 8], 232),
            ([128, 128, 128], 244),
            ([238, 238, 238], 255),
        ] {
            assert_eq!(to_256(rgb), index, "{rgb:?}");
        }
    }

    #[test]
    fn without_colours_a_theme_is_the_monochrome_one() {
        for (name, theme) in built_in() {
            assert_eq!(theme.at(Depth::None), Theme::monochrome(), "{name}");
            assert_eq!(theme == Theme::monochrome(), name == "monochrome");
        }
    }

    fn built_in() -> Vec<(&'static str, Theme)> {
        let theme = |source, name| Theme::parse(source, name).expect("a built-in theme is whole");
        BUILT_IN.iter().map(|(name, source)| (*name, theme(source, name))).collect()
    }

    /// Relative luminance of sRGB, 0..1 (WCAG 2.2).
    fn luminance(rgb: [u8; 3]) -> f64 {
        let [r, g, b] = rgb.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio, 1..21 (WCAG 2.2).
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// What a terminal shows for a colour. Where it is the terminal's own: the brightest that is sold as dark.
    fn shown(colour: Color) -> [u8; 3] {
        match colour {
            Color::Rgb(r, g, b) => [r, g, b],
            Color::Indexed(index @ 16..=231) => {
                let at = |n: u8| [0, 95, 135, 175, 215, 255][usize::from((index - 16) / n % 6)];
                [at(36), at(6), at(1)]
            }
            Color::Indexed(index @ 232..) => [8 + 10 * (index - 232); 3],
            _ => [0x1e; 3],
        }
    }

    #[test]
    fn white_on_black_has_the_contrast_of_the_standard() {
        assert!((contrast([255; 3], [0; 3]) - 21.0).abs() < 1e-9);
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_colour_can_be_read_on_every_background() {
        for (name, theme) in built_in().into_iter().filter(|(name, _)| *name != "monochrome") {
            for (depth, text, dim) in [(Depth::True, 4.5, 3.0), (Depth::Ansi256, 3.0, 2.5)] {
                let high = name == "high-contrast" && depth == Depth::True;
                let (text, dim) = if high { (7.0, 7.0) } else { (text, dim) };
                let t = theme.at(depth);
                let backgrounds = [t.background, t.selection, t.bar, t.proposal, t.prod];
                for (wanted, colour) in [
                    (text, t.text),
                    (text, t.good),
                    (text, t.attention),
                    (text, t.bad),
                    (text, t.accent),
                    (dim, t.dim),
                ] {
                    for background in backgrounds {
                        let found = contrast(shown(colour), shown(background));
                        assert!(
                            found >= wanted,
                            "{name} {depth:?}: {colour:?} on {background:?} is {found:.2}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_theme_in_ansi_names_is_left_alone() {
        let lines = Theme::KEYS.iter().map(|key| format!("{key} = \"bright_green\"\n"));
        let source: String = lines.collect();
        let theme = Theme::parse(&source, "t").expect("a theme");
        assert_eq!(theme.at(Depth::Ansi256), theme);
        assert_eq!(theme.bar, Color::LightGreen);
    }

    #[test]
    fn the_depth_follows_the_environment() {
        for (no_color, colorterm, term, depth) in [
            (Some("1"), Some("truecolor"), Some("xterm-256color"), Depth::None),
            (Some(""), Some("truecolor"), Some("xterm-256color"), Depth::True),
            (None, Some("24bit"), Some("xterm"), Depth::True),
            (None, None, Some("xterm-direct"), Depth::True),
            (None, None, Some("xterm-256color"), Depth::Ansi256),
            (None, Some("yes"), Some("screen-256color"), Depth::Ansi256),
            (None, None, Some("linux"), Depth::Ansi16),
            (None, Some("truecolor"), Some("dumb"), Depth::None),
            (None, None, None, Depth::None),
        ] {
            assert_eq!(Depth::detect(no_color, colorterm, term), depth, "{term:?} {colorterm:?}");
        }
    }
}
