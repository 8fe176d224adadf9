//! Policies: named ways from history to weights, side by side.
//!
//! A policy is a pure function of the rounds of a history, taken in one after the other in order of origin. It sees
//! of each what a validator sees when the round has settled: the prices, and all forecasts. So a change of
//! the rules can be evaluated by replay before anyone is paid by it.
//!
//! | policy | pays | known weaknesses |
//! |---|---|---|
//! | [`EvidencePolicy`] | measured skill over the reference, for what it adds to the consensus | nobody is paid before 240 rounds; see [`foretell_core::state`] and [`foretell_core::pool`] |
//! | [`TaoshiPolicy`] | low weighted RMSE in USD, relative to the worst of the round | one absurd forecast makes all other shares equal; clones multiply shares; it ranks luck |
//! | [`SynthIncrementsPolicy`] | low CRPS of increments, relative to the best of the round, by softmax | k clones take k shares; silence costs less than a bad forecast |

mod evidence;
mod interface;
mod member_comparison;
mod name;
pub mod synth_increments;
pub mod taoshi;
#[cfg(test)]
mod weaknesses;

pub use evidence::EvidencePolicy;
pub use interface::{Policy, PolicyStanding, RoundCounts, SettledRound};
pub use member_comparison::{BestMemberComparison, COMPARISON_STARTS_AFTER};
pub use name::PolicyName;
pub use synth_increments::SynthIncrementsPolicy;
pub use taoshi::TaoshiPolicy;
