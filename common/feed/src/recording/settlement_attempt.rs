//! An attempt to settle minutes, and what it decides: the same for the same answers, live or from a recording.

use std::collections::BTreeMap;

use foretell_core::hash::Hash;
use foretell_core::price::Price;
use foretell_core::rules::{MinuteRules, RulesVersion};
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{GapReason, QuoteCurrency, VenueExclusion, settle_minute};
use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::collector::{CollectedCandles, VenueMarket};
use crate::venue::{self, VenueError};

/// No minute is tried longer before or after its time than this; the last attempt comes after a day.
const LONGEST_DELAY: Millis = Millis::days(3);
/// No recorder runs longer than this.
const LONGEST_SESSION: Millis = Millis::days(3650);

/// An attempt to settle minutes of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementAttempt {
    /// What is settled, such as `BTC/USD`.
    pub pair: String,
    /// Version of the rules that settle.
    pub rules: RulesVersion,
    /// When the recorder began. A collector remembers the volumes of past days; another session starts without them.
    pub session: UnixMillis,
    /// The markets of the pair, each with its quote currency.
    pub venues: Vec<(MarketName, QuoteCurrency)>,
    /// The markets of USDT/USD.
    pub usdt_usd: Vec<MarketName>,
    /// Starts of the minutes, oldest first.
    pub minutes: Vec<UnixMillis>,
    /// The time of the attempt by the recorder's clock.
    pub now: UnixMillis,
}

/// A pair on a venue, by name, wherever its host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketName {
    /// The venue's name, as in configuration.
    pub venue: String,
    /// The pair, as its REST interface writes it.
    pub symbol: String,
}

/// A minute with its price of record, or a gap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettledMinuteRecord {
    /// What is settled, such as `BTC/USD`.
    pub pair: String,
    /// Start of the minute, whose close is settled.
    pub time_ms: UnixMillis,
    /// The settled price in USD; `null` is a gap.
    pub settled: Option<Price>,
    /// Why there is no price; absent where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapReason>,
    /// (max − min) of the venues' prices over the settled price, in bps; `null` in a gap.
    pub dispersion_bps: Option<f64>,
    /// USD per USDT that converted the prices in USDT; `null` where it wasn't needed or known.
    pub usdt_usd: Option<f64>,
    /// The venues in the price, each with its price in USD and its weight.
    pub used: BTreeMap<String, (f64, f64)>,
    /// The venues left out, each with the reason.
    pub excluded: BTreeMap<String, VenueExclusion>,
    /// Hash of the [`MinuteInputs`](foretell_core::settle::MinuteInputs) that decided it.
    pub inputs: Hash,
}

/// The minutes of the attempt that its candles decide: those with a price, and gaps where no later attempt follows. The
/// others are tried again.
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
    /// What no recorder writes: minutes out of order, further apart than attempts reach, or far from its own time.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let within = |at: UnixMillis, span: Millis| {
            at.get()
                .checked_sub(self.now.get())
                .is_some_and(|apart| apart.unsigned_abs() <= span.get().unsigned_abs())
        };
        if !within(self.session, LONGEST_SESSION) {
            return Some("its session is years from its time");
        }
        if !self.minutes.is_sorted() {
            return Some("its minutes are not in order");
        }
        let near = self
            .minutes
            .iter()
            .all(|minute| within(*minute, LONGEST_DELAY));
        (!near).then_some("a minute of it is days from its time")
    }

    /// Whether the same recorder made it, of the same markets.
    pub(super) fn is_same_session(&self, other: &Self) -> bool {
        self.session == other.session
            && self.venues == other.venues
            && self.usdt_usd == other.usdt_usd
    }
}

impl MarketName {
    /// The name of this market, without its host.
    pub fn from_market(market: &VenueMarket) -> Self {
        Self {
            venue: market.venue.name().to_owned(),
            symbol: market.symbol.clone(),
        }
    }

    /// The market without a host, for a replay that needs none.
    pub(super) fn market(&self) -> Result<VenueMarket, VenueError> {
        Ok(VenueMarket {
            venue: venue::by_name(&self.venue)?,
            host: String::new(),
            symbol: self.symbol.clone(),
        })
    }
}
