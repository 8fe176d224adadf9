//! One season: a population, and every attack on it, played round by round as a validator would run them.
//!
//! ```text
//!   at T:  rounds that end at T settle ─▶ advantages, credits, fit state ─▶ weights of this instant
//!          the round at T opens with the pool of those eligible now
//! ```
//!
//! What a hotkey sends, and its own score, is the same in every scenario. So it is computed once a round, and all
//! scenarios are played beside each other: only fit, credits and weights are a scenario's own.

mod evidence_records;
mod evidence_scenario;
mod legacy_round_scores;
mod legacy_scenario;
mod participants;
mod scenario;
mod schaake_shuffle;
mod season_result;
mod season_start;
mod simulated_round;
mod simulation_plan;

pub use season_result::SeasonResult;
pub use season_start::SeasonStart;
pub use simulation_plan::{MATURE_DAYS, PayPolicy, PolicyVariant, REPORT_DAYS, SimulationPlan};
