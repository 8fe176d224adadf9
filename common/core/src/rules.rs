//! Every number of the round, the score and the weights, as one versioned value.
//!
//! Operators pick a version, not numbers; the version is stamped in the journal.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// A set of rules by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RulesVersion {
    /// Live rounds, first edition.
    #[serde(rename = "1")]
    V1,
    /// The same for a replay of bars: leads and windows are zero.
    #[serde(rename = "1-replay")]
    V1Replay,
}

/// All rules of one version.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// When a round's windows open and close.
    pub timing: Timing,
    /// How a forecast is scored.
    pub score: ScoreRules,
    /// When skill counts as shown.
    pub evidence: EvidenceRules,
    /// How much of the emission is paid.
    pub pay: PayRules,
    /// How gaps in the settled prices are treated.
    pub settlement: SettlementRules,
}

/// A round's windows, as spans before or after its origin T.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Commitments are asked for from T − this on.
    pub commit_opens_before: Millis,
    /// Commitments that arrive after T − this are misses.
    pub commit_closes_before: Millis,
    /// Reveals are asked for from T + this on.
    pub reveal_opens_after: Millis,
    /// Reveals that arrive after T + this are misses.
    pub reveal_closes_after: Millis,
    /// The round settles this long after its last target.
    pub settles_after: Millis,
}

/// Constants of the score and of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRules {
    /// Half-life of the volatility's moving average.
    pub volatility_half_life: Millis,
    /// Lowest volatility per step, in bps (or the series' unit).
    pub volatility_floor: f64,
    /// Returns needed before there is a volatility.
    pub volatility_min_returns: usize,
    /// Moves are clamped to ± this many σ_T·√i.
    pub clamp: f64,
    /// The reference is Student-t (ν = 3) × this × σ_T·√i.
    pub reference_scale: f64,
    /// Number of the reference's quantiles.
    pub reference_k: usize,
    /// Advantage of a miss.
    pub miss_advantage: f64,
}

/// Constants of the evidence policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvidenceRules {
    /// Half-life of a round's weight.
    pub half_life: Millis,
    /// Subtracted from mean − standard error.
    pub margin: f64,
    /// Fewer scored rounds than this: no evidence.
    pub min_rounds: usize,
}

/// Constants of pay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PayRules {
    /// Gain of the consensus (mean − standard error) at which all of the emission is paid.
    pub full_pay_gain: f64,
}

/// Constants of settlement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettlementRules {
    /// A round with a larger share of gap steps is void.
    pub max_gap_share: f64,
}

impl RulesVersion {
    /// The rules of this version.
    pub const fn rules(self) -> Rules {
        let timing = match self {
            Self::V1 => Timing {
                commit_opens_before: Millis::seconds(15),
                commit_closes_before: Millis::seconds(5),
                reveal_opens_after: Millis::seconds(5),
                reveal_closes_after: Millis::seconds(60),
                settles_after: Millis::minutes(2),
            },
            Self::V1Replay => Timing {
                commit_opens_before: Millis(0),
                commit_closes_before: Millis(0),
                reveal_opens_after: Millis(0),
                reveal_closes_after: Millis(0),
                settles_after: Millis(0),
            },
        };
        Rules {
            timing,
            score: ScoreRules {
                volatility_half_life: Millis::hours(24),
                volatility_floor: 0.1,
                volatility_min_returns: 12,
                clamp: 25.0,
                reference_scale: 0.65,
                reference_k: 1000,
                miss_advantage: -0.15,
            },
            evidence: EvidenceRules {
                half_life: Millis::days(10),
                margin: 0.002,
                min_rounds: 240,
            },
            pay: PayRules {
                full_pay_gain: 0.005,
            },
            settlement: SettlementRules { max_gap_share: 0.1 },
        }
    }

    /// The version's name, as stamped in the journal and printed in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V1Replay => "1-replay",
        }
    }
}
