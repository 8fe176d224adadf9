//! Why a chain didn't do what it was asked, whichever chain it is.

use std::time::Duration;

use foretell_core::error_kind::ErrorKind;
use foretell_core::hash::Hash;
use thiserror::Error;

use crate::ledger_file::LedgerFileError;
use crate::refusal::ChainRefusal;

/// Why a call of a chain failed.
#[derive(Debug, Error)]
pub enum ChainError {
    /// The chain's rules don't allow it: trying again unchanged is of no use.
    #[error("the chain refused: {0}")]
    Refused(ChainRefusal),
    /// The local ledger's file can't be read or written.
    #[error(transparent)]
    File(#[from] LedgerFileError),
    /// The text of prepared weights is not of this kind of chain.
    #[error("these weights were signed for another kind of chain: begin another data directory")]
    OtherFormat(#[source] serde_json::Error),
    /// The node belongs to another chain than the one that is meant.
    #[error(
        "{url} is a node of another chain, whose first block is {found} and not {wanted}: name the network that this data \
         directory was begun on, or configure another `data` directory"
    )]
    OtherChain {
        /// The node's address.
        url: String,
        /// Hash of the first block of its chain.
        found: Hash,
        /// Hash of the first block of the chain that is meant.
        wanted: Hash,
    },
    /// The node's answers took longer than this, all together.
    #[error("the node's answers took longer than {} s in all: it is asked again", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The node can't be reached, or has no answer this time: trying again may help.
    #[error(transparent)]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The node or its chain isn't as this program knows it: trying again is of no use until somebody acts.
    #[error(transparent)]
    Unusable(Box<dyn std::error::Error + Send + Sync>),
}

impl ChainError {
    /// Whether it passes by itself.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::File(error) => error.kind(),
            Self::TimedOut(_) | Self::Unavailable(_) => ErrorKind::Transient,
            Self::OtherFormat(_) | Self::OtherChain { .. } | Self::Unusable(_) => {
                ErrorKind::Permanent
            }
        }
    }
}

impl From<ChainRefusal> for ChainError {
    fn from(refusal: ChainRefusal) -> Self {
        Self::Refused(refusal)
    }
}
