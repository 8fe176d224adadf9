//! Signed HTTP between validators and miners, and the hotkeys that sign.
//!
//! ```text
//!  validator                                   miner
//!  MinerClient ──POST /v1/commit (btauth/1)──▶ authorization ─▶ its routes
//!              ◀── commitment, signature ────
//!              ──POST /v1/reveal, receipt ───▶
//!              ◀── nonce, payload, signature ─
//! ```
//!
//! Requests are signed as the ecosystem does; responses are not, so the answers themselves carry a
//! signature ([`foretell_core::signed_text`]) and stay attributable in the journal. What is *not* here: what a
//! miner answers, when it is asked, the chain.
//!
//! Peers of the older protocol take part through [`axon`]; [`http_server`] keeps every connection within limits; [`address_policy`] says
//! which addresses may be asked at all.
//!
//! Keys live in [`keyfile`]s, are made from a [`key_material`], chosen by [`wallet_flags`], and managed by
//! [`keys_command`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod address_policy;
pub mod authorization;
pub mod axon;
pub mod btauth;
pub mod client;
pub mod core_dumps;
pub mod http_server;
pub mod key_material;
pub mod keyfile;
pub mod keypair;
pub mod keys_command;
pub mod messages;
pub mod output;
pub mod wallet_flags;
