//! What the consensus costs a validator in each round: 256 miners, 100 steps, 99 levels, on one core.
//!
//! Prints the fastest of several rounds, part by part: the quadratic's update, forecasters and fit with every miner
//! eligible, the consensus and all credits.
#![allow(clippy::print_stdout, reason = "a benchmark talks to people")]

use std::collections::BTreeMap;
use std::time::Instant;

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::outcome::Outcome;
use foretell_core::pool::credit::credits;
use foretell_core::pool::deviations::{Deviations, RealisedMoves};
use foretell_core::pool::fit_pool::fit_pool;
use foretell_core::pool::fit_state::FitState;
use foretell_core::rules::RulesVersion;
use foretell_core::score::Reference;
use foretell_core::time::{Millis, UnixMillis};

const MINERS: u16 = 256;
const HORIZON: usize = 100;
const SIGMA: f64 = 10.0;
const ROUNDS: i64 = 40;

fn key(n: u16) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Hotkey(bytes)
}

/// A number in (−1, 1) from an integer hash.
fn noise(a: i64, b: usize) -> f64 {
    let mixed = (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (b as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed.wrapping_mul(0x94d0_49bb_1331_11eb) >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// Fans narrower than the reference, each its own way, and the move that comes true.
fn fan(reference: &[f64], miner: u16, round: i64) -> QuantileForecast {
    let moves = (1..=HORIZON).flat_map(|i| {
        let unit = SIGMA * f64::sqrt(i as f64);
        let width = 0.8 + 0.1 * noise(round + i as i64, usize::from(miner));
        let centre = 0.02 * noise(round, 1000 + usize::from(miner));
        reference.iter().map(move |q| unit * (centre + width * q))
    });
    QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
}

fn main() {
    let rules = RulesVersion::V1.rules();
    let reference = Reference::new(&rules.score);
    let empty = Deviations::new(&reference, HORIZON);
    let keys: Vec<Hotkey> = (0..MINERS).map(key).collect();
    let mut state = FitState::default();
    let mut forecasters = Vec::new();
    let mut fastest = [f64::INFINITY; 4];
    for round in 0..ROUNDS {
        let mut deviations = empty.clone();
        for (miner, key) in (0..).zip(&keys) {
            let fan = fan(empty.reference(), miner, round);
            deviations.insert(*key, &fan, SIGMA, &rules.score);
        }
        let moves =
            (1..=HORIZON).map(|i| Some(0.5 * SIGMA * f64::sqrt(i as f64) * noise(round, i)));
        let outcome = Outcome {
            volatility: SIGMA,
            moves: moves.collect(),
        };
        let realised = RealisedMoves::new(&outcome, &rules.score);
        let mut timed = [0.0; 4];
        let started = Instant::now();
        let consensus = deviations.consensus(&forecasters);
        timed[0] = started.elapsed().as_secs_f64();
        let credit = credits(&deviations, &consensus, &forecasters, &realised);
        timed[1] = started.elapsed().as_secs_f64() - timed[0];
        let origin = UnixMillis::EPOCH + Millis::minutes(30).times(round);
        let settled = (&deviations, &consensus, &realised);
        let before = started.elapsed().as_secs_f64();
        state.add(origin, settled, &keys, &rules.fit);
        timed[2] = started.elapsed().as_secs_f64() - before;
        let before = started.elapsed().as_secs_f64();
        forecasters = fit_pool(&keys, &BTreeMap::new(), &state, &rules.fit);
        timed[3] = started.elapsed().as_secs_f64() - before;
        assert!(credit.values().all(|credit| credit.is_finite()));
        // The first rounds know too little to have a typical fit.
        if round >= ROUNDS / 2 {
            for (fastest, timed) in fastest.iter_mut().zip(timed) {
                *fastest = fastest.min(timed);
            }
        }
    }
    let shared = forecasters
        .iter()
        .filter(|forecaster| forecaster.share > 0.0)
        .count();
    let [consensus, credit, update, fit] = fastest.map(|seconds| 1e3 * seconds);
    println!("{MINERS} miners, all eligible, {shared} with a share; fastest round, one core:");
    println!("  consensus {consensus:7.2} ms");
    println!("  credit    {credit:7.2} ms");
    println!("  quadratic {update:7.2} ms");
    println!("  fit       {fit:7.2} ms");
    println!(
        "  together  {:7.2} ms  (to reach: 20 ms)",
        consensus + credit + update + fit
    );
}
