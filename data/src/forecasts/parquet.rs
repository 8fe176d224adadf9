//! Forecasts files in Parquet, read from front to back, some row groups at once.
//!
//! Types are checked before anything is decoded.

use foretell_core::time::UnixMillis;
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};
use rayon::prelude::*;
use std::collections::VecDeque;

use super::batch::ForecastBatch;
use super::error::PARQUET_COLUMNS;
use super::error::{ForecastFileError, ForecastFileFault};
use super::row_group::{K, KIND, MINER, ORIGIN, RowGroups, VALUES};
use crate::excerpt::name_list;
use crate::input_file::InputFile;
use crate::parquet_file::{TimeScale, is_integer, is_number};

/// Row groups that are decoded side by side, if they are small.
const PARALLEL_GROUPS: usize = 2;
/// Bytes that they have together; a larger one is decoded alone.
const MAX_PARALLEL_BYTES: usize = 64 << 20;

/// A Parquet file, read from front to back.
pub(super) struct ParquetReader {
    groups: RowGroups,
    group: usize,
    decoded: VecDeque<Result<ForecastBatch, ForecastFileError>>,
    last_origin: Option<UnixMillis>,
}

impl ParquetReader {
    pub(super) fn open(input: &InputFile) -> Result<Self, ForecastFileError> {
        let groups = RowGroups::open(input)?;
        let refuse = |fault| ForecastFileError::new(input.path(), fault);
        check_schema(groups.schema()).map_err(refuse)?;
        if groups.rows() == 0 {
            return Err(refuse(ForecastFileFault::NoRows));
        }
        Ok(Self {
            groups,
            group: 0,
            decoded: VecDeque::new(),
            last_origin: None,
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<ForecastBatch>, ForecastFileError> {
        loop {
            if self.decoded.is_empty() {
                self.decode_more();
            }
            let Some(batch) = self.decoded.pop_front().transpose()? else {
                return Ok(None);
            };
            self.check_order(&batch)?;
            if !batch.headers.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    pub(super) fn origins(
        self,
        mut on_origin: impl FnMut(UnixMillis),
    ) -> Result<(), ForecastFileError> {
        let mut last = None;
        for group in 0..self.groups.count() {
            for origin in self.groups.origins(group)? {
                if last != Some(origin) {
                    on_origin(origin);
                    last = Some(origin);
                }
            }
        }
        Ok(())
    }

    /// Decodes the next groups, none at the end. An error of one comes after the groups before it.
    fn decode_more(&mut self) {
        let mut bytes = 0_usize;
        let fit = (self.group..self.groups.count())
            .take(PARALLEL_GROUPS)
            .take_while(|group| {
                bytes = bytes.saturating_add(self.groups.bytes(*group));
                *group == self.group || bytes <= MAX_PARALLEL_BYTES
            });
        let next: Vec<usize> = fit.collect();
        self.group += next.len();
        let decoded: Vec<_> = next
            .into_par_iter()
            .map(|group| self.groups.decode(group))
            .collect();
        self.decoded = decoded.into();
    }

    fn check_order(&mut self, batch: &ForecastBatch) -> Result<(), ForecastFileError> {
        for header in &batch.headers {
            if let Some(before) = self.last_origin.filter(|before| *before > header.origin) {
                let found = header.origin;
                let fault = ForecastFileFault::Unsorted { found, before };
                return Err(self.groups.error_at(header.row, fault));
            }
            self.last_origin = Some(header.origin);
        }
        Ok(())
    }
}

fn check_schema(schema: &ArrowSchema) -> Result<(), ForecastFileFault> {
    let dtype = |column: &str| schema.get(column).map(|field| &field.dtype);
    let needed = [ORIGIN, MINER, KIND, K, VALUES];
    let missing: Vec<String> = needed
        .iter()
        .filter(|column| dtype(column).is_none())
        .map(|column| (*column).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(ForecastFileFault::MissingColumns {
            missing,
            found: name_list(schema.iter_names().map(polars::prelude::PlSmallStr::as_str)),
            expected: PARQUET_COLUMNS,
        });
    }
    let check = |column, fits: &dyn Fn(&ArrowDataType) -> bool, expected| match dtype(column) {
        Some(found) if !fits(found) => Err(ForecastFileFault::ColumnType {
            column,
            found: format!("{found:?}"),
            expected,
        }),
        _ => Ok(()),
    };
    let is_time = |dtype: &ArrowDataType| TimeScale::of(dtype).is_some();
    check(ORIGIN, &is_time, "64-bit integers, unix milliseconds")?;
    check(MINER, &is_text, "plain strings")?;
    check(KIND, &is_text, "plain strings, quantiles or paths")?;
    check(K, &is_integer, "32-bit unsigned integers")?;
    check(
        VALUES,
        &is_list_of_numbers,
        "lists of 64-bit floats, all K values of step 1 first",
    )
}

const fn is_text(dtype: &ArrowDataType) -> bool {
    matches!(dtype, ArrowDataType::Utf8View)
}

fn is_list_of_numbers(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::List(inner) | ArrowDataType::LargeList(inner) => is_number(&inner.dtype),
        _ => false,
    }
}
