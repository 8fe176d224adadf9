//! The walk through a dataset, block by block: fitted once, then forecast until the next fit.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_core::hash::Hex;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::RulesVersion;
use foretell_core::score::Reference;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::{LeaderboardRow, leaderboard};
use foretell_evaluation::policy::{EvidencePolicy, Policy};
use rayon::prelude::*;
use thiserror::Error;

use super::round::{EvaluatedRound, EvaluationContext, model_hotkey};
use super::totals::{EvaluationTotals, RefitBlock};
use crate::models::{AnyFittedModel, AnyModel, MAX_LOOKBACK, ModelError};
use crate::price_dataset::PriceDataset;

/// The rules of an evaluation: those of a replay of bars.
pub const EVALUATION_RULES: RulesVersion = RulesVersion::V1Replay;

/// Which models to evaluate, and how.
pub struct WalkForward {
    /// The models, in the order in which their track records are kept.
    pub models: Vec<Arc<dyn AnyModel>>,
    /// Steps between two origins.
    pub stride: NonZeroUsize,
    /// Time between two fits; less for a model that knows too little yet.
    pub refit_every: Millis,
    /// Quantiles per step, K.
    pub k: usize,
    /// Seed of whatever randomness a model uses.
    pub seed: u64,
}

/// The result of a walk.
#[derive(Debug, Clone)]
pub struct WalkForwardResult {
    /// Number of origins, of void rounds too.
    pub origins: usize,
    /// First and last origin; `None` without any.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Number of scored rounds.
    pub rounds: usize,
    /// Number of rounds that were void: too few of their prices are known.
    pub void_rounds: usize,
    /// The reference, the consensus, then the models.
    pub leaderboard: Vec<LeaderboardRow>,
    /// Name, origin and reason of each model's first round without a forecast.
    pub model_errors: Vec<(String, UnixMillis, ModelError)>,
    /// Wall time spent fitting, and number of fits.
    pub fitting: (Duration, usize),
}

/// Why a walk has no result.
#[derive(Debug, Error)]
pub enum WalkForwardError {
    /// The prices are shorter than one round.
    #[error(
        "the prices end before a single round of {horizon} steps has settled: give a longer file, or a shorter --horizon"
    )]
    NoOrigin {
        /// Steps of a forecast, H.
        horizon: usize,
    },
    /// The policy refused one of the walk's own rounds.
    #[error("the policy refused a round: {0}")]
    Policy(String),
}

impl WalkForward {
    /// Walks through the prices of a dataset, from the close of the first bar of its first file on, as far as rounds
    /// can settle.
    ///
    /// Models are scored and weighted by the very policy that pays live miners. `on_round` gets every scored round in
    /// order, with how many of how many origins are done. While the policy takes in one block, the next one is made.
    ///
    /// # Errors
    /// Prices in which no round settles.
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
            models: &self.models,
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
        let models = self.models.iter().enumerate();
        let names: BTreeMap<Hotkey, String> = models
            .map(|(i, model)| (model_hotkey(i), model.name().to_owned()))
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

    /// Fits at the first origin of `rest`, and takes the rounds until the next fit from it; `None` when none is left.
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
            Millis::saturating((origin - known).get() / 4).max(Millis::days(1))
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

    /// The origins of a walk through this dataset, ascending.
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
            end_origin: UnixMillis::MAX,
            round_every: dataset.series.grid.step.times(self.stride.get() as i64),
            // And no journal names the prices.
            prices: PriceOrigin::Replay {
                sha256: Hex([0; 32]),
            },
        }
    }

    /// When models are fitted next, if they were at `t`: on multiples of the interval from the first origin on.
    fn next_fit(&self, first: UnixMillis, t: UnixMillis) -> UnixMillis {
        let every = self.refit_every.max(Millis::literal(1));
        first + every.times((t - first).whole(every) + 1)
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
}
