//! Weights on their way into a block: named by uid, signed, and what became of them.

use std::fmt;

use foretell_core::hash::Hash;
use foretell_core::hotkey::Uid;

use crate::block::Block;
use crate::refusal::ChainRefusal;

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
