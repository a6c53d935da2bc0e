//! The environment of the process, read once. What influences a run is this list, what the kubeconfig's own rules
//! read, the proxies of `HTTPS_PROXY` and its like, and the key of a model in the variable that `[advisor]` names, which
//! is read again for each request.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;

use crate::shell::screen::terminal_type::{self, Skills};
use crate::ui::theme::Depth;

/// What the environment says. Empty variables count as absent, except where a field says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Environment {
    /// `NO_COLOR`, as it is.
    pub no_color: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// What decides the character set: `LC_ALL`, else `LC_CTYPE`, else `LANG`.
    pub locale: Option<String>,
    /// `KUBECONFIG`.
    pub kubeconfig: Option<OsString>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// Where configuration, themes and keymaps are: `GOAROUND_CONFIG_DIR`, else the folder of the platform. Absent
    /// where there is no home folder.
    pub config_folder: Option<PathBuf>,
    /// Where the journal and earlier contents are kept: `GOAROUND_STATE_DIR`, else the folder of the platform.
    pub state_folder: Option<PathBuf>,
    /// `GOAROUND_DEBUG_PANIC`: where to panic, so that the way out can be tested. Not in release builds.
    #[cfg(debug_assertions)]
    pub debug_panic: Option<String>,
}

impl Environment {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn read() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    /// From any source of variables.
    pub fn from(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
        let filled = |name: &str| text(name).filter(|value| !value.is_empty());
        let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let platform = ProjectDirs::from("", "", "goaround");
        let platform = platform.as_ref();
        Self {
            no_color: text("NO_COLOR"),
            colorterm: filled("COLORTERM"),
            term: filled("TERM"),
            locale: filled("LC_ALL").or_else(|| filled("LC_CTYPE")).or_else(|| filled("LANG")),
            kubeconfig: variable("KUBECONFIG").filter(|value| !value.is_empty()),
            home: variable("HOME").filter(|value| !value.is_empty()).map(PathBuf::from),
            config_folder: folder("GOAROUND_CONFIG_DIR").or_else(|| Some(platform?.config_dir().to_owned())),
            state_folder: folder("GOAROUND_STATE_DIR").or_else(|| {
                let platform = platform?;
                // Only Linux has a folder for state; elsewhere it is data of this machine.
                Some(platform.state_dir().unwrap_or(platform.data_local_dir()).to_owned())
            }),
            #[cfg(debug_assertions)]
            debug_panic: filled("GOAROUND_DEBUG_PANIC"),
        }
    }

    /// What the terminal may be sent.
    pub fn skills(&self) -> Skills {
        Skills::of(self.term.as_deref())
    }

    /// How many colours the terminal shows.
    pub fn depth(&self) -> Depth {
        if !terminal_type::has_colours(self.term.as_deref()) {
            return Depth::None;
        }
        Depth::detect(self.no_color.as_deref(), self.colorterm.as_deref(), self.term.as_deref())
    }

    /// Whether the terminal shows no more than ASCII: its fonts have no lines or dots, or the locale knows no UTF-8. A
    /// locale that nobody set says nothing: most containers have none, behind a terminal that knows all.
    pub fn ascii(&self) -> bool {
        let poor = self.term.is_some() && terminal_type::is_ascii(self.term.as_deref());
        let utf8 = |locale: &str| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        };
        poor || self.locale.as_deref().is_some_and(|locale| !utf8(locale))
    }
}
