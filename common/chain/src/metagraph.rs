//! The subnet at one block: its neurons, and its parameters.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::{Hotkey, Uid};
use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::bond_rules::BondRules;
use crate::registration_price::RegistrationPriceRules;

/// Rao in one alpha, the subnet's own currency.
pub const RAO_PER_ALPHA: u64 = 1_000_000_000;

/// One uid of the subnet, and the hotkey that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// The place in the subnet, below `max_uids`; it passes to another hotkey when this one is pruned.
    pub uid: Uid,
    /// The key that signs requests, answers and weights.
    pub hotkey: Hotkey,
    /// The key of its owner; all hotkeys of one coldkey are one entry in the pool.
    pub coldkey: Coldkey,
    /// Where it answers requests, if it serves.
    pub axon: Option<SocketAddr>,
    /// Its stake in rao of alpha.
    pub stake: u64,
    /// Whether it may set weights for others: the validator permit.
    pub permit: bool,
    /// Block of its last weights; before the first ones, of its registration.
    pub last_update: Block,
    /// Share of the miners' emission at the last epoch, 65,535 being all of it.
    pub incentive: u16,
    /// Share of the validators' emission at the last epoch, 65,535 being all of it.
    pub dividend: u16,
    /// Rao that it was ever paid on the local ledger; on the real chain, rao of the last epoch.
    pub emission: u64,
}

/// The subnet's neurons at one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metagraph {
    /// The block after which this is the state.
    pub block: Block,
    /// Blocks between two epochs.
    pub tempo: NonZeroU16,
    /// The subnet owner's uid. What weights give to it is burned.
    pub owner: Uid,
    /// Every registered neuron, in uid order.
    pub neurons: Vec<Neuron>,
}

impl Metagraph {
    /// The neuron of this hotkey, if it is registered.
    pub fn neuron(&self, hotkey: Hotkey) -> Option<&Neuron> {
        self.neurons.iter().find(|neuron| neuron.hotkey == hotkey)
    }
}

/// The subnet's parameters, as its owner set them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hyperparameters {
    /// Blocks between two epochs.
    pub tempo: NonZeroU16,
    /// Least number of blocks between two settings of weights by one hotkey.
    pub weights_rate_limit: u64,
    /// The majority in consensus, a share of stake between 0 and 1.
    pub kappa: f64,
    /// Number of validator permits.
    pub max_validators: u16,
    /// Least version key that weights must carry.
    pub version_key: u64,
    /// How validators' bonds follow from their weights.
    pub bonds: BondRules,
    /// Number of uids; once all are taken, a newcomer replaces a neuron.
    pub max_uids: u16,
    /// Blocks for which a newcomer can't be replaced while others can.
    pub immunity_period: u64,
    /// How the price of a registration moves.
    pub registration: RegistrationPriceRules,
}

impl Default for Hyperparameters {
    /// The chain's own defaults; no version of weights is refused.
    fn default() -> Self {
        Self {
            tempo: TEMPO,
            weights_rate_limit: 100,
            kappa: 0.5,
            max_validators: 64,
            version_key: 0,
            bonds: BondRules::default(),
            max_uids: 256,
            immunity_period: 4096,
            registration: RegistrationPriceRules::default(),
        }
    }
}

const TEMPO: NonZeroU16 = match NonZeroU16::new(360) {
    Some(blocks) => blocks,
    None => NonZeroU16::MIN,
};

#[cfg(test)]
mod tests {
    use foretell_core::time::Millis;

    use super::*;
    use crate::block::BLOCK_TIME;

    #[test]
    fn an_epoch_is_seventy_two_minutes() {
        let tempo = Hyperparameters::default().tempo;
        assert_eq!(
            BLOCK_TIME.times(i64::from(tempo.get())),
            Millis::minutes(72)
        );
    }
}
