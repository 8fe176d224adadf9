//! What the markets answered, and the inputs of one minute's settlement cut from it.

use std::collections::{BTreeMap, BTreeSet};

use foretell_core::rules::MinuteRules;
use foretell_core::settle::{
    MinuteInputs, QuoteCurrency, UsdtMarketCloses, VenueCandles, VenueObservation,
};
use foretell_core::time::{Millis, UnixMillis};

use crate::rest::RestError;

pub(super) const DAY: Millis = Millis::days(1);

/// The candles that each market answered, or its error.
#[derive(Debug)]
pub struct CollectedCandles {
    pub(super) rules: MinuteRules,
    pub(super) venues: Vec<VenueResponse>,
    pub(super) usdt_usd: Vec<(String, Result<VenueCandles, RestError>)>,
}

#[derive(Debug)]
pub(super) struct VenueResponse {
    pub venue: String,
    pub quote: QuoteCurrency,
    pub candles: Result<VenueCandles, RestError>,
    /// Base units, by start of the UTC day.
    pub volumes: BTreeMap<UnixMillis, f64>,
}

impl CollectedCandles {
    /// All inputs of the settlement of one of the collected minutes.
    pub fn inputs(&self, minute: UnixMillis) -> MinuteInputs {
        let no_candles = VenueCandles::default();
        let venues = self.venues.iter().map(|response| {
            let candles = response.candles.as_ref().unwrap_or(&no_candles);
            let volume = response
                .volumes
                .get(&day_before(minute))
                .copied()
                .unwrap_or(0.0);
            VenueObservation::new(
                &response.venue,
                response.quote,
                volume,
                candles,
                minute,
                &self.rules,
            )
        });
        let usdt_usd = self.usdt_usd.iter().map(|(market, candles)| {
            let candles = candles.as_ref().unwrap_or(&no_candles);
            UsdtMarketCloses::new(market, candles, minute, &self.rules)
        });
        MinuteInputs {
            minute,
            venues: venues.collect(),
            usdt_usd: usdt_usd.collect(),
        }
    }

    /// Whether any market answered at all, if only to refuse. If none did, nothing was learnt: perhaps this machine is
    /// off the network.
    pub fn reached_any_venue(&self) -> bool {
        let is_unreached = |candles: &Result<VenueCandles, RestError>| {
            matches!(
                candles,
                Err(RestError::RateLimited { .. }
                    | RestError::Unreachable { .. }
                    | RestError::NotRecorded { .. })
            )
        };
        !self.all_candles().all(is_unreached)
    }

    /// Why markets have no candles, one line per venue and reason.
    pub fn failures(&self) -> Vec<String> {
        let errors = self
            .all_candles()
            .filter_map(|candles| candles.as_ref().err());
        let summaries: BTreeSet<String> = errors.map(RestError::summary).collect();
        summaries.into_iter().collect()
    }

    /// Of every venue, why it has no candles of a market of its own; `None` where it has.
    pub fn failures_by_venue(&self) -> BTreeMap<&str, Option<String>> {
        let series = self.venues.iter();
        let series = series.map(|response| (response.venue.as_str(), &response.candles));
        // A market's name begins with its venue's.
        let venue_of = |market: &'_ str| market.find(' ').unwrap_or(market.len());
        let rates = self.usdt_usd.iter();
        let rates = rates
            .map(|(market, candles)| (market.get(..venue_of(market)).unwrap_or(market), candles));
        let mut failures: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for (venue, candles) in series.chain(rates) {
            let failure = failures.entry(venue).or_default();
            if let (None, Err(error)) = (&failure, candles) {
                *failure = Some(error.summary());
            }
        }
        failures
    }

    fn all_candles(&self) -> impl Iterator<Item = &Result<VenueCandles, RestError>> {
        let venues = self.venues.iter().map(|response| &response.candles);
        venues.chain(self.usdt_usd.iter().map(|(_, candles)| candles))
    }
}

/// Start of the UTC day before the one that holds this instant.
pub(super) fn day_before(instant: UnixMillis) -> UnixMillis {
    UnixMillis::saturating(instant.get() - instant.get().rem_euclid(DAY.get())) - DAY
}
