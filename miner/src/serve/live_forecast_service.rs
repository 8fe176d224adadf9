//! The forecast service of a live miner: it carries out what the [forecaster](LiveForecaster) decides, each piece of work as a
//! task of its own, and publishes the forecasts that stand. Its loop waits for none of them, and answers no request:
//! commitments read what is published.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foretell_core::series::Series;
use foretell_core::time::UnixMillis;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::candle_client::CandleClient;
use super::data_folder::DataFolder;
use super::forecast_error::ForecastSetupError;
use super::forecast_work::{FinishedWork, ForecastWork};
use super::live_forecaster::LiveForecaster;
use super::live_history::{LiveHistory, MINUTE};
use super::standing_forecasts::StandingForecasts;
use super::warm_start;
use crate::config::MinerConfig;
use crate::models::AnyModel;

/// How often the service looks whether something is to be done.
const TICK: Duration = Duration::from_secs(5);

/// Goes by the machine's clock.
pub struct LiveForecastService {
    forecaster: LiveForecaster,
    worker: Arc<WorkContext>,
    published: watch::Sender<StandingForecasts>,
    clock: fn() -> UnixMillis,
}

/// What work needs that doesn't change.
struct WorkContext {
    candles: CandleClient,
    folder: Arc<DataFolder>,
    path: PathBuf,
    series: Series,
    seed: u64,
    model: String,
}

impl LiveForecastService {
    /// A service that starts from what it finds: configured price files, the history and the model of its last run.
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        folder: Arc<DataFolder>,
        clock: fn() -> UnixMillis,
    ) -> Result<(Self, watch::Receiver<StandingForecasts>), ForecastSetupError> {
        let series = config.series.clone();
        let path = config.serve.data.clone();
        let fit = match &config.model.file {
            Some(file) => Some(warm_start::load_model(file, &series)?),
            None => {
                let last = path.join(warm_start::MODEL_FILE);
                warm_start::load_last_model(&last, &series, model.name())
            }
        };
        let worker = WorkContext {
            candles,
            folder: Arc::clone(&folder),
            path,
            series: series.clone(),
            seed: config.model.seed,
            model: model.name().to_owned(),
        };
        let history = LiveHistory::open(config)?;
        let forecaster =
            LiveForecaster::new(series, config.model.clone(), model, folder, history, fit);
        let (published, receiver) = watch::channel(StandingForecasts::default());
        let service = Self {
            forecaster,
            worker: Arc::new(worker),
            published,
            clock,
        };
        Ok((service, receiver))
    }

    /// Keeps forecasts standing until `stop`; what is being written then is still written.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut work = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(done) = work.join_next() => match done {
                    Ok(done) => self.forecaster.take(done, (self.clock)()),
                    // A panic, of the model most likely, is the miner's: it goes down loudly.
                    Err(error) => resume_unwind(error.into_panic()),
                },
                _ = tick.tick() => {}
            }
            for due in self.forecaster.due_work((self.clock)()) {
                work.spawn(Arc::clone(&self.worker).carry_out(due));
            }
            let standing = self.forecaster.standing().clone();
            self.published.send_replace(standing);
        }
    }
}

impl WorkContext {
    async fn carry_out(self: Arc<Self>, work: ForecastWork) -> FinishedWork {
        match work {
            ForecastWork::ReadBars(span) => {
                let step = self.series.grid.step;
                let bars = self.candles.bars(step, span.from, span.to).await;
                FinishedWork::ReadBars(span, bars)
            }
            ForecastWork::ReadMinutes(span) => {
                let minutes = self.candles.bars(MINUTE, span.from, span.to).await;
                FinishedWork::ReadMinutes(minutes)
            }
            ForecastWork::ReadOlderBars(span) => {
                let step = self.series.grid.step;
                let bars = self.candles.bars(step, span.from, span.to).await;
                FinishedWork::ReadOlderBars(span, bars)
            }
            ForecastWork::Fit(fit) => blocking(move || fit.run()).await,
            ForecastWork::Forecast(forecasts) => blocking(move || forecasts.run()).await,
            ForecastWork::Save(save) => {
                let kept = move || {
                    let series = self.series.clone();
                    warm_start::save(&self.path, &self.model, series, self.seed, &save)
                };
                FinishedWork::Save(blocking(kept).await)
            }
            ForecastWork::ProbeFolder => {
                blocking(move || self.folder.probe()).await;
                FinishedWork::ProbeFolder
            }
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
