//! Forecasts files: what is read from them, and the messages about what can't be.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::forecast::{Forecast, ForecastKind};
use foretell_core::series::Unit;
use foretell_core::testing::assert_contains_all;
use foretell_core::time::UnixMillis;
use polars::prelude::{Column, DataFrame, IntoSeries, ListChunked, NamedFrom, Series};
use polars_io::prelude::ParquetWriter;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A folder of files that goes with the test.
struct Folder(TempDir);

/// origin, miner, kind, k, values.
type Row = (i64, &'static str, &'static str, u32, Vec<f64>);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn csv(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn parquet(&self, name: &str, rows: &[Row], group: usize) -> PathBuf {
        self.columns(name, columns(rows), group)
    }

    fn columns(&self, name: &str, columns: Vec<Column>, group: usize) -> PathBuf {
        let file = self.0.path().join(name);
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        ParquetWriter::new(fs::File::create(&file).unwrap())
            .with_row_group_size(Some(group))
            .finish(&mut frame)
            .unwrap();
        file
    }
}

fn columns(rows: &[Row]) -> Vec<Column> {
    let named = |name: &str, series: Series| series.with_name(name.into()).into();
    let lists: ListChunked = rows
        .iter()
        .map(|row| Some(Series::new("".into(), row.4.as_slice())))
        .collect();
    vec![
        named(
            ORIGINS,
            Series::new("".into(), rows.iter().map(|r| r.0).collect::<Vec<_>>()),
        ),
        named(
            "miner",
            Series::new("".into(), rows.iter().map(|r| r.1).collect::<Vec<_>>()),
        ),
        named(
            "kind",
            Series::new("".into(), rows.iter().map(|r| r.2).collect::<Vec<_>>()),
        ),
        named(
            "k",
            Series::new("".into(), rows.iter().map(|r| r.3).collect::<Vec<_>>()),
        ),
        named("values", lists.into_series()),
    ]
}

/// The first of the origins here, in steps of a second.
const T: i64 = 1_704_067_200_000;
const ORIGINS: &str = "origin_ms";

/// Miner, K and values of each forecast of a round.
type Found = Vec<(String, usize, Vec<f64>)>;

/// Origin of each round, and what is found for it.
fn read(files: &[PathBuf]) -> Result<Vec<(i64, Found)>, String> {
    let message = |error: ForecastFileError| error.to_string();
    let files = ForecastFiles::open(files, &[]).map_err(message)?;
    let mut rounds = files.rounds().map_err(message)?;
    let mut all = Vec::new();
    while let Some(round) = rounds.next_round().map_err(message)? {
        let forecasts = round.forecasts.iter();
        let forecasts = forecasts.map(|f| (f.miner().to_owned(), f.k(), f.values().to_vec()));
        all.push((round.origin.get(), forecasts.collect()));
    }
    Ok(all)
}

#[track_caller]
fn assert_message(files: &[PathBuf], parts: &[&str]) {
    assert_contains_all(&read(files).unwrap_err(), parts);
}

#[test]
fn files_are_read_side_by_side_whatever_their_form_and_row_groups() {
    let folder = Folder::new();
    let rows = [
        (T + 1000, "b", "paths", 2, vec![1.0, 2.0, 4.0, 3.0]),
        (T + 2000, "b", "quantiles", 1, vec![5.0, 6.0]),
        (T + 2000, "c", "quantiles", 1, vec![7.0, 8.0]),
        (T + 3000, "b", "quantiles", 1, vec![9.0, 10.0]),
    ];
    let text = "miner,origin_ms,step,v1,v2,owner\na,1704067201000,1,0.5,1,x\na,1704067201000,2,0.5,2,x\n\
        a,1704067203000,1,3,,\na,1704067203000,2,4,,\n";
    let csv = folder.csv("a.csv", text);
    let found = |miner: &str, k, values: &[f64]| (miner.to_owned(), k, values.to_vec());
    let expected = vec![
        (
            T + 1000,
            vec![
                found("a", 2, &[0.5, 1.0, 0.5, 2.0]),
                found("b", 2, &[1.0, 2.0, 4.0, 3.0]),
            ],
        ),
        (
            T + 2000,
            vec![found("b", 1, &[5.0, 6.0]), found("c", 1, &[7.0, 8.0])],
        ),
        (
            T + 3000,
            vec![found("a", 1, &[3.0, 4.0]), found("b", 1, &[9.0, 10.0])],
        ),
    ];
    for group in [1, 2, 3, 100] {
        let parquet = folder.parquet("b.parquet", &rows, group);
        let files = [csv.clone(), parquet];
        assert_eq!(read(&files).unwrap(), expected, "row groups of {group}");
        let opened = ForecastFiles::open(&files, &[]).unwrap();
        let times: Vec<i64> = opened
            .origins()
            .unwrap()
            .into_iter()
            .map(UnixMillis::get)
            .collect();
        assert_eq!(times, [T + 1000, T + 2000, T + 3000]);
    }
    let mut rounds = ForecastFiles::open(&[csv], &[]).unwrap().rounds().unwrap();
    let first = rounds.next_round().unwrap().unwrap();
    assert_eq!(first.forecasts[0].owner(), Some("x"));
    assert_eq!(first.forecasts[0].kind(), ForecastKind::Quantiles);
    assert_eq!(first.forecasts[0].position().row.to_string(), "line 2");
    assert_eq!(
        rounds.next_round().unwrap().unwrap().forecasts[0].owner(),
        None
    );
}

#[test]
fn what_is_no_forecasts_file_is_refused() {
    let folder = Folder::new();
    assert_message(
        &[folder.0.path().join("none.csv")],
        &["none.csv: no such file", "check the path"],
    );
    assert_message(&[folder.0.path().to_owned()], &["directory"]);
    assert_message(
        &[folder.csv("f.txt", "a,b")],
        &["f.txt", "name it .csv or .parquet"],
    );
    assert_message(
        &[folder.csv("f.csv", "")],
        &["f.csv: the file is empty", "origin_ms,miner,step"],
    );
    assert_message(
        &[folder.csv("f.csv", "origin_ms,miner,step,v1\n")],
        &["holds no forecasts"],
    );
    assert_message(
        &[folder.csv("f.csv", "origin,miner,step,v1\n1704067200001,a,1,2\n")],
        &[
            "f.csv: no column origin_ms (found: origin, miner, step, v1)",
            "must have origin_ms",
        ],
    );
    assert_message(
        &[folder.csv("f.csv", "origin_ms,miner,step,v1,v1\n")],
        &["two columns are named v1"],
    );
    assert_message(
        &[folder.csv("f.parquet", "PAR1 not really")],
        &["f.parquet: not a readable Parquet"],
    );
    let whole =
        fs::read(folder.parquet("f.parquet", &[(T + 1, "a", "paths", 1, vec![1.0])], 10)).unwrap();
    fs::write(folder.0.path().join("f.parquet"), &whole[..whole.len() / 2]).unwrap();
    assert_message(
        &[folder.0.path().join("f.parquet")],
        &["not a readable Parquet"],
    );
}

#[test]
fn a_row_out_of_order_or_there_twice_is_named() {
    let folder = Folder::new();
    let csv = |text: &str| [folder.csv("f.csv", &format!("origin_ms,miner,step,v1\n{text}"))];
    assert_message(
        &csv("1704067200002,a,1,5\n1704067200001,a,1,5\n"),
        &[
            "f.csv, line 3",
            "1704067200001 comes after 1704067200002",
            "sort the rows",
        ],
    );
    assert_message(
        &csv("1704067200001,a,1,5\n1704067200001,b,1,5\n1704067200001,a,1,6\n"),
        &["f.csv, line 4", "a has a forecast", "line 2"],
    );
    assert_message(
        &csv("1704067200001,a,1,5\n1704067200001,a,3,5\n"),
        &["f.csv, line 3", "found 3", "a's step 2", "sort"],
    );
    assert_message(
        &csv("1704067200001,a,1,5\n1704067200001,a,1,5\n"),
        &["f.csv, line 3", "found 1", "none twice"],
    );
    let row = |origin, miner| (origin, miner, "quantiles", 1, vec![1.0]);
    let parquet = |rows: &[Row]| [folder.parquet("f.parquet", rows, 1)];
    assert_message(
        &parquet(&[row(T + 2, "a"), row(T + 1, "a")]),
        &[
            "f.parquet, row 2",
            "1704067200001 comes after 1704067200002",
        ],
    );
    assert_message(
        &parquet(&[row(T + 1, "a"), row(T + 1, "a")]),
        &["f.parquet, row 2", "a has", "row 1"],
    );
    let other = folder.csv("g.csv", "origin_ms,miner,step,v1\n1704067200001,a,1,5\n");
    let both = [folder.parquet("f.parquet", &[row(T + 1, "a")], 9), other];
    assert_message(&both, &["g.csv, line 2", "f.parquet, row 1"]);
}

#[test]
fn a_bad_cell_is_named_with_its_cure() {
    let folder = Folder::new();
    let csv = |text: &str| [folder.csv("f.csv", &format!("origin_ms,miner,step,v1\n{text}"))];
    assert_message(
        &csv("x,a,1,5\n"),
        &["f.csv, line 2", "origin_ms", "unix milliseconds"],
    );
    assert_message(&csv("1704067200001,,1,5\n"), &["f.csv, line 2", "miner"]);
    assert_message(&csv("1704067200001,a,one,5\n"), &["f.csv, line 2", "step"]);
    assert_message(
        &csv("1704067200001,a,1,abc\n"),
        &["f.csv, line 2", "v1", "\"abc\"", "plain decimal"],
    );
    assert_message(
        &csv("1704067200001,a,1\n"),
        &["f.csv, line 2: not CSV: 3 cells under a header of 4"],
    );
    assert!(read(&csv("1704067200001,a,1,NaN\n")).is_ok());
    // In a group that is decoded beside the one before it.
    let rows = [
        (T + 1, "a", "paths", 1, vec![1.0]),
        (T + 2, "a", "interval", 1, vec![1.0]),
    ];
    let file = folder.parquet("f.parquet", &rows, 1);
    assert_message(&[file], &["f.parquet, row 2", "interval"]);
    let rows = [(T + 1, "a", "interval", 1, vec![1.0])];
    let file = folder.parquet("f.parquet", &rows, 1);
    assert_message(
        &[file],
        &["f.parquet, row 1", "kind", "interval", "quantiles"],
    );
    let mut wrong = columns(&[(T + 1, "a", "paths", 1, vec![1.0])]);
    wrong[0] = Series::new(ORIGINS.into(), [1.0]).into();
    let file = folder.columns("f.parquet", wrong, 1);
    assert_message(&[file], &["column origin_ms", "Float64", "64-bit integers"]);
    let mut wrong = columns(&[(T + 1, "a", "paths", 1, vec![1.0])]);
    wrong[4] = Series::new("values".into(), [1.0]).into();
    let file = folder.columns("f.parquet", wrong, 1);
    assert_message(&[file], &["column values", "lists of 64-bit floats"]);
    let mut fewer = columns(&[(T + 1, "a", "paths", 1, vec![1.0])]);
    fewer.remove(3);
    let file = folder.columns("f.parquet", fewer, 1);
    assert_message(
        &[file],
        &["no column k (found: origin_ms, miner, kind, values)"],
    );
}

/// Files as other programs write them: [data/fixtures/make.py](../../fixtures/make.py) says which types they have.
#[test]
fn parquet_files_of_other_programs_are_read() {
    let step = 300_000;
    let found = |miner: &str, values: [f64; 4]| vec![(miner.to_owned(), 2, values.to_vec())];
    let expected = vec![
        (T, found("a", [1.0, 2.0, 3.0, 4.0])),
        (T + step, found("b", [2.0, 1.0, 4.0, 3.0])),
        (T + 2 * step, found("a", [5.0, 6.0, 7.0, 8.0])),
    ];
    for name in ["forecasts_categories", "forecasts_integers"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let file = folder.join(format!("{name}.parquet"));
        assert_eq!(read(&[file]).unwrap(), expected, "{name}");
    }
}

#[test]
fn compressed_files_are_read() {
    let folder = Folder::new();
    let text = format!("origin_ms,miner,step,v1\n{T},a,1,5\n");
    let expected = vec![(T, vec![("a".to_owned(), 1, vec![5.0])])];
    let zstd = folder.0.path().join("f.csv.zst");
    fs::write(&zstd, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
    assert_eq!(read(&[zstd]).unwrap(), expected);
    let parquet = folder.parquet("f.parquet", &[(T, "a", "quantiles", 1, vec![5.0])], 9);
    let packed = folder.0.path().join("g.parquet.zst");
    fs::write(
        &packed,
        zstd::encode_all(fs::File::open(parquet).unwrap(), 1).unwrap(),
    )
    .unwrap();
    assert_eq!(read(&[packed]).unwrap(), expected);
    let both = [PathBuf::from("-"), PathBuf::from("-")];
    assert!(read(&both).unwrap_err().contains("read only once"));
}

/// A step with fewer values and one with more have together as many as they should: they are no forecast all the same.
#[test]
fn steps_with_other_numbers_of_values_are_noticed() {
    let folder = Folder::new();
    let text = format!(
        "origin_ms,miner,step,v1,v2,v3\n{T},a,1,1,2,\n{T},a,2,1,,\n{T},a,3,1,2,3\n{T},b,1,1,2,\n"
    );
    let files = ForecastFiles::open(&[folder.csv("f.csv", &text)], &[]).unwrap();
    let round = files.rounds().unwrap().next_round().unwrap().unwrap();
    assert_eq!(
        round.forecasts[0].uneven(),
        Some(UnevenStep { step: 2, found: 1 })
    );
    assert_eq!(round.forecasts[0].values().len(), 6);
    assert_eq!(round.forecasts[1].uneven(), None);
}

#[test]
fn names_that_no_miner_can_have_are_refused_with_their_row() {
    let folder = Folder::new();
    for (name, words) in [
        ("reference", "call the miner something else"),
        ("Consensus", "call the miner something else"),
        ("a\u{1b}[2J", "can't be shown"),
        ("", "write the miner's name"),
    ] {
        let csv = folder.csv(
            "f.csv",
            &format!("origin_ms,miner,step,v1\n{T},a,1,5\n{T},{name},1,5\n"),
        );
        assert_message(&[csv], &["f.csv, line 3", "column miner", words]);
    }
    let rows = [
        (T, "a", "paths", 1, vec![1.0]),
        (T, "reference", "paths", 1, vec![1.0]),
    ];
    let parquet = folder.parquet("f.parquet", &rows, 9);
    assert_message(
        &[parquet],
        &["f.parquet, row 2", "column miner", "reference"],
    );
}

#[test]
fn origins_in_other_units_are_called_what_they_look_like() {
    let folder = Folder::new();
    for (origin, words) in [
        (T / 1000, "looks like seconds"),
        (T * 1000, "looks like microseconds"),
        (T * 1_000_000, "looks like nanoseconds"),
    ] {
        let csv = folder.csv(
            "f.csv",
            &format!("origin_ms,miner,step,v1\n{origin},a,1,5\n"),
        );
        assert_message(&[csv], &["f.csv, line 2", words, "write unix milliseconds"]);
        let parquet = folder.parquet("f.parquet", &[(origin, "a", "paths", 1, vec![1.0])], 9);
        assert_message(
            &[parquet],
            &["f.parquet, row 1", words, "write unix milliseconds"],
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a miner may be called, his file can be read.
    #[test]
    fn what_is_written_is_read(name in "[a-z,\"' ;|\\\\é#-]{1,12}", values in prop::collection::vec(any::<f64>(), 4)) {
        prop_assume!(name.parse::<MinerName>().is_ok() && values.iter().all(|value| value.is_finite()));
        let mut values = values;
        values[..2].sort_by(f64::total_cmp);
        values[2..].sort_by(f64::total_cmp);
        let forecast = Forecast::quantiles(Unit::Value, 2, 2, values.clone()).unwrap();
        let folder = Folder::new();
        for file in ["f.csv", "f.parquet"] {
            let file = folder.0.path().join(file);
            let row = ForecastRow { origin: UnixMillis::saturating(T), miner: &name, forecast: &forecast };
            write(&file, &[row]).unwrap();
            let expected = vec![(T, vec![(name.clone(), 2, values.clone())])];
            prop_assert_eq!(read(&[file]), Ok(expected));
        }
    }
}

/// Any byte of a Parquet file may be wrong: it is an error or another content, and never the end of the program.
#[test]
fn a_damaged_parquet_file_is_an_error_or_other_rows() {
    let folder = Folder::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for name in ["forecasts_categories.parquet", "forecasts_integers.parquet"] {
        let whole = fs::read(fixtures.join(name)).unwrap();
        let mut refused = 0;
        for at in (0..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            let file = folder.0.path().join(name);
            fs::write(&file, &damaged).unwrap();
            refused += usize::from(read(std::slice::from_ref(&file)).is_err());
            fs::write(&file, &whole[..at]).unwrap();
            assert!(read(&[file]).is_err(), "{name} cut at {at}");
        }
        assert!(refused > 50, "{refused}");
    }
}
