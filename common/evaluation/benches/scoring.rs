//! The kernels of scoring, timed: one line each on standard output, `name seconds`, the best of several runs.
//!
//! `make bench` prints them beside the times of other implementations. Inputs are made here, the same every time.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its results"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use foretell_core::forecast::{Forecast, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::outcome::Outcome;
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::score::Score;
use foretell_core::score::crps::crps;
use foretell_core::series::Unit;
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::policy::{Policy, SettledRound, TaoshiPolicy, taoshi};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MINERS: usize = 256;
const STEPS: usize = 100;
const MEMBERS: usize = 1000;
/// Rounds of a year, half-hourly.
const YEAR: usize = 365 * 48;
/// Different rounds that the year is made of: more than caches hold.
const DIFFERENT: usize = 200;

fn main() {
    crps_of_a_round();
    a_year_of_taoshi();
}

/// Near-normal: the sum of four uniforms, centred.
fn draw(rng: &mut ChaCha8Rng) -> f64 {
    (0..4).map(|_| rng.random::<f64>()).sum::<f64>() - 2.0
}

fn best_of(runs: usize, mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

fn crps_of_a_round() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let paths: Vec<f64> = (0..MINERS * STEPS * MEMBERS)
        .map(|_| 100.0 * draw(&mut rng))
        .collect();
    let outcomes: Vec<f64> = (0..MINERS * STEPS)
        .map(|_| 100.0 * draw(&mut rng))
        .collect();
    let mut sorted = paths.clone();
    for row in sorted.chunks_exact_mut(MEMBERS) {
        row.sort_unstable_by(f64::total_cmp);
    }
    let rows = |values: &[f64]| -> f64 {
        values
            .chunks_exact(MEMBERS)
            .zip(&outcomes)
            .map(|(row, y)| crps(row, *y))
            .sum()
    };
    let read = best_of(7, || {
        black_box(sum(black_box(&sorted)));
    });
    println!("read_bytes {read}");
    let quantiles = best_of(7, || {
        black_box(rows(black_box(&sorted)));
    });
    println!("crps_quantiles {quantiles}");
    // Miner by miner, as answers are scored; the copy that is sorted in place is made outside the measured time.
    let by_miner = |work: &dyn Fn(Vec<f64>, &[f64])| {
        let miners = paths.chunks_exact(MEMBERS * STEPS);
        let time = |(paths, outcomes): (&[f64], _)| {
            let copy = paths.to_vec();
            let started = Instant::now();
            work(copy, outcomes);
            started.elapsed().as_secs_f64()
        };
        let round = || miners.clone().zip(outcomes.chunks_exact(STEPS)).map(time);
        (0..5).map(|_| round().sum()).fold(f64::INFINITY, f64::min)
    };
    let sort = by_miner(&|mut paths, _| {
        for row in paths.chunks_exact_mut(MEMBERS) {
            row.sort_unstable_by(f64::total_cmp);
        }
        black_box(paths);
    });
    println!("sort {sort}");
    let both = by_miner(&|paths, outcomes| {
        let fan = QuantileForecast::from_moves(MEMBERS, paths);
        let rows = fan.rows().zip(outcomes);
        black_box(rows.map(|(row, y)| crps(row, *y)).sum::<f64>());
    });
    println!("crps_paths {both}");
    let rules = RulesVersion::V1.rules().score;
    let fans: Vec<(QuantileForecast, Outcome)> = sorted
        .chunks_exact(MEMBERS * STEPS)
        .zip(outcomes.chunks_exact(STEPS))
        .map(|(values, y)| {
            let outcome = Outcome {
                volatility: 15.0,
                moves: y.iter().copied().map(Some).collect(),
            };
            (
                QuantileForecast::from_moves(MEMBERS, values.to_vec()),
                outcome,
            )
        })
        .collect();
    let whole = best_of(5, || {
        for (fan, outcome) in &fans {
            black_box(Score::from_forecast(fan, outcome, &rules));
        }
    });
    println!("score_and_metrics {whole}");
}

/// Reads every value once, in as many lanes as reading needs.
fn sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 16];
    for chunk in values.chunks_exact(16) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().sum()
}

fn a_year_of_taoshi() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let rounds: Vec<(Settlement, BTreeMap<Hotkey, Forecast>)> =
        (0..DIFFERENT).map(|_| round(&mut rng)).collect();
    let void = VoidReason::NoVolatility;
    let (scored, owners) = (BTreeMap::new(), BTreeMap::new());
    let year = best_of(10, || {
        let mut policy = TaoshiPolicy::new(taoshi::TaoshiConfig::default(), false);
        for i in 0..YEAR {
            let (settlement, forecasts) = &rounds[i % DIFFERENT];
            policy.add_round(&SettledRound {
                origin: UnixMillis::EPOCH + Millis::minutes(30).times(i as i64),
                settlement,
                scorer: Err(&void),
                forecasts,
                scored: &scored,
                owners: &owners,
            });
        }
        black_box(policy.standings());
    });
    println!("taoshi_year {year}");
}

fn round(rng: &mut ChaCha8Rng) -> (Settlement, BTreeMap<Hotkey, Forecast>) {
    let mut price = 60_000.0;
    let closes = (0..STEPS).map(|_| {
        price += 60.0 * draw(rng);
        Price::new(price).ok()
    });
    let settlement = Settlement {
        anchor: Price::new(60_000.0).ok(),
        volatility: None,
        closes: closes.collect(),
    };
    let forecasts = (0..MINERS).map(|miner| {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&(miner as u16).to_be_bytes());
        let values = (0..STEPS).map(|_| 60_000.0 + 200.0 * draw(rng)).collect();
        let forecast = Forecast::quantiles(Unit::LogPrice, STEPS, 1, values);
        (Hotkey(key), forecast.expect("positive and finite"))
    });
    (settlement, forecasts.collect())
}
