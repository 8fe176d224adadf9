//! The older protocol of the ecosystem, axon and dendrite (Python SDK up to 10.x), spoken on both sides.
//!
//! ```text
//! POST /ForecastCommit    bt_header_dendrite_{nonce,uuid,hotkey,signature}, bt_header_axon_hotkey
//! {"request": "<JSON of /v1/commit>"}   ->   {"request": …, "response": "<JSON of its answer>"}
//! ```
//!
//! Signed is `NONCE.DENDRITE_HOTKEY.AXON_HOTKEY.UUID.BODY_HASH` with BODY_HASH = sha3(sha3(request)) in hex: Python
//! hashes the `str()` of each field in `required_hash_fields`, so only string fields can be hashed elsewhere too.
//!
//! Stricter than the original: the signature is checked before anything else is, and over the body that came, not
//! over a hash in a header; nonces are bounded both ways as in [`crate::btauth`], whatever timeout the caller
//! claims, and count once. A synapse class that leaves `required_hash_fields` out is therefore refused.

pub mod client;
pub mod server;
mod synapse;
