//! What happened: from venues' candles to the settled price of a minute, and from prices to the outcome of a round.
//!
//! ```text
//!  venues' final candles ──▶ MinuteInputs ──settle_minute──▶ MinuteDecision: a price, or a gap with its reason
//!     candle: which count          │ usdt_rate: USDT → USD         │
//!                                  │ probation: excluded venues    ▼
//!                                  │ venue_weights: weights     SettledPrices ──▶ Settlement ──▶ Outcome
//!                                  └ median: the price            every instant    of a round     moves, or void
//! ```
//!
//! Every rule of a minute is decided from its [`MinuteInputs`] alone, which are kept: anybody can compute the price
//! again. A minute without a quorum is a gap; nothing is ever filled, interpolated or loosened. In a replay of bars
//! there is nothing to decide, and a bar's close is the price. What is *not* here: asking venues for candles.

pub mod attempts;
mod candle;
pub mod case;
mod median;
mod minute_bars;
mod minute_decision;
mod minute_inputs;
mod price_provenance;
mod probation;
mod quote_currency;
mod settle_minute;
mod settled_prices;
mod settlement;
mod usdt_rate;
mod venue_candles;
mod venue_weights;

#[cfg(test)]
mod tests;

pub use candle::MINUTE;
pub use minute_decision::{Constituent, GapReason, MinuteDecision, SettledMinute, VenueExclusion};
pub use minute_inputs::{MinuteInputs, UsdtMarketCloses, VenueObservation};
pub use price_provenance::PriceProvenance;
pub use quote_currency::QuoteCurrency;
pub use settle_minute::settle_minute;
pub use settled_prices::SettledPrices;
pub use settlement::{Settlement, VoidReason};
pub use venue_candles::VenueCandles;
