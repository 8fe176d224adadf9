//! Why a record does not continue a journal.

use thiserror::Error;

use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::round::InvalidTransition;
use crate::time::UnixMillis;

/// A record that does not continue the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// The record or event does not fit its round's state.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// The round of this origin is not open: not opened yet, scored or void.
    #[error("round {0} is not open")]
    RoundNotOpen(UnixMillis),
    /// The record opens or voids another round than the next one.
    #[error("round {0} was opened out of turn")]
    OutOfOrder(UnixMillis),
    /// A price was decided that is decided already, or that this journal has no place for.
    #[error("the price at {0} is decided twice, or is none of this journal")]
    UnexpectedPrice(UnixMillis),
    /// A genesis that is not the first record.
    #[error("the journal begins twice")]
    DuplicateGenesis,
    /// Weights were confirmed that are not the ones waiting for it.
    #[error("weights were confirmed that are not waiting for it")]
    NoUnconfirmedWeights,
    /// The fit's state, stored under this hash, has not been restored since the journal was read.
    #[error("the state of the fit, {0}, has not been read back from the store")]
    FitStateNotLoaded(Hash),
    /// The stored bytes under this hash are not the fit's state.
    #[error("the stored state of the fit, {0}, is damaged")]
    FitStateDamaged(Hash),
    /// A stored payload is missing or no longer a forecast.
    #[error("the payload of {miner} in round {round} is not what was accepted: {why}")]
    InvalidPayload {
        /// The round's origin.
        round: UnixMillis,
        /// The miner whose payload it is.
        miner: Hotkey,
        /// Why the payload is no forecast.
        why: String,
    },
}
