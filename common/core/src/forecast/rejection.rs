//! Why an answer is no forecast.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest payload that is read: 4 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;

/// Largest K, the number of values at a step.
pub const MAX_K: usize = 1000;

/// Why an answer is not a forecast. The text is shown to the miner.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "rejection", rename_all = "snake_case")]
pub enum ForecastRejection {
    /// The payload is longer than [`MAX_PAYLOAD_BYTES`].
    #[error("payload of {bytes} bytes, at most {MAX_PAYLOAD_BYTES} are read")]
    TooLong {
        /// Length of the payload.
        bytes: usize,
    },
    /// The payload is not the JSON of a forecast.
    #[error("payload is not {{\"kind\",\"k\",\"values\"}} in JSON: {why}")]
    NotAForecast {
        /// The parser's message.
        why: String,
    },
    /// K is 0 or above [`MAX_K`].
    #[error("k = {k}, it must be 1 to {MAX_K}")]
    K {
        /// K of the payload.
        k: usize,
    },
    /// The number of values is not H·K.
    #[error("{found} values, expected {expected} (steps × k)")]
    Shape {
        /// H·K, for the horizon of the series.
        expected: usize,
        /// Number of values in the payload.
        found: usize,
    },
    /// A value is NaN or an infinity.
    #[error("value {column} of step {step} is not finite")]
    NotFinite {
        /// Step of the value, from 1.
        step: usize,
        /// Position of the value in its step, from 1.
        column: usize,
    },
    /// A value is zero or negative where moves are logarithms.
    #[error("value {column} of step {step} is not positive")]
    NotPositive {
        /// Step of the value, from 1.
        step: usize,
        /// Position of the value in its step, from 1.
        column: usize,
    },
    /// A quantile is below the one before it at the same step.
    #[error("quantile {column} of step {step} is below the one before it")]
    Decreasing {
        /// Step of the value, from 1.
        step: usize,
        /// Position of the value in its step, from 1.
        column: usize,
    },
}
