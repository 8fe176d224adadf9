//! What a round needs done.

use super::miner_state::Receipt;
use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::pool::Forecaster;
use crate::settle::Settlement;
use crate::time::UnixMillis;

/// What a round needs done next, with all that it takes.
#[derive(Debug, Clone, PartialEq)]
pub enum RoundAction {
    /// Request commitments; those that arrive later than `deadline` are misses.
    RequestCommitments {
        /// The miners that have not answered yet.
        from: Vec<Hotkey>,
        /// Last instant of the commit window, by the round clock.
        deadline: UnixMillis,
    },
    /// Request reveals; those that arrive later than `deadline` are misses.
    RequestReveals {
        /// The miners that have committed, each with its receipt.
        from: Vec<(Hotkey, Receipt)>,
        /// Last instant of the reveal window, by the round clock.
        deadline: UnixMillis,
    },
    /// Find the settled prices of anchor and steps.
    Settle,
    /// Score the revealed forecasts.
    Score {
        /// The prices to score against.
        settlement: Settlement,
        /// Each miner with a forecast, and the hash of its payload.
        forecasts: Vec<(Hotkey, Hash)>,
        /// The forecasters of the consensus.
        pool: Vec<Forecaster>,
        /// The miners that were asked and have no forecast.
        missed: Vec<Hotkey>,
    },
}
