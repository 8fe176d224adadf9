//! From quantiles to paths: the same distribution at each step, with dependence between steps (the Schaake shuffle of
//! Clark et al., 2004, over resampled returns).
//!
//! Windows of past returns, each over its local volatility, are resampled with either sign, in pairs; that gives K paths
//! with the past's clusters of volatility. At each step the paths get the forecast's quantiles in the order of these
//! paths' ranks, so that the values at each step are exactly the quantiles, and score the same.

use foretell_core::forecast::{Forecast, ForecastKind, ForecastRejection};
use foretell_core::series::Unit;
use foretell_core::time::Millis;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::prefix_sums::PrefixSums;
use crate::price_history::PriceHistory;
use crate::returns::steps_in;

/// Newest part of the history, from which windows are resampled.
const RESAMPLING_SPAN: Millis = Millis::days(60);

/// Paths whose values at each step are the quantiles of `forecast`, which starts at the last close of `history`.
///
/// # Errors
/// None that a valid forecast gives.
pub fn from_quantiles(
    forecast: &Forecast,
    history: &PriceHistory,
    seed: u64,
) -> Result<Forecast, ForecastRejection> {
    let (horizon, k) = (forecast.horizon(), forecast.k());
    let unit = history.unit();
    let origin = history.last_close_time().unwrap_or_default();
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ origin.get().unsigned_abs());
    let shocks = shocks(history);
    let scales = step_scales(forecast, unit);
    let mut positions = vec![0.0; k];
    let mut starts = vec![0; k.div_ceil(2)];
    for start in &mut starts {
        *start = rng.random_range(0..shocks.len());
    }
    let signs: Vec<f64> = (0..k)
        .map(|path| if path % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let mut values = vec![0.0; horizon * k];
    for (step, scale) in scales.iter().enumerate() {
        for (path, position) in positions.iter_mut().enumerate() {
            let shock = shocks[(starts[path / 2] + step) % shocks.len()];
            // A little noise, so that no two paths tie.
            *position += scale * (signs[path] * shock + 1e-6 * rng.random::<f64>());
        }
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|a, b| positions[*a].total_cmp(&positions[*b]));
        for (value, path) in forecast.row(step).iter().zip(order) {
            values[step * k + path] = *value;
        }
    }
    Forecast::new(ForecastKind::Paths, unit, horizon, k, values)
}

/// Past returns over their local volatility, of about the same scale; a single 0 without any.
fn shocks(history: &PriceHistory) -> Vec<f64> {
    let returns = history.newest_returns(steps_in(RESAMPLING_SPAN, history.step()));
    let day = steps_in(Millis::days(1), history.step());
    let sums = PrefixSums::new(returns.squared.iter().copied());
    let shocks: Vec<f64> = returns
        .values
        .iter()
        .enumerate()
        .map(|(row, change)| {
            let volatility = sums
                .mean(row.saturating_sub(day), row + day)
                .max(0.0)
                .sqrt();
            if volatility > 0.0 {
                change / volatility
            } else {
                0.0
            }
        })
        .collect();
    if shocks.is_empty() { vec![0.0] } else { shocks }
}

/// Spread of each step's own return, from how much wider its quantiles are than those of the step before.
fn step_scales(forecast: &Forecast, unit: Unit) -> Vec<f64> {
    let mut before = 0.0;
    (0..forecast.horizon())
        .map(|step| {
            let row = forecast.row(step);
            let width = match (row.get(row.len() / 4), row.get(row.len() * 3 / 4)) {
                (Some(low), Some(high)) => unit.change(*low, *high),
                _ => 0.0,
            };
            let own = (width * width - before).max(1e-3 * width * width);
            before = before.max(width * width);
            own.sqrt()
        })
        .collect()
}
