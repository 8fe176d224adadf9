//! One minute as people write it: what `validator settle` reads and prints, and what golden cases are made of.
//!
//! ```json
//! {"usdt_usd": ["0.9995", "0.9996"],
//!  "venues": [{"id": "kraken", "price": "100010", "quote": "USD", "w": "15", "age_s": 2, "volume": "1"}],
//!  "before": []}
//! ```
//!
//! `w` is the venue's weight, such as its volume of the day before. A price older than a minute, or without volume,
//! is none. `before` may hold the minutes before in the same form, oldest first: they decide which venues are on
//! probation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::minute_decision::{MinuteDecision, VenueExclusion};
use super::minute_inputs::{MinuteInputs, UsdtMarketCloses, VenueObservation};
use super::quote_currency::QuoteCurrency;
use crate::bar::Bar;
use crate::price::Price;
use crate::rules::MinuteRules;
use crate::time::UnixMillis;

/// A price older than this, in seconds, doesn't count as a candle.
const MAX_AGE_S: f64 = 60.0;
/// A case names no minute; which one it is makes no difference to its price.
const PLACEHOLDER_MINUTE: UnixMillis = UnixMillis::EPOCH;

/// One minute's inputs, as people write them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementCase {
    /// Fresh USDT/USD closes, one a market.
    #[serde(default)]
    pub usdt_usd: Vec<Price>,
    /// Every configured venue, each once.
    pub venues: Vec<CaseVenue>,
    /// The minutes before, oldest first, without a `before` of their own; at most as many as the rules look back.
    #[serde(default)]
    pub before: Vec<Self>,
}

/// One venue in a case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseVenue {
    /// Name of the venue.
    pub id: String,
    /// Last price, in `quote`; positive.
    pub price: Price,
    /// Currency of the price.
    pub quote: QuoteCurrency,
    /// Weight before class shares and cap, 0 or more, such as the volume of the day before.
    pub w: Price,
    /// Age of the price in seconds; above 60 the venue has no candle.
    pub age_s: f64,
    /// Volume of the minute in base units; with 0 the venue has no candle.
    pub volume: Price,
}

/// The decision on a case, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The settled price as decimal text; `null` is a gap.
    pub price: Option<String>,
    /// Why it is a gap, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Names of the venues that the price was computed from.
    pub used: Vec<String>,
    /// Names of the venues that were excluded for their price: outliers and those on probation.
    pub excluded: Vec<String>,
    /// (max − min) of the used prices over the settled price, in bps with one decimal; `null` for a gap.
    pub dispersion_bps: Option<String>,
}

/// Why a case can't be settled.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CaseError {
    /// One minute has two entries of a venue.
    #[error("venue {0:?} is there twice: give each venue one entry")]
    DuplicateVenue(String),
    /// A number of a venue is out of its range.
    #[error("venue {venue:?} has {key} = {value}: {cure}")]
    InvalidNumber {
        /// Name of the venue.
        venue: String,
        /// Key of the number in the case.
        key: &'static str,
        /// The number as decimal text.
        value: String,
        /// The range that it must be in, in words.
        cure: &'static str,
    },
    /// A USDT/USD rate isn't positive.
    #[error("usdt_usd holds {0}: rates are positive")]
    InvalidRate(Price),
    /// A minute of `before` has a `before` itself.
    #[error(
        "a minute of `before` has a `before` of its own: write all minutes in one list, oldest first"
    )]
    Nested,
    /// `before` has more minutes (the first number) than the rules look back (the second).
    #[error("`before` has {0} minutes: at most {1} are looked at")]
    TooLong(usize, usize),
}

impl SettlementCase {
    /// The case as the inputs of a minute; an error if a number is out of its range or `before` has a wrong shape.
    pub fn inputs(&self, rules: &MinuteRules) -> Result<MinuteInputs, CaseError> {
        if self.before.len() > rules.probation_lookback {
            return Err(CaseError::TooLong(
                self.before.len(),
                rules.probation_lookback,
            ));
        }
        if self.before.iter().any(|case| !case.before.is_empty()) {
            return Err(CaseError::Nested);
        }
        let newest_first = || self.before.iter().rev();
        for case in std::iter::once(self).chain(newest_first()) {
            case.validate()?;
        }
        let close_before = |case: &Self, id: &str| {
            let venue = case.venues.iter().find(|venue| venue.id == id)?;
            venue.has_candle().then_some(venue.price)
        };
        let venues = self.venues.iter().map(|venue| VenueObservation {
            venue: venue.id.clone(),
            quote: venue.quote,
            day_volume: venue.w.get(),
            candle: venue.has_candle().then(|| Bar {
                volume: venue.volume.get(),
                ..Bar::from_value(PLACEHOLDER_MINUTE, venue.price)
            }),
            is_final: true,
            prior_closes: newest_first()
                .map(|case| close_before(case, &venue.id))
                .collect(),
        });
        let markets = std::iter::once(self).chain(newest_first());
        let markets = markets.map(|case| case.usdt_usd.len()).max().unwrap_or(0);
        let usdt_usd = (0..markets).map(|market| {
            let minutes = std::iter::once(self).chain(newest_first());
            UsdtMarketCloses {
                market: market.to_string(),
                closes: minutes
                    .map(|case| case.usdt_usd.get(market).copied())
                    .collect(),
            }
        });
        Ok(MinuteInputs {
            minute: PLACEHOLDER_MINUTE,
            venues: venues.collect(),
            usdt_usd: usdt_usd.collect(),
        })
    }

    fn validate(&self) -> Result<(), CaseError> {
        let mut seen = BTreeSet::new();
        for venue in &self.venues {
            if !seen.insert(&venue.id) {
                return Err(CaseError::DuplicateVenue(venue.id.clone()));
            }
            let out_of_range = |key, value: String, cure| CaseError::InvalidNumber {
                venue: venue.id.clone(),
                key,
                value,
                cure,
            };
            let (price, w, volume) = (venue.price, venue.w, venue.volume);
            if price.get() <= 0.0 {
                return Err(out_of_range(
                    "price",
                    price.to_string(),
                    "prices are positive",
                ));
            }
            if w.get() < 0.0 {
                return Err(out_of_range("w", w.to_string(), "a weight is 0 or more"));
            }
            if volume.get() < 0.0 {
                return Err(out_of_range(
                    "volume",
                    volume.to_string(),
                    "a volume is 0 or more",
                ));
            }
            if venue.age_s < 0.0 {
                return Err(out_of_range(
                    "age_s",
                    venue.age_s.to_string(),
                    "an age is 0 or more",
                ));
            }
        }
        match self.usdt_usd.iter().find(|rate| rate.get() <= 0.0) {
            Some(rate) => Err(CaseError::InvalidRate(*rate)),
            None => Ok(()),
        }
    }
}

impl CaseVenue {
    fn has_candle(&self) -> bool {
        self.age_s <= MAX_AGE_S && self.volume.get() > 0.0
    }
}

impl From<&MinuteDecision> for CaseResult {
    fn from(decision: &MinuteDecision) -> Self {
        let excluded = decision
            .excluded
            .iter()
            .filter(|(_, exclusion)| exclusion.is_price_based());
        let excluded = excluded
            .map(|(venue, _): (&String, &VenueExclusion)| venue.clone())
            .collect();
        match &decision.price {
            Ok(settled) => Self {
                price: Some(format_price(settled.price)),
                gap: None,
                used: settled.constituents.keys().cloned().collect(),
                excluded,
                dispersion_bps: Some(format!("{:.1}", settled.dispersion_bps)),
            },
            Err(reason) => Self {
                price: None,
                gap: Some(reason.to_string()),
                used: Vec::new(),
                excluded,
                dispersion_bps: None,
            },
        }
    }
}

/// The price with two decimals, or as many more as make six digits.
fn format_price(price: Price) -> String {
    let magnitude = libm::floor(libm::log10(price.get())).max(-300.0) as i32;
    let decimals = usize::try_from(5 - magnitude).unwrap_or(0).max(2);
    format!("{:.decimals$}", price.get())
}

#[cfg(test)]
mod tests;
