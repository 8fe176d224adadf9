//! Is the pay rule any good? Whole populations of real forecasters on real prices, one attacker at a time.
//!
//! ```text
//!   prices ─▶ HistoricalMarket ─▶ forecasters learn (past only) ─▶ SeasonStart
//!                                                                      │ one seed, every Attack side by side
//!                                                                      ▼
//!                                                                 SeasonResult ─▶ PolicySummary
//! ```
//!
//! Scores, evidence, fit, credit and weights are foretell-core's, the very functions that a validator runs. Chance
//! (what the unskilled do, how the skilled differ, an attacker's noise) comes from seeds, so results are the same on
//! any machine and for any number of threads. What it does not do: read files or a clock, run threads, print.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod attack;
mod attacker_view;
mod counter_rng;
pub mod forecasters;
pub mod historical_market;
pub mod null_study;
mod population;
pub mod season;
pub mod summary;

#[cfg(test)]
mod tests;
