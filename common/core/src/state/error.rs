//! Why a record does not continue a journal.

use thiserror::Error;

use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::round::InvalidTransition;
use crate::time::UnixMillis;

/// A record that does not continue the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// It does not fit its round.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// Its round is not open.
    #[error("round {0} is not open")]
    RoundNotOpen(UnixMillis),
    /// It opens a round out of turn.
    #[error("round {0} was opened out of turn")]
    OutOfOrder(UnixMillis),
    /// A price was decided that is decided already, or that this journal has no place for.
    #[error("the price at {0} is decided twice, or is none of this journal")]
    UnexpectedPrice(UnixMillis),
    /// A journal begins once.
    #[error("the journal begins twice")]
    DuplicateGenesis,
    /// Weights were confirmed that nobody signed.
    #[error("weights were confirmed that are not waiting for it")]
    NoUnconfirmedWeights,
    /// The fit's state has not been read back since the journal was.
    #[error("the state of the fit, {0}, has not been read back from the store")]
    FitStateNotLoaded(Hash),
    /// What was read back is not the fit's state.
    #[error("the stored state of the fit, {0}, is damaged")]
    FitStateDamaged(Hash),
    /// A stored payload is missing or no longer a forecast.
    #[error("the payload of {miner} in round {round} is not what was accepted: {why}")]
    InvalidPayload {
        /// Round.
        round: UnixMillis,
        /// Miner.
        miner: Hotkey,
        /// What is wrong.
        why: String,
    },
}
