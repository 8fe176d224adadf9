//! What happened: from venues' candles to the price of record of a minute, and from prices to what a round is
//! scored against.
//!
//! ```text
//!  venues' finished candles ──▶ MinuteInputs ──settle_minute──▶ Verdict: price, or gap with its reason
//!     candle: which count          │ tether: USDT → USD            │
//!                                  │ standing: who is out          ▼
//!                                  │ shares: who weighs what    SettledPrices ──▶ Settlement ──▶ Outcome
//!                                  └ median: the price            every instant    of a round     moves, or void
//! ```
//!
//! Every rule of a minute is decided from its [`MinuteInputs`] alone, which are kept: anybody can compute the price
//! again. A minute without a quorum is a gap; nothing is ever filled, interpolated or loosened. In a replay of bars
//! there is nothing to decide, and a bar's close is the price. What is *not* here: asking venues for candles.

pub mod attempts;
pub mod bars;
pub mod candle;
pub mod case;
mod inputs;
mod median;
mod minute;
mod outcome;
mod prices;
mod shares;
mod standing;
mod tether;

#[cfg(test)]
mod tests;

pub use inputs::{MarketCloses, MinuteInputs, Quote, Tape, Witness};
pub use minute::{Exclusion, GapReason, SettledMinute, Verdict, Voice, settle_minute};
pub use outcome::{Settlement, VoidReason};
pub use prices::{Provenance, SettledPrices};

use crate::time::Millis;

/// What a settled price is the price of: the span that ends at its instant.
pub const MINUTE: Millis = Millis::minutes(1);
