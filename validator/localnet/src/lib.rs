//! The whole network on one machine: local ledger, validator, miners and adversaries.
//!
//! ```text
//!   replay: the event queue (simulated clock)
//!     │ publish ──▶ ReplayVenue ◀──── REST ──── miners, external miners, adversaries (processes)
//!     │ advance ──▶ LocalChain ◀── weights ──┐   ▲ signed HTTP
//!     └ run ──────▶ RoundRunner ─────────────┴───┘
//!                     └──▶ journal (SledStore) ──▶ LocalnetReport
//!
//!   live: ValidatorService by the machine's clock, in place of queue and replay venue; miners read an exchange
//! ```
//!
//! In a replay, time stands still until every request of an instant is answered, so the result depends on plan and prices
//! alone: not on the machine's speed, its threads, or how often the run was killed and started again. Both ways use the
//! rounds, the store and the wire protocol of the service, and real miner programs.
//!
//! What is *not* here: the command line, and how a round goes (`foretell-service`) or is scored (`foretell-core`).

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
