//! Series that are no prices, end to end: demand, counts, temperatures, above zero and below.

use std::fs;
use std::path::Path;

use foretell_testkit::{LocalnetCommand, shared_file};
use serde_json::Value;

/// The result of a network on this file: rounds every six hours, six steps ahead.
fn result(file: &Path, name: &'static str) -> Value {
    let network = LocalnetCommand::without_span(file).option("--series", name);
    network.option("--round-every", "6h").run().json()
}

/// Checks that all rounds of three days were scored, and that both miners have figures.
fn assert_scored(result: &Value, name: &str) {
    assert_eq!(result["series"], name);
    let counts = ["rounds", "void_rounds", "unsettled"].map(|key| result[key].as_u64().unwrap());
    assert_eq!(counts, [12, 0, 0], "{name}");
    let rows = result["leaderboard"].as_array().unwrap();
    let [reference, _consensus, miners @ ..] = rows.as_slice() else {
        panic!("too few rows: {rows:?}");
    };
    assert_eq!(miners.len(), 2, "{name}");
    for row in miners.iter().chain([reference]) {
        for key in ["score", "crps_bps", "coverage_80"] {
            assert!(
                row[key].as_f64().is_some_and(f64::is_finite),
                "{name}: {key} of {row}"
            );
        }
        assert_eq!(row["missed"], 0, "{name}");
    }
}

#[test]
fn demand_counts_and_temperatures_are_forecast_settled_and_scored() {
    for (file, name) in [
        ("vic_electricity_30min_MW", "VIC/MW"),
        ("bike_sharing_hourly", "bikes"),
        ("nyc_jfk_temperature_hourly_F", "JFK/F"),
    ] {
        let file = format!("series/{file}.csv");
        if let Some(file) = shared_file(&file, &format!("the network on {name}")) {
            assert_scored(&result(&file, name), name);
        }
    }
}

/// Around freezing, so that half of the values have no logarithm.
#[test]
fn values_below_zero_are_scored_by_their_differences() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("celsius.csv");
    let rows = (0..24 * 20).map(|hour| {
        let day = f64::from(hour) / 24.0;
        let value = 6.0 * (day * std::f64::consts::TAU).sin() + (day * 1.7).cos();
        format!(
            "{},{value:.2}\n",
            1_704_067_200_000 + i64::from(hour) * 3_600_000
        )
    });
    let text = format!("open_time_ms,value\n{}", rows.collect::<String>());
    assert!(text.contains(",-"));
    fs::write(&file, &text).unwrap();
    let result = result(&file, "celsius");
    assert_scored(&result, "celsius");
    // Degrees, not basis points: nothing here moves by hundreds.
    let crps = result["leaderboard"][0]["crps_bps"].as_f64().unwrap();
    assert!(crps > 0.01 && crps < 10.0, "{crps}");
}
