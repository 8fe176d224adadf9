//! Rounds that the rule can't score.

use thiserror::Error;

/// Why a round counts for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TaoshiRefusal {
    /// A step of the window is a gap.
    #[error("a step has no settled price")]
    Gap,
    /// A window of one close has no deviation.
    #[error("fewer than two closes")]
    TooShort,
    /// Fewer than two forecasts, so that there is nothing to compare.
    #[error("fewer than two responses")]
    TooFewResponses,
    /// A share or an average came out as NaN.
    #[error("a score is not a number: a forecast overflows")]
    NotANumber,
}
