//! One version of the chain's runtime: what its metadata says of storage, calls and errors.

use std::time::Duration;

use subxt::Metadata;
use subxt::client::{ClientAtBlock, OfflineClient, OfflineClientAtBlockImpl};
use subxt::config::substrate::{SpecVersionForRange, SubstrateConfig};
use subxt::dynamic::Value;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::utils::H256;
use thiserror::Error;

use super::calls::PALLET;

/// What the ecosystem's nodes use.
type Offline = ClientAtBlock<SubstrateConfig, OfflineClientAtBlockImpl<SubstrateConfig>>;

/// A key of storage: pallet, entry and the keys of the map, if it is one.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageKey {
    /// Pallet.
    pub pallet: &'static str,
    /// Entry.
    pub entry: &'static str,
    /// Keys.
    pub keys: Vec<Value>,
}

/// A runtime.
#[derive(Debug)]
pub struct Runtime {
    spec_version: u32,
    client: Offline,
}

/// Why a runtime isn't one that we can work with.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// Metadata that can't be read.
    #[error("the metadata of runtime {spec_version} can't be read: {what}")]
    Metadata {
        /// Which runtime.
        spec_version: u32,
        /// What is wrong.
        what: String,
    },
    /// Something is not there, or has another shape.
    #[error("runtime {spec_version} has no {what} as this program knows it ({why}): upgrade")]
    Unknown {
        /// Which runtime.
        spec_version: u32,
        /// What is missing.
        what: String,
        /// How that showed.
        why: String,
    },
}

impl StorageKey {
    /// A value of the subnet pallet.
    pub fn new(entry: &'static str, keys: impl Into<Vec<Value>>) -> Self {
        let keys = keys.into();
        Self {
            pallet: PALLET,
            entry,
            keys,
        }
    }

    /// A value of another pallet.
    pub fn in_pallet(
        pallet: &'static str,
        entry: &'static str,
        keys: impl Into<Vec<Value>>,
    ) -> Self {
        let keys = keys.into();
        Self {
            pallet,
            entry,
            keys,
        }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.pallet, self.entry)
    }
}

impl Runtime {
    /// The runtime of these numbers, on the chain that begins with `genesis`, by its encoded metadata.
    pub fn new(
        spec_version: u32,
        transaction_version: u32,
        genesis: H256,
        metadata: &[u8],
    ) -> Result<Self, RuntimeError> {
        let unreadable = |what: String| RuntimeError::Metadata { spec_version, what };
        let metadata =
            Metadata::decode_from(metadata).map_err(|error| unreadable(error.to_string()))?;
        let config = SubstrateConfig::builder()
            .set_genesis_hash(genesis)
            .set_metadata_for_spec_versions([(spec_version, metadata.arc())])
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version,
                transaction_version,
            }])
            .build();
        let client = OfflineClient::new_with_config(config).at_block(0_u64);
        let client = client.map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            spec_version,
            client,
        })
    }

    /// Its number.
    pub const fn spec_version(&self) -> u32 {
        self.spec_version
    }

    /// All it says of itself.
    pub fn metadata(&self) -> &Metadata {
        self.client.metadata_ref()
    }

    /// What builds transactions.
    pub(super) const fn client(&self) -> &Offline {
        &self.client
    }

    /// Whether there is such an entry.
    pub fn has(&self, entry: &str) -> bool {
        let pallet = self.metadata().pallet_by_name(PALLET);
        let storage = pallet.and_then(|pallet| pallet.storage());
        storage.is_some_and(|storage| storage.entry_by_name(entry).is_some())
    }

    /// The key's bytes.
    pub fn key(&self, storage_key: &StorageKey) -> Result<Vec<u8>, RuntimeError> {
        let storage = self.client.storage();
        let entry = storage.entry((storage_key.pallet, storage_key.entry));
        entry
            .and_then(|entry| entry.fetch_key(storage_key.keys.clone()))
            .map_err(|error| self.unknown(storage_key.name(), &error))
    }

    /// The value at a key whose stored bytes are these: where nothing is stored, the runtime's default, if it has one.
    pub fn value<T: DecodeAsType>(
        &self,
        storage_key: &StorageKey,
        bytes: Option<&[u8]>,
    ) -> Result<Option<T>, RuntimeError> {
        let pallet = self.metadata().pallet_by_name(storage_key.pallet);
        let storage = pallet.and_then(|pallet| pallet.storage());
        let entry = storage
            .and_then(|storage| storage.entry_by_name(storage_key.entry))
            .ok_or_else(|| self.unknown(storage_key.name(), &"not there"))?;
        let Some(mut bytes) = bytes.or(entry.default_value()) else {
            return Ok(None);
        };
        T::decode_as_type(&mut bytes, entry.value_ty(), self.metadata().types())
            .map(Some)
            .map_err(|error| self.unknown(storage_key.name(), &error))
    }

    /// The time between two blocks.
    pub fn block_time(&self) -> Duration {
        let aura = self.metadata().pallet_by_name("Aura");
        let slot = aura.and_then(|aura| aura.constant_by_name("SlotDuration"));
        let bytes = slot.and_then(|slot| slot.value().try_into().ok());
        Duration::from_millis(bytes.map_or(12_000, u64::from_le_bytes))
    }

    pub(super) fn unknown(&self, what: String, why: &impl ToString) -> RuntimeError {
        let (spec_version, why) = (self.spec_version, why.to_string());
        RuntimeError::Unknown {
            spec_version,
            what,
            why,
        }
    }
}
