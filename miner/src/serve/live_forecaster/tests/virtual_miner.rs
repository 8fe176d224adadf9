//! A forecaster whose work is carried out on a virtual clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::testing::{STEP, btc_usd, price};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestError;

use super::super::*;
use crate::models;
use crate::serve::live_history::MINUTE;

/// How often the service looks.
const TICK: Millis = Millis::seconds(5);
/// Deadline of a request to the venue, which then fails.
const DEADLINE: Millis = Millis::seconds(10);
/// How long a forecast takes.
const FORECAST_TIME: Millis = Millis::literal(20);
/// Prices count the minutes from here.
const EPOCH: UnixMillis = UnixMillis::saturating(1_700_000_000_000 / 300_000 * 300_000);

/// What the venue does.
#[derive(Debug, Clone, Copy)]
pub struct VenueScript {
    latency: Millis,
    up: bool,
    lacks_newest_bar: bool,
    stopped_at: Option<UnixMillis>,
}

impl VenueScript {
    /// It answers after this many seconds.
    pub const fn slow(seconds: i64) -> Self {
        Self {
            latency: Millis::seconds(seconds),
            up: true,
            lacks_newest_bar: false,
            stopped_at: None,
        }
    }

    /// It refuses.
    pub const fn away() -> Self {
        Self {
            up: false,
            ..Self::slow(0)
        }
    }

    /// It answers, but has nothing later than this.
    pub const fn stopped_at(time: UnixMillis) -> Self {
        Self {
            stopped_at: Some(time),
            ..Self::slow(0)
        }
    }

    /// The newest bar of the series' step appears a step late; minutes don't.
    pub const fn without_the_newest_bar(self) -> Self {
        Self {
            lacks_newest_bar: true,
            ..self
        }
    }

    fn bars(
        &self,
        step: Millis,
        span: CandleSpan,
        now: UnixMillis,
    ) -> Result<Vec<Bar>, ForecastServiceError> {
        if !self.up || self.latency > DEADLINE {
            return Err(ForecastServiceError::Prices(Arc::new(RestError::Status {
                venue: "replay",
                url: "http://venue".into(),
                status: 500,
                retry_after: None,
            })));
        }
        let mut to = span.to.min(floor(now, step));
        if self.lacks_newest_bar && step > MINUTE {
            to = to.min(floor(now, step) - step);
        }
        let to = self.stopped_at.map_or(to, |stopped_at| to.min(stopped_at));
        Ok(bars(step, span.from, to))
    }
}

/// The bars of `[from, to)`: each closes at a price that tells when.
fn bars(step: Millis, from: UnixMillis, to: UnixMillis) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut open_time = from;
    while open_time < to {
        let minutes = (open_time + step - EPOCH).get() / MINUTE.get();
        bars.push(Bar::from_value(open_time, price(40_000.0 + minutes as f64)));
        open_time = open_time + step;
    }
    bars
}

/// The time of the newest price that a payload of the random walk was made of.
pub fn price_time(payload: &str) -> UnixMillis {
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
    let minutes = payload["values"][0].as_f64().unwrap() - 40_000.0;
    EPOCH + MINUTE.times(minutes as i64)
}

pub struct VirtualMiner {
    pub now: UnixMillis,
    pub script: VenueScript,
    pub fit_takes: Millis,
    pub fits: usize,
    /// Requests to the venue.
    pub asked: usize,
    /// How far ahead the miner's clock is.
    pub skewed_by: Millis,
    pub folder: Arc<DataFolder>,
    directory: tempfile::TempDir,
    forecaster: LiveForecaster,
    next_tick: UnixMillis,
    /// By when it ends, in the order in which it was begun.
    under_way: BTreeMap<(UnixMillis, usize), FinishedWork>,
    begun: usize,
}

impl VirtualMiner {
    pub fn without_history(start: UnixMillis) -> Self {
        let history = LiveHistory::new(STEP, btc_usd(4).unit, Millis::days(1));
        Self::new(start, history, None)
    }

    /// One that was stopped when the last bar had closed at `known_to`.
    pub fn with_history(start: UnixMillis, known_to: UnixMillis, with_model: bool) -> Self {
        let mut history = LiveHistory::new(STEP, btc_usd(4).unit, Millis::days(1));
        let span = history.due_bars(known_to).unwrap();
        history
            .add_bars(span, bars(STEP, span.from, span.to))
            .unwrap();
        let fit = with_model.then(|| {
            let model = models::by_name("random-walk").unwrap();
            let fitted = model.fit(history.bars(), &btc_usd(4).grid, 0).unwrap();
            (known_to, Arc::from(fitted))
        });
        Self::new(start, history, fit)
    }

    fn new(start: UnixMillis, history: LiveHistory, fit: Option<TimedFit>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let folder = Arc::new(DataFolder::create(&directory.path().join("data")).unwrap());
        let config = ModelConfig {
            history_days: 1,
            refit_hours: 1,
            ..ModelConfig::new("random-walk")
        };
        let model = models::by_name("random-walk").unwrap();
        let forecaster =
            LiveForecaster::new(btc_usd(4), config, model, Arc::clone(&folder), history, fit);
        Self {
            now: start,
            script: VenueScript::slow(0),
            fit_takes: Millis::literal(100),
            fits: 0,
            asked: 0,
            skewed_by: Millis::literal(0),
            folder,
            directory,
            forecaster,
            next_tick: start,
            under_way: BTreeMap::new(),
            begun: 0,
        }
    }

    pub fn current(&self, origin: UnixMillis) -> Result<Arc<str>, ForecastServiceError> {
        self.forecaster.standing().current(origin)
    }

    pub fn remove_folder(&self) {
        std::fs::remove_dir_all(self.directory.path().join("data")).unwrap();
    }

    pub fn restore_folder(&self) {
        std::fs::create_dir(self.directory.path().join("data")).unwrap();
    }

    pub fn run_until(&mut self, end: UnixMillis) {
        self.run_until_and(end, |_| {});
    }

    /// Runs through all that happens up to `end`, and looks after each of it.
    pub fn run_until_and(&mut self, end: UnixMillis, look: impl Fn(&Self)) {
        loop {
            let ends = self.under_way.first_key_value();
            let ends = ends.map(|((at, _), _)| *at);
            let at = ends.map_or(self.next_tick, |ends| ends.min(self.next_tick));
            if at > end {
                break;
            }
            self.now = at;
            if ends == Some(at) {
                let (_, done) = self.under_way.pop_first().unwrap();
                self.forecaster.take(done, at + self.skewed_by);
            } else {
                self.next_tick = at + TICK;
            }
            for work in self.forecaster.due_work(at + self.skewed_by) {
                self.carry_out(work);
            }
            look(self);
        }
        self.now = end;
    }

    fn carry_out(&mut self, work: ForecastWork) {
        let asks = matches!(
            work.kind(),
            WorkKind::ReadBars | WorkKind::ReadMinutes | WorkKind::ReadOlderBars
        );
        self.asked += usize::from(asks);
        let latency = self.script.latency.min(DEADLINE);
        let (takes, done) = match work {
            ForecastWork::ReadBars(span) => {
                let bars = self.script.bars(STEP, span, self.now);
                (latency, FinishedWork::ReadBars(span, bars))
            }
            ForecastWork::ReadMinutes(span) => {
                let minutes = self.script.bars(MINUTE, span, self.now);
                (latency, FinishedWork::ReadMinutes(minutes))
            }
            ForecastWork::ReadOlderBars(span) => {
                let bars = self.script.bars(STEP, span, self.now);
                (latency, FinishedWork::ReadOlderBars(span, bars))
            }
            ForecastWork::Fit(fit) => {
                self.fits += 1;
                (self.fit_takes, fit.run())
            }
            ForecastWork::Forecast(forecasts) => (FORECAST_TIME, forecasts.run()),
            ForecastWork::Save(_) => (Millis::literal(5), FinishedWork::Save(Ok(()))),
            ForecastWork::ProbeFolder => {
                self.folder.probe();
                (Millis::literal(5), FinishedWork::ProbeFolder)
            }
        };
        let running = self.under_way.values().map(FinishedWork::kind);
        let alike = running.filter(|kind| *kind == done.kind()).count();
        assert_eq!(alike, 0, "{:?} runs already", done.kind());
        self.begun += 1;
        self.under_way.insert((self.now + takes, self.begun), done);
    }
}
