//! In which rounds which validator asked for a commitment: only of those is an outcome taken, and only once.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foretell_core::hotkey::Hotkey;
use foretell_core::series::Grid;
use foretell_core::time::{Millis, UnixMillis};
use foretell_files::{FileAccess, replace_file};

/// Name of the file in a miner's data directory: a line for each round and validator, `ORIGIN_MS HOTKEY` or
/// `ORIGIN_MS HOTKEY told`. Its loss in a power failure costs outcomes of the last rounds, no answer.
const FILE: &str = "asked.txt";
/// An outcome comes after the round's last target, late prices are waited for a day, and the validator may be down.
const WAIT_FOR_OUTCOME: Millis = Millis::days(3);
/// Longest line: an origin, an address of 48 characters, a word.
const MAX_LINE_BYTES: u64 = 100;
/// The file is written anew when it has this many lines more than there are rounds to remember.
const MAX_EXTRA_LINES: usize = 10_000;

/// What is remembered of the rounds whose outcomes may still come.
#[derive(Debug)]
pub struct AskedRounds {
    path: PathBuf,
    retention: Millis,
    asked: Mutex<AskedTable>,
}

#[derive(Debug, Default)]
struct AskedTable {
    /// Whether the outcome was told.
    told: BTreeMap<(UnixMillis, Hotkey), bool>,
    lines: usize,
}

/// What an outcome that a validator reports is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeClaim {
    /// The first of a round in which it asked.
    First,
    /// Of a round whose outcome it told before.
    Repeated,
    /// Of a round in which it never asked, or that is long past.
    NeverAsked,
}

impl AskedRounds {
    /// The rounds kept in `folder`, which exists; of a series on this grid.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn open(folder: &Path, grid: &Grid) -> io::Result<Self> {
        let path = folder.join(FILE);
        let mut table = AskedTable::default();
        match File::open(&path) {
            Ok(file) => table.read(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let horizon = i64::try_from(grid.horizon).unwrap_or(i64::MAX);
        Ok(Self {
            path,
            retention: WAIT_FOR_OUTCOME + grid.step.times(horizon),
            asked: Mutex::new(table),
        })
    }

    /// `validator` asked for a commitment in the round at `origin`.
    ///
    /// # Errors
    /// A file that can't be written: the round is remembered all the same.
    pub fn note_asked(&self, origin: UnixMillis, validator: Hotkey) -> io::Result<()> {
        let mut table = self.lock();
        if table.told.contains_key(&(origin, validator)) {
            return Ok(());
        }
        table.told.insert((origin, validator), false);
        table.forget_before(origin - self.retention);
        self.append(&mut table, origin, validator, false)
    }

    /// `validator` tells the outcome of the round at `origin`; the first time it counts as told from now on.
    ///
    /// # Errors
    /// A file that can't be written: the outcome counts as told all the same.
    pub fn claim_outcome(&self, origin: UnixMillis, validator: Hotkey) -> io::Result<OutcomeClaim> {
        let mut table = self.lock();
        match table.told.get_mut(&(origin, validator)) {
            None => Ok(OutcomeClaim::NeverAsked),
            Some(true) => Ok(OutcomeClaim::Repeated),
            Some(told) => {
                *told = true;
                self.append(&mut table, origin, validator, true)?;
                Ok(OutcomeClaim::First)
            }
        }
    }

    fn append(
        &self,
        table: &mut AskedTable,
        origin: UnixMillis,
        validator: Hotkey,
        told: bool,
    ) -> io::Result<()> {
        table.lines += 1;
        if table.lines > table.told.len() + MAX_EXTRA_LINES {
            table.lines = table.told.len();
            return replace_file(&self.path, table.text().as_bytes(), FileAccess::Private);
        }
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        file.write_all(line(origin, &validator, told).as_bytes())
    }

    fn lock(&self) -> MutexGuard<'_, AskedTable> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AskedTable {
    /// Reads what is whole; a line that a crash cut short, or that isn't ours, is left out.
    fn read(&mut self, file: File) -> io::Result<()> {
        let mut file = BufReader::new(file);
        loop {
            let mut bytes = Vec::new();
            if file
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut bytes)?
                == 0
            {
                return Ok(());
            }
            self.lines += 1;
            let mut words = std::str::from_utf8(&bytes).unwrap_or("").split_whitespace();
            let origin = words.next().and_then(|word| word.parse().ok());
            let validator = words.next().and_then(|word| word.parse().ok());
            if let (Some(origin), Some(validator)) = (origin, validator) {
                let told = self
                    .told
                    .entry((UnixMillis::saturating(origin), validator))
                    .or_default();
                *told |= words.next() == Some("told");
            }
        }
    }

    fn forget_before(&mut self, oldest: UnixMillis) {
        while let Some(entry) = self.told.first_entry()
            && entry.key().0 < oldest
        {
            entry.remove();
        }
    }

    fn text(&self) -> String {
        let lines = self.told.iter();
        lines
            .map(|((origin, validator), told)| line(*origin, validator, *told))
            .collect()
    }
}

fn line(origin: UnixMillis, validator: &Hotkey, told: bool) -> String {
    let told = if told { " told" } else { "" };
    format!("{origin} {validator}{told}\n")
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{MONDAY, STEP, hotkey};

    use super::*;

    const GRID: Grid = Grid {
        step: STEP,
        horizon: 100,
    };

    fn open(folder: &tempfile::TempDir) -> AskedRounds {
        AskedRounds::open(folder.path(), &GRID).unwrap()
    }

    #[test]
    fn an_outcome_counts_once_and_only_where_its_validator_asked() {
        let folder = tempfile::tempdir().unwrap();
        let asked = open(&folder);
        asked.note_asked(MONDAY, hotkey(1)).unwrap();
        for (round, validator, expected) in [
            (MONDAY, hotkey(2), OutcomeClaim::NeverAsked),
            (MONDAY + STEP, hotkey(1), OutcomeClaim::NeverAsked),
            (MONDAY, hotkey(1), OutcomeClaim::First),
            (MONDAY, hotkey(1), OutcomeClaim::Repeated),
        ] {
            assert_eq!(asked.claim_outcome(round, validator).unwrap(), expected);
        }
        // Asked again, it isn't forgotten that it was told.
        asked.note_asked(MONDAY, hotkey(1)).unwrap();
        let restarted = open(&folder);
        let claim = |round, validator| restarted.claim_outcome(round, validator).unwrap();
        assert_eq!(claim(MONDAY, hotkey(1)), OutcomeClaim::Repeated);
    }

    #[test]
    fn a_restart_remembers_and_skips_what_is_torn_or_foreign() {
        let folder = tempfile::tempdir().unwrap();
        open(&folder).note_asked(MONDAY, hotkey(1)).unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.path().join(FILE))
            .unwrap();
        file.write_all(&[b'x'; 100_000]).unwrap();
        file.write_all(b"\n1704067200000 5Grw").unwrap();
        let restarted = open(&folder);
        assert_eq!(restarted.lock().told.len(), 1);
        let claim = restarted.claim_outcome(MONDAY, hotkey(1)).unwrap();
        assert_eq!(claim, OutcomeClaim::First);
    }

    #[test]
    fn rounds_long_past_are_forgotten_and_the_file_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let asked = open(&folder);
        let rounds = 2 * MAX_EXTRA_LINES as i64;
        for n in 0..rounds {
            asked.note_asked(MONDAY + STEP.times(n), hotkey(1)).unwrap();
        }
        let kept = asked.retention.get() / STEP.get() + 1;
        assert_eq!(asked.lock().told.len(), usize::try_from(kept).unwrap());
        let lines = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let lines = lines.lines().count();
        assert!(lines <= kept as usize + MAX_EXTRA_LINES, "{lines}");
    }
}
