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
mod runner;
pub mod weights;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::metagraph::Metagraph;
use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, JournalHead, Record};
use foretell_core::miss::{MissReason, RejectedPayload};
use foretell_core::pool::Forecaster;
use foretell_core::round::{Receipt, RoundAction, RoundEvent};
use foretell_core::settle::Settlement;
use foretell_core::signed_text::receipt_text;
use foretell_core::state::{Action, SeriesState, StateError};
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::Keypair;
use foretell_wire::messages::{CommitRequest, RevealRequest};
use futures_util::future::join_all;
use thiserror::Error;

pub use self::prices::{PriceDecision, RoundPrices};
pub use self::runner::{RoundRunner, RoundsDependencies};
