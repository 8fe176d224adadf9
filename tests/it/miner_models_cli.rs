//! `miner evaluate`, `forecast` and `train`: the contract of their figures and files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_data::prices::write_csv;
use foretell_testkit::{
    ProcessOutput, RESULT_KEYS, TestProcess, miner_binary, simulated_prices, validator_binary,
};
use serde_json::Value;
use tempfile::TempDir;

fn run_program(program: &Path, arguments: &[&str]) -> ProcessOutput {
    TestProcess::spawn(Command::new(program).args(arguments)).wait()
}

/// Twenty-five days of simulated prices: twenty of history, five to forecast.
struct PriceFiles {
    folder: TempDir,
}

impl PriceFiles {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let whole = simulated_prices(1, 25);
        let cut = whole.bars()[20 * 288].open_time;
        let history = whole.slice(whole.first_open(), cut).unwrap();
        let prices = whole.slice(cut, whole.last_close()).unwrap();
        let files = Self { folder };
        write_csv(&files.path("history.csv"), &history).unwrap();
        write_csv(&files.path("prices.csv"), &prices).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

#[test]
fn an_evaluation_is_the_same_document_every_time() {
    let files = PriceFiles::new();
    let (prices, history, report) = (
        files.text("prices.csv"),
        files.text("history.csv"),
        files.text("report"),
    );
    let arguments = [
        "evaluate",
        "--prices",
        &prices,
        "--history",
        &history,
        "--models",
        "random-walk,gaussian",
        "--horizon",
        "20",
        "--stride",
        "48",
        "--json",
        "--report",
        &report,
    ];
    let first = run_program(&miner_binary(), &arguments);
    let json = first.json();
    for key in RESULT_KEYS.into_iter().chain(["origins"]) {
        assert!(!json[key].is_null(), "{key} is missing");
    }
    // 1,440 bars: origins every 48 steps from the first close on, as long as 20 more follow.
    assert_eq!(
        (&json["origins"], &json["rounds"]),
        (&30.into(), &30.into())
    );
    let names: Vec<&Value> = json["leaderboard"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["miner"])
        .collect();
    assert_eq!(&names[..2], ["reference", "consensus"]);
    let models: BTreeSet<&str> = names[2..].iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(models, BTreeSet::from(["gaussian", "random-walk"]));
    for file in [
        "report.html",
        "scores.csv",
        "crps_by_step.csv",
        "pit.csv",
        "evaluate.json",
    ] {
        assert!(files.path("report").join(file).exists(), "{file}");
    }
    let again = run_program(&miner_binary(), &arguments).json();
    let without_timing = |mut json: Value| {
        json.as_object_mut().unwrap().remove("timing");
        json
    };
    assert_eq!(without_timing(again), without_timing(json));
}

#[test]
fn forecasts_files_are_what_a_backtest_reads() {
    let files = PriceFiles::new();
    let (prices, history) = (files.text("prices.csv"), files.text("history.csv"));
    for (kind, out) in [
        ("quantiles", "f.csv"),
        ("quantiles", "f.parquet"),
        ("paths", "p.parquet"),
    ] {
        let out = files.text(out);
        let made = run_program(
            &miner_binary(),
            &[
                "forecast",
                "--prices",
                &prices,
                &history,
                "--model",
                "gaussian",
                "--horizon",
                "20",
                "--k",
                "9",
                "--kind",
                kind,
                "--every",
                "2h",
                "--out",
                &out,
                "--from",
                "2024-01-22T00:00:00Z",
                "--to",
                "2024-01-23T00:00:00Z",
            ],
        );
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let json = run_program(
            &validator_binary(),
            &[
                "backtest",
                "--prices",
                &prices,
                "--forecasts",
                &out,
                "--horizon",
                "20",
                "--json",
            ],
        )
        .json();
        assert_eq!(json["rounds"], 12, "{json}");
        let row = &json["leaderboard"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        assert_eq!(
            (&row["miner"], &row["missed"]),
            (&"gaussian".into(), &0.into())
        );
    }
}

#[test]
fn a_trained_model_forecasts_as_one_fitted_then_and_another_version_is_refused() {
    let files = PriceFiles::new();
    let (history, out) = (files.text("history.csv"), files.text("model.json"));
    let train = [
        "train",
        "--prices",
        &history,
        "--model",
        "har",
        "--horizon",
        "20",
        "--out",
        &out,
    ];
    let trained = run_program(&miner_binary(), &train);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    let at = [
        "--at",
        "2024-01-21T00:00:00Z",
        "--horizon",
        "20",
        "--json",
        "--prices",
        &history,
    ];
    let forecast = |model: [&str; 2]| {
        let arguments: Vec<&str> = ["forecast"].into_iter().chain(model).chain(at).collect();
        run_program(&miner_binary(), &arguments)
    };
    let saved = forecast(["--model-file", &out]).json();
    assert_eq!(
        saved["forecast"],
        forecast(["--model", "har"]).json()["forecast"]
    );

    let text = std::fs::read_to_string(&out).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["data"]["bars"], 20 * 288);
    std::fs::write(&out, text.replace("foretell-model/2", "foretell-model/0")).unwrap();
    forecast(["--model-file", &out])
        .assert_failed_with(&["foretell-model/0", "miner train --model har"]);
    std::fs::write(&out, "{}").unwrap();
    forecast(["--model-file", &out]).assert_failed_with(&["is no model file"]);
}

#[test]
fn an_unknown_model_and_too_short_a_file_are_refused_in_words() {
    let files = PriceFiles::new();
    let prices = files.text("prices.csv");
    let evaluate = |more: &[&str]| {
        let arguments: Vec<&str> = ["evaluate", "--prices", &prices]
            .iter()
            .chain(more)
            .copied()
            .collect();
        run_program(&miner_binary(), &arguments)
    };
    evaluate(&["--models", "oracle"]).assert_failed_with(&["oracle", "har-plus"]);
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("short.csv");
    write_csv(
        &short,
        &simulated_prices(1, 1)
            .slice(
                simulated_prices(1, 1).first_open(),
                simulated_prices(1, 1).bars()[50].open_time,
            )
            .unwrap(),
    )
    .unwrap();
    let short = short.display().to_string();
    run_program(
        &miner_binary(),
        &["evaluate", "--prices", &short, "--models", "gaussian"],
    )
    .assert_failed_with(&["before a single round of 100 steps", "--horizon"]);
}
