//! What every policy does: it takes in settled rounds, and gives shares of the payout.

use std::collections::BTreeMap;

use foretell_core::coldkey::Coldkey;
use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::score::{RoundScorer, ScoredForecast};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;

/// A way from history to weights.
pub trait Policy {
    /// Takes in the next round, in order of origin.
    fn add_round(&mut self, round: &SettledRound<'_>);

    /// Ends the history: rounds whose prices came after the last request count too.
    fn finish(&mut self) {}

    /// Rounds that counted, and rounds that were refused or void, so far.
    fn round_counts(&self) -> RoundCounts;

    /// The standing of every miner with a forecast so far. Shares are 0 or more and sum to 1 at most; the rest is
    /// burned.
    fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding>;
}

/// A round of history: its settled prices, and every valid forecast. Borrowed, so that policies keep only what they need.
#[derive(Debug, Clone, Copy)]
pub struct SettledRound<'a> {
    /// Origin T of the round.
    pub origin: UnixMillis,
    /// Settled prices of anchor and steps.
    pub settlement: &'a Settlement,
    /// The scorer of its forecasts, or why the round is void by the rules of `evidence`.
    pub scorer: Result<&'a RoundScorer, &'a VoidReason>,
    /// Valid forecasts by miner; one that was refused is absent.
    pub forecasts: &'a BTreeMap<Hotkey, Forecast>,
    /// The same forecasts, scored; empty without a scorer.
    pub scored: &'a BTreeMap<Hotkey, ScoredForecast>,
    /// The coldkey of each hotkey that has stated one.
    pub owners: &'a BTreeMap<Hotkey, Coldkey>,
}

/// Numbers of rounds of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundCounts {
    /// Rounds that counted.
    pub scored: usize,
    /// Rounds that were void, or refused by the policy.
    pub void: usize,
}

/// A miner's share under a policy, and its rounds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PolicyStanding {
    /// Share of the payout, 0 to 1.
    pub share: f64,
    /// Scored rounds since it first answered, misses included.
    pub rounds: usize,
    /// Of these, rounds without a forecast of the miner.
    pub missed: usize,
}
