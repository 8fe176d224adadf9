//! Market data of exchanges: candles over REST, which settle prices, and trades over WebSocket, which check them.
//!
//! ```text
//!  REST        Venue::candles_path ─▶ RestClient ─▶ Venue::read_candles ─▶ CandleCollector ─▶ MinuteInputs (core settles)
//!
//!  WebSocket   Venue::subscribe ─▶ websocket::run ─▶ VenueConnection ─▶ VenueStream ─▶ Venue::read_frame
//!                                  (sockets, clock)  (state machine)    (each trade     (parser)
//!                                        │                               once, gaps)
//!                                        └─ ConnectionUpdate ─▶ MarketView: the live price and each venue's status
//!
//!  disk        Recorder ─▶ hourly files ─▶ read_recording ─▶ MinuteReplay, SettlementReplay
//! ```
//!
//! [`venue`] has one file per exchange, without I/O. A live frame, a recorded one and the lines that [`decode`] reads go
//! through the same parser. Only [`rest`], [`websocket`], [`recording`] and
//! [`clock_probe`] do I/O.
//!
//! What it does not do: it settles nothing and weighs no venue against another, which `foretell_core::settle` does;
//! it places no orders and reads no order books.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bounded_lines;
pub mod candle;
pub mod clock_comparison;
pub mod clock_probe;
pub mod collector;
pub mod config;
pub mod connection;
pub mod connection_log;
pub mod decode;
pub mod event;
pub mod lossy_sender;
pub mod market_view;
pub mod minute_aggregator;
pub mod outage;
pub mod recording;
pub mod rest;
pub mod retry_after;
pub mod stream;
pub mod tls;
pub mod venue;
pub mod venue_text;
pub mod websocket;
