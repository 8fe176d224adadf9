//! What validators and miners send each other: headers of both protocols, and messages.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use foretell_wire::auth_error::AuthError;
use foretell_wire::axon;
use foretell_wire::btauth::{self, SignedRequest};
use foretell_wire::claimed_identity::ClaimedIdentity;
use foretell_wire::client::DeclaredDelay;
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request as it is on the wire: its first line, headers, an empty line, a body.
struct WireRequest<'a> {
    method: &'a str,
    path: &'a str,
    headers: HeaderMap,
    body: &'a [u8],
}

impl<'a> WireRequest<'a> {
    /// What hyper would make of it, near enough: a header that it refuses is left out.
    fn parse(bytes: &'a [u8]) -> Self {
        let end = bytes.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end], &bytes[end + 2..]),
            None => (bytes, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next().and_then(crate::text).unwrap_or_default();
        let (method, path) = first.split_once(' ').unwrap_or(("POST", first));
        let mut headers = HeaderMap::new();
        for line in lines {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let name = parts.next().map(HeaderName::from_bytes);
            let value = parts.next().map(<[u8]>::trim_ascii);
            if let (Some(Ok(name)), Some(Ok(value))) = (name, value.map(HeaderValue::from_bytes)) {
                headers.append(name, value);
            }
        }
        Self {
            method,
            path,
            headers,
            body,
        }
    }
}

/// A `btauth/1` request: what it claims stands in its headers, and the text that it signs has them in it.
pub fn btauth_request(bytes: &[u8]) {
    let request = WireRequest::parse(bytes);
    let signed = SignedRequest {
        method: request.method,
        path: request.path,
        body: request.body,
    };
    let claimed = btauth::claimed_identity(&request.headers).and_then(|claim| {
        let text = btauth::claimed_text(&request.headers, &signed, &claim)?;
        Ok((claim, text))
    });
    check_claim(claimed, bytes);
}

/// A dendrite's request, whose body is taken for the hashed field.
pub fn axon_request(bytes: &[u8]) {
    let request = WireRequest::parse(bytes);
    let body = String::from_utf8_lossy(request.body);
    let claimed = axon::server::claimed_identity(&request.headers).and_then(|claim| {
        let text = axon::server::claimed_text(&request.headers, &claim, &body)?;
        Ok((claim, text))
    });
    check_claim(claimed, bytes);
}

/// A claim stands in the text that must have been signed; a refusal goes back to the caller, and is short.
fn check_claim(claimed: Result<(ClaimedIdentity, String), AuthError>, bytes: &[u8]) {
    let (claim, text) = match claimed {
        Ok(claimed) => claimed,
        Err(error) => {
            assert!(error.to_string().len() < 200, "{error}");
            return;
        }
    };
    for hotkey in [claim.sender, claim.receiver] {
        assert!(text.contains(&hotkey.to_string()), "{text}");
    }
    assert!(text.contains(&claim.nonce.to_string()), "{text}");
    assert!(text.len() <= 512 + bytes.len());
}

/// The headers of an answer: how late it declares itself to be.
pub fn answer_headers(bytes: &[u8]) {
    let request = WireRequest::parse(bytes);
    match DeclaredDelay::from_headers(&request.headers) {
        DeclaredDelay::Millis(0) => {}
        declared => assert!(!request.headers.is_empty(), "{declared:?}"),
    }
}

/// A synapse that came back: its answer isn't longer than it.
pub fn axon_response(bytes: &[u8]) {
    match axon::client::response_of(bytes) {
        Ok(answer) => assert!(answer.len() <= bytes.len()),
        Err(why) => assert!(why.to_string().len() <= 400, "{why}"),
    }
}

/// Each message of the protocol reads the same once it is written again.
pub fn wire_messages(bytes: &[u8]) {
    check_message::<CommitRequest>(bytes);
    check_message::<CommitResponse>(bytes);
    check_message::<RevealRequest>(bytes);
    check_message::<RevealResponse>(bytes);
    check_message::<OutcomeNotice>(bytes);
}

fn check_message<M: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(bytes) else {
        return;
    };
    let printed = serde_json::to_vec(&message).expect("a message is JSON");
    let again: M = serde_json::from_slice(&printed).expect("our own message is one");
    assert_eq!(again, message);
}
