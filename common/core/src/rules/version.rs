//! The versions of the rules, and every number of each.

use serde::{Deserialize, Serialize};

use super::pool::{EvidenceRules, FitRules, PayRules, RecalibrationRules};
use super::score::ScoreRules;
use super::settlement::{MinuteRules, SettlementRules};
use super::timing::RoundTiming;
use crate::time::Millis;

/// The name of a set of rules.
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
    pub timing: RoundTiming,
    /// How a forecast is scored.
    pub score: ScoreRules,
    /// When a miner is eligible for pay.
    pub evidence: EvidenceRules,
    /// How the shares of the consensus are fitted.
    pub fit: FitRules,
    /// When the consensus is made wider or narrower.
    pub recalibration: RecalibrationRules,
    /// How much of the emission is paid.
    pub pay: PayRules,
    /// How gaps in the settled prices are treated.
    pub settlement: SettlementRules,
    /// How venues' candles make the price of a minute.
    pub minute: MinuteRules,
}

impl RulesVersion {
    /// The rules of this version.
    pub const fn rules(self) -> Rules {
        let timing = match self {
            Self::V1 => RoundTiming {
                commit_opens_before: Millis::seconds(15),
                commit_closes_before: Millis::seconds(5),
                reveal_opens_after: Millis::seconds(5),
                reveal_closes_after: Millis::seconds(60),
                settles_after: Millis::minutes(2),
            },
            Self::V1Replay => RoundTiming {
                commit_opens_before: Millis::ZERO,
                commit_closes_before: Millis::ZERO,
                reveal_opens_after: Millis::ZERO,
                reveal_closes_after: Millis::ZERO,
                settles_after: Millis::ZERO,
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
                // A threshold of one standard error would delay skilled miners longer than lucky ones (docs/mechanism.md).
                standard_errors: 0.0,
                margin: 0.002,
                min_rounds: 240,
            },
            fit: FitRules {
                half_life: Millis::days(20),
                smallest_scale: 0.05,
                ridge: 0.3,
                similarity_penalty: 3.0,
                similarity_threshold: 0.9,
                merge_tolerance: 1e-6,
            },
            recalibration: RecalibrationRules {
                half_life: Millis::days(20),
                standard_errors: 1.0,
                min_rounds: 240,
            },
            pay: PayRules {
                half_life: Millis::days(10),
                full_pay_gain: 0.005,
            },
            settlement: SettlementRules { max_gap_share: 0.1 },
            minute: MinuteRules {
                first_attempt: Millis::seconds(120),
                later_attempts: [Millis::minutes(5), Millis::minutes(15), Millis::minutes(60)],
                attempt_every: Millis::hours(1),
                last_attempt: Millis::hours(24),
                probation_lookback: 30,
                exclude_beyond: 0.02,
                readmit_within: 0.01,
                readmit_after: 3,
                usdt_rate_max_age: 10,
                usdt_rate_min: 0.9,
                usdt_rate_max: 1.1,
                usdt_rate_band: 0.005,
                usdt_rate_quorum: 2,
                usd_weight: 0.60,
                max_venue_weight: 0.35,
                min_venues: 3,
                min_usd_venues: 2,
                min_total_weight: 0.5,
                volatility_lookback: Millis::days(3),
            },
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
