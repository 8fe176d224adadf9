//! The row groups of a forecasts file in Parquet, each decoded on its own.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::ArrowSchema;
use polars_buffer::Buffer;

use super::batch::{ForecastBatch, ForecastHeader};
use super::error::{ForecastFileError, ForecastFileFault};
use crate::file_position::RowPosition;
use crate::parquet_file::{ParquetFault, ParquetFile};

pub(super) const ORIGIN: &str = "origin_ms";
pub(super) const MINER: &str = "miner";
pub(super) const KIND: &str = "kind";
pub(super) const K: &str = "k";
pub(super) const VALUES: &str = "values";
pub(super) const OWNER: &str = "owner";

/// An open file, and its path for messages.
pub(super) struct RowGroups {
    path: PathBuf,
    file: ParquetFile,
}

impl RowGroups {
    pub(super) fn open(path: &Path) -> Result<Self, ForecastFileError> {
        Ok(Self {
            file: ParquetFile::open(path).map_err(|fault| file_error(path, fault))?,
            path: path.to_owned(),
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
        ForecastFileError::at_row(&self.path, row, fault)
    }

    /// A group's origins in unix milliseconds; decodes no other column.
    pub(super) fn origins(&self, group: usize) -> Result<Vec<UnixMillis>, ForecastFileError> {
        let rows_before = self.file.rows_before(group);
        let origin = |(i, origin): (usize, i64)| {
            UnixMillis::try_from(origin).map_err(|_| {
                let fault = ForecastFileFault::Cell {
                    column: ORIGIN.to_owned(),
                    found: origin.to_string(),
                    cure: "write unix milliseconds such as 1704067200000",
                };
                self.error_at(RowPosition::Row(rows_before + i + 1), fault)
            })
        };
        let origins = self.integers(group, ORIGIN)?;
        origins.into_iter().enumerate().map(origin).collect()
    }

    /// All of a group's forecasts; whether their origins are in order isn't looked at.
    pub(super) fn decode(&self, group: usize) -> Result<ForecastBatch, ForecastFileError> {
        let origins = self.origins(group)?;
        let ks = self.integers(group, K)?;
        let mut names = StringInterner::default();
        let miners = self.string_column(group, MINER)?;
        let kinds = self.string_column(group, KIND)?;
        let owners = match self.schema().get(OWNER) {
            Some(_) => Some(self.string_column(group, OWNER)?),
            None => None,
        };
        let (values, ranges) = self.lists(group)?;
        let mut headers = Vec::with_capacity(ranges.len());
        for (i, values) in ranges.into_iter().enumerate() {
            let row = RowPosition::Row(self.file.rows_before(group) + i + 1);
            let cell = |column: &str, found: String, cure| {
                let column = column.to_owned();
                self.error_at(
                    row,
                    ForecastFileFault::Cell {
                        column,
                        found,
                        cure,
                    },
                )
            };
            let miner = miners.get(i).filter(|name| !name.is_empty());
            let miner =
                miner.ok_or_else(|| cell(MINER, String::new(), "write the miner's name"))?;
            let kind = match kinds.get(i) {
                Some("quantiles") => ForecastKind::Quantiles,
                Some("paths") => ForecastKind::Paths,
                other => {
                    let found = other.unwrap_or_default().to_owned();
                    let cure = "write quantiles (a point is k = 1) or paths";
                    return Err(cell(KIND, found, cure));
                }
            };
            let k = usize::try_from(ks[i]).map_err(|_| {
                let cure = "write the number of values at each step";
                cell(K, ks[i].to_string(), cure)
            })?;
            let owner = owners.as_ref().and_then(|owners| owners.get(i));
            headers.push(ForecastHeader {
                row,
                origin: origins[i],
                miner: names.intern(miner),
                owner: owner
                    .filter(|owner| !owner.is_empty())
                    .map(|owner| names.intern(owner)),
                kind,
                k,
                values,
            });
        }
        Ok(ForecastBatch {
            values,
            headers,
            names: names.list,
        })
    }

    /// The values of a column of integers; none may be null.
    fn integers(&self, group: usize, column: &'static str) -> Result<Vec<i64>, ForecastFileError> {
        let mut integers = Vec::new();
        for array in self.arrays(group, column)? {
            let nulls = array.null_count();
            let appended = append_integers::<i64>(&*array, &mut integers)
                || append_integers::<i32>(&*array, &mut integers)
                || append_integers::<u32>(&*array, &mut integers);
            if !appended || nulls > 0 {
                let fault = ForecastFileFault::Cell {
                    column: column.to_owned(),
                    found: "null".to_owned(),
                    cure: "give every row a number",
                };
                return Err(ForecastFileError::new(&self.path, fault));
            }
        }
        Ok(integers)
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
            if let Some(doubles) = inner.as_any().downcast_ref::<PrimitiveArray<f64>>() {
                parts.push(if doubles.null_count() == 0 {
                    doubles.values().clone()
                } else {
                    let values = doubles.iter();
                    values
                        .map(|value| value.copied().unwrap_or(f64::NAN))
                        .collect()
                });
            }
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
        arrays.map_err(|fault| file_error(&self.path, fault))
    }
}

fn file_error(path: &Path, fault: ParquetFault) -> ForecastFileError {
    match fault {
        ParquetFault::Io(source) => ForecastFileError::unreadable(path, source),
        ParquetFault::Malformed(reason) => {
            ForecastFileError::new(path, ForecastFileFault::NotParquet(reason))
        }
    }
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

/// Strings, each held once and known by its index.
#[derive(Default)]
struct StringInterner {
    list: Vec<String>,
    indices: HashMap<String, usize>,
}

impl StringInterner {
    fn intern(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        self.indices.insert(name.to_owned(), self.list.len());
        self.list.push(name.to_owned());
        self.list.len() - 1
    }
}

/// Appends the array's integers if it holds integers of type `T`.
fn append_integers<T>(array: &dyn Array, to: &mut Vec<i64>) -> bool
where
    T: polars_arrow::types::NativeType + Into<i64>,
{
    let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<T>>() else {
        return false;
    };
    to.extend(array.values().iter().map(|value| (*value).into()));
    true
}
