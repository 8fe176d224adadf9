//! `btauth/1`, the ecosystem's signed HTTP (Python SDK 11.x): who asks, whom, and that it is fresh.
//!
//! Signed bytes, joined by newlines:
//! `btauth/1  sr25519  METHOD  PATH?QUERY  sha256hex(body)  nonce_ns  sender  receiver`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use foretell_core::hash::{Signature, sha256};
use foretell_core::hotkey::Hotkey;
use thiserror::Error;

use foretell_keys::keypair::{Keypair, verify_signature};

/// Oldest accepted request.
const MAX_AGE_NS: u64 = 10_000_000_000;
/// Furthest a sender's clock may run ahead.
const MAX_AHEAD_NS: u64 = 2_000_000_000;
/// Requests remembered against replay; a request is remembered for as long as it would be fresh.
const MAX_SEEN_NONCES: usize = 65_536;
/// Of these, one sender's: nobody alone can fill the memory.
const MAX_NONCES_PER_SENDER: usize = 4_096;

/// A clock that nonces go by: now, in unix nanoseconds. Transport always goes by the system's.
pub type NanosClock = fn() -> u64;

/// A request as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
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
    MalformedHeader(&'static str),
    /// Meant for somebody else.
    #[error("request is for another receiver")]
    WrongReceiver,
    /// Too old or from the future.
    #[error("request is not fresh: check both clocks")]
    Stale,
    /// The signature does not verify.
    #[error("signature does not verify")]
    BadSignature,
    /// Seen before.
    #[error("request was seen before")]
    Replayed,
    /// More fresh requests than can be remembered.
    #[error("too many requests")]
    TooManyRequests,
    /// Who it says it is, and not welcome.
    #[error("{0} is not among the validators that this miner answers")]
    CallerNotAllowed(Hotkey),
}

/// Headers that sign `request` from `key` to `receiver` at `nonce_ns` (nanoseconds since 1970, unique).
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
        ("x-bittensor-hotkey", sender),
        ("x-bittensor-receiver", receiver),
        ("x-bittensor-nonce", nonce_ns.to_string()),
        ("x-bittensor-signature", format!("0x{signature}")),
    ]
}

/// Who a request says it is from and to, before anything is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedIdentity {
    /// Whose request it says it is.
    pub sender: Hotkey,
    /// Whom it says it is for.
    pub receiver: Hotkey,
    /// Nanoseconds since 1970.
    pub nonce: u64,
    /// Under the protocol's text.
    pub signature: Signature,
}

impl ClaimedIdentity {
    /// The claim in the headers of these names.
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

    /// The claim of a `btauth/1` request, and the text that it must have signed.
    pub fn from_btauth(
        headers: &HeaderMap,
        request: &SignedRequest<'_>,
    ) -> Result<(Self, String), AuthError> {
        if header_text(headers, "x-bittensor-version")? != "1" {
            return Err(AuthError::MalformedHeader("x-bittensor-version"));
        }
        if headers
            .get("x-bittensor-crypto")
            .is_some_and(|kind| kind != "sr25519")
        {
            return Err(AuthError::MalformedHeader("x-bittensor-crypto"));
        }
        let claim = Self::from_headers(
            headers,
            "x-bittensor-hotkey",
            "x-bittensor-receiver",
            "x-bittensor-nonce",
            "x-bittensor-signature",
        )?;
        // As they were sent: an address has one spelling, its checksum sees to that.
        let sender = header_text(headers, "x-bittensor-hotkey")?;
        let receiver = header_text(headers, "x-bittensor-receiver")?;
        let signed = signed_text(request, claim.nonce, sender, receiver);
        Ok((claim, signed))
    }
}

/// Checks requests to one receiver, and remembers them so that none counts twice.
#[derive(Debug)]
pub struct RequestVerifier {
    receiver: Hotkey,
    seen: Mutex<SeenNonces>,
}

#[derive(Debug, Default)]
struct SeenNonces {
    /// Number of fresh requests of each sender.
    count_by_sender: HashMap<Hotkey, usize>,
    by_nonce: BTreeSet<(u64, Hotkey)>,
}

impl RequestVerifier {
    /// A verifier of requests to `receiver`.
    pub fn new(receiver: Hotkey) -> Self {
        Self {
            receiver,
            seen: Mutex::default(),
        }
    }

    /// The sender of a `btauth/1` request, checked in this order: shape, receiver, freshness, signature, replay.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        request: &SignedRequest<'_>,
        now_ns: u64,
    ) -> Result<Hotkey, AuthError> {
        let (claim, signed) = ClaimedIdentity::from_btauth(headers, request)?;
        self.verify(&claim, &signed, now_ns)?;
        self.record_nonce(&claim, now_ns)?;
        Ok(claim.sender)
    }

    /// Checks receiver, freshness and signature of a claim to have signed `text`.
    pub(crate) fn verify(
        &self,
        claim: &ClaimedIdentity,
        text: &str,
        now_ns: u64,
    ) -> Result<(), AuthError> {
        if claim.receiver != self.receiver {
            return Err(AuthError::WrongReceiver);
        }
        let nonce = claim.nonce;
        if nonce.saturating_add(MAX_AGE_NS) < now_ns || nonce > now_ns.saturating_add(MAX_AHEAD_NS)
        {
            return Err(AuthError::Stale);
        }
        if !verify_signature(&claim.sender, text.as_bytes(), &claim.signature) {
            return Err(AuthError::BadSignature);
        }
        Ok(())
    }

    /// Sees to it that a verified claim counts once.
    pub(crate) fn record_nonce(
        &self,
        claim: &ClaimedIdentity,
        now_ns: u64,
    ) -> Result<(), AuthError> {
        let ClaimedIdentity { sender, nonce, .. } = *claim;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.evict_stale(now_ns);
        if seen.by_nonce.contains(&(nonce, sender)) {
            return Err(AuthError::Replayed);
        }
        let of_sender = seen.count_by_sender.get(&sender).copied().unwrap_or(0);
        if seen.by_nonce.len() >= MAX_SEEN_NONCES || of_sender >= MAX_NONCES_PER_SENDER {
            return Err(AuthError::TooManyRequests);
        }
        seen.count_by_sender.insert(sender, of_sender + 1);
        seen.by_nonce.insert((nonce, sender));
        Ok(())
    }
}

impl SeenNonces {
    /// Drops what is no longer fresh, and would be refused for that.
    fn evict_stale(&mut self, now_ns: u64) {
        while let Some(&(nonce, sender)) = self.by_nonce.first()
            && nonce.saturating_add(MAX_AGE_NS) < now_ns
        {
            self.by_nonce.pop_first();
            match self.count_by_sender.get_mut(&sender) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    self.count_by_sender.remove(&sender);
                }
            }
        }
    }
}

fn signed_text(request: &SignedRequest<'_>, nonce_ns: u64, sender: &str, receiver: &str) -> String {
    let SignedRequest { method, path, body } = request;
    let body = sha256(body);
    format!("btauth/1\nsr25519\n{method}\n{path}\n{body}\n{nonce_ns}\n{sender}\n{receiver}")
}

fn header_text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, AuthError> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or(AuthError::MalformedHeader(name))
}

fn parsed_header<T: std::str::FromStr>(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<T, AuthError> {
    header_text(headers, name)?
        .parse()
        .map_err(|_| AuthError::MalformedHeader(name))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const NOW: u64 = 1_795_000_000_000_000_000;
    const REQUEST: SignedRequest<'_> = SignedRequest {
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

    fn sent(nonce: u64) -> (RequestVerifier, HeaderMap) {
        let receiver = Keypair::derived(1, "miner").hotkey();
        let key = Keypair::derived(1, "validator");
        let headers = headers(signed_headers(&key, &receiver, &REQUEST, nonce));
        (RequestVerifier::new(receiver), headers)
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
        let request = SignedRequest {
            method: "POST",
            path: "/v1/forecast?symbol=BTCUSD",
            body: br#"{"symbol":"BTCUSD","horizon_minutes":480}"#,
        };
        let sender = RequestVerifier::new(receiver)
            .authenticate(&headers, &request, NOW)
            .unwrap();
        assert_eq!(
            sender.to_string(),
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
        );
    }

    #[test]
    fn a_request_counts_once() {
        let (verifier, headers) = sent(NOW);
        assert!(verifier.authenticate(&headers, &REQUEST, NOW).is_ok());
        assert_eq!(
            verifier.authenticate(&headers, &REQUEST, NOW),
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
            let (verifier, headers) = sent(nonce);
            assert_eq!(
                verifier.authenticate(&headers, &REQUEST, NOW).is_ok(),
                fresh,
                "{nonce}"
            );
        }
    }

    #[test]
    fn tampering_is_told_from_a_wrong_receiver_and_a_missing_header() {
        let (verifier, headers) = sent(NOW);
        let other_body = SignedRequest {
            body: b"{ }",
            ..REQUEST
        };
        assert_eq!(
            verifier.authenticate(&headers, &other_body, NOW),
            Err(AuthError::BadSignature)
        );
        let elsewhere = RequestVerifier::new(Keypair::derived(2, "miner").hotkey());
        assert_eq!(
            elsewhere.authenticate(&headers, &REQUEST, NOW),
            Err(AuthError::WrongReceiver)
        );
        let mut unsigned = headers.clone();
        unsigned.remove("x-bittensor-signature");
        assert_eq!(
            verifier.authenticate(&unsigned, &REQUEST, NOW),
            Err(AuthError::MalformedHeader("x-bittensor-signature"))
        );
        // A refused request is not remembered: the honest one still passes.
        assert!(verifier.authenticate(&headers, &REQUEST, NOW).is_ok());
    }

    fn claim(sender: Hotkey, nonce: u64) -> ClaimedIdentity {
        ClaimedIdentity {
            sender,
            receiver: sender,
            nonce,
            signature: foretell_core::hash::Hex([0; 64]),
        }
    }

    #[test]
    fn what_is_no_longer_fresh_is_forgotten() {
        let (verifier, headers) = sent(NOW);
        verifier.authenticate(&headers, &REQUEST, NOW).unwrap();
        let later = NOW + 20_000_000_000;
        let other = Keypair::derived(3, "x").hotkey();
        verifier.record_nonce(&claim(other, later), later).unwrap();
        let seen = verifier.seen.lock().unwrap();
        assert_eq!((seen.count_by_sender.len(), seen.by_nonce.len()), (1, 1));
    }

    #[test]
    fn a_full_memory_refuses_what_it_could_not_tell_from_a_replay() {
        let (verifier, headers) = sent(NOW);
        let others = |i: usize| Hotkey([u8::try_from(i / MAX_NONCES_PER_SENDER).unwrap(); 32]);
        for (i, nonce) in (NOW..).take(MAX_SEEN_NONCES).enumerate() {
            verifier
                .record_nonce(&claim(others(i), nonce), NOW)
                .unwrap();
        }
        let later = NOW + MAX_AGE_NS;
        assert_eq!(
            verifier.authenticate(&headers, &REQUEST, later),
            Err(AuthError::TooManyRequests)
        );
        // One nanosecond on, the oldest is no longer fresh and makes room.
        let oldest = others(0);
        assert_eq!(
            verifier.record_nonce(&claim(oldest, later), later + 1),
            Ok(())
        );
    }

    #[test]
    fn one_sender_cannot_shut_out_the_others() {
        let (verifier, headers) = sent(NOW);
        let flooder = Keypair::derived(3, "x").hotkey();
        for nonce in (NOW..).take(MAX_NONCES_PER_SENDER) {
            verifier.record_nonce(&claim(flooder, nonce), NOW).unwrap();
        }
        let one_more = claim(flooder, NOW - 1);
        assert_eq!(
            verifier.record_nonce(&one_more, NOW),
            Err(AuthError::TooManyRequests)
        );
        assert!(verifier.authenticate(&headers, &REQUEST, NOW).is_ok());
    }
}
