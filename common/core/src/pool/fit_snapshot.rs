//! The fit's state as a record names it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fit_state::FitState;
use super::fit_state_bytes::DamagedFitState;
use crate::hash::{Hash, sha256};

/// A state named by its hash, which is all that a record holds; the store keeps the bytes beside the record. Equal
/// hashes are equal snapshots.
#[derive(Debug, Clone)]
pub struct FitSnapshot {
    hash: Hash,
    state: Option<Arc<FitState>>,
}

impl FitSnapshot {
    /// The snapshot of a state that is at hand.
    pub fn new(state: FitState) -> Self {
        Self {
            hash: sha256(&state.to_bytes()),
            state: Some(Arc::new(state)),
        }
    }

    /// SHA-256 of the state's bytes.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The state; `None` if the record came from a journal and the state has not been read yet.
    pub fn state(&self) -> Option<&FitState> {
        self.state.as_deref()
    }

    /// The snapshot with its state read from `bytes`; an error if their hash isn't the snapshot's.
    pub fn restored(&self, bytes: &[u8]) -> Result<Self, DamagedFitState> {
        if sha256(bytes) != self.hash {
            return Err(DamagedFitState);
        }
        Ok(Self {
            hash: self.hash,
            state: Some(Arc::new(FitState::from_bytes(bytes)?)),
        })
    }
}

impl Default for FitSnapshot {
    /// The snapshot of the state before the first round.
    fn default() -> Self {
        Self::new(FitState::default())
    }
}

impl PartialEq for FitSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Serialize for FitSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.hash.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FitSnapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hash = Hash::deserialize(deserializer)?;
        Ok(Self { hash, state: None })
    }
}
