//! One minute as people write it: what `validator settle` reads and prints, and what golden cases are made of.
//!
//! ```json
//! {"usdt_usd": ["0.9995", "0.9996"],
//!  "venues": [{"id": "kraken", "price": "100010", "quote": "USD", "w": "15", "age_s": 2, "volume": "1"}],
//!  "before": []}
//! ```
//!
//! `w` is what the venue weighs, such as its volume of the day before. A price older than a minute, or without volume,
//! is none. `before` may hold the minutes before in the same form, oldest first: they decide who is on probation.

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

/// Prices older than this, in seconds, are no candle.
const MAX_AGE_S: f64 = 60.0;
/// A minute that nobody named; which one it is makes no difference to its price.
const PLACEHOLDER_MINUTE: UnixMillis = UnixMillis(0);

/// One minute's inputs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementCase {
    /// Fresh USDT/USD closes, one a market.
    #[serde(default)]
    pub usdt_usd: Vec<Price>,
    /// The venues.
    pub venues: Vec<CaseVenue>,
    /// The minutes before, oldest first.
    #[serde(default)]
    pub before: Vec<Self>,
}

/// One venue in a case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseVenue {
    /// Its name.
    pub id: String,
    /// Its price, in its quote.
    pub price: Price,
    /// What its price is in.
    pub quote: QuoteCurrency,
    /// What it weighs, before class shares and cap.
    pub w: Price,
    /// How old the price is.
    pub age_s: f64,
    /// What was traded in the minute.
    pub volume: Price,
}

/// What becomes of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The price; `null` is a gap.
    pub price: Option<String>,
    /// Why it is a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Who had a say, by name.
    pub used: Vec<String>,
    /// Who was excluded for its price, by name.
    pub excluded: Vec<String>,
    /// (max − min) over the price, in bps.
    pub dispersion_bps: Option<String>,
}

/// What is wrong with a case.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CaseError {
    /// A venue twice.
    #[error("venue {0:?} is there twice: give each venue one entry")]
    DuplicateVenue(String),
    /// A number that can't be.
    #[error("venue {venue:?} has {key} = {value}: {cure}")]
    InvalidNumber {
        /// The venue.
        venue: String,
        /// Which number.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        cure: &'static str,
    },
    /// A rate that can't be.
    #[error("usdt_usd holds {0}: rates are positive")]
    InvalidRate(Price),
    /// Minutes before the minutes before.
    #[error(
        "a minute of `before` has a `before` of its own: write all minutes in one list, oldest first"
    )]
    Nested,
    /// More minutes than are looked at.
    #[error("`before` has {0} minutes: at most {1} are looked at")]
    TooLong(usize, usize),
}

impl SettlementCase {
    /// The case as inputs of a minute.
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
            case.check()?;
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

    fn check(&self) -> Result<(), CaseError> {
        let mut seen = BTreeSet::new();
        for venue in &self.venues {
            if !seen.insert(&venue.id) {
                return Err(CaseError::DuplicateVenue(venue.id.clone()));
            }
            let wrong = |key, value: String, cure| CaseError::InvalidNumber {
                venue: venue.id.clone(),
                key,
                value,
                cure,
            };
            let (price, w, volume) = (venue.price, venue.w, venue.volume);
            if price.get() <= 0.0 {
                return Err(wrong("price", price.to_string(), "prices are positive"));
            }
            if w.get() < 0.0 {
                return Err(wrong("w", w.to_string(), "a weight is 0 or more"));
            }
            if volume.get() < 0.0 {
                return Err(wrong("volume", volume.to_string(), "a volume is 0 or more"));
            }
            if venue.age_s < 0.0 {
                return Err(wrong(
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
            .filter(|(_, why)| why.is_price_based());
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
