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

use super::desk::{DeskError, OpenError, Request, blocking, keep, payload};
use super::payload::Payload;
use super::payloads::Payloads;
use super::source::Source;
use super::system_now;
use super::unfinished_bar::unfinished;
use super::warm_start::{self, Fit};
use crate::config::{Config, ModelConfig};
use crate::history::History;
use crate::models::{AnyFitted, AnyModel, ModelError};

/// How often the desk looks whether something is to be done.
const TICK: Duration = Duration::from_secs(5);
/// This long before its origin a forecast is made anew at every tick, from the newest price.
const RENEWED: Millis = Millis::seconds(30);
/// This long before its origin a forecast is final, and on disk.
const FINAL: Millis = Millis::seconds(20);
/// History that is read before anything else; more comes piece by piece.
const FIRST_PIECE: Millis = Millis::days(40);
const PIECE: Millis = Millis::days(30);
/// Bars older than this many steps are no longer fresh.
const FRESH_STEPS: i64 = 3;
/// Candles that make up the [unfinished bar](unfinished).
const MINUTE: Millis = Millis::minutes(1);

/// A fit that is done, or the panic that ended it.
type Done = (
    UnixMillis,
    thread::Result<Result<Box<dyn AnyFitted>, ModelError>>,
);
/// A fit under way.
type Refit = oneshot::Receiver<Done>;

/// Owns history and model, and goes by the machine's clock.
pub struct LiveDesk {
    series: Series,
    config: ModelConfig,
    folder: PathBuf,
    model: Arc<dyn AnyModel>,
    source: Source,
    payloads: Arc<Payloads>,
    requests: mpsc::Receiver<Request>,
    history: History,
    /// All bars from here on that exist were read.
    since: Option<UnixMillis>,
    fit: Option<Fit>,
    /// The history that the model learnt from has grown into the past since.
    learnt_too_little: bool,
    refit: Option<Refit>,
    prepared: Option<Prepared>,
}

/// The newest forecast that nobody is bound to.
struct Prepared {
    origin: UnixMillis,
    made: UnixMillis,
    payload: Result<Arc<str>, DeskError>,
}

impl LiveDesk {
    /// A desk that starts from what it finds: configured price files, the history and the model of its last run.
    pub fn open(
        config: &Config,
        model: Arc<dyn AnyModel>,
        source: Source,
        payloads: Arc<Payloads>,
        requests: mpsc::Receiver<Request>,
    ) -> Result<Self, OpenError> {
        let series = config.series.clone();
        let folder = config.serve.data.clone();
        let mut history = History::new(series.grid.step, series.unit);
        if !config.prices.files.is_empty() {
            history = warm_start::history(&config.prices.files, &series)?;
        }
        let kept = folder.join(warm_start::HISTORY_FILE);
        if kept.exists() {
            match warm_start::history(std::slice::from_ref(&kept), &series) {
                Ok(own) => {
                    let taken = history.extend(own.bars().iter().copied());
                    tracing::info!(?taken, file = %kept.display(), "history of the last run");
                }
                Err(error) => tracing::warn!(%error, "history of the last run is of no use"),
            }
        }
        let fit = match &config.model.file {
            Some(path) => Some(warm_start::model(path, &series)?),
            None => {
                warm_start::last_model(&folder.join(warm_start::MODEL_FILE), &series, model.name())
            }
        };
        Ok(Self {
            since: history.bars().first().map(|bar| bar.open_time),
            history,
            fit,
            series,
            config: config.model.clone(),
            folder,
            model,
            source,
            payloads,
            requests,
            learnt_too_little: false,
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
                    Some(Request::Payload(round, answer)) => {
                        let payload = self.payload(&round).await;
                        if let Err(error) = &payload {
                            tracing::warn!(%round, %error, "no forecast");
                        }
                        // An asker that is gone has no use for the answer.
                        drop(answer.send(payload));
                    }
                    Some(Request::Ready(answer)) => {
                        let ready = self.ready().await;
                        drop(answer.send(ready));
                    }
                    None => return,
                },
                done = finished(&mut self.refit) => self.swap(done).await,
                _ = tick.tick() => self.tick().await,
            }
        }
    }

    async fn payload(&mut self, round: &RoundId) -> Result<Arc<Payload>, DeskError> {
        if let Some(payload) = self.payloads.remembered(round) {
            return Ok(payload);
        }
        let now = system_now();
        let prepared = self
            .prepared
            .as_ref()
            .filter(|prepared| prepared.origin == round.origin && now - prepared.made <= RENEWED);
        let payload = match prepared.map(|prepared| prepared.payload.clone()) {
            Some(Ok(payload)) => payload,
            _ => self.make(round.origin, now).await?,
        };
        keep(&self.payloads, round, payload).await
    }

    /// Whether there is a forecast for the next origin.
    async fn ready(&mut self) -> Result<(), DeskError> {
        let next = self.next(system_now());
        if self.prepared.as_ref().is_none_or(|p| p.origin != next) {
            self.prepare().await;
        }
        match &self.prepared {
            Some(Prepared { payload, .. }) => payload.clone().map(drop),
            None => Err(DeskError::Stopping),
        }
    }

    async fn tick(&mut self) {
        self.prepare().await;
        let now = system_now();
        // Nothing slow shortly before an origin.
        if self.next(now) - now > RENEWED {
            if let Err(error) = self.read_older(now).await {
                tracing::warn!(%error, "older history can't be read");
            }
            self.refit_if_due(now);
        }
    }

    /// Makes the forecast of the next origin where it isn't made or no longer fresh.
    async fn prepare(&mut self) {
        let now = system_now();
        let origin = self.next(now);
        let round = self.series.round(origin);
        let soon = origin - now <= RENEWED;
        let made = self.prepared.as_ref();
        let made = made.is_some_and(|p| p.origin == origin && p.payload.is_ok());
        if (made && !soon) || self.payloads.remembered(&round).is_some() {
            return;
        }
        let mut payload = self.make(origin, now).await;
        if let (Ok(made), true) = (&payload, origin - now <= FINAL) {
            let kept = keep(&self.payloads, &round, Arc::clone(made)).await;
            payload = kept.map(|kept| kept.text());
        }
        if let Err(error) = &payload {
            tracing::warn!(%origin, %error, "not ready for the next round");
        }
        self.prepared = Some(Prepared {
            origin,
            made: now,
            payload,
        });
    }

    /// The forecast of `origin` from all that is known `now`.
    async fn make(&mut self, origin: UnixMillis, now: UnixMillis) -> Result<Arc<str>, DeskError> {
        self.update(now).await?;
        let step = self.series.grid.step;
        let last = self.history.last_close_time().unwrap_or_default();
        if now - last > step.times(FRESH_STEPS) {
            return Err(DeskError::Stale {
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
            self.source
                .bars(MINUTE, last, to)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "the unfinished bar is unknown");
                    Vec::new()
                })
        } else {
            Vec::new()
        };
        let window = Millis::days(i64::from(self.config.history_days));
        let mut recent = self.history.between(origin - window, origin);
        let unfinished = unfinished(&minutes, recent.bars().last(), step, origin);
        recent.extend(unfinished)?;
        let config = self.config.clone();
        let made = blocking(move || payload(fitted.as_ref(), &recent, &config)).await;
        let made = made.map_err(|error| DeskError::Model(Arc::new(error)))?;
        Ok(made.into())
    }

    /// Reads the bars that have closed since the last one known.
    async fn update(&mut self, now: UnixMillis) -> Result<(), DeskError> {
        let step = self.series.grid.step;
        let closed = UnixMillis(now.0 - now.0.rem_euclid(step.0));
        let window = Millis::days(i64::from(self.config.history_days));
        let first = now - window.min(FIRST_PIECE);
        let known = self.history.last_close_time();
        let known = known.filter(|known| *known >= first);
        // What is known may have ended long ago: then a hole is left for now, and read as older history.
        let from = known.unwrap_or(UnixMillis(first.0 - first.0.rem_euclid(step.0)));
        let bars = self.source.bars(step, from, closed).await?;
        self.history.extend(bars)?;
        if known.is_none() {
            self.since = Some(from);
        }
        Ok(())
    }

    /// Reads a piece of older history, if there isn't enough.
    async fn read_older(&mut self, now: UnixMillis) -> Result<(), DeskError> {
        let step = self.series.grid.step;
        let wanted = now - Millis::days(i64::from(self.config.history_days));
        let wanted = UnixMillis(wanted.0 - wanted.0.rem_euclid(step.0));
        let Some(since) = self.since.filter(|since| *since > wanted) else {
            return Ok(());
        };
        let from = (since - PIECE).max(wanted);
        let bars = self.source.bars(step, from, since).await?;
        let taken = self.history.extend(bars)?;
        tracing::info!(%from, taken, "older history");
        self.since = Some(from);
        self.learnt_too_little |= taken > 0;
        Ok(())
    }

    /// Starts a fit on rayon where one is due: the model in place answers meanwhile.
    fn refit_if_due(&mut self, now: UnixMillis) {
        let every = Millis::hours(i64::from(self.config.refit_hours));
        let due = UnixMillis(now.0 - now.0.rem_euclid(every.0));
        let wanted = now - Millis::days(i64::from(self.config.history_days));
        let filled = self.since.is_some_and(|since| since <= wanted);
        let newest = self.history.last_close_time().unwrap_or_default();
        let outdated = match &self.fit {
            // Without news there is nothing to learn, however long ago it was.
            Some((at, _)) => (*at < due && newest > *at) || (self.learnt_too_little && filled),
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
        self.learnt_too_little = false;
        self.refit = Some(refit);
    }

    /// The first fit of all has to be waited for.
    async fn first_fit(&mut self) -> Result<Arc<dyn AnyFitted>, DeskError> {
        if self.refit.is_none() {
            self.start_fit();
        }
        let done = finished(&mut self.refit).await;
        match done {
            Some((_, Ok(Err(error)))) => Err(DeskError::Model(Arc::new(error))),
            done => {
                self.swap(done).await;
                let fit = self.fit.as_ref();
                fit.map(|(_, fitted)| Arc::clone(fitted))
                    .ok_or(DeskError::Stopping)
            }
        }
    }

    /// Puts a finished fit to work, and keeps it for the next start.
    async fn swap(&mut self, done: Option<Done>) {
        match done {
            Some((at, Ok(Ok(fitted)))) => {
                let fitted: Arc<dyn AnyFitted> = Arc::from(fitted);
                self.fit = Some((at, Arc::clone(&fitted)));
                tracing::info!(%at, model = self.model.name(), "fitted");
                let needed = at - Millis::days(i64::from(self.config.history_days));
                self.history.trim(needed);
                self.since = self.since.map(|since| since.max(needed));
                self.save(at, fitted).await;
            }
            Some((at, Ok(Err(error)))) => tracing::warn!(%at, %error, "the model can't be fitted"),
            // A panic of the model is the miner's: it goes down loudly.
            Some((_, Err(panic))) => resume_unwind(panic),
            None => {}
        }
    }

    /// Keeps model and history for the next start; the miner can do without.
    async fn save(&self, at: UnixMillis, fitted: Arc<dyn AnyFitted>) {
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

    fn next(&self, now: UnixMillis) -> UnixMillis {
        let step = self.series.grid.step.0;
        UnixMillis((now.0.div_euclid(step) + 1) * step)
    }
}

/// Completes when the fit under way does; never without one.
async fn finished(refit: &mut Option<Refit>) -> Option<Done> {
    match refit {
        Some(running) => {
            let done = running.await.ok();
            *refit = None;
            done
        }
        None => std::future::pending().await,
    }
}
