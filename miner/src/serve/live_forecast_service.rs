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
}
