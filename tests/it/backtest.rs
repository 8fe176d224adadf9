//! `validator backtest`: its result, policy by policy, and what it says of bad files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_core::forecast::Forecast;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::forecasts::{ForecastRow, Writer};
use foretell_data::prices::{PriceSeries, write_csv};
use serde_json::Value;
use tempfile::TempDir;

use super::driver::{
    Ended, Lines, Running, STEP, close_at, fan, market, validator, write_forecasts, write_lines,
};

const HORIZON: usize = 6;
const FIRST: UnixMillis = UnixMillis(1_704_240_000_000);

/// Made-up prices in a file, and forecasts of them.
pub struct Bench {
    /// Where the files are; goes with it.
    pub folder: TempDir,
    prices: PathBuf,
    series: PriceSeries,
}

impl Bench {
    /// So many days of prices.
    pub fn new(days: i64) -> Self {
        let folder = TempDir::new().unwrap();
        let series = market(1, days);
        let prices = folder.path().join("prices.csv");
        write_csv(&prices, &series).unwrap();
        Self {
            folder,
            prices,
            series,
        }
    }

    fn origins(rounds: i64) -> impl Iterator<Item = UnixMillis> {
        (0..rounds).map(|i| FIRST + Millis::minutes(30).times(i))
    }

    /// Three miners of different widths over so many half-hourly rounds.
    pub fn three_miners(&self, rounds: i64) -> PathBuf {
        let miners = [("wide", 0.003), ("right", 0.0015), ("narrow", 0.0003)];
        let lines: Vec<Lines> = Self::origins(rounds)
            .flat_map(|origin| {
                let anchor = close_at(&self.series, origin);
                miners.map(|(name, width)| {
                    (
                        origin,
                        name.to_owned(),
                        fan(anchor, HORIZON, 21, width, 0.0),
                    )
                })
            })
            .collect();
        write_forecasts(self.folder.path(), "three.csv", 21, &lines)
    }

    /// Runs the backtest on these forecasts.
    pub fn run(&self, forecasts: &Path, arguments: &[&str]) -> Ended {
        run(&self.prices, &[forecasts], arguments)
    }
}

fn run(prices: &Path, forecasts: &[&Path], arguments: &[&str]) -> Ended {
    let mut command = Command::new(validator());
    command.args(["backtest", "--horizon", &HORIZON.to_string(), "--json"]);
    command
        .arg("--prices")
        .arg(prices)
        .arg("--forecasts")
        .args(forecasts);
    command.args(arguments.iter().map(OsStr::new));
    Running::start(&mut command).wait()
}

fn names(document: &Value) -> Vec<&str> {
    let rows = document["leaderboard"].as_array().unwrap();
    rows.iter()
        .map(|row| row["miner"].as_str().unwrap())
        .collect()
}

fn row<'a>(document: &'a Value, miner: &str) -> &'a Value {
    let rows = document["leaderboard"].as_array().unwrap();
    rows.iter().find(|row| row["miner"] == miner).unwrap()
}

#[test]
fn one_policy_gives_a_document_and_several_a_list() {
    let bench = Bench::new(4);
    let forecasts = bench.three_miners(40);
    let one = bench.run(&forecasts, &[]).json();
    let keys = [
        "series",
        "policy",
        "rules",
        "rounds",
        "void_rounds",
        "unsettled",
        "leaderboard",
        "timing",
    ];
    for key in keys {
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
    let keys = [
        "miner",
        "rank",
        "rounds",
        "missed",
        "score",
        "skill",
        "rmse_bps",
        "mae_bps",
        "crps_bps",
        "directional_accuracy",
        "coverage_50",
        "coverage_80",
        "coverage_95",
        "dm_t",
        "dm_p",
        "in_mcs",
        "advantage",
        "advantage_se",
        "weight",
    ];
    for place in one["leaderboard"].as_array().unwrap() {
        for key in keys {
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
    let right = row(&one, "right");
    assert_eq!(right["weight"], 0.0);
    assert!(right["in_mcs"].is_null() && right["dm_t"].is_number());
    assert!(
        row(&one, "reference")["weight"].is_null() && row(&one, "consensus")["score"].is_null()
    );
    assert!(right["crps_bps"].as_f64() < row(&one, "wide")["crps_bps"].as_f64());
    assert!(right["crps_bps"].as_f64() < row(&one, "narrow")["crps_bps"].as_f64());

    let policies = [
        "--policy",
        "evidence",
        "--policy",
        "taoshi",
        "--policy",
        "increments",
    ];
    let three = bench.run(&forecasts, &policies).json();
    let three = three.as_array().unwrap();
    let policies: Vec<&Value> = three.iter().map(|document| &document["policy"]).collect();
    assert_eq!(policies, ["evidence", "taoshi", "increments"]);
    assert_eq!(three[0]["leaderboard"], one["leaderboard"]);
    for document in &three[1..] {
        assert!(!names(document).contains(&"consensus"));
        assert_eq!(row(document, "reference")["rank"], 0);
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
                row(document, "wide")[metric],
                row(&one, "wide")[metric],
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
    let bench = Bench::new(4);
    let forecasts = bench.three_miners(30);
    let whole = bench.run(&forecasts, &["--policy", "evidence,taoshi,increments"]);
    let whole = without_timing(&whole.json());
    let text = fs::read_to_string(&forecasts).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let parts = ["wide", "right", "narrow"].map(|name| {
        let own = lines
            .lines()
            .filter(|line| line.split(',').nth(1) == Some(name));
        let file = bench.folder.path().join(format!("{name}.csv"));
        fs::write(
            &file,
            format!("{header}\n{}\n", own.collect::<Vec<_>>().join("\n")),
        )
        .unwrap();
        file
    });
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    for threads in ["1", "2", "5"] {
        let mut command = Command::new(validator());
        command.args(["backtest", "--horizon", &HORIZON.to_string(), "--json"]);
        command
            .args(["--policy", "evidence,taoshi,increments"])
            .env("RAYON_NUM_THREADS", threads);
        command
            .arg("--prices")
            .arg(&bench.prices)
            .arg("--forecasts")
            .args(&parts);
        let again = Running::start(&mut command).wait().json();
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

/// The published rule once more, written without a look at the product's: every round's scores, shares and averages.
#[test]
fn taoshi_is_the_published_rule() {
    let bench = Bench::new(3);
    let offsets = [("a", 10.0), ("b", -25.0), ("c", 60.0), ("d", 5.0)];
    let mut lines: Vec<Lines> = Vec::new();
    for (origin, i) in Bench::origins(12).zip(0..) {
        let anchor = close_at(&bench.series, origin);
        for (name, offset) in offsets {
            // d comes late, b is absent at times, c is NaN at times.
            let point = if name == "c" && i % 4 == 1 {
                f64::NAN
            } else {
                anchor + offset * f64::from(i % 5)
            };
            if (name == "d" && i < 4) || (name == "b" && i % 3 == 2) {
                continue;
            }
            lines.push((origin, name.to_owned(), vec![vec![point]; HORIZON]));
        }
    }
    let forecasts = write_forecasts(bench.folder.path(), "points.csv", 1, &lines);
    let document = bench.run(&forecasts, &["--policy", "taoshi"]).json();
    assert_eq!(document["excluded"], 3);
    let mut averages: BTreeMap<String, f64> = BTreeMap::new();
    let details = document["rounds_detail"].as_array().unwrap();
    assert_eq!((details.len(), &document["rounds"]), (12, &12.into()));
    for (detail, origin) in details.iter().zip(Bench::origins(12)) {
        assert_eq!(detail["origin_ms"], origin.0);
        let closes: Vec<f64> = (1..=HORIZON as i64)
            .map(|i| close_at(&bench.series, origin + STEP.times(i)))
            .collect();
        let answers: BTreeMap<&str, f64> = lines
            .iter()
            .filter(|(t, _, rows)| *t == origin && !rows[0][0].is_nan())
            .map(|(_, name, rows)| (name.as_str(), rmse(rows[0][0], &closes)))
            .collect();
        let shares = shares(&answers);
        let g = detail["volatility_percentile"].as_f64().unwrap();
        let (ratio, deviation) = spread(&closes);
        assert!(g > 0.0 && g <= 1.0 && ratio >= 1.0 && deviation >= 0.0);
        let mean = averages.values().sum::<f64>() / averages.len().max(1) as f64;
        for (name, v) in &mut averages {
            if !answers.contains_key(name.as_str()) {
                *v = ema(*v / (1.0 + g), *v);
            }
        }
        for (name, q) in &shares {
            let v = averages.entry((*name).to_owned()).or_insert(mean);
            *v = ema((*v + q * g) / (1.0 + g), *v);
        }
        close_maps(&detail["scores"], &answers);
        close_maps(&detail["shares"], &shares);
        close_maps(
            &detail["ema"],
            &averages.iter().map(|(k, v)| (k.as_str(), *v)).collect(),
        );
    }
    let finals =
        ["a", "b", "c", "d"].map(|name| row(&document, name)["taoshi"]["ema"].as_f64().unwrap());
    for (value, expected) in finals.iter().zip(averages.values()) {
        assert!((value - expected).abs() < 1e-15);
    }
    let weights: f64 = ["a", "b", "c", "d"]
        .iter()
        .map(|name| row(&document, name)["weight"].as_f64().unwrap())
        .sum();
    assert!((weights - 1.0).abs() < 1e-12);
    assert_eq!(row(&document, "d")["rounds"], 8);
    assert_eq!(
        (
            &row(&document, "b")["rounds"],
            &row(&document, "b")["missed"]
        ),
        (&12.into(), &4.into())
    );
    assert!(row(&document, "reference")["taoshi"]["ema"].is_null());
}

fn rmse(point: f64, closes: &[f64]) -> f64 {
    let weight = |i: usize| f64::exp(-0.001 * i as f64);
    let errors: f64 = closes
        .iter()
        .enumerate()
        .map(|(i, a)| weight(i) * (point - a).powi(2))
        .sum();
    (errors / (0..closes.len()).map(weight).sum::<f64>()).sqrt()
}

fn shares<'a>(scores: &BTreeMap<&'a str, f64>) -> BTreeMap<&'a str, f64> {
    let least = scores.values().copied().fold(f64::INFINITY, f64::min);
    let most = scores.values().copied().fold(0.0, f64::max);
    let scaled: BTreeMap<&str, f64> = scores
        .iter()
        .map(|(name, s)| {
            (
                *name,
                if most > least {
                    1.0 - (s - least) / (most - least)
                } else {
                    1.0
                },
            )
        })
        .collect();
    let total: f64 = scaled.values().sum();
    let rounded = |v: f64| (v / total * 1e4).round() / 1e4;
    match most > least {
        true => scaled
            .into_iter()
            .map(|(name, v)| (name, rounded(v)))
            .collect(),
        false => scaled
            .into_iter()
            .map(|(name, v)| (name, v / total))
            .collect(),
    }
}

fn spread(closes: &[f64]) -> (f64, f64) {
    let n = closes.len() as f64;
    let mean = closes.iter().sum::<f64>() / n;
    let most = closes.iter().copied().fold(0.0, f64::max);
    let least = closes.iter().copied().fold(f64::INFINITY, f64::min);
    (
        most / least,
        (closes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n).sqrt(),
    )
}

fn ema(current: f64, previous: f64) -> f64 {
    2.0 / 49.0 * current + (1.0 - 2.0 / 49.0) * previous
}

fn close_maps(found: &Value, expected: &BTreeMap<&str, f64>) {
    let found = found.as_object().unwrap();
    assert_eq!(found.len(), expected.len());
    for (name, value) in expected {
        let found = found[*name].as_f64().unwrap();
        assert!(
            (found - value).abs() <= 1e-12 * value.abs().max(1e-6),
            "{name}: {found} {value}"
        );
    }
}

#[test]
fn taoshi_needs_no_history() {
    let folder = TempDir::new().unwrap();
    let prices = folder.path().join("prices.csv");
    let closes = [30_000.0, 30_100.0, 30_150.0, 30_200.0];
    let bars: String = closes
        .iter()
        .zip(0..)
        .map(|(close, i)| {
            format!(
                "{},{close},{close},{close},{close},1\n",
                FIRST.0 + i * STEP.0
            )
        })
        .collect();
    fs::write(
        &prices,
        format!("open_time_ms,open,high,low,close,volume\n{bars}"),
    )
    .unwrap();
    let lines: Vec<Lines> = [("a", 30_000.0), ("b", 30_010.0), ("c", 31_000.0)]
        .map(|(name, point)| (FIRST, name.to_owned(), vec![vec![point]; 4]))
        .to_vec();
    let forecasts = write_forecasts(folder.path(), "f.csv", 1, &lines);
    let mut command = Command::new(validator());
    command.args([
        "backtest",
        "--horizon",
        "4",
        "--json",
        "--policy",
        "taoshi",
        "--policy",
        "evidence",
    ]);
    command
        .arg("--prices")
        .arg(&prices)
        .arg("--forecasts")
        .arg(&forecasts);
    let documents = Running::start(&mut command).wait().json();
    let taoshi = &documents[0];
    assert_eq!(
        (&taoshi["rounds"], &taoshi["void_rounds"]),
        (&1.into(), &0.into())
    );
    let detail = &taoshi["rounds_detail"][0];
    assert_eq!(detail["volatility_percentile"], 0.112_249_721_603_218_24);
    assert_eq!(row(taoshi, "a")["rounds"], 1);
    assert!(row(taoshi, "a")["score"].is_null() && row(taoshi, "a")["rmse_bps"].is_null());
    let evidence = &documents[1];
    assert_eq!(
        (&evidence["rounds"], &evidence["void_rounds"]),
        (&0.into(), &1.into())
    );
    assert_eq!(
        evidence["voids"][0]["reason"],
        "no settled price at the origin"
    );
}

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
    let mut command = Command::new(validator());
    command
        .args(["backtest", "--horizon", "7"])
        .arg("--prices")
        .arg(&bench.prices)
        .arg("--forecasts")
        .arg(&none);
    Running::start(&mut command).wait().assert_refused(&[
        "all 2 forecasts were left out",
        "none.csv, line 2",
        "--horizon 7",
    ]);
}

#[test]
fn rounds_beyond_the_prices_are_unsettled_and_those_in_gaps_void() {
    let bench = Bench::new(3);
    let forecasts = bench.three_miners(60);
    // The market ends one day after the first origin.
    let document = bench.run(&forecasts, &[]).json();
    assert_eq!(
        (&document["rounds"], &document["unsettled"]),
        (&48.into(), &12.into())
    );
    let origin = FIRST + Millis::hours(1);
    let gappy = write_lines(bench.folder.path(), "gappy.csv", |lines| {
        // The anchor of the third round is the close of the bar that opens one step before it.
        let gone = format!("{},", (origin - STEP).0);
        lines.retain(|line| !line.starts_with(&gone));
    });
    let document = run(&gappy, &[&forecasts], &[]).json();
    assert_eq!(
        (&document["rounds"], &document["void_rounds"]),
        (&46.into(), &2.into())
    );
    assert_eq!(document["voids"][1]["origin_ms"], origin.0);
    assert_eq!(
        document["voids"][1]["reason"],
        "no settled price at the origin"
    );
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
    run(&swapped, &[&good], &[]).assert_refused(&["swapped.csv, line 7", "sort the rows"]);
    let nan = write_lines(folder, "nan.csv", |lines| {
        let time = lines[4].split(',').next().unwrap().to_owned();
        lines[4] = format!("{time},NaN,NaN,NaN,NaN,1");
    });
    run(&nan, &[&good], &[]).assert_refused(&["nan.csv, line 5", "not finite"]);
    bench
        .run(&good, &["--from", "2030-01-01T00:00:00Z"])
        .assert_refused(&["between --from and --to", "2024-01-03"]);
}

/// Twice the rounds in Parquet take no more memory: a row group is held at a time.
#[test]
fn memory_does_not_grow_with_the_file() {
    let bench = Bench::new(13);
    let file = |name: &str, rounds: i64| {
        let path = bench.folder.path().join(name);
        let mut writer = Writer::create(&path).unwrap();
        for origin in Bench::origins(rounds) {
            let anchor = close_at(&bench.series, origin);
            let miners = ["a", "b", "c"].map(|miner| {
                let values = fan(anchor, HORIZON, 1000, 0.001, 0.0).concat();
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
        let mut command = Command::new(validator());
        command.args(["backtest", "--horizon", &HORIZON.to_string(), "--json"]);
        command
            .arg("--prices")
            .arg(&bench.prices)
            .arg("--forecasts")
            .arg(path);
        let mut running = Running::start(&mut command);
        let mut peak = 0;
        while !running.has_ended() {
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

/// The largest resident size of a process so far; 0 once it is gone.
fn peak_memory_kb(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
