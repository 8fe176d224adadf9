//! What travels in the older protocol: the synapse, and the text that its caller signs.

use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

use crate::messages::{COMMIT_ROUTE, REVEAL_ROUTE};

/// Each synapse class with the route whose messages it carries.
pub const SYNAPSE_ROUTES: [(&str, &str); 2] = [
    ("ForecastCommit", COMMIT_ROUTE),
    ("ForecastReveal", REVEAL_ROUTE),
];

/// The body of a synapse; its headers say who sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Synapse {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) request: String,
    #[serde(default)]
    pub(super) response: Option<String>,
}

/// The parts of the text that a caller signs.
pub(super) struct DendriteMessage<'a> {
    pub(super) nonce: u64,
    pub(super) dendrite: Hotkey,
    pub(super) axon: Hotkey,
    pub(super) uuid: &'a str,
    pub(super) request: &'a str,
}

impl DendriteMessage<'_> {
    /// The text itself.
    pub(super) fn text(&self) -> String {
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

/// The hash of a synapse whose only hashed field is `request`.
pub(super) fn body_hash(request: &str) -> String {
    sha3(sha3(request.as_bytes()).as_bytes())
}

fn sha3(bytes: &[u8]) -> String {
    hex::encode(Sha3_256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use foretell_keys::keypair::verify_signature;

    use super::*;

    /// From a real exchange: dendrite 10.5.0 sent a synapse with four hashed fields. Of one string field the rule is the
    /// same, and no field gives the well-known hash of nothing.
    #[test]
    fn hashes_are_those_of_python() {
        assert_eq!(
            sha3(b""),
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
        );
        let fields = ["f-001", "BTCUSD", "480", "[97000.5, 97010.0, 1e-07]"];
        let hashed: String = fields.iter().map(|field| sha3(field.as_bytes())).collect();
        assert_eq!(
            sha3(hashed.as_bytes()),
            "6620a0083f61821d4b63802bbbbd01049b991651dc53c2cc0f566d1691085ba8"
        );
    }

    /// The signature of dendrite 10.5.0 in a recorded exchange, over a text made here.
    #[test]
    fn a_signature_of_the_python_dendrite_verifies() {
        let dendrite: Hotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
            .parse()
            .unwrap();
        let axon: Hotkey = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
            .parse()
            .unwrap();
        let hash = "6620a0083f61821d4b63802bbbbd01049b991651dc53c2cc0f566d1691085ba8";
        let uuid = "c3eb612e-e72c-11f1-b7a3-02fc00000001";
        let text = format!("1795431487675900652.{dendrite}.{axon}.{uuid}.{hash}");
        let signature = "7e49720304de4c099203a561c94f715c237c274bcb54b3de9bb45b2e3cce2f5c\
                         54df85ef1910f43cb6ab4265d015722542e45d5df362dc8a2b18065f74da6585";
        let signature = signature.parse().unwrap();
        assert!(verify_signature(&dendrite, text.as_bytes(), &signature));
    }
}
