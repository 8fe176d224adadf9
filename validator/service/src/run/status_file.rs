//! The file that holds a running validator's status, from which `validator status` reads it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use foretell_files::{FileAccess, replace_file};
use tokio::sync::watch;

use super::status::ValidatorStatus;

/// `status.json` in the data directory, and a channel to whatever else shows the status.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    status_sender: watch::Sender<Option<ValidatorStatus>>,
}

impl StatusFile {
    /// The status file of this data directory; every status that is written goes to `status_sender`, too.
    pub fn new(data: &Path, status_sender: watch::Sender<Option<ValidatorStatus>>) -> Self {
        let path = Self::path(data);
        Self {
            path,
            status_sender,
        }
    }

    /// Replaces the status. It need not survive a crash, so it isn't synced.
    pub fn write(&self, status: ValidatorStatus) -> Result<()> {
        let write = || {
            let status = serde_json::to_vec_pretty(&status)?;
            replace_file(&self.path, &status, FileAccess::Public)
        };
        write().with_context(|| format!("can't write {}", self.path.display()))?;
        self.status_sender.send_replace(Some(status));
        Ok(())
    }

    /// The newest status in this data directory.
    ///
    /// # Errors
    /// There is none, or the file holds no status.
    pub fn read(data: &Path) -> Result<ValidatorStatus> {
        let path = Self::path(data);
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "no status at {}: has `validator run` been started with this configuration?",
                path.display()
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no status", path.display()))
    }

    fn path(data: &Path) -> PathBuf {
        data.join("status.json")
    }
}
