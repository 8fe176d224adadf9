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

use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

use crate::messages::{COMMIT_ROUTE, REVEAL_ROUTE};

/// Each synapse class with the route whose messages it carries.
pub const SYNAPSE_ROUTES: [(&str, &str); 2] = [
    ("ForecastCommit", COMMIT_ROUTE),
    ("ForecastReveal", REVEAL_ROUTE),
];

/// What a synapse holds, apart from what its headers say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Synapse {
    #[serde(default)]
    name: String,
    #[serde(default)]
    request: String,
    #[serde(default)]
    response: Option<String>,
}

/// What the caller signs.
struct DendriteMessage<'a> {
    nonce: u64,
    dendrite: Hotkey,
    axon: Hotkey,
    uuid: &'a str,
    request: &'a str,
}

impl DendriteMessage<'_> {
    fn text(&self) -> String {
        let Self {
            nonce,
            dendrite,
            axon,
            uuid,
            request,
        } = self;
        let body_hash = body_hash(request);
        format!("{nonce}.{dendrite}.{axon}.{uuid}.{body_hash}")
    }
}

/// The hash of a body with one hashed field.
fn body_hash(request: &str) -> String {
    sha3(sha3(request.as_bytes()).as_bytes())
}

fn sha3(bytes: &[u8]) -> String {
    hex::encode(Sha3_256::digest(bytes))
}

#[cfg(test)]
mod tests;
