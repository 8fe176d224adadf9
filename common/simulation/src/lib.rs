//! Is the pay rule any good? Whole populations of real forecasters on real prices, one attacker at a time.
//!
//! ```text
//!   prices ─▶ Market ─▶ forecasters learn (past only) ─▶ Start ─┬─ seed ─▶ every Attack, side by side ─▶ Played
//!                                                               └─ …                         └─▶ Findings
//! ```
//!
//! Scores, evidence, fit, credit and weights are foretell-core's, the very functions that a validator runs. Chance (what
//! the unskilled do, how the skilled differ, an attacker's noise) comes from seeds, so results are the same on any
//! machine and for any number of threads. Nothing here reads a file or a clock.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod attack;
mod cast;
mod chance;
pub mod findings;
pub mod luck;
pub mod market;
mod network;
mod older;
mod paths;
pub mod played;
pub mod population;
mod scene;
pub mod season;
mod variance;

#[cfg(test)]
mod tests;
