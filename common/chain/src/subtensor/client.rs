//! The client of one subnet: which chain and which runtime it reads, at the newest block or the last final one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foretell_core::hash::{Hash, Hex};
use foretell_core::hotkey::{Hotkey, Uid};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subxt::rpcs::client::RpcParams;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;

use super::connection::{NodeConnection, NodeError};
use super::error::SubtensorError;
use super::runtime::{Runtime, StorageKey};
use super::state::{BlockState, account, bytes_of, number};
use crate::block::Block;
use crate::chain_error::ChainError;

/// One subnet of a subtensor chain, through one node.
#[derive(Debug)]
pub struct Subtensor {
    connection: NodeConnection,
    pub(super) netuid: u16,
    /// Hash of the first block of the chain that is meant; `None` if any will do.
    genesis: Option<Hash>,
    /// Number of the connection whose node is known to be of that chain.
    checked: AtomicU64,
    /// The runtime of the block that was read last.
    runtime: Mutex<Option<Arc<Runtime>>>,
}

#[derive(Deserialize)]
struct Header {
    number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeVersion {
    spec_version: u32,
    transaction_version: u32,
}

impl Subtensor {
    /// The subnet through this connection, which is not opened yet.
    pub const fn new(connection: NodeConnection, netuid: u16) -> Self {
        Self {
            connection,
            netuid,
            genesis: None,
            checked: AtomicU64::new(0),
            runtime: Mutex::new(None),
        }
    }

    /// The same, but a node of a chain whose first block has another hash gives [`SubtensorError::OtherChain`].
    pub fn with_genesis(self, genesis: Hash) -> Self {
        let genesis = Some(genesis);
        Self { genesis, ..self }
    }

    /// The state after the newest block.
    pub async fn head(&self) -> Result<BlockState<'_>, SubtensorError> {
        let hash = self.request("chain_getBlockHash", rpc_params![]).await?;
        self.state_at(hash).await
    }

    /// The state after the last block that is final.
    pub async fn finalized_head(&self) -> Result<BlockState<'_>, SubtensorError> {
        let hash = self
            .request("chain_getFinalizedHead", rpc_params![])
            .await?;
        self.state_at(hash).await
    }

    /// The price of a registration at the newest block, in rao of TAO.
    pub async fn registration_price(&self) -> Result<u64, ChainError> {
        let head = self.head().await?;
        let storage_key = StorageKey::new("Burn", [number(self.netuid)]);
        Ok(head.read(vec![storage_key]).await?.next_value()?)
    }

    /// The uid of a hotkey at the newest block; `None` if it isn't registered.
    pub async fn uid(&self, hotkey: Hotkey) -> Result<Option<Uid>, ChainError> {
        let storage_key = StorageKey::new("Uids", [number(self.netuid), account(&hotkey)]);
        let mut read = self.head().await?.read(vec![storage_key]).await?;
        Ok(read.next_optional::<u16>()?.map(Uid))
    }

    /// The weights of a uid at the newest block; committed ones only once they are revealed.
    pub async fn weights(&self, uid: Uid) -> Result<Vec<(Uid, u16)>, ChainError> {
        Ok(self.weights_at(&self.head().await?, uid).await?)
    }

    pub(super) async fn weights_at(
        &self,
        state: &BlockState<'_>,
        uid: Uid,
    ) -> Result<Vec<(Uid, u16)>, SubtensorError> {
        let storage_key = StorageKey::new("Weights", [number(self.netuid), number(uid.0)]);
        let weights: Vec<(u16, u16)> = state.read(vec![storage_key]).await?.next_value()?;
        Ok(weights
            .into_iter()
            .map(|(uid, weight)| (Uid(uid), weight))
            .collect())
    }

    pub(super) async fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: RpcParams,
    ) -> Result<T, NodeError> {
        self.connection.request(method, parameters).await
    }

    /// The state after a block. The runtime's version is requested each time: it may change with any block.
    pub(super) async fn state_at(&self, hash: H256) -> Result<BlockState<'_>, SubtensorError> {
        let (header, version): (Header, RuntimeVersion) = tokio::try_join!(
            self.request("chain_getHeader", rpc_params![hash]),
            self.request("state_getRuntimeVersion", rpc_params![hash]),
        )?;
        self.check_genesis().await?;
        let number = header.number.trim_start_matches("0x");
        let number = u64::from_str_radix(number, 16)
            .map_err(|_| self.malformed_response("chain_getHeader", "no block number"))?;
        let known = {
            let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |runtime: &&Arc<Runtime>| runtime.spec_version() == version.spec_version;
            runtime.as_ref().filter(same).map(Arc::clone)
        };
        let runtime = match known {
            Some(runtime) => runtime,
            None => self.load_runtime(hash, version).await?,
        };
        Ok(BlockState {
            connection: &self.connection,
            runtime,
            block: Block::new(number),
            hash,
        })
    }

    /// Checks, once for each connection, that the node is of the chain that is meant.
    async fn check_genesis(&self) -> Result<(), SubtensorError> {
        let session = self.connection.session();
        let Some(wanted) = self.genesis else {
            return Ok(());
        };
        if self.checked.load(Ordering::Relaxed) == session {
            return Ok(());
        }
        let found = self.genesis_hash().await?;
        if found != wanted {
            let url = self.connection.url().to_owned();
            return Err(SubtensorError::OtherChain { url, found, wanted });
        }
        self.checked.store(session, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn genesis_hash(&self) -> Result<Hash, NodeError> {
        let hash: H256 = self.request("chain_getBlockHash", rpc_params![0]).await?;
        Ok(Hex(hash.0))
    }

    async fn load_runtime(
        &self,
        hash: H256,
        version: RuntimeVersion,
    ) -> Result<Arc<Runtime>, SubtensorError> {
        let RuntimeVersion {
            spec_version,
            transaction_version,
        } = version;
        let genesis = self.genesis_hash().await?;
        let metadata: String = self.request("state_getMetadata", rpc_params![hash]).await?;
        let metadata = bytes_of(&metadata)
            .ok_or_else(|| self.malformed_response("state_getMetadata", "no hex"))?;
        let genesis = H256(genesis.0);
        let runtime = Runtime::new(spec_version, transaction_version, genesis, &metadata)?;
        let runtime = Arc::new(runtime);
        let mut slot = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = slot.replace(Arc::clone(&runtime)) {
            tracing::info!(
                before = before.spec_version(),
                now = spec_version,
                "the chain's runtime was upgraded"
            );
        }
        Ok(runtime)
    }

    fn malformed_response(&self, method: &'static str, what: &str) -> NodeError {
        let (url, what) = (self.connection.url().to_owned(), what.to_owned());
        NodeError::MalformedResponse { url, method, what }
    }
}
