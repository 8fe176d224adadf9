//! Whether a signed request is genuine, meant for this receiver, fresh, and new.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use foretell_core::hotkey::Hotkey;
use foretell_keys::keypair::verify_signature;

use crate::auth_error::AuthError;
use crate::claimed_identity::ClaimedIdentity;

/// Age of the oldest request that is accepted.
const MAX_AGE_NS: u64 = 10_000_000_000;
/// Furthest a sender's clock may run ahead.
const MAX_AHEAD_NS: u64 = 2_000_000_000;
/// Requests remembered against replay; a request is remembered for as long as it would be fresh.
const MAX_SEEN_NONCES: usize = 65_536;
/// Of these, one sender's: nobody alone can fill the memory.
const MAX_NONCES_PER_SENDER: usize = 4_096;

/// Verifies requests to one receiver, and remembers their nonces so that none counts twice.
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
    /// A verifier of requests to `receiver`, which remembers none yet.
    pub fn new(receiver: Hotkey) -> Self {
        Self {
            receiver,
            seen: Mutex::default(),
        }
    }

    /// Checks a claim's receiver and freshness.
    pub(crate) fn check_claim(
        &self,
        claim: &ClaimedIdentity,
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
        Ok(())
    }

    /// Checks that the sender signed `text`.
    pub(crate) fn verify(&self, claim: &ClaimedIdentity, text: &str) -> Result<(), AuthError> {
        if !verify_signature(&claim.sender, text.as_bytes(), &claim.signature) {
            return Err(AuthError::BadSignature);
        }
        Ok(())
    }

    /// Remembers the nonce of a verified claim; an error if it was there, or there is no room for it.
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
    /// Forgets nonces that are no longer fresh: a request with one is refused for that.
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

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use foretell_core::hash::Hex;
    use foretell_keys::keypair::Keypair;

    use super::*;
    use crate::btauth::{SignedRequest, claimed_identity, claimed_text, signed_headers};

    const NOW: u64 = 1_795_000_000_000_000_000;
    const REQUEST: SignedRequest<'_> = SignedRequest {
        method: "POST",
        path: "/v1/commit",
        body: b"{}",
    };

    /// The sender of a `btauth/1` request, as an authorizer that answers anyone finds it.
    fn authenticate(
        verifier: &RequestVerifier,
        headers: &HeaderMap,
        request: &SignedRequest<'_>,
        now_ns: u64,
    ) -> Result<Hotkey, AuthError> {
        let claim = claimed_identity(headers)?;
        let signed = claimed_text(headers, request, &claim)?;
        verifier.check_claim(&claim, now_ns)?;
        verifier.verify(&claim, &signed)?;
        verifier.record_nonce(&claim, now_ns)?;
        Ok(claim.sender)
    }

    fn headers(list: [(&'static str, String); 5]) -> HeaderMap {
        let values = list.into_iter();
        values
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn signed_request(nonce: u64) -> (RequestVerifier, HeaderMap) {
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
        let sender =
            authenticate(&RequestVerifier::new(receiver), &headers, &request, NOW).unwrap();
        assert_eq!(
            sender.to_string(),
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
        );
    }

    #[test]
    fn a_request_counts_once() {
        let (verifier, headers) = signed_request(NOW);
        assert!(authenticate(&verifier, &headers, &REQUEST, NOW).is_ok());
        assert_eq!(
            authenticate(&verifier, &headers, &REQUEST, NOW),
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
            let (verifier, headers) = signed_request(nonce);
            assert_eq!(
                authenticate(&verifier, &headers, &REQUEST, NOW).is_ok(),
                fresh,
                "{nonce}"
            );
        }
    }

    #[test]
    fn tampering_a_wrong_receiver_and_a_missing_header_have_errors_of_their_own() {
        let (verifier, headers) = signed_request(NOW);
        let other_body = SignedRequest {
            body: b"{ }",
            ..REQUEST
        };
        assert_eq!(
            authenticate(&verifier, &headers, &other_body, NOW),
            Err(AuthError::BadSignature)
        );
        let elsewhere = RequestVerifier::new(Keypair::derived(2, "miner").hotkey());
        assert_eq!(
            authenticate(&elsewhere, &headers, &REQUEST, NOW),
            Err(AuthError::WrongReceiver)
        );
        let mut unsigned = headers.clone();
        unsigned.remove("x-bittensor-signature");
        assert_eq!(
            authenticate(&verifier, &unsigned, &REQUEST, NOW),
            Err(AuthError::MalformedHeader("x-bittensor-signature"))
        );
        // A refused request is not remembered: the honest one still passes.
        assert!(authenticate(&verifier, &headers, &REQUEST, NOW).is_ok());
    }

    fn claim(sender: Hotkey, nonce: u64) -> ClaimedIdentity {
        ClaimedIdentity {
            sender,
            receiver: sender,
            nonce,
            signature: Hex([0; 64]),
        }
    }

    #[test]
    fn nonces_that_are_no_longer_fresh_are_forgotten() {
        let (verifier, headers) = signed_request(NOW);
        authenticate(&verifier, &headers, &REQUEST, NOW).unwrap();
        let later = NOW + 20_000_000_000;
        let other = Keypair::derived(3, "x").hotkey();
        verifier.record_nonce(&claim(other, later), later).unwrap();
        let seen = verifier.seen.lock().unwrap();
        assert_eq!((seen.count_by_sender.len(), seen.by_nonce.len()), (1, 1));
    }

    #[test]
    fn a_full_memory_refuses_new_requests() {
        let (verifier, headers) = signed_request(NOW);
        let others = |i: usize| Hotkey([u8::try_from(i / MAX_NONCES_PER_SENDER).unwrap(); 32]);
        for (i, nonce) in (NOW..).take(MAX_SEEN_NONCES).enumerate() {
            verifier
                .record_nonce(&claim(others(i), nonce), NOW)
                .unwrap();
        }
        let later = NOW + MAX_AGE_NS;
        assert_eq!(
            authenticate(&verifier, &headers, &REQUEST, later),
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
        let (verifier, headers) = signed_request(NOW);
        let flooder = Keypair::derived(3, "x").hotkey();
        for nonce in (NOW..).take(MAX_NONCES_PER_SENDER) {
            verifier.record_nonce(&claim(flooder, nonce), NOW).unwrap();
        }
        let one_more = claim(flooder, NOW - 1);
        assert_eq!(
            verifier.record_nonce(&one_more, NOW),
            Err(AuthError::TooManyRequests)
        );
        assert!(authenticate(&verifier, &headers, &REQUEST, NOW).is_ok());
    }
}
