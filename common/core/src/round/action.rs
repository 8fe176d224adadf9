//! What a round needs done.

use super::miner_state::Receipt;
use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::pool::Forecaster;
use crate::settle::Settlement;
use crate::time::UnixMillis;

/// What a round needs done next.
#[derive(Debug, Clone, PartialEq)]
pub enum RoundAction {
    /// Ask these miners for commitments; those that arrive later than `deadline` are misses.
    RequestCommitments {
        /// Whom.
        from: Vec<Hotkey>,
        /// Until when, by the round clock.
        deadline: UnixMillis,
    },
    /// Ask these miners to reveal.
    RequestReveals {
        /// Whom, each with its receipt.
        from: Vec<(Hotkey, Receipt)>,
        /// Until when, by the round clock.
        deadline: UnixMillis,
    },
    /// Settle the round's prices.
    Settle,
    /// Score these payloads.
    Score {
        /// Against these prices.
        settlement: Settlement,
        /// Miner and payload hash of every forecast.
        forecasts: Vec<(Hotkey, Hash)>,
        /// The entries of the consensus.
        pool: Vec<Forecaster>,
        /// Those without a forecast.
        missed: Vec<Hotkey>,
    },
}
