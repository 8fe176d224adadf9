//! Walk-forward: every model refitted on the past only, its forecasts scored as live ones are.
//!
//! ```text
//!  first origin ├──── refit ────┬──── refit ────┬── …        origins every `stride` steps
//!               fit on [T−365 d, T]             forecasts of the block, in parallel ──▶ scores ──▶ track records
//! ```

mod report;

pub use report::{Report, Timing};

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_core::forecast::{Fan, Forecast};
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::{Rules, RulesVersion};
use foretell_core::score::{Outcome, Reference, Score};
use foretell_core::time::{Millis, UnixMillis};
use foretell_core::track::TrackRecord;
use rayon::prelude::*;

use crate::history::History;
use crate::market::Market;
use crate::models::{AnyFitted, AnyModel, LOOKBACK, ModelError};

/// The rules that scores follow.
pub const RULES: RulesVersion = RulesVersion::V1Replay;

/// What to evaluate, and how.
pub struct Walk {
    /// The models.
    pub models: Vec<Arc<dyn AnyModel>>,
    /// Steps between two origins.
    pub stride: NonZeroUsize,
    /// Time between two fits.
    pub refit_every: Millis,
    /// Quantiles per step.
    pub k: usize,
    /// Feeds whatever chance models use.
    pub seed: u64,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Walked {
    /// Origins in order.
    pub origins: Vec<UnixMillis>,
    /// Rounds without a score, for lack of prices.
    pub void_rounds: usize,
    /// The reference's record.
    pub reference: TrackRecord,
    /// Each model's name and record, as they were given.
    pub models: Vec<(String, TrackRecord)>,
    /// Why models had no forecast, the first time that it happened.
    pub refusals: Vec<(String, UnixMillis, ModelError)>,
    /// Time spent fitting, and number of fits.
    pub fitting: (Duration, usize),
}

/// One round of a walk.
pub struct Round<'a> {
    /// Its origin.
    pub origin: UnixMillis,
    /// What happened.
    pub outcome: &'a Outcome,
    /// The reference's fan and those of the models that had one.
    pub fans: Vec<(&'a str, &'a Fan)>,
}

/// Scores of the reference and of each model in one round.
struct Scored {
    reference: Score,
    models: Vec<Result<Score, ModelError>>,
}

impl Walk {
    /// Walks through a market, from the close of the first bar of its first file on, as far as rounds can settle.
    ///
    /// `see` gets every scored round, in order, and how many of how many origins are done.
    pub fn through(&self, market: &Market, mut see: impl FnMut(&Round, usize, usize)) -> Walked {
        let rules = RULES.rules();
        let prices =
            ReplayedPrices::new(market.series.clone(), market.history.bars(), &rules.score);
        let arena = Arena {
            market,
            rules,
            prices,
            reference: Reference::new(&rules.score),
            k: self.k,
        };
        let origins = self.origins(market);
        let mut walked = Walked {
            void_rounds: 0,
            reference: TrackRecord::default(),
            models: self
                .models
                .iter()
                .map(|model| {
                    let mut record = TrackRecord::default();
                    record.started = origins.first().copied();
                    (model.name().to_owned(), record)
                })
                .collect(),
            refusals: Vec::new(),
            fitting: (Duration::ZERO, 0),
            origins,
        };
        let mut done = 0;
        for block in self.blocks(&walked.origins.clone()) {
            let begun = Instant::now();
            let fitted = self.fit(market, block[0]);
            walked.fitting.0 += begun.elapsed();
            walked.fitting.1 += fitted.len();
            let rounds: Vec<_> = block
                .par_iter()
                .map(|origin| arena.round(*origin, &fitted))
                .collect();
            for (origin, round) in block.iter().zip(rounds) {
                done += 1;
                match round {
                    Some((outcome, fans, scored)) => {
                        walked.take(*origin, &scored);
                        let names = self.models.iter().map(|model| model.name());
                        let names = ["reference"].into_iter().chain(names);
                        let fans = names.zip(&fans);
                        let round = Round {
                            origin: *origin,
                            outcome: &outcome,
                            fans: fans
                                .filter_map(|(name, fan)| Some((name, fan.as_ref()?)))
                                .collect(),
                        };
                        see(&round, done, walked.origins.len());
                    }
                    None => walked.void_rounds += 1,
                }
            }
        }
        walked
    }

    /// The origins that a walk through this market has.
    pub fn origins(&self, market: &Market) -> Vec<UnixMillis> {
        let grid = &market.series.grid;
        let stride = grid.step.times(self.stride.get() as i64);
        let first = market.first_open + grid.step;
        std::iter::successors(Some(first), |origin| Some(*origin + stride))
            .take_while(|origin| *origin + grid.span() <= market.last_close)
            .collect()
    }

    /// Origins that share a fit.
    fn blocks<'a>(&self, origins: &'a [UnixMillis]) -> impl Iterator<Item = &'a [UnixMillis]> {
        let first = origins.first().copied().unwrap_or_default();
        let block = move |t: &UnixMillis| (*t - first).0 / self.refit_every.0.max(1);
        origins.chunk_by(move |a, b| block(a) == block(b))
    }

    /// All models, fitted on what was known at `t`.
    fn fit(&self, market: &Market, t: UnixMillis) -> Vec<Result<Box<dyn AnyFitted>, ModelError>> {
        let known = market.history.between(t - LOOKBACK, t);
        let models = self.models.par_iter();
        models
            .map(|model| model.fit(&known, &market.series.grid, self.seed))
            .collect()
    }
}

impl Walked {
    fn take(&mut self, origin: UnixMillis, scored: &Scored) {
        let reference = &scored.reference;
        self.reference.answered(origin, reference, reference);
        for ((name, record), score) in self.models.iter_mut().zip(&scored.models) {
            match score {
                Ok(score) => record.answered(origin, score, reference),
                Err(why) => {
                    record.missed(origin, RULES.rules().score.miss_advantage);
                    if !self.refusals.iter().any(|(refused, ..)| refused == name) {
                        self.refusals.push((name.clone(), origin, why.clone()));
                    }
                }
            }
        }
    }
}

/// What every round of a walk needs.
struct Arena<'a> {
    market: &'a Market,
    rules: Rules,
    prices: ReplayedPrices,
    reference: Reference,
    k: usize,
}

impl Arena<'_> {
    /// What happened after `origin`, the fans of reference and models, and their scores; `None` of a void round.
    fn round(
        &self,
        origin: UnixMillis,
        fitted: &[Result<Box<dyn AnyFitted>, ModelError>],
    ) -> Option<(Outcome, Vec<Option<Fan>>, Scored)> {
        let settlement = self.prices.settlement(origin);
        let unit = self.market.series.unit;
        let outcome = settlement.outcome(unit, &self.rules.settlement).ok()?;
        let anchor = settlement.anchor?.get();
        let known = self.market.history.between(origin - LOOKBACK, origin);
        let horizon = self.market.series.grid.horizon;
        let reference = self.reference.fan(outcome.volatility, horizon);
        let scored = |fan: &Fan| Score::of(fan, &outcome, &self.rules.score);
        let reference_score = scored(&reference)?;
        let mut fans = vec![Some(reference)];
        let models = fitted.iter().map(|fitted| {
            let forecast = match fitted {
                Ok(fitted) => forecast(fitted.as_ref(), &known, self.k),
                Err(why) => Err(why.clone()),
            };
            let fan = forecast.map(|forecast| Fan::of(&forecast, anchor, unit));
            let score = fan.as_ref().map_err(Clone::clone).and_then(|fan| {
                scored(fan).ok_or(ModelError::TooLittleHistory { have: 0, need: 1 })
            });
            fans.push(fan.ok());
            score
        });
        let models = models.collect();
        let scored = Scored {
            reference: reference_score,
            models,
        };
        Some((outcome, fans, scored))
    }
}

fn forecast(fitted: &dyn AnyFitted, known: &History, k: usize) -> Result<Forecast, ModelError> {
    fitted.forecast(known, k)
}
