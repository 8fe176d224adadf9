//! A Parquet file, read one column of one row group at a time.
//!
//! The file is not mapped: columns are read with plain reads and then decoded by polars' own decoder, so memory holds
//! what was asked for whatever the file's length, and a file that is cut short meanwhile is an error and no crash.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::{ArrowSchema, ArrowSchemaRef};
use polars_arrow::types::NativeType;
use polars_buffer::Buffer;
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, PageReader, column_iter_to_arrays, infer_schema, read_metadata,
};

/// An open file: its schema, and where its row groups are.
pub(crate) struct ParquetFile {
    file: File,
    length: u64,
    metadata: FileMetadata,
    schema: ArrowSchemaRef,
    rows_before: Vec<usize>,
}

/// Why a file, or a part of it, can't be read.
#[derive(Debug)]
pub(crate) enum ParquetFault {
    /// The system doesn't let us read it.
    Io(io::Error),
    /// It is no Parquet file, or a damaged one.
    Malformed(String),
}

/// A cell of a column of integers or floats, whatever their width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Null,
    Integer(i128),
    Float(f64),
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, ParquetFault> {
        let mut file = File::open(path).map_err(ParquetFault::Io)?;
        let length = file.metadata().map_err(ParquetFault::Io)?.len();
        let metadata = read_metadata(&mut file).map_err(|error| malformed(&error))?;
        let schema = infer_schema(&metadata).map_err(|error| malformed(&error))?;
        let rows_before = metadata.row_groups.iter().scan(0, |rows, group| {
            let before = *rows;
            *rows += group.num_rows();
            Some(before)
        });
        Ok(Self {
            file,
            length,
            schema: schema.into(),
            rows_before: rows_before.collect(),
            metadata,
        })
    }

    pub(crate) fn schema(&self) -> &ArrowSchema {
        &self.schema
    }

    pub(crate) const fn row_groups(&self) -> usize {
        self.metadata.row_groups.len()
    }

    /// Number of rows of the whole file.
    pub(crate) const fn rows(&self) -> usize {
        self.metadata.num_rows
    }

    /// Number of rows in the groups before this one.
    pub(crate) fn rows_before(&self, group: usize) -> usize {
        self.rows_before[group]
    }

    /// Size of a row group in bytes, uncompressed.
    pub(crate) fn uncompressed_bytes(&self, group: usize) -> usize {
        self.metadata.row_groups[group].total_byte_size()
    }

    /// A column of a row group; empty if the file has no such column.
    pub(crate) fn column(
        &self,
        group: usize,
        name: &str,
    ) -> Result<Vec<Box<dyn Array>>, ParquetFault> {
        let Some(field) = self.schema.get(name) else {
            return Ok(Vec::new());
        };
        let Some(chunks) = self.metadata.row_groups[group].columns_under_root_iter(name) else {
            let missing = format!("row group {group} has no column {name}");
            return Err(ParquetFault::Malformed(missing));
        };
        let (mut pages, mut types) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let bytes = Buffer::from(self.bytes_at(chunk.byte_range())?);
            let reader = PageReader::new(Cursor::new(bytes), chunk, Vec::new(), usize::MAX);
            pages.push(BasicDecompressor::new(reader, Vec::new()));
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        let (arrays, _) = column_iter_to_arrays(pages, types, field.clone(), None)
            .map_err(|error| malformed(&error))?;
        Ok(arrays)
    }

    /// A column of all row groups, if it holds numbers; what holds none ends it.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<Number>, ParquetFault> {
        let mut numbers = Vec::with_capacity(self.rows());
        for group in 0..self.row_groups() {
            for array in self.column(group, name)? {
                let array = &*array;
                let appended =
                    append_numbers(array, &mut numbers, |n: i64| Number::Integer(n.into()))
                        || append_numbers(array, &mut numbers, Number::Float)
                        || append_numbers(array, &mut numbers, |n: i32| Number::Integer(n.into()))
                        || append_numbers(array, &mut numbers, |n: u32| Number::Integer(n.into()))
                        || append_numbers(array, &mut numbers, |n: u64| Number::Integer(n.into()))
                        || append_numbers(array, &mut numbers, |x: f32| Number::Float(x.into()));
                if !appended {
                    let found = format!("column {name} holds {:?}", array.dtype());
                    return Err(ParquetFault::Malformed(found));
                }
            }
        }
        Ok(numbers)
    }

    fn bytes_at(&self, range: Range<u64>) -> Result<Vec<u8>, ParquetFault> {
        let truncated =
            || ParquetFault::Malformed("it ends in the middle of a row group".to_owned());
        // Before room is made for what isn't there.
        if !(range.start..=self.length).contains(&range.end) {
            return Err(truncated());
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes),
            Err(source) if source.kind() == ErrorKind::UnexpectedEof => Err(truncated()),
            Err(source) => Err(ParquetFault::Io(source)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
        }
    }
}

/// Appends the array's cells if they are of type `T`.
fn append_numbers<T: NativeType>(
    array: &dyn Array,
    to: &mut Vec<Number>,
    number: fn(T) -> Number,
) -> bool {
    let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<T>>() else {
        return false;
    };
    to.extend(
        array
            .iter()
            .map(|cell| cell.map_or(Number::Null, |cell| number(*cell))),
    );
    true
}

fn malformed(error: &impl ToString) -> ParquetFault {
    ParquetFault::Malformed(error.to_string())
}
