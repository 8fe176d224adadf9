//! The row groups of a forecasts file in Parquet, each decoded on its own.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};
use polars_buffer::Buffer;

use super::batch::{ForecastBatch, ForecastHeader};
use super::error::{ForecastFileError, ForecastFileFault};
use super::miner_name::{MinerName, MinerNameError, check_owner};
use crate::excerpt::excerpt;
use crate::file_position::RowPosition;
use crate::input_file::InputFile;
use crate::parquet_file::{Number, ParquetFault, ParquetFile, TimeScale, append_numbers};

pub(super) const ORIGIN: &str = "origin_ms";
pub(super) const MINER: &str = "miner";
pub(super) const KIND: &str = "kind";
pub(super) const K: &str = "k";
pub(super) const VALUES: &str = "values";
pub(super) const OWNER: &str = "owner";

/// An open file, and its path for messages.
pub(super) struct RowGroups {
    input: InputFile,
    file: ParquetFile,
}

impl RowGroups {
    pub(super) fn open(input: &InputFile) -> Result<Self, ForecastFileError> {
        Ok(Self {
            file: ParquetFile::open(input).map_err(|fault| file_error(input.path(), fault))?,
            input: input.clone(),
        })
    }

    pub(super) fn schema(&self) -> &ArrowSchema {
        self.file.schema()
    }

    /// Number of row groups.
    pub(super) const fn count(&self) -> usize {
        self.file.row_groups()
    }

    /// Number of rows of the whole file.
    pub(super) const fn rows(&self) -> usize {
        self.file.rows()
    }

    /// Size of a row group in bytes, uncompressed.
    pub(super) fn bytes(&self, group: usize) -> usize {
        self.file.uncompressed_bytes(group)
    }

    /// The error that this row has this fault.
    pub(super) fn error_at(&self, row: RowPosition, fault: ForecastFileFault) -> ForecastFileError {
        ForecastFileError::at_row(self.input.path(), row, fault)
    }

    /// A group's origins; decodes no other column.
    pub(super) fn origins(&self, group: usize) -> Result<Vec<UnixMillis>, ForecastFileError> {
        let dtype = self.schema().get(ORIGIN).map(|field| &field.dtype);
        let scale = dtype.and_then(TimeScale::of).unwrap_or(TimeScale::Millis);
        let parse = |cell| {
            let count = integer(ORIGIN, cell)?;
            let millis = scale.millis(count).ok_or_else(|| ForecastFileFault::Cell {
                column: ORIGIN.to_owned(),
                found: count.to_string(),
                cure: "write whole milliseconds",
            })?;
            Ok(UnixMillis::from_outside(millis)?)
        };
        self.numbers(group, ORIGIN, parse)
    }

    /// All of a group's forecasts; whether their origins are in order isn't looked at.
    pub(super) fn decode(&self, group: usize) -> Result<ForecastBatch, ForecastFileError> {
        let origins = self.origins(group)?;
        let ks = self.numbers(group, K, |cell| {
            let k = integer(K, cell)?;
            usize::try_from(k).map_err(|_| ForecastFileFault::Cell {
                column: K.to_owned(),
                found: k.to_string(),
                cure: "write the number of values at each step",
            })
        })?;
        let mut names = StringInterner::default();
        let miners = self.string_column(group, MINER)?;
        let kinds = self.string_column(group, KIND)?;
        let owners = self.owners(group)?;
        let (values, ranges) = self.lists(group)?;
        let mut headers = Vec::with_capacity(ranges.len());
        let rows = origins.into_iter().zip(ks).zip(ranges);
        for (i, ((origin, k), values)) in rows.enumerate() {
            let row = self.row(group, i);
            let refuse = |fault| self.error_at(row, fault);
            let kind = match kinds.get(i) {
                Some("quantiles") => ForecastKind::Quantiles,
                Some("paths") => ForecastKind::Paths,
                other => {
                    return Err(refuse(ForecastFileFault::Cell {
                        column: KIND.to_owned(),
                        found: excerpt(other.unwrap_or_default()),
                        cure: "write quantiles (a point is k = 1) or paths",
                    }));
                }
            };
            let owner = owners.as_ref().and_then(|owners| owners.get(i));
            let owner = owner.filter(|owner| !owner.is_empty());
            headers.push(ForecastHeader {
                row,
                origin,
                miner: names
                    .intern_miner(miners.get(i).unwrap_or_default())
                    .map_err(refuse)?,
                owner: owner
                    .map(|owner| names.intern_owner(owner))
                    .transpose()
                    .map_err(refuse)?,
                kind,
                k,
                // A list has no steps of its own.
                uneven: None,
                values,
            });
        }
        Ok(ForecastBatch {
            values,
            headers,
            names: names.list,
        })
    }

    /// A column of numbers, each parsed; the first that can't be is named with its row.
    fn numbers<T>(
        &self,
        group: usize,
        column: &'static str,
        parse: impl Fn(Number) -> Result<T, ForecastFileFault>,
    ) -> Result<Vec<T>, ForecastFileError> {
        let numbers = self.file.numbers(group, column);
        let numbers = numbers.map_err(|fault| file_error(self.input.path(), fault))?;
        let parse_row =
            |(i, cell)| parse(cell).map_err(|fault| self.error_at(self.row(group, i), fault));
        numbers.into_iter().enumerate().map(parse_row).collect()
    }

    fn row(&self, group: usize, index: usize) -> RowPosition {
        RowPosition::Row(self.file.rows_before(group) + index + 1)
    }

    /// The owners of a group; `None` without such a column, and of one that holds nothing but nulls, of whatever type.
    fn owners(&self, group: usize) -> Result<Option<StringColumn>, ForecastFileError> {
        let Some(field) = self.schema().get(OWNER) else {
            return Ok(None);
        };
        if matches!(field.dtype, ArrowDataType::Utf8View) {
            return self.string_column(group, OWNER).map(Some);
        }
        let arrays = self.arrays(group, OWNER)?;
        if arrays.iter().all(|array| array.null_count() == array.len()) {
            return Ok(None);
        }
        let fault = ForecastFileFault::ColumnType {
            column: OWNER,
            found: format!("{:?}", field.dtype),
            expected: "plain strings",
        };
        Err(ForecastFileError::new(self.input.path(), fault))
    }

    fn string_column(
        &self,
        group: usize,
        column: &'static str,
    ) -> Result<StringColumn, ForecastFileError> {
        let arrays = self.arrays(group, column)?;
        let views = arrays.into_iter().filter_map(|array| {
            let array = array.as_any().downcast_ref::<Utf8ViewArray>()?;
            Some(array.clone())
        });
        Ok(StringColumn {
            arrays: views.collect(),
        })
    }

    /// All lists' values, nulls as NaN, and the place of each list there.
    fn lists(&self, group: usize) -> Result<(Buffer<f64>, Vec<Range<usize>>), ForecastFileError> {
        let mut ranges = Vec::new();
        let mut parts = Vec::new();
        let mut start = 0;
        for array in self.arrays(group, VALUES)? {
            let (lengths, inner): (Vec<usize>, &dyn Array) =
                if let Some(list) = array.as_any().downcast_ref::<ListArray<i64>>() {
                    (list.offsets().lengths().collect(), list.values().as_ref())
                } else if let Some(list) = array.as_any().downcast_ref::<ListArray<i32>>() {
                    (list.offsets().lengths().collect(), list.values().as_ref())
                } else {
                    continue;
                };
            parts.push(doubles(inner).map_err(|fault| file_error(self.input.path(), fault))?);
            for length in lengths {
                ranges.push(start..start + length);
                start += length;
            }
        }
        let values = if let [_] = parts.as_slice() {
            parts.remove(0)
        } else {
            parts.iter().flat_map(|part| part.iter().copied()).collect()
        };
        Ok((values, ranges))
    }

    fn arrays(
        &self,
        group: usize,
        column: &'static str,
    ) -> Result<Vec<Box<dyn Array>>, ForecastFileError> {
        let arrays = self.file.column(group, column);
        arrays.map_err(|fault| file_error(self.input.path(), fault))
    }
}

fn file_error(path: &Path, fault: ParquetFault) -> ForecastFileError {
    match fault {
        ParquetFault::Input(fault) => ForecastFileError::new(path, ForecastFileFault::Input(fault)),
        ParquetFault::Malformed(reason) => {
            ForecastFileError::new(path, ForecastFileFault::NotParquet(reason))
        }
        ParquetFault::DuplicateColumn(name) => {
            ForecastFileError::new(path, ForecastFileFault::DuplicateColumn(name))
        }
    }
}

/// A cell that must hold a whole number.
fn integer(column: &str, cell: Number) -> Result<i128, ForecastFileFault> {
    match cell {
        Number::Integer(n) => Ok(n),
        Number::Null | Number::Float(_) => Err(ForecastFileFault::Cell {
            column: column.to_owned(),
            found: cell.to_string(),
            cure: "give every row a whole number",
        }),
    }
}

/// Numbers of any width as doubles, nulls as NaN: where they were decoded, if they are doubles already.
fn doubles(array: &dyn Array) -> Result<Buffer<f64>, ParquetFault> {
    let doubles = array.as_any().downcast_ref::<PrimitiveArray<f64>>();
    if let Some(doubles) = doubles.filter(|doubles| doubles.null_count() == 0) {
        return Ok(doubles.values().clone());
    }
    let mut numbers = Vec::new();
    append_numbers(array, VALUES, &mut numbers)?;
    let doubles = numbers.into_iter().map(|number| match number {
        Number::Null => f64::NAN,
        Number::Float(x) => x,
        Number::Integer(n) => n as f64,
    });
    Ok(doubles.collect())
}

/// A column of strings of one row group.
struct StringColumn {
    arrays: Vec<Utf8ViewArray>,
}

impl StringColumn {
    /// The string of this row of the group; `None` for a null.
    fn get(&self, mut row: usize) -> Option<&str> {
        for array in &self.arrays {
            if row < array.len() {
                return array.get(row);
            }
            row -= array.len();
        }
        None
    }
}

/// Names, each held once and known by its index.
#[derive(Default)]
struct StringInterner {
    list: Vec<String>,
    miners: HashMap<String, usize>,
    owners: HashMap<String, usize>,
}

impl StringInterner {
    /// The index of a miner's name, which is checked when it is met for the first time.
    fn intern_miner(&mut self, name: &str) -> Result<usize, ForecastFileFault> {
        if let Some(index) = self.miners.get(name) {
            return Ok(*index);
        }
        let checked = name.parse::<MinerName>().map(drop);
        checked.map_err(|why| refused(MINER, name, why))?;
        self.miners.insert(name.to_owned(), self.list.len());
        self.list.push(name.to_owned());
        Ok(self.list.len() - 1)
    }

    /// The same of an owner, who may be called what no miner may.
    fn intern_owner(&mut self, name: &str) -> Result<usize, ForecastFileFault> {
        if let Some(index) = self.owners.get(name) {
            return Ok(*index);
        }
        check_owner(name).map_err(|why| refused(OWNER, name, why))?;
        self.owners.insert(name.to_owned(), self.list.len());
        self.list.push(name.to_owned());
        Ok(self.list.len() - 1)
    }
}

fn refused(column: &'static str, name: &str, why: MinerNameError) -> ForecastFileFault {
    ForecastFileFault::Name {
        column,
        found: excerpt(name),
        why,
    }
}
