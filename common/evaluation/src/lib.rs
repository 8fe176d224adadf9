//! Evaluation of forecasts: metrics, tests of significance, leaderboards, and policies to compare with the one that pays.
//!
//! ```text
//!   settled rounds ─▶ Policy (trait) ─┬ EvidencePolicy ── the live rule: a SeriesState, fed with history
//!                                     ├ TaoshiPolicy ──── the first generation's
//!                                     └ SynthIncrementsPolicy
//!   track records ──▶ leaderboard ◀── mean_inference ◀── diebold_mariano; metrics (model confidence set, PIT, interval score)
//! ```
//!
//! No weight on chain depends on anything here but through `foretell-core`. What is *not* here: files and printing.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod diebold_mariano;
pub mod leaderboard;
pub mod mean_inference;
pub mod metrics;
pub mod policy;
