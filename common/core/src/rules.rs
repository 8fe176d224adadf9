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
    pub timing: RoundTiming,
    /// How a forecast is scored.
    pub score: ScoreRules,
    /// When skill counts as shown.
    pub evidence: EvidenceRules,
    /// How the consensus is made.
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

/// A round's windows, as spans before or after its origin T.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTiming {
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
    /// The mean counts less this many standard errors.
    pub standard_errors: f64,
    /// Subtracted from what is left.
    pub margin: f64,
    /// Fewer scored rounds than this: no evidence.
    pub min_rounds: usize,
}

/// Constants of the consensus's fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitRules {
    /// Half-life of a round's weight.
    pub half_life: Millis,
    /// Deviations are scaled by at least this, and by at most 1.
    pub smallest_scale: f64,
    /// ρ: how strongly shares are evened, in units of the mean curvature.
    pub ridge: f64,
    /// κ: how strongly the shares of entries alike are drawn together, in the same units.
    pub similarity_penalty: f64,
    /// Normalised Gram above which entries are alike.
    pub similarity_threshold: f64,
    /// Entries whose normalised Gram is above 1 − this are one.
    pub merge_tolerance: f64,
}

/// Constants of the consensus's recalibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecalibrationRules {
    /// Half-life of a round's weight in the choice of a width.
    pub half_life: Millis,
    /// A width is used while what it gained out of sample is more than this many standard errors.
    pub standard_errors: f64,
    /// Fewer rounds than this: none is used.
    pub min_rounds: usize,
}

/// Constants of pay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PayRules {
    /// Half-life of a credit's weight.
    pub half_life: Millis,
    /// Gain of the consensus (mean − standard error) at which all of the emission is paid.
    pub full_pay_gain: f64,
}

/// Constants of settlement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettlementRules {
    /// A round with a larger share of gap steps is void.
    pub max_gap_share: f64,
}

/// Constants of a minute's price. They are anchored to published index methodologies, not backtested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinuteRules {
    /// The first attempt to settle a minute, after its start.
    pub first_attempt: Millis,
    /// The attempts after that, after its start.
    pub later_attempts: [Millis; 3],
    /// From the last of these on, one attempt in this time.
    pub attempt_every: Millis,
    /// The last attempt, after the minute's start: from then on it is a gap.
    pub last_attempt: Millis,
    /// Minutes before this one that decide who is out.
    pub probation_lookback: usize,
    /// A venue further than this from the plain median is out.
    pub exclude_beyond: f64,
    /// It comes back after minutes within this of the plain median.
    pub readmit_within: f64,
    /// This many of them in a row.
    pub readmit_after: usize,
    /// USDT/USD closes older than this many minutes don't count.
    pub usdt_rate_max_age: usize,
    /// A USDT is never worth less than this,
    pub usdt_rate_min: f64,
    /// or more than this: a market that says so has its scale wrong and leaves.
    pub usdt_rate_max: f64,
    /// Rates further than this from their median leave.
    pub usdt_rate_band: f64,
    /// USDT venues need this many rates.
    pub usdt_rate_quorum: usize,
    /// Weight of the USD-quoted venues together; the rest is the USDT-quoted ones'.
    pub usd_weight: f64,
    /// Most that one venue weighs.
    pub max_venue_weight: f64,
    /// Venues needed.
    pub min_venues: usize,
    /// USD-quoted venues needed.
    pub min_usd_venues: usize,
    /// Configured weight needed, before exclusions and cap.
    pub min_total_weight: f64,
    /// How far before an origin its volatility looks.
    pub volatility_lookback: Millis,
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
                // None: a bar of one standard error keeps out the good for longer than the lucky (docs/mechanism.md).
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
