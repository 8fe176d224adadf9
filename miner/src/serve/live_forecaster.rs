//! What a live miner decides: which prices to read, when to fit, which forecasts to make. It does no I/O, waits for nothing,
//! and is told the time; whatever takes long is [work](ForecastWork) that others carry out, and what comes of it is
//! [taken](LiveForecaster::take).
//!
//! ```text
//!  every 5 s ─┬─ bars, minutes, older history ──▶ venue ──▶ history ─┐
//!             ├─ a fit is due? ──▶ rayon ──▶ model ──────────────────┴▶ forecasts of the next two origins,
//!             └─ files to write?                                        made anew as prices and model change
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foretell_cli::printable::printable;
use foretell_cli::trouble_log::TroubleLog;
use foretell_core::bar::Bar;
use foretell_core::series::Series;
use foretell_core::time::{Millis, UnixMillis};

use super::data_folder::DataFolder;
use super::forecast_error::ForecastServiceError;
use super::forecast_work::{
    FinishedWork, FitWork, ForecastWork, ForecastingWork, MadeForecasts, WorkKind,
};
use super::live_history::{CandleSpan, LiveHistory, floor};
use super::standing_forecasts::StandingForecasts;
use super::warm_start::{SaveWork, TimedFit};
use crate::config::ModelConfig;
use crate::models::{AnyFittedModel, AnyModel, ModelError};
use crate::price_history::PriceHistoryError;

/// From this long before an origin on its newest minutes are read, and nothing large is begun.
const REFRESH_LEAD: Millis = Millis::seconds(90);
/// This long before its origin a forecast is final: from here on validators may be bound to it.
pub const FINAL_LEAD: Millis = Millis::seconds(17);
/// A forecast from prices that are older than this many steps at its origin isn't given: by then the price has moved so far
/// that it would score worse, on average, than the −0.15 of a miss (about 0.28·n·(1 + ln(100/n))/100 below the reference
/// after n steps of a random walk).
const MAX_STALE_STEPS: i64 = 8;
/// The venue isn't asked for the same again before this is over.
const READ_INTERVAL: Millis = Millis::seconds(5);
/// The same for minutes that are of no consequence yet.
const EARLY_MINUTES_INTERVAL: Millis = Millis::seconds(20);
/// After a failure to read older history, this long until the next try.
const OLDER_RETRY_DELAY: Millis = Millis::minutes(1);
/// A data directory that can't be written to is tried again after this.
const PROBE_INTERVAL: Millis = Millis::seconds(15);
/// Trouble that changes is told no more often than this.
const TROUBLE_QUIET: Millis = Millis::minutes(10);

/// History, model and the forecasts that stand.
pub struct LiveForecaster {
    series: Series,
    config: ModelConfig,
    model: Arc<dyn AnyModel>,
    folder: Arc<DataFolder>,
    history: LiveHistory,
    fit: Option<TimedFit>,
    /// The history that the model learnt from has grown into the past since.
    backfilled_since_fit: bool,
    /// Why the last fit failed, and what it would have learnt from: close and number of the bars.
    failed_fit: Option<((UnixMillis, usize), Arc<ModelError>)>,
    /// A fit that isn't kept for the next start yet.
    unsaved: Option<SaveWork>,
    standing: StandingForecasts,
    /// Counts changes of prices and model: a forecast of an older revision isn't the newest that can be made.
    revision: u64,
    /// Origins whose forecast failed, with the revision that it failed for.
    failed: BTreeMap<UnixMillis, (u64, ForecastServiceError)>,
    /// How the last try to read the newest bars ended; `None` before the first.
    last_read: Option<Result<(), ForecastServiceError>>,
    running: BTreeSet<WorkKind>,
    /// Work of a kind isn't begun before its time here.
    not_before: BTreeMap<WorkKind, UnixMillis>,
    troubles: Troubles,
}

/// What is told of in the log when it begins, changes and ends.
struct Troubles {
    prices: TroubleLog,
    minutes: TroubleLog,
    older: TroubleLog,
    fit: TroubleLog,
    saved: TroubleLog,
    ready: TroubleLog,
}

impl LiveForecaster {
    /// One that starts from this history, and this model if there is one.
    pub fn new(
        series: Series,
        config: ModelConfig,
        model: Arc<dyn AnyModel>,
        folder: Arc<DataFolder>,
        history: LiveHistory,
        fit: Option<TimedFit>,
    ) -> Self {
        let trouble = |what| TroubleLog::new(what, TROUBLE_QUIET);
        Self {
            series,
            config,
            model,
            folder,
            history,
            fit,
            backfilled_since_fit: false,
            failed_fit: None,
            unsaved: None,
            standing: StandingForecasts::default(),
            revision: 1,
            failed: BTreeMap::new(),
            last_read: None,
            running: BTreeSet::new(),
            not_before: BTreeMap::new(),
            troubles: Troubles {
                prices: trouble("prices"),
                minutes: trouble("newest minutes"),
                older: trouble("older history"),
                fit: trouble("model"),
                saved: trouble("files for the next start"),
                ready: trouble("next round"),
            },
        }
    }

    /// The forecasts that stand now.
    pub const fn standing(&self) -> &StandingForecasts {
        &self.standing
    }

    /// What is to be begun at `now`: it counts as running until its end is [taken](Self::take).
    pub fn due_work(&mut self, now: UnixMillis) -> Vec<ForecastWork> {
        let next = self.next_origin(now);
        self.standing.forget_before(floor(now, self.step()));
        self.failed.retain(|origin, _| *origin >= next);
        let mut work = Vec::new();
        let found = self.history.due_bars(now).map(ForecastWork::ReadBars);
        self.begin(READ_INTERVAL, now, found, &mut work);
        let found = self.history.due_minutes(now);
        let found = found.map(ForecastWork::ReadMinutes);
        let interval = self.minutes_interval(now);
        self.begin(interval, now, found, &mut work);
        let found = self.due_older_bars(now).map(ForecastWork::ReadOlderBars);
        self.begin(READ_INTERVAL, now, found, &mut work);
        let found = self.due_fit(now).map(ForecastWork::Fit);
        self.begin(Millis::literal(0), now, found, &mut work);
        let found = self.due_forecasts(now).map(ForecastWork::Forecast);
        self.begin(Millis::literal(0), now, found, &mut work);
        let unsaved = match self.running.contains(&WorkKind::Save) {
            true => None,
            false => self.unsaved.take(),
        };
        let found = unsaved.map(ForecastWork::Save);
        self.begin(Millis::literal(0), now, found, &mut work);
        let found = self.folder.needs_probe();
        let found = found.then_some(ForecastWork::ProbeFolder);
        self.begin(PROBE_INTERVAL, now, found, &mut work);
        let missing = self.why_missing(next);
        self.tell_readiness(missing.as_ref(), now);
        self.standing.set_missing(missing);
        work
    }

    /// Begins `found` unless work of its kind runs, or began less than `interval` ago.
    fn begin(
        &mut self,
        interval: Millis,
        now: UnixMillis,
        found: Option<ForecastWork>,
        work: &mut Vec<ForecastWork>,
    ) {
        let Some(found) = found else { return };
        let kind = found.kind();
        let not_before = self.not_before.get(&kind);
        // A clock that was set back doesn't hold up what is due.
        let waits = not_before.is_some_and(|at| now < *at && *at - now <= OLDER_RETRY_DELAY);
        if waits || !self.running.insert(kind) {
            return;
        }
        if kind == WorkKind::Fit {
            self.backfilled_since_fit = false;
        }
        self.not_before.insert(kind, now + interval);
        work.push(found);
    }

    /// Takes what has come of work that was begun.
    pub fn take(&mut self, done: FinishedWork, now: UnixMillis) {
        self.running.remove(&done.kind());
        match done {
            FinishedWork::ReadBars(span, bars) => self.take_bars(span, bars, now),
            FinishedWork::ReadMinutes(minutes) => {
                let trouble = minutes.as_ref().err().map(log_text);
                self.troubles.minutes.log(trouble.as_deref(), now);
                let added = minutes.map(|minutes| self.history.add_minutes(minutes));
                self.revision += u64::from(added.is_ok_and(|added| added > 0));
            }
            FinishedWork::ReadOlderBars(span, bars) => self.take_older_bars(span, bars, now),
            FinishedWork::Fit(at, fitted) => self.take_fit(at, fitted, now),
            FinishedWork::Forecast(made) => self.take_forecasts(made),
            FinishedWork::Save(saved) => {
                let trouble = saved.err().map(|error| format!("{error:#}"));
                self.troubles.saved.log(trouble.as_deref(), now);
            }
            FinishedWork::ProbeFolder => {}
        }
    }

    fn take_bars(
        &mut self,
        span: CandleSpan,
        bars: Result<Vec<Bar>, ForecastServiceError>,
        now: UnixMillis,
    ) {
        let added = bars.and_then(|bars| Ok(self.history.add_bars(span, bars)?));
        let trouble = added.as_ref().err().map(log_text);
        self.troubles.prices.log(trouble.as_deref(), now);
        self.revision += u64::from(added.as_ref().is_ok_and(|added| *added > 0));
        self.last_read = Some(added.map(drop));
    }

    fn take_older_bars(
        &mut self,
        span: CandleSpan,
        bars: Result<Vec<Bar>, ForecastServiceError>,
        now: UnixMillis,
    ) {
        let added = bars.and_then(|bars| {
            let added = self.history.add_older_bars(span, bars);
            added.map_err(|error: PriceHistoryError| error.into())
        });
        let trouble = added.as_ref().err().map(log_text);
        self.troubles.older.log(trouble.as_deref(), now);
        match added {
            Ok(added) => {
                tracing::info!(from = %span.from, added, "older history");
                self.backfilled_since_fit |= added > 0;
                // What the model learns from changes, and so may what it forecasts.
                self.revision += u64::from(added > 0);
            }
            Err(_) => {
                let again = now + OLDER_RETRY_DELAY;
                self.not_before.insert(WorkKind::ReadOlderBars, again);
            }
        }
    }

    /// Puts a finished fit to work, and has it kept for the next start.
    fn take_fit(
        &mut self,
        at: UnixMillis,
        fitted: Result<Arc<dyn AnyFittedModel>, ModelError>,
        now: UnixMillis,
    ) {
        let trouble = fitted.as_ref().err();
        let trouble = trouble.map(|error| format!("it can't be fitted: {error}"));
        self.troubles.fit.log(trouble.as_deref(), now);
        match fitted {
            Ok(fitted) => {
                tracing::info!(%at, model = self.model.name(), "fitted");
                self.fit = Some((at, Arc::clone(&fitted)));
                self.failed_fit = None;
                self.revision += 1;
                self.history.trim(at);
                let history = self.history.bars().clone();
                self.unsaved = Some(SaveWork {
                    fitted,
                    at,
                    history,
                });
            }
            Err(error) => self.failed_fit = Some((self.fit_basis(), Arc::new(error))),
        }
    }

    /// A forecast that was made takes the place of an older one; one that failed takes nothing's place.
    fn take_forecasts(&mut self, made: MadeForecasts) {
        for (origin, payload) in made.by_origin {
            match payload {
                Ok(payload) => {
                    self.failed.remove(&origin);
                    self.standing.replace(origin, made.revision, payload);
                }
                Err(error) => {
                    self.failed.insert(origin, (made.revision, error));
                }
            }
        }
    }

    /// Minutes matter most shortly before an origin, and while the bar that covers them is late.
    fn minutes_interval(&self, now: UnixMillis) -> Millis {
        let late = self.history.due_bars(now).is_some();
        match late || self.is_soon(now) {
            true => READ_INTERVAL,
            false => EARLY_MINUTES_INTERVAL,
        }
    }

    fn due_older_bars(&self, now: UnixMillis) -> Option<CandleSpan> {
        let older = self.history.due_older_bars(now);
        older.filter(|_| !self.is_soon(now))
    }

    /// The fit that is due, if one is: the model in place answers meanwhile.
    fn due_fit(&self, now: UnixMillis) -> Option<FitWork> {
        let at = self.history.last_close_time()?;
        let every = Millis::hours(i64::from(self.config.refit_hours));
        let due = match &self.fit {
            // Without new bars there is nothing to learn, however long ago it was.
            Some((fitted_at, _)) => {
                let outdated = *fitted_at < floor(now, every) && at > *fitted_at;
                let completed = self.backfilled_since_fit && self.history.is_filled(now);
                (outdated || completed) && !self.is_soon(now)
            }
            None => true,
        };
        let failed = self.failed_fit.as_ref();
        let in_vain = failed.is_some_and(|(basis, _)| *basis == self.fit_basis());
        (due && !in_vain).then(|| FitWork {
            model: Arc::clone(&self.model),
            known: self.history.window_before(at),
            grid: self.series.grid,
            seed: self.config.seed,
            at,
        })
    }

    /// The forecasts that are to be made: of the next origin if the one that stands isn't of the newest prices and model, or
    /// isn't there; of the one after it if there is none, so that one stands when its turn comes.
    fn due_forecasts(&self, now: UnixMillis) -> Option<ForecastingWork> {
        let (_, fitted) = self.fit.as_ref()?;
        let next = self.next_origin(now);
        let is_final = next - now <= FINAL_LEAD;
        let wanted = |origin: UnixMillis| match self.standing.revision(origin) {
            Some(revision) => origin == next && revision != self.revision && !is_final,
            None => {
                let failed = self.failed.get(&origin);
                let in_vain = failed.is_some_and(|(revision, _)| *revision == self.revision);
                !in_vain && !self.is_stale(origin)
            }
        };
        let origins = [next, next + self.step()];
        let origins: Vec<_> = origins.into_iter().filter(|at| wanted(*at)).collect();
        (!origins.is_empty()).then(|| ForecastingWork {
            origins,
            revision: self.revision,
            fitted: Arc::clone(fitted),
            prices: self.history.known_prices(),
            config: self.config.clone(),
        })
    }

    /// Why there is no forecast of `origin`; `None` if there is one.
    fn why_missing(&self, origin: UnixMillis) -> Option<ForecastServiceError> {
        if self.standing.current(origin).is_ok() {
            return None;
        }
        if let Some((_, error)) = self.failed.get(&origin) {
            return Some(error.clone());
        }
        if self.is_stale(origin) {
            let last = self.history.newest_price_time().unwrap_or_default();
            return Some(match &self.last_read {
                None => ForecastServiceError::Starting,
                Some(Err(error)) => error.clone(),
                Some(Ok(())) => ForecastServiceError::Stale {
                    last,
                    behind_s: (origin - last).get() / 1000,
                },
            });
        }
        match (&self.fit, &self.failed_fit) {
            (None, Some((_, error))) => Some(ForecastServiceError::Model(Arc::clone(error))),
            _ => Some(ForecastServiceError::Preparing),
        }
    }

    fn tell_readiness(&mut self, missing: Option<&ForecastServiceError>, now: UnixMillis) {
        let unwritable = self.folder.writable().err();
        let unwritable = unwritable.map(ForecastServiceError::Folder);
        // How every start begins is no trouble.
        let missing = missing.filter(|why| !why.is_starting());
        let trouble = missing.or(unwritable.as_ref());
        let trouble = trouble.map(|why| format!("not ready: {}", log_text(why)));
        self.troubles.ready.log(trouble.as_deref(), now);
    }

    /// What a fit learns from: when the newest bar closed, and how many there are.
    fn fit_basis(&self) -> (UnixMillis, usize) {
        let bars = self.history.bars();
        let last = bars.last_close_time().unwrap_or_default();
        (last, bars.bars().len())
    }

    fn is_stale(&self, origin: UnixMillis) -> bool {
        let last = self.history.newest_price_time().unwrap_or_default();
        origin - last > self.step().times(MAX_STALE_STEPS)
    }

    fn is_soon(&self, now: UnixMillis) -> bool {
        // A step that is shorter leaves a third of itself for everything else.
        let lead = REFRESH_LEAD.min(Millis::saturating(self.step().get() / 3 * 2));
        self.next_origin(now) - now <= lead
    }

    fn step(&self) -> Millis {
        self.series.grid.step
    }

    fn next_origin(&self, now: UnixMillis) -> UnixMillis {
        next_origin(now, self.step())
    }
}

/// The first instant of the grid after `now`.
pub fn next_origin(now: UnixMillis, step: Millis) -> UnixMillis {
    floor(now, step) + step
}

/// The error as one line of the log, without what differs from one try to the next.
fn log_text(error: &ForecastServiceError) -> String {
    printable(&error.summary()).into_owned()
}

#[cfg(test)]
mod tests;
