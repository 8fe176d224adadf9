//! Rounds that the rule can't score.

use thiserror::Error;

/// Why a round counts for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TaoshiRefusal {
    /// A price of the window isn't known.
    #[error("a step has no settled price")]
    Gap,
    /// A window of one close has no deviation.
    #[error("fewer than two closes")]
    TooShort,
    /// Nobody to compare with.
    #[error("fewer than two responses")]
    TooFewResponses,
    /// A share or an average came out as NaN.
    #[error("a score is not a number: a forecast overflows")]
    NotANumber,
}
