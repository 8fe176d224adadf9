//! What a validator has to do for a series.

use crate::round::RoundAction;
use crate::time::UnixMillis;

/// What the book needs done, most urgent first.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open the round of this origin to everybody on the metagraph.
    OpenRound(UnixMillis),
    /// Do what the round of this origin wants.
    Round(UnixMillis, RoundAction),
}
