//! The price history of a live miner: what was read from files and the venue, and which pieces are to be read next.

use std::collections::BTreeMap;
use std::path::Path;

use foretell_core::bar::Bar;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};

use super::forecast_error::ForecastSetupError;
use super::partial_bar::partial_bars;
use super::warm_start;
use crate::config::MinerConfig;
use crate::price_history::{PriceHistory, PriceHistoryError};

/// History that is read before anything else; more comes piece by piece.
const INITIAL_HISTORY: Millis = Millis::days(40);
/// Span of one piece of older history.
const BACKFILL_CHUNK: Millis = Millis::days(30);
/// Candles that make up the [partial bar](partial_bars).
pub const MINUTE: Millis = Millis::minutes(1);
/// Minutes are asked for no further back than this many steps: a venue that lacks that many bars lacks its minutes, too.
const MAX_MINUTES_STEPS: i64 = 8;

/// A span of candles, `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleSpan {
    /// When the first one opens.
    pub from: UnixMillis,
    /// When the last one closes.
    pub to: UnixMillis,
}

/// Bars of the series, and the minutes since the newest of them.
pub struct LiveHistory {
    bars: PriceHistory,
    /// By open time: those that no bar covers yet.
    minutes: BTreeMap<UnixMillis, Bar>,
    /// All bars from here on that exist were read.
    from: Option<UnixMillis>,
    /// How far back a model learns and forecasts from.
    window: Millis,
}

/// All prices that a forecast starts from, cut off from the history: it can be made on another thread.
#[derive(Debug, Clone)]
pub struct KnownPrices {
    bars: PriceHistory,
    minutes: Vec<Bar>,
    window: Millis,
}

impl LiveHistory {
    /// The bars in the configured price files, and those that the last run kept.
    pub fn open(config: &MinerConfig) -> Result<Self, ForecastSetupError> {
        let series = &config.series;
        let mut history = Self::new(series.grid.step, series.unit, window_of(config));
        if !config.prices.files.is_empty() {
            history.bars = warm_start::load_history(&config.prices.files, series)?;
        }
        let stored = config.serve.data.join(warm_start::HISTORY_FILE);
        if stored.exists() {
            history.add_stored(config, &stored);
        }
        history.from = history.bars.bars().first().map(|bar| bar.open_time);
        Ok(history)
    }

    /// A history without bars.
    pub fn new(step: Millis, unit: Unit, window: Millis) -> Self {
        Self {
            bars: PriceHistory::new(step, unit),
            minutes: BTreeMap::new(),
            from: None,
            window,
        }
    }

    fn add_stored(&mut self, config: &MinerConfig, stored: &Path) {
        match warm_start::load_history(&[stored.to_owned()], &config.series) {
            Ok(own) => {
                let added = self.bars.extend(own.bars().iter().copied());
                tracing::info!(?added, file = %stored.display(), "history of the last run");
            }
            Err(error) => tracing::warn!(%error, "history of the last run is of no use"),
        }
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

    /// When the newest bar closed; `None` without bars.
    pub fn last_close_time(&self) -> Option<UnixMillis> {
        self.bars.last_close_time()
    }

    /// The time of the newest price that is known: the close of a bar or of a minute; `None` without bars.
    pub fn newest_price_time(&self) -> Option<UnixMillis> {
        let bar = self.last_close_time()?;
        Some(self.newest_minute().map_or(bar, |minute| minute.max(bar)))
    }

    /// The bars that have closed by `now` since the last one known, if there can be some.
    pub fn due_bars(&self, now: UnixMillis) -> Option<CandleSpan> {
        let step = self.bars.step();
        let first = now - self.window.min(INITIAL_HISTORY);
        // What is known may have ended long ago: then a hole is left for now, and read as older history.
        let known = self.last_close_time().filter(|known| *known >= first);
        span(known.unwrap_or(floor(first, step)), floor(now, step))
    }

    /// Takes the venue's answer for [due bars](Self::due_bars) of this span, and returns how many were new.
    ///
    /// # Errors
    /// Bars that don't belong in the history; none is taken.
    pub fn add_bars(
        &mut self,
        span: CandleSpan,
        bars: Vec<Bar>,
    ) -> Result<usize, PriceHistoryError> {
        let continues = self.last_close_time() == Some(span.from);
        // Without any, the span may lie where the venue has none: before its time, or in what a wrong clock took for the past.
        let some = !bars.is_empty();
        let added = self.bars.extend(bars)?;
        if some && !continues {
            self.from = Some(span.from);
        }
        let last = self.last_close_time().unwrap_or_default();
        self.minutes = self.minutes.split_off(&last);
        Ok(added)
    }

    /// The minutes that have closed by `now` since the last bar, if there can be some that aren't known.
    pub fn due_minutes(&self, now: UnixMillis) -> Option<CandleSpan> {
        let step = self.bars.step();
        let last = self.last_close_time().filter(|_| step > MINUTE)?;
        let to = floor(now, MINUTE);
        if self.newest_minute().is_some_and(|newest| newest >= to) {
            return None;
        }
        span(last.max(to - step.times(MAX_MINUTES_STEPS)), to)
    }

    /// Takes minutes, and returns how many were new; those before the last bar's close and of unusable price are left out.
    pub fn add_minutes(&mut self, minutes: Vec<Bar>) -> usize {
        let last = self.last_close_time().unwrap_or_default();
        let before = self.minutes.len();
        // The history refuses the partial bar as a whole, so what it would refuse never gets there.
        let unit = self.bars.unit();
        let usable = |bar: &Bar| {
            PriceHistory::new(MINUTE, unit).extend([*bar]).is_ok() && bar.open_time >= last
        };
        for minute in minutes.into_iter().filter(usable) {
            self.minutes.entry(minute.open_time).or_insert(minute);
        }
        self.minutes.len() - before
    }

    /// The next piece of older history, if there isn't enough.
    pub fn due_older_bars(&self, now: UnixMillis) -> Option<CandleSpan> {
        let oldest = floor(now - self.window, self.bars.step());
        let known_from = self.from.filter(|from| *from > oldest)?;
        span((known_from - BACKFILL_CHUNK).max(oldest), known_from)
    }

    /// Takes the venue's answer for [due older bars](Self::due_older_bars), and returns how many were new.
    ///
    /// # Errors
    /// Bars that don't belong in the history; none is taken.
    pub fn add_older_bars(
        &mut self,
        span: CandleSpan,
        bars: Vec<Bar>,
    ) -> Result<usize, PriceHistoryError> {
        let added = self.bars.extend(bars)?;
        // What is known may begin elsewhere by now.
        if self.from == Some(span.to) {
            self.from = Some(span.from);
        }
        Ok(added)
    }

    /// What forecasts can start from now.
    pub fn known_prices(&self) -> KnownPrices {
        KnownPrices {
            bars: self.bars.clone(),
            minutes: self.minutes.values().copied().collect(),
            window: self.window,
        }
    }

    fn newest_minute(&self) -> Option<UnixMillis> {
        let (open_time, _) = self.minutes.last_key_value()?;
        Some(*open_time + MINUTE)
    }
}

impl KnownPrices {
    /// What a forecast of `origin` starts from: the window before it, with the bars that haven't closed or weren't read
    /// yet as far as their minutes are known.
    ///
    /// # Errors
    /// Prices that don't belong in the history.
    pub fn up_to_origin(&self, origin: UnixMillis) -> Result<PriceHistory, PriceHistoryError> {
        let mut recent = self.bars.between(origin - self.window, origin);
        let last = recent.bars().last();
        let partial = partial_bars(&self.minutes, last, recent.step(), origin);
        recent.extend(partial)?;
        Ok(recent)
    }
}

fn window_of(config: &MinerConfig) -> Millis {
    Millis::days(i64::from(config.model.history_days))
}

fn span(from: UnixMillis, to: UnixMillis) -> Option<CandleSpan> {
    (from < to).then_some(CandleSpan { from, to })
}

/// The last multiple of `step` up to `time`.
pub fn floor(time: UnixMillis, step: Millis) -> UnixMillis {
    UnixMillis::saturating(time.get() - time.get().rem_euclid(step.get()))
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{MONDAY, STEP, bars, price};

    use super::*;

    fn history() -> LiveHistory {
        LiveHistory::new(STEP, Unit::LogPrice, Millis::days(60))
    }

    fn at(minute: i64) -> UnixMillis {
        MONDAY + MINUTE.times(minute)
    }

    fn minute(n: i64, value: f64) -> Bar {
        Bar::from_value(at(n), price(value))
    }

    /// A history whose last bar closed on Monday at 0:00.
    fn known() -> LiveHistory {
        let mut history = history();
        let span = history.due_bars(MONDAY).unwrap();
        let newest = bars(MONDAY - STEP.times(3), [10.0, 11.0, 12.0]);
        assert_eq!(history.add_bars(span, newest), Ok(3));
        history
    }

    #[test]
    fn what_is_due_is_what_has_closed_and_is_not_known() {
        let mut history = known();
        assert_eq!(history.due_bars(at(4)), None);
        let span = CandleSpan {
            from: MONDAY,
            to: at(5),
        };
        assert_eq!(history.due_bars(at(6)), Some(span));
        let minutes = CandleSpan {
            from: MONDAY,
            to: at(3),
        };
        assert_eq!(
            history.due_minutes(at(3) + Millis::literal(1)),
            Some(minutes)
        );
        assert_eq!(history.add_minutes(vec![minute(2, 13.0)]), 1);
        assert_eq!(history.due_minutes(at(3) + Millis::literal(1)), None);
        assert_eq!(history.newest_price_time(), Some(at(3)));
        // The bar that covers the minutes takes their place.
        assert_eq!(history.add_bars(span, bars(MONDAY, [14.0])), Ok(1));
        assert_eq!(history.newest_price_time(), Some(at(5)));
        assert!(history.minutes.is_empty());
    }

    #[test]
    fn older_history_comes_piece_by_piece_until_there_is_enough() {
        let mut history = known();
        let first = history.due_older_bars(MONDAY).unwrap();
        assert_eq!(first.to, MONDAY - INITIAL_HISTORY);
        assert_eq!(history.add_older_bars(first, Vec::new()), Ok(0));
        // 40 and 30 days are more than 60: the first piece was all.
        assert!(history.is_filled(MONDAY));
        assert_eq!(history.due_older_bars(MONDAY), None);
    }

    #[test]
    fn a_late_bar_is_made_of_its_minutes_and_never_of_unusable_ones() {
        let mut history = known();
        let before = bars(MONDAY - STEP, [9.0])[0];
        let minutes = vec![minute(1, 13.0), minute(4, 14.0), minute(5, 15.0), before];
        assert_eq!(history.add_minutes(minutes), 3);
        assert_eq!(
            history.add_minutes(vec![minute(6, -1.0), minute(5, 15.0)]),
            0
        );
        let recent = history.known_prices().up_to_origin(at(10)).unwrap();
        let closes: Vec<f64> = recent.bars().iter().map(|bar| bar.close.get()).collect();
        assert_eq!(closes, [10.0, 11.0, 12.0, 14.0, 15.0]);
        assert_eq!(recent.last_close_time(), Some(at(10)));
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_while_makes_no_hole() {
        let mut history = known();
        let before = history.due_older_bars(MONDAY);
        let span = history.due_bars(MONDAY + Millis::days(10_000)).unwrap();
        assert_eq!(history.add_bars(span, Vec::new()), Ok(0));
        assert_eq!(history.due_older_bars(MONDAY), before);
        assert_eq!(history.due_bars(at(6)).map(|span| span.from), Some(MONDAY));
    }

    #[test]
    fn bars_that_cannot_be_are_refused_whole() {
        let mut history = known();
        let span = history.due_bars(at(10)).unwrap();
        let off_grid = bars(MONDAY + Millis::literal(1), [13.0]);
        assert!(history.add_bars(span, off_grid).is_err());
        assert_eq!(history.last_close_time(), Some(MONDAY));
        assert_eq!(history.due_bars(at(10)), Some(span));
    }
}
