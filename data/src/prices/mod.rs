//! A series of bars: read from a file, cut, named by its digest, and written.

mod columns;
mod csv;
mod grid;
mod parquet;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use foretell_core::bar::Bar;
use foretell_core::hash::{Hash, Hex};
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use sha2::{Digest, Sha256};
use tempfile::Builder;

use crate::error::{PriceFileError, PriceSeriesError, RowPosition};

/// Lines that are written before they are hashed.
const LINES_PER_HASH_UPDATE: usize = 64;

/// Bars on one grid: strictly later each than the one before, by a multiple of the step, and never none at all.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSeries {
    step: Millis,
    bars: Vec<Bar>,
    gaps: Vec<Gap>,
    first_open: UnixMillis,
    last_close: UnixMillis,
}

/// A run of bars that a series lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Open time of the first bar that is missing.
    pub first: UnixMillis,
    /// How many are missing.
    pub bars: usize,
}

/// Reads a price file: CSV if its extension is `.csv`, Parquet if it is `.parquet`.
///
/// Columns are `open_time_ms,open,high,low,close,volume` or `open_time_ms,value`, in any order among any others.
/// Missing rows are no error; the caller sees them in [`PriceSeries::gaps`].
pub fn read(file: &Path) -> Result<PriceSeries, PriceFileError> {
    if file.is_dir() {
        return Err(PriceFileError::Directory {
            file: file.to_owned(),
        });
    }
    match format(file)? {
        Format::Csv => parse_csv(file, &read_bytes(file)?),
        Format::Parquet => PriceSeries::from_bars(parquet::read(file)?)
            .map_err(|error| error.in_file(file, |bar| RowPosition::Row(bar + 1))),
    }
}

/// The series in the text of a CSV file, which errors call `name`.
pub fn parse_csv(name: &Path, text: &[u8]) -> Result<PriceSeries, PriceFileError> {
    let (bars, offsets) = csv::parse(name, text)?;
    let row = |bar: usize| match offsets.get(bar) {
        Some(offset) => RowPosition::Line(csv::line(text, *offset)),
        None => RowPosition::Row(bar + 1),
    };
    PriceSeries::from_bars(bars).map_err(|error| error.in_file(name, row))
}

/// Writes a series as CSV, numbers in the shortest decimals that read back as the very same doubles.
///
/// Whoever reads the file meanwhile, or after a crash, finds the old one or the new one, whole.
pub fn write_csv(file: &Path, series: &PriceSeries) -> Result<(), PriceFileError> {
    let mut text = String::from("open_time_ms,open,high,low,close,volume\n");
    for bar in &series.bars {
        push_line(&mut text, bar);
    }
    replace_file(file, text.as_bytes()).map_err(|source| PriceFileError::Unwritable {
        file: file.to_owned(),
        source,
    })
}

impl PriceSeries {
    /// The series of these bars, if they are sorted, consistent and on one grid; at least two are needed.
    ///
    /// The step is their most common spacing.
    pub fn from_bars(bars: Vec<Bar>) -> Result<Self, PriceSeriesError> {
        let step = grid::infer_step(&bars)?;
        let count = bars.len();
        Self::with_step(step, bars).ok_or(PriceSeriesError::TooFewBars { bars: count })
    }

    /// The series of these bars, known to be on the grid of this step; `None` of no bars.
    fn with_step(step: Millis, bars: Vec<Bar>) -> Option<Self> {
        let (first, last) = (bars.first()?, bars.last()?);
        Some(Self {
            step,
            gaps: grid::gaps(&bars, step),
            first_open: first.open_time,
            last_close: last.close_time(step),
            bars,
        })
    }

    /// Distance between two bars.
    pub const fn step(&self) -> Millis {
        self.step
    }

    /// The bars, in order of time; never empty.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// The bars themselves.
    pub fn into_bars(self) -> Vec<Bar> {
        self.bars
    }

    /// Runs of missing bars between the first bar and the last, in order of time.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How many bars are missing in all gaps together.
    pub fn missing_bars(&self) -> usize {
        self.gaps.iter().map(|gap| gap.bars).sum()
    }

    /// Start of the first bar.
    pub const fn first_open(&self) -> UnixMillis {
        self.first_open
    }

    /// End of the last bar.
    pub const fn last_close(&self) -> UnixMillis {
        self.last_close
    }

    /// The bars with `from <= open_time < to`, on the same grid; `None` if there is none.
    pub fn slice(&self, from: UnixMillis, to: UnixMillis) -> Option<Self> {
        let start = self.bars.partition_point(|bar| bar.open_time < from);
        let end = self.bars.partition_point(|bar| bar.open_time < to);
        Self::with_step(self.step, self.bars.get(start..end)?.to_vec())
    }

    /// How moves of this series are measured: as log prices if all its prices are positive, else as values.
    pub fn unit(&self) -> Unit {
        let positive = |bar: &Bar| {
            let prices = [bar.open, bar.high, bar.low, bar.close];
            prices.iter().all(|price| price.get() > 0.0)
        };
        if self.bars.iter().all(positive) {
            Unit::LogPrice
        } else {
            Unit::Value
        }
    }

    /// SHA-256 of the bars as [`write_csv`] writes them, without the header.
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

/// Appends a bar as a line of CSV.
fn push_line(line: &mut String, bar: &Bar) {
    let Bar {
        open_time,
        open,
        high,
        low,
        close,
        volume,
    } = bar;
    // Writing to a string can't fail.
    let _ = write!(line, "{open_time}");
    for number in [open.get(), high.get(), low.get(), close.get(), *volume] {
        line.push(',');
        push_number(line, number);
    }
    line.push('\n');
}

/// Appends what `Display` would, at a fifth of its cost: every bar of a history is written for its digest.
fn push_number(line: &mut String, number: f64) {
    let mut shortest = zmij::Buffer::new();
    let text = shortest.format(number);
    if number.is_finite() && !text.contains('e') {
        line.push_str(text.strip_suffix(".0").unwrap_or(text));
    } else {
        line.push_str(&number.to_string());
    }
}

enum Format {
    Csv,
    Parquet,
}

fn format(file: &Path) -> Result<Format, PriceFileError> {
    match file.extension().map(OsStr::to_ascii_lowercase) {
        Some(extension) if extension == "csv" => Ok(Format::Csv),
        Some(extension) if extension == "parquet" => Ok(Format::Parquet),
        _ => Err(PriceFileError::Extension {
            file: file.to_owned(),
        }),
    }
}

/// The whole file at once: one that is cut short while we decode it can do no harm, as it could if it were mapped.
fn read_bytes(file: &Path) -> Result<Vec<u8>, PriceFileError> {
    fs::read(file).map_err(|source| PriceFileError::unreadable(file, source))
}

/// Puts `bytes` in the place of `file`, durably and in one instant.
fn replace_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut temporary = Builder::new()
        .prefix(".prices-")
        // What any new file gets; the umask takes from it.
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    // The new name is durable only when the directory is.
    fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
