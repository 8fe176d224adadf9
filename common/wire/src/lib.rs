//! Signed HTTP between validators and miners: both ends, and the messages between them.
//!
//! ```text
//!  validator                                   miner
//!  MinerClient ──POST /v1/commit (btauth/1)──▶ authorization ─▶ its routes
//!              ◀── commitment, signature ────
//!              ──POST /v1/reveal, receipt ───▶
//!              ◀── nonce, payload, signature ─
//! ```
//!
//! Requests are signed as the ecosystem does ([`btauth`]); responses are not, so the answers themselves carry a
//! signature ([`foretell_core::signed_text`]) and stay attributable in the journal. What is *not* here: what a
//! miner answers, when it is asked, the chain.
//!
//! Peers of the older protocol take part through [`axon`]; [`http_server`] keeps every connection within limits;
//! [`address_policy`] says which addresses a validator sends requests to at all.
//!
//! Time is an argument: whoever makes a client or a server gives it the [clock](nanos_clock) that nonces go by.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod address_policy;
pub mod auth_error;
pub mod authorization;
pub mod axon;
pub mod btauth;
mod caller_slots;
pub mod callers;
pub mod claimed_identity;
pub mod client;
pub mod http_server;
pub mod messages;
pub mod nanos_clock;
mod request_authorizer;
mod request_body;
mod request_verifier;

#[cfg(test)]
mod test_clock;
