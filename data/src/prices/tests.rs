//! Price files: what is read from them, the messages about what can't be, and real series where they are at hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::testing::{assert_contains_all, price, shared_file};
use foretell_core::time::{Millis, UnixMillis};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn value_series(times: &[i64], values: &[f64]) -> PriceSeries {
    let bars = times.iter().zip(values);
    let bars =
        bars.map(|(&time, &value)| Bar::from_value(UnixMillis::saturating(time), price(value)));
    PriceSeries::from_bars(Unit::Value, bars.collect()).unwrap()
}

/// A file of this name with this text, in a directory that goes with the returned guard.
fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    (directory, path)
}

#[track_caller]
fn assert_message(error: &PriceFileError, parts: &[&str]) {
    assert_contains_all(&error.to_string(), parts);
}

/// The prices of a file of the recorded data.
fn shared(name: &str) -> Option<PriceSeries> {
    shared_file(name, "real prices").map(|path| read(&path, None).unwrap())
}

#[test]
fn the_extension_is_the_format() {
    let text = "open_time_ms,value\n1704067200000,1\n1704067200300,2\n";
    for name in ["p.csv", "p.CSV"] {
        let (_directory, path) = file(name, text);
        assert_eq!(
            read(&path, None).unwrap(),
            value_series(&[1_704_067_200_000, 1_704_067_200_300], &[1.0, 2.0])
        );
    }
    for name in ["p.txt", "csv"] {
        let (_directory, path) = file(name, text);
        assert_message(&read(&path, None).unwrap_err(), &[name, ".csv or .parquet"]);
    }
    let (_directory, path) = file("p.parquet", text);
    assert_message(
        &read(&path, None).unwrap_err(),
        &[
            "p.parquet",
            "not a readable Parquet file",
            "export it again",
        ],
    );
}

#[test]
fn what_is_no_readable_file_is_named() {
    let directory = TempDir::new().unwrap();
    assert_message(
        &read(directory.path(), None).unwrap_err(),
        &[
            &directory.path().display().to_string(),
            "name one file in it",
        ],
    );
    assert_message(
        &read(&directory.path().join("none.csv"), None).unwrap_err(),
        &["none.csv", "no such file", "check the path"],
    );
}

#[test]
fn short_files_have_no_step() {
    for (rows, text) in [
        ("rows found: 0", "open_time_ms,value\n"),
        ("rows found: 1", "open_time_ms,value\n1704067200000,1\n"),
    ] {
        let (_directory, path) = file("p.csv", text);
        assert_message(
            &read(&path, None).unwrap_err(),
            &["p.csv", rows, "at least 2"],
        );
    }
    let (_directory, path) = file("p.csv", "");
    assert_message(
        &read(&path, None).unwrap_err(),
        &["p.csv", "the file is empty"],
    );
}

#[test]
fn a_bad_row_is_named_by_its_line_blank_lines_counted() {
    let (_directory, path) = file(
        "p.csv",
        "open_time_ms,value\n1704067200000,1\n\n1704067200300,2\n1704067200300,3\n",
    );
    assert_message(
        &read(&path, None).unwrap_err(),
        &[
            "p.csv, line 5",
            "1704067200300 is there twice",
            "remove one",
        ],
    );
}

#[test]
fn a_slice_keeps_grid_and_gaps() {
    let series = value_series(&[0, 300, 600, 1500, 1800], &[1.0; 5]);
    assert_eq!(
        (series.first_open(), series.last_close()),
        (UnixMillis::EPOCH, UnixMillis::literal(2100))
    );
    assert_eq!(series.missing_bars(), 2);
    let slice = series
        .slice(UnixMillis::literal(600), UnixMillis::literal(1800))
        .unwrap();
    assert_eq!(slice.step(), Millis::literal(300));
    assert_eq!(slice.bars(), &series.bars()[2..4]);
    assert_eq!(slice.gaps(), series.gaps());
    assert_eq!(
        (slice.first_open(), slice.last_close()),
        (UnixMillis::literal(600), UnixMillis::literal(1800))
    );
    let one = series
        .slice(UnixMillis::literal(1), UnixMillis::literal(301))
        .unwrap();
    assert_eq!((one.bars().len(), one.missing_bars()), (1, 0));
    assert_eq!(
        series.slice(UnixMillis::literal(601), UnixMillis::literal(1500)),
        None
    );
    assert_eq!(
        series.slice(UnixMillis::literal(1500), UnixMillis::literal(600)),
        None
    );
}

/// What the columns say, or the caller: never what the numbers happen to be.
#[test]
fn the_unit_is_that_of_the_columns_or_the_callers() {
    let bars = |low: &str| {
        format!(
            "open_time_ms,open,high,low,close,volume\n1704067200000,2,2,2,2,0\n1704067500000,2,2,{low},2,0\n"
        )
    };
    let unit = |text: &str, given| {
        parse_csv(Path::new("p.csv"), text.as_bytes(), given).map(|series| series.unit())
    };
    assert_eq!(unit(&bars("1"), None).unwrap(), Unit::LogPrice);
    let zero = unit(&bars("0"), None).unwrap_err();
    assert_message(
        &zero,
        &[
            "p.csv, line 3",
            "column low: found 0",
            "leave the row out",
            "--unit value",
        ],
    );
    assert_eq!(unit(&bars("0"), Some(Unit::Value)).unwrap(), Unit::Value);
    let values = "open_time_ms,value\n1704067200000,1\n1704067500000,2\n";
    assert_eq!(unit(values, None).unwrap(), Unit::Value);
    assert_eq!(unit(values, Some(Unit::LogPrice)).unwrap(), Unit::LogPrice);
    let negative = values.replace(",2\n", ",-2\n");
    assert!(unit(&negative, Some(Unit::LogPrice)).is_err());
}

#[test]
fn volumes_that_nobody_knows_are_zero() {
    let text = |first: &str, second: &str| {
        format!(
            "open_time_ms,open,high,low,close,volume\n1704067200000,2,2,2,2,{first}\n1704067500000,2,2,2,2,{second}\n"
        )
    };
    let parsed = |text: &str| parse_csv(Path::new("p.csv"), text.as_bytes(), None);
    let series = parsed(&text("", "")).unwrap();
    assert!(series.bars().iter().all(|bar| bar.volume == 0.0));
    let one = parsed(&text("3", "")).unwrap_err();
    assert_message(&one, &["p.csv, line 3, column volume", "empty cell"]);
}

#[test]
fn the_digest_is_of_the_lines_of_the_bars() {
    // printf '0,1,1,1,1,0\n300,0.1,0.1,0.1,0.1,0\n' | sha256sum
    assert_eq!(
        value_series(&[0, 300], &[1.0, 0.1]).sha256().to_string(),
        "175dbbb3378784164a4720a3008d0c8c481c5d7b9fb7a2d11cbdb5297935b908"
    );
}

#[test]
fn writing_replaces_the_file_and_leaves_nothing_else() {
    let (directory, path) = file("p.csv", "old");
    let series = value_series(&[0, 300], &[1.0, 0.1]);
    write_csv(&path, &series).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "open_time_ms,open,high,low,close,volume\n0,1,1,1,1,0\n300,0.1,0.1,0.1,0.1,0\n"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let directory = TempDir::new().unwrap();
    let series = value_series(&[0, 300], &[1.0, 0.1]);
    let path = directory.path().join("none").join("p.csv");
    assert_message(
        &write_csv(&path, &series).unwrap_err(),
        &["p.csv", "can't be written", "check its directory"],
    );
    let taken = directory.path().join("taken.csv");
    fs::create_dir(&taken).unwrap();
    assert!(write_csv(&taken, &series).is_err());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn csv_and_parquet_of_the_same_rows_are_the_same_series() {
    let (Some(csv), Some(parquet)) = (
        shared("prices/BTCUSDT_5m_2024.csv"),
        shared("prices/BTCUSDT_5m_2024.parquet"),
    ) else {
        return;
    };
    assert_eq!(csv, parquet);
    assert_eq!(csv.sha256(), parquet.sha256());
    assert_eq!(csv.bars().len(), 105_408);
    assert_eq!((csv.step(), csv.missing_bars()), (Millis::minutes(5), 0));
    assert_eq!(csv.first_open(), UnixMillis::literal(1_704_067_200_000));
    assert_eq!(csv.last_close() - csv.first_open(), Millis::days(366));
    assert_eq!(csv.unit(), Unit::LogPrice);
}

#[test]
fn a_trading_halt_is_a_gap() {
    let Some(series) = shared("prices/BTCUSDT_5m_2022-08_2023-12.parquet") else {
        return;
    };
    let halt = Gap {
        first: UnixMillis::literal(1_679_661_600_000), // 2023-03-24 12:40 UTC
        bars: 16,
    };
    assert_eq!(series.gaps(), [halt]);
    assert_eq!(series.missing_bars(), 16);
    assert_eq!(series.bars().len(), 148_880);
}

#[test]
fn series_without_trades_are_read() {
    for (name, rows, step, gaps) in [
        (
            "series/bike_sharing_hourly.csv",
            17_544,
            Millis::hours(1),
            0,
        ),
        (
            "series/nyc_jfk_temperature_hourly_F.csv",
            8_706,
            Millis::hours(1),
            14,
        ),
        (
            "series/vic_electricity_30min_MW.csv",
            52_608,
            Millis::minutes(30),
            0,
        ),
    ] {
        let Some(series) = shared(name) else { continue };
        assert_eq!((series.bars().len(), series.step()), (rows, step), "{name}");
        assert_eq!(series.gaps().len(), gaps, "{name}");
        let span = (series.last_close() - series.first_open()).get() / step.get();
        assert_eq!(span as usize, rows + series.missing_bars(), "{name}");
    }
}

prop_compose! {
    /// Bars of any sizes, every other step of the grid perhaps missing.
    fn any_series()(
        start in 5_680_000_000_i64..5_681_000_000,
        rows in prop::collection::vec(
            (prop::array::uniform4(any_price()), 0.0..1e12_f64, prop::bool::weighted(0.1)),
            3..50,
        ),
    ) -> PriceSeries {
        let mut time = start * 300;
        let mut bars = Vec::new();
        for (mut prices, volume, skip) in rows {
            prices.sort_by(f64::total_cmp);
            let [low, open, close, high] = prices.map(price);
            bars.push(Bar { open_time: UnixMillis::literal(time), open, high, low, close, volume });
            // The first spacings are one step, so that it stays the smallest and a grid exists.
            time += if skip && bars.len() > 2 { 600 } else { 300 };
        }
        PriceSeries::with_step(Millis::literal(300), Unit::Value, bars).unwrap()
    }
}

fn any_price() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e6..1e6_f64,
        1e-9..1e-3_f64,
        any::<f64>().prop_filter("finite", |x| x.is_finite())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(series in any_series()) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("p.csv");
        write_csv(&path, &series).unwrap();
        // With few bars and many gaps a gap may be the most common spacing; then the file is refused, or coarser.
        if series.missing_bars() * 2 < series.bars().len() - 1 {
            let again = read(&path, Some(Unit::Value)).unwrap();
            prop_assert_eq!(again.sha256(), series.sha256());
            prop_assert_eq!(again, series);
        }
    }

    #[test]
    fn two_slices_are_the_whole(series in any_series(), cut in 0_usize..60) {
        let cut = series.first_open() + series.step().times(cut as i64);
        let (from, to) = (series.first_open(), series.last_close());
        let parts = [series.slice(from, cut), series.slice(cut, to)];
        let bars = parts.into_iter().flatten().flat_map(PriceSeries::into_bars);
        prop_assert_eq!(bars.collect::<Vec<_>>(), series.into_bars());
    }
}

/// Files as other programs write them: [data/fixtures/make.py](../../fixtures/make.py) says which types they have.
#[test]
fn parquet_files_of_other_programs_are_read() {
    const T: i64 = 1_704_067_200_000;
    let read = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        read(&folder.join(name), None).unwrap()
    };
    let series = read("prices_timestamps.parquet");
    let first = series.bars()[0];
    let numbers = [first.open, first.high, first.low, first.close].map(Price::get);
    assert_eq!(
        (series.step(), series.unit()),
        (Millis::minutes(5), Unit::LogPrice)
    );
    assert_eq!(
        (first.open_time, numbers, first.volume),
        (UnixMillis::saturating(T), [1.5, 4.0, 1.0, 2.0], 0.0)
    );
    let closes = |series: &PriceSeries| -> Vec<f64> {
        series.bars().iter().map(|bar| bar.close.get()).collect()
    };
    let series = read("prices_small_integers.parquet");
    assert_eq!(closes(&series), [-1.0, 0.0, 7.0]);
    assert_eq!(series.first_open(), UnixMillis::saturating(T));
    let series = read("prices_dates.parquet");
    assert_eq!(closes(&series), [1.0, 2.0, 60_000.0]);
    assert_eq!(
        (series.first_open(), series.step()),
        (UnixMillis::saturating(T), Millis::days(1))
    );
}
