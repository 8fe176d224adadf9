//! How bonds move from epoch to epoch: a subnet's parameters of [`crate::bonds`].

use serde::{Deserialize, Serialize};

/// How the bonds of an epoch follow from those of the last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BondRules {
    /// Which of the formulas of [`crate::bonds`].
    pub version: YumaVersion,
    /// The share of old bonds that remains at each epoch, 0 to 1: 1 − α.
    pub memory: f64,
    /// β, 0 to 1: at 1 clipped weights buy bonds, at 0 the weights as they were set.
    pub penalty: f64,
}

/// Which version of Yuma consensus computes bonds and dividends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YumaVersion {
    /// Stake enters the bonds.
    Yuma2,
    /// Stake enters the dividends.
    Yuma3,
    /// Yuma 3 whose α depends on how far a bond is from consensus.
    Yuma3Liquid(LiquidAlpha),
}

/// α_ij = low + (high − low)·σ(steepness/100·(d − ½)), within low and high, where d is how far W is above consensus,
/// or, where W is below the bond, how far the bond is above W, in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiquidAlpha {
    /// Least α, 0 to 1.
    pub low: f64,
    /// Greatest α, 0 to 1.
    pub high: f64,
    /// How steeply α rises with the distance d.
    pub steepness: f64,
}

impl Default for BondRules {
    /// The chain's defaults: Yuma 2, a tenth of new bonds each epoch, clipped weights.
    fn default() -> Self {
        Self {
            version: YumaVersion::Yuma2,
            memory: 0.9,
            penalty: 1.0,
        }
    }
}

impl Default for LiquidAlpha {
    /// The chain's defaults.
    fn default() -> Self {
        Self {
            low: 0.7,
            high: 0.9,
            steepness: 1000.0,
        }
    }
}

impl LiquidAlpha {
    /// α for one weight, the bond kept from the last epoch and the consensus on the miner.
    pub(crate) fn alpha(&self, weight: f64, bond: f64, consensus: f64) -> f64 {
        let distance = if weight >= bond {
            weight - consensus
        } else {
            bond - weight
        };
        let slope = self.steepness / 100.0;
        let sigmoid = 1.0 / (1.0 + libm::exp(-slope * (distance.clamp(0.0, 1.0) - 0.5)));
        (self.low + (self.high - self.low) * sigmoid).clamp(self.low, self.high)
    }
}
