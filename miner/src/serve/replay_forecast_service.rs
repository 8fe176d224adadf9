//! The forecast service of a replay: time is what each request says.

use std::sync::Arc;

use foretell_cli::printable::printable;
use foretell_core::series::Series;
use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::candle_client::CandleClient;
use super::forecast_error::ForecastServiceError;
use super::forecast_payload::forecast_payload;
use super::forecast_request::ForecastRequest;
use crate::config::{MinerConfig, ModelConfig};
use crate::models::{AnyFittedModel, AnyModel, ModelError};
use crate::price_history::PriceHistory;

/// Owns history and model. A forecast is a function of the bars before its origin, whatever was asked before.
pub struct ReplayForecastService {
    candles: CandleClient,
    worker: ForecastWorker,
    requests: mpsc::Receiver<ForecastRequest>,
    /// What was made last.
    newest: Option<(UnixMillis, Arc<str>)>,
}

/// What fits and forecasts: it moves to a blocking thread and back.
struct ForecastWorker {
    series: Series,
    config: ModelConfig,
    model: Arc<dyn AnyModel>,
    history: PriceHistory,
    /// The venue was asked for all bars from here to the history's end; `None` as long as it was never asked.
    history_from: Option<UnixMillis>,
    fitted: Option<(UnixMillis, Box<dyn AnyFittedModel>)>,
}

impl ReplayForecastService {
    /// A service without bars and without a fit.
    pub fn new(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        requests: mpsc::Receiver<ForecastRequest>,
    ) -> Self {
        let series = config.series.clone();
        Self {
            candles,
            worker: ForecastWorker {
                history: PriceHistory::new(series.grid.step, series.unit),
                series,
                config: config.model.clone(),
                model,
                history_from: None,
                fitted: None,
            },
            requests,
            newest: None,
        }
    }

    /// Answers requests until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let request = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                request = self.requests.recv() => request,
            };
            let Some(ForecastRequest { origin, answer }) = request else {
                return;
            };
            let payload = self.payload(origin).await;
            if let Err(error) = &payload {
                let error = printable(&error.to_string()).into_owned();
                tracing::warn!(%origin, error, "no forecast");
            }
            // A caller that is gone has no use for the answer.
            drop(answer.send(payload));
        }
    }

    async fn payload(&mut self, origin: UnixMillis) -> Result<Arc<str>, ForecastServiceError> {
        // All validators of a round ask at once.
        if let Some((made_for, payload)) = &self.newest
            && *made_for == origin
        {
            return Ok(Arc::clone(payload));
        }
        self.read_new_bars(origin).await?;
        let payload: Arc<str> = self.fit_and_forecast(origin).await?.into();
        self.newest = Some((origin, Arc::clone(&payload)));
        Ok(payload)
    }

    /// Fits and forecasts on a blocking thread, so that a long fit holds up no answer that is kept.
    async fn fit_and_forecast(
        &mut self,
        origin: UnixMillis,
    ) -> Result<String, ForecastServiceError> {
        let mut worker = self.worker.take();
        let (worker, payload) = blocking(move || {
            let payload = worker.payload(origin);
            (worker, payload)
        })
        .await;
        self.worker = worker;
        payload.map_err(|error| ForecastServiceError::Model(Arc::new(error)))
    }

    /// Reads the bars that the worker lacks up to `origin`.
    async fn read_new_bars(&mut self, origin: UnixMillis) -> Result<(), ForecastServiceError> {
        let worker = &mut self.worker;
        let needed_from = origin - worker.needed_span();
        let known_from = worker
            .history_from
            .filter(|history_from| *history_from <= needed_from);
        let (history_from, from, to) = match (known_from, worker.history.last_close_time()) {
            (Some(history_from), Some(known)) => (history_from, known, origin),
            // An origin before those asked for so far: all between is read, so that no hole is left.
            _ => (
                needed_from,
                needed_from,
                worker
                    .history_from
                    .map_or(origin, |history_from| history_from.max(origin)),
            ),
        };
        if from >= to {
            return Ok(());
        }
        let step = worker.series.grid.step;
        let bars = self.candles.bars(step, from, to).await?;
        worker.history.extend(bars)?;
        worker.history_from = Some(history_from);
        // Trimming moves every bar, so it waits until a whole fit's worth has gathered.
        if history_from < needed_from - worker.refit_every() {
            worker.history.trim(needed_from);
            worker.history_from = Some(needed_from);
        }
        Ok(())
    }
}

impl ForecastWorker {
    /// The payload of the forecast for `origin`: a function of the bars before it, whatever came between.
    fn payload(&mut self, origin: UnixMillis) -> Result<String, ModelError> {
        let due = UnixMillis::saturating(
            origin.get() - origin.get().rem_euclid(self.refit_every().get()),
        );
        if self.fitted.as_ref().is_none_or(|(at, _)| *at != due) {
            // A series too young to fit on when the fit was due is fitted on all there is, each time anew.
            let (at, fitted) = match self.fit(due) {
                Err(ModelError::TooLittleHistory { .. }) => (origin, self.fit(origin)?),
                fitted => (due, fitted?),
            };
            self.fitted = Some((at, fitted));
        }
        let Some((_, fitted)) = &self.fitted else {
            return Ok(String::new());
        };
        let recent = self.history.between(origin - self.window(), origin);
        forecast_payload(fitted.as_ref(), &recent, &self.config)
    }

    fn fit(&self, at: UnixMillis) -> Result<Box<dyn AnyFittedModel>, ModelError> {
        let window = self.history.between(at - self.window(), at);
        self.model.fit(&window, &self.series.grid, self.config.seed)
    }

    /// How far back before an origin bars are needed: the window of a fit that is almost due again.
    fn needed_span(&self) -> Millis {
        Millis::saturating(self.window().get() + self.refit_every().get())
    }

    fn window(&self) -> Millis {
        Millis::days(i64::from(self.config.history_days))
    }

    fn refit_every(&self) -> Millis {
        Millis::hours(i64::from(self.config.refit_hours))
    }

    /// This worker; one without bars and fit takes its place until it comes back.
    fn take(&mut self) -> Self {
        let empty = Self {
            series: self.series.clone(),
            config: self.config.clone(),
            model: Arc::clone(&self.model),
            history: PriceHistory::new(self.series.grid.step, self.series.unit),
            history_from: None,
            fitted: None,
        };
        std::mem::replace(self, empty)
    }
}
