//! What all configured markets say of some minutes: asked at once, cut into the inputs of each minute.
//!
//! ```text
//!  minutes ──▶ every market: 1-minute candles (and, of venues, the days' volumes) ──▶ Collected ──▶ MinuteInputs
//! ```
//!
//! It decides nothing: a market that can't be reached or is malformed just has no candles, and its error is kept to be
//! told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foretell_core::rules::MinuteRules;
use foretell_core::settle::{MINUTE, MarketCloses, MinuteInputs, Quote, Tape, Witness};
use foretell_core::time::{Millis, UnixMillis};
use futures_util::future::{join, join_all};

use crate::rest::{RestClient, RestError};
use crate::venue::{CandleQuery, Venue};

const DAY: Millis = Millis::days(1);
/// How far after a minute a venue's next candle is looked for, which makes that of the minute final.
const NEXT_CANDLE_WITHIN: Millis = Millis::minutes(60);

/// One pair on one venue.
#[derive(Clone)]
pub struct Market {
    /// The venue.
    pub venue: &'static dyn Venue,
    /// Scheme, name and port, without a trailing slash.
    pub host: String,
    /// The pair, as the venue writes it.
    pub symbol: String,
}

/// All markets that settle a series.
#[derive(Debug)]
pub struct Collector {
    rest: RestClient,
    rules: MinuteRules,
    venues: Vec<(Market, Quote)>,
    usdt_usd: Vec<Market>,
    /// Volumes of whole days that are over don't change: asked once.
    volumes: Mutex<BTreeMap<(String, UnixMillis), f64>>,
}

/// What the markets said.
#[derive(Debug)]
pub struct Collected {
    rules: MinuteRules,
    venues: Vec<VenueAnswer>,
    usdt_usd: Vec<(String, Result<Tape, RestError>)>,
}

#[derive(Debug)]
struct VenueAnswer {
    venue: String,
    quote: Quote,
    tape: Result<Tape, RestError>,
    /// By day.
    volumes: BTreeMap<UnixMillis, f64>,
}

impl Market {
    /// Venue and pair, as messages and records say it.
    pub fn name(&self) -> String {
        format!("{} {}", self.venue.name(), self.symbol)
    }
}

impl Collector {
    /// A collector that asks these venues for the series and these markets for USDT/USD.
    pub fn new(
        rest: RestClient,
        rules: MinuteRules,
        venues: Vec<(Market, Quote)>,
        usdt_usd: Vec<Market>,
    ) -> Self {
        Self {
            rest,
            rules,
            venues,
            usdt_usd,
            volumes: Mutex::default(),
        }
    }

    /// The markets' names, those that settle first.
    pub fn names(&self) -> Vec<String> {
        let venues = self.venues.iter().map(|(market, _)| market);
        venues.chain(&self.usdt_usd).map(Market::name).collect()
    }

    /// What everybody says at `now` of the minutes from `first` to `last`, and of those before that matter to them.
    pub async fn collect(&self, first: UnixMillis, last: UnixMillis, now: UnixMillis) -> Collected {
        // The candle that is forming now is asked for, too: it shows that those before it are final.
        let until = (last + MINUTE + NEXT_CANDLE_WITHIN).min(now + MINUTE);
        let lookback = MINUTE.times(self.rules.lookback as i64);
        let rate_lookback = lookback + MINUTE.times(self.rules.rate_max_age as i64);
        let venues = self.venues.iter().map(|(market, quote)| async move {
            let (tape, volumes) = join(
                self.tape(market, first - lookback, until),
                self.volumes(market, first, last),
            )
            .await;
            VenueAnswer {
                venue: market.venue.name().to_owned(),
                quote: *quote,
                tape,
                volumes,
            }
        });
        let rates = self.usdt_usd.iter().map(|market| async move {
            let tape = self.tape(market, first - rate_lookback, until);
            (market.name(), tape.await)
        });
        let (venues, usdt_usd) = join(join_all(venues), join_all(rates)).await;
        Collected {
            rules: self.rules,
            venues,
            usdt_usd,
        }
    }

    async fn tape(
        &self,
        market: &Market,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Tape, RestError> {
        let query = CandleQuery {
            symbol: &market.symbol,
            step: MINUTE,
            from,
            to,
        };
        let asked = self.rest.minutes(market.venue, &market.host, &query);
        let candles = asked.await?;
        Ok(candles.into_iter().map(|candle| candle.bar).collect())
    }

    /// Base volumes of the days before the days of these minutes, as far as they are known.
    async fn volumes(
        &self,
        market: &Market,
        first: UnixMillis,
        last: UnixMillis,
    ) -> BTreeMap<UnixMillis, f64> {
        let days = std::iter::successors(Some(day_before(first)), |day| Some(*day + DAY));
        let mut volumes = BTreeMap::new();
        for day in days.take_while(|day| *day <= day_before(last)) {
            if let Some(volume) = self.volume(market, day).await {
                volumes.insert(day, volume);
            }
        }
        volumes
    }

    async fn volume(&self, market: &Market, day: UnixMillis) -> Option<f64> {
        let key = (market.name(), day);
        if let Some(volume) = locked(&self.volumes).get(&key) {
            return Some(*volume);
        }
        let asked = self
            .rest
            .day_volume(market.venue, &market.host, &market.symbol, day);
        match asked.await {
            Ok(volume) => {
                let volume = volume?;
                locked(&self.volumes).insert(key, volume);
                Some(volume)
            }
            Err(error) => {
                tracing::debug!(market = %market.name(), %error, "no volume of the day before");
                None
            }
        }
    }
}

impl Collected {
    /// All that is known of one of the minutes.
    pub fn inputs(&self, minute: UnixMillis) -> MinuteInputs {
        let nothing = Tape::default();
        let venues = self.venues.iter().map(|answer| {
            let tape = answer.tape.as_ref().unwrap_or(&nothing);
            let volume = answer
                .volumes
                .get(&day_before(minute))
                .copied()
                .unwrap_or(0.0);
            Witness::of(
                &answer.venue,
                answer.quote,
                volume,
                tape,
                minute,
                &self.rules,
            )
        });
        let usdt_usd = self.usdt_usd.iter().map(|(market, tape)| {
            let tape = tape.as_ref().unwrap_or(&nothing);
            MarketCloses::of(market, tape, minute, &self.rules)
        });
        MinuteInputs {
            minute,
            venues: venues.collect(),
            usdt_usd: usdt_usd.collect(),
        }
    }

    /// Whether any market could be reached at all, if only to refuse. If none could, nothing was learnt: it may well be
    /// this machine that is off the network.
    pub fn reached_anybody(&self) -> bool {
        let learnt_nothing = |tape: &Result<Tape, RestError>| {
            matches!(
                tape,
                Err(RestError::LeftAlone { .. }
                    | RestError::Unreachable { .. }
                    | RestError::NotRecorded { .. })
            )
        };
        !self.tapes().all(learnt_nothing)
    }

    /// Who said nothing and why, each venue once.
    pub fn silences(&self) -> Vec<String> {
        let silent = self.tapes().filter_map(|tape| tape.as_ref().err());
        let words: BTreeSet<String> = silent.map(RestError::in_short).collect();
        words.into_iter().collect()
    }

    fn tapes(&self) -> impl Iterator<Item = &Result<Tape, RestError>> {
        let venues = self.venues.iter().map(|answer| &answer.tape);
        venues.chain(self.usdt_usd.iter().map(|(_, tape)| tape))
    }
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.name(), self.host)
    }
}

/// Start of the UTC day before the one that holds this instant.
fn day_before(instant: UnixMillis) -> UnixMillis {
    UnixMillis(instant.0 - instant.0.rem_euclid(DAY.0)) - DAY
}

/// What a mutex guards. A panic elsewhere leaves these maps whole: entries are only ever added.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
