//! A series of bars on one grid: its gaps, its parts, and the digest that names it.

use foretell_core::bar::Bar;
use foretell_core::hash::{Hash, Hex};
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use sha2::{Digest, Sha256};

use super::csv_line::push_line;
use super::error::PriceSeriesError;
use super::grid::{self, Gap};

/// Lines that are written before they are hashed.
const LINES_PER_HASH_UPDATE: usize = 64;

/// Bars on one grid: strictly later each than the one before, by a multiple of the step, and never none at all.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSeries {
    step: Millis,
    unit: Unit,
    bars: Vec<Bar>,
    gaps: Vec<Gap>,
    first_open: UnixMillis,
    last_close: UnixMillis,
}

impl PriceSeries {
    /// The series of these bars, if they are sorted, consistent, of its unit and on one grid; at least two are needed.
    ///
    /// The step is their most common spacing.
    pub fn from_bars(unit: Unit, bars: Vec<Bar>) -> Result<Self, PriceSeriesError> {
        let step = grid::infer_step(unit, &bars)?;
        let count = bars.len();
        Self::with_step(step, unit, bars).ok_or(PriceSeriesError::TooFewBars { bars: count })
    }

    /// The series of these bars, known to be of its unit and on the grid of this step; `None` of no bars.
    pub(super) fn with_step(step: Millis, unit: Unit, bars: Vec<Bar>) -> Option<Self> {
        let (first, last) = (bars.first()?, bars.last()?);
        Some(Self {
            step,
            unit,
            gaps: grid::gaps(&bars, step),
            first_open: first.open_time,
            last_close: last.close_time(step),
            bars,
        })
    }

    /// Time from the opening of a bar to that of the next, where none is missing.
    pub const fn step(&self) -> Millis {
        self.step
    }

    /// The bars, in order of time; never empty.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// The bars, taken out of the series.
    pub fn into_bars(self) -> Vec<Bar> {
        self.bars
    }

    /// Runs of missing bars between the first bar and the last, in order of time.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Number of missing bars, all gaps together.
    pub fn missing_bars(&self) -> usize {
        self.gaps.iter().map(|gap| gap.bars).sum()
    }

    /// Open time of the first bar.
    pub const fn first_open(&self) -> UnixMillis {
        self.first_open
    }

    /// Close time of the last bar: a step after it opened.
    pub const fn last_close(&self) -> UnixMillis {
        self.last_close
    }

    /// The bars with `from <= open_time < to`, on the same grid; `None` if there is none.
    pub fn slice(&self, from: UnixMillis, to: UnixMillis) -> Option<Self> {
        let start = self.bars.partition_point(|bar| bar.open_time < from);
        let end = self.bars.partition_point(|bar| bar.open_time < to);
        Self::with_step(self.step, self.unit, self.bars.get(start..end)?.to_vec())
    }

    /// How moves of this series are measured; of log prices all prices are positive.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// SHA-256 of the bars as [`write_csv`](super::write_csv) writes them, without the header.
    ///
    /// It names the bars, not the file: CSV and Parquet of the same rows have the same.
    pub fn sha256(&self) -> Hash {
        let mut digest = Sha256::new();
        let mut lines = String::new();
        for bars in self.bars.chunks(LINES_PER_HASH_UPDATE) {
            lines.clear();
            for bar in bars {
                push_line(&mut lines, bar);
            }
            digest.update(&lines);
        }
        Hex(digest.finalize().into())
    }
}
