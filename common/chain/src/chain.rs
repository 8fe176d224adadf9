//! What Foretell asks of a chain, whichever it is.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foretell_core::hash::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::time::UnixMillis;
use thiserror::Error;

use crate::local_chain::LedgerFileError;
use crate::metagraph::{Block, Hyperparameters, Metagraph};
use crate::refusal::ChainRefusal;
use crate::subnet_identity::SubnetIdentity;

/// One subnet of a chain.
pub trait Chain: Send + Sync {
    /// Which one.
    fn identity(&self) -> impl Future<Output = Result<SubnetIdentity, ChainError>> + Send;

    /// The current block.
    fn block(&self) -> impl Future<Output = Result<Block, ChainError>> + Send;

    /// The subnet at the current block.
    fn metagraph(&self) -> impl Future<Output = Result<Metagraph, ChainError>> + Send;

    /// The subnet's parameters.
    fn hyperparameters(&self) -> impl Future<Output = Result<Hyperparameters, ChainError>> + Send;

    /// Signs weights for the chain as it is now, and sends nothing: keep what comes of it, then
    /// [submit](Self::submit) it. What speaks against these weights already is said here.
    fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> impl Future<Output = Result<PreparedWeights, ChainError>> + Send;

    /// Sends what was prepared. Once it is on the chain, sending it again changes nothing.
    fn submit(
        &self,
        prepared: &PreparedWeights,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;

    /// What became of it. Ask this before sending again what may have been lost.
    fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> impl Future<Output = Result<SubmissionStatus, ChainError>> + Send;

    /// Publishes where the signer's hotkey answers requests.
    fn serve_axon(
        &self,
        signer: &Signer,
        axon: SocketAddr,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;
}

/// Who gets which weight: the values in the order of the uids, of which only the ratios count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidWeights {
    /// Who gets a weight.
    pub uids: Vec<Uid>,
    /// How much.
    pub values: Vec<u16>,
}

/// Weights that are signed: text that a journal can hold, and the name by which the chain knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedWeights {
    /// All that it takes to send them, in the chain's own format.
    pub text: String,
    /// Their hash on the chain.
    pub hash: Hash,
}

/// What became of weights that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// They are set.
    Succeeded(Block),
    /// They are not on the chain, and may be sent, again too, up to this block.
    Pending {
        /// The last block that can hold them.
        until: Block,
    },
    /// They are not on the chain, and never will be.
    Expired {
        /// How that came.
        why: ExpiryReason,
    },
    /// They are in a block, where the chain refused them. They are spent.
    Failed {
        /// That block.
        block: Block,
        /// Why.
        refusal: ChainRefusal,
    },
}

/// Why signed weights will never be on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryReason {
    /// No block took them while they were valid.
    ValidityEnded,
    /// They were signed for a runtime that was upgraded.
    RuntimeUpgraded,
    /// Their number is taken: another program signs with this hotkey.
    NonceTaken,
}

impl fmt::Display for ExpiryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValidityEnded => "no block took them in time",
            Self::RuntimeUpgraded => "the chain's runtime was upgraded before a block took them",
            Self::NonceTaken => {
                "another program signs with this hotkey, and was quicker: let only one of them run"
            }
        })
    }
}

/// An account that signs. The secret stays with whoever made it.
#[derive(Clone)]
pub struct Signer {
    account: Hotkey,
    sign: Arc<Sign>,
}

/// Turns bytes into a signature.
type Sign = dyn Fn(&[u8]) -> [u8; 64] + Send + Sync;

/// Why a chain didn't do what it was asked.
#[derive(Debug, Error)]
pub enum ChainError {
    /// It may not be done.
    #[error("the chain refused: {0}")]
    Refused(#[from] ChainRefusal),
    /// The local ledger's file could not be kept.
    #[error(transparent)]
    File(#[from] LedgerFileError),
    /// What was prepared was prepared for another kind of chain.
    #[error("these weights were signed for another kind of chain: begin another data directory")]
    OtherFormat(#[source] serde_json::Error),
    /// A node of another chain.
    #[error(
        "{url} is a node of another chain, whose first block is {found} and not {wanted}: name the network that this data \
         directory was begun on, or configure another `data` directory"
    )]
    OtherChain {
        /// The node.
        url: String,
        /// Its chain's first block.
        found: Hash,
        /// That of the chain that is meant.
        wanted: Hash,
    },
    /// A node's answers took too long, all together.
    #[error("the node's answers took longer than {} s in all: it is asked again", .0.as_secs_f32())]
    TimedOut(Duration),
    /// A node can't be asked, or its answer can't be used.
    #[error(transparent)]
    Node(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl Signer {
    /// The account, and what turns bytes into its sr25519 signature in context `substrate`.
    pub fn new(account: Hotkey, sign: impl Fn(&[u8]) -> [u8; 64] + Send + Sync + 'static) -> Self {
        Self {
            account,
            sign: Arc::new(sign),
        }
    }

    /// Whose signatures these are.
    pub const fn account(&self) -> Hotkey {
        self.account
    }

    /// The account's signature of `bytes`.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        (self.sign)(bytes)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.account).finish()
    }
}
