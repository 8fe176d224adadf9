//! The outcomes that validators report of this miner's answers, kept for its operator: its own track record.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use foretell_core::hotkey::Hotkey;
use foretell_wire::messages::OutcomeNotice;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// File of the outcomes in a miner's data directory, one JSON line each.
const FILE: &str = "outcomes.jsonl";

/// An outcome as a validator reported it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceivedOutcome {
    /// The validator that reported it.
    pub validator: Hotkey,
    /// The outcome, without the realised prices.
    #[serde(flatten)]
    pub outcome: OutcomeNotice,
}

/// Why outcomes can't be kept or read.
#[derive(Debug, Error)]
#[error("can't keep outcomes in {path}")]
pub struct OutcomeLogError {
    /// Path of the log.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// The outcomes in a data directory, one line of JSON each.
#[derive(Debug)]
pub struct OutcomeLog {
    path: PathBuf,
    writing: Mutex<()>,
}

impl OutcomeLog {
    /// The outcomes kept in `folder`, which exists.
    pub fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
            writing: Mutex::new(()),
        }
    }

    /// Appends an outcome, on a line of its own even where a crash cut the last one short.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn append(
        &self,
        validator: Hotkey,
        mut outcome: OutcomeNotice,
    ) -> Result<(), OutcomeLogError> {
        outcome.realised = Vec::new();
        let received = ReceivedOutcome { validator, outcome };
        let append = || -> io::Result<()> {
            let mut line = serde_json::to_vec(&received)?;
            line.push(b'\n');
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut file = OpenOptions::new()
                .create(true)
                .read(true)
                .append(true)
                .open(&self.path)?;
            if has_partial_last_line(&mut file)? {
                file.write_all(b"\n")?;
            }
            file.write_all(&line)
        };
        append().map_err(|source| self.error(source))
    }

    /// All outcomes, oldest first; a line that a crash cut short is skipped.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn read_all(&self) -> Result<Vec<ReceivedOutcome>, OutcomeLogError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.error(source)),
        };
        let mut all = Vec::new();
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|source| self.error(source))?;
            all.extend(serde_json::from_str::<ReceivedOutcome>(&line));
        }
        Ok(all)
    }

    fn error(&self, source: io::Error) -> OutcomeLogError {
        OutcomeLogError {
            path: self.path.clone(),
            source,
        }
    }
}

/// Whether a crash cut the file's last line short.
fn has_partial_last_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use foretell_keys::keypair::Keypair;
    use foretell_wire::messages::OutcomeStatus;

    use super::*;

    #[test]
    fn outcomes_are_kept_in_order_and_a_torn_line_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let outcomes = OutcomeLog::new(folder.path());
        assert_eq!(outcomes.read_all().unwrap(), []);
        let validator = Keypair::derived(1, "validator").hotkey();
        let keep = |rank| {
            let outcome = OutcomeNotice {
                round: "BTC/USD@1704067200000".parse().unwrap(),
                verdict: OutcomeStatus::Scored,
                reason: None,
                anchor: None,
                realised: vec![None; 100],
                score: Some(0.5),
                reference: Some(0.53),
                rank: Some(rank),
                weight: None,
            };
            outcomes.append(validator, outcome).unwrap();
        };
        keep(3);
        keep(2);
        let path = folder.path().join(FILE);
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"validator\":").unwrap();
        keep(4);
        let all = outcomes.read_all().unwrap();
        let ranks: Vec<_> = all.iter().map(|received| received.outcome.rank).collect();
        assert_eq!(ranks, [Some(3), Some(2), Some(4)]);
        assert!(all[0].outcome.realised.is_empty());
    }
}
