//! What `validator backtest` says of bad forecasts and bad files.

use std::fs;
use std::path::Path;

use super::driver::{
    Bench, FIRST, HORIZON, Lines, STEP, backtest, close_at, fan, row, write_forecasts, write_lines,
};

#[test]
fn forecasts_that_are_none_are_left_out_counted_and_listed() {
    let bench = Bench::new(3);
    let good = |origin, name: &str| {
        (
            origin,
            name.to_owned(),
            fan(close_at(&bench.series, origin), HORIZON, 3, 0.001, 0.0),
        )
    };
    let mut lines: Vec<Lines> = Vec::new();
    for origin in Bench::origins(20) {
        lines.push(good(origin, "bad"));
        lines.push(good(origin, "good"));
    }
    let spoil = |lines: &mut Vec<Lines>, round: usize, spoil: fn(&mut Vec<Vec<f64>>)| {
        spoil(&mut lines[2 * round].2);
    };
    spoil(&mut lines, 3, |rows| rows[1][1] = f64::NAN);
    spoil(&mut lines, 4, |rows| rows[0][0] = -1.0);
    spoil(&mut lines, 5, |rows| rows[2].reverse());
    spoil(&mut lines, 6, |rows| rows.truncate(5));
    spoil(&mut lines, 7, |rows| rows[2].truncate(2));
    spoil(&mut lines, 8, |rows| rows[0][2] = f64::INFINITY);
    let forecasts = write_forecasts(bench.folder.path(), "f.csv", 3, &lines);
    let document = bench.run(&forecasts, &[]).json();
    assert_eq!(document["excluded"], 6);
    let reasons: Vec<&str> = document["exclusions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["reason"].as_str().unwrap())
        .collect();
    let expected = [
        "not finite",
        "not positive",
        "below the one before",
        "values, expected",
        "values, expected",
        "not finite",
    ];
    for (reason, words) in reasons.iter().zip(expected) {
        assert!(reason.contains(words), "{reason:?} should say {words:?}");
    }
    let first = &document["exclusions"][0];
    assert_eq!(
        (&first["file"], &first["miner"]),
        (&"f.csv".into(), &"bad".into())
    );
    assert_eq!(first["row"], format!("line {}", 2 + 3 * 2 * HORIZON));
    let bad = row(&document, "bad");
    assert_eq!((&bad["rounds"], &bad["missed"]), (&20.into(), &6.into()));
    assert_eq!(row(&document, "good")["missed"], 0);
    // What the others get doesn't depend on it.
    let alone: Vec<Lines> = lines
        .iter()
        .filter(|line| line.1 == "good")
        .cloned()
        .collect();
    let alone = write_forecasts(bench.folder.path(), "alone.csv", 3, &alone);
    let alone = bench.run(&alone, &[]).json();
    assert_eq!(
        row(&alone, "good")["advantage"],
        row(&document, "good")["advantage"]
    );
    let none: Vec<Lines> = lines[..2].to_vec();
    let none = write_forecasts(bench.folder.path(), "none.csv", 3, &none);
    bench.run(&none, &["--horizon", "7"]).assert_refused(&[
        "all 2 forecasts were left out",
        "none.csv, line 2",
        "--horizon 7",
    ]);
}

#[test]
fn bad_files_are_refused_in_words() {
    let bench = Bench::new(3);
    let folder = bench.folder.path();
    let at = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let header = "origin_ms,miner,step,v1";
    let refused = |file: &Path, words: &[&str]| bench.run(file, &[]).assert_refused(words);
    refused(
        &at("f.csv", "origin_ms,miner,v1\n1,a,1\n"),
        &["f.csv", "no column step", "found: origin_ms, miner, v1"],
    );
    refused(
        &at("f.csv", &format!("{header}\n")),
        &["f.csv", "no forecasts"],
    );
    refused(
        &at("f.csv", &format!("{header}\n{FIRST},a,1,x\n")),
        &["f.csv, line 2", "column v1", "plain decimal"],
    );
    refused(
        &at("f.csv", &format!("{header}\n{},a,1,5\n", FIRST.0 + 1)),
        &["f.csv, line 2", "no multiple", "300000 ms"],
    );
    refused(
        &at(
            "f.csv",
            &format!("{header}\n{FIRST},a,1,5\n{},a,1,5\n", FIRST.0 - STEP.0),
        ),
        &["f.csv, line 3", "sort the rows"],
    );
    refused(
        &at(
            "f.csv",
            &format!("{header}\n{FIRST},a,1,5\n{FIRST},b,1,5\n{FIRST},a,1,5\n"),
        ),
        &["f.csv, line 4", "line 2", "remove one"],
    );
    refused(
        &folder.join("none.parquet"),
        &["none.parquet", "no such file"],
    );
    let good = bench.three_miners(3);
    let swapped = write_lines(folder, "swapped.csv", |lines| lines.swap(5, 6));
    backtest(&swapped, &[&good], &[]).assert_refused(&["swapped.csv, line 7", "sort the rows"]);
    let nan = write_lines(folder, "nan.csv", |lines| {
        let time = lines[4].split(',').next().unwrap().to_owned();
        lines[4] = format!("{time},NaN,NaN,NaN,NaN,1");
    });
    backtest(&nan, &[&good], &[]).assert_refused(&["nan.csv, line 5", "not finite"]);
    bench
        .run(&good, &["--from", "2030-01-01"])
        .assert_refused(&["between --from and --to", "2024-01-03"]);
}

/// A forecast that stands there twice is a fault of its round: of no other, and not of those before it.
#[test]
fn what_is_wrong_after_the_rounds_asked_for_stops_nothing() {
    let bench = Bench::new(3);
    let whole = bench.three_miners(12);
    let last = Bench::origins(12).last().unwrap();
    let text = fs::read_to_string(&whole).unwrap();
    let again = text
        .lines()
        .filter(|line| line.starts_with(&format!("{last},wide,")));
    let again: String = again.flat_map(|line| [line, "\n"]).collect();
    let twice = bench.folder.path().join("twice.csv");
    fs::write(&twice, format!("{text}{again}")).unwrap();
    bench
        .run(&twice, &[])
        .assert_refused(&["twice.csv", "remove one"]);
    let asked = ["--to", &last.to_string()];
    let document = bench.run(&twice, &asked).json();
    assert_eq!(document["rounds"], 11);
}
