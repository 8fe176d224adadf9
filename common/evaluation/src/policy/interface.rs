//! What every policy is: what it gets of a round, and what it answers.

use std::collections::BTreeMap;

use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::score::{RoundScorer, ScoredForecast};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;

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
