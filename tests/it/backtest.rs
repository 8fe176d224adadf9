//! `validator backtest`: its result, policy by policy.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::forecast::Forecast;
use foretell_core::series::Unit;
use foretell_core::testing::{STEP, shared_file};
use foretell_core::time::Millis;
use foretell_data::forecasts::{ForecastRow, ForecastWriter};
use foretell_testkit::{
    BacktestFixture, FIRST_ORIGIN, HORIZON, LEADERBOARD_ROW_KEYS, RESULT_KEYS, TestProcess,
    backtest_command, close_at, leaderboard_row, logistic_forecast, peak_memory_kb, run_backtest,
    write_modified_prices,
};
use serde_json::Value;

fn names(document: &Value) -> Vec<&str> {
    let rows = document["leaderboard"].as_array().unwrap();
    rows.iter()
        .map(|row| row["miner"].as_str().unwrap())
        .collect()
}

/// Forty rounds that don't overlap, of which 48 hours hold 96: the mean difference is 1.2 standard errors below 0.
#[test]
fn forty_rounds_without_a_difference_show_none() {
    let folder = "cases/dm-test-with-more-lags-than-rounds";
    let Some(folder) = shared_file(folder, "the test of Diebold and Mariano over few rounds")
    else {
        return;
    };
    let (prices, forecasts) = (folder.join("prices.csv"), folder.join("forecasts.csv"));
    let result = run_backtest(&prices, &[&forecasts], &["--horizon", "4"]).json();
    let row = leaderboard_row(&result, "m25");
    let figure = |key: &str| row[key].as_f64().unwrap();
    assert_eq!(figure("rounds"), 40.0);
    assert!((-2.0..-0.6).contains(&figure("dm_t")), "{row}");
    assert!((0.1..0.6).contains(&figure("dm_p")), "{row}");
    let ratio = figure("advantage") / figure("advantage_se");
    assert!((-2.0..-0.6).contains(&ratio), "{row}");
    assert!(
        figure("advantage_half_width") > figure("advantage").abs(),
        "{row}"
    );
}

#[test]
fn one_policy_gives_a_document_and_several_a_list() {
    let fixture = BacktestFixture::new(4);
    let forecasts = fixture.three_miners(40);
    let one = fixture.run(&forecasts, &[]).json();
    for key in RESULT_KEYS {
        assert!(!one[key].is_null(), "{key}");
    }
    assert_eq!(
        (&one["series"], &one["policy"]),
        (&"BTC/USD".into(), &"evidence".into())
    );
    assert_eq!(
        (&one["rounds"], &one["void_rounds"], &one["unsettled"]),
        (&40.into(), &0.into(), &0.into())
    );
    for place in one["leaderboard"].as_array().unwrap() {
        for key in LEADERBOARD_ROW_KEYS {
            assert!(place.get(key).is_some(), "{key} of {place}");
        }
    }
    assert_eq!(names(&one)[..3], ["reference", "consensus", "right"]);
    let ranks: Vec<u64> = one["leaderboard"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["rank"].as_u64().unwrap())
        .collect();
    assert_eq!(ranks, [0, 1, 2, 3, 4]);
    // Too few rounds for evidence or a confidence set: nobody is paid, and what is undefined is null.
    let right = leaderboard_row(&one, "right");
    assert_eq!(right["weight"], 0.0);
    assert!(right["in_mcs"].is_null() && right["dm_t"].is_number());
    assert!(
        leaderboard_row(&one, "reference")["weight"].is_null()
            && leaderboard_row(&one, "consensus")["score"].is_null()
    );
    assert!(right["crps_bps"].as_f64() < leaderboard_row(&one, "wide")["crps_bps"].as_f64());
    assert!(right["crps_bps"].as_f64() < leaderboard_row(&one, "narrow")["crps_bps"].as_f64());

    let policies = [
        "--policy",
        "evidence",
        "--policy",
        "taoshi",
        "--policy",
        "increments",
    ];
    let three = fixture.run(&forecasts, &policies).json();
    let three = three.as_array().unwrap();
    let policies: Vec<&Value> = three.iter().map(|document| &document["policy"]).collect();
    assert_eq!(policies, ["evidence", "taoshi", "increments"]);
    assert_eq!(three[0]["leaderboard"], one["leaderboard"]);
    for document in &three[1..] {
        assert!(!names(document).contains(&"consensus"));
        assert_eq!(leaderboard_row(document, "reference")["rank"], 0);
        assert_eq!(document["leaderboard"][1]["rank"], 2);
        for metric in [
            "score",
            "skill",
            "rmse_bps",
            "crps_bps",
            "coverage_80",
            "advantage",
        ] {
            assert_eq!(
                leaderboard_row(document, "wide")[metric],
                leaderboard_row(&one, "wide")[metric],
                "{metric}"
            );
        }
    }
    assert_eq!(three[1]["rounds_detail"].as_array().unwrap().len(), 40);
    assert!(three[0].get("rounds_detail").is_none());
    let shares: f64 = three[2]["leaderboard"].as_array().unwrap()[1..]
        .iter()
        .map(|r| r["weight"].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 1e-12);
}

#[test]
fn threads_and_the_files_forms_do_not_matter() {
    let fixture = BacktestFixture::new(4);
    let forecasts = fixture.three_miners(30);
    let whole = fixture.run(&forecasts, &["--policy", "evidence,taoshi,increments"]);
    let whole = without_timing(&whole.json());
    let text = fs::read_to_string(&forecasts).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let parts = ["wide", "right", "narrow"].map(|name| {
        let own = lines
            .lines()
            .filter(|line| line.split(',').nth(1) == Some(name));
        let file = fixture.folder.path().join(format!("{name}.csv"));
        fs::write(
            &file,
            format!("{header}\n{}\n", own.collect::<Vec<_>>().join("\n")),
        )
        .unwrap();
        file
    });
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    for threads in ["1", "2", "5"] {
        let policies = ["--policy", "evidence,taoshi,increments"];
        let mut command = backtest_command(&fixture.prices, &parts, &policies);
        command.env("RAYON_NUM_THREADS", threads);
        let again = TestProcess::spawn(&mut command).wait().json();
        assert_eq!(without_timing(&again), whole, "{threads} threads");
    }
}

fn without_timing(documents: &Value) -> Value {
    let mut documents = documents.clone();
    for document in documents.as_array_mut().unwrap() {
        document.as_object_mut().unwrap().remove("timing");
    }
    documents
}

#[test]
fn rounds_beyond_the_prices_are_unsettled_and_those_in_gaps_void() {
    let fixture = BacktestFixture::new(3);
    let forecasts = fixture.three_miners(60);
    // The market ends one day after the first origin.
    let document = fixture.run(&forecasts, &[]).json();
    assert_eq!(
        (&document["rounds"], &document["unsettled"]),
        (&48.into(), &12.into())
    );
    let origin = FIRST_ORIGIN + Millis::hours(1);
    let gappy = write_modified_prices(fixture.folder.path(), "gappy.csv", |lines| {
        // The anchor of the third round is the close of the bar that opens one step before it.
        let gone = format!("{},", (origin - STEP).get());
        lines.retain(|line| !line.starts_with(&gone));
    });
    let document = run_backtest(&gappy, &[&forecasts], &[]).json();
    assert_eq!(
        (&document["rounds"], &document["void_rounds"]),
        (&46.into(), &2.into())
    );
    assert_eq!(document["voids"][1]["origin_ms"], origin.get());
    assert_eq!(
        document["voids"][1]["reason"],
        "no settled price at the origin"
    );
}

/// Twice the rounds in Parquet take no more memory: a few row groups are held at a time.
#[test]
fn memory_does_not_grow_with_the_file() {
    let fixture = BacktestFixture::new(13);
    let file = |name: &str, rounds: i64| {
        let path = fixture.folder.path().join(name);
        let mut writer = ForecastWriter::create(&path).unwrap();
        for origin in BacktestFixture::origins(rounds) {
            let anchor = close_at(&fixture.series, origin);
            let miners = ["a", "b", "c"].map(|miner| {
                let values = logistic_forecast(anchor, HORIZON, 1000, 0.001, 0.0).concat();
                (
                    miner,
                    Forecast::quantiles(Unit::LogPrice, HORIZON, 1000, values).unwrap(),
                )
            });
            let rows = miners.each_ref().map(|(miner, forecast)| ForecastRow {
                origin,
                miner,
                forecast,
            });
            writer.write(&rows).unwrap();
        }
        writer.finish().unwrap();
        path
    };
    let peak = |path: &Path| {
        let mut running = TestProcess::spawn(&mut backtest_command(&fixture.prices, &[path], &[]));
        let mut peak = 0;
        while !running.has_exited() {
            peak = peak.max(peak_memory_kb(running.id()));
            std::thread::yield_now();
        }
        running.wait().json();
        peak
    };
    let (short, long) = (file("short.parquet", 250), file("long.parquet", 500));
    let (once, twice) = (peak(&short), peak(&long));
    let grown = fs::metadata(&long).unwrap().len() - fs::metadata(&short).unwrap().len();
    assert!(
        grown > 10 << 20,
        "the files are too small to tell: {grown} bytes"
    );
    assert!(
        twice < once + once / 10,
        "{once} kB for the one, {twice} kB for the other, which is {grown} bytes longer"
    );
}
