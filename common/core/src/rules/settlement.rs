//! How prices settle: the price of a minute, and the gaps that a round survives.

use crate::time::Millis;

/// Constants of a round's settlement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettlementRules {
    /// A round with a larger share of gap steps is void.
    pub max_gap_share: f64,
}

/// Constants of a minute's price. They are anchored to published index methodologies, not backtested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinuteRules {
    /// The first attempt to settle a minute, as time after the minute's start.
    pub first_attempt: Millis,
    /// The attempts after that, as time after the minute's start.
    pub later_attempts: [Millis; 3],
    /// After the last of these, the time from one attempt to the next.
    pub attempt_every: Millis,
    /// The last attempt, after the minute's start: from then on it is a gap.
    pub last_attempt: Millis,
    /// Number of minutes before this one that decide which venues are on probation.
    pub probation_lookback: usize,
    /// A venue whose price is further than this share from the plain median is excluded.
    pub exclude_beyond: f64,
    /// It is readmitted after minutes within this share of the plain median.
    pub readmit_within: f64,
    /// Number of such minutes in a row that readmit a venue.
    pub readmit_after: usize,
    /// USDT/USD closes older than this many minutes aren't used.
    pub usdt_rate_max_age: usize,
    /// Lowest USD per USDT: a market below it has its scale wrong and is left out.
    pub usdt_rate_min: f64,
    /// Highest USD per USDT: a market above it has its scale wrong and is left out.
    pub usdt_rate_max: f64,
    /// Rates further than this share from their median are left out.
    pub usdt_rate_band: f64,
    /// Number of rates without which no USDT-quoted venue counts.
    pub usdt_rate_quorum: usize,
    /// Weight of the USD-quoted venues together; the rest is the USDT-quoted ones'.
    pub usd_weight: f64,
    /// Largest weight of one venue.
    pub max_venue_weight: f64,
    /// Number of venues without which a minute is a gap.
    pub min_venues: usize,
    /// Number of USD-quoted venues without which a minute is a gap.
    pub min_usd_venues: usize,
    /// Sum of configured weights, before exclusions and cap, without which a minute is a gap.
    pub min_total_weight: f64,
    /// Time before an origin whose prices its volatility is made of.
    pub volatility_lookback: Millis,
}
