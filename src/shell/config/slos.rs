//! Reads `[[slo]]` and `[[workload]]`: which SLOs exist, whose they are, and who calls whom.

use std::path::PathBuf;

use super::ConfigError;
use super::paths::Paths;
use super::workload::{Dependency, WorkloadName, dependency, workload};
use crate::domain::clean::Clean;
use crate::domain::document::Table;
use crate::domain::sloth::Declared;
use crate::domain::text_error::{TextError, did_you_mean};
use crate::shell::slo_file;

/// One `[[slo]]`: declared by a file, or found in Prometheus by its id, or one id of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct SloEntry {
    /// The file that declares it.
    pub file: Option<PathBuf>,
    /// What the file declares; with an `id`, everything in it all the same.
    pub declared: Vec<Declared>,
    /// The id to which `workload` applies; without one it applies to all of the file.
    pub id: Option<Clean>,
    /// Whose SLO it is.
    pub workload: Option<WorkloadName>,
}

/// One `[[workload]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkloadEntry {
    /// Which workload.
    pub name: WorkloadName,
    /// What it calls.
    pub depends_on: Vec<Dependency>,
    /// How many people must approve an action on it, where that is said.
    pub quorum: Option<u64>,
}

/// Reads all `[[slo]]`.
pub(super) fn slos(tables: &[Table<'_>], paths: &Paths<'_>) -> Result<Vec<SloEntry>, ConfigError> {
    let mut entries: Vec<SloEntry> = Vec::new();
    for table in tables {
        let entry = slo(table, paths)?;
        refuse_twice(table, &entry, &entries)?;
        entries.push(entry);
    }
    Ok(entries)
}

fn slo(table: &Table<'_>, paths: &Paths<'_>) -> Result<SloEntry, ConfigError> {
    table.only(&["file", "id", "workload"])?;
    let mut entry = SloEntry {
        file: None,
        declared: Vec::new(),
        id: None,
        workload: table.get("workload").map(|found| workload(&found)).transpose()?,
    };
    if let Some(file) = table.get("file") {
        let path = paths.existing(&file)?;
        let source = super::read(&path)?;
        entry.declared = slo_file::parse(&source, &path.display().to_string())?;
        entry.file = Some(path);
    }
    if let Some(id) = table.get("id") {
        let text = id.filled()?;
        let ids: Vec<&str> = entry.declared.iter().map(|declared| declared.id.as_str()).collect();
        if entry.file.is_some() && !ids.contains(&text) {
            let message = format!("the file declares no SLO `{text}`, expected one of: {}", ids.join(", "));
            return Err(id.error(message).maybe_hint(did_you_mean(text, ids)).into());
        }
        entry.id = Some(Clean::new(text));
    }
    match (&entry.file, &entry.id, &entry.workload) {
        (Some(_), _, _) | (_, Some(_), Some(_)) => Ok(entry),
        (None, Some(_), None) => Err(table
            .error("an [[slo]] with an `id` alone says nothing, expected `workload` with it, or a `file`")
            .into()),
        (None, None, _) => Err(table
            .error("an [[slo]] names no SLO, expected a `file`, or an `id` with a `workload`")
            .into()),
    }
}

/// Two entries may not declare the same SLO, nor say twice whose it is.
fn refuse_twice(table: &Table<'_>, entry: &SloEntry, earlier: &[SloEntry]) -> Result<(), TextError> {
    for other in earlier {
        let twice = entry.declared.iter().find(|one| other.declared.iter().any(|two| two.id == one.id));
        if let (Some(one), Some(found)) = (twice, table.get("file")) {
            let message =
                format!("the SLO `{}` is declared by an earlier [[slo]] already, expected it once", one.id);
            return Err(found.error(message));
        }
        if let (true, Some(found)) = (entry.id.is_some() && entry.id == other.id, table.get("id")) {
            return Err(found.error("this id has an [[slo]] already, expected each id once"));
        }
    }
    Ok(())
}

/// Reads all `[[workload]]`.
pub(super) fn workloads(tables: &[Table<'_>]) -> Result<Vec<WorkloadEntry>, TextError> {
    let mut entries: Vec<WorkloadEntry> = Vec::new();
    for table in tables {
        table.only(&["name", "depends_on", "quorum"])?;
        let name = table.need("name")?;
        let entry = WorkloadEntry {
            name: workload(&name)?,
            depends_on: depends_on(table)?,
            quorum: table.get("quorum").map(|entry| super::policy::quorum(&entry)).transpose()?,
        };
        if entries.iter().any(|other| other.name == entry.name) {
            return Err(name.error(format!("{} has a [[workload]] already, expected each once", entry.name)));
        }
        let own = Dependency::Deployment(entry.name.clone());
        if let (true, Some(list)) = (entry.depends_on.contains(&own), table.get("depends_on")) {
            return Err(list.error(format!("{own} depends on itself, expected other workloads")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn depends_on(table: &Table<'_>) -> Result<Vec<Dependency>, TextError> {
    // Who says something else of it need not say whom it calls.
    if table.get("quorum").is_some() && table.get("depends_on").is_none() {
        return Ok(Vec::new());
    }
    let list = table.need("depends_on")?;
    list.list()?.iter().map(dependency).collect()
}
