//! Where the configuration and the state live: `GOAROUND_CONFIG_DIR` and `GOAROUND_STATE_DIR`, else what the platform
//! prescribes for an application named `goaround`. It names folders and creates none.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;

/// Overrides the folder of the configuration.
pub const CONFIG_DIR: &str = "GOAROUND_CONFIG_DIR";
/// Overrides the folder of the state: journal, earlier content, recordings.
pub const STATE_DIR: &str = "GOAROUND_STATE_DIR";

/// There is no folder to use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FoldersError {
    /// No variable is set and this user has no home.
    #[error(
        "no folder for the {what}: this user has no home folder; hint: set {variable} to a folder of your own"
    )]
    NoHome {
        /// `configuration` or `state`.
        what: &'static str,
        /// The variable that would decide.
        variable: &'static str,
    },
}

/// The folder of the configuration, absolute unless there is no current folder. It need not exist.
pub fn config_dir() -> Result<PathBuf, FoldersError> {
    choose("configuration", CONFIG_DIR, std::env::var_os(CONFIG_DIR), || {
        project().map(|dirs| dirs.config_dir().to_owned())
    })
}

/// The folder of the state, absolute unless there is no current folder. It need not exist.
pub fn state_dir() -> Result<PathBuf, FoldersError> {
    choose("state", STATE_DIR, std::env::var_os(STATE_DIR), || {
        // Only Linux has a state folder of its own.
        project().map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
    })
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "goaround")
}

fn choose(
    what: &'static str,
    variable: &'static str,
    given: Option<OsString>,
    platform: impl FnOnce() -> Option<PathBuf>,
) -> Result<PathBuf, FoldersError> {
    // An empty variable is what a script leaves behind; it means "not set", never "the current folder".
    let folder = given
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(platform)
        .ok_or(FoldersError::NoHome { what, variable })?;
    Ok(std::path::absolute(&folder).unwrap_or(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: Option<&str>, platform: Option<&str>) -> Result<PathBuf, FoldersError> {
        choose("state", STATE_DIR, given.map(OsString::from), || platform.map(PathBuf::from))
    }

    #[test]
    fn the_variable_wins_over_the_platform() {
        assert_eq!(chosen(Some("/mine"), Some("/home/ana/x")), Ok(PathBuf::from("/mine")));
    }

    #[test]
    fn an_empty_variable_is_no_variable() {
        assert_eq!(chosen(Some(""), Some("/home/ana/x")), Ok(PathBuf::from("/home/ana/x")));
        assert_eq!(chosen(None, Some("/home/ana/x")), Ok(PathBuf::from("/home/ana/x")));
    }

    #[test]
    fn a_relative_folder_does_not_move_with_the_process() {
        assert!(chosen(Some("state"), None).expect("a folder").is_absolute());
    }

    #[test]
    fn without_variable_and_home_the_error_names_the_variable() {
        let error = chosen(None, None).expect_err("none");
        assert_eq!(error, FoldersError::NoHome { what: "state", variable: STATE_DIR });
        assert!(error.to_string().contains("hint: set GOAROUND_STATE_DIR"));
    }
}
