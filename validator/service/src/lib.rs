//! The validator's service: asks miners for forecasts, keeps every answer, scores them against settled prices, and sets
//! weights on chain.
//!
//! ```text
//!   run: configuration, clock, prices, status ──▶ rounds: ask, settle, score, set weights ──▶ store: journal, payloads
//!         │ feed, data                               │ wire, chain                              │ sled
//!         └──────────────────────────────────────── core ─────────────────────────────────────┘
//! ```
//!
//! The rules live in `foretell-core`: [`rounds`] brings its state events, makes the records that follow durable in a
//! [`store`], and carries out the actions that are due. [`run`] does this live, by the machine's clock. What is *not* here:
//! the command line, and the network on one machine, which are built on this.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod rounds;
pub mod run;
pub mod store;
