//! The validator's service: asks miners for forecasts, keeps every answer, scores them against what happened, and sets
//! weights on chain.
//!
//! ```text
//!   run: clock, configuration, prices, status ──▶ rounds: ask, settle, score, set weights ──▶ store: journal, payloads
//!         │ feed, files                              │ wire, chain                              │ sled
//!         └──────────────────────────────────────── core ─────────────────────────────────────┘
//! ```
//!
//! The rules live in `foretell-core`; here is the shell that brings them events and carries out their actions. What is
//! *not* here: the command line, and the network on one machine, which are built on this.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod rounds;
pub mod run;
pub mod store;
