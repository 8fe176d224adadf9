//! Walk-forward: every model refitted on the past only, its forecasts scored as live ones are.
//!
//! ```text
//!  first origin ├──── refit ────┬──── refit ────┬── …        origins every `stride` steps
//!               fit on [T−365 d, T]             forecasts of the block, in parallel ──▶ scores ──▶ track records
//! ```

pub mod html_report;
mod report;
pub mod report_data;

pub use report::{EvaluationReport, EvaluationTiming};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_core::forecast::Forecast;
use foretell_core::hash::Hex;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::{Rules, RulesVersion};
use foretell_core::score::{Reference, RoundScorer, ScoredForecast};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::{LeaderboardRow, leaderboard};
use foretell_evaluation::policy::{EvidencePolicy, Policy, SettledRound};
use rayon::prelude::*;
use thiserror::Error;

use crate::models::{AnyFittedModel, AnyModel, MAX_LOOKBACK, ModelError};
use crate::price_dataset::PriceDataset;
use crate::price_history::PriceHistory;

/// The rules that scores follow.
pub const EVALUATION_RULES: RulesVersion = RulesVersion::V1Replay;

/// What to evaluate, and how.
pub struct WalkForward {
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
pub struct WalkForwardResult {
    /// Number of origins.
    pub origins: usize,
    /// First and last origin.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Scored rounds.
    pub rounds: usize,
    /// Rounds that were void for lack of prices.
    pub void_rounds: usize,
    /// Reference, consensus, models.
    pub leaderboard: Vec<LeaderboardRow>,
    /// Why models had no forecast, the first time that it happened.
    pub model_errors: Vec<(String, UnixMillis, ModelError)>,
    /// Time spent fitting, and number of fits.
    pub fitting: (Duration, usize),
}

/// Why there is no evaluation.
#[derive(Debug, Error)]
pub enum WalkForwardError {
    /// No round fits in.
    #[error(
        "the prices end before a single round of {horizon} steps has settled: give a longer file, or a shorter --horizon"
    )]
    NoOrigin {
        /// Steps of a forecast.
        horizon: usize,
    },
    /// A book that its own rounds break.
    #[error("a round was known_name: {0}")]
    Policy(String),
}

/// A scored round of a walk.
pub struct EvaluatedRound<'a> {
    /// Its origin.
    pub origin: UnixMillis,
    /// What happened, and the reference.
    pub scorer: &'a RoundScorer,
    /// Models by name, with their fans and scores.
    pub models: Vec<(&'a str, &'a ScoredForecast)>,
}

/// Rounds of models that were fitted once.
struct RefitBlock {
    rounds: Vec<(UnixMillis, RoundResult)>,
    fitting: Duration,
    fits: usize,
}

/// One round, made by whichever thread.
struct RoundResult {
    settlement: Settlement,
    scorer: Result<RoundScorer, VoidReason>,
    forecasts: BTreeMap<Hotkey, Forecast>,
    scored: BTreeMap<Hotkey, ScoredForecast>,
    model_errors: Vec<(usize, ModelError)>,
}

/// What rounds add up to, in their order.
struct EvaluationTotals<'a> {
    walk_forward: &'a WalkForward,
    policy: EvidencePolicy,
    model_errors: Vec<(String, UnixMillis, ModelError)>,
    fitting: (Duration, usize),
    origins: usize,
    done: usize,
}

impl EvaluationTotals<'_> {
    fn add_block(
        &mut self,
        block: &RefitBlock,
        on_round: &mut impl FnMut(&EvaluatedRound, usize, usize),
    ) {
        self.fitting.0 += block.fitting;
        self.fitting.1 += block.fits;
        let owners = BTreeMap::new();
        for (origin, round) in &block.rounds {
            self.done += 1;
            self.policy.add_round(&SettledRound {
                origin: *origin,
                settlement: &round.settlement,
                scorer: round.scorer.as_ref(),
                forecasts: &round.forecasts,
                scored: &round.scored,
                owners: &owners,
            });
            for (model, why) in &round.model_errors {
                let name = self.walk_forward.name(*model);
                if !self
                    .model_errors
                    .iter()
                    .any(|(known_name, ..)| known_name == name)
                {
                    self.model_errors
                        .push((name.to_owned(), *origin, why.clone()));
                }
            }
            if let Ok(scorer) = &round.scorer {
                let models = (0..self.walk_forward.models.len()).filter_map(|model| {
                    Some((
                        self.walk_forward.name(model),
                        round.scored.get(&model_hotkey(model))?,
                    ))
                });
                let evaluated = EvaluatedRound {
                    origin: *origin,
                    scorer,
                    models: models.collect(),
                };
                on_round(&evaluated, self.done, self.origins);
            }
        }
    }
}

impl WalkForward {
    /// Walks through a market, from the close of the first bar of its first file on, as far as rounds can settle.
    ///
    /// Models stand in the very book that pays live miners. `see` gets every scored round in order, with how many of
    /// how many origins are done. While a block goes into the book, the next one is made.
    ///
    /// # Errors
    /// A market in which no round settles.
    pub fn run(
        &self,
        dataset: &PriceDataset,
        mut on_round: impl FnMut(&EvaluatedRound, usize, usize) + Send,
    ) -> Result<WalkForwardResult, WalkForwardError> {
        let origins = self.origins(dataset);
        let (Some(first), Some(last)) = (origins.first().copied(), origins.last().copied()) else {
            let horizon = dataset.series.grid.horizon;
            return Err(WalkForwardError::NoOrigin { horizon });
        };
        let rules = EVALUATION_RULES.rules();
        let context = EvaluationContext {
            dataset,
            history: dataset.history.clone().with_returns(),
            rules,
            prices: ReplayedPrices::new(
                dataset.series.clone(),
                dataset.history.bars(),
                &rules.score,
            ),
            reference: Reference::new(&rules.score),
            k: self.k,
        };
        let mut totals = EvaluationTotals {
            walk_forward: self,
            policy: EvidencePolicy::new(self.genesis(dataset, first)),
            model_errors: Vec::new(),
            fitting: (Duration::ZERO, 0),
            origins: origins.len(),
            done: 0,
        };
        let mut rest = origins.as_slice();
        let mut next = self.next_block(&context, first, &mut rest);
        while let Some(block) = next {
            let following = || self.next_block(&context, first, &mut rest);
            (next, ()) = rayon::join(following, || totals.add_block(&block, &mut on_round));
        }
        totals.policy.finish();
        if let Some(error) = totals.policy.failure() {
            return Err(WalkForwardError::Policy(error.to_string()));
        }
        let names: BTreeMap<Hotkey, String> = (0..self.models.len())
            .map(|model| (model_hotkey(model), self.name(model).to_owned()))
            .collect();
        let counts = totals.policy.round_counts();
        Ok(WalkForwardResult {
            origins: origins.len(),
            span: Some((first, last)),
            rounds: counts.scored,
            void_rounds: counts.void,
            leaderboard: leaderboard(totals.policy.state(), &names),
            model_errors: totals.model_errors,
            fitting: totals.fitting,
        })
    }

    /// Fits at the next of the origins and makes the rounds until models are fitted again, which it takes from the
    /// `rest`; `None` when none is left.
    fn next_block(
        &self,
        context: &EvaluationContext,
        first: UnixMillis,
        rest: &mut &[UnixMillis],
    ) -> Option<RefitBlock> {
        let origin = rest.first().copied()?;
        let started = Instant::now();
        let fitted = self.fit(context, origin);
        let fitting = started.elapsed();
        // A model that knows too little yet is tried again the next day, and a young history is learnt from again
        // whenever it has grown by a quarter.
        let bars = context.dataset.history.bars();
        let known = bars.first().map_or(origin, |bar| bar.open_time);
        let young = if fitted.iter().any(Result::is_err) {
            Millis::days(1)
        } else {
            Millis((origin - known).0 / 4).max(Millis::days(1))
        };
        let next_fit = self.next_fit(first, origin).min(origin + young);
        let origins;
        (origins, *rest) = rest.split_at(rest.partition_point(|t| *t < next_fit));
        let rounds = origins.par_iter();
        let rounds = rounds.map(|origin| (*origin, context.evaluate_round(*origin, &fitted)));
        Some(RefitBlock {
            rounds: rounds.collect(),
            fitting,
            fits: fitted.len(),
        })
    }

    /// The origins that a walk through this market has.
    pub fn origins(&self, dataset: &PriceDataset) -> Vec<UnixMillis> {
        let grid = &dataset.series.grid;
        let stride = grid.step.times(self.stride.get() as i64);
        let first = dataset.first_open + grid.step;
        std::iter::successors(Some(first), |origin| Some(*origin + stride))
            .take_while(|origin| *origin + grid.span() <= dataset.last_close)
            .collect()
    }

    fn genesis(&self, dataset: &PriceDataset, first: UnixMillis) -> Genesis {
        Genesis {
            series: dataset.series.clone(),
            rules: EVALUATION_RULES,
            // Nobody signs in an evaluation.
            validator: Hotkey([0; 32]),
            first_origin: first,
            end_origin: UnixMillis(i64::MAX),
            round_every: dataset.series.grid.step.times(self.stride.get() as i64),
            // And no journal names the prices.
            prices: PriceOrigin::Replay {
                sha256: Hex([0; 32]),
            },
        }
    }

    /// When models are fitted next, if they were at `t`: on multiples of the interval from the first origin on.
    fn next_fit(&self, first: UnixMillis, t: UnixMillis) -> UnixMillis {
        let every = self.refit_every.0.max(1);
        first + Millis(((t - first).0 / every + 1) * every)
    }

    /// All models, fitted on what was known at `t`.
    fn fit(
        &self,
        context: &EvaluationContext,
        t: UnixMillis,
    ) -> Vec<Result<Box<dyn AnyFittedModel>, ModelError>> {
        let known = context.history.between(t - MAX_LOOKBACK, t);
        let models = self.models.par_iter();
        models
            .map(|model| model.fit(&known, &context.dataset.series.grid, self.seed))
            .collect()
    }

    fn name(&self, model: usize) -> &str {
        self.models.get(model).map_or("", |model| model.name())
    }
}

/// The key under which a model stands in the book.
fn model_hotkey(model: usize) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(model as u64 + 1).to_be_bytes());
    Hotkey(bytes)
}

/// What every round of a walk needs.
struct EvaluationContext<'a> {
    dataset: &'a PriceDataset,
    /// The market's, knowing its moves: every fit and every forecast looks at a part of them.
    history: PriceHistory,
    rules: Rules,
    prices: ReplayedPrices,
    reference: Reference,
    k: usize,
}

impl EvaluationContext<'_> {
    /// What happened after `origin`, and what each model had foreseen.
    fn evaluate_round(
        &self,
        origin: UnixMillis,
        fitted: &[Result<Box<dyn AnyFittedModel>, ModelError>],
    ) -> RoundResult {
        let settlement = self.prices.settlement(origin);
        let scorer = RoundScorer::new(
            &self.dataset.series,
            &settlement,
            &self.reference,
            &self.rules,
        );
        let mut round = RoundResult {
            settlement,
            scorer,
            forecasts: BTreeMap::new(),
            scored: BTreeMap::new(),
            model_errors: Vec::new(),
        };
        let known = self.history.between(origin - MAX_LOOKBACK, origin);
        for (model, fitted) in fitted.iter().enumerate() {
            let forecast = match fitted {
                Ok(fitted) => fitted.forecast(&known, self.k),
                Err(why) => Err(why.clone()),
            };
            match forecast {
                Ok(forecast) => {
                    if let Ok(scorer) = &round.scorer {
                        round
                            .scored
                            .insert(model_hotkey(model), scorer.score(&forecast));
                    }
                    round.forecasts.insert(model_hotkey(model), forecast);
                }
                Err(why) => round.model_errors.push((model, why)),
            }
        }
        round
    }
}
