//! Where the wall time of a run went: the key `timing` of results, which is not part of the result.

use serde::{Deserialize, Serialize};

/// Wall time of a run, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RunTiming {
    /// Reading prices, opening the store, starting processes.
    pub load_s: f64,
    /// All rounds, from the first instant to the last.
    pub score_s: f64,
    /// The whole run.
    pub total_s: f64,
}
