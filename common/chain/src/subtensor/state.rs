//! The chain's state at one block, read by name.

use std::collections::HashMap;
use std::sync::Arc;

use foretell_core::hotkey::Hotkey;
use serde::Deserialize;
use subxt::dynamic::Value;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;

use super::connection::{NodeConnection, NodeError};
use super::error::{MAX_VALUE_BYTES, SubtensorError};
use super::runtime::{Runtime, StorageKey};
use crate::block::Block;

/// Most keys in one request.
const MAX_KEYS_PER_QUERY: usize = 500;

/// The chain's state after one block, read over a connection when it is needed.
#[derive(Debug)]
pub struct BlockState<'a> {
    pub(super) connection: &'a NodeConnection,
    /// The runtime that this block ran on.
    pub runtime: Arc<Runtime>,
    /// The block's number.
    pub block: Block,
    /// The block's hash, by which the node finds the state.
    pub hash: H256,
}

/// The values of some keys, taken out in the order of the keys.
#[derive(Debug)]
pub struct StorageValues {
    runtime: Arc<Runtime>,
    values: std::vec::IntoIter<(StorageKey, Option<Vec<u8>>)>,
}

#[derive(Deserialize)]
struct StorageChanges {
    changes: Vec<(String, Option<String>)>,
}

impl BlockState<'_> {
    /// Reads the values at these keys.
    pub async fn read(
        &self,
        storage_keys: Vec<StorageKey>,
    ) -> Result<StorageValues, SubtensorError> {
        let keys = storage_keys
            .iter()
            .map(|storage_key| self.runtime.key(storage_key));
        let keys: Vec<String> = keys
            .map(|key| key.map(|key| hex_of(&key)))
            .collect::<Result<_, _>>()?;
        let mut found = HashMap::new();
        for chunk in keys.chunks(MAX_KEYS_PER_QUERY) {
            let request = self
                .connection
                .request("state_queryStorageAt", rpc_params![chunk, self.hash]);
            let answer: Vec<StorageChanges> = request.await?;
            let changes = answer.into_iter().flat_map(|block| block.changes);
            // What wasn't asked for isn't kept.
            found.extend(changes.filter(|(key, _)| chunk.contains(key)));
        }
        let values = storage_keys
            .into_iter()
            .zip(keys)
            .map(|(storage_key, key)| {
                let bytes = match found.get(&key) {
                    Some(Some(text)) => {
                        let (entry, bytes) = (storage_key.entry, text.len() / 2);
                        if bytes > MAX_VALUE_BYTES {
                            return Err(SubtensorError::ValueTooLong { entry, bytes });
                        }
                        Some(self.bytes("state_queryStorageAt", text)?)
                    }
                    Some(None) => None,
                    None => {
                        return Err(
                            self.malformed_response("state_queryStorageAt", "an answer is missing")
                        );
                    }
                };
                Ok((storage_key, bytes))
            });
        let values: Vec<(StorageKey, Option<Vec<u8>>)> = values.collect::<Result<_, _>>()?;
        Ok(StorageValues {
            runtime: Arc::clone(&self.runtime),
            values: values.into_iter(),
        })
    }

    fn bytes(&self, method: &'static str, text: &str) -> Result<Vec<u8>, SubtensorError> {
        bytes_of(text).ok_or_else(|| self.malformed_response(method, "no hex"))
    }

    fn malformed_response(&self, method: &'static str, what: &str) -> SubtensorError {
        let url = self.connection.url().to_owned();
        let what = what.to_owned();
        NodeError::MalformedResponse { url, method, what }.into()
    }
}

impl StorageValues {
    /// The next value; `None` where nothing is stored and the runtime has no default.
    pub fn next_optional<T: DecodeAsType>(&mut self) -> Result<Option<T>, SubtensorError> {
        let Some((storage_key, bytes)) = self.values.next() else {
            return Ok(None);
        };
        Ok(self.runtime.value(&storage_key, bytes.as_deref())?)
    }

    /// The next value, which must be there.
    pub fn next_value<T: DecodeAsType>(&mut self) -> Result<T, SubtensorError> {
        let entry = self
            .values
            .as_slice()
            .first()
            .map(|(storage_key, _)| storage_key.entry);
        let found = self.next_optional()?;
        found.ok_or_else(|| SubtensorError::MissingValue(entry.unwrap_or("value").to_owned()))
    }
}

/// Bytes as a node writes them: hex with `0x` before it.
pub fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes from a node's text; `None` if it is no hex with `0x` before it.
pub fn bytes_of(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

/// A number as a key of a storage map.
pub fn number(value: impl Into<u128>) -> Value {
    Value::u128(value.into())
}

/// An account as a key of a storage map.
pub fn account(account: &Hotkey) -> Value {
    Value::from_bytes(account.0)
}
