//! Settled minutes, live and from a recording: the very same [`CandleCollector`] and rules, on answers that come from the network
//! or from disk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use foretell_core::hash::Hash;
use foretell_core::price::Price;
use foretell_core::rules::{MinuteRules, RulesVersion};
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{GapReason, QuoteCurrency, VenueExclusion, settle_minute};
use foretell_core::time::UnixMillis;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::{RecordingContent, RecordingEntry};
use crate::collector::{CandleCollector, CollectedCandles, VenueMarket};
use crate::rest::{RecordedResponse, RecordedResponses, RestClient};
use crate::venue::{self, VenueError};

/// The folder of the attempts.
pub const SETTLEMENT_FOLDER: &str = "settlement";

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

/// Settles again what a recording's attempts settled.
#[derive(Debug, Default)]
pub struct SettlementReplay {
    responses: RecordedResponses,
    pairs: BTreeMap<String, (SettlementAttempt, CandleCollector)>,
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

impl SettlementReplay {
    /// Takes in an entry; `on` is given each minute that it settles.
    pub fn push(
        &mut self,
        entry: &RecordingEntry,
        on: &mut dyn FnMut(SettledMinuteRecord),
    ) -> Result<(), VenueError> {
        match &entry.content {
            RecordingContent::Response { path, status, body } => {
                self.responses.put(RecordedResponse {
                    venue: entry.venue.clone(),
                    path: path.clone(),
                    status: *status,
                    body: body.clone(),
                })
            }
            RecordingContent::Attempt(attempt) => {
                let collector = self.collector(attempt)?;
                let [Some(first), Some(last)] = [attempt.minutes.first(), attempt.minutes.last()]
                else {
                    return Ok(());
                };
                // Answers from memory keep nobody waiting.
                let collected = collector.collect(*first, *last, attempt.now).now_or_never();
                if let Some(collected) = collected {
                    settle_attempt(attempt, &collected).into_iter().for_each(on);
                }
                self.responses.take();
            }
            RecordingContent::Frame { .. } | RecordingContent::Lost(_) => {}
        }
        Ok(())
    }

    /// The collector that asks what the recorder's asked, and remembers what that remembered.
    fn collector(&mut self, attempt: &SettlementAttempt) -> Result<&CandleCollector, VenueError> {
        let new = || -> Result<(SettlementAttempt, CandleCollector), VenueError> {
            let venues = attempt.venues.iter();
            let venues = venues.map(|(name, quote)| Ok((name.market()?, *quote)));
            let usdt_usd = attempt.usdt_usd.iter().map(MarketName::market);
            let collector = CandleCollector::new(
                RestClient::replaying(&self.responses),
                attempt.rules.rules().minute,
                venues.collect::<Result<_, VenueError>>()?,
                usdt_usd.collect::<Result<_, _>>()?,
            );
            Ok((attempt.clone(), collector))
        };
        let known = match self.pairs.entry(attempt.pair.clone()) {
            Entry::Vacant(none) => none.insert(new()?),
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if !known.0.is_same_session(attempt) {
                    *known = new()?;
                }
                known
            }
        };
        Ok(&known.1)
    }
}

impl SettlementAttempt {
    /// Whether the same recorder made it, of the same markets.
    fn is_same_session(&self, other: &Self) -> bool {
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
    fn market(&self) -> Result<VenueMarket, VenueError> {
        Ok(VenueMarket {
            venue: venue::by_name(&self.venue)?,
            host: String::new(),
            symbol: self.symbol.clone(),
        })
    }
}
