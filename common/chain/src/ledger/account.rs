//! One hotkey on the local ledger: what its uid holds, and what stays with it without one.

use std::collections::VecDeque;
use std::net::SocketAddr;

use foretell_core::coldkey::Coldkey;
use foretell_core::hash::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::metagraph::Neuron;
use crate::signed_weights::SignedWeights;

/// How many submissions of a hotkey are remembered: at the default rate limit, those of 21 hours.
const MAX_INCLUSIONS: usize = 64;

/// The place of submitted weights on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// The block that holds it.
    pub block: Block,
    /// The hash of the weights that it holds.
    pub hash: Hash,
}

/// What stays with a hotkey when it loses its uid, in rao.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct HotkeyBalance {
    pub(super) stake: u64,
    pub(super) emission: u64,
    /// Rao of TAO that its registrations cost.
    pub(super) spent: u64,
}

/// A registered hotkey; its uid is its place in the ledger's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) hotkey: Hotkey,
    pub(super) coldkey: Coldkey,
    pub(super) axon: Option<SocketAddr>,
    #[serde(flatten)]
    pub(super) balance: HotkeyBalance,
    pub(super) permit: bool,
    pub(super) last_update: Block,
    pub(super) incentive: u16,
    pub(super) dividend: u16,
    /// Rao that the last epoch paid it.
    pub(super) paid: u64,
    pub(super) registered: Block,
    pub(super) weights: Vec<(Uid, u16)>,
    pub(super) bonds: Vec<(Uid, u16)>,
    /// The nonce of the last weights included.
    pub(super) nonce: Option<u64>,
    /// The newest last.
    pub(super) inclusions: VecDeque<Inclusion>,
}

impl Account {
    pub(super) fn new(hotkey: Hotkey, coldkey: Coldkey, registered: Block) -> Self {
        Self {
            hotkey,
            coldkey,
            axon: None,
            balance: HotkeyBalance::default(),
            permit: false,
            last_update: registered,
            incentive: 0,
            dividend: 0,
            paid: 0,
            registered,
            weights: Vec::new(),
            bonds: Vec::new(),
            nonce: None,
            inclusions: VecDeque::new(),
        }
    }

    pub(super) fn neuron(&self, uid: Uid) -> Neuron {
        Neuron {
            uid,
            hotkey: self.hotkey,
            coldkey: self.coldkey,
            axon: self.axon,
            stake: self.balance.stake,
            permit: self.permit,
            last_update: self.last_update,
            incentive: self.incentive,
            dividend: self.dividend,
            emission: self.balance.emission,
        }
    }

    pub(super) fn included(&self, hash: Hash) -> Option<Inclusion> {
        self.inclusions
            .iter()
            .find(|inclusion| inclusion.hash == hash)
            .copied()
    }

    pub(super) fn include(&mut self, weights: &SignedWeights, inclusion: Inclusion) {
        let values = weights.values.iter().copied();
        self.weights = weights.uids.iter().copied().zip(values).collect();
        self.last_update = inclusion.block;
        self.nonce = Some(weights.nonce);
        self.inclusions.push_back(inclusion);
        if self.inclusions.len() > MAX_INCLUSIONS {
            self.inclusions.pop_front();
        }
    }
}
