//! Policies: named ways from history to weights, side by side.
//!
//! A policy is a pure function of the rounds of a history, taken in one after the other in order of origin. It sees
//! of each what a validator sees when the round has settled: the prices, and everybody's forecast. So a change of
//! the rules can be judged by replay before anyone is paid by it.
//!
//! | policy | pays | known weaknesses |
//! |---|---|---|
//! | [`EvidencePolicy`] | significant skill over the reference | ten days before anybody is paid; see `state` and `pool` |
//! | [`TaoshiPolicy`] | low weighted RMSE in USD, relative to the worst of the round | one absurd forecast flattens everybody else; clones multiply shares; it ranks luck |
//! | [`SynthIncrementsPolicy`] | low CRPS of increments, relative to the best of the round, by softmax | k clones take k shares; silence costs less than a bad forecast |

mod evidence;
mod member_comparison;
pub mod synth_increments;
pub mod taoshi;
#[cfg(test)]
mod weaknesses;

pub use evidence::EvidencePolicy;
pub use member_comparison::{BestMemberComparison, COMPARISON_STARTS_AFTER};
pub use synth_increments::SynthIncrementsPolicy;
pub use taoshi::TaoshiPolicy;

use std::collections::BTreeMap;
use std::fmt;

use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::score::{RoundScorer, ScoredForecast};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;

/// A policy by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyName {
    /// The live one.
    Evidence,
    /// The first generation's.
    Taoshi,
    /// The CRPS-of-increments family.
    Increments,
}

/// A round of history: what happened, and every valid forecast. Borrowed, so that policies keep only what they need.
#[derive(Debug, Clone, Copy)]
pub struct SettledRound<'a> {
    /// The origin T.
    pub origin: UnixMillis,
    /// Prices of record.
    pub settlement: &'a Settlement,
    /// What forecasts are judged by, or why the round is void by the rules of `evidence`.
    pub scorer: Result<&'a RoundScorer, &'a VoidReason>,
    /// Valid forecasts by miner; one that was refused is absent.
    pub forecasts: &'a BTreeMap<Hotkey, Forecast>,
    /// The same, judged; empty without a scorer.
    pub scored: &'a BTreeMap<Hotkey, ScoredForecast>,
    /// Coldkeys of those that have said whose they are.
    pub owners: &'a BTreeMap<Hotkey, Hotkey>,
}

/// A way from history to weights.
pub trait Policy {
    /// Takes in the next round, in order of origin.
    fn add_round(&mut self, round: &SettledRound<'_>);

    /// The history is over: rounds whose prices came after the last request count too.
    fn finish(&mut self) {}

    /// Rounds that counted, and rounds that were refused or void, so far.
    fn round_counts(&self) -> RoundCounts;

    /// Of every miner that it knows: its share of the payout, and its rounds. Shares are 0 or more and sum to 1
    /// at most; the rest is burned.
    fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding>;
}

/// How many rounds counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundCounts {
    /// Scored.
    pub scored: usize,
    /// Void, or refused by the policy.
    pub void: usize,
}

/// A miner's place under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PolicyStanding {
    /// Share of the payout.
    pub share: f64,
    /// Scored rounds since it first answered, misses included.
    pub rounds: usize,
    /// Those without a forecast of it.
    pub missed: usize,
}

impl PolicyName {
    /// All of them, the live one first.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Taoshi, Self::Increments];

    /// As on the command line and in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Taoshi => "taoshi",
            Self::Increments => "increments",
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The point that a policy for points sees in a forecast at each step: the mean of its K values.
fn step_means(forecast: &Forecast) -> impl Iterator<Item = f64> {
    let k = forecast.k();
    forecast
        .values()
        .chunks_exact(k)
        .map(move |row| row.iter().sum::<f64>() / k as f64)
}
