//! A series whose whole future is known beforehand: uniform moves of a constant volatility.

use foretell_core::journal::Genesis;
use foretell_core::series::{Series, Unit};
use foretell_core::settle::Settlement;
use foretell_core::testing::{self, MONDAY, STEP, btc_usd, replay_genesis};
use foretell_core::time::{Millis, UnixMillis};

/// H. Rounds begin every two steps, so two are always under way.
pub const HORIZON: usize = 4;

/// Volatility per step, in bps or the series' unit.
pub const SIGMA: f64 = 10.0;

const ROUND_EVERY: Millis = STEP.times(2);

/// The closes of a number of rounds, the first of them at [`MONDAY`].
pub struct SyntheticMarket {
    unit: Unit,
    rounds: usize,
    closes: Vec<f64>,
}

impl SyntheticMarket {
    /// The market of `seed`, for `rounds` rounds.
    pub fn new(unit: Unit, seed: u64, rounds: usize) -> Self {
        let mut close = 100.0;
        let moves = (0..).map(|i| SIGMA * f64::sqrt(3.0) * noise(seed, i));
        let closes = moves.map(|change| {
            close = moved(unit, close, change);
            close
        });
        Self {
            unit,
            rounds,
            closes: closes.take(2 * rounds + HORIZON + 1).collect(),
        }
    }

    /// The genesis of a journal of these rounds.
    pub fn genesis(&self) -> Genesis {
        genesis(self.unit, HORIZON, self.rounds)
    }

    /// The price that lies `change` bps (or units) from the anchor of the round at `origin`.
    pub fn price(&self, origin: UnixMillis, change: f64) -> f64 {
        moved(self.unit, self.closes[index(origin)], change)
    }

    /// What will happen in the round at `origin`: the moves of its steps.
    pub fn moves(&self, origin: UnixMillis) -> Vec<f64> {
        let start = index(origin);
        let anchor = self.closes[start];
        let targets = self.closes[start + 1..=start + HORIZON].iter();
        targets
            .map(|close| self.unit.change(anchor, *close))
            .collect()
    }

    /// The settled prices of the round at `origin`.
    pub fn settlement(&self, origin: UnixMillis) -> Settlement {
        let start = index(origin);
        testing::settlement(
            self.closes[start],
            SIGMA,
            &self.closes[start + 1..=start + HORIZON],
        )
    }
}

/// The genesis of a replay of `rounds` rounds from [`MONDAY`] on.
pub fn genesis(unit: Unit, horizon: usize, rounds: usize) -> Genesis {
    let series = Series {
        unit,
        ..btc_usd(horizon)
    };
    replay_genesis(series, MONDAY, rounds, ROUND_EVERY)
}

fn index(t: UnixMillis) -> usize {
    ((t - MONDAY).get() / STEP.get()) as usize
}

fn moved(unit: Unit, from: f64, change: f64) -> f64 {
    match unit {
        Unit::LogPrice => from * f64::exp(change / 1e4),
        Unit::Value => from + change,
    }
}

/// Uniform on (−1, 1): SplitMix64 (Steele, Lea & Flood 2014) at position `i` of its sequence.
fn noise(seed: u64, i: u64) -> f64 {
    let mut z = seed.wrapping_add((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}
