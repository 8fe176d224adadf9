//! Whether the models reach on real prices what MODELS.md reports, where those prices are at hand.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use foretell_core::testing::shared_file;
use foretell_core::time::Millis;
use foretell_evaluation::leaderboard::LeaderboardRow;

use crate::evaluate::WalkForward;
use crate::models::by_name;
use crate::price_dataset::PriceDataset;

const BTC: [&str; 2] = [
    "prices/BTCUSDT_5m_2024.csv",
    "prices/BTCUSDT_5m_2022-08_2023-12.parquet",
];

/// The leaderboard of these models over the first of these files, the others being its history.
fn leaderboard(files: &[&str], horizon: usize, models: &[&str]) -> Option<Vec<LeaderboardRow>> {
    let what = format!("the quality of {models:?} on recorded series");
    let paths = files.iter().map(|file| shared_file(file, &what));
    let paths: Vec<PathBuf> = paths.collect::<Option<_>>()?;
    let dataset = PriceDataset::read(&paths, "X".parse().unwrap(), horizon, None).unwrap();
    let walk_forward = WalkForward {
        models: models.iter().map(|name| by_name(name).unwrap()).collect(),
        stride: NonZeroUsize::new(48).unwrap(),
        refit_every: Millis::days(30),
        k: 99,
        seed: 0,
    };
    Some(
        walk_forward
            .run(&dataset, |_, _, _| {})
            .unwrap()
            .leaderboard,
    )
}

fn row<'a>(rows: &'a [LeaderboardRow], model: &str) -> &'a LeaderboardRow {
    rows.iter().find(|row| row.miner == model).unwrap()
}

fn crps(rows: &[LeaderboardRow], model: &str) -> f64 {
    row(rows, model).crps_bps.unwrap()
}

#[test]
fn on_bitcoin_the_models_reach_what_the_design_asks() {
    let models = [
        "random-walk",
        "gaussian",
        "garch-t",
        "har",
        "har-plus",
        "elastic-net",
        "pls",
        "ensemble",
    ];
    let Some(rows) = leaderboard(&BTC, 100, &models) else {
        return;
    };
    for row in &rows {
        eprintln!("{:12} {:.3?} bps", row.miner, row.crps_bps);
    }
    assert!(crps(&rows, "har") <= 52.45);
    assert!(crps(&rows, "ensemble") <= 52.40);
    assert!(crps(&rows, "ensemble") <= crps(&rows, "har"));
    assert!(crps(&rows, "har-plus") <= crps(&rows, "har"));
    // The anchor's figure over all but the first day is 54.860.
    assert!((54.7..55.0).contains(&crps(&rows, "gaussian")));
    assert!(crps(&rows, "garch-t") < 0.99 * crps(&rows, "gaussian"));
    let random_walk = row(&rows, "random-walk").rmse_bps.unwrap();
    for model in &models[3..] {
        let row = row(&rows, model);
        for (coverage, share) in [
            (row.coverage_50, 0.50),
            (row.coverage_80, 0.80),
            (row.coverage_95, 0.95),
        ] {
            assert!(
                (coverage.unwrap() - share).abs() <= 0.025,
                "{model} {share}"
            );
        }
        assert!(row.rmse_bps.unwrap() <= 1.0005 * random_walk, "{model}");
    }
}

#[test]
fn other_series_beat_the_gaussian_too() {
    let ours = ["har", "har-plus", "ensemble"];
    for (file, horizon, share) in [
        ("prices/ETHUSDT_5m_2024.parquet", 100, 0.98),
        // These drift by the hour, which the Gaussian knows nothing of.
        ("series/vic_electricity_30min_MW.csv", 48, 0.54),
        ("series/bike_sharing_hourly.csv", 24, 0.36),
        ("series/nyc_jfk_temperature_hourly_F.csv", 24, 0.80),
    ] {
        let models: Vec<&str> = ours.into_iter().chain(["gaussian"]).collect();
        let Some(rows) = leaderboard(&[file], horizon, &models) else {
            continue;
        };
        let gaussian = crps(&rows, "gaussian");
        for model in ours {
            let crps = crps(&rows, model);
            eprintln!("{file}: {model} {crps:.4}, gaussian {gaussian:.4}");
            assert!(crps < share * gaussian, "{file}: {model}");
        }
    }
}
