//! Forecasts files made of prices, so that what they should score is known.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::testing::STEP;
use foretell_core::time::UnixMillis;
use foretell_data::prices::PriceSeries;

/// A forecast of one miner: origin, miner, rows of K values.
pub type CsvForecast = (UnixMillis, String, Vec<Vec<f64>>);

/// Writes forecasts of at most `k` quantiles as CSV.
pub fn write_forecasts_csv(
    folder: &Path,
    name: &str,
    k: usize,
    forecasts: &[CsvForecast],
) -> PathBuf {
    let mut text = String::from("origin_ms,miner,step");
    for i in 1..=k {
        write!(text, ",v{i}").unwrap();
    }
    text.push('\n');
    for (origin, miner, rows) in forecasts {
        for (row, step) in rows.iter().zip(1..) {
            write!(text, "{origin},{miner},{step}").unwrap();
            for i in 0..k {
                match row.get(i) {
                    Some(value) => write!(text, ",{value}").unwrap(),
                    None => text.push(','),
                }
            }
            text.push('\n');
        }
    }
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file
}

/// The last close at or before `t`.
pub fn close_at(prices: &PriceSeries, t: UnixMillis) -> f64 {
    let bars = prices.bars();
    let later = bars.partition_point(|bar| bar.close_time(STEP) <= t);
    bars[later - 1].close.get()
}

/// K values around the anchor, widening with the root of time: `width` is the spread at step 1, as a share of the price.
pub fn logistic_forecast(
    anchor: f64,
    horizon: usize,
    k: usize,
    width: f64,
    drift: f64,
) -> Vec<Vec<f64>> {
    let row = |step: usize| {
        let spread = width * (step as f64).sqrt();
        let at = |i: usize| {
            let level = (2 * i + 1) as f64 / (2 * k) as f64;
            // Logistic quantiles: any smooth shape will do.
            anchor * (drift * step as f64 + spread * 0.55 * (level / (1.0 - level)).ln()).exp()
        };
        (0..k).map(at).collect()
    };
    (1..=horizon).map(row).collect()
}
