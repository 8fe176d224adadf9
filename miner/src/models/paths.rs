//! From quantiles to paths: the same distribution at each step, and moves that hang together.
//!
//! Windows of past moves, each over its step's own spread, are laid out anew with either sign, in pairs; that gives K
//! paths with the past's clusters of volatility. At each step their ranks then pick among the forecast's quantiles, so
//! that the values at each step are exactly the quantiles', and score the same.

use foretell_core::forecast::{Forecast, Kind, Rejection};
use foretell_core::series::Unit;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::history::History;
use crate::moves::{Moves, steps_in};
use foretell_core::time::Millis;

/// Past that windows are taken from.
const PAST: Millis = Millis::days(60);

/// Paths whose values at each step are the quantiles of `forecast`, which starts at the last close of `history`.
///
/// # Errors
/// None that a valid forecast gives.
pub fn of(forecast: &Forecast, history: &History, seed: u64) -> Result<Forecast, Rejection> {
    let (horizon, k) = (forecast.horizon(), forecast.k());
    let unit = history.unit();
    let origin = history.last_close_time().unwrap_or_default();
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ origin.0.unsigned_abs());
    let shocks = shocks(history);
    let spreads = step_spreads(forecast, unit);
    let mut moved = vec![0.0; k];
    let mut starts = vec![0; k.div_ceil(2)];
    for start in &mut starts {
        *start = rng.random_range(0..shocks.len());
    }
    let flips: Vec<f64> = (0..k)
        .map(|path| if path % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let mut values = vec![0.0; horizon * k];
    for (step, spread) in spreads.iter().enumerate() {
        for (path, moved) in moved.iter_mut().enumerate() {
            let shock = shocks[(starts[path / 2] + step) % shocks.len()];
            // A breath of noise, so that no two paths tie.
            *moved += spread * (flips[path] * shock + 1e-6 * rng.random::<f64>());
        }
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|a, b| moved[*a].total_cmp(&moved[*b]));
        for (value, path) in forecast.row(step).iter().zip(order) {
            values[step * k + path] = *value;
        }
    }
    Forecast::new(Kind::Paths, unit, horizon, k, values)
}

/// Past moves over their local size, of about the same spread; one still move if there is no past.
fn shocks(history: &History) -> Vec<f64> {
    let moves = Moves::last(history, steps_in(PAST, history.step()));
    let day = steps_in(Millis::days(1), history.step());
    let sums = crate::sample::Cumulative::of(moves.squared.iter().copied());
    let shocks: Vec<f64> = moves
        .returns
        .iter()
        .enumerate()
        .map(|(row, change)| {
            let size = sums
                .mean(row.saturating_sub(day), row + day)
                .max(0.0)
                .sqrt();
            if size > 0.0 { change / size } else { 0.0 }
        })
        .collect();
    if shocks.is_empty() { vec![0.0] } else { shocks }
}

/// Spread of the move of each step alone, from how the fan widens.
fn step_spreads(forecast: &Forecast, unit: Unit) -> Vec<f64> {
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
