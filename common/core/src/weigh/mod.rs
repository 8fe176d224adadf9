//! From scores to weights, policy `evidence`: pay measured, significant skill over the reference.
//!
//! Policy here is a pure function of each miner's own advantages: nothing in one miner's advantage or
//! evidence depends on another miner.

pub mod diebold_mariano;
pub mod evidence;
pub mod pay;

pub use evidence::Evidence;
pub use pay::Weights;

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// The reference's score minus the miner's in one round; positive is better than the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Advantage {
    /// The round's origin.
    pub origin: UnixMillis,
    /// S_ref − S, or the rules' constant for a miss.
    pub value: f64,
}
