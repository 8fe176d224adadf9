//! What a running validator is doing.

use foretell_core::price::Price;
use foretell_core::series::SeriesId;
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::market_view::{CompositePrice, VenueStatus};
use serde::{Deserialize, Serialize};

use super::cross_check::CrossCheck;

/// A validator at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidatorStatus {
    /// When this was so.
    pub at: UnixMillis,
    /// What is forecast.
    pub series: SeriesId,
    /// When the next round opens.
    pub next_round: Option<UnixMillis>,
    /// Rounds under way.
    pub open_rounds: usize,
    /// Rounds that were scored.
    pub scored_rounds: usize,
    /// Rounds that count for nobody.
    pub void_rounds: usize,
    /// Miners that ever committed.
    pub miners: usize,
    /// How many times weights were set.
    pub times_weights_set: usize,
    /// How it stands with weights.
    #[serde(default)]
    pub weights: Option<String>,
    /// The newest price of record and whose instant it is.
    pub newest_price: Option<(UnixMillis, Price)>,
    /// Prices that are due and still to be decided.
    pub undecided: usize,
    /// Gaps among the prices that are still needed.
    pub gaps: usize,
    /// What is traded now on the exchanges that are listened to.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// The exchanges that are listened to.
    pub venues: Vec<VenueStatus>,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// What is heard of the exchanges beside their candles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveMarketStatus {
    /// What is traded now.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// Every exchange that is listened to.
    pub venues: Vec<VenueStatus>,
}

impl ValidatorStatus {
    /// The status of a validator whose rounds are in this state, without `weights` and `trouble`.
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
            newest_price: state.prices().and_then(SettledPrices::newest),
            undecided: state
                .prices()
                .map_or(0, |p| p.undecided(now - Millis::minutes(2)).count()),
            gaps: state.prices().map_or(0, SettledPrices::gaps),
            live_price: market.live_price,
            cross_check: market.cross_check,
            venues: market.venues,
            trouble: None,
        }
    }
}
