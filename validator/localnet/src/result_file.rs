//! The file that a finished run leaves in its directory, so that it prints its result again.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use foretell_files::{FileAccess, write_file};

use crate::report::LocalnetReport;

/// File that holds the result of a finished run.
const RESULT_FILE: &str = "result.json";

/// The result in `folder`; `None` if the run has not finished.
///
/// Fails if the file is damaged.
pub fn read(folder: &Path) -> Result<Option<LocalnetReport>> {
    let path = folder.join(RESULT_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
    let report = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: delete it, and run again", path.display()))?;
    Ok(Some(report))
}

/// Writes the result, the last file of a run; it appears whole or not at all.
pub fn write(report: &LocalnetReport, folder: &Path) -> Result<()> {
    let path = folder.join(RESULT_FILE);
    serde_json::to_vec_pretty(report)
        .map_err(io::Error::from)
        .and_then(|text| write_file(&path, &text, FileAccess::Public))
        .with_context(|| format!("can't write {}", path.display()))
}
