//! Subtensor, the real chain, asked over a node's WebSocket.
//!
//! ```text
//!   Subtensor ── heads ── state (one block) ── connection ──▶ node
//!      │            └ runtime: metadata of the block's runtime version, fetched again when that changes
//!      ├ subnet      who is registered, and by which parameters
//!      ├ preflight   what speaks against weights, in words, before they are sent
//!      ├ calls       what we ask for, by name; which form a runtime has is probed
//!      ├ timelock    weights that reveal themselves, epoch: and when
//!      ├ extrinsic   signed, kept, sent, looked for
//!      └ runtime_errors    the chain's errors in words
//! ```
//!
//! Calls and storage are dynamic: static code generation broke between runtime versions. Every value is read by its name
//! in the runtime's own metadata.
//!
//! What this does not do: watch a subscription (a lost one is silent), trust a block that isn't final when it says that
//! weights are set, or count stake that comes by way of parent and child hotkeys.

pub mod calls;
pub mod connection;
mod epoch;
mod extrinsic;
mod heads;
mod preflight;
pub mod runtime;
mod runtime_errors;
pub mod state;
mod subnet;
pub mod timelock;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foretell_core::hash::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::time::UnixMillis;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;
use thiserror::Error;

use self::calls::{Call, WeightsCall};
use self::connection::{NodeConnection, NodeError};
use self::extrinsic::{ExtrinsicStatus, SignedExtrinsic};
use self::preflight::WeightsContext;
use self::runtime::{Runtime, RuntimeError, StorageKey};
use self::runtime_errors::TransactionPoolError;
use self::state::{BlockState, number};
use self::subnet::{AxonInfo, account};
use self::timelock::TimelockError;
use crate::chain::{Chain, ChainError, PreparedWeights, Signer, SubmissionStatus, UidWeights};
use crate::metagraph::{Block, Hyperparameters, Metagraph};
use crate::refusal::ChainRefusal;
use crate::subnet_identity::SubnetIdentity;

/// How often an extrinsic is looked for while somebody waits for it.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Our version, as published with an axon.
const AXON_VERSION: u32 = 1;

/// One subnet of a subtensor chain.
#[derive(Debug)]
pub struct Subtensor {
    connection: NodeConnection,
    netuid: u16,
    /// The first block of the chain that is meant, if only one is.
    genesis: Option<Hash>,
    /// The connection whose node is known to be of that chain.
    checked: AtomicU64,
    runtime: Mutex<Option<Arc<Runtime>>>,
}

/// Why the chain can't be read or written.
#[derive(Debug, Error)]
pub enum SubtensorError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// No such subnet.
    #[error("there is no subnet {0} on this chain: check --netuid")]
    NoSubnet(u16),
    /// Nobody to burn to.
    #[error(
        "the hotkey of the owner of subnet {0} has no uid, so that nobody can be given what is to be burned: ask the owner"
    )]
    NoOwner(u16),
    /// A value that has to be there isn't.
    #[error("the chain holds no {0}: is it a subtensor node?")]
    MissingValue(String),
    /// Weights must be committed in a way that we don't know.
    #[error("runtime {0} takes weights in no form that this program knows: upgrade")]
    UnknownWeightsCall(u32),
    /// The ciphertext.
    #[error(transparent)]
    Timelock(#[from] TimelockError),
    /// A node of another chain than the one that is meant.
    #[error("{url} is a node of another chain: its first block is {found}")]
    OtherChain {
        /// The node.
        url: String,
        /// The chain's first block.
        found: Hash,
        /// The one that is meant.
        wanted: Hash,
    },
    /// An extrinsic that is in no block.
    #[error("{0} never reached a block: try again")]
    NotIncluded(String),
}

impl From<SubtensorError> for ChainError {
    fn from(error: SubtensorError) -> Self {
        match error {
            SubtensorError::OtherChain { url, found, wanted } => {
                Self::OtherChain { url, found, wanted }
            }
            other => Self::Node(Box::new(other)),
        }
    }
}

impl Subtensor {
    /// The subnet, by a node that is asked only when there is something to ask.
    pub const fn new(connection: NodeConnection, netuid: u16) -> Self {
        Self {
            connection,
            netuid,
            genesis: None,
            checked: AtomicU64::new(0),
            runtime: Mutex::new(None),
        }
    }

    /// The same, but a node of a chain that begins with another block is not believed.
    pub fn with_genesis(self, genesis: Hash) -> Self {
        let genesis = Some(genesis);
        Self { genesis, ..self }
    }

    /// Buys a uid for `hotkey` with TAO of the signing coldkey; the one that it has, if it is registered.
    pub async fn register(&self, coldkey: &Signer, hotkey: Hotkey) -> Result<Uid, ChainError> {
        if let Some(uid) = self.uid(hotkey).await? {
            return Ok(uid);
        }
        self.submit_and_wait(&calls::burned_register(self.netuid, &hotkey), coldkey)
            .await?;
        let uid = self.uid(hotkey).await?;
        uid.ok_or_else(|| SubtensorError::MissingValue("uid after a registration".into()).into())
    }

    /// What a registration costs now, in rao of TAO.
    pub async fn registration_price(&self) -> Result<u64, ChainError> {
        let head = self.head().await?;
        let storage_key = StorageKey::new("Burn", [number(self.netuid)]);
        Ok(head.read(vec![storage_key]).await?.next_value()?)
    }

    /// Stakes `rao` of the signing coldkey's TAO on `hotkey` in this subnet.
    pub async fn stake(
        &self,
        coldkey: &Signer,
        hotkey: Hotkey,
        rao: u64,
    ) -> Result<(), ChainError> {
        let call = calls::add_stake(self.netuid, &hotkey, rao);
        self.submit_and_wait(&call, coldkey).await.map(drop)
    }

    /// Signs a call, sends it, and waits for the final block that holds it; what the chain refuses comes in words.
    pub async fn submit_and_wait(&self, call: &Call, signer: &Signer) -> Result<Block, ChainError> {
        let signed = extrinsic::sign_at(&self.head().await?, call, signer).await?;
        self.send(&signed).await?;
        match self.wait_until_final(&signed).await? {
            SubmissionStatus::Succeeded(block) => Ok(block),
            SubmissionStatus::Failed { refusal, .. } => Err(refusal.into()),
            SubmissionStatus::Pending { .. } | SubmissionStatus::Expired { .. } => {
                Err(SubtensorError::NotIncluded(signed.hash().to_string()).into())
            }
        }
    }

    /// Waits until a final block holds what was sent, or none ever will.
    pub async fn wait_for(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        Ok(self.wait_until_final(&signed_extrinsic(prepared)?).await?)
    }

    async fn wait_until_final(
        &self,
        signed: &SignedExtrinsic,
    ) -> Result<SubmissionStatus, SubtensorError> {
        loop {
            match self.status_of(signed).await? {
                SubmissionStatus::Pending { .. } => tokio::time::sleep(POLL_INTERVAL).await,
                final_status => return Ok(final_status),
            }
        }
    }

    async fn status_of(
        &self,
        signed: &SignedExtrinsic,
    ) -> Result<SubmissionStatus, SubtensorError> {
        let last = self.finalized_head().await?;
        Ok(match signed.status(&last).await? {
            ExtrinsicStatus::Pending => SubmissionStatus::Pending {
                until: signed.until,
            },
            ExtrinsicStatus::Expired(why) => SubmissionStatus::Expired { why },
            ExtrinsicStatus::InBlock {
                block,
                outcome: Err(refusal),
                ..
            } => SubmissionStatus::Failed { block, refusal },
            ExtrinsicStatus::InBlock { block, hash, .. } => {
                if signed.weights_call.is_some() {
                    self.read_back(signed, block, hash).await?;
                }
                SubmissionStatus::Succeeded(block)
            }
        })
    }

    /// The uid of a hotkey.
    pub async fn uid(&self, hotkey: Hotkey) -> Result<Option<Uid>, ChainError> {
        let storage_key = StorageKey::new("Uids", [number(self.netuid), account(&hotkey)]);
        let mut read = self.head().await?.read(vec![storage_key]).await?;
        Ok(read.next_optional::<u16>()?.map(Uid))
    }

    /// The weights that a uid has set, and that are known.
    pub async fn weights(&self, uid: Uid) -> Result<Vec<(Uid, u16)>, ChainError> {
        Ok(self.weights_at(&self.head().await?, uid).await?)
    }

    async fn weights_at(
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

    async fn send(&self, signed: &SignedExtrinsic) -> Result<(), ChainError> {
        let parameters = rpc_params![&signed.encoded];
        let sent: Result<serde_json::Value, _> =
            self.request("author_submitExtrinsic", parameters).await;
        let refused = match sent {
            Ok(_) => return Ok(()),
            Err(error) => runtime_errors::from_pool_error(error),
        };
        refused.map_err(|error| match error {
            TransactionPoolError::Refused(refusal) => refusal.into(),
            TransactionPoolError::Node(error) => SubtensorError::from(error).into(),
        })
    }

    /// The call that sets these weights on this runtime, and the round that reveals them.
    fn weights_call(
        &self,
        state: &BlockState<'_>,
        context: &WeightsContext,
        weights: &UidWeights,
        now: UnixMillis,
    ) -> Result<(WeightsCall, Call, Option<u64>), SubtensorError> {
        let runtime = &state.runtime;
        let weights_call = WeightsCall::of(runtime.metadata(), context.reveal_period.is_some());
        let weights_call =
            weights_call.ok_or(SubtensorError::UnknownWeightsCall(runtime.spec_version()))?;
        let UidWeights { uids, values } = weights;
        let Some(period) = context.reveal_period else {
            let call =
                calls::set_weights(weights_call, self.netuid, uids, values, context.version_key);
            return Ok((weights_call, call, None));
        };
        // The commitment is in the next block at the earliest.
        let next = Block(context.block.0 + 1);
        let reveal = context.epochs.reveal_block(next, period);
        let round = epoch::reveal_round(now, context.block, reveal, runtime.block_time());
        let payload = match weights_call {
            WeightsCall::Crv3 => timelock::payload_v3(uids, values, context.version_key),
            _ => timelock::payload_v4(&context.hotkey, uids, values, context.version_key),
        };
        let commit = timelock::encrypt(&payload, round)?;
        let call = calls::commit_weights(weights_call, self.netuid, &commit, round);
        Ok((weights_call, call, Some(round)))
    }

    /// Says what the chain holds now, of weights that it took in this block.
    async fn read_back(
        &self,
        signed: &SignedExtrinsic,
        block: Block,
        hash: H256,
    ) -> Result<(), SubtensorError> {
        let state = self.state_at(hash).await?;
        let context = WeightsContext::of(&state, self.netuid, signed.account).await?;
        let Some(uid) = context.uid else {
            return Ok(());
        };
        let updated = context.last_update;
        match signed.reveal_round {
            Some(round) => tracing::info!(
                %block, %updated, round,
                "weights are committed; they reveal themselves once drand has published the round"
            ),
            None => {
                let weights = self.weights_at(&state, uid).await?.len();
                tracing::info!(%block, %updated, weights, "weights are on chain, and were read back");
            }
        }
        Ok(())
    }
}

impl Chain for Subtensor {
    async fn identity(&self) -> Result<SubnetIdentity, ChainError> {
        let netuid = self.netuid;
        // Whatever is asked at a block sees to it that it is one of the chain that is meant.
        self.head().await?;
        let genesis = self.genesis_hash().await.map_err(SubtensorError::from)?;
        Ok(SubnetIdentity::Subtensor { genesis, netuid })
    }

    async fn block(&self) -> Result<Block, ChainError> {
        Ok(self.head().await?.block)
    }

    async fn metagraph(&self) -> Result<Metagraph, ChainError> {
        Ok(subnet::metagraph(&self.head().await?, self.netuid).await?)
    }

    async fn hyperparameters(&self) -> Result<Hyperparameters, ChainError> {
        Ok(subnet::hyperparameters(&self.head().await?, self.netuid).await?)
    }

    async fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<PreparedWeights, ChainError> {
        let state = self.head().await?;
        let context = WeightsContext::of(&state, self.netuid, signer.account()).await?;
        let weights = context.check(weights)?;
        let (weights_call, call, reveal_round) =
            self.weights_call(&state, &context, &weights, now)?;
        let mut signed = extrinsic::sign_at(&state, &call, signer).await?;
        signed.weights_call = Some(weights_call);
        signed.reveal_round = reveal_round;
        let text = serde_json::to_string(&signed).map_err(ChainError::OtherFormat)?;
        let hash = signed.hash();
        Ok(PreparedWeights { text, hash })
    }

    async fn submit(&self, prepared: &PreparedWeights) -> Result<(), ChainError> {
        self.send(&signed_extrinsic(prepared)?).await
    }

    async fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        Ok(self.status_of(&signed_extrinsic(prepared)?).await?)
    }

    /// Does nothing if the chain has it already.
    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        if axon.port() == 0 || axon.ip().is_unspecified() {
            return Err(ChainRefusal::InvalidAxon(axon).into());
        }
        let hotkey = signer.account();
        let storage_keys = vec![
            StorageKey::new("Uids", [number(self.netuid), account(&hotkey)]),
            StorageKey::new("Axons", [number(self.netuid), account(&hotkey)]),
        ];
        let mut read = self.head().await?.read(storage_keys).await?;
        if read.next_optional::<u16>()?.is_none() {
            return Err(ChainRefusal::NotRegistered(hotkey).into());
        }
        let published: Option<AxonInfo> = read.next_optional()?;
        if published.and_then(|info| info.address()) == Some(axon) {
            return Ok(());
        }
        let call = calls::serve_axon(self.netuid, axon, AXON_VERSION);
        self.submit_and_wait(&call, signer).await.map(drop)
    }
}

fn signed_extrinsic(prepared: &PreparedWeights) -> Result<SignedExtrinsic, ChainError> {
    serde_json::from_str(&prepared.text).map_err(ChainError::OtherFormat)
}
