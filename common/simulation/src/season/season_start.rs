//! A season before chance, and how it is played.

use foretell_core::forecast::QuantileForecast;
use foretell_core::outcome::Outcome;
use foretell_core::pool::deviations::Deviations;
use foretell_core::pool::evidence::{self, EvidenceWindow};
use foretell_core::rules::Rules;
use foretell_core::score::{Reference, Score};
use foretell_core::settle::Settlement;
use foretell_core::time::{Millis, UnixMillis};

use super::evidence_records::{EvidenceRecords, ScoringContext};
use super::scenario::Scenario;
use super::schaake_shuffle::SchaakeShuffle;
use super::season_result::SeasonResult;
use super::simulation_plan::{MATURE_DAYS, PayPolicy, PolicyVariant, REPORT_DAYS, SimulationPlan};
use crate::attacker_view::{AttackerView, energy};
use crate::forecasters::{HONEST_ATTACKER, HONEST_FORECASTERS, TrainedForecaster};
use crate::historical_market::HistoricalMarket;
use crate::population::Population;

/// All of a season that no seed changes: fitted forecasters, and outcome and scales of every round.
#[derive(Debug)]
pub struct SeasonStart {
    trained: Vec<TrainedForecaster>,
    rounds: Vec<PrecomputedRound>,
}

#[derive(Debug)]
struct PrecomputedRound {
    origin: UnixMillis,
    settlement: Settlement,
    outcome: Option<Outcome>,
    reference_score: f64,
    /// Scale of the move to each step in bps, by forecaster; empty without a model.
    scales: Vec<Vec<f64>>,
}

impl SeasonStart {
    /// The season of `plan.days` that begins at `first`; forecasters learn from the bars before.
    pub fn new(market: &HistoricalMarket, plan: &SimulationPlan, first: UnixMillis) -> Self {
        let now = market.known_at(first);
        let until = now + market.bars_in(Millis::days(plan.days as i64 + 1));
        let forecasters = HONEST_FORECASTERS.iter().chain([&HONEST_ATTACKER]);
        let trained: Vec<TrainedForecaster> = forecasters
            .zip(0..)
            .map(|(forecaster, number)| forecaster.fit(market, now, until, number))
            .collect();
        let reference = Reference::new(&plan.rules.score);
        let count = plan.days as i64 * Millis::days(1).get() / plan.round_every.get();
        let rounds = (0..count)
            .map(|n| {
                let origin = first + plan.round_every.times(n);
                let known = market.known_at(origin);
                let settlement = market.settlement(origin);
                let outcome = market.outcome(&settlement);
                let reference_score = outcome.as_ref().and_then(|outcome| {
                    let fan = reference.forecast(outcome.volatility, market.series.grid.horizon);
                    Score::scaled_crps(&fan, outcome, &plan.rules.score)
                });
                PrecomputedRound {
                    origin,
                    settlement,
                    reference_score: reference_score.unwrap_or(0.0),
                    outcome,
                    scales: trained
                        .iter()
                        .map(|forecaster| forecaster.scales(market, known))
                        .collect(),
                }
            })
            .collect();
        Self { trained, rounds }
    }

    /// Plays every attack of the plan with this seed, under every variant: one list a variant, in the plan's order.
    pub fn simulate(
        &self,
        market: &HistoricalMarket,
        plan: &SimulationPlan,
        seed: u64,
    ) -> Vec<Vec<SeasonResult>> {
        let window = EvidenceWindow {
            lags: evidence::lags(market.series.grid.span(), plan.round_every),
            half_life: plan.rules.evidence.half_life,
        };
        let population = Population::new(&plan.attacks);
        let is_legacy =
            |variant: &PolicyVariant| !matches!(variant.policy, PayPolicy::Evidence(..));
        let context = ScoringContext {
            rules: &plan.rules,
            population: &population,
            with_legacy_scores: plan.variants.iter().any(is_legacy),
            settlement_lag: window.lags / 2,
        };
        let rules: Vec<Rules> = plan
            .variants
            .iter()
            .map(|variant| variant.rules(&plan.rules))
            .collect();
        let mut scenarios: Vec<Scenario<'_>> = plan
            .variants
            .iter()
            .zip(&rules)
            .flat_map(|(variant, rules)| {
                plan.attacks
                    .iter()
                    .map(move |attack| (variant, rules, attack))
            })
            .map(|(variant, rules, attack)| {
                Scenario::new(variant.policy, attack, &population, rules, window)
            })
            .collect();
        let reference = Reference::new(&plan.rules.score);
        let empty = Deviations::new(&reference, market.series.grid.horizon);
        let rounds_per_day = self.rounds.len() / plan.days.max(1);
        let mut records = EvidenceRecords::new(
            window,
            SchaakeShuffle::new(seed, market.series.grid.horizon),
        );
        for n in 0..self.rounds.len() + context.settlement_lag {
            if let Some(m) = n.checked_sub(context.settlement_lag) {
                let precomputed = &self.rounds[m];
                if let Some(outcome) = &precomputed.outcome {
                    let fans = self.fans(precomputed, outcome, &empty, seed, m);
                    let (honest, attacker) = fans.split_at(HONEST_FORECASTERS.len());
                    let view = AttackerView {
                        honest: &attacker[0],
                        reference: empty.reference(),
                        volatility: outcome.volatility,
                        energy: energy(&attacker[0], empty.reference(), outcome.volatility),
                        public_consensus: None,
                        first_move: outcome.moves.first().copied().flatten(),
                        round_index: m,
                        rounds_per_day,
                        seed,
                    };
                    let round = (precomputed.origin, outcome, &precomputed.settlement);
                    let mut scored_round = records.score_round(
                        &context,
                        round,
                        precomputed.reference_score,
                        honest,
                        view,
                        &empty,
                    );
                    for scenario in &mut scenarios {
                        scenario.settle(&mut scored_round, m >= MATURE_DAYS * rounds_per_day);
                    }
                } else {
                    for scenario in &mut scenarios {
                        scenario.void();
                    }
                }
            }
            let is_report_day = REPORT_DAYS
                .iter()
                .any(|days| days * rounds_per_day == n + 1);
            for scenario in &mut scenarios {
                scenario.pay(&records, n, rounds_per_day, is_report_day);
                if n < self.rounds.len() {
                    scenario.open();
                }
            }
        }
        let results: Vec<SeasonResult> = scenarios.into_iter().map(Scenario::into_result).collect();
        let variants = results.chunks(plan.attacks.len().max(1));
        variants.map(<[SeasonResult]>::to_vec).collect()
    }

    /// The fans of the population in one round, then the attacker's honest one.
    fn fans(
        &self,
        precomputed: &PrecomputedRound,
        outcome: &Outcome,
        empty: &Deviations,
        seed: u64,
        round: usize,
    ) -> Vec<QuantileForecast> {
        let (reference, volatility) = (empty.reference(), outcome.volatility);
        let horizon = outcome.moves.len();
        let forecasters = self.trained.iter().zip(&precomputed.scales);
        forecasters
            .map(|(trained, scales)| {
                trained.fan(scales, reference, volatility, horizon, seed, round as u64)
            })
            .collect()
    }
}
