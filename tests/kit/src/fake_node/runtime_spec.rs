//! The runtime that a fake node runs.

use foretell_chain::subtensor::runtime::Runtime;
use subxt::utils::H256;

/// A runtime, as its node describes it.
#[derive(Debug, Clone)]
pub struct RuntimeSpec {
    /// `specVersion` of `state_getRuntimeVersion`.
    pub version: u32,
    /// Its metadata, SCALE-encoded, as `state_getMetadata` gives it.
    pub metadata: Vec<u8>,
}

impl RuntimeSpec {
    /// The runtime, with its metadata decoded.
    pub(super) fn decode(&self) -> Runtime {
        Runtime::new(self.version, 1, H256::zero(), &self.metadata).unwrap()
    }
}
