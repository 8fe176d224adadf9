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
            nonce: nonce_in(header_text(headers, nonce)?)
                .ok_or(AuthError::MalformedHeader(nonce))?,
            signature: header_text(headers, signature)?
                .strip_prefix("0x")
                .and_then(|hex| hex.parse().ok())
                .ok_or(AuthError::MalformedHeader(signature))?,
            receiver: parsed_header(headers, receiver)?,
        })
    }
}

/// The value of a header that must be there, once, and be ASCII.
pub(crate) fn header_text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<&'a str, AuthError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value
        .and_then(|value| value.to_str().ok())
        .ok_or(AuthError::MalformedHeader(name))
}

/// The value of such a header, as a `T`.
fn parsed_header<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, AuthError> {
    header_text(headers, name)?
        .parse()
        .map_err(|_| AuthError::MalformedHeader(name))
}

/// Digits alone: the signed text has the number, and one request must have one spelling.
fn nonce_in(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let nonce: u64 = text.parse().ok().filter(|_| digits)?;
    (nonce.to_string() == text).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_one_spelling() {
        assert_eq!(nonce_in("1795"), Some(1795));
        assert_eq!(nonce_in("18446744073709551615"), Some(u64::MAX));
        for other in [
            "",
            "+1795",
            "-1",
            "01795",
            "1e9",
            "0x10",
            " 17",
            "18446744073709551616",
            "٣",
        ] {
            assert_eq!(nonce_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_that_is_there_twice_is_no_claim() {
        let mut headers = HeaderMap::new();
        headers.append("x", "1".parse().unwrap());
        assert_eq!(header_text(&headers, "x"), Ok("1"));
        headers.append("x", "2".parse().unwrap());
        assert_eq!(
            header_text(&headers, "x"),
            Err(AuthError::MalformedHeader("x"))
        );
    }
}
