//! Collects the candles of some minutes from all configured markets at once, for settlement.
//!
//! ```text
//!  minutes ──▶ every market: 1-minute candles (and, of venues, the days' volumes) ──▶ CollectedCandles ──▶ MinuteInputs
//! ```
//!
//! It decides nothing: a market that can't be reached, or whose answer is malformed, has no candles, and its error is kept
//! for messages.

mod collected_candles;
mod venue_market;
mod venue_outages;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foretell_core::rules::MinuteRules;
use foretell_core::settle::{MINUTE, QuoteCurrency, VenueCandles};
use foretell_core::time::{Millis, UnixMillis};
use futures_util::future::{join, join_all};

pub use self::collected_candles::CollectedCandles;
use self::collected_candles::{DAY, VenueResponse, day_before};
pub use self::venue_market::VenueMarket;
pub use self::venue_outages::VenueOutages;
use crate::rest::{RestClient, RestError};
use crate::venue::{CandleQuery, VenueError};

/// How far after a minute a venue's next candle is looked for. The minute's candle is final once there is one.
const NEXT_CANDLE_WITHIN: Millis = Millis::minutes(60);

/// A candle may begin this much after our clock's time, which may be late. One that begins later is made up, and would make
/// those before it final.
const MAX_AHEAD: Millis = Millis::minutes(2);

/// All markets that settle a series.
#[derive(Debug)]
pub struct CandleCollector {
    rest: RestClient,
    rules: MinuteRules,
    venues: Vec<(VenueMarket, QuoteCurrency)>,
    usdt_usd: Vec<VenueMarket>,
    /// Volumes of past days, by market and day; they don't change, so each is requested once.
    known_volumes: Mutex<BTreeMap<(String, UnixMillis), f64>>,
}

impl CandleCollector {
    /// A collector of these markets of the series, each with its quote currency, and of these markets of USDT/USD.
    pub fn new(
        rest: RestClient,
        rules: MinuteRules,
        venues: Vec<(VenueMarket, QuoteCurrency)>,
        usdt_usd: Vec<VenueMarket>,
    ) -> Self {
        Self {
            rest,
            rules,
            venues,
            usdt_usd,
            known_volumes: Mutex::default(),
        }
    }

    /// The markets' names, those that settle first.
    pub fn market_names(&self) -> Vec<String> {
        let venues = self.venues.iter().map(|(market, _)| market);
        venues
            .chain(&self.usdt_usd)
            .map(VenueMarket::name)
            .collect()
    }

    /// The candles that all markets have at `now` for the minutes from `first` to `last` (starts, inclusive) and for the
    /// minutes before that their settlement looks back to.
    pub async fn collect(
        &self,
        first: UnixMillis,
        last: UnixMillis,
        now: UnixMillis,
    ) -> CollectedCandles {
        // The forming candle is requested too: it shows that those before it are final.
        let until = (last + MINUTE + NEXT_CANDLE_WITHIN).min(now + MINUTE);
        let lookback = MINUTE.times(self.rules.probation_lookback as i64);
        let rate_lookback = lookback + MINUTE.times(self.rules.usdt_rate_max_age as i64);
        let venues = self.venues.iter().map(|(market, quote)| async move {
            let (candles, volumes) = join(
                self.minute_candles(market, first - lookback, until, now),
                self.day_volumes(market, first, last),
            )
            .await;
            VenueResponse {
                venue: market.venue.name().to_owned(),
                quote: *quote,
                candles,
                volumes,
            }
        });
        let rates = self.usdt_usd.iter().map(|market| async move {
            let candles = self.minute_candles(market, first - rate_lookback, until, now);
            (market.name(), candles.await)
        });
        let (venues, usdt_usd) = join(join_all(venues), join_all(rates)).await;
        CollectedCandles {
            rules: self.rules,
            venues,
            usdt_usd,
        }
    }

    async fn minute_candles(
        &self,
        market: &VenueMarket,
        from: UnixMillis,
        to: UnixMillis,
        now: UnixMillis,
    ) -> Result<VenueCandles, RestError> {
        let query = CandleQuery {
            symbol: &market.symbol,
            step: MINUTE,
            from,
            to,
        };
        let request = self
            .rest
            .candles_with_forming(market.venue, &market.host, &query);
        let candles = request.await?;
        if let Some(future) = candles.last().filter(|c| c.bar.open_time > now + MAX_AHEAD) {
            let why = format!(
                "a candle of {}, which is in the future by this machine's clock; check the clock if other venues say so, too",
                future.bar.open_time
            );
            return Err(VenueError::malformed(market.venue.name(), why).into());
        }
        Ok(candles.into_iter().map(|candle| candle.bar).collect())
    }

    /// Base volumes of the UTC days before those of these minutes, as far as they are known.
    async fn day_volumes(
        &self,
        market: &VenueMarket,
        first: UnixMillis,
        last: UnixMillis,
    ) -> BTreeMap<UnixMillis, f64> {
        let days = std::iter::successors(Some(day_before(first)), |day| Some(*day + DAY));
        let mut volumes = BTreeMap::new();
        for day in days.take_while(|day| *day <= day_before(last)) {
            if let Some(volume) = self.day_volume(market, day).await {
                volumes.insert(day, volume);
            }
        }
        volumes
    }

    async fn day_volume(&self, market: &VenueMarket, day: UnixMillis) -> Option<f64> {
        let key = (market.name(), day);
        if let Some(volume) = locked(&self.known_volumes).get(&key) {
            return Some(*volume);
        }
        let request = self
            .rest
            .day_volume(market.venue, &market.host, &market.symbol, day);
        match request.await {
            Ok(volume) => {
                let volume = volume?;
                locked(&self.known_volumes).insert(key, volume);
                Some(volume)
            }
            Err(error) => {
                tracing::debug!(market = %market.name(), %error, "no volume of the day before");
                None
            }
        }
    }
}

/// What a mutex guards. A panic elsewhere leaves these maps whole: entries are only ever added.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
