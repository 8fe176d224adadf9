//! Forecasts files in Parquet, one row group after the other.
//!
//! The file is not mapped: each row group's columns are read with plain reads and then decoded by polars' own
//! decoder, so memory holds one row group whatever the file's length, and a file that is cut short meanwhile is an
//! error and no crash. Types are checked before anything is decoded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use foretell_core::forecast::Kind;
use foretell_core::time::UnixMillis;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchemaRef, Field};
use polars_buffer::Buffer;
use polars_io::parquet::read::_internal::to_deserializer;
use polars_parquet::read::{FileMetadata, infer_schema, read_metadata};

use super::batch::{Batch, Head};
use super::error::PARQUET_COLUMNS;
use super::{ForecastFault, ForecastFileError, open};
use crate::error::Row;

/// A Parquet file, read from front to back.
pub(super) struct ParquetReader {
    path: PathBuf,
    file: File,
    metadata: FileMetadata,
    schema: ArrowSchemaRef,
    group: usize,
    rows: u64,
    last: Option<UnixMillis>,
}

const ORIGIN: &str = "origin_ms";
const MINER: &str = "miner";
const KIND: &str = "kind";
const K: &str = "k";
const VALUES: &str = "values";
const OWNER: &str = "owner";

impl ParquetReader {
    pub(super) fn open(path: &Path) -> Result<Self, ForecastFileError> {
        let mut file = open(path)?;
        let broken = |error: &dyn ToString| {
            ForecastFileError::of(path, ForecastFault::NotParquet(error.to_string()))
        };
        let metadata = read_metadata(&mut file).map_err(|error| broken(&error))?;
        let schema = infer_schema(&metadata).map_err(|error| broken(&error))?;
        let reader = Self {
            path: path.to_owned(),
            file,
            schema: schema.into(),
            group: 0,
            rows: 0,
            last: None,
            metadata,
        };
        reader
            .check_schema()
            .map_err(|fault| ForecastFileError::of(path, fault))?;
        if reader.metadata.num_rows == 0 {
            return Err(ForecastFileError::of(path, ForecastFault::NoRows));
        }
        Ok(reader)
    }

    pub(super) fn next(&mut self) -> Result<Option<Batch>, ForecastFileError> {
        while self.group < self.metadata.row_groups.len() {
            let batch = self.decode(self.group)?;
            self.rows += self.metadata.row_groups[self.group].num_rows() as u64;
            self.group += 1;
            if !batch.heads.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    pub(super) fn origins(
        mut self,
        mut see: impl FnMut(UnixMillis),
    ) -> Result<(), ForecastFileError> {
        let mut last = None;
        for group in 0..self.metadata.row_groups.len() {
            for origin in self.integers(group, ORIGIN)? {
                if last != Some(origin) {
                    see(UnixMillis(origin));
                    last = Some(origin);
                }
            }
        }
        Ok(())
    }

    fn check_schema(&self) -> Result<(), ForecastFault> {
        let dtype = |column: &str| self.schema.get(column).map(|field| &field.dtype);
        let needed = [ORIGIN, MINER, KIND, K, VALUES];
        let missing: Vec<String> = needed
            .iter()
            .filter(|column| dtype(column).is_none())
            .map(|column| (*column).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(ForecastFault::MissingColumns {
                missing,
                found: self.schema.iter_names().map(ToString::to_string).collect(),
                wanted: PARQUET_COLUMNS,
            });
        }
        let expect = |column, fits: fn(&ArrowDataType) -> bool, wanted| match dtype(column) {
            Some(found) if !fits(found) => Err(ForecastFault::ColumnType {
                column,
                found: format!("{found:?}"),
                wanted,
            }),
            _ => Ok(()),
        };
        expect(ORIGIN, is_integer, "64-bit integers, unix milliseconds")?;
        expect(MINER, is_text, "plain strings")?;
        expect(KIND, is_text, "plain strings, quantiles or paths")?;
        expect(K, is_integer, "32-bit unsigned integers")?;
        expect(
            VALUES,
            is_list_of_doubles,
            "lists of 64-bit floats, all K values of step 1 first",
        )?;
        expect(OWNER, is_text, "plain strings")
    }

    fn decode(&mut self, group: usize) -> Result<Batch, ForecastFileError> {
        let origins = self.integers(group, ORIGIN)?;
        let ks = self.integers(group, K)?;
        let mut names = Names::default();
        let miners = self.texts(group, MINER)?;
        let kinds = self.texts(group, KIND)?;
        let owners = match self.schema.get(OWNER) {
            Some(_) => Some(self.texts(group, OWNER)?),
            None => None,
        };
        let mut batch = Batch::default();
        let lists = self.lists(group, &mut batch.values)?;
        for (i, values) in lists.into_iter().enumerate() {
            let row = Row::Number((self.rows + i as u64 + 1) as usize);
            let refuse = |fault| ForecastFileError::at(&self.path, row, fault);
            let cell = |column: &str, found: String, cure| {
                refuse(ForecastFault::Cell {
                    column: column.to_owned(),
                    found,
                    cure,
                })
            };
            let origin = UnixMillis(origins[i]);
            if let Some(before) = self.last.filter(|before| *before > origin) {
                return Err(refuse(ForecastFault::Unsorted {
                    found: origin,
                    before,
                }));
            }
            self.last = Some(origin);
            let miner = miners.get(i).filter(|name| !name.is_empty());
            let miner =
                miner.ok_or_else(|| cell(MINER, String::new(), "write the miner's name"))?;
            let kind = match kinds.get(i) {
                Some("quantiles") => Kind::Quantiles,
                Some("paths") => Kind::Paths,
                other => {
                    let found = other.unwrap_or_default().to_owned();
                    return Err(cell(
                        KIND,
                        found,
                        "write quantiles (a point is k = 1) or paths",
                    ));
                }
            };
            let k = usize::try_from(ks[i]).map_err(|_| {
                cell(
                    K,
                    ks[i].to_string(),
                    "write the number of values at each step",
                )
            })?;
            batch.heads.push(Head {
                row,
                origin,
                miner: names.place(miner),
                owner: owners
                    .as_ref()
                    .and_then(|owners| owners.get(i))
                    .filter(|owner| !owner.is_empty())
                    .map(|owner| names.place(owner)),
                kind,
                k,
                values,
            });
        }
        batch.names = names.list;
        Ok(batch)
    }

    /// The values of a column of integers; none may be null.
    fn integers(
        &mut self,
        group: usize,
        column: &'static str,
    ) -> Result<Vec<i64>, ForecastFileError> {
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

    fn texts(&mut self, group: usize, column: &'static str) -> Result<Texts, ForecastFileError> {
        let arrays = self.arrays(group, column)?;
        let views = arrays.into_iter().filter_map(|array| {
            let array = array.as_any().downcast_ref::<Utf8ViewArray>()?;
            Some(array.clone())
        });
        Ok(Texts {
            arrays: views.collect(),
        })
    }

    /// Appends all lists' values to `values`, and gives the place of each list there; nulls become NaN.
    fn lists(
        &mut self,
        group: usize,
        values: &mut Vec<f64>,
    ) -> Result<Vec<std::ops::Range<usize>>, ForecastFileError> {
        let mut places = Vec::new();
        for array in self.arrays(group, VALUES)? {
            let (lengths, inner): (Vec<usize>, &dyn Array) =
                if let Some(list) = array.as_any().downcast_ref::<ListArray<i64>>() {
                    (list.offsets().lengths().collect(), list.values().as_ref())
                } else if let Some(list) = array.as_any().downcast_ref::<ListArray<i32>>() {
                    (list.offsets().lengths().collect(), list.values().as_ref())
                } else {
                    continue;
                };
            let mut start = values.len();
            if let Some(doubles) = inner.as_any().downcast_ref::<PrimitiveArray<f64>>() {
                if doubles.null_count() == 0 {
                    values.extend_from_slice(doubles.values());
                } else {
                    values.extend(
                        doubles
                            .iter()
                            .map(|value| value.copied().unwrap_or(f64::NAN)),
                    );
                }
            }
            for length in lengths {
                places.push(start..start + length);
                start += length;
            }
        }
        Ok(places)
    }

    /// A column of a row group.
    fn arrays(
        &mut self,
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
            let mut bytes = Vec::new();
            self.file
                .seek(SeekFrom::Start(range.start))
                .and_then(|_| {
                    (&mut self.file)
                        .take(range.end - range.start)
                        .read_to_end(&mut bytes)
                })
                .map_err(|source| super::unreadable(&self.path, source))?;
            if (bytes.len() as u64) < range.end - range.start {
                return Err(broken("it ends in the middle of a row group".to_owned()));
            }
            read.push((chunk, Buffer::from(bytes)));
        }
        let field: Field = field.clone();
        let (arrays, _) =
            to_deserializer(read, field, None).map_err(|error| broken(error.to_string()))?;
        Ok(arrays)
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
    places: std::collections::HashMap<String, usize>,
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

const fn is_integer(dtype: &ArrowDataType) -> bool {
    matches!(
        dtype,
        ArrowDataType::Int64 | ArrowDataType::Int32 | ArrowDataType::UInt32
    )
}

const fn is_text(dtype: &ArrowDataType) -> bool {
    matches!(dtype, ArrowDataType::Utf8View)
}

fn is_list_of_doubles(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::List(inner) | ArrowDataType::LargeList(inner) => {
            matches!(inner.dtype, ArrowDataType::Float64)
        }
        _ => false,
    }
}
