//! Writing forecasts files, in Parquet or in CSV.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use foretell_core::forecast::{Forecast, ForecastKind};
use foretell_core::time::UnixMillis;
use foretell_files::{AtomicFile, FileAccess};
use polars::prelude::{
    Column, DataFrame, DataType, Field, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder,
    NamedFrom, PolarsError, Schema, Series,
};
use polars_io::prelude::{BatchedWriter, ParquetWriter};
use thiserror::Error;

/// Forecasts of one row group: some 8 MB at H·K = 9,900.
const ROW_GROUP_SIZE: usize = 100;

/// A forecast to be written: a row of Parquet, H lines of CSV.
#[derive(Debug, Clone, Copy)]
pub struct ForecastRow<'a> {
    /// The round's origin T.
    pub origin: UnixMillis,
    /// Name of the miner whose forecast it is.
    pub miner: &'a str,
    /// Its values; their number of steps is the horizon of the file.
    pub forecast: &'a Forecast,
}

/// Why a forecasts file can't be written.
#[derive(Debug, Error)]
pub enum ForecastWriteError {
    /// The extension is that of neither format.
    #[error("forecasts file {file}: the name must end with .parquet or .csv")]
    Extension {
        /// Path as the caller gave it.
        file: PathBuf,
    },
    /// The file can't be created, written or renamed.
    #[error("can't write forecasts file {file}")]
    Io {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The Parquet writer failed.
    #[error("can't write forecasts file {file}")]
    Parquet {
        /// Path as the caller gave it.
        file: PathBuf,
        /// The writer's error.
        source: PolarsError,
    },
    /// CSV has no column for the kind, nor for another K.
    #[error("forecasts file {file}: CSV holds quantiles of one K only; use .parquet")]
    Csv {
        /// Path as the caller gave it.
        file: PathBuf,
    },
}

/// Writes all these forecasts to a file, whose extension says in which format.
///
/// # Errors
/// An extension of neither format, a file that can't be written, or forecasts that CSV can't hold.
pub fn write(file: &Path, rows: &[ForecastRow]) -> Result<(), ForecastWriteError> {
    let mut writer = ForecastWriter::create(file)?;
    for rows in rows.chunks(ROW_GROUP_SIZE) {
        writer.write(rows)?;
    }
    writer.finish()
}

/// A forecasts file that grows; it takes its name once it is whole.
pub struct ForecastWriter {
    file: PathBuf,
    unfinished: AtomicFile,
    format: Format,
}

enum Format {
    Parquet(Box<BatchedWriter<File>>),
    Csv {
        writer: BufWriter<File>,
        /// K of the first forecast, which every other must have; `None` before it.
        k: Option<usize>,
    },
}

impl ForecastWriter {
    /// Starts a file that holds no forecasts yet.
    ///
    /// # Errors
    /// An extension of neither format, or a file that can't be created.
    pub fn create(file: &Path) -> Result<Self, ForecastWriteError> {
        let create = || {
            let create = || -> io::Result<(AtomicFile, File)> {
                let unfinished = AtomicFile::create(file, FileAccess::Public)?;
                let handle = unfinished.as_file().try_clone()?;
                Ok((unfinished, handle))
            };
            create().map_err(|source| ForecastWriteError::Io {
                file: file.to_owned(),
                source,
            })
        };
        let (unfinished, format) = match file.extension().and_then(OsStr::to_str) {
            Some("parquet") => {
                let (unfinished, handle) = create()?;
                let writer = ParquetWriter::new(handle).batched(&schema());
                let writer = writer.map_err(|source| parquet_error(file, source))?;
                (unfinished, Format::Parquet(Box::new(writer)))
            }
            Some("csv") => {
                let (unfinished, handle) = create()?;
                let writer = BufWriter::new(handle);
                (unfinished, Format::Csv { writer, k: None })
            }
            _ => {
                return Err(ForecastWriteError::Extension {
                    file: file.to_owned(),
                });
            }
        };
        Ok(Self {
            file: file.to_owned(),
            unfinished,
            format,
        })
    }

    /// Adds these forecasts; in Parquet they are one row group.
    ///
    /// # Errors
    /// The file can't be written, or CSV can't hold these forecasts.
    pub fn write(&mut self, rows: &[ForecastRow]) -> Result<(), ForecastWriteError> {
        let Self { file, format, .. } = self;
        match format {
            Format::Parquet(writer) => {
                let frame = frame(rows).map_err(|source| parquet_error(file, source))?;
                writer
                    .write_batch(&frame)
                    .map_err(|source| parquet_error(file, source))
            }
            Format::Csv { writer, k } => {
                for row in rows {
                    let expected = *k.get_or_insert(row.forecast.k());
                    if row.forecast.kind() != ForecastKind::Quantiles
                        || row.forecast.k() != expected
                    {
                        return Err(ForecastWriteError::Csv { file: file.clone() });
                    }
                }
                write_csv_lines(writer, rows).map_err(|source| ForecastWriteError::Io {
                    file: file.clone(),
                    source,
                })
            }
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// The file can't be written or renamed.
    pub fn finish(self) -> Result<(), ForecastWriteError> {
        let Self {
            file,
            unfinished,
            format,
        } = self;
        let io = |source| ForecastWriteError::Io {
            file: file.clone(),
            source,
        };
        match format {
            Format::Parquet(writer) => {
                writer
                    .finish()
                    .map_err(|source| parquet_error(&file, source))?;
            }
            Format::Csv { mut writer, .. } => writer.flush().map_err(io)?,
        }
        unfinished.commit().map_err(io)
    }
}

fn schema() -> Schema {
    Schema::from_iter([
        Field::new("origin_ms".into(), DataType::Int64),
        Field::new("miner".into(), DataType::String),
        Field::new("kind".into(), DataType::String),
        Field::new("k".into(), DataType::UInt32),
        Field::new("values".into(), DataType::List(Box::new(DataType::Float64))),
    ])
}

fn frame(rows: &[ForecastRow]) -> Result<DataFrame, PolarsError> {
    let origins: Vec<i64> = rows.iter().map(|row| row.origin.0).collect();
    let miners: Vec<&str> = rows.iter().map(|row| row.miner).collect();
    let kinds: Vec<&str> = rows
        .iter()
        .map(|row| match row.forecast.kind() {
            ForecastKind::Quantiles => "quantiles",
            ForecastKind::Paths => "paths",
        })
        .collect();
    let ks: Vec<u32> = rows.iter().map(|row| row.forecast.k() as u32).collect();
    let count = rows.iter().map(|row| row.forecast.values().len()).sum();
    let mut values = ListPrimitiveChunkedBuilder::<polars::prelude::Float64Type>::new(
        "values".into(),
        rows.len(),
        count,
        DataType::Float64,
    );
    for row in rows {
        values.append_slice(row.forecast.values());
    }
    DataFrame::new(
        rows.len(),
        vec![
            Column::from(Series::new("origin_ms".into(), origins)),
            Column::from(Series::new("miner".into(), miners)),
            Column::from(Series::new("kind".into(), kinds)),
            Column::from(Series::new("k".into(), ks)),
            Column::from(values.finish().into_series()),
        ],
    )
}

/// Appends a line for each step; the first forecast writes the header before it.
fn write_csv_lines(out: &mut BufWriter<File>, rows: &[ForecastRow]) -> io::Result<()> {
    let has_header = out.get_ref().metadata()?.len() > 0 || !out.buffer().is_empty();
    if let (false, Some(first)) = (has_header, rows.first()) {
        write!(out, "origin_ms,miner,step")?;
        for k in 1..=first.forecast.k() {
            write!(out, ",v{k}")?;
        }
        writeln!(out)?;
    }
    for row in rows {
        for step in 0..row.forecast.horizon() {
            write!(out, "{},{},{}", row.origin, row.miner, step + 1)?;
            for value in row.forecast.row(step) {
                write!(out, ",{value}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn parquet_error(file: &Path, source: PolarsError) -> ForecastWriteError {
    ForecastWriteError::Parquet {
        file: file.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::series::Unit;
    use polars_io::SerReader;
    use polars_io::prelude::ParquetReader;

    use super::*;

    fn forecast(first: f64) -> Forecast {
        Forecast::quantiles(Unit::Value, 2, 2, vec![first, 2.0, 3.0, 4.5]).unwrap()
    }

    fn row(forecast: &Forecast) -> ForecastRow<'_> {
        ForecastRow {
            origin: UnixMillis(300_000),
            miner: "har",
            forecast,
        }
    }

    #[test]
    fn csv_has_a_line_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.csv");
        let (a, b) = (forecast(1.0), forecast(-1.0));
        let mut writer = ForecastWriter::create(&file).unwrap();
        writer.write(&[row(&a)]).unwrap();
        writer.write(&[row(&b)]).unwrap();
        assert!(!file.exists());
        writer.finish().unwrap();
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            "origin_ms,miner,step,v1,v2\n300000,har,1,1,2\n300000,har,2,3,4.5\n\
             300000,har,1,-1,2\n300000,har,2,3,4.5\n"
        );
    }

    #[test]
    fn parquet_has_a_row_a_forecast() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.parquet");
        let (a, b) = (forecast(1.0), forecast(-1.0));
        write(&file, &[row(&a), row(&b)]).unwrap();
        let frame = ParquetReader::new(File::open(&file).unwrap())
            .finish()
            .unwrap();
        assert_eq!(frame.schema().as_ref(), &schema());
        assert_eq!(frame.height(), 2);
        let cell = |column: &str| frame.column(column).unwrap().get(1).unwrap().to_string();
        assert_eq!(
            (cell("origin_ms"), cell("k")),
            ("300000".into(), "2".into())
        );
        let values = frame.column("values").unwrap().list().unwrap();
        let values = values.get_as_series(1).unwrap();
        let values: Vec<f64> = values.f64().unwrap().into_no_null_iter().collect();
        assert_eq!(values, [-1.0, 2.0, 3.0, 4.5]);
    }

    #[test]
    fn what_csv_cannot_hold_and_other_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Forecast::new(ForecastKind::Paths, Unit::Value, 1, 2, vec![2.0, 1.0]).unwrap();
        let error = write(&folder.path().join("f.csv"), &[row(&paths)]).unwrap_err();
        assert!(error.to_string().contains("use .parquet"), "{error}");
        let error = write(&folder.path().join("f.json"), &[]).unwrap_err();
        assert!(error.to_string().contains(".parquet or .csv"), "{error}");
    }
}
