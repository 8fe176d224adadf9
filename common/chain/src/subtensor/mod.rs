//! Subtensor, the real chain, read and written through a node's WebSocket.
//!
//! ```text
//!   Subtensor (client) ── state (one block) ── connection ──▶ node
//!      │            └ runtime: metadata of the block's runtime version, fetched again when that changes
//!      ├ chain_impl        the trait `Chain`
//!      ├ subnet            who is registered, and by which parameters
//!      ├ preflight         what speaks against weights, in words, before they are sent
//!      ├ calls             extrinsics by name; which form a runtime has is probed
//!      ├ timelock          weights that reveal themselves; epoch: when they do
//!      ├ extrinsic         signed, kept, looked for in blocks
//!      ├ transactions      sent, and followed until they are final
//!      └ runtime_errors    the chain's errors in words
//! ```
//!
//! Calls and storage are dynamic: static code generation broke between runtime versions. Every value is read by its name
//! in the runtime's own metadata.
//!
//! What this does not do: watch a subscription (a lost one is silent), trust a block that isn't final when it says that
//! weights are set, or count stake that comes by way of parent and child hotkeys.

pub mod calls;
mod chain_impl;
mod client;
pub mod connection;
mod epoch;
mod error;
mod extrinsic;
mod preflight;
pub mod runtime;
mod runtime_errors;
pub mod state;
mod subnet;
pub mod timelock;
mod transactions;

#[cfg(test)]
mod tests;

pub use self::client::Subtensor;
pub use self::error::SubtensorError;
pub use self::extrinsic::SignedExtrinsic;
pub use self::subnet::AxonInfo;
