//! The desk of a live miner: prepares each forecast ahead of its origin, and refits in the background.
//!
//! ```text
//!  every 5 s ─┬─ new bars, and the unfinished bar from minutes ──▶ forecast of the next origin ──▶ on disk at T − 20 s
//!             ├─ a piece of older history, until there is enough
//!             └─ a fit is due? ──▶ rayon ──▶ swapped in when it is done; the old model answers meanwhile
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use foretell_core::series::{RoundId, Series};
use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::candle_client::CandleClient;
use super::committed_payload::CommittedPayload;
use super::forecast_service::{
    ForecastRequest, ForecastServiceError, ForecastSetupError, blocking, forecast_payload,
    store_payload,
};
use super::partial_bar::partial_bars;
use super::payload_store::PayloadStore;
use super::warm_start::{self, TimedFit};
use crate::config::{MinerConfig, ModelConfig};
use crate::models::{AnyFittedModel, AnyModel, ModelError};
use crate::price_history::PriceHistory;
use foretell_cli::clock::system_now;

/// How often the desk looks whether something is to be done.
const TICK: Duration = Duration::from_secs(5);
/// This long before its origin a forecast is made anew at every tick, from the newest price.
const REFRESH_LEAD: Millis = Millis::seconds(30);
/// This long before its origin a forecast is final, and on disk.
const FINAL_LEAD: Millis = Millis::seconds(20);
/// History that is read before anything else; more comes piece by piece.
const INITIAL_HISTORY: Millis = Millis::days(40);
const BACKFILL_CHUNK: Millis = Millis::days(30);
/// Bars older than this many steps are no longer fresh.
const MAX_STALE_STEPS: i64 = 3;
/// Candles that make up the [partial bar](partial_bars).
const MINUTE: Millis = Millis::minutes(1);

/// A fit that is done, or the panic that ended it.
type FinishedFit = (
    UnixMillis,
    thread::Result<Result<Box<dyn AnyFittedModel>, ModelError>>,
);
/// A fit under way.
type RunningFit = oneshot::Receiver<FinishedFit>;

/// Owns history and model, and goes by the machine's clock.
pub struct LiveForecastService {
    series: Series,
    config: ModelConfig,
    folder: PathBuf,
    model: Arc<dyn AnyModel>,
    candles: CandleClient,
    payloads: Arc<PayloadStore>,
    requests: mpsc::Receiver<ForecastRequest>,
    history: PriceHistory,
    /// All bars from here on that exist were read.
    history_from: Option<UnixMillis>,
    fit: Option<TimedFit>,
    /// The history that the model learnt from has grown into the past since.
    backfilled_since_fit: bool,
    refit: Option<RunningFit>,
    prepared: Option<PreparedForecast>,
}

/// The newest forecast that nobody is bound to.
struct PreparedForecast {
    origin: UnixMillis,
    made: UnixMillis,
    payload: Result<Arc<str>, ForecastServiceError>,
}

impl LiveForecastService {
    /// A desk that starts from what it finds: configured price files, the history and the model of its last run.
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        payloads: Arc<PayloadStore>,
        requests: mpsc::Receiver<ForecastRequest>,
    ) -> Result<Self, ForecastSetupError> {
        let series = config.series.clone();
        let folder = config.serve.data.clone();
        let mut history = PriceHistory::new(series.grid.step, series.unit);
        if !config.prices.files.is_empty() {
            history = warm_start::load_history(&config.prices.files, &series)?;
        }
        let stored = folder.join(warm_start::HISTORY_FILE);
        if stored.exists() {
            match warm_start::load_history(std::slice::from_ref(&stored), &series) {
                Ok(own) => {
                    let added = history.extend(own.bars().iter().copied());
                    tracing::info!(?added, file = %stored.display(), "history of the last run");
                }
                Err(error) => tracing::warn!(%error, "history of the last run is of no use"),
            }
        }
        let fit = match &config.model.file {
            Some(path) => Some(warm_start::load_model(path, &series)?),
            None => warm_start::load_last_model(
                &folder.join(warm_start::MODEL_FILE),
                &series,
                model.name(),
            ),
        };
        Ok(Self {
            history_from: history.bars().first().map(|bar| bar.open_time),
            history,
            fit,
            series,
            config: config.model.clone(),
            folder,
            model,
            candles,
            payloads,
            requests,
            backfilled_since_fit: false,
            refit: None,
            prepared: None,
        })
    }

    /// Answers requests until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                request = self.requests.recv() => match request {
                    Some(ForecastRequest::Payload(round, answer)) => {
                        let payload = self.payload(&round).await;
                        if let Err(error) = &payload {
                            tracing::warn!(%round, %error, "no forecast");
                        }
                        // An asker that is gone has no use for the answer.
                        drop(answer.send(payload));
                    }
                    Some(ForecastRequest::Ready(answer)) => {
                        let ready = self.ready().await;
                        drop(answer.send(ready));
                    }
                    None => return,
                },
                done = fit_finished(&mut self.refit) => self.install_fit(done).await,
                _ = tick.tick() => self.tick().await,
            }
        }
    }

    async fn payload(
        &mut self,
        round: &RoundId,
    ) -> Result<Arc<CommittedPayload>, ForecastServiceError> {
        if let Some(payload) = self.payloads.cached(round) {
            return Ok(payload);
        }
        let now = system_now();
        let prepared = self.prepared.as_ref().filter(|prepared| {
            prepared.origin == round.origin && now - prepared.made <= REFRESH_LEAD
        });
        let payload = match prepared.map(|prepared| prepared.payload.clone()) {
            Some(Ok(payload)) => payload,
            _ => self.make_forecast(round.origin, now).await?,
        };
        store_payload(&self.payloads, round, payload).await
    }

    /// Whether there is a forecast for the next origin.
    async fn ready(&mut self) -> Result<(), ForecastServiceError> {
        let next = self.next_origin(system_now());
        if self.prepared.as_ref().is_none_or(|p| p.origin != next) {
            self.prepare().await;
        }
        match &self.prepared {
            Some(PreparedForecast { payload, .. }) => payload.clone().map(drop),
            None => Err(ForecastServiceError::Stopping),
        }
    }

    async fn tick(&mut self) {
        self.prepare().await;
        let now = system_now();
        // Nothing slow shortly before an origin.
        if self.next_origin(now) - now > REFRESH_LEAD {
            if let Err(error) = self.backfill(now).await {
                tracing::warn!(%error, "older history can't be read");
            }
            self.refit_if_due(now);
        }
    }

    /// Makes the forecast of the next origin where it isn't made or no longer fresh.
    async fn prepare(&mut self) {
        let now = system_now();
        let origin = self.next_origin(now);
        let round = self.series.round(origin);
        let soon = origin - now <= REFRESH_LEAD;
        let made = self.prepared.as_ref();
        let made = made.is_some_and(|p| p.origin == origin && p.payload.is_ok());
        if (made && !soon) || self.payloads.cached(&round).is_some() {
            return;
        }
        let mut payload = self.make_forecast(origin, now).await;
        if let (Ok(made), true) = (&payload, origin - now <= FINAL_LEAD) {
            let stored = store_payload(&self.payloads, &round, Arc::clone(made)).await;
            payload = stored.map(|stored| stored.text());
        }
        if let Err(error) = &payload {
            tracing::warn!(%origin, %error, "not ready for the next round");
        }
        self.prepared = Some(PreparedForecast {
            origin,
            made: now,
            payload,
        });
    }

    /// The forecast of `origin` from all that is known `now`.
    async fn make_forecast(
        &mut self,
        origin: UnixMillis,
        now: UnixMillis,
    ) -> Result<Arc<str>, ForecastServiceError> {
        self.read_new_bars(now).await?;
        let step = self.series.grid.step;
        let last = self.history.last_close_time().unwrap_or_default();
        if now - last > step.times(MAX_STALE_STEPS) {
            return Err(ForecastServiceError::Stale {
                last,
                behind_s: (now - last).0 / 1000,
            });
        }
        let fitted = match &self.fit {
            Some((_, fitted)) => Arc::clone(fitted),
            None => self.first_fit().await?,
        };
        let minutes = if step > MINUTE {
            let to = UnixMillis(now.0 - now.0.rem_euclid(MINUTE.0));
            self.candles
                .bars(MINUTE, last, to)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "the partial bar is unknown");
                    Vec::new()
                })
        } else {
            Vec::new()
        };
        let window = Millis::days(i64::from(self.config.history_days));
        let mut recent = self.history.between(origin - window, origin);
        let partial = partial_bars(&minutes, recent.bars().last(), step, origin);
        recent.extend(partial)?;
        let config = self.config.clone();
        let made = blocking(move || forecast_payload(fitted.as_ref(), &recent, &config)).await;
        let made = made.map_err(|error| ForecastServiceError::Model(Arc::new(error)))?;
        Ok(made.into())
    }

    /// Reads the bars that have closed since the last one known.
    async fn read_new_bars(&mut self, now: UnixMillis) -> Result<(), ForecastServiceError> {
        let step = self.series.grid.step;
        let closed = UnixMillis(now.0 - now.0.rem_euclid(step.0));
        let window = Millis::days(i64::from(self.config.history_days));
        let first = now - window.min(INITIAL_HISTORY);
        let known = self.history.last_close_time();
        let known = known.filter(|known| *known >= first);
        // What is known may have ended long ago: then a hole is left for now, and read as older history.
        let from = known.unwrap_or(UnixMillis(first.0 - first.0.rem_euclid(step.0)));
        let bars = self.candles.bars(step, from, closed).await?;
        self.history.extend(bars)?;
        if known.is_none() {
            self.history_from = Some(from);
        }
        Ok(())
    }

    /// Reads a piece of older history, if there isn't enough.
    async fn backfill(&mut self, now: UnixMillis) -> Result<(), ForecastServiceError> {
        let step = self.series.grid.step;
        let wanted = now - Millis::days(i64::from(self.config.history_days));
        let wanted = UnixMillis(wanted.0 - wanted.0.rem_euclid(step.0));
        let Some(history_from) = self
            .history_from
            .filter(|history_from| *history_from > wanted)
        else {
            return Ok(());
        };
        let from = (history_from - BACKFILL_CHUNK).max(wanted);
        let bars = self.candles.bars(step, from, history_from).await?;
        let added = self.history.extend(bars)?;
        tracing::info!(%from, added, "older history");
        self.history_from = Some(from);
        self.backfilled_since_fit |= added > 0;
        Ok(())
    }

    /// Starts a fit on rayon where one is due: the model in place answers meanwhile.
    fn refit_if_due(&mut self, now: UnixMillis) {
        let every = Millis::hours(i64::from(self.config.refit_hours));
        let due = UnixMillis(now.0 - now.0.rem_euclid(every.0));
        let wanted = now - Millis::days(i64::from(self.config.history_days));
        let filled = self
            .history_from
            .is_some_and(|history_from| history_from <= wanted);
        let newest = self.history.last_close_time().unwrap_or_default();
        let outdated = match &self.fit {
            // Without news there is nothing to learn, however long ago it was.
            Some((at, _)) => (*at < due && newest > *at) || (self.backfilled_since_fit && filled),
            None => !self.history.bars().is_empty(),
        };
        if outdated && self.refit.is_none() {
            self.start_fit();
        }
    }

    fn start_fit(&mut self) {
        let at = self.history.last_close_time().unwrap_or_default();
        let window = Millis::days(i64::from(self.config.history_days));
        let known = self.history.between(at - window, at);
        let (model, grid, seed) = (Arc::clone(&self.model), self.series.grid, self.config.seed);
        let (done, refit) = oneshot::channel();
        rayon::spawn(move || {
            let fitted = catch_unwind(AssertUnwindSafe(|| model.fit(&known, &grid, seed)));
            // A desk that is gone has no use for it.
            drop(done.send((at, fitted)));
        });
        self.backfilled_since_fit = false;
        self.refit = Some(refit);
    }

    /// The first fit of all has to be waited for.
    async fn first_fit(&mut self) -> Result<Arc<dyn AnyFittedModel>, ForecastServiceError> {
        if self.refit.is_none() {
            self.start_fit();
        }
        let done = fit_finished(&mut self.refit).await;
        match done {
            Some((_, Ok(Err(error)))) => Err(ForecastServiceError::Model(Arc::new(error))),
            done => {
                self.install_fit(done).await;
                let fit = self.fit.as_ref();
                fit.map(|(_, fitted)| Arc::clone(fitted))
                    .ok_or(ForecastServiceError::Stopping)
            }
        }
    }

    /// Puts a finished fit to work, and keeps it for the next start.
    async fn install_fit(&mut self, done: Option<FinishedFit>) {
        match done {
            Some((at, Ok(Ok(fitted)))) => {
                let fitted: Arc<dyn AnyFittedModel> = Arc::from(fitted);
                self.fit = Some((at, Arc::clone(&fitted)));
                tracing::info!(%at, model = self.model.name(), "fitted");
                let needed = at - Millis::days(i64::from(self.config.history_days));
                self.history.trim(needed);
                self.history_from = self
                    .history_from
                    .map(|history_from| history_from.max(needed));
                self.save(at, fitted).await;
            }
            Some((at, Ok(Err(error)))) => tracing::warn!(%at, %error, "the model can't be fitted"),
            // A panic of the model is the miner's: it goes down loudly.
            Some((_, Err(panic))) => resume_unwind(panic),
            None => {}
        }
    }

    /// Keeps model and history for the next start; the miner can do without.
    async fn save(&self, at: UnixMillis, fitted: Arc<dyn AnyFittedModel>) {
        let (folder, history) = (self.folder.clone(), self.history.clone());
        let (name, series, seed) = (
            self.model.name().to_owned(),
            self.series.clone(),
            self.config.seed,
        );
        let saved = blocking(move || {
            warm_start::save(&folder, &name, series, seed, at, &history, &*fitted)
        });
        if let Err(error) = saved.await {
            let error = format!("{error:#}");
            tracing::warn!(error, "can't keep the model for the next start");
        }
    }

    fn next_origin(&self, now: UnixMillis) -> UnixMillis {
        let step = self.series.grid.step.0;
        UnixMillis((now.0.div_euclid(step) + 1) * step)
    }
}

/// Completes when the fit under way does; never without one.
async fn fit_finished(refit: &mut Option<RunningFit>) -> Option<FinishedFit> {
    match refit {
        Some(running) => {
            let done = running.await.ok();
            *refit = None;
            done
        }
        None => std::future::pending().await,
    }
}
