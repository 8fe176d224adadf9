//! Weights on their way into a block: by uid, then signed, then in a block or not.

use std::fmt;

use foretell_core::hash::Hash;
use foretell_core::hotkey::Uid;

use crate::block::Block;
use crate::refusal::ChainRefusal;

/// The weight of each uid; only the ratios of the values count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidWeights {
    /// The uids that get a weight.
    pub uids: Vec<Uid>,
    /// Their weights, in the same order.
    pub values: Vec<u16>,
}

/// Weights that are signed: text that a journal can hold, and the hash by which the chain knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedWeights {
    /// All that it takes to send them, in the chain's own format.
    pub text: String,
    /// Their hash on the chain.
    pub hash: Hash,
}

/// Where signed weights are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// They are set, since this block.
    Succeeded(Block),
    /// They are not on the chain, and may be sent, or sent again.
    Pending {
        /// The last block that can hold them.
        until: Block,
    },
    /// They are not on the chain, and never will be.
    Expired {
        /// Why no block can hold them any more.
        why: ExpiryReason,
    },
    /// They are in a block, where the chain refused them. They are spent.
    Failed {
        /// The block that holds them.
        block: Block,
        /// Why the chain refused them there.
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
    /// Their nonce is taken: another program signs with this hotkey.
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
