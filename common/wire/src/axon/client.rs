//! The validator's side: wraps a request to a `/v1` route in a synapse, and unwraps the answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foretell_core::hotkey::Hotkey;
use foretell_core::json_fault::JsonFault;
use foretell_core::miss::AnswerFault;
use foretell_keys::keypair::Keypair;
use serde_json::json;

use super::synapse::{DendriteMessage, SYNAPSE_ROUTES, Synapse, body_hash};

/// The version that we claim to be: 10.5.0, the last SDK that speaks this protocol.
const VERSION: u32 = 10_005_000;

/// An HTTP request as an axon of the older protocol takes it.
pub struct SynapseRequest {
    /// Path of the URL: a slash and the synapse's name.
    pub path: String,
    /// Every header of the protocol, signature included.
    pub headers: Vec<(&'static str, String)>,
    /// The synapse as JSON.
    pub body: String,
}

/// `request`, which belongs on `route`, from `key` to `axon`; `None` if no synapse carries that route.
pub fn synapse_request(
    key: &Keypair,
    axon: &Hotkey,
    uuid: &str,
    route: &str,
    request: &str,
    nonce: u64,
    deadline: Duration,
) -> Option<SynapseRequest> {
    let (name, _) = SYNAPSE_ROUTES
        .into_iter()
        .find(|(_, wrapped)| *wrapped == route)?;
    let dendrite = key.hotkey();
    let signed = DendriteMessage {
        nonce,
        dendrite,
        axon: *axon,
        uuid,
        request,
    };
    let timeout = deadline.as_secs_f64();
    let signature = key.sign(signed.text().as_bytes());
    let headers = vec![
        ("name", name.to_owned()),
        ("timeout", timeout.to_string()),
        ("bt_header_axon_hotkey", axon.to_string()),
        ("bt_header_dendrite_version", VERSION.to_string()),
        ("bt_header_dendrite_nonce", nonce.to_string()),
        ("bt_header_dendrite_uuid", uuid.to_owned()),
        ("bt_header_dendrite_hotkey", dendrite.to_string()),
        ("bt_header_dendrite_signature", format!("0x{signature}")),
        // Every required field must be named with an empty value of its type, or the axon fails.
        ("bt_header_input_obj_request", STANDARD.encode("\"\"")),
        ("computed_body_hash", body_hash(request)),
    ];
    // An axon verifies the headers, but hands its forward function what the body says of both ends.
    let body = json!({
        "name": name,
        "timeout": timeout,
        "dendrite": {
            "version": VERSION,
            "nonce": nonce,
            "uuid": uuid,
            "hotkey": dendrite,
            "signature": format!("0x{signature}"),
        },
        "axon": { "hotkey": axon },
        "request": request,
        "response": null,
    });
    Some(SynapseRequest {
        path: format!("/{name}"),
        headers,
        body: body.to_string(),
    })
}

/// The answer inside a synapse that came back, or what is wrong with it.
pub fn response_of(body: &[u8]) -> Result<String, AnswerFault> {
    let synapse: Synapse = serde_json::from_slice(body)
        .map_err(|error| AnswerFault::NotJson(JsonFault::new(&error)))?;
    synapse.response.ok_or(AnswerFault::NoResponse)
}
