//! The validator: asks miners for forecasts, keeps every answer, scores them against what happened, and sets
//! weights on chain.
//!
//! ```text
//!   localnet · run ── rounds ── store     backtest
//!       │       │       │                    │
//!     data    feed   wire · chain           data
//!       └────────────── core ────────────────┘
//! ```
//!
//! The rules live in `foretell-core`; here is the shell that brings them events and carries out what they want.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod backtest;
pub mod cli;
pub mod localnet;
pub mod rounds;
pub mod run;
pub mod store;

/// Row groups and forecasts come and go on all cores; the system's allocator gives their pages back each time.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;
