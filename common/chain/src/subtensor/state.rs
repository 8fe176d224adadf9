//! The chain's state at one block, read by name.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use subxt::dynamic::Value;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;

use super::SubtensorError;
use super::connection::{Connection, NodeError};
use super::runtime::{Place, Runtime};
use crate::metagraph::Block;

/// Places that are asked for at once.
const AT_ONCE: usize = 500;

/// The state after one block.
#[derive(Debug)]
pub struct State<'a> {
    pub(super) connection: &'a Connection,
    /// The runtime that this block ran on.
    pub runtime: Arc<Runtime>,
    /// The block.
    pub block: Block,
    /// Its hash.
    pub hash: H256,
}

/// What was read, taken out in the order in which it was asked for.
#[derive(Debug)]
pub struct Reading {
    runtime: Arc<Runtime>,
    values: std::vec::IntoIter<(Place, Option<Vec<u8>>)>,
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<(String, Option<String>)>,
}

impl State<'_> {
    /// The values at these places.
    pub async fn read(&self, places: Vec<Place>) -> Result<Reading, SubtensorError> {
        let keys = places.iter().map(|place| self.runtime.key(place));
        let keys: Vec<String> = keys
            .map(|key| key.map(|key| hex_of(&key)))
            .collect::<Result<_, _>>()?;
        let mut found = HashMap::new();
        for some in keys.chunks(AT_ONCE) {
            let answer = self
                .connection
                .ask("state_queryStorageAt", rpc_params![some, self.hash]);
            let answer: Vec<Changes> = answer.await?;
            found.extend(answer.into_iter().flat_map(|each| each.changes));
        }
        let values = places.into_iter().zip(keys).map(|(place, key)| {
            let bytes = match found.get(&key) {
                Some(Some(text)) => Some(self.bytes("state_queryStorageAt", text)?),
                Some(None) => None,
                None => return Err(self.senseless("state_queryStorageAt", "an answer is missing")),
            };
            Ok((place, bytes))
        });
        let values: Vec<(Place, Option<Vec<u8>>)> = values.collect::<Result<_, _>>()?;
        Ok(Reading {
            runtime: Arc::clone(&self.runtime),
            values: values.into_iter(),
        })
    }

    fn bytes(&self, method: &'static str, text: &str) -> Result<Vec<u8>, SubtensorError> {
        bytes_of(text).ok_or_else(|| self.senseless(method, "no hex"))
    }

    fn senseless(&self, method: &'static str, what: &str) -> SubtensorError {
        let url = self.connection.url().to_owned();
        let what = what.to_owned();
        NodeError::Senseless { url, method, what }.into()
    }
}

impl Reading {
    /// The next value, if there is one.
    pub fn optional<T: DecodeAsType>(&mut self) -> Result<Option<T>, SubtensorError> {
        let Some((place, bytes)) = self.values.next() else {
            return Ok(None);
        };
        Ok(self.runtime.value(&place, bytes.as_deref())?)
    }

    /// The next value, which must be there.
    pub fn value<T: DecodeAsType>(&mut self) -> Result<T, SubtensorError> {
        let entry = self.values.as_slice().first().map(|(place, _)| place.entry);
        let found = self.optional()?;
        found.ok_or_else(|| SubtensorError::Missing(entry.unwrap_or("value").to_owned()))
    }
}

/// Bytes as a node writes them.
pub fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes from a node's text.
pub fn bytes_of(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

/// A number as a key.
pub fn number(value: impl Into<u128>) -> Value {
    Value::u128(value.into())
}
