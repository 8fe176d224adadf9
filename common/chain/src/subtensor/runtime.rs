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

/// subxt's client of one block, which needs metadata and no node.
type Offline = ClientAtBlock<SubstrateConfig, OfflineClientAtBlockImpl<SubstrateConfig>>;

/// A key of storage: pallet, entry and the keys of the map, if it is one.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageKey {
    /// Name of the pallet.
    pub pallet: &'static str,
    /// Name of the storage entry in the pallet.
    pub entry: &'static str,
    /// The keys of the map; none if the entry is a single value.
    pub keys: Vec<Value>,
}

/// The runtime of one spec version.
#[derive(Debug)]
pub struct Runtime {
    spec_version: u32,
    client: Offline,
}

/// Why a runtime isn't one that this program can work with.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// Its metadata can't be decoded.
    #[error("the metadata of runtime {spec_version} can't be read: {what}")]
    Metadata {
        /// Spec version of the runtime.
        spec_version: u32,
        /// Where decoding failed.
        what: String,
    },
    /// A call, entry or type is missing, or has another shape.
    #[error("runtime {spec_version} has no {what} as this program knows it ({why}): upgrade")]
    Unknown {
        /// Spec version of the runtime.
        spec_version: u32,
        /// Name of what is missing or different.
        what: String,
        /// How that was noticed.
        why: String,
    },
}

impl StorageKey {
    /// The key of a value of the subnet pallet.
    pub fn new(entry: &'static str, keys: impl Into<Vec<Value>>) -> Self {
        let keys = keys.into();
        Self {
            pallet: PALLET,
            entry,
            keys,
        }
    }

    /// The key of a value of any pallet.
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
    /// The runtime of these versions, on the chain whose first block has the hash `genesis`, by its encoded metadata.
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

    /// The spec version, which rises with each upgrade.
    pub const fn spec_version(&self) -> u32 {
        self.spec_version
    }

    /// Everything that the runtime says of its pallets and types.
    pub fn metadata(&self) -> &Metadata {
        self.client.metadata_ref()
    }

    /// subxt's client, which builds transactions.
    pub(super) const fn client(&self) -> &Offline {
        &self.client
    }

    /// Whether the subnet pallet has a storage entry of this name.
    pub fn has(&self, entry: &str) -> bool {
        let pallet = self.metadata().pallet_by_name(PALLET);
        let storage = pallet.and_then(|pallet| pallet.storage());
        storage.is_some_and(|storage| storage.entry_by_name(entry).is_some())
    }

    /// The bytes under which the node stores the value.
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
