//! The journal: an append-only chain of records that holds everything a weight depends on.
//!
//! ```text
//!   Record ──JournalHead::append──▶ bytes of a JournalEntry ──stored──▶ JournalHead::verify_next ──▶ Record
//!                 seq, hash of the entry before, time
//! ```
//!
//! Entry n holds the hash of entry n − 1, and is hashed as it is stored. State is nothing but the fold of
//! its records (see [`SeriesState`](crate::state::SeriesState)), so a validator that was killed carries on from here.

mod chain;
mod genesis;
mod record;

#[cfg(test)]
mod tests;

pub use chain::{JournalEntry, JournalError, JournalHead};
pub use genesis::{Genesis, PriceOrigin};
pub use record::Record;
