//! Hotkeys that sign: keypairs, what they are made from, and the keyfiles of Bittensor's wallets.
//!
//! ```text
//!   phrase, seed or URI ──▶ KeyMaterial ──▶ Keypair ──▶ signatures
//!                               ▲  │
//!                               │  ▼
//!                       Keyfile: plain or encrypted JSON in a wallet's folder, as btcli writes it
//! ```
//!
//! Secrets are wiped on drop and never shown by `Debug`; [`core_dumps`] keeps them off the disk. Addresses (ss58) are read
//! and written by `foretell-core`'s `Hotkey`. What is *not* here: flags and commands, the network.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod core_dumps;
pub mod key_material;
pub mod keyfile;
pub mod keypair;
