//! Files side by side, round by round.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::forecast::Kind;
use foretell_core::time::UnixMillis;

use super::batch::{Batch, Head};
use super::error::{ForecastFault, ForecastFileError};
use super::reader::Reader;
use crate::error::Row;

/// The rounds of any number of forecasts files, in order of origin. Holds a few row groups of each file.
pub struct Rounds {
    sources: Vec<Source>,
}

/// A file that is being read.
struct Source {
    path: Arc<PathBuf>,
    reader: Reader,
    batch: Arc<Batch>,
    next: usize,
}

/// All forecasts for one origin.
#[derive(Debug)]
pub struct RoundForecasts {
    /// The origin T.
    pub origin: UnixMillis,
    /// One a miner, in order of miner.
    pub entries: Vec<Entry>,
}

/// A forecast as it stands in its file: not yet known to be valid.
#[derive(Debug, Clone)]
pub struct Entry {
    path: Arc<PathBuf>,
    batch: Arc<Batch>,
    index: usize,
}

/// Where a forecast stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its row there; in CSV, the line of its first step.
    pub row: Row,
}

/// All origins in these files. Reads no other column of Parquet files.
pub fn origins(files: &[PathBuf]) -> Result<BTreeSet<UnixMillis>, ForecastFileError> {
    let mut origins = BTreeSet::new();
    for file in files {
        Reader::open(file)?.origins(|origin| {
            origins.insert(origin);
        })?;
    }
    Ok(origins)
}

impl Rounds {
    /// Opens all files.
    pub fn open(files: &[PathBuf]) -> Result<Self, ForecastFileError> {
        let open = |file: &PathBuf| {
            let mut source = Source {
                path: Arc::new(file.clone()),
                reader: Reader::open(file)?,
                batch: Arc::default(),
                next: 0,
            };
            source.refill()?;
            Ok(source)
        };
        let sources = files.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { sources })
    }

    /// The next round; `None` after the last.
    pub fn next_round(&mut self) -> Result<Option<RoundForecasts>, ForecastFileError> {
        let Some(origin) = self.sources.iter().filter_map(Source::origin).min() else {
            return Ok(None);
        };
        let mut entries: Vec<Entry> = Vec::new();
        for source in &mut self.sources {
            while source.origin() == Some(origin) {
                entries.push(source.take()?);
            }
        }
        // Of two of one miner, the one that was read later stays behind the other.
        entries.sort_by(|a, b| a.miner().cmp(b.miner()));
        let mut neighbours = entries.windows(2);
        let twice = neighbours.find(|pair| pair[0].miner() == pair[1].miner());
        if let Some([other, entry]) = twice {
            return Err(entry.refused(ForecastFault::Duplicate {
                miner: entry.miner().to_owned(),
                origin,
                other: other.place().to_string(),
            }));
        }
        Ok(Some(RoundForecasts { origin, entries }))
    }
}

impl RoundForecasts {
    /// How many values its forecasts have together.
    pub fn values(&self) -> usize {
        let values = self.entries.iter().map(|entry| entry.values().len());
        values.sum()
    }
}

impl Source {
    /// The origin of its next forecast; `None` at its end.
    fn origin(&self) -> Option<UnixMillis> {
        self.batch.heads.get(self.next).map(|head| head.origin)
    }

    fn take(&mut self) -> Result<Entry, ForecastFileError> {
        let entry = Entry {
            path: Arc::clone(&self.path),
            batch: Arc::clone(&self.batch),
            index: self.next,
        };
        self.next += 1;
        if self.next == self.batch.heads.len() {
            self.refill()?;
        }
        Ok(entry)
    }

    fn refill(&mut self) -> Result<(), ForecastFileError> {
        self.batch = Arc::new(self.reader.next()?.unwrap_or_default());
        self.next = 0;
        Ok(())
    }
}

impl Entry {
    /// Whose it is.
    pub fn miner(&self) -> &str {
        &self.batch.names[self.head().miner]
    }

    /// The miner's owner, where the file has one.
    pub fn owner(&self) -> Option<&str> {
        self.head()
            .owner
            .map(|owner| self.batch.names[owner].as_str())
    }

    /// Quantiles or paths.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// K as the file says.
    pub fn k(&self) -> usize {
        self.head().k
    }

    /// The prices, step-major; how many there are is not checked.
    pub fn values(&self) -> &[f64] {
        &self.batch.values[self.head().values.clone()]
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            file: self.path.as_ref().clone(),
            row: self.head().row,
        }
    }

    /// The error that this forecast has this fault.
    pub fn refused(&self, fault: ForecastFault) -> ForecastFileError {
        ForecastFileError::at(&self.path, self.head().row, fault)
    }

    fn head(&self) -> &Head {
        &self.batch.heads[self.index]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.file.display(), self.row)
    }
}
