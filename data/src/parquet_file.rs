//! A Parquet file, read one column of one row group at a time.
//!
//! The file is not mapped: columns are read with plain reads and then decoded by polars' own decoder, so memory holds
//! what was asked for whatever the file's length, and a file that is cut short meanwhile is an error and no crash.
//!
//! Types are those of the Parquet schema itself: what a writer says of its own types beside it (categories, large
//! strings, lists of fixed length) is another name for the same columns.

use std::fmt;
use std::io::{self, Cursor, ErrorKind};
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};

use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, TimeUnit};
use polars_arrow::types::NativeType;
use polars_buffer::Buffer;
use polars_parquet::parquet::compression::DecompressionContext;
use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::read::schema::parquet_to_arrow_schema;
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, Page, PageReader, column_iter_to_arrays, decompress,
    read_metadata,
};

use crate::input_file::{FileCursor, InputFault, InputFile};

/// Most values that a column of one row group may say it has: 2 GiB of doubles.
const MAX_GROUP_VALUES: i64 = 1 << 28;
/// Most rows that a file may say it has.
const MAX_ROWS: usize = 1 << 32;
/// Longest page that is read, in bytes.
const MAX_PAGE_BYTES: usize = 1 << 30;

/// An open file: its schema, and where its row groups are.
pub(crate) struct ParquetFile {
    input: InputFile,
    file: FileCursor,
    length: u64,
    metadata: FileMetadata,
    schema: ArrowSchema,
    rows_before: Vec<usize>,
}

/// Why a file, or a part of it, can't be read.
#[derive(Debug)]
pub(crate) enum ParquetFault {
    /// The system doesn't let us read it.
    Input(InputFault),
    /// It is no Parquet file, or a damaged one.
    Malformed(String),
    /// Two columns have this name.
    DuplicateColumn(String),
}

/// A cell of a column of integers or floats, whatever their width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Null,
    Integer(i128),
    Float(f64),
}

/// What the integers of a column of times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeScale {
    Days,
    Seconds,
    /// What a column of plain integers holds, too.
    Millis,
    Micros,
    Nanos,
}

impl ParquetFile {
    pub(crate) fn open(input: &InputFile) -> Result<Self, ParquetFault> {
        let unreadable = |error| ParquetFault::Input(input.fault(error));
        let mut file = input.cursor();
        let length = file.length().map_err(unreadable)?;
        let metadata = guarded(|| read_metadata(&mut file).map_err(|error| malformed(&error)))?;
        let schema = guarded(|| Ok(parquet_to_arrow_schema(metadata.schema().fields())))?;
        let fields = metadata.schema().fields();
        for (i, field) in fields.iter().enumerate() {
            let mut before = fields.iter().take(i);
            if before.any(|other| other.name() == field.name()) {
                return Err(ParquetFault::DuplicateColumn(field.name().to_owned()));
            }
        }
        let mut rows = 0_usize;
        let mut rows_before = Vec::with_capacity(metadata.row_groups.len());
        for group in &metadata.row_groups {
            rows_before.push(rows);
            rows = rows.saturating_add(group.num_rows());
        }
        if rows != metadata.num_rows || rows > MAX_ROWS {
            let found = format!("it says {} rows, its row groups {rows}", metadata.num_rows);
            return Err(ParquetFault::Malformed(found));
        }
        Ok(Self {
            input: input.clone(),
            file,
            length,
            schema,
            rows_before,
            metadata,
        })
    }

    pub(crate) const fn schema(&self) -> &ArrowSchema {
        &self.schema
    }

    pub(crate) const fn row_groups(&self) -> usize {
        self.metadata.row_groups.len()
    }

    /// Number of rows of the whole file, as it says.
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
        let metadata = &self.metadata.row_groups[group];
        let Some(chunks) = metadata.columns_under_root_iter(name) else {
            let missing = format!("row group {group} has no column {name}");
            return Err(ParquetFault::Malformed(missing));
        };
        let (mut pages, mut types) = (Vec::new(), Vec::new());
        for chunk in chunks {
            // The decoder makes room for as many as the file says.
            if !(0..=MAX_GROUP_VALUES).contains(&chunk.num_values()) {
                let many = format!(
                    "row group {group} says that column {name} has {} values, at most {MAX_GROUP_VALUES} are read",
                    chunk.num_values()
                );
                return Err(ParquetFault::Malformed(many));
            }
            let bytes = Buffer::from(self.bytes_at(chunk.byte_range())?);
            let reader =
                |bytes| PageReader::new(Cursor::new(bytes), chunk, Vec::new(), MAX_PAGE_BYTES);
            guarded(|| check_pages(reader(bytes.clone()), chunk.num_values()))?;
            pages.push(BasicDecompressor::new(reader(bytes), Vec::new()));
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        let arrays = guarded(|| {
            let decoded = column_iter_to_arrays(pages, types, field.clone(), None);
            decoded.map_err(|error| malformed(&error))
        })?;
        let rows: usize = arrays.0.iter().map(|array| array.len()).sum();
        if rows != metadata.num_rows() {
            let found = format!(
                "row group {group} says {} rows, its column {name} has {rows}",
                metadata.num_rows()
            );
            return Err(ParquetFault::Malformed(found));
        }
        Ok(arrays.0)
    }

    /// A column of a row group, if it holds numbers or times; anything else is a fault.
    pub(crate) fn numbers(&self, group: usize, name: &str) -> Result<Vec<Number>, ParquetFault> {
        let mut numbers = Vec::new();
        for array in self.column(group, name)? {
            append_numbers(&*array, name, &mut numbers)?;
        }
        Ok(numbers)
    }

    fn bytes_at(&self, range: Range<u64>) -> Result<Vec<u8>, ParquetFault> {
        let truncated =
            || ParquetFault::Malformed("it ends in the middle of a row group".to_owned());
        // Before room is made for what isn't there.
        if range.start > range.end || range.end > self.length {
            return Err(truncated());
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes),
            Err(source) if source.kind() == ErrorKind::UnexpectedEof => Err(truncated()),
            Err(source) => Err(self.unreadable(source)),
        }
    }

    fn unreadable(&self, error: io::Error) -> ParquetFault {
        ParquetFault::Input(self.input.fault(error))
    }
}

impl TimeScale {
    /// What the integers of a column of this type count, if it is one of times or plain integers.
    pub(crate) const fn of(dtype: &ArrowDataType) -> Option<Self> {
        Some(match dtype {
            ArrowDataType::Date32 => Self::Days,
            ArrowDataType::Timestamp(TimeUnit::Second, _) => Self::Seconds,
            ArrowDataType::Timestamp(TimeUnit::Microsecond, _) => Self::Micros,
            ArrowDataType::Timestamp(TimeUnit::Nanosecond, _) => Self::Nanos,
            ArrowDataType::Timestamp(TimeUnit::Millisecond, _) | ArrowDataType::Date64 => {
                Self::Millis
            }
            dtype if is_integer(dtype) => Self::Millis,
            _ => return None,
        })
    }

    /// So many of them in milliseconds; `None` where that isn't a whole number, or none that fits.
    pub(crate) fn millis(self, count: i128) -> Option<i64> {
        let (times, parts) = match self {
            Self::Days => (86_400_000, 1),
            Self::Seconds => (1000, 1),
            Self::Millis => (1, 1),
            Self::Micros => (1, 1000),
            Self::Nanos => (1, 1_000_000),
        };
        let scaled = count.checked_mul(times)?;
        (scaled % parts == 0)
            .then(|| i64::try_from(scaled / parts).ok())
            .flatten()
    }
}

/// Whether a column of this type holds whole numbers of any width.
pub(crate) const fn is_integer(dtype: &ArrowDataType) -> bool {
    matches!(
        dtype,
        ArrowDataType::Int8
            | ArrowDataType::Int16
            | ArrowDataType::Int32
            | ArrowDataType::Int64
            | ArrowDataType::UInt8
            | ArrowDataType::UInt16
            | ArrowDataType::UInt32
            | ArrowDataType::UInt64
    )
}

/// Whether a column of this type holds numbers of any width.
pub(crate) const fn is_number(dtype: &ArrowDataType) -> bool {
    is_integer(dtype) || matches!(dtype, ArrowDataType::Float32 | ArrowDataType::Float64)
}

/// Appends the array's cells; what holds no numbers or times is a fault.
pub(crate) fn append_numbers(
    array: &dyn Array,
    column: &str,
    to: &mut Vec<Number>,
) -> Result<(), ParquetFault> {
    let appended = append(array, to, |n: i64| Number::Integer(n.into()))
        || append(array, to, Number::Float)
        || append(array, to, |n: i32| Number::Integer(n.into()))
        || append(array, to, |n: u32| Number::Integer(n.into()))
        || append(array, to, |n: u64| Number::Integer(n.into()))
        || append(array, to, |x: f32| Number::Float(x.into()))
        || append(array, to, |n: i16| Number::Integer(n.into()))
        || append(array, to, |n: u16| Number::Integer(n.into()))
        || append(array, to, |n: i8| Number::Integer(n.into()))
        || append(array, to, |n: u8| Number::Integer(n.into()));
    if appended {
        Ok(())
    } else {
        let found = format!("column {column} holds {:?}", array.dtype());
        Err(ParquetFault::Malformed(found))
    }
}

/// Appends the array's cells if they are of type `T`.
fn append<T: NativeType>(array: &dyn Array, to: &mut Vec<Number>, number: fn(T) -> Number) -> bool {
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

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
        }
    }
}

/// Refuses pages that together, or alone, say that they hold more than their column does: the decoder makes room for what
/// they say, and a program that can't get it ends.
fn check_pages(pages: PageReader, column_values: i64) -> Result<(), ParquetFault> {
    let too_much =
        || ParquetFault::Malformed("a page says that it holds more than its column".to_owned());
    let mut left = usize::try_from(column_values).map_err(|_| too_much())?;
    for page in pages {
        match page.map_err(|error| malformed(&error))? {
            CompressedPage::Data(page) => {
                left = left.checked_sub(page.num_values()).ok_or_else(too_much)?;
                if page.uncompressed_size() > MAX_PAGE_BYTES {
                    return Err(too_much());
                }
            }
            // A value of a dictionary has a byte at least.
            dictionary @ CompressedPage::Dict(_) => {
                let context = &mut DecompressionContext::Unset;
                let page = decompress(dictionary, &mut Vec::new(), context);
                match page.map_err(|error| malformed(&error))? {
                    Page::Dict(page) if page.num_values > page.buffer.len() => {
                        return Err(too_much());
                    }
                    Page::Dict(_) | Page::Data(_) => {}
                }
            }
        }
    }
    Ok(())
}

/// What the decoder makes of a damaged file may be a panic, too: it ends as an error of the file.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetFault>) -> Result<T, ParquetFault> {
    panic::catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(ParquetFault::Malformed(
            "its decoder gave up on it".to_owned(),
        ))
    })
}

fn malformed(error: &impl ToString) -> ParquetFault {
    ParquetFault::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_any_unit_are_whole_milliseconds_or_none() {
        assert_eq!(TimeScale::Days.millis(2), Some(172_800_000));
        assert_eq!(TimeScale::Seconds.millis(3), Some(3000));
        assert_eq!(TimeScale::Micros.millis(5000), Some(5));
        assert_eq!(TimeScale::Micros.millis(5001), None);
        assert_eq!(TimeScale::Nanos.millis(7_000_000), Some(7));
        assert_eq!(TimeScale::Days.millis(i128::from(i64::MAX)), None);
        assert_eq!(TimeScale::Millis.millis(i128::from(u64::MAX)), None);
    }
}
