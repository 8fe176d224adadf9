//! Rounds, scores and weights, without I/O, clock or chance of their own.
//!
//! Data flows one way. What happens outside becomes records, records make the state, and the state gives the actions
//! that are due:
//!
//! ```text
//!  commitment, reveal, prices                                     open a round, request, settle, score
//!        │ RoundEvent                                                         ▲ Action
//!        ▼                                                                    │
//!  SeriesState::decide ──Record──▶ JournalHead::append ──Record──▶ SeriesState::apply, due_actions
//!                                                                             │
//!                                        TrackRecord ◀── rounds and prices ◀──┘
//!                                             └─▶ Evidence, Credits ──▶ PayoutShares
//! ```
//!
//! The same code runs live, in a replay of bars and over an old journal; who brings the events is the
//! only difference.
//!
//! Modules import only from those before them in this order:
//!
//! | | |
//! |---|---|
//! | types | [`error_kind`], [`time`], [`instant_range`], [`price`], [`hash`], [`ss58`], [`hotkey`], [`coldkey`], [`bar`], [`series`], [`signed_text`] |
//! | constants | [`rules`], [`json_fault`] |
//! | forecasts | [`forecast`], [`outcome`], [`volatility`] |
//! | prices | [`settle`], [`replay`] |
//! | scores and pay | [`score`], [`pool`], [`track`] |
//! | rounds | [`miss`], [`journal`], [`round`], [`state`] |
//!
//! What is *not* here: sockets, files, secret keys, venues, the chain; metrics and policies that no weight depends on
//! (`foretell-evaluation`).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bar;
pub mod coldkey;
pub mod error_kind;
pub mod forecast;
pub mod hash;
pub mod hotkey;
pub mod instant_range;
pub mod journal;
pub mod json_fault;
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
