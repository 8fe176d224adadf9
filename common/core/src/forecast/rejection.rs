//! Why an answer is no forecast.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest payload that is read: 4 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;

/// Largest K.
pub const MAX_K: usize = 1000;

/// Why an answer is not a forecast. The text is the verdict that the miner gets to see.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "rejection", rename_all = "snake_case")]
pub enum ForecastRejection {
    /// The payload is longer than [`MAX_PAYLOAD_BYTES`].
    #[error("payload of {bytes} bytes, at most {MAX_PAYLOAD_BYTES} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The payload is not the JSON of a forecast.
    #[error("payload is not {{\"kind\",\"k\",\"values\"}} in JSON: {why}")]
    NotAForecast {
        /// What the parser said.
        why: String,
    },
    /// K is 0 or above [`MAX_K`].
    #[error("k = {k}, it must be 1 to {MAX_K}")]
    K {
        /// The K found.
        k: usize,
    },
    /// Not H·K values.
    #[error("{found} values, expected {expected} (steps × k)")]
    Shape {
        /// H·K.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// NaN or an infinity.
    #[error("value {column} of step {step} is not finite")]
    NotFinite {
        /// Step, from 1.
        step: usize,
        /// Position in the step, from 1.
        column: usize,
    },
    /// Zero or negative where moves are logarithms.
    #[error("value {column} of step {step} is not positive")]
    NotPositive {
        /// Step, from 1.
        step: usize,
        /// Position in the step, from 1.
        column: usize,
    },
    /// Quantiles that cross.
    #[error("quantile {column} of step {step} is below the one before it")]
    Decreasing {
        /// Step, from 1.
        step: usize,
        /// Position in the step, from 1.
        column: usize,
    },
}
