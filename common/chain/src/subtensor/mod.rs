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
//!      └ refusals    the chain's errors in words
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
mod refusals;
pub mod runtime;
pub mod state;
mod subnet;
pub mod timelock;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foretell_core::attest::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::time::UnixMillis;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;
use thiserror::Error;

use self::calls::{Call, WeightsPath};
use self::connection::{Connection, NodeError};
use self::extrinsic::{Sealed, Whereabouts};
use self::preflight::Facts;
use self::refusals::PoolError;
use self::runtime::{Place, Runtime, RuntimeError};
use self::state::{State, number};
use self::subnet::{AxonInfo, account};
use self::timelock::TimelockError;
use crate::chain::{Chain, ChainError, Fate, Prepared, Signer, Weights};
use crate::identity::Identity;
use crate::metagraph::{Block, Hyperparameters, Metagraph};
use crate::refusal::Refusal;

/// How often an extrinsic is looked for while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Our version, as published with an axon.
const AXON_VERSION: u32 = 1;

/// One subnet of a subtensor chain.
#[derive(Debug)]
pub struct Subtensor {
    connection: Connection,
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
    Missing(String),
    /// Weights must be committed in a way that we don't know.
    #[error("runtime {0} takes weights in no form that this program knows: upgrade")]
    NoWeightsPath(u32),
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
    Lost(String),
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
    pub const fn new(connection: Connection, netuid: u16) -> Self {
        Self {
            connection,
            netuid,
            genesis: None,
            checked: AtomicU64::new(0),
            runtime: Mutex::new(None),
        }
    }

    /// The same, but a node of a chain that begins with another block is not believed.
    pub fn beginning_with(self, genesis: Hash) -> Self {
        let genesis = Some(genesis);
        Self { genesis, ..self }
    }

    /// Buys a uid for `hotkey` with TAO of the signing coldkey; the one that it has, if it is registered.
    pub async fn register(&self, coldkey: &Signer, hotkey: Hotkey) -> Result<Uid, ChainError> {
        if let Some(uid) = self.uid(hotkey).await? {
            return Ok(uid);
        }
        self.execute(&calls::burned_register(self.netuid, &hotkey), coldkey)
            .await?;
        let uid = self.uid(hotkey).await?;
        uid.ok_or_else(|| SubtensorError::Missing("uid after a registration".into()).into())
    }

    /// What a registration costs now, in rao of TAO.
    pub async fn registration_price(&self) -> Result<u64, ChainError> {
        let head = self.head().await?;
        let place = Place::new("Burn", [number(self.netuid)]);
        Ok(head.read(vec![place]).await?.value()?)
    }

    /// Stakes `rao` of the signing coldkey's TAO on `hotkey` in this subnet.
    pub async fn stake(
        &self,
        coldkey: &Signer,
        hotkey: Hotkey,
        rao: u64,
    ) -> Result<(), ChainError> {
        let call = calls::add_stake(self.netuid, &hotkey, rao);
        self.execute(&call, coldkey).await.map(drop)
    }

    /// Signs a call, sends it, and waits for the final block that holds it; what the chain refuses comes in words.
    pub async fn execute(&self, call: &Call, signer: &Signer) -> Result<Block, ChainError> {
        let sealed = extrinsic::sealed(&self.head().await?, call, signer).await?;
        self.send(&sealed).await?;
        match self.settled(&sealed).await? {
            Fate::Set(block) => Ok(block),
            Fate::Failed { refusal, .. } => Err(refusal.into()),
            Fate::Open { .. } | Fate::Expired { .. } => {
                Err(SubtensorError::Lost(sealed.hash().to_string()).into())
            }
        }
    }

    /// Waits until a final block holds what was sent, or none ever will.
    pub async fn wait_for(&self, prepared: &Prepared) -> Result<Fate, ChainError> {
        Ok(self.settled(&opened(prepared)?).await?)
    }

    async fn settled(&self, sealed: &Sealed) -> Result<Fate, SubtensorError> {
        loop {
            match self.fate_of(sealed).await? {
                Fate::Open { .. } => tokio::time::sleep(LOOK_EVERY).await,
                settled => return Ok(settled),
            }
        }
    }

    async fn fate_of(&self, sealed: &Sealed) -> Result<Fate, SubtensorError> {
        let last = self.final_head().await?;
        Ok(match sealed.whereabouts(&last).await? {
            Whereabouts::Open => Fate::Open {
                until: sealed.until,
            },
            Whereabouts::Expired(why) => Fate::Expired { why },
            Whereabouts::In {
                block,
                outcome: Err(refusal),
                ..
            } => Fate::Failed { block, refusal },
            Whereabouts::In { block, hash, .. } => {
                if sealed.path.is_some() {
                    self.read_back(sealed, block, hash).await?;
                }
                Fate::Set(block)
            }
        })
    }

    /// The uid of a hotkey.
    pub async fn uid(&self, hotkey: Hotkey) -> Result<Option<Uid>, ChainError> {
        let place = Place::new("Uids", [number(self.netuid), account(&hotkey)]);
        let mut read = self.head().await?.read(vec![place]).await?;
        Ok(read.optional::<u16>()?.map(Uid))
    }

    /// The weights that a uid has set, and that are known.
    pub async fn weights(&self, uid: Uid) -> Result<Vec<(Uid, u16)>, ChainError> {
        Ok(self.weights_at(&self.head().await?, uid).await?)
    }

    async fn weights_at(
        &self,
        state: &State<'_>,
        uid: Uid,
    ) -> Result<Vec<(Uid, u16)>, SubtensorError> {
        let place = Place::new("Weights", [number(self.netuid), number(uid.0)]);
        let weights: Vec<(u16, u16)> = state.read(vec![place]).await?.value()?;
        Ok(weights
            .into_iter()
            .map(|(uid, weight)| (Uid(uid), weight))
            .collect())
    }

    async fn send(&self, sealed: &Sealed) -> Result<(), ChainError> {
        let parameters = rpc_params![&sealed.extrinsic];
        let sent: Result<serde_json::Value, _> =
            self.ask("author_submitExtrinsic", parameters).await;
        let refused = match sent {
            Ok(_) => return Ok(()),
            Err(error) => refusals::pooled(error),
        };
        refused.map_err(|error| match error {
            PoolError::Refused(refusal) => refusal.into(),
            PoolError::Node(error) => SubtensorError::from(error).into(),
        })
    }

    /// The call that sets these weights on this runtime, and the round that reveals them.
    fn weights_call(
        &self,
        state: &State<'_>,
        facts: &Facts,
        weights: &Weights,
        now: UnixMillis,
    ) -> Result<(WeightsPath, Call, Option<u64>), SubtensorError> {
        let runtime = &state.runtime;
        let path = WeightsPath::of(runtime.metadata(), facts.reveal_period.is_some());
        let path = path.ok_or(SubtensorError::NoWeightsPath(runtime.spec_version()))?;
        let Weights { uids, values } = weights;
        let Some(period) = facts.reveal_period else {
            let call = calls::set_weights(path, self.netuid, uids, values, facts.version_key);
            return Ok((path, call, None));
        };
        // The commitment is in the next block at the earliest.
        let next = Block(facts.block.0 + 1);
        let reveal = facts.epochs.reveal_block(next, period);
        let round = epoch::reveal_round(now, facts.block, reveal, runtime.block_time());
        let payload = match path {
            WeightsPath::Crv3 => timelock::payload_v3(uids, values, facts.version_key),
            _ => timelock::payload_v4(&facts.hotkey, uids, values, facts.version_key),
        };
        let commit = timelock::sealed(&payload, round)?;
        let call = calls::commit_weights(path, self.netuid, &commit, round);
        Ok((path, call, Some(round)))
    }

    /// Says what the chain holds now, of weights that it took in this block.
    async fn read_back(
        &self,
        sealed: &Sealed,
        block: Block,
        hash: H256,
    ) -> Result<(), SubtensorError> {
        let state = self.at(hash).await?;
        let facts = Facts::of(&state, self.netuid, sealed.account).await?;
        let Some(uid) = facts.uid else { return Ok(()) };
        let updated = facts.last_update;
        match sealed.reveal_round {
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
    async fn identity(&self) -> Result<Identity, ChainError> {
        let netuid = self.netuid;
        // Whatever is asked at a block sees to it that it is one of the chain that is meant.
        self.head().await?;
        let genesis = self.first_block().await.map_err(SubtensorError::from)?;
        Ok(Identity::Subtensor { genesis, netuid })
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
        weights: &Weights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<Prepared, ChainError> {
        let state = self.head().await?;
        let facts = Facts::of(&state, self.netuid, signer.account()).await?;
        let weights = facts.checked(weights)?;
        let (path, call, reveal_round) = self.weights_call(&state, &facts, &weights, now)?;
        let mut sealed = extrinsic::sealed(&state, &call, signer).await?;
        sealed.path = Some(path);
        sealed.reveal_round = reveal_round;
        let text = serde_json::to_string(&sealed).map_err(ChainError::Foreign)?;
        let hash = sealed.hash();
        Ok(Prepared { text, hash })
    }

    async fn submit(&self, prepared: &Prepared) -> Result<(), ChainError> {
        self.send(&opened(prepared)?).await
    }

    async fn fate(&self, prepared: &Prepared) -> Result<Fate, ChainError> {
        Ok(self.fate_of(&opened(prepared)?).await?)
    }

    /// Does nothing if the chain has it already.
    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        if axon.port() == 0 || axon.ip().is_unspecified() {
            return Err(Refusal::UnusableAxon(axon).into());
        }
        let hotkey = signer.account();
        let places = vec![
            Place::new("Uids", [number(self.netuid), account(&hotkey)]),
            Place::new("Axons", [number(self.netuid), account(&hotkey)]),
        ];
        let mut read = self.head().await?.read(places).await?;
        if read.optional::<u16>()?.is_none() {
            return Err(Refusal::NotRegistered(hotkey).into());
        }
        let published: Option<AxonInfo> = read.optional()?;
        if published.and_then(|info| info.address()) == Some(axon) {
            return Ok(());
        }
        let call = calls::serve_axon(self.netuid, axon, AXON_VERSION);
        self.execute(&call, signer).await.map(drop)
    }
}

fn opened(prepared: &Prepared) -> Result<Sealed, ChainError> {
    serde_json::from_str(&prepared.text).map_err(ChainError::Foreign)
}
