//! Prices from venues.
//!
//! ```text
//!  Venue (sans I/O, one file each)      RestClient (I/O)
//!  path of a request  ────────────────▶ asks host + path, page by page
//!  bars in an answer  ◀──────────────── body
//! ```
//!
//! A recorded answer, a replayed file and a live host go through the same parser. What is *not* here yet:
//! live trades over WebSocket and the quorum of venues that settles a minute; what a price means.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod rest;
pub mod venue;
