//! Rounds of one series: carries out the actions that [the state](foretell_core::state::SeriesState) says are due, and
//! journals what comes of them.
//!
//! ```text
//!   SeriesState ──due actions──▶ RoundRunner: ask miners · settle · score ──records──▶ JournalStore (durable)
//!        ▲                                                                                   │
//!        └──────────────────────────────────── apply ────────────────────────────────────────┘
//! ```
//!
//! A record is durable before its effect leaves the process: before a receipt is handed out, before weights
//! are submitted. So a validator that is killed anywhere carries on from its journal, and nothing is done twice.

pub mod chain_deadline;
mod collect;
mod error;
mod journal_replay;
mod journal_writer;
pub mod live_miners;
mod metagraph_cache;
pub mod miners;
mod outcome_notices;
mod prices;
pub mod replay_miners;
mod retry_delay;
mod round_clock;
mod runner;
pub mod weights;

#[cfg(test)]
mod tests;

pub use self::error::RoundRunnerError;
pub use self::metagraph_cache::StaleMetagraph;
pub use self::prices::{PriceDecision, RoundPrices};
pub use self::runner::{RoundRunner, RoundsDependencies};
