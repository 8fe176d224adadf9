//! From scores to weights, policy `evidence`: pay what is added to the consensus, by those with measured skill.
//!
//! ```text
//!   advantages ─▶ evidence ─▶ who is eligible ─▶ forecasters ─┐
//!   settled rounds ─▶ quadratic ──────────────────────────┴▶ fit ─▶ consensus ─┬▶ credit ─▶ weights
//!                                                                              └▶ recalibration ─▶ what buyers get
//! ```
//!
//! Nothing in one miner's advantage or evidence depends on another miner; what it adds to the consensus does.

pub mod credit;
pub mod deviations;
pub mod diebold_mariano;
pub mod evidence;
pub mod fit;
pub mod fit_state;
pub mod forecasters;
pub mod pay;
pub mod recalibration;
#[cfg(test)]
mod tests;

pub use evidence::Evidence;
pub use fit_state::FitSnapshot;
pub use forecasters::Forecaster;
pub use pay::{Credits, PayoutShares};

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
