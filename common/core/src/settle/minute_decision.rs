//! What is decided about a minute: its price, or why it is a gap, and which venues had no part in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::price::Price;

/// The decision about one minute.
#[derive(Debug, Clone, PartialEq)]
pub struct MinuteDecision {
    /// The settled price and its parts, or why the minute is a gap.
    pub price: Result<SettledMinute, GapReason>,
    /// The venues whose price did not count, by name, with the reason.
    pub excluded: BTreeMap<String, VenueExclusion>,
}

/// A settled price and what it was computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledMinute {
    /// The price of record, in USD: the weighted median of the constituents.
    pub price: Price,
    /// (max − min) of the constituents' prices over `price`, in bps.
    pub dispersion_bps: f64,
    /// USD per USDT; `None` if too few markets agreed on a plausible rate.
    pub usdt_usd: Option<f64>,
    /// The venues whose price counted, by name.
    pub constituents: BTreeMap<String, Constituent>,
}

/// A venue's part in a settled price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constituent {
    /// The venue's close in USD.
    pub price: f64,
    /// Its weight after the cap; the weights of one minute sum to 1.
    pub weight: f64,
}

/// Why a venue's price did not count.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum VenueExclusion {
    /// It served no candle of the minute.
    #[error("no candle")]
    NoCandle,
    /// It served no later candle, so this one may still change.
    #[error("no later candle, so this one is not final")]
    NotFinal,
    /// Its candle doesn't start on the whole minute.
    #[error("the candle starts off the minute")]
    OffTheMinute,
    /// Nothing was traded in the minute.
    #[error("no volume")]
    NoVolume,
    /// `low ≤ open, close ≤ high` doesn't hold, or a price isn't positive.
    #[error(
        "the candle is inconsistent: low <= open, close <= high doesn't hold, or a price isn't positive"
    )]
    Inconsistent,
    /// Its volume of the day before isn't known, so it has no weight.
    #[error("no volume known of the day before")]
    NoDayVolume,
    /// It quotes in USDT, and there is no USDT/USD rate.
    #[error("no USDT/USD rate")]
    NoRate,
    /// Its price is too far from the plain median of all.
    #[error("{off_percent:.2} % off the median of all")]
    #[serde(rename = "far_off")]
    Outlier {
        /// Distance from the plain median of all, in percent of it.
        off_percent: f64,
    },
    /// It was an outlier in the minutes before, and hasn't been near the median for enough minutes in a row since.
    #[error("was far off within the last minutes, and not near for long enough since")]
    OnProbation,
}

/// Why a minute has no price.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum GapReason {
    /// Too few venues count.
    #[error("{venues} venues have a say, {needed} are needed")]
    TooFewVenues {
        /// How many count.
        venues: usize,
        /// How many the rules ask for.
        needed: usize,
    },
    /// Too few of the venues that count quote in USD.
    #[error("{venues} USD-quoted venues have a say, {needed} are needed")]
    TooFewUsdVenues {
        /// How many count.
        venues: usize,
        /// How many the rules ask for.
        needed: usize,
    },
    /// The venues that count hold too little of the weight of all that are configured.
    #[error("the venues with a say hold {:.1} % of the configured weight, {:.0} % are needed", 100.0 * weight, 100.0 * needed)]
    TooLittleWeight {
        /// Their share of the configured weight, before the cap, of 1.
        weight: f64,
        /// The least share that the rules accept.
        needed: f64,
    },
    /// There is no USDT/USD rate, and no plausible one would bring the USDT-quoted venues near the price.
    #[error(
        "the USD-quoted venues say {price}, those quoting in USDT {in_usdt}: no USDT is worth that, so somebody's scale is \
         wrong"
    )]
    ScaleInDoubt {
        /// The refused price, in USD.
        price: Price,
        /// Median close of the USDT-quoted venues, in USDT.
        in_usdt: f64,
    },
}

impl VenueExclusion {
    /// Whether the venue has a price and is excluded for what it is, or was in the minutes before.
    pub const fn is_price_based(&self) -> bool {
        matches!(self, Self::Outlier { .. } | Self::OnProbation)
    }
}
