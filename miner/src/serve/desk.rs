//! The forecasting desk: one task that owns history and model, and hands out payloads by origin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foretell_core::series::Series;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::{RestClient, RestError};
use foretell_feed::venue::{CandleQuery, CandleSource};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::system_now;
use crate::config::{ClockConfig, Config, ModelConfig};
use crate::history::{History, HistoryError};
use crate::models::{Fitted, Model, ModelError};

/// Forecasts kept ready; validators ask for the newest only.
const KEPT_FORECASTS: usize = 4;
/// Requests that may wait for the desk.
const WAITING: usize = 64;
/// How often a live miner prepares for the next origin.
const PREPARE_EVERY: Duration = Duration::from_secs(5);

/// Why there is no forecast.
#[derive(Debug, Clone, Error)]
pub enum DeskError {
    /// The venue.
    #[error("no fresh prices: {0}")]
    Prices(Arc<RestError>),
    /// What the venue answered.
    #[error("unusable prices: {0}")]
    History(#[from] HistoryError),
    /// The model.
    #[error("no forecast: {0}")]
    Model(Arc<ModelError>),
    /// The desk is closing.
    #[error("the miner is stopping")]
    Stopping,
}

/// Owns history and model; see [`Forecasts`] for how it is asked.
pub struct Desk {
    series: Series,
    clock: ClockConfig,
    source: Source,
    analyst: Analyst,
    payloads: BTreeMap<UnixMillis, Arc<str>>,
    requests: mpsc::Receiver<Request>,
}

/// Asks the desk.
#[derive(Debug, Clone)]
pub struct Forecasts {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    origin: UnixMillis,
    answer: oneshot::Sender<Result<Arc<str>, DeskError>>,
}

struct Source {
    rest: RestClient,
    venue: &'static dyn CandleSource,
    host: String,
    symbol: String,
}

/// The computing half, which moves to a blocking thread and back.
struct Analyst {
    series: Series,
    config: ModelConfig,
    model: &'static dyn Model,
    history: History,
    /// The venue was asked for all bars from here to the history's end; `None` as long as it was never asked.
    since: Option<UnixMillis>,
    fitted: Option<(UnixMillis, Box<dyn Fitted>)>,
}

impl Forecasts {
    /// The payload of the forecast for `origin`, made from bars that close at or before it.
    pub async fn payload(&self, origin: UnixMillis) -> Result<Arc<str>, DeskError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { origin, answer };
        self.requests
            .send(request)
            .await
            .map_err(|_| DeskError::Stopping)?;
        answered.await.map_err(|_| DeskError::Stopping)?
    }
}

impl Desk {
    /// A desk and the way to ask it; it works once it [runs](Self::run).
    pub fn new(
        config: &Config,
        model: &'static dyn Model,
        rest: RestClient,
        venue: &'static dyn CandleSource,
        host: String,
    ) -> (Self, Forecasts) {
        let (sender, requests) = mpsc::channel(WAITING);
        let series = config.series.clone();
        let desk = Self {
            clock: config.serve.clock,
            source: Source {
                rest,
                venue,
                host,
                symbol: config.prices.symbol.clone(),
            },
            analyst: Analyst {
                history: History::new(series.grid.step, series.unit),
                series: series.clone(),
                config: config.model.clone(),
                model,
                since: None,
                fitted: None,
            },
            series,
            payloads: BTreeMap::new(),
            requests,
        };
        (desk, Forecasts { requests: sender })
    }

    /// Answers requests until `stop`; live, it also prepares the forecast of the next origin ahead.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut prepare = tokio::time::interval(PREPARE_EVERY);
        prepare.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                request = self.requests.recv() => {
                    let Some(Request { origin, answer }) = request else { return };
                    let payload = self.payload(origin).await;
                    if let Err(error) = &payload {
                        tracing::warn!(%origin, %error, "no forecast");
                    }
                    // An asker that is gone has no use for the answer.
                    drop(answer.send(payload));
                }
                _ = prepare.tick(), if self.clock == ClockConfig::System => {
                    let step = self.series.grid.step.0;
                    let next = UnixMillis((system_now().0 / step + 1) * step);
                    if let Err(error) = self.payload(next).await {
                        tracing::warn!(origin = %next, %error, "not ready for the next round");
                    }
                }
            }
        }
    }

    async fn payload(&mut self, origin: UnixMillis) -> Result<Arc<str>, DeskError> {
        if let Some(payload) = self.payloads.get(&origin) {
            return Ok(Arc::clone(payload));
        }
        self.source.update(&mut self.analyst, origin).await?;
        let payload: Arc<str> = self.analyse(origin).await?.into();
        self.payloads.insert(origin, Arc::clone(&payload));
        while self.payloads.len() > KEPT_FORECASTS {
            self.payloads.pop_first();
        }
        Ok(payload)
    }

    /// Fits and forecasts on a blocking thread, so that a long fit holds up no answer that is on disk.
    async fn analyse(&mut self, origin: UnixMillis) -> Result<String, DeskError> {
        let mut analyst = self.analyst.handed_over();
        let worked = tokio::task::spawn_blocking(move || {
            let payload = analyst.payload(origin);
            (analyst, payload)
        })
        .await;
        match worked {
            Ok((analyst, payload)) => {
                self.analyst = analyst;
                payload.map_err(|error| DeskError::Model(Arc::new(error)))
            }
            // A panic of the model is the miner's: it goes down loudly.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

impl Source {
    /// Reads the bars that the analyst lacks up to `origin`.
    async fn update(&self, analyst: &mut Analyst, origin: UnixMillis) -> Result<(), DeskError> {
        let needed_from = origin - analyst.span();
        let known_from = analyst.since.filter(|since| *since <= needed_from);
        let (since, from, to) = match (known_from, analyst.history.last_close_time()) {
            (Some(since), Some(known)) => (since, known, origin),
            // An origin before those asked for so far: all between is read, so that no hole is left.
            _ => (
                needed_from,
                needed_from,
                analyst.since.map_or(origin, |since| since.max(origin)),
            ),
        };
        if from >= to {
            return Ok(());
        }
        let query = CandleQuery {
            symbol: &self.symbol,
            step: analyst.series.grid.step,
            from,
            to,
        };
        let bars = self
            .rest
            .candles(self.venue, &self.host, &query)
            .await
            .map_err(|error| DeskError::Prices(Arc::new(error)))?;
        analyst.history.extend(bars)?;
        analyst.since = Some(since);
        // Trimming moves every bar, so it waits until a whole fit's worth has gathered.
        if since < needed_from - analyst.refit_every() {
            analyst.history.trim(needed_from);
            analyst.since = Some(needed_from);
        }
        Ok(())
    }
}

impl Analyst {
    /// The payload of the forecast for `origin`: a function of the bars before it, whatever came between.
    fn payload(&mut self, origin: UnixMillis) -> Result<String, ModelError> {
        let due = UnixMillis(origin.0 - origin.0.rem_euclid(self.refit_every().0));
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
        let forecast = fitted.forecast(&recent, self.config.k)?;
        Ok(forecast.payload())
    }

    fn fit(&self, at: UnixMillis) -> Result<Box<dyn Fitted>, ModelError> {
        let window = self.history.between(at - self.window(), at);
        self.model.fit(&window, &self.series.grid, self.config.seed)
    }

    /// How far back before an origin bars are needed: the window of a fit that is almost due again.
    fn span(&self) -> Millis {
        Millis(self.window().0 + self.refit_every().0)
    }

    fn window(&self) -> Millis {
        Millis::days(i64::from(self.config.history_days))
    }

    fn refit_every(&self) -> Millis {
        Millis::hours(i64::from(self.config.refit_hours))
    }

    /// This analyst, leaving one without memory in its place until it comes back.
    fn handed_over(&mut self) -> Self {
        let empty = Self {
            series: self.series.clone(),
            config: self.config.clone(),
            model: self.model,
            history: History::new(self.series.grid.step, self.series.unit),
            since: None,
            fitted: None,
        };
        std::mem::replace(self, empty)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
