//! Files side by side, round by round.

use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;

use super::batch::{ForecastBatch, ForecastHeader, UnevenStep};
use super::error::{ForecastFileError, ForecastFileFault};
use super::reader::ForecastFileReader;
use crate::file_position::FilePosition;
use crate::input_file::InputFile;

/// The rounds of any number of forecasts files, in order of origin. Holds a few row groups of each file.
pub struct ForecastRounds {
    cursors: Vec<FileCursor>,
}

/// A file and how far it is read.
struct FileCursor {
    path: Arc<PathBuf>,
    reader: ForecastFileReader,
    batch: Arc<ForecastBatch>,
    next: usize,
}

/// All forecasts of one round, of all files.
#[derive(Debug)]
pub struct RoundForecasts {
    /// The round's origin T, the same for all of them.
    pub origin: UnixMillis,
    /// At most one of each miner, in ascending order of their names.
    pub forecasts: Vec<RawForecast>,
}

/// A forecast as it stands in its file: not yet known to be valid.
#[derive(Debug, Clone)]
pub struct RawForecast {
    path: Arc<PathBuf>,
    batch: Arc<ForecastBatch>,
    index: usize,
}

impl ForecastRounds {
    /// Opens all files and reads the first forecasts of each.
    ///
    /// # Errors
    /// A file that can't be read or lacks a column, a bad first row.
    pub(super) fn open(files: &[InputFile]) -> Result<Self, ForecastFileError> {
        let open = |file: &InputFile| {
            let mut cursor = FileCursor {
                path: Arc::new(file.path().to_owned()),
                reader: ForecastFileReader::open(file)?,
                batch: Arc::default(),
                next: 0,
            };
            cursor.refill()?;
            Ok(cursor)
        };
        let cursors = files.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { cursors })
    }

    /// The next round; `None` after the last.
    ///
    /// # Errors
    /// A row that can't be read or is out of order, and two forecasts of one miner for one origin.
    pub fn next_round(&mut self) -> Result<Option<RoundForecasts>, ForecastFileError> {
        let Some(origin) = self.cursors.iter().filter_map(FileCursor::origin).min() else {
            return Ok(None);
        };
        let mut forecasts: Vec<RawForecast> = Vec::new();
        for cursor in &mut self.cursors {
            while cursor.origin() == Some(origin) {
                forecasts.push(cursor.next_forecast()?);
            }
        }
        // Of two of one miner, the one that was read later stays behind the other.
        forecasts.sort_by(|a, b| a.miner().cmp(b.miner()));
        let mut neighbours = forecasts.windows(2);
        let duplicate = neighbours.find(|pair| pair[0].miner() == pair[1].miner());
        if let Some([other, forecast]) = duplicate {
            return Err(forecast.error_at(ForecastFileFault::Duplicate {
                miner: forecast.miner().to_owned(),
                origin,
                other: other.position().to_string(),
            }));
        }
        Ok(Some(RoundForecasts { origin, forecasts }))
    }
}

impl RoundForecasts {
    /// How many values its forecasts have together.
    pub fn value_count(&self) -> usize {
        let values = self
            .forecasts
            .iter()
            .map(|forecast| forecast.values().len());
        values.sum()
    }
}

impl FileCursor {
    /// The origin of its next forecast; `None` at its end.
    fn origin(&self) -> Option<UnixMillis> {
        self.batch
            .headers
            .get(self.next)
            .map(|header| header.origin)
    }

    fn next_forecast(&mut self) -> Result<RawForecast, ForecastFileError> {
        let forecast = RawForecast {
            path: Arc::clone(&self.path),
            batch: Arc::clone(&self.batch),
            index: self.next,
        };
        self.next += 1;
        if self.next == self.batch.headers.len() {
            self.refill()?;
        }
        Ok(forecast)
    }

    fn refill(&mut self) -> Result<(), ForecastFileError> {
        self.batch = Arc::new(self.reader.next()?.unwrap_or_default());
        self.next = 0;
        Ok(())
    }
}

impl RawForecast {
    /// Name of the miner whose forecast it is.
    pub fn miner(&self) -> &str {
        &self.batch.names[self.header().miner]
    }

    /// The miner's owner, where the file has one.
    pub fn owner(&self) -> Option<&str> {
        self.header()
            .owner
            .map(|owner| self.batch.names[owner].as_str())
    }

    /// What its values are, quantiles or paths.
    pub fn kind(&self) -> ForecastKind {
        self.header().kind
    }

    /// K as the file has it; not checked against the number of values.
    pub fn k(&self) -> usize {
        self.header().k
    }

    /// The first step that has another number of values than K, where the steps differ in it.
    pub fn uneven(&self) -> Option<UnevenStep> {
        self.header().uneven
    }

    /// The prices, step-major; how many there are is not checked.
    pub fn values(&self) -> &[f64] {
        &self.batch.values[self.header().values.clone()]
    }

    /// Where in its file it stands.
    pub fn position(&self) -> FilePosition {
        FilePosition {
            file: self.path.as_ref().clone(),
            row: self.header().row,
        }
    }

    /// The error that this forecast has this fault.
    pub fn error_at(&self, fault: ForecastFileFault) -> ForecastFileError {
        ForecastFileError::at_row(&self.path, self.header().row, fault)
    }

    fn header(&self) -> &ForecastHeader {
        &self.batch.headers[self.index]
    }
}
