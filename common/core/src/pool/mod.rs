//! From scores to weights, policy `evidence`: pay what is added to the consensus, by those with measured skill.
//!
//! ```text
//!   advantages ─▶ evidence ─▶ who is eligible ─▶ forecasters ─┐
//!   settled rounds ─▶ quadratic ──────────────────────────┴▶ fit ─▶ consensus ─┬▶ credit ─▶ weights
//!                                                                              └▶ recalibration ─▶ what buyers get
//! ```
//!
//! Nothing in one miner's advantage or evidence depends on another miner; what it adds to the consensus does.

mod advantage;
pub mod credit;
pub mod deviations;
pub mod evidence;
pub mod fit;
pub mod fit_pool;
pub mod fit_state;
pub mod forecasters;
pub mod pay;
pub mod recalibration;
#[cfg(test)]
mod tests;

pub use advantage::Advantage;
pub use evidence::Evidence;
pub use fit_state::FitSnapshot;
pub use forecasters::Forecaster;
pub use pay::{Credits, PayoutShares};
