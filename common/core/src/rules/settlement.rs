//! How prices settle: the price of a minute, and the gaps that a round survives.

use crate::time::Millis;

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
