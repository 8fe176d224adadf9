//! The outcomes that validators report of this miner's answers, kept for its operator: its own track record.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use foretell_cli::printable::printable_up_to;
use foretell_core::hotkey::Hotkey;
use foretell_wire::messages::OutcomeNotice;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// File of the outcomes in a miner's data directory, one JSON line each.
const FILE: &str = "outcomes.jsonl";
/// Where that file is moved when it is full, in place of what was moved there before.
const OLDER_FILE: &str = "outcomes.older.jsonl";
/// A file of outcomes is full at this size: months of one validator's.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Longest line that is read: a whole outcome has some 500 bytes.
const MAX_LINE_BYTES: u64 = 4 << 10;
/// Most characters of a validator's reason that are kept.
const MAX_REASON_CHARS: usize = 200;
/// Beyond this no score or rank means anything.
const MAX_FIGURE: f64 = 1e6;

/// An outcome as a validator reported it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceivedOutcome {
    /// The validator that reported it.
    pub validator: Hotkey,
    /// The outcome, without the realised prices.
    #[serde(flatten)]
    pub outcome: OutcomeNotice,
}

impl ReceivedOutcome {
    /// An outcome cut to what is kept of it: no prices, a short reason of printable characters.
    ///
    /// # Errors
    /// A figure that can't be one; the text names it.
    pub fn new(validator: Hotkey, outcome: OutcomeNotice) -> Result<Self, &'static str> {
        let beyond =
            |figure: Option<f64>| figure.is_some_and(|f| f.is_nan() || f.abs() > MAX_FIGURE);
        if beyond(outcome.score) {
            return Err("score");
        }
        if beyond(outcome.reference) {
            return Err("reference");
        }
        if beyond(outcome.rank.map(|rank| rank as f64)) {
            return Err("rank");
        }
        if outcome.weight.is_some_and(|w| !(0.0..=1.0).contains(&w)) {
            return Err("weight");
        }
        let reason = outcome.reason.as_deref();
        let reason = reason.map(|text| printable_up_to(text, MAX_REASON_CHARS).into_owned());
        let outcome = OutcomeNotice {
            realised: Vec::new(),
            reason,
            ..outcome
        };
        Ok(Self { validator, outcome })
    }
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

/// The outcomes in a data directory, one line of JSON each; the oldest make room for new ones.
#[derive(Debug)]
pub struct OutcomeLog {
    path: PathBuf,
    older: PathBuf,
    writing: Mutex<()>,
}

impl OutcomeLog {
    /// The outcomes kept in `folder`, which exists.
    pub fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
            older: folder.join(OLDER_FILE),
            writing: Mutex::new(()),
        }
    }

    /// Appends an outcome, on a line of its own even where a crash cut the last one short.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn append(&self, received: &ReceivedOutcome) -> Result<(), OutcomeLogError> {
        let append = || -> io::Result<()> {
            let mut line = serde_json::to_vec(received)?;
            line.push(b'\n');
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut options = OpenOptions::new();
            let options = options.create(true).read(true).append(true).mode(0o600);
            let mut file = options.open(&self.path)?;
            if file.metadata()?.len() + line.len() as u64 > MAX_FILE_BYTES {
                fs::rename(&self.path, &self.older)?;
                file = options.open(&self.path)?;
            }
            if has_partial_last_line(&mut file)? {
                file.write_all(b"\n")?;
            }
            file.write_all(&line)
        };
        append().map_err(|source| self.error(source))
    }

    /// All outcomes, oldest first; a line that a crash cut short, or that isn't an outcome, is skipped.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn read_all(&self) -> Result<Vec<ReceivedOutcome>, OutcomeLogError> {
        let mut all = Vec::new();
        for path in [&self.older, &self.path] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(self.error(source)),
            };
            read_lines(file, &mut all).map_err(|source| self.error(source))?;
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

/// Reads the lines that are outcomes; what a hand or an older program wrote into the file is cut like what came by wire.
fn read_lines(file: File, all: &mut Vec<ReceivedOutcome>) -> io::Result<()> {
    // No more than was ever written, whatever was put in its place.
    let mut file = BufReader::new(file.take(2 * MAX_FILE_BYTES));
    let mut line = Vec::new();
    loop {
        line.clear();
        if file
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(());
        }
        let read = serde_json::from_slice::<ReceivedOutcome>(&line).ok();
        all.extend(read.and_then(|it| ReceivedOutcome::new(it.validator, it.outcome).ok()));
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

    fn notice() -> OutcomeNotice {
        OutcomeNotice {
            round: "BTC/USD@1704067200000".parse().unwrap(),
            verdict: OutcomeStatus::Scored,
            reason: None,
            anchor: None,
            realised: vec![None; 100],
            score: Some(0.5),
            reference: Some(0.53),
            rank: Some(1),
            weight: None,
        }
    }

    fn received(outcome: OutcomeNotice) -> Result<ReceivedOutcome, &'static str> {
        ReceivedOutcome::new(Keypair::derived(1, "validator").hotkey(), outcome)
    }

    #[test]
    fn outcomes_are_kept_in_order_and_a_torn_line_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let outcomes = OutcomeLog::new(folder.path());
        assert_eq!(outcomes.read_all().unwrap(), []);
        let keep = |rank| {
            let rank = Some(rank);
            let outcome = received(OutcomeNotice { rank, ..notice() }).unwrap();
            outcomes.append(&outcome).unwrap();
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

    #[test]
    fn what_is_kept_of_an_outcome_can_be_printed_and_is_short() {
        let reason = format!("\u{1b}[2J\u{1b}[31mBANNED\r\n{}", "x".repeat(60_000));
        let kept = received(OutcomeNotice {
            reason: Some(reason),
            ..notice()
        });
        let reason = kept.unwrap().outcome.reason.unwrap();
        assert!(reason.starts_with("BANNED"), "{reason}");
        assert_eq!(reason.chars().count(), MAX_REASON_CHARS);
        assert!(!reason.chars().any(char::is_control));
    }

    #[test]
    fn figures_that_can_be_none_are_named() {
        let changed = |change: fn(&mut OutcomeNotice)| {
            let mut outcome = notice();
            change(&mut outcome);
            received(outcome).map(drop)
        };
        assert_eq!(changed(|_| ()), Ok(()));
        assert_eq!(changed(|o| o.score = Some(1e308)), Err("score"));
        assert_eq!(changed(|o| o.score = Some(f64::NAN)), Err("score"));
        assert_eq!(changed(|o| o.reference = Some(-1e308)), Err("reference"));
        assert_eq!(changed(|o| o.rank = Some(usize::MAX)), Err("rank"));
        assert_eq!(changed(|o| o.weight = Some(1.01)), Err("weight"));
        assert_eq!(changed(|o| o.weight = Some(f64::NAN)), Err("weight"));
    }

    #[test]
    fn the_oldest_outcomes_make_room_and_foreign_lines_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let outcomes = OutcomeLog::new(folder.path());
        let outcome = |rank| {
            let rank = Some(rank);
            received(OutcomeNotice { rank, ..notice() }).unwrap()
        };
        outcomes.append(&outcome(1)).unwrap();
        let full = vec![b' '; usize::try_from(MAX_FILE_BYTES).unwrap()];
        let path = folder.path().join(FILE);
        let fill = || {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(&full).unwrap();
            file.write_all(b"\n").unwrap();
        };
        fill();
        outcomes.append(&outcome(2)).unwrap();
        let ranks = || -> Vec<_> {
            let all = outcomes.read_all().unwrap();
            all.iter().map(|it| it.outcome.rank).collect()
        };
        assert_eq!(ranks(), [Some(1), Some(2)]);
        fill();
        outcomes.append(&outcome(3)).unwrap();
        assert_eq!(ranks(), [Some(2), Some(3)]);
    }
}
