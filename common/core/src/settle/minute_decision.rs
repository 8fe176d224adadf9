//! What is decided about a minute: its price, or why it is a gap, and which venues had no part in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::price::Price;

/// What becomes of a minute.
#[derive(Debug, Clone, PartialEq)]
pub struct MinuteDecision {
    /// Its price, or why it is a gap.
    pub price: Result<SettledMinute, GapReason>,
    /// Who had no say and why, by venue.
    pub excluded: BTreeMap<String, VenueExclusion>,
}

/// A minute with a price.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledMinute {
    /// The price of record.
    pub price: Price,
    /// (max − min) over the price, in bps, of those who had a say.
    pub dispersion_bps: f64,
    /// What a USDT was worth.
    pub usdt_usd: Option<f64>,
    /// Who had a say, by venue.
    pub constituents: BTreeMap<String, Constituent>,
}

/// A venue's say in a price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constituent {
    /// Its price in USD.
    pub price: f64,
    /// Its weight, of 1.
    pub weight: f64,
}

/// Why a venue had no say.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum VenueExclusion {
    /// It has no candle of the minute.
    #[error("no candle")]
    NoCandle,
    /// It has no later candle, so this one may still change.
    #[error("no later candle, so this one is not final")]
    NotFinal,
    /// Its candle starts off the minute.
    #[error("the candle starts off the minute")]
    OffTheMinute,
    /// Nothing was traded.
    #[error("no volume")]
    NoVolume,
    /// Its candle contradicts itself.
    #[error(
        "the candle is inconsistent: low <= open, close <= high doesn't hold, or a price isn't positive"
    )]
    Inconsistent,
    /// What it traded the day before is not known, so it weighs nothing.
    #[error("no volume known of the day before")]
    NoDayVolume,
    /// It quotes in USDT, and nobody can say what that is worth.
    #[error("no USDT/USD rate")]
    NoRate,
    /// It is too far from the others.
    #[error("{off_percent:.2} % off the median of all")]
    #[serde(rename = "far_off")]
    Outlier {
        /// How far, in percent of the plain median.
        off_percent: f64,
    },
    /// It was too far from the others, and hasn't been back for long enough.
    #[error("was far off within the last minutes, and not near for long enough since")]
    OnProbation,
}

/// Why a minute has no price.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum GapReason {
    /// Too few venues are left.
    #[error("{venues} venues have a say, {needed} are needed")]
    TooFewVenues {
        /// How many.
        venues: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Too few of those left quote in USD.
    #[error("{venues} USD-quoted venues have a say, {needed} are needed")]
    TooFewUsdVenues {
        /// How many.
        venues: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Those left are too small a part of all that are configured.
    #[error("the venues with a say hold {:.1} % of the configured weight, {:.0} % are needed", 100.0 * weight, 100.0 * needed)]
    TooLittleWeight {
        /// Their configured weight, of 1.
        weight: f64,
        /// What it takes.
        needed: f64,
    },
    /// Without a rate, venues quoting in USDT still show what a price's magnitude can be, and this one's can't.
    #[error(
        "the USD-quoted venues say {price}, those quoting in USDT {in_usdt}: no USDT is worth that, so somebody's scale is \
         wrong"
    )]
    ScaleInDoubt {
        /// What the price would be.
        price: Price,
        /// The median of the USDT-quoted venues, in USDT.
        in_usdt: f64,
    },
}

impl VenueExclusion {
    /// Whether the venue is out because of where its price was, and not for want of one.
    pub const fn is_price_based(&self) -> bool {
        matches!(self, Self::Outlier { .. } | Self::OnProbation)
    }
}
