//! The pure floor of Foretell: rounds, scores and weights, without I/O, clock or chance of their own.
//!
//! Data flows one way. Events of the outside world become records, records make the state, and the
//! state says what it wants done:
//!
//! ```text
//!   RoundEvent ──decide──▶ Record ──apply──▶ SeriesState ──wants──▶ Action      (carried out by the validator)
//!   answer, price      journal           rounds, tracks            ask, settle, score
//!                                          │
//!                                          └─▶ Evidence ─▶ Weights ─▶ leaderboard
//! ```
//!
//! The same code runs live, in a replay of bars and over an old journal; who brings the events is the
//! only difference. What is *not* here: sockets, files, keys, venues, the chain.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bar;
pub mod forecast;
pub mod hash;
pub mod hotkey;
pub mod journal;
pub mod miss;
pub mod outcome;
pub mod pool;
pub mod price;
pub mod replay;
pub mod round;
pub mod rules;
pub mod score;
pub mod series;
pub mod settle;
pub mod signed_text;
pub mod ss58;
pub mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod track;
pub mod volatility;
