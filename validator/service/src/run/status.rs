//! What a running validator is doing.

use foretell_core::price::Price;
use foretell_core::series::SeriesId;
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::market_view::{CompositePrice, VenueStatus};
use serde::{Deserialize, Serialize};

use super::cross_check::CrossCheck;

/// What a validator is doing at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidatorStatus {
    /// The instant, by the machine's clock.
    pub at: UnixMillis,
    /// The series that is forecast.
    pub series: SeriesId,
    /// Origin of the next round; none once the last has begun.
    pub next_round: Option<UnixMillis>,
    /// Rounds that are open: neither scored nor void yet.
    pub open_rounds: usize,
    /// Rounds that were scored, ever.
    pub scored_rounds: usize,
    /// Rounds that are void, and count for no miner.
    pub void_rounds: usize,
    /// Miners that ever answered with a commitment.
    pub miners: usize,
    /// How many times weights were included on chain.
    pub times_weights_set: usize,
    /// Where the setting of weights stands, for people; none before the first attempt.
    #[serde(default)]
    pub weights: Option<String>,
    /// What is wrong with the chain, in a line; none if it answers.
    #[serde(default)]
    pub chain: Option<String>,
    /// The newest settled price, behind its instant.
    pub newest_price: Option<(UnixMillis, Price)>,
    /// Prices that are due and still to be decided.
    pub undecided: usize,
    /// Gaps among the settled prices that rounds still depend on.
    pub gaps: usize,
    /// Median over venues of the last trades; none if too few are fresh.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// Connection and last trade of every exchange that is listened to.
    pub venues: Vec<VenueStatus>,
    /// What rounds wait for that should have been scored, in a line; none if none does.
    #[serde(default)]
    pub waiting: Option<String>,
    /// What is wrong with the machine's clock or the price source, in a line; none if nothing is.
    pub trouble: Option<String>,
}

/// The exchanges' trades, as the status shows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveMarketStatus {
    /// Median over venues of the last trades; none if too few are fresh.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// Connection and last trade of every exchange.
    pub venues: Vec<VenueStatus>,
}

impl ValidatorStatus {
    /// The status of a validator whose rounds are in this state, without `weights`, `waiting`, `chain` and `trouble`.
    pub fn new(state: &SeriesState, market: LiveMarketStatus, now: UnixMillis) -> Self {
        Self {
            at: now,
            series: state.genesis().series.id.clone(),
            next_round: state.next_origin(),
            open_rounds: state.open_rounds().len(),
            scored_rounds: state.reference_track().rounds(),
            void_rounds: state.voided().len(),
            miners: state.tracks().len(),
            times_weights_set: state.times_weights_set(),
            weights: None,
            chain: None,
            newest_price: state.prices().and_then(SettledPrices::newest),
            undecided: state
                .prices()
                .map_or(0, |p| p.undecided_count(now - Millis::minutes(2))),
            gaps: state.prices().map_or(0, SettledPrices::gaps),
            live_price: market.live_price,
            cross_check: market.cross_check,
            venues: market.venues,
            waiting: None,
            trouble: None,
        }
    }
}
