//! What the rounds of a walk add up to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::{EvidencePolicy, Policy, SettledRound};

use super::round::{EvaluatedRound, RoundResult, model_hotkey};
use crate::models::{AnyModel, ModelError};

/// The rounds between two fits.
pub struct RefitBlock {
    pub rounds: Vec<(UnixMillis, RoundResult)>,
    pub fitting: Duration,
    pub fits: usize,
}

/// What rounds add up to; they are added in their order.
pub struct EvaluationTotals<'a> {
    /// In the order of their [hotkeys](model_hotkey).
    pub models: &'a [Arc<dyn AnyModel>],
    pub policy: EvidencePolicy,
    pub model_errors: Vec<(String, UnixMillis, ModelError)>,
    pub fitting: (Duration, usize),
    pub origins: usize,
    pub done: usize,
}

impl EvaluationTotals<'_> {
    /// Adds the rounds of a block, and calls `on_round` with every scored one and how many of how many origins are done.
    pub fn add_block(
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
                let name = self.models[*model].name();
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
                let models = self.models.iter().enumerate().filter_map(|(i, model)| {
                    Some((model.name(), round.scored.get(&model_hotkey(i))?))
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
