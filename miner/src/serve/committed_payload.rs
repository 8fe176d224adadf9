//! A payload that the miner may be committed to, with the parts of answers that take all of its bytes: made once.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use foretell_core::hash::{Commitment, Hash, Nonce, sha256};
use foretell_core::hotkey::Hotkey;
use foretell_core::series::RoundId;
use foretell_core::signed_text::{commitment, nonce_text};
use foretell_keys::keypair::Keypair;
use serde_json::value::{RawValue, to_raw_value};

/// Validators whose answers are remembered: more than a subnet has. Everybody else's are made anew.
const MAX_CACHED_COMMITMENTS: usize = 1024;

/// A miner's commitment in one round to one validator, and the nonce that opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoncedCommitment {
    /// Hides the payload until it is revealed.
    pub nonce: Nonce,
    /// Binds the miner to its payload.
    pub commitment: Commitment,
}

impl NoncedCommitment {
    /// Nonce and commitment of `key` to this validator for this payload.
    pub fn new(key: &Keypair, round: &RoundId, validator: &Hotkey, payload: &str) -> Self {
        let nonce = key.nonce(&nonce_text(round, validator));
        let commitment = commitment(round, validator, &key.hotkey(), &nonce, payload.as_bytes());
        Self { nonce, commitment }
    }
}

/// The payload of one round, and what answers about it are made of.
#[derive(Debug)]
pub struct CommittedPayload {
    round: RoundId,
    text: Arc<str>,
    digest: Hash,
    json_string: Box<RawValue>,
    /// By validator. A commitment hashes the whole payload, and a reveal follows most of them.
    commitments: Mutex<HashMap<Hotkey, NoncedCommitment>>,
}

impl CommittedPayload {
    /// The payload of `round` with this text.
    ///
    /// # Errors
    /// Serialising a string has no error to give.
    pub fn new(round: RoundId, text: Arc<str>) -> serde_json::Result<Self> {
        Ok(Self {
            round,
            digest: sha256(text.as_bytes()),
            json_string: to_raw_value(&*text)?,
            text,
            commitments: Mutex::default(),
        })
    }

    /// The round that it was forecast for.
    pub const fn round(&self) -> &RoundId {
        &self.round
    }

    /// The payload's text, shared.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// SHA-256 of the payload's text.
    pub const fn digest(&self) -> &Hash {
        &self.digest
    }

    /// The payload's text as a JSON string, quoted and escaped.
    pub fn json_string(&self) -> &RawValue {
        &self.json_string
    }

    /// Nonce and commitment of `key` to this validator: the same for each request.
    pub fn commitment_for(&self, key: &Keypair, validator: &Hotkey) -> NoncedCommitment {
        let commitments = || {
            self.commitments
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let known = commitments().get(validator).copied();
        known.unwrap_or_else(|| {
            let committed = NoncedCommitment::new(key, &self.round, validator, &self.text);
            let mut commitments = commitments();
            if commitments.len() < MAX_CACHED_COMMITMENTS {
                commitments.insert(*validator, committed);
            }
            committed
        })
    }
}

impl Deref for CommittedPayload {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(origin: i64) -> RoundId {
        format!("BTC/USD@{origin}").parse().unwrap()
    }

    #[test]
    fn a_commitment_depends_on_key_round_and_validator_alone() {
        let key = Keypair::derived(1, "miner");
        let validator = Keypair::derived(1, "validator").hotkey();
        let committed = NoncedCommitment::new(&key, &round(1), &validator, "{}");
        let payload = CommittedPayload::new(round(1), "{}".into()).unwrap();
        for _ in 0..2 {
            assert_eq!(payload.commitment_for(&key, &validator), committed);
        }
        let others = [
            NoncedCommitment::new(&key, &round(2), &validator, "{}"),
            NoncedCommitment::new(&key, &round(1), &key.hotkey(), "{}"),
            payload.commitment_for(&key, &key.hotkey()),
        ];
        assert!(others.iter().all(|other| other.nonce != committed.nonce));
    }

    #[test]
    fn more_validators_than_are_cached_get_their_commitments_too() {
        let key = Keypair::derived(1, "miner");
        let payload = CommittedPayload::new(round(1), "{}".into()).unwrap();
        for n in 0..MAX_CACHED_COMMITMENTS + 3 {
            let mut validator = [0; 32];
            validator[..8].copy_from_slice(&n.to_le_bytes());
            let validator = Hotkey(validator);
            let committed = NoncedCommitment::new(&key, &round(1), &validator, "{}");
            assert_eq!(payload.commitment_for(&key, &validator), committed);
        }
        assert_eq!(
            payload.commitments.lock().unwrap().len(),
            MAX_CACHED_COMMITMENTS
        );
    }

    #[test]
    fn the_json_string_is_the_text_in_json() {
        let text = r#"{"kind":"quantiles","k":1,"values":[1.5]}"#;
        let payload = CommittedPayload::new(round(1), text.into()).unwrap();
        let read: String = serde_json::from_str(payload.json_string().get()).unwrap();
        assert_eq!(read, text);
        assert_eq!(*payload.digest(), sha256(text.as_bytes()));
    }
}
