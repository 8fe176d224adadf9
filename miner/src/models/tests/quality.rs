//! Whether the models are in their order on real prices, where those are at hand.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

const PRICES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../shared/prices/BTCUSDT_5m_2024.csv"
);
const HORIZON: usize = 100;
/// Four hours between origins.
const STRIDE: i64 = 48;
const TRAINING: Millis = Millis::days(30);
const REFIT_EVERY: Millis = Millis::days(7);
/// 2024-02-01 and 2024-03-15.
const FROM: UnixMillis = UnixMillis(1_706_745_600_000);
const TO: UnixMillis = UnixMillis(1_710_460_800_000);

/// The bars of a CSV file of prices that open before `end`.
fn read(path: &Path, end: UnixMillis) -> Option<History> {
    let text = std::fs::read_to_string(path).ok()?;
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let price = |column: usize| cells[column].parse::<Price>().unwrap();
        Bar {
            open_time: UnixMillis(cells[0].parse().unwrap()),
            open: price(1),
            high: price(2),
            low: price(3),
            close: price(4),
            volume: cells[5].parse().unwrap(),
        }
    });
    let known = rows.take_while(|bar| bar.open_time < end);
    Some(history(FIVE_MINUTES, Unit::LogPrice, known))
}

/// Mean CRPS of a forecast's log returns in bps: (2/K)·Σ ρ(y − x) at each step, a plain mean over the steps.
fn crps(forecast: &Forecast, anchor: f64, realised: &[f64]) -> f64 {
    let k = forecast.k() as f64;
    let steps = realised.iter().enumerate().map(|(step, price)| {
        let outcome = Unit::LogPrice.change(anchor, *price);
        let losses = forecast.row(step).iter().zip(0..).map(|(quantile, index)| {
            let error = outcome - Unit::LogPrice.change(anchor, *quantile);
            let level = f64::from(2 * index + 1) / (2.0 * k);
            error * if error < 0.0 { level - 1.0 } else { level }
        });
        2.0 / k * losses.sum::<f64>()
    });
    steps.sum::<f64>() / realised.len() as f64
}

#[test]
fn on_bitcoin_variance_models_beat_the_gaussian_and_that_the_random_walk() {
    let Some(all_bars) = read(Path::new(PRICES), TO + Millis::days(1)) else {
        eprintln!("SKIPPED the comparison of models on real prices: {PRICES} can't be read");
        return;
    };
    let grid = Grid {
        step: FIVE_MINUTES,
        horizon: HORIZON,
    };
    let mut scores = Vec::new();
    for model in all() {
        let (mut fitting, mut forecasting) = (Duration::ZERO, Duration::ZERO);
        let mut sum = 0.0;
        let mut origins = 0_u32;
        let mut origin = FROM;
        let mut fitted = None;
        let mut refit_at = FROM;
        while origin < TO {
            let known = all_bars.between(origin - TRAINING, origin);
            if origin >= refit_at {
                let begun = Instant::now();
                fitted = Some(model.fit(&known, &grid, SEED).unwrap());
                fitting += begun.elapsed();
                refit_at = refit_at + REFIT_EVERY;
            }
            let begun = Instant::now();
            let forecast = fitted.as_ref().unwrap().forecast(&known, K).unwrap();
            forecasting += begun.elapsed();
            let targets = all_bars.between(origin, origin + grid.span());
            let realised: Vec<f64> = targets.bars().iter().map(|bar| bar.close.get()).collect();
            if realised.len() == HORIZON {
                sum += crps(&forecast, last_close(&known).unwrap(), &realised);
                origins += 1;
            }
            origin = origin + FIVE_MINUTES.times(STRIDE);
        }
        let score = sum / f64::from(origins);
        eprintln!(
            "{:12} {score:.3} bps over {origins} origins; {:.1?} a forecast, {fitting:.1?} for all fits",
            model.name(),
            forecasting / origins,
        );
        scores.push(score);
    }
    let [random_walk, gaussian, har, elastic_net] = scores[..] else {
        unreachable!("four models")
    };
    assert!(gaussian < 0.85 * random_walk);
    assert!(har < 0.99 * gaussian);
    assert!(elastic_net < 0.99 * gaussian);
}
