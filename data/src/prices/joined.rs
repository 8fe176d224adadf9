//! Several price files as one series.

use std::path::{Path, PathBuf};

use foretell_core::bar::Bar;
use foretell_core::series::Unit;
use foretell_core::time::UnixMillis;
use rayon::prelude::*;

use super::error::PriceFileError;
use super::file::{LoadedFile, load};
use super::series::PriceSeries;
use crate::input_file::check_stdin;

/// The bars of several files as one series, whatever the order in which the files were named.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedPrices {
    /// All bars.
    pub series: PriceSeries,
    /// Open time of the first bar of the file that was named first.
    pub first_open: UnixMillis,
    /// Close time of the last bar of that file.
    pub last_close: UnixMillis,
}

/// Reads price files of one series, in any order; `unit` as of [`read`](super::read), and the same for all of them.
///
/// # Errors
/// No file, one that can't be read, or files that don't make one series: of different steps or units, or with different
/// bars for one instant. Files may overlap where they agree.
pub fn read_all(files: &[PathBuf], unit: Option<Unit>) -> Result<JoinedPrices, PriceFileError> {
    check_stdin(files).map_err(|fault| PriceFileError::Input {
        file: PathBuf::from("-"),
        fault,
    })?;
    let loaded: Vec<Result<LoadedFile, PriceFileError>> =
        files.par_iter().map(|file| load(file, unit)).collect();
    // In the files' order, so that of two errors the first file's is returned.
    let loaded = loaded.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(first_file)) = (loaded.first(), files.first()) else {
        return Err(PriceFileError::NoFiles);
    };
    let (first_open, last_close) = (first.series.first_open(), first.series.last_close());
    for (file, other) in files.iter().zip(&loaded).skip(1) {
        check_same_grid((first_file, &first.series), (file, &other.series))?;
    }
    let (step, unit) = (first.series.step(), first.series.unit());
    let series = if let [only] = loaded.as_slice() {
        only.series.clone()
    } else {
        let bars = merge(files, &loaded)?;
        PriceSeries::with_step(step, unit, bars).ok_or(PriceFileError::NoFiles)?
    };
    Ok(JoinedPrices {
        series,
        first_open,
        last_close,
    })
}

fn check_same_grid(
    (first_file, first): (&Path, &PriceSeries),
    (file, series): (&Path, &PriceSeries),
) -> Result<(), PriceFileError> {
    let (file, first_file) = (file.to_owned(), first_file.to_owned());
    let (step, found) = (first.step(), series.step());
    if step != found {
        return Err(PriceFileError::StepMismatch {
            file,
            found,
            first: first_file,
            step,
        });
    }
    let apart = series.first_open() - first.first_open();
    let offset = foretell_core::time::Millis::saturating(apart.get().rem_euclid(step.get()));
    if offset.get() != 0 {
        return Err(PriceFileError::PhaseMismatch {
            file,
            offset,
            first: first_file,
        });
    }
    if series.unit() != first.unit() {
        let name = |unit| match unit {
            Unit::LogPrice => "prices (open,high,low,close)",
            Unit::Value => "values (value)",
        };
        return Err(PriceFileError::UnitMismatch {
            file,
            found: name(series.unit()),
            first: first_file,
            unit: name(first.unit()),
        });
    }
    Ok(())
}

/// All bars in order of time, each instant once; the first instant for which two files differ is an error.
fn merge(files: &[PathBuf], loaded: &[LoadedFile]) -> Result<Vec<Bar>, PriceFileError> {
    let mut places: Vec<(UnixMillis, usize, usize)> = loaded
        .iter()
        .enumerate()
        .flat_map(|(file, loaded)| {
            let bars = loaded.series.bars().iter().enumerate();
            bars.map(move |(row, bar)| (bar.open_time, file, row))
        })
        .collect();
    places.sort_unstable();
    let mut bars: Vec<Bar> = Vec::with_capacity(places.len());
    for same_time in places.chunk_by(|a, b| a.0 == b.0) {
        let mut found = same_time.iter().filter_map(|(_, file, row)| {
            let (path, loaded) = (files.get(*file)?, loaded.get(*file)?);
            Some((
                path,
                loaded.positions.get(*row),
                loaded.series.bars().get(*row)?,
            ))
        });
        let Some((file, row, bar)) = found.next() else {
            continue;
        };
        for (other, other_row, other_bar) in found {
            if let Some((column, found, other_found)) = difference(bar, other_bar) {
                return Err(PriceFileError::Conflict {
                    file: file.clone(),
                    row,
                    other: other.clone(),
                    other_row,
                    open_time: bar.open_time,
                    column,
                    found,
                    other_found,
                });
            }
        }
        bars.push(*bar);
    }
    Ok(bars)
}

/// The first column in which two bars of one instant differ, with what they have there.
fn difference(a: &Bar, b: &Bar) -> Option<(&'static str, f64, f64)> {
    let columns = [
        ("close", a.close.get(), b.close.get()),
        ("open", a.open.get(), b.open.get()),
        ("high", a.high.get(), b.high.get()),
        ("low", a.low.get(), b.low.get()),
        ("volume", a.volume, b.volume),
    ];
    columns.into_iter().find(|(_, a, b)| a != b)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::{MONDAY, assert_contains_all};
    use foretell_core::time::Millis;

    use super::*;

    /// Reads files of these names and rows, whose times are minutes after [`MONDAY`].
    fn read(files: &[(&str, &[(i64, f64)])]) -> Result<JoinedPrices, String> {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().map(|(name, rows)| {
            let path = folder.path().join(name);
            let rows = rows.iter().map(|(minute, value)| {
                let time = MONDAY + Millis::minutes(*minute);
                format!("{time},{value}\n")
            });
            fs::write(
                &path,
                format!("open_time_ms,value\n{}", rows.collect::<String>()),
            )
            .unwrap();
            path
        });
        let paths: Vec<PathBuf> = paths.collect();
        let folder = format!("{}/", folder.path().display());
        read_all(&paths, None).map_err(|error| error.to_string().replace(&folder, ""))
    }

    const A: (&str, &[(i64, f64)]) = ("a.csv", &[(0, 1.0), (5, 2.0), (10, 3.0)]);
    const B: (&str, &[(i64, f64)]) = ("b.csv", &[(10, 3.0), (15, 4.0)]);

    #[test]
    fn files_that_agree_are_one_series_in_any_order() {
        let joined = read(&[A, B]).unwrap();
        let closes: Vec<f64> = joined
            .series
            .bars()
            .iter()
            .map(|bar| bar.close.get())
            .collect();
        assert_eq!(closes, [1.0, 2.0, 3.0, 4.0]);
        let other = read(&[B, A]).unwrap();
        assert_eq!(other.series, joined.series);
        assert_eq!(joined.first_open, MONDAY);
        assert_eq!(joined.last_close, MONDAY + Millis::minutes(15));
        assert_eq!(other.first_open, MONDAY + Millis::minutes(10));
        // One after the other, with a gap between, and one that is there twice.
        let later = ("c.csv", &[(30, 5.0), (35, 6.0)][..]);
        let joined = read(&[later, A, A]).unwrap();
        assert_eq!(
            (joined.series.bars().len(), joined.series.missing_bars()),
            (5, 3)
        );
    }

    #[test]
    fn the_first_bar_that_differs_is_named_in_both_files_whatever_their_order() {
        let other = ("c.csv", &[(5, 2.0), (10, 3.5), (15, 9.0)][..]);
        let message = read(&[A, B, other]).unwrap_err();
        assert_contains_all(
            &message,
            &[
                "a.csv, line 4, and c.csv, line 3",
                "1704067800000",
                "close 3 and 3.5",
                "agree",
            ],
        );
        let message = read(&[other, B, A]).unwrap_err();
        assert_contains_all(
            &message,
            &["c.csv, line 3, and b.csv, line 2", "close 3.5 and 3"],
        );
    }

    #[test]
    fn files_of_other_steps_phases_and_units_are_named() {
        let hourly = ("h.csv", &[(0, 1.0), (60, 2.0)][..]);
        assert_contains_all(
            &read(&[A, hourly]).unwrap_err(),
            &["h.csv", "3600000 ms", "a.csv"],
        );
        let shifted = ("s.csv", &[(101, 1.0), (106, 2.0)][..]);
        assert_contains_all(
            &read(&[A, shifted]).unwrap_err(),
            &["s.csv", "60000 ms after"],
        );
        assert!(read(&[]).unwrap_err().contains("name at least one"));
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
        let bars = format!(
            "open_time_ms,open,high,low,close,volume\n{MONDAY},1,1,1,1,0\n{},1,1,1,1,0\n",
            MONDAY + Millis::minutes(5)
        );
        fs::write(&files[0], bars).unwrap();
        fs::write(
            &files[1],
            format!(
                "open_time_ms,value\n{MONDAY},1\n{},1\n",
                MONDAY + Millis::minutes(5)
            ),
        )
        .unwrap();
        let error = read_all(&files, None).unwrap_err().to_string();
        assert_contains_all(&error, &["b.csv is of values", "a.csv of prices", "--unit"]);
        assert_eq!(
            read_all(&files, Some(Unit::LogPrice))
                .unwrap()
                .series
                .bars()
                .len(),
            2
        );
    }
}
