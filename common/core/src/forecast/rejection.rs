//! Why an answer is no forecast.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::json_fault::JsonFault;

/// Longest payload that is read: 4 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;

/// Most bytes of a value in a payload: more than its digits, sign, exponent, comma and a blank take.
const BYTES_PER_VALUE: usize = 32;
/// Bytes around the values: names, braces, kind and K, with blanks.
const FRAME_BYTES: usize = 128;

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
        /// How and where it fails to be that.
        why: JsonFault,
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

/// Most bytes of a rejected payload that are kept as evidence: as many as a forecast of `horizon` steps and the K that it
/// states can have; those of a point forecast where it states none.
pub fn evidence_bytes(payload: &[u8], rejection: &ForecastRejection, horizon: usize) -> usize {
    let values = match rejection {
        // It is too long for any K, or states none that can be.
        ForecastRejection::TooLong { .. }
        | ForecastRejection::NotAForecast { .. }
        | ForecastRejection::K { .. } => horizon,
        ForecastRejection::Shape { expected, .. } => *expected,
        ForecastRejection::NotFinite { .. }
        | ForecastRejection::NotPositive { .. }
        | ForecastRejection::Decreasing { .. } => horizon * stated_k(payload),
    };
    FRAME_BYTES + BYTES_PER_VALUE * values
}

/// K of a payload whose JSON is a forecast's; 1 of any other.
fn stated_k(payload: &[u8]) -> usize {
    #[derive(Deserialize)]
    struct StatedK {
        k: usize,
    }
    let stated = serde_json::from_slice::<StatedK>(payload);
    stated.map_or(1, |StatedK { k }| k.clamp(1, MAX_K))
}
