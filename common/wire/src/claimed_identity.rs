//! The headers of a signed request: who it says it is from and for, before anything is believed.

use std::str::FromStr;

use axum::http::HeaderMap;
use foretell_core::hash::Signature;
use foretell_core::hotkey::Hotkey;

use crate::auth_error::AuthError;

/// What the headers of a signed request say; nothing of it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedIdentity {
    /// The hotkey that the request says signed it.
    pub sender: Hotkey,
    /// The hotkey that it says it is meant for.
    pub receiver: Hotkey,
    /// The sender's time in unix nanoseconds.
    pub nonce: u64,
    /// The signature over the protocol's text.
    pub signature: Signature,
}

impl ClaimedIdentity {
    /// The identity in the headers of these names; the signature has `0x` before it.
    pub(crate) fn from_headers(
        headers: &HeaderMap,
        sender: &'static str,
        receiver: &'static str,
        nonce: &'static str,
        signature: &'static str,
    ) -> Result<Self, AuthError> {
        Ok(Self {
            sender: parsed_header(headers, sender)?,
            nonce: parsed_header(headers, nonce)?,
            signature: header_text(headers, signature)?
                .strip_prefix("0x")
                .and_then(|hex| hex.parse().ok())
                .ok_or(AuthError::MalformedHeader(signature))?,
            receiver: parsed_header(headers, receiver)?,
        })
    }
}

/// The value of a header that must be there and be ASCII.
pub(crate) fn header_text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<&'a str, AuthError> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or(AuthError::MalformedHeader(name))
}

/// The value of such a header, as a `T`.
fn parsed_header<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, AuthError> {
    header_text(headers, name)?
        .parse()
        .map_err(|_| AuthError::MalformedHeader(name))
}
