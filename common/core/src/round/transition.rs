//! Records and events that a round refuses, and why.

use std::fmt;

use thiserror::Error;

use crate::time::UnixMillis;

/// A record or event that does not fit the round's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("round {round}: {input} does not fit: {reason}")]
pub struct InvalidTransition {
    /// The round's origin.
    pub round: UnixMillis,
    /// What was brought to the round.
    pub input: TransitionInput,
    /// Why the round's state refuses it.
    pub reason: TransitionReason,
}

/// What was brought to a round: an event to decide or a record to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionInput {
    /// A commitment, or its record.
    Commitment,
    /// A revealed payload, or its record.
    Reveal,
    /// The event of a miner that did not answer, or not usably.
    Failure,
    /// The record of a miss.
    Miss,
    /// Settled prices.
    Settlement,
    /// Any other record.
    Record,
}

/// Why a round's state refuses a [`TransitionInput`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionReason {
    /// The miner is not one of those that the round asks.
    NotAsked,
    /// The miner has already answered, or not yet.
    OtherMinerState,
    /// A reveal without a commitment that waits for it.
    NoOpenCommitment,
    /// The round has its prices.
    AlreadySettled,
    /// Such a record does not change an open round.
    NotOfOpenRound,
}

impl fmt::Display for TransitionInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commitment => "commitment",
            Self::Reveal => "reveal",
            Self::Failure => "failure",
            Self::Miss => "miss",
            Self::Settlement => "settlement",
            Self::Record => "record",
        })
    }
}

impl fmt::Display for TransitionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "the miner was not asked",
            Self::OtherMinerState => "the miner is in another state",
            Self::NoOpenCommitment => "the miner has no open commitment",
            Self::AlreadySettled => "the round is already settled",
            Self::NotOfOpenRound => "it is none of an open round",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_transition_names_round_input_and_reason() {
        let invalid = InvalidTransition {
            round: UnixMillis::literal(1_704_067_200_000),
            input: TransitionInput::Commitment,
            reason: TransitionReason::NotAsked,
        };
        assert_eq!(
            invalid.to_string(),
            "round 1704067200000: commitment does not fit: the miner was not asked"
        );
    }
}
