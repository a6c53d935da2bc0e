//! The configuration: one TOML file, read once, checked as a whole. Anything that is not understood refuses all of
//! it, with file, line, column and a hint; nothing is half applied. Secrets are named by file and never read here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::document::{Document, Table};
use crate::domain::policy::Policy;
use crate::domain::slo::SloId;
use crate::domain::sloth::Declared;
use crate::domain::text_error::TextError;
use crate::shell::slo_file::SloFileError;
use crate::ui::keymap::{Keymap, KeymapError};
use crate::ui::theme::{Theme, ThemeError};

mod advisor;
mod environment;
mod freeze;
mod glob;
mod look;
mod paths;
mod policy;
mod prometheus;
mod slos;
mod workload;

pub use advisor::Advisor;
pub use environment::Environment;
pub use glob::Glob;
pub use look::{Asked, Screen};
pub use prometheus::{Credentials, Prometheus};
pub use slos::{SloEntry, WorkloadEntry};
pub use workload::{Dependency, WorkloadName};

/// The name of the file in the configuration folder.
pub const FILE: &str = "config.toml";
const KEYS: [&str; 8] = ["prod_contexts", "ui", "prometheus", "slo", "workload", "policy", "gate", "advisor"];

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Something in the configuration, or in a file that it names, is wrong at a place.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The file cannot be read.
    #[error("{}: cannot be read: {why}\nhint: {hint}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why; told in the message, so it is no source that would be printed once more.
        why: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// What the command line asks for is not there.
    #[error("{0}")]
    Asked(String),
}

impl From<SloFileError> for ConfigError {
    fn from(error: SloFileError) -> Self {
        Self::Text(error.0)
    }
}

impl From<ThemeError> for ConfigError {
    fn from(error: ThemeError) -> Self {
        Self::Text(error.0)
    }
}

impl From<KeymapError> for ConfigError {
    fn from(error: KeymapError) -> Self {
        Self::Text(error.0)
    }
}

/// `[gate]` of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gate {
    /// Whether a Lease tells other operators that a gate is open here.
    pub lease: bool,
    /// How many people must approve an action.
    pub quorum: u64,
}

impl Default for Gate {
    fn default() -> Self {
        Self { lease: true, quorum: 1 }
    }
}

/// The whole configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Which file it is, or that there is none.
    pub file: String,
    /// Contexts that are production.
    pub prod_contexts: Vec<Glob>,
    /// Where Prometheus is.
    pub prometheus: Prometheus,
    /// SLOs declared by file, or mapped to workloads.
    pub slos: Vec<SloEntry>,
    /// Who calls whom.
    pub workloads: Vec<WorkloadEntry>,
    /// The numbers by which goaround decides.
    pub policy: Policy,
    /// How the gate behaves towards others.
    pub gate: Gate,
    /// Which model is asked, and what it is told.
    pub advisor: Advisor,
    /// Colours by meaning, at full depth; see [`Theme::at`].
    pub theme: Theme,
    /// Which key is which command.
    pub keymap: Keymap,
    /// How the screen behaves.
    pub ui: Screen,
}

impl Config {
    /// Whether `context` is production.
    pub fn is_production(&self, context: &str) -> bool {
        self.prod_contexts.iter().any(|pattern| pattern.matches(context))
    }

    /// All SLOs that are declared by a file, with its name, in the order of the configuration.
    pub fn declared(&self) -> impl Iterator<Item = (Clean, &Declared)> {
        self.slos.iter().flat_map(|entry| {
            let file = Clean::new(entry.file.as_deref().unwrap_or(Path::new("")).display().to_string());
            entry.declared.iter().map(move |declared| (file.clone(), declared))
        })
    }

    /// Whose SLO it is, as far as the configuration says. What an `id` says comes before what its whole file says.
    pub fn slo_workloads(&self) -> BTreeMap<SloId, Key> {
        let mut workloads = BTreeMap::new();
        let (by_id, by_file): (Vec<_>, Vec<_>) = self.slos.iter().partition(|entry| entry.id.is_some());
        for entry in by_file.into_iter().chain(by_id) {
            let Some(workload) = &entry.workload else { continue };
            let of_file = entry.declared.iter().map(|declared| &declared.id);
            match &entry.id {
                Some(id) => drop(workloads.insert(SloId(id.clone()), workload.key())),
                None => workloads.extend(of_file.map(|id| (SloId(id.clone()), workload.key()))),
            }
        }
        workloads
    }

    /// Who calls whom; a Service stands there by its own name.
    pub fn depends_on(&self) -> BTreeMap<Key, Vec<Key>> {
        let entries = self.workloads.iter();
        entries
            .map(|entry| (entry.name.key(), entry.depends_on.iter().map(Dependency::key).collect()))
            .collect()
    }

    /// Workloads for which another number of people must approve.
    pub fn quorums(&self) -> BTreeMap<Key, u64> {
        let entries = self.workloads.iter();
        entries.filter_map(|entry| Some((entry.name.key(), entry.quorum?))).collect()
    }

    /// Reads `source`, the text of `file`, to whose folder relative paths belong. Themes and keymaps are looked for
    /// in `folder` first.
    pub fn parse(source: &str, file: &Path, folder: Option<&Path>) -> Result<Self, ConfigError> {
        let name = file.display().to_string();
        let document = Document::parse(&name, source)?;
        let root = document.root();
        root.only(&KEYS)?;
        let paths = paths::Paths::of(file);
        let table = |key: &str| root.get(key).map(|entry| entry.table()).transpose();
        let (theme, keymap, ui) = look::read(table("ui")?.as_ref(), folder)?;
        let tables = |key: &str| root.get(key).map_or(Ok(Vec::new()), |entry| entry.tables());
        Ok(Self {
            file: name.clone(),
            prod_contexts: prod_contexts(&root)?,
            prometheus: match table("prometheus")? {
                Some(table) => prometheus::prometheus(&table, &paths)?,
                None => Prometheus::default(),
            },
            slos: slos::slos(&tables("slo")?, &paths)?,
            workloads: slos::workloads(&tables("workload")?)?,
            policy: table("policy")?.map_or(Ok(Policy::default()), |table| policy::policy(&table))?,
            gate: table("gate")?.map_or(Ok(Gate::default()), |table| policy::gate(&table))?,
            advisor: table("advisor")?
                .map_or(Ok(Advisor::default()), |table| advisor::advisor(&table, &paths))?,
            theme,
            keymap,
            ui,
        })
    }
}

/// Reads the configuration: `explicit`, which must be there, else `config.toml` in the configuration folder, whose
/// absence means the defaults.
pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let folder = environment.config_folder.as_deref();
    let default = folder.map(|folder| folder.join(FILE));
    let mut none = false;
    let (file, source) = match (explicit, default) {
        (Some(file), _) => (file.to_owned(), read(file)?),
        // A default file that is there but cannot be read is an error: it may hold a freeze.
        (None, Some(file)) => match read(&file) {
            Err(ConfigError::Unreadable { why, .. }) if why.kind() == std::io::ErrorKind::NotFound => {
                none = true;
                (file, String::new())
            }
            other => (file, other?),
        },
        (None, None) => {
            none = true;
            (PathBuf::from(FILE), String::new())
        }
    };
    let mut config = Config::parse(&source, &file, folder)?;
    if none {
        config.file = format!("{} is not there: the defaults hold", file.display());
    }
    Ok(config)
}

/// The text of `path`.
fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = std::fs::read(path).map_err(|why| ConfigError::Unreadable {
        path: path.to_owned(),
        hint: match why.kind() {
            std::io::ErrorKind::NotFound => "is the path right, and relative to where you are?",
            _ => "it must be a file that you may read",
        },
        why,
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        TextError::not_utf8(&path.display().to_string(), error.as_bytes(), valid).into()
    })
}

fn prod_contexts(root: &Table<'_>) -> Result<Vec<Glob>, TextError> {
    let Some(entry) = root.get("prod_contexts") else {
        return Ok(vec![Glob::new("*prod*")]);
    };
    entry.list()?.iter().map(|item| item.filled().map(Glob::new)).collect()
}
