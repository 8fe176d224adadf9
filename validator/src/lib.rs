//! The `validator` program: its commands, and the backtest.
//!
//! ```text
//!   cli ─┬ run, status, doctor ─▶ foretell-service
//!        ├ localnet, adversary ─▶ foretell-localnet
//!        ├ backtest ────────────▶ backtest: forecasts files, several policies side by side, a page of plots
//!        ├ simulate-policy ─────▶ foretell-simulation
//!        ├ feed, settle ────────▶ foretell-feed, and settlement in foretell-core
//!        └ keys ────────────────▶ foretell-cli, the same as in the miner
//! ```
//!
//! A file of [`cli`] holds a command's arguments, its help, and what it prints. What is *not* here: rounds, the journal and
//! the data directory, which are the service's; scores and weights, which are the core's.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod backtest;
pub mod cli;

/// Row groups and forecasts come and go on all cores; the system's allocator gives their pages back each time.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;
