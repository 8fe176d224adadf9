//! From scores to weights, policy `evidence`: pay what is added to the consensus, by those with measured skill.
//!
//! ```text
//!   Advantage ─▶ Evidence ─▶ eligible hotkeys ─▶ Forecasters ─┐
//!   settled rounds ─▶ FitState ───────────────────────────────┴▶ fit ─▶ Consensus ─┬▶ credits ─▶ PayoutShares
//!                                                                                  └▶ recalibration ─▶ what buyers get
//! ```
//!
//! Nothing in one miner's advantage or evidence depends on another miner; what it adds to the consensus does.

mod advantage;
pub mod credit;
pub mod deviations;
pub mod evidence;
mod fit;
pub mod fit_pool;
mod fit_snapshot;
pub mod fit_state;
mod fit_state_bytes;
mod forecaster;
mod lattice;
mod mean_credits;
mod payout_shares;
mod quadratic_program;
pub mod recalibration;

#[cfg(test)]
mod tests;

pub use advantage::Advantage;
pub use evidence::Evidence;
pub use fit_snapshot::FitSnapshot;
pub use fit_state_bytes::DamagedFitState;
pub use forecaster::Forecaster;
pub use mean_credits::Credits;
pub use payout_shares::PayoutShares;
