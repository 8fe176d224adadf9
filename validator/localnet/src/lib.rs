//! The whole network on one machine: ledger, validator and miners, on replayed prices.
//!
//! ```text
//!   event queue (simulated clock)
//!     │ publish ──▶ replay venue ◀── REST ── miners (processes)
//!     │ advance ──▶ local ledger ◀── weights ──┐   ▲ signed HTTP
//!     └ work ─────▶ rounds ────────────────────┴───┘
//!                     └──▶ journal (sled)
//! ```
//!
//! Time stands still until every request of an instant is answered, so the result depends on plan and prices
//! alone: not on the machine's speed, its threads, or how often the run was killed and started again.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod adversary;
pub mod live;
pub mod replay;

mod args;
mod external_miner;
mod fetch_prices;
mod ledger;
mod manifest;
mod miner_processes;
mod plan;
mod population;
mod price_summary;
mod print;
mod progress;
mod replay_network;
mod replay_venue;
mod report;
mod report_builder;
mod result_file;
mod schedule;

pub use args::LocalnetArgs;
pub use external_miner::ExternalMiner;
pub use miner_processes::ProgramPaths;
pub use print::tables;
pub use progress::LocalnetProgress;
pub use report::LocalnetReport;
