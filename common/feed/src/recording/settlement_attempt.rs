//! An attempt to settle minutes, and what it decides: the same for the same answers, live or from a recording.

use std::collections::BTreeMap;

use foretell_core::hash::Hash;
use foretell_core::price::Price;
use foretell_core::rules::{MinuteRules, RulesVersion};
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{GapReason, QuoteCurrency, VenueExclusion, settle_minute};
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::collector::{CollectedCandles, VenueMarket};
use crate::venue::{self, VenueError};

/// An attempt to settle minutes of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementAttempt {
    /// What is settled, such as `BTC/USD`.
    pub pair: String,
    /// The rules.
    pub rules: RulesVersion,
    /// When the recorder began: what it had learnt before, another one hasn't.
    pub session: UnixMillis,
    /// Who was asked for the pair, and what they quote in.
    pub venues: Vec<(MarketName, QuoteCurrency)>,
    /// Who was asked for USDT/USD.
    pub usdt_usd: Vec<MarketName>,
    /// Starts of the minutes, oldest first.
    pub minutes: Vec<UnixMillis>,
    /// When.
    pub now: UnixMillis,
}

/// A pair on a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketName {
    /// The venue's name.
    pub venue: String,
    /// The pair, as its REST interface writes it.
    pub symbol: String,
}

/// A minute with its price of record, or a gap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettledMinuteRecord {
    /// What is settled.
    pub pair: String,
    /// Start of the minute.
    pub time_ms: UnixMillis,
    /// The price; `null` is a gap.
    pub settled: Option<Price>,
    /// Why it is a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapReason>,
    /// (max − min) over the price, in bps.
    pub dispersion_bps: Option<f64>,
    /// What a USDT was worth.
    pub usdt_usd: Option<f64>,
    /// Who had a say: price in USD and weight.
    pub used: BTreeMap<String, (f64, f64)>,
    /// Who hadn't, and why.
    pub excluded: BTreeMap<String, VenueExclusion>,
    /// Hash of everything that decided it.
    pub inputs: Hash,
}

/// What the answers decide of an attempt's minutes: prices, and gaps where it was the last attempt. The rest is tried
/// again.
pub fn settle_attempt(
    attempt: &SettlementAttempt,
    collected: &CollectedCandles,
) -> Vec<SettledMinuteRecord> {
    let rules = attempt.rules.rules().minute;
    let minutes = attempt.minutes.iter();
    let decided = minutes.filter_map(|minute| decide_minute(attempt, *minute, collected, &rules));
    decided.collect()
}

fn decide_minute(
    attempt: &SettlementAttempt,
    minute: UnixMillis,
    collected: &CollectedCandles,
    rules: &MinuteRules,
) -> Option<SettledMinuteRecord> {
    let inputs = collected.inputs(minute);
    let decision = settle_minute(&inputs, rules);
    let is_last = next_attempt(minute, Some(attempt.now), rules).is_none();
    if decision.price.is_err() && !is_last {
        return None;
    }
    let (settled, gap) = match decision.price {
        Ok(settled) => (Some(settled), None),
        Err(reason) => (None, Some(reason)),
    };
    let used = settled.iter().flat_map(|settled| &settled.constituents);
    Some(SettledMinuteRecord {
        pair: attempt.pair.clone(),
        time_ms: minute,
        settled: settled.as_ref().map(|settled| settled.price),
        gap,
        dispersion_bps: settled.as_ref().map(|settled| settled.dispersion_bps),
        usdt_usd: settled.as_ref().and_then(|settled| settled.usdt_usd),
        used: used
            .map(|(venue, constituent)| (venue.clone(), (constituent.price, constituent.weight)))
            .collect(),
        excluded: decision.excluded,
        inputs: inputs.hash(),
    })
}

impl SettlementAttempt {
    /// Whether the same recorder made it, of the same markets.
    pub(super) fn is_same_session(&self, other: &Self) -> bool {
        self.session == other.session
            && self.venues == other.venues
            && self.usdt_usd == other.usdt_usd
    }
}

impl MarketName {
    /// The name of a market.
    pub fn of(market: &VenueMarket) -> Self {
        Self {
            venue: market.venue.name().to_owned(),
            symbol: market.symbol.clone(),
        }
    }

    /// The market, wherever it is.
    pub(super) fn market(&self) -> Result<VenueMarket, VenueError> {
        Ok(VenueMarket {
            venue: venue::by_name(&self.venue)?,
            host: String::new(),
            symbol: self.symbol.clone(),
        })
    }
}
