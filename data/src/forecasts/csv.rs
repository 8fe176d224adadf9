//! Forecasts files in CSV: one line a step, all quantiles.

use std::collections::HashMap;
use std::io::Read;

use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;

use super::batch::{ForecastBatch, ForecastHeader, UnevenStep};
use super::csv_columns::CsvColumns;
use super::error::{ForecastFileError, ForecastFileFault};
use super::miner_name::{MinerName, check_owner};
use crate::csv_rows::{CsvFault, CsvRows};
use crate::excerpt::excerpt;
use crate::file_position::RowPosition;
use crate::input_file::InputFile;

/// Most forecasts in a batch.
const BATCH_SIZE: usize = 256;
/// A batch with so many values (16 MB) gets no more forecasts.
const BATCH_VALUES: usize = 2 << 20;
/// Most values of one forecast: sixteen times what an answer may hold.
const MAX_VALUES: usize = 16_000_000;

/// A CSV file, read from front to back.
pub(super) struct CsvReader {
    file: InputFile,
    rows: CsvRows<Box<dyn Read + Send>>,
    columns: CsvColumns,
    /// The line that was read beyond the last batch.
    lookahead: Option<StepLine>,
    last_origin: Option<UnixMillis>,
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
    pub(super) fn open(input: &InputFile) -> Result<Self, ForecastFileError> {
        let file = input.path();
        let reader = input
            .reader()
            .map_err(|fault| ForecastFileError::new(file, ForecastFileFault::Input(fault)))?;
        let (rows, names) = CsvRows::open(reader).map_err(|fault| csv_error(input, fault))?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let columns =
            CsvColumns::find(&names).map_err(|fault| ForecastFileError::new(file, fault))?;
        let mut opened = Self {
            file: input.clone(),
            rows,
            columns,
            lookahead: None,
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
        let mut names = HashMap::new();
        while batch.headers.len() < BATCH_SIZE && values.len() < BATCH_VALUES {
            let Some(first) = self.lookahead.take() else {
                break;
            };
            let mut intern = |name: &str| {
                *names.entry(name.to_owned()).or_insert_with(|| {
                    batch.names.push(name.to_owned());
                    batch.names.len() - 1
                })
            };
            let miner = intern(&first.miner);
            let owner = first.owner.as_deref().map(intern);
            let header = self.read_forecast(&first, miner, owner, &mut values)?;
            batch.headers.push(header);
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

    /// The forecast that begins with this line, whose values are added to `values`.
    fn read_forecast(
        &mut self,
        first: &StepLine,
        miner: usize,
        owner: Option<usize>,
        values: &mut Vec<f64>,
    ) -> Result<ForecastHeader, ForecastFileError> {
        self.check_order(first, 1)?;
        let start = values.len();
        let k = first.values.len();
        values.extend(&first.values);
        let (mut steps, mut uneven) = (1, None);
        while let Some(line) = self.read_line()? {
            if line.origin != first.origin || line.miner != first.miner {
                self.lookahead = Some(line);
                break;
            }
            steps += 1;
            self.check_order(&line, steps)?;
            let found = line.values.len();
            if found != k {
                uneven = uneven.or(Some(UnevenStep { step: steps, found }));
            }
            values.extend(&line.values);
            if values.len() - start > MAX_VALUES {
                let fault = ForecastFileFault::TooManyValues { most: MAX_VALUES };
                return Err(ForecastFileError::at_row(self.file.path(), line.row, fault));
            }
        }
        Ok(ForecastHeader {
            row: first.row,
            origin: first.origin,
            miner,
            owner,
            kind: ForecastKind::Quantiles,
            k,
            uneven,
            values: start..values.len(),
        })
    }

    /// Refuses a line whose origin comes before the last one's, or whose step isn't the expected one.
    fn check_order(&mut self, line: &StepLine, expected: usize) -> Result<(), ForecastFileError> {
        let refuse = |fault| {
            let file = self.file.path();
            Err(ForecastFileError::at_row(file, line.row, fault))
        };
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
        let advanced = self.rows.advance();
        if !advanced.map_err(|fault| csv_error(&self.file, fault))? {
            return Ok(None);
        }
        let row = RowPosition::Line(self.rows.line());
        self.parse_line(row)
            .map(Some)
            .map_err(|fault| ForecastFileError::at_row(self.file.path(), row, fault))
    }

    fn parse_line(&self, row: RowPosition) -> Result<StepLine, ForecastFileFault> {
        let cell = |column: usize| self.rows.cell(column);
        let columns = &self.columns;
        let miner = cell(columns.miner);
        let named = |column, name, result: Result<(), _>| {
            result.map_err(|why| ForecastFileFault::Name {
                column,
                found: excerpt(name),
                why,
            })
        };
        named("miner", miner, miner.parse::<MinerName>().map(drop))?;
        let owner = columns.owner.map(cell).filter(|owner| !owner.is_empty());
        if let Some(owner) = owner {
            named("owner", owner, check_owner(owner))?;
        }
        let origin = number(
            "origin_ms",
            cell(columns.origin),
            "write unix milliseconds such as 1704067200000",
        )?;
        let step = number(
            "step",
            cell(columns.step),
            "write the step, 1 for the first close after the origin",
        )?;
        // Cells left empty at the end are a smaller K.
        let k = columns
            .values
            .iter()
            .rposition(|column| !cell(*column).is_empty())
            .map_or(0, |last| last + 1);
        let values = columns.values.iter().zip(1..).take(k).map(|(column, i)| {
            let text = cell(*column);
            // NaN parses; it is refused with its forecast, not with the file.
            text.parse().map_err(|_| ForecastFileFault::Cell {
                column: format!("v{i}"),
                found: excerpt(text),
                cure: "write a plain decimal such as 42397.23",
            })
        });
        Ok(StepLine {
            row,
            origin: UnixMillis::from_outside(origin)?,
            miner: miner.to_owned(),
            owner: owner.map(str::to_owned),
            step: usize::try_from(step).unwrap_or(0),
            values: values.collect::<Result<_, _>>()?,
        })
    }
}

fn number(column: &str, text: &str, cure: &'static str) -> Result<i64, ForecastFileFault> {
    text.parse().map_err(|_| ForecastFileFault::Cell {
        column: column.to_owned(),
        found: excerpt(text),
        cure,
    })
}

fn csv_error(file: &InputFile, fault: CsvFault) -> ForecastFileError {
    let path = file.path();
    match fault {
        CsvFault::Empty => ForecastFileError::new(path, ForecastFileFault::Empty),
        CsvFault::Io(error) => {
            ForecastFileError::new(path, ForecastFileFault::Input(file.fault(error)))
        }
        CsvFault::NotCsv { line, reason } => {
            let fault = ForecastFileFault::NotCsv(reason);
            ForecastFileError::at_row(path, RowPosition::Line(line), fault)
        }
    }
}
