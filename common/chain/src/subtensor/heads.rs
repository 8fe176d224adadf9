//! The chain's state after its newest or its last final block, of the chain that is meant, read by that block's runtime.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use foretell_core::hash::{Hash, Hex};
use serde::Deserialize;
use subxt::rpcs::client::RpcParams;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;

use super::connection::NodeError;
use super::runtime::Runtime;
use super::state::{BlockState, bytes_of};
use super::{Subtensor, SubtensorError};
use crate::metagraph::Block;

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

    pub(super) async fn request<T: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: RpcParams,
    ) -> Result<T, NodeError> {
        self.connection.request(method, parameters).await
    }

    /// The state after a block. The runtime's version is asked for each time: it may change with any block.
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
            block: Block(number),
            hash,
        })
    }

    /// Sees to it, once for each connection, that the node is of the chain that is meant.
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
