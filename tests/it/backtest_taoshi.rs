//! `validator backtest --policy taoshi`, beside the published rule.

use std::collections::BTreeMap;
use std::fs;

use foretell_core::testing::STEP;
use foretell_testkit::{
    BacktestFixture, CsvForecast, FIRST_ORIGIN, HORIZON, close_at, leaderboard_row, run_backtest,
    write_forecasts_csv,
};
use serde_json::Value;
use tempfile::TempDir;

/// The published rule once more, written without a look at the product's: every round's scores, shares and averages.
#[test]
fn taoshi_is_the_published_rule() {
    let fixture = BacktestFixture::new(3);
    let offsets = [("a", 10.0), ("b", -25.0), ("c", 60.0), ("d", 5.0)];
    let mut lines: Vec<CsvForecast> = Vec::new();
    for (origin, i) in BacktestFixture::origins(12).zip(0..) {
        let anchor = close_at(&fixture.series, origin);
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
    let forecasts = write_forecasts_csv(fixture.folder.path(), "points.csv", 1, &lines);
    let document = fixture.run(&forecasts, &["--policy", "taoshi"]).json();
    assert_eq!(document["excluded"], 3);
    let mut averages: BTreeMap<String, f64> = BTreeMap::new();
    let details = document["rounds_detail"].as_array().unwrap();
    assert_eq!((details.len(), &document["rounds"]), (12, &12.into()));
    for (detail, origin) in details.iter().zip(BacktestFixture::origins(12)) {
        assert_eq!(detail["origin_ms"], origin.get());
        let closes: Vec<f64> = (1..=HORIZON as i64)
            .map(|i| close_at(&fixture.series, origin + STEP.times(i)))
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
    let finals = ["a", "b", "c", "d"].map(|name| {
        leaderboard_row(&document, name)["taoshi"]["ema"]
            .as_f64()
            .unwrap()
    });
    for (value, expected) in finals.iter().zip(averages.values()) {
        assert!((value - expected).abs() < 1e-15);
    }
    let weights: f64 = ["a", "b", "c", "d"]
        .iter()
        .map(|name| leaderboard_row(&document, name)["weight"].as_f64().unwrap())
        .sum();
    assert!((weights - 1.0).abs() < 1e-12);
    assert_eq!(leaderboard_row(&document, "d")["rounds"], 8);
    assert_eq!(
        (
            &leaderboard_row(&document, "b")["rounds"],
            &leaderboard_row(&document, "b")["missed"]
        ),
        (&12.into(), &4.into())
    );
    assert!(leaderboard_row(&document, "reference")["taoshi"]["ema"].is_null());
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
                FIRST_ORIGIN.get() + i * STEP.get()
            )
        })
        .collect();
    fs::write(
        &prices,
        format!("open_time_ms,open,high,low,close,volume\n{bars}"),
    )
    .unwrap();
    let lines: Vec<CsvForecast> = [("a", 30_000.0), ("b", 30_010.0), ("c", 31_000.0)]
        .map(|(name, point)| (FIRST_ORIGIN, name.to_owned(), vec![vec![point]; 4]))
        .to_vec();
    let forecasts = write_forecasts_csv(folder.path(), "f.csv", 1, &lines);
    let policies = ["--horizon", "4", "--policy", "taoshi,evidence"];
    let documents = run_backtest(&prices, &[&forecasts], &policies).json();
    let taoshi = &documents[0];
    assert_eq!(
        (&taoshi["rounds"], &taoshi["void_rounds"]),
        (&1.into(), &0.into())
    );
    let detail = &taoshi["rounds_detail"][0];
    assert_eq!(detail["volatility_percentile"], 0.112_249_721_603_218_24);
    assert_eq!(leaderboard_row(taoshi, "a")["rounds"], 1);
    assert!(
        leaderboard_row(taoshi, "a")["score"].is_null()
            && leaderboard_row(taoshi, "a")["rmse_bps"].is_null()
    );
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
