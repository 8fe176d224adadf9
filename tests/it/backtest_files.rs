//! What `validator backtest` says of bad forecasts and bad files.

use std::fs;
use std::path::Path;

use foretell_core::testing::STEP;
use foretell_testkit::{
    BacktestFixture, CsvForecast, FIRST_ORIGIN, HORIZON, close_at, leaderboard_row,
    logistic_forecast, run_backtest, write_forecasts_csv, write_modified_prices,
};

#[test]
fn forecasts_that_are_none_are_left_out_counted_and_listed() {
    let fixture = BacktestFixture::new(3);
    let good = |origin, name: &str| {
        (
            origin,
            name.to_owned(),
            logistic_forecast(close_at(&fixture.series, origin), HORIZON, 3, 0.001, 0.0),
        )
    };
    let mut lines: Vec<CsvForecast> = Vec::new();
    for origin in BacktestFixture::origins(20) {
        lines.push(good(origin, "bad"));
        lines.push(good(origin, "good"));
    }
    let modify = |lines: &mut Vec<CsvForecast>, round: usize, modify: fn(&mut Vec<Vec<f64>>)| {
        modify(&mut lines[2 * round].2);
    };
    modify(&mut lines, 3, |rows| rows[1][1] = f64::NAN);
    modify(&mut lines, 4, |rows| rows[0][0] = -1.0);
    modify(&mut lines, 5, |rows| rows[2].reverse());
    modify(&mut lines, 6, |rows| rows.truncate(5));
    modify(&mut lines, 7, |rows| rows[2].truncate(2));
    modify(&mut lines, 8, |rows| rows[0][2] = f64::INFINITY);
    let forecasts = write_forecasts_csv(fixture.folder.path(), "f.csv", 3, &lines);
    let document = fixture.run(&forecasts, &[]).json();
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
        "5 steps, the horizon is 6",
        "step 3 has 2 values, the first step has 3",
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
    let bad = leaderboard_row(&document, "bad");
    assert_eq!((&bad["rounds"], &bad["missed"]), (&20.into(), &6.into()));
    assert_eq!(leaderboard_row(&document, "good")["missed"], 0);
    // What the others get doesn't depend on it.
    let alone: Vec<CsvForecast> = lines
        .iter()
        .filter(|line| line.1 == "good")
        .cloned()
        .collect();
    let alone = write_forecasts_csv(fixture.folder.path(), "alone.csv", 3, &alone);
    let alone = fixture.run(&alone, &[]).json();
    assert_eq!(
        leaderboard_row(&alone, "good")["advantage"],
        leaderboard_row(&document, "good")["advantage"]
    );
    let none: Vec<CsvForecast> = lines[..2].to_vec();
    let none = write_forecasts_csv(fixture.folder.path(), "none.csv", 3, &none);
    fixture
        .run(&none, &["--horizon", "7"])
        .assert_failed_with(&[
            "all 2 forecasts were left out",
            "none.csv, line 2",
            "give --horizon 6 instead of 7",
        ]);
}

#[test]
fn bad_files_are_refused_in_words() {
    let fixture = BacktestFixture::new(3);
    let folder = fixture.folder.path();
    let at = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let header = "origin_ms,miner,step,v1";
    let refused = |file: &Path, words: &[&str]| fixture.run(file, &[]).assert_failed_with(words);
    refused(
        &at("f.csv", "origin_ms,miner,v1\n1,a,1\n"),
        &["f.csv", "no column step", "found: origin_ms, miner, v1"],
    );
    refused(
        &at("f.csv", &format!("{header}\n")),
        &["f.csv", "no forecasts"],
    );
    refused(
        &at("f.csv", &format!("{header}\n{FIRST_ORIGIN},a,1,x\n")),
        &["f.csv, line 2", "column v1", "plain decimal"],
    );
    refused(
        &at(
            "f.csv",
            &format!("{header}\n{},a,1,5\n", FIRST_ORIGIN.get() + 1),
        ),
        &["f.csv, line 2", "no multiple", "300000 ms"],
    );
    refused(
        &at(
            "f.csv",
            &format!(
                "{header}\n{FIRST_ORIGIN},a,1,5\n{},a,1,5\n",
                FIRST_ORIGIN.get() - STEP.get()
            ),
        ),
        &["f.csv, line 3", "sort the rows"],
    );
    refused(
        &at(
            "f.csv",
            &format!(
                "{header}\n{FIRST_ORIGIN},a,1,5\n{FIRST_ORIGIN},b,1,5\n{FIRST_ORIGIN},a,1,5\n"
            ),
        ),
        &["f.csv, line 4", "line 2", "remove one"],
    );
    refused(
        &folder.join("none.parquet"),
        &["none.parquet", "no such file"],
    );
    let good = fixture.three_miners(3);
    let swapped = write_modified_prices(folder, "swapped.csv", |lines| lines.swap(5, 6));
    run_backtest(&swapped, &[&good], &[])
        .assert_failed_with(&["swapped.csv, line 7", "sort the rows"]);
    let nan = write_modified_prices(folder, "nan.csv", |lines| {
        let time = lines[4].split(',').next().unwrap().to_owned();
        lines[4] = format!("{time},NaN,NaN,NaN,NaN,1");
    });
    run_backtest(&nan, &[&good], &[]).assert_failed_with(&["nan.csv, line 5", "not finite"]);
    fixture
        .run(&good, &["--from", "2030-01-01"])
        .assert_failed_with(&["between --from and --to", "2024-01-03"]);
}

/// A forecast that stands there twice is a fault of its round: of no other, and not of those before it.
#[test]
fn what_is_wrong_after_the_rounds_asked_for_stops_nothing() {
    let fixture = BacktestFixture::new(3);
    let whole = fixture.three_miners(12);
    let last = BacktestFixture::origins(12).last().unwrap();
    let text = fs::read_to_string(&whole).unwrap();
    let again = text
        .lines()
        .filter(|line| line.starts_with(&format!("{last},wide,")));
    let again: String = again.flat_map(|line| [line, "\n"]).collect();
    let twice = fixture.folder.path().join("twice.csv");
    fs::write(&twice, format!("{text}{again}")).unwrap();
    fixture
        .run(&twice, &[])
        .assert_failed_with(&["twice.csv", "remove one"]);
    let asked = ["--to", &last.to_string()];
    let document = fixture.run(&twice, &asked).json();
    assert_eq!(document["rounds"], 11);
}
