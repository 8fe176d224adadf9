//! `btauth/1`, the ecosystem's signed HTTP (Python SDK 11.x): who asks, whom, and that it is fresh.
//!
//! Signed bytes, joined by newlines:
//! `btauth/1  sr25519  METHOD  PATH?QUERY  sha256hex(body)  nonce_ns  sender  receiver`.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use foretell_core::attest::{Signature, sha256};
use foretell_core::hotkey::Hotkey;
use thiserror::Error;

use crate::keypair::{Keypair, verifies};

/// Oldest accepted request.
const MAX_AGE_NS: u64 = 10_000_000_000;
/// Furthest a sender's clock may run ahead.
const MAX_AHEAD_NS: u64 = 2_000_000_000;
/// Requests remembered against replay; a request is remembered for as long as it would be fresh.
const MAX_REMEMBERED: usize = 65_536;

/// A request as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Path with its query, as sent.
    pub path: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A header is missing or is not what it should be.
    #[error("header {0} is missing or malformed")]
    Shape(&'static str),
    /// Meant for somebody else.
    #[error("request is for another receiver")]
    Receiver,
    /// Too old or from the future.
    #[error("request is not fresh: check both clocks")]
    Stale,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// Seen before.
    #[error("request was seen before")]
    Replayed,
    /// More fresh requests than can be remembered.
    #[error("too many requests")]
    Busy,
}

/// Headers that sign `request` from `key` to `receiver` at `nonce_ns` (nanoseconds since 1970, unique).
pub fn signed_headers(
    key: &Keypair,
    receiver: &Hotkey,
    request: &Request<'_>,
    nonce_ns: u64,
) -> [(&'static str, String); 5] {
    let sender = key.hotkey();
    let text = signed_text(request, nonce_ns, &sender, receiver);
    [
        ("x-bittensor-version", "1".into()),
        ("x-bittensor-hotkey", sender.to_string()),
        ("x-bittensor-receiver", receiver.to_string()),
        ("x-bittensor-nonce", nonce_ns.to_string()),
        (
            "x-bittensor-signature",
            format!("0x{}", key.sign(text.as_bytes())),
        ),
    ]
}

/// Checks requests to one receiver, and remembers them so that none counts twice.
#[derive(Debug)]
pub struct Gate {
    receiver: Hotkey,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: HashSet<(Hotkey, u64)>,
    by_nonce: BTreeSet<(u64, Hotkey)>,
}

impl Gate {
    /// A gate for requests to `receiver`.
    pub fn new(receiver: Hotkey) -> Self {
        Self {
            receiver,
            seen: Mutex::default(),
        }
    }

    /// The sender of a request, checked in this order: shape, receiver, freshness, signature, replay.
    pub fn sender(
        &self,
        headers: &HeaderMap,
        request: &Request<'_>,
        now_ns: u64,
    ) -> Result<Hotkey, AuthError> {
        if text(headers, "x-bittensor-version")? != "1" {
            return Err(AuthError::Shape("x-bittensor-version"));
        }
        if headers
            .get("x-bittensor-crypto")
            .is_some_and(|kind| kind != "sr25519")
        {
            return Err(AuthError::Shape("x-bittensor-crypto"));
        }
        let sender: Hotkey = parsed(headers, "x-bittensor-hotkey")?;
        let nonce: u64 = parsed(headers, "x-bittensor-nonce")?;
        let signature: Signature = text(headers, "x-bittensor-signature")?
            .strip_prefix("0x")
            .and_then(|hex| hex.parse().ok())
            .ok_or(AuthError::Shape("x-bittensor-signature"))?;
        let receiver: Hotkey = parsed(headers, "x-bittensor-receiver")?;
        if receiver != self.receiver {
            return Err(AuthError::Receiver);
        }
        if nonce.saturating_add(MAX_AGE_NS) < now_ns || nonce > now_ns.saturating_add(MAX_AHEAD_NS)
        {
            return Err(AuthError::Stale);
        }
        let signed = signed_text(request, nonce, &sender, &receiver);
        if !verifies(&sender, signed.as_bytes(), &signature) {
            return Err(AuthError::Signature);
        }
        self.remember(sender, nonce, now_ns)?;
        Ok(sender)
    }

    fn remember(&self, sender: Hotkey, nonce: u64, now_ns: u64) -> Result<(), AuthError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { requests, by_nonce } = &mut *seen;
        while let Some(&(nonce, sender)) = by_nonce.first()
            && nonce.saturating_add(MAX_AGE_NS) < now_ns
        {
            by_nonce.pop_first();
            requests.remove(&(sender, nonce));
        }
        if requests.len() >= MAX_REMEMBERED {
            return Err(AuthError::Busy);
        }
        if !requests.insert((sender, nonce)) {
            return Err(AuthError::Replayed);
        }
        by_nonce.insert((nonce, sender));
        Ok(())
    }
}

fn signed_text(request: &Request<'_>, nonce_ns: u64, sender: &Hotkey, receiver: &Hotkey) -> String {
    let Request { method, path, body } = request;
    let body = sha256(body);
    format!("btauth/1\nsr25519\n{method}\n{path}\n{body}\n{nonce_ns}\n{sender}\n{receiver}")
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, AuthError> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or(AuthError::Shape(name))
}

fn parsed<T: std::str::FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, AuthError> {
    text(headers, name)?
        .parse()
        .map_err(|_| AuthError::Shape(name))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const NOW: u64 = 1_795_000_000_000_000_000;
    const REQUEST: Request<'_> = Request {
        method: "POST",
        path: "/v1/commit",
        body: b"{}",
    };

    fn headers(list: [(&'static str, String); 5]) -> HeaderMap {
        let values = list.into_iter();
        values
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn sent(nonce: u64) -> (Gate, HeaderMap) {
        let receiver = Keypair::derived(1, "miner").hotkey();
        let key = Keypair::derived(1, "validator");
        let headers = headers(signed_headers(&key, &receiver, &REQUEST, nonce));
        (Gate::new(receiver), headers)
    }

    /// The ecosystem's golden request: its text is ours, and its Python-made signature verifies.
    #[test]
    fn the_golden_request_of_the_python_sdk_verifies() {
        let receiver: Hotkey = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
            .parse()
            .unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-bittensor-version", "1"),
            (
                "x-bittensor-hotkey",
                "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
            ),
            (
                "x-bittensor-receiver",
                "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
            ),
            ("x-bittensor-nonce", "1795000000000000000"),
            (
                "x-bittensor-signature",
                "0x2c96a8a5e592bebd41be59c7504f42f5b5ede1823626145dfbc26e2e5bf0332b1d6644513aa6ee4c1ac3c88a9eb31682bb9c43678fc0575dc10f4f428e133885",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let request = Request {
            method: "POST",
            path: "/v1/forecast?symbol=BTCUSD",
            body: br#"{"symbol":"BTCUSD","horizon_minutes":480}"#,
        };
        let sender = Gate::new(receiver).sender(&headers, &request, NOW).unwrap();
        assert_eq!(
            sender.to_string(),
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
        );
    }

    #[test]
    fn a_request_counts_once() {
        let (gate, headers) = sent(NOW);
        assert!(gate.sender(&headers, &REQUEST, NOW).is_ok());
        assert_eq!(
            gate.sender(&headers, &REQUEST, NOW),
            Err(AuthError::Replayed)
        );
    }

    #[test]
    fn freshness_is_ten_seconds_back_and_two_ahead() {
        for (nonce, fresh) in [
            (NOW - 10_000_000_000, true),
            (NOW - 10_000_000_001, false),
            (NOW + 2_000_000_000, true),
            (NOW + 2_000_000_001, false),
        ] {
            let (gate, headers) = sent(nonce);
            assert_eq!(
                gate.sender(&headers, &REQUEST, NOW).is_ok(),
                fresh,
                "{nonce}"
            );
        }
    }

    #[test]
    fn tampering_is_told_from_a_wrong_receiver_and_a_missing_header() {
        let (gate, headers) = sent(NOW);
        let other_body = Request {
            body: b"{ }",
            ..REQUEST
        };
        assert_eq!(
            gate.sender(&headers, &other_body, NOW),
            Err(AuthError::Signature)
        );
        let elsewhere = Gate::new(Keypair::derived(2, "miner").hotkey());
        assert_eq!(
            elsewhere.sender(&headers, &REQUEST, NOW),
            Err(AuthError::Receiver)
        );
        let mut unsigned = headers.clone();
        unsigned.remove("x-bittensor-signature");
        assert_eq!(
            gate.sender(&unsigned, &REQUEST, NOW),
            Err(AuthError::Shape("x-bittensor-signature"))
        );
        // A refused request is not remembered: the honest one still passes.
        assert!(gate.sender(&headers, &REQUEST, NOW).is_ok());
    }

    #[test]
    fn what_is_no_longer_fresh_is_forgotten() {
        let (gate, headers) = sent(NOW);
        gate.sender(&headers, &REQUEST, NOW).unwrap();
        gate.remember(
            Keypair::derived(3, "x").hotkey(),
            NOW + 20_000_000_000,
            NOW + 20_000_000_000,
        )
        .unwrap();
        let seen = gate.seen.lock().unwrap();
        assert_eq!((seen.requests.len(), seen.by_nonce.len()), (1, 1));
    }

    #[test]
    fn a_full_memory_refuses_what_it_could_not_tell_from_a_replay() {
        let (gate, headers) = sent(NOW);
        let sender = Keypair::derived(3, "x").hotkey();
        for nonce in (NOW..).take(MAX_REMEMBERED) {
            gate.remember(sender, nonce, NOW).unwrap();
        }
        let later = NOW + MAX_AGE_NS;
        assert_eq!(gate.sender(&headers, &REQUEST, later), Err(AuthError::Busy));
        // One nanosecond on, the oldest is no longer fresh and makes room.
        assert_eq!(gate.remember(sender, later, later + 1), Ok(()));
    }
}
