//! The row groups of a forecasts file in Parquet, each decoded on its own.
//!
//! The file is not mapped: a row group's columns are read with plain reads and then decoded by polars' own decoder, so
//! memory holds a row group whatever the file's length, and a file that is cut short meanwhile is an error and no crash.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use foretell_core::forecast::Kind;
use foretell_core::time::UnixMillis;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowSchema, ArrowSchemaRef};
use polars_buffer::Buffer;
use polars_io::parquet::read::_internal::to_deserializer;
use polars_parquet::read::{FileMetadata, infer_schema, read_metadata};

use super::batch::{Batch, Head};
use super::{ForecastFault, ForecastFileError, open};
use crate::error::Row;

pub(super) const ORIGIN: &str = "origin_ms";
pub(super) const MINER: &str = "miner";
pub(super) const KIND: &str = "kind";
pub(super) const K: &str = "k";
pub(super) const VALUES: &str = "values";
pub(super) const OWNER: &str = "owner";

/// An open file and where its row groups are.
pub(super) struct RowGroups {
    path: PathBuf,
    file: File,
    length: u64,
    metadata: FileMetadata,
    schema: ArrowSchemaRef,
    /// Rows before each group.
    before: Vec<usize>,
}

impl RowGroups {
    pub(super) fn open(path: &Path) -> Result<Self, ForecastFileError> {
        let mut file = open(path)?;
        let broken = |error: &dyn ToString| {
            ForecastFileError::of(path, ForecastFault::NotParquet(error.to_string()))
        };
        let length = file.metadata();
        let length = length.map_err(|source| super::unreadable(path, source))?;
        let metadata = read_metadata(&mut file).map_err(|error| broken(&error))?;
        let schema = infer_schema(&metadata).map_err(|error| broken(&error))?;
        let before = metadata.row_groups.iter().scan(0, |rows, group| {
            let before = *rows;
            *rows += group.num_rows();
            Some(before)
        });
        Ok(Self {
            path: path.to_owned(),
            file,
            length: length.len(),
            schema: schema.into(),
            before: before.collect(),
            metadata,
        })
    }

    pub(super) fn schema(&self) -> &ArrowSchema {
        &self.schema
    }

    /// How many groups there are.
    pub(super) const fn count(&self) -> usize {
        self.metadata.row_groups.len()
    }

    /// Rows of the whole file.
    pub(super) const fn rows(&self) -> usize {
        self.metadata.num_rows
    }

    /// Bytes of a group's columns, uncompressed.
    pub(super) fn bytes(&self, group: usize) -> usize {
        self.metadata.row_groups[group].total_byte_size()
    }

    /// The error that this row has this fault.
    pub(super) fn refused(&self, row: Row, fault: ForecastFault) -> ForecastFileError {
        ForecastFileError::at(&self.path, row, fault)
    }

    /// A group's origins in unix milliseconds; decodes no other column.
    pub(super) fn origins(&self, group: usize) -> Result<Vec<i64>, ForecastFileError> {
        self.integers(group, ORIGIN)
    }

    /// All of a group's forecasts; whether their origins are in order isn't looked at.
    pub(super) fn decode(&self, group: usize) -> Result<Batch, ForecastFileError> {
        let origins = self.origins(group)?;
        let ks = self.integers(group, K)?;
        let mut names = Names::default();
        let miners = self.texts(group, MINER)?;
        let kinds = self.texts(group, KIND)?;
        let owners = match self.schema.get(OWNER) {
            Some(_) => Some(self.texts(group, OWNER)?),
            None => None,
        };
        let (values, places) = self.lists(group)?;
        let mut heads = Vec::with_capacity(places.len());
        for (i, values) in places.into_iter().enumerate() {
            let row = Row::Number(self.before[group] + i + 1);
            let cell = |column: &str, found: String, cure| {
                let column = column.to_owned();
                self.refused(
                    row,
                    ForecastFault::Cell {
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
                Some("quantiles") => Kind::Quantiles,
                Some("paths") => Kind::Paths,
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
            heads.push(Head {
                row,
                origin: UnixMillis(origins[i]),
                miner: names.place(miner),
                owner: owner
                    .filter(|owner| !owner.is_empty())
                    .map(|owner| names.place(owner)),
                kind,
                k,
                values,
            });
        }
        Ok(Batch {
            values,
            heads,
            names: names.list,
        })
    }

    /// The values of a column of integers; none may be null.
    fn integers(&self, group: usize, column: &'static str) -> Result<Vec<i64>, ForecastFileError> {
        let mut integers = Vec::new();
        for array in self.arrays(group, column)? {
            let nulls = array.null_count();
            let taken = taken::<i64>(&*array, &mut integers)
                || taken::<i32>(&*array, &mut integers)
                || taken::<u32>(&*array, &mut integers);
            if !taken || nulls > 0 {
                let fault = ForecastFault::Cell {
                    column: column.to_owned(),
                    found: "null".to_owned(),
                    cure: "give every row a number",
                };
                return Err(ForecastFileError::of(&self.path, fault));
            }
        }
        Ok(integers)
    }

    fn texts(&self, group: usize, column: &'static str) -> Result<Texts, ForecastFileError> {
        let arrays = self.arrays(group, column)?;
        let views = arrays.into_iter().filter_map(|array| {
            let array = array.as_any().downcast_ref::<Utf8ViewArray>()?;
            Some(array.clone())
        });
        Ok(Texts {
            arrays: views.collect(),
        })
    }

    /// All lists' values, nulls as NaN, and the place of each list there.
    fn lists(&self, group: usize) -> Result<(Buffer<f64>, Vec<Range<usize>>), ForecastFileError> {
        let mut places = Vec::new();
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
                places.push(start..start + length);
                start += length;
            }
        }
        let values = if let [_] = parts.as_slice() {
            parts.remove(0)
        } else {
            parts.iter().flat_map(|part| part.iter().copied()).collect()
        };
        Ok((values, places))
    }

    /// A column of a row group.
    fn arrays(
        &self,
        group: usize,
        column: &'static str,
    ) -> Result<Vec<Box<dyn Array>>, ForecastFileError> {
        let broken =
            |reason: String| ForecastFileError::of(&self.path, ForecastFault::NotParquet(reason));
        let Some(field) = self.schema.get(column) else {
            return Ok(Vec::new());
        };
        let Some(chunks) = self.metadata.row_groups[group].columns_under_root_iter(column) else {
            return Err(broken(format!("row group {group} has no column {column}")));
        };
        let mut read = Vec::new();
        for chunk in chunks {
            let range = chunk.byte_range();
            let bytes = self.bytes_at(range)?;
            read.push((chunk, Buffer::from(bytes)));
        }
        let (arrays, _) = to_deserializer(read, field.clone(), None)
            .map_err(|error| broken(error.to_string()))?;
        Ok(arrays)
    }

    fn bytes_at(&self, range: Range<u64>) -> Result<Vec<u8>, ForecastFileError> {
        let cut = || {
            let reason = "it ends in the middle of a row group".to_owned();
            ForecastFileError::of(&self.path, ForecastFault::NotParquet(reason))
        };
        // Before room is made for what isn't there.
        if !(range.start..=self.length).contains(&range.end) {
            return Err(cut());
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes),
            Err(source) if source.kind() == ErrorKind::UnexpectedEof => Err(cut()),
            Err(source) => Err(super::unreadable(&self.path, source)),
        }
    }
}

/// A column of strings.
struct Texts {
    arrays: Vec<Utf8ViewArray>,
}

impl Texts {
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

/// Strings, each once.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.places.insert(name.to_owned(), self.list.len());
        self.list.push(name.to_owned());
        self.list.len() - 1
    }
}

/// Appends the array's integers if it holds integers of type `T`.
fn taken<T>(array: &dyn Array, to: &mut Vec<i64>) -> bool
where
    T: polars_arrow::types::NativeType + Into<i64>,
{
    let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<T>>() else {
        return false;
    };
    to.extend(array.values().iter().map(|value| (*value).into()));
    true
}
