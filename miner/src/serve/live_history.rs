//! The price history of a live miner: what the venue has, newest first, older bars piece by piece.

use foretell_core::time::{Millis, UnixMillis};

use super::candle_client::CandleClient;
use super::forecast_error::{ForecastServiceError, ForecastSetupError};
use super::partial_bar::partial_bars;
use super::warm_start;
use crate::config::MinerConfig;
use crate::price_history::PriceHistory;

/// History that is read before anything else; more comes piece by piece.
const INITIAL_HISTORY: Millis = Millis::days(40);
/// Span of one piece of older history.
const BACKFILL_CHUNK: Millis = Millis::days(30);
/// Candles that make up the [partial bar](partial_bars).
const MINUTE: Millis = Millis::minutes(1);

/// Bars of the series, and the venue that has more of them.
pub struct LiveHistory {
    candles: CandleClient,
    bars: PriceHistory,
    /// All bars from here on that exist were read.
    from: Option<UnixMillis>,
    /// How far back a model learns and forecasts from.
    window: Millis,
}

impl LiveHistory {
    /// The bars in the configured price files, and those that the last run kept.
    pub fn open(config: &MinerConfig, candles: CandleClient) -> Result<Self, ForecastSetupError> {
        let series = &config.series;
        let mut bars = PriceHistory::new(series.grid.step, series.unit);
        if !config.prices.files.is_empty() {
            bars = warm_start::load_history(&config.prices.files, series)?;
        }
        let stored = config.serve.data.join(warm_start::HISTORY_FILE);
        if stored.exists() {
            match warm_start::load_history(std::slice::from_ref(&stored), series) {
                Ok(own) => {
                    let added = bars.extend(own.bars().iter().copied());
                    tracing::info!(?added, file = %stored.display(), "history of the last run");
                }
                Err(error) => tracing::warn!(%error, "history of the last run is of no use"),
            }
        }
        Ok(Self {
            from: bars.bars().first().map(|bar| bar.open_time),
            bars,
            candles,
            window: Millis::days(i64::from(config.model.history_days)),
        })
    }

    /// All bars that are known.
    pub const fn bars(&self) -> &PriceHistory {
        &self.bars
    }

    /// The bars that a model may learn from at `at`.
    pub fn window_before(&self, at: UnixMillis) -> PriceHistory {
        self.bars.between(at - self.window, at)
    }

    /// Whether everything was read that a model may learn from at `now`.
    pub fn is_filled(&self, now: UnixMillis) -> bool {
        self.from.is_some_and(|from| from <= now - self.window)
    }

    /// Forgets the bars that no model learns from at `at` or later.
    pub fn trim(&mut self, at: UnixMillis) {
        let needed = at - self.window;
        self.bars.trim(needed);
        self.from = self.from.map(|from| from.max(needed));
    }

    /// Reads the bars that have closed since the last one known.
    pub async fn read_new_bars(&mut self, now: UnixMillis) -> Result<(), ForecastServiceError> {
        let step = self.bars.step();
        let closed = now.floor(step);
        let first = now - self.window.min(INITIAL_HISTORY);
        let known = self.bars.last_close_time();
        let known = known.filter(|known| *known >= first);
        // What is known may have ended long ago: then a hole is left for now, and read as older history.
        let from = known.unwrap_or(first.floor(step));
        let bars = self.candles.bars(step, from, closed).await?;
        self.bars.extend(bars)?;
        if known.is_none() {
            self.from = Some(from);
        }
        Ok(())
    }

    /// Reads a piece of older history, if there isn't enough, and returns how many bars were new.
    pub async fn backfill(&mut self, now: UnixMillis) -> Result<usize, ForecastServiceError> {
        let step = self.bars.step();
        let oldest = now - self.window;
        let oldest = oldest.floor(step);
        let Some(known_from) = self.from.filter(|from| *from > oldest) else {
            return Ok(0);
        };
        let from = (known_from - BACKFILL_CHUNK).max(oldest);
        let bars = self.candles.bars(step, from, known_from).await?;
        let added = self.bars.extend(bars)?;
        tracing::info!(%from, added, "older history");
        self.from = Some(from);
        Ok(added)
    }

    /// What a forecast of `origin` made at `now` starts from: the window before it, with the bar that hasn't closed
    /// yet as far as its minutes are known.
    pub async fn up_to_origin(
        &self,
        origin: UnixMillis,
        now: UnixMillis,
    ) -> Result<PriceHistory, ForecastServiceError> {
        let step = self.bars.step();
        let last = self.bars.last_close_time().unwrap_or_default();
        let minutes = if step > MINUTE {
            let to = now.floor(MINUTE);
            let minutes = self.candles.bars(MINUTE, last, to).await;
            minutes.unwrap_or_else(|error| {
                tracing::warn!(%error, "the partial bar is unknown");
                Vec::new()
            })
        } else {
            Vec::new()
        };
        let mut recent = self.window_before(origin);
        let partial = partial_bars(&minutes, recent.bars().last(), step, origin);
        recent.extend(partial)?;
        Ok(recent)
    }
}
