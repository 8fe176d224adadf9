//! `btauth/1`, the ecosystem's signed HTTP (Python SDK 11.x): the headers that sign a request, and the text that they sign.
//!
//! Signed bytes, joined by newlines:
//! `btauth/1  sr25519  METHOD  PATH?QUERY  sha256hex(body)  nonce_ns  sender  receiver`.

use axum::http::HeaderMap;
use foretell_core::hash::sha256;
use foretell_core::hotkey::Hotkey;
use foretell_keys::keypair::Keypair;

use crate::auth_error::AuthError;
use crate::claimed_identity::{ClaimedIdentity, header_text};

const SENDER_HEADER: &str = "x-bittensor-hotkey";
const RECEIVER_HEADER: &str = "x-bittensor-receiver";
const NONCE_HEADER: &str = "x-bittensor-nonce";
const SIGNATURE_HEADER: &str = "x-bittensor-signature";

/// The parts of an HTTP request that its signature covers.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Path with its query, byte for byte as sent.
    pub path: &'a str,
    /// The body's bytes, before anything is decoded.
    pub body: &'a [u8],
}

/// Headers that sign `request` from `key` to `receiver`; `nonce_ns` is the time in unix nanoseconds, never used twice.
pub fn signed_headers(
    key: &Keypair,
    receiver: &Hotkey,
    request: &SignedRequest<'_>,
    nonce_ns: u64,
) -> [(&'static str, String); 5] {
    // An address costs a hash and a change of base: it is written once.
    let (sender, receiver) = (key.hotkey().to_string(), receiver.to_string());
    let text = signed_text(request, nonce_ns, &sender, &receiver);
    let signature = key.sign(text.as_bytes());
    [
        ("x-bittensor-version", "1".into()),
        (SENDER_HEADER, sender),
        (RECEIVER_HEADER, receiver),
        (NONCE_HEADER, nonce_ns.to_string()),
        (SIGNATURE_HEADER, format!("0x{signature}")),
    ]
}

/// Who a `btauth/1` request says it is from and for.
pub fn claimed_identity(headers: &HeaderMap) -> Result<ClaimedIdentity, AuthError> {
    if header_text(headers, "x-bittensor-version")? != "1" {
        return Err(AuthError::MalformedHeader("x-bittensor-version"));
    }
    if headers
        .get("x-bittensor-crypto")
        .is_some_and(|kind| kind != "sr25519")
    {
        return Err(AuthError::MalformedHeader("x-bittensor-crypto"));
    }
    ClaimedIdentity::from_headers(
        headers,
        SENDER_HEADER,
        RECEIVER_HEADER,
        NONCE_HEADER,
        SIGNATURE_HEADER,
    )
}

/// The text that a `btauth/1` request must have signed.
pub fn claimed_text(
    headers: &HeaderMap,
    request: &SignedRequest<'_>,
    claim: &ClaimedIdentity,
) -> Result<String, AuthError> {
    // As they were sent: an address has one spelling, its checksum sees to that.
    let sender = header_text(headers, SENDER_HEADER)?;
    let receiver = header_text(headers, RECEIVER_HEADER)?;
    Ok(signed_text(request, claim.nonce, sender, receiver))
}

fn signed_text(request: &SignedRequest<'_>, nonce_ns: u64, sender: &str, receiver: &str) -> String {
    let SignedRequest { method, path, body } = request;
    let body = sha256(body);
    format!("btauth/1\nsr25519\n{method}\n{path}\n{body}\n{nonce_ns}\n{sender}\n{receiver}")
}
