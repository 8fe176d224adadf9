//! The desk of a replay: time is what each request says.

use std::sync::Arc;

use foretell_core::series::{RoundId, Series};
use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::desk::{DeskError, Request, blocking, keep, payload};
use super::payload::Payload;
use super::payloads::Payloads;
use super::source::Source;
use crate::config::{Config, ModelConfig};
use crate::history::History;
use crate::models::{AnyFitted, AnyModel, ModelError};

/// Owns history and model. A forecast is a function of the bars before its origin, whatever was asked before.
pub struct ReplayDesk {
    source: Source,
    analyst: Analyst,
    payloads: Arc<Payloads>,
    requests: mpsc::Receiver<Request>,
}

/// The computing half, which moves to a blocking thread and back.
struct Analyst {
    series: Series,
    config: ModelConfig,
    model: Arc<dyn AnyModel>,
    history: History,
    /// The venue was asked for all bars from here to the history's end; `None` as long as it was never asked.
    since: Option<UnixMillis>,
    fitted: Option<(UnixMillis, Box<dyn AnyFitted>)>,
}

impl ReplayDesk {
    /// A desk that knows nothing yet.
    pub fn new(
        config: &Config,
        model: Arc<dyn AnyModel>,
        source: Source,
        payloads: Arc<Payloads>,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        let series = config.series.clone();
        Self {
            source,
            analyst: Analyst {
                history: History::new(series.grid.step, series.unit),
                series,
                config: config.model.clone(),
                model,
                since: None,
                fitted: None,
            },
            payloads,
            requests,
        }
    }

    /// Answers requests until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                request = self.requests.recv() => match request {
                    Some(Request::Payload(round, answer)) => {
                        let payload = self.payload(&round).await;
                        if let Err(error) = &payload {
                            tracing::warn!(%round, %error, "no forecast");
                        }
                        // An asker that is gone has no use for the answer.
                        drop(answer.send(payload));
                    }
                    // Whatever is asked, its time comes with it.
                    Some(Request::Ready(answer)) => drop(answer.send(Ok(()))),
                    None => return,
                },
            }
        }
    }

    async fn payload(&mut self, round: &RoundId) -> Result<Arc<Payload>, DeskError> {
        if let Some(payload) = self.payloads.remembered(round) {
            return Ok(payload);
        }
        self.update(round.origin).await?;
        let payload = self.analyse(round.origin).await?;
        keep(&self.payloads, round, payload.into()).await
    }

    /// Fits and forecasts on a blocking thread, so that a long fit holds up no answer that is kept.
    async fn analyse(&mut self, origin: UnixMillis) -> Result<String, DeskError> {
        let mut analyst = self.analyst.handed_over();
        let (analyst, payload) = blocking(move || {
            let payload = analyst.payload(origin);
            (analyst, payload)
        })
        .await;
        self.analyst = analyst;
        payload.map_err(|error| DeskError::Model(Arc::new(error)))
    }

    /// Reads the bars that the analyst lacks up to `origin`.
    async fn update(&mut self, origin: UnixMillis) -> Result<(), DeskError> {
        let analyst = &mut self.analyst;
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
        let step = analyst.series.grid.step;
        let bars = self.source.bars(step, from, to).await?;
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
        payload(fitted.as_ref(), &recent, &self.config)
    }

    fn fit(&self, at: UnixMillis) -> Result<Box<dyn AnyFitted>, ModelError> {
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
            model: Arc::clone(&self.model),
            history: History::new(self.series.grid.step, self.series.unit),
            since: None,
            fitted: None,
        };
        std::mem::replace(self, empty)
    }
}
