//! What a validator has to do next for a series.

use crate::round::RoundAction;
use crate::time::UnixMillis;

/// What needs doing in a series.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open the round of this origin to everybody on the metagraph.
    OpenRound(UnixMillis),
    /// Carry out this action of the round of this origin.
    Round(UnixMillis, RoundAction),
}
