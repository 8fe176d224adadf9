//! Forecasts files in CSV: one line a step, all quantiles.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use ::csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};
use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;

use super::batch::{ForecastBatch, ForecastHeader};
use super::error::{CSV_COLUMNS, ForecastFileError, ForecastFileFault};
use crate::file_position::RowPosition;

/// Most forecasts in a batch.
const BATCH_SIZE: usize = 256;

/// A CSV file, read from front to back.
pub(super) struct CsvReader {
    file: PathBuf,
    reader: Reader<BufReader<File>>,
    columns: CsvColumns,
    /// The line that was read beyond the last batch.
    lookahead: Option<StepLine>,
    record: StringRecord,
    last_origin: Option<UnixMillis>,
}

/// Where the columns are, counted from 0.
struct CsvColumns {
    origin: usize,
    miner: usize,
    step: usize,
    owner: Option<usize>,
    values: Vec<usize>,
}

/// A line: the K values of one step of one forecast.
struct StepLine {
    row: RowPosition,
    origin: UnixMillis,
    miner: String,
    owner: Option<String>,
    step: usize,
    values: Vec<f64>,
}

impl CsvReader {
    pub(super) fn open(file: &Path) -> Result<Self, ForecastFileError> {
        let opened = File::open(file);
        let opened = opened.map_err(|source| ForecastFileError::unreadable(file, source))?;
        let input = BufReader::with_capacity(1 << 20, opened);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(input);
        let header = reader
            .headers()
            .map_err(|error| not_csv(file, &error))?
            .clone();
        if header.is_empty() {
            return Err(ForecastFileError::new(file, ForecastFileFault::Empty));
        }
        let names: Vec<&str> = header.iter().collect();
        let columns =
            CsvColumns::find(&names).map_err(|fault| ForecastFileError::new(file, fault))?;
        let mut opened = Self {
            file: file.to_owned(),
            reader,
            columns,
            lookahead: None,
            record: StringRecord::new(),
            last_origin: None,
        };
        opened.lookahead = opened.read_line()?;
        match opened.lookahead {
            Some(_) => Ok(opened),
            None => Err(ForecastFileError::new(file, ForecastFileFault::NoRows)),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<ForecastBatch>, ForecastFileError> {
        let mut batch = ForecastBatch::default();
        let mut values = Vec::new();
        while batch.headers.len() < BATCH_SIZE {
            let Some(first) = self.lookahead.take() else {
                break;
            };
            self.read_forecast(&first, &mut batch, &mut values)?;
        }
        batch.values = values.into();
        Ok((!batch.headers.is_empty()).then_some(batch))
    }

    pub(super) fn origins(
        mut self,
        mut on_origin: impl FnMut(UnixMillis),
    ) -> Result<(), ForecastFileError> {
        let mut last = None;
        while let Some(line) = self.lookahead.take() {
            if last != Some(line.origin) {
                on_origin(line.origin);
                last = Some(line.origin);
            }
            self.lookahead = self.read_line()?;
        }
        Ok(())
    }

    /// Adds the forecast that begins with this line, and its values to `values`.
    fn read_forecast(
        &mut self,
        first: &StepLine,
        batch: &mut ForecastBatch,
        values: &mut Vec<f64>,
    ) -> Result<(), ForecastFileError> {
        self.check_order(first, 1)?;
        let name = |names: &mut Vec<String>, name: &str| {
            names
                .iter()
                .position(|known| known == name)
                .unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                })
        };
        let start = values.len();
        let header = ForecastHeader {
            row: first.row,
            origin: first.origin,
            miner: name(&mut batch.names, &first.miner),
            owner: first
                .owner
                .as_deref()
                .map(|owner| name(&mut batch.names, owner)),
            kind: ForecastKind::Quantiles,
            k: first.values.len(),
            values: start..start,
        };
        values.extend(&first.values);
        let mut steps = 1;
        while let Some(line) = self.read_line()? {
            if line.origin != first.origin || line.miner != first.miner {
                self.lookahead = Some(line);
                break;
            }
            steps += 1;
            self.check_order(&line, steps)?;
            values.extend(&line.values);
        }
        batch.headers.push(ForecastHeader {
            values: start..values.len(),
            ..header
        });
        Ok(())
    }

    /// Refuses a line whose origin comes before the last one's, or whose step isn't the expected one.
    fn check_order(&mut self, line: &StepLine, expected: usize) -> Result<(), ForecastFileError> {
        let refuse = |fault| Err(ForecastFileError::at_row(&self.file, line.row, fault));
        if let Some(before) = self.last_origin.filter(|before| *before > line.origin) {
            return refuse(ForecastFileFault::Unsorted {
                found: line.origin,
                before,
            });
        }
        if line.step != expected {
            return refuse(ForecastFileFault::Steps {
                miner: line.miner.clone(),
                origin: line.origin,
                expected,
                found: line.step,
            });
        }
        self.last_origin = Some(line.origin);
        Ok(())
    }

    fn read_line(&mut self) -> Result<Option<StepLine>, ForecastFileError> {
        let read = self.reader.read_record(&mut self.record);
        if !read.map_err(|error| not_csv(&self.file, &error))? {
            return Ok(None);
        }
        let row = RowPosition::Line(self.record.position().map_or(0, ::csv::Position::line));
        let cell = |position: usize| self.record.get(position).unwrap_or("");
        let fault = |column: &str, found: &str, cure| {
            let fault = ForecastFileFault::Cell {
                column: column.to_owned(),
                found: found.to_owned(),
                cure,
            };
            ForecastFileError::at_row(&self.file, row, fault)
        };
        let number = |column: &str, text: &str, cure| {
            text.parse::<i64>().map_err(|_| fault(column, text, cure))
        };
        let origin = cell(self.columns.origin);
        let step = cell(self.columns.step);
        let miner = cell(self.columns.miner);
        if miner.is_empty() {
            return Err(fault("miner", miner, "write the miner's name"));
        }
        let unix_millis = "write unix milliseconds such as 1704067200000";
        let origin = UnixMillis::try_from(number("origin_ms", origin, unix_millis)?)
            .map_err(|_| fault("origin_ms", origin, unix_millis))?;
        let step = number(
            "step",
            step,
            "write the step, 1 for the first close after the origin",
        )?;
        // Cells left empty at the end are a smaller K.
        let written = |position: &&usize| !cell(**position).is_empty();
        let k = self
            .columns
            .values
            .iter()
            .rposition(|position| written(&position))
            .map_or(0, |i| i + 1);
        let values = self.columns.values[..k]
            .iter()
            .zip(1..)
            .map(|(&position, i)| {
                let text = cell(position);
                // NaN parses; it is refused with its forecast, not with the file.
                text.parse().map_err(|_| {
                    fault(
                        &format!("v{i}"),
                        text,
                        "write a plain decimal such as 42397.23",
                    )
                })
            });
        Ok(Some(StepLine {
            row,
            origin,
            miner: miner.to_owned(),
            owner: self
                .columns
                .owner
                .map(cell)
                .filter(|owner| !owner.is_empty())
                .map(str::to_owned),
            step: usize::try_from(step).unwrap_or(0),
            values: values.collect::<Result<_, _>>()?,
        }))
    }
}

impl CsvColumns {
    fn find(names: &[&str]) -> Result<Self, ForecastFileFault> {
        if let Some((_, duplicate)) = names
            .iter()
            .enumerate()
            .find(|(i, name)| names[..*i].contains(name))
        {
            return Err(ForecastFileFault::DuplicateColumn((*duplicate).to_owned()));
        }
        let position = |column: &str| names.iter().position(|name| *name == column);
        let values: Vec<usize> = (1..).map_while(|i| position(&format!("v{i}"))).collect();
        let found = (position("origin_ms"), position("miner"), position("step"));
        match found {
            (Some(origin), Some(miner), Some(step)) if !values.is_empty() => Ok(Self {
                origin,
                miner,
                step,
                owner: position("owner"),
                values,
            }),
            _ => {
                let needed = ["origin_ms", "miner", "step", "v1"].into_iter();
                let missing = needed.filter(|column| position(column).is_none());
                Err(ForecastFileFault::MissingColumns {
                    missing: missing.map(str::to_owned).collect(),
                    found: names.iter().map(|name| (*name).to_owned()).collect(),
                    expected: CSV_COLUMNS,
                })
            }
        }
    }
}

fn not_csv(file: &Path, error: &::csv::Error) -> ForecastFileError {
    let reason = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells under a header of {expected_len}"),
        ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => error.to_string(),
    };
    let fault = ForecastFileFault::NotCsv(reason);
    match error.position() {
        Some(position) => {
            ForecastFileError::at_row(file, RowPosition::Line(position.line()), fault)
        }
        None => ForecastFileError::new(file, fault),
    }
}
