//! Price files that are no price files: what the validator says, and what it makes of gaps.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use foretell_core::testing::{STEP, assert_contains_all};
use foretell_core::time::Millis;
use foretell_testkit::{
    FIRST_ORIGIN, LocalnetCommand, write_modified_prices, write_simulated_prices,
};
use serde_json::Value;

/// The line of the bar that closes `steps` after [`FIRST_ORIGIN`]; the header is line 0.
fn closing(steps: i64) -> usize {
    let bars_before_start = Millis::days(2).get() / STEP.get();
    usize::try_from(bars_before_start + steps).unwrap()
}

/// Replaces one cell.
fn set(line: &mut String, column: usize, value: &str) {
    let mut cells: Vec<&str> = line.split(',').collect();
    cells[column] = value;
    *line = cells.join(",");
}

#[test]
fn a_file_that_is_no_price_file_is_refused_with_the_place_and_the_cure() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let good = write_simulated_prices(folder);
    let refused = |file: &Path, words: &[&str]| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let ended = LocalnetCommand::with_prices(file).run();
        ended.assert_failed_with(&[&["error: ", name], words].concat());
    };
    let refused_after = |name: &str, modify: &dyn Fn(&mut Vec<String>), words: &[&str]| {
        refused(&write_modified_prices(folder, name, modify), words);
    };

    refused(
        &folder.join("nowhere.csv"),
        &["no such file", "check the path"],
    );
    refused(folder, &["is a directory", "name one file in it"]);
    let folder_named_csv = folder.join("folder.csv");
    fs::create_dir(&folder_named_csv).unwrap();
    refused(&folder_named_csv, &["is a directory"]);
    let other_format = folder.join("prices.txt");
    fs::copy(&good, &other_format).unwrap();
    refused(&other_format, &["extension", ".csv or .parquet"]);
    let not_parquet = folder.join("prices.parquet");
    fs::copy(&good, &not_parquet).unwrap();
    refused(
        &not_parquet,
        &["not a readable Parquet file", "name it .csv"],
    );

    refused_after("empty.csv", &Vec::clear, &["is empty", "open_time_ms"]);
    refused_after(
        "header.csv",
        &|lines| lines.truncate(1),
        &["rows found: 0", "at least 2"],
    );
    refused_after(
        "one.csv",
        &|lines| lines.truncate(2),
        &["rows found: 1", "at least 2"],
    );
    refused_after(
        "no-header.csv",
        &|lines| drop(lines.remove(0)),
        &["no column", "first line"],
    );
    refused_after(
        "unsorted.csv",
        &|lines| lines.swap(10, 11),
        &["line 12", "later", "sort the rows"],
    );
    let twice = |lines: &mut Vec<String>| lines.insert(10, lines[10].clone());
    refused_after("twice.csv", &twice, &["line 12", "twice", "remove one"]);
    let time = FIRST_ORIGIN.get() + 1;
    let off_grid = |lines: &mut Vec<String>| set(&mut lines[closing(1)], 0, &time.to_string());
    refused_after(
        "off-grid.csv",
        &off_grid,
        &["off the grid", &time.to_string(), "remove the row"],
    );
    let cell = |column, value: &'static str| {
        move |lines: &mut Vec<String>| set(&mut lines[10], column, value)
    };
    refused_after(
        "text.csv",
        &cell(4, "n/a"),
        &["line 11", "column close", "n/a", "plain decimal"],
    );
    refused_after(
        "nan.csv",
        &cell(4, "NaN"),
        &[
            "line 11",
            "column close",
            "not finite",
            "leave the whole row out",
        ],
    );
    refused_after(
        "blank.csv",
        &cell(4, ""),
        &["line 11", "column close", "empty cell"],
    );
    refused_after(
        "seconds.csv",
        &cell(0, "1704069900.5"),
        &["line 11", "unix milliseconds"],
    );
    refused_after("low.csv", &cell(3, "1e9"), &["line 11", "low", "above"]);
    refused_after(
        "volume.csv",
        &cell(5, "-1"),
        &["line 11", "volume", "0 or more"],
    );
    refused_after(
        "ragged.csv",
        &|lines| lines[10].push_str(",1"),
        &["line 11", "as many"],
    );
}

#[test]
fn a_negative_price_is_refused_unless_the_series_is_said_to_be_one_of_values() {
    let folder = tempfile::tempdir().unwrap();
    let negative = write_modified_prices(folder.path(), "negative.csv", |lines| {
        set(&mut lines[10], 3, "-5");
    });
    LocalnetCommand::with_prices(&negative)
        .run()
        .assert_failed_with(&[
            "negative.csv, line 11",
            "column low: found -5",
            "--unit value",
        ]);
    let data = folder.path().join("data");
    let json = LocalnetCommand::with_prices(&negative)
        .option("--unit", "value")
        .path_option("--data", &data)
        .run()
        .json();
    let stamp: Value =
        serde_json::from_slice(&fs::read(data.join("foretell.json")).unwrap()).unwrap();
    assert_eq!(stamp["series"]["unit"], "value");
    assert_eq!(
        (&json["rounds"], &json["misses"]),
        (&4.into(), &serde_json::json!({}))
    );
}

#[test]
fn gaps_are_reported_and_rounds_over_a_big_one_are_void() {
    let folder = tempfile::tempdir().unwrap();
    // With one step in ten missing a round counts, with two it doesn't; without its last one it never does.
    let network = |missing: &[i64]| {
        let mut lines: Vec<usize> = missing.iter().map(|steps| closing(*steps)).collect();
        lines.sort_by(|a, b| b.cmp(a));
        let file = write_modified_prices(folder.path(), "gaps.csv", |all| {
            for line in &lines {
                all.remove(*line);
            }
        });
        LocalnetCommand::with_prices(&file)
            .option("--horizon", 10)
            .option("--round-every", "50m")
            .option("--to", FIRST_ORIGIN + STEP.times(20))
            .run()
    };
    let counts = |missing: &[i64]| {
        let json = network(missing).json();
        ["rounds", "void_rounds", "unsettled"].map(|key| json[key].as_u64().unwrap())
    };
    assert_eq!(counts(&[3]), [2, 0, 0]);
    assert_eq!(counts(&[3, 5]), [1, 1, 0]);
    assert_eq!(counts(&[20]), [1, 1, 0]);
    // The end of the first round is the origin of the second.
    assert_eq!(counts(&[10]), [0, 2, 0]);
    let stderr = network(&[3, 4, 5, 13]).stderr;
    // Step 3 closes at 00:15, so its bar opens at 00:10.
    assert_contains_all(
        &stderr,
        &[
            "warning: 4 bars are missing",
            "first 3 from 2024-01-03T00:10:00Z",
            "10 %",
            "void",
        ],
    );
    assert!(!network(&[]).stderr.contains("warning"));
}

#[test]
fn a_span_without_rounds_is_refused_with_what_the_prices_span() {
    let folder = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()));
    let prices_span = "2024-01-01T00:00:00Z to 2024-01-04T00:00:00Z";
    for (from, to) in [
        ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"),
        ("2023-01-01T00:00:00Z", "2023-01-02T00:00:00Z"),
        ("2024-01-03T02:00:00Z", "2024-01-03T01:00:00Z"),
        ("2024-01-03T00:01:00Z", "2024-01-03T00:29:00Z"),
    ] {
        let network = network.clone().option("--from", from).option("--to", to);
        network.run().assert_failed_with(&[
            "no round lies between",
            prices_span,
            "--from and --to",
        ]);
    }
    let longer_than_the_file =
        LocalnetCommand::without_span(&write_simulated_prices(folder.path()))
            .option("--horizon", 1000);
    longer_than_the_file
        .run()
        .assert_failed_with(&["the prices cover 72h", "shorter --horizon"]);
}

#[test]
fn an_address_in_use_is_named_with_the_option_that_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .option("--http", address);
    network
        .run()
        .assert_failed_with(&[&address.to_string(), "in use", "--http"]);
    drop(taken);
    assert_eq!(network.run().code, Some(0));
}
