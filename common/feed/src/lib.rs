//! Prices from venues.
//!
//! ```text
//!  Venue (sans I/O, one file each)
//!  ┌ subscribe, read_frame ─▶ VenueStream: trades counted once, gaps noted ─▶ events
//!  └ candles_path, read_candles ─▶ RestClient (I/O): pages of candles ─▶ CandleCollector ─▶ settlement
//!  VenueConnection: the life of a stream, sans I/O ◀─ socket (I/O) ─▶ MarketView: what is traded now
//! ```
//!
//! A recorded message, a replayed file and a live host go through the same parser; [`decode`] shows what it
//! says of any file. What is *not* here: what a price means; that is the settlement's.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod candle;
pub mod collector;
pub mod config;
pub mod connection;
pub mod decode;
pub mod event;
pub mod lossy_sender;
pub mod market_view;
pub mod minute_aggregator;
pub mod recording;
pub mod rest;
pub mod stream;
pub mod tls;
pub mod venue;
pub mod websocket;
