//! Hotkeys that count as one forecaster, and their share of the consensus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hotkey::Hotkey;

/// Hotkeys that are pooled as one forecast, their mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    /// u, the forecaster's share of the consensus: 0 or more, summing to at most 1 over a pool.
    pub share: f64,
    /// Each hotkey's part in the mean and in the pay, summing to 1, in hotkey order.
    pub members: BTreeMap<Hotkey, f64>,
}

impl Forecaster {
    /// Every hotkey with its own share of the consensus.
    pub fn hotkey_shares(&self) -> impl Iterator<Item = (Hotkey, f64)> {
        self.members
            .iter()
            .map(|(miner, part)| (*miner, self.share * part))
    }
}
