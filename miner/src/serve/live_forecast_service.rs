//! The forecast service of a live miner: it prepares each forecast ahead of its origin, and refits in the background.
//!
//! ```text
//!  every 5 s ─┬─ new bars, and the unfinished bar from minutes ──▶ forecast of the next origin ──▶ on disk at T − 20 s
//!             ├─ a piece of older history, until there is enough
//!             └─ a fit is due? ──▶ rayon ──▶ swapped in when it is done; the old model answers meanwhile
//! ```

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::series::{RoundId, Series};
use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::background_fit::{BackgroundFit, FinishedFit};
use super::blocking::blocking;
use super::candle_client::CandleClient;
use super::committed_payload::CommittedPayload;
use super::forecast_error::{ForecastServiceError, ForecastSetupError};
use super::forecast_payload::{forecast_payload, store_payload};
use super::forecast_request::ForecastRequest;
use super::live_history::LiveHistory;
use super::payload_store::PayloadStore;
use super::warm_start::{self, TimedFit};
use crate::config::{MinerConfig, ModelConfig};
use crate::models::{AnyFittedModel, AnyModel};

/// How often the service looks whether something is to be done.
const TICK: Duration = Duration::from_secs(5);
/// This long before its origin a forecast is made anew at every tick, from the newest price.
const REFRESH_LEAD: Millis = Millis::seconds(30);
/// This long before its origin a forecast is final, and on disk.
const FINAL_LEAD: Millis = Millis::seconds(20);
/// Bars older than this many steps are no longer fresh.
const MAX_STALE_STEPS: i64 = 3;

/// Owns history and model, and goes by the machine's clock.
pub struct LiveForecastService {
    series: Series,
    config: ModelConfig,
    folder: PathBuf,
    model: Arc<dyn AnyModel>,
    payloads: Arc<PayloadStore>,
    requests: mpsc::Receiver<ForecastRequest>,
    history: LiveHistory,
    fit: Option<TimedFit>,
    /// The history that the model learnt from has grown into the past since.
    backfilled_since_fit: bool,
    running_fit: Option<BackgroundFit>,
    prepared: Option<PreparedForecast>,
}

/// The newest forecast, which the miner isn't committed to.
struct PreparedForecast {
    origin: UnixMillis,
    made: UnixMillis,
    payload: Result<Arc<str>, ForecastServiceError>,
}

impl LiveForecastService {
    /// A service that starts from what it finds: configured price files, the history and the model of its last run.
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        payloads: Arc<PayloadStore>,
        requests: mpsc::Receiver<ForecastRequest>,
    ) -> Result<Self, ForecastSetupError> {
        let series = config.series.clone();
        let folder = config.serve.data.clone();
        let history = LiveHistory::open(config, candles)?;
        let fit = match &config.model.file {
            Some(path) => Some(warm_start::load_model(path, &series)?),
            None => warm_start::load_last_model(
                &folder.join(warm_start::MODEL_FILE),
                &series,
                model.name(),
            ),
        };
        Ok(Self {
            history,
            fit,
            series,
            config: config.model.clone(),
            folder,
            model,
            payloads,
            requests,
            backfilled_since_fit: false,
            running_fit: None,
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
                        // A caller that is gone has no use for the answer.
                        drop(answer.send(payload));
                    }
                    Some(ForecastRequest::Ready(answer)) => {
                        let ready = self.ready().await;
                        drop(answer.send(ready));
                    }
                    None => return,
                },
                done = BackgroundFit::finished(&mut self.running_fit) => self.install_fit(done).await,
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
            match self.history.backfill(now).await {
                Ok(added) => self.backfilled_since_fit |= added > 0,
                Err(error) => tracing::warn!(%error, "older history can't be read"),
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
        self.history.read_new_bars(now).await?;
        let step = self.series.grid.step;
        let last = self.last_close_time();
        if now - last > step.times(MAX_STALE_STEPS) {
            return Err(ForecastServiceError::Stale {
                last,
                behind_s: (now - last).get() / 1000,
            });
        }
        let fitted = match &self.fit {
            Some((_, fitted)) => Arc::clone(fitted),
            None => self.first_fit().await?,
        };
        let recent = self.history.up_to_origin(origin, now).await?;
        let config = self.config.clone();
        let made = blocking(move || forecast_payload(fitted.as_ref(), &recent, &config)).await;
        let made = made.map_err(|error| ForecastServiceError::Model(Arc::new(error)))?;
        Ok(made.into())
    }

    /// Starts a fit on rayon where one is due: the model in place answers meanwhile.
    fn refit_if_due(&mut self, now: UnixMillis) {
        let every = Millis::hours(i64::from(self.config.refit_hours));
        let due = now.floor(every);
        let newest = self.last_close_time();
        let outdated = match &self.fit {
            // Without new bars there is nothing to learn, however long ago it was.
            Some((at, _)) => {
                let completed = self.backfilled_since_fit && self.history.is_filled(now);
                (*at < due && newest > *at) || completed
            }
            None => !self.history.bars().bars().is_empty(),
        };
        if outdated && self.running_fit.is_none() {
            self.start_fit();
        }
    }

    fn start_fit(&mut self) {
        let at = self.last_close_time();
        self.backfilled_since_fit = false;
        self.running_fit = Some(BackgroundFit::start(
            Arc::clone(&self.model),
            self.history.window_before(at),
            self.series.grid,
            self.config.seed,
            at,
        ));
    }

    /// The first fit of all has to be waited for.
    async fn first_fit(&mut self) -> Result<Arc<dyn AnyFittedModel>, ForecastServiceError> {
        if self.running_fit.is_none() {
            self.start_fit();
        }
        let done = BackgroundFit::finished(&mut self.running_fit).await;
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
                self.history.trim(at);
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
        let (folder, history) = (self.folder.clone(), self.history.bars().clone());
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

    /// When the newest bar closed; 1970 without bars.
    fn last_close_time(&self) -> UnixMillis {
        self.history.bars().last_close_time().unwrap_or_default()
    }

    /// The first instant of the grid after `now`.
    fn next_origin(&self, now: UnixMillis) -> UnixMillis {
        let step = self.series.grid.step;
        now.floor(step) + step
    }
}
