//! One season: a population, and every attack on it, round by round as a validator would live it.
//!
//! ```text
//!   at T:  rounds that end at T settle ─▶ advantages, credits, quadratic ─▶ weights of this instant
//!          the round at T opens with the pool of those eligible now
//! ```
//!
//! What anybody sends, and what it is worth on its own, is the same in every scenario. So it is made once a round, and all
//! scenarios are played beside each other: only fit, credits and weights are a scenario's own.

use foretell_core::forecast::QuantileForecast;
use foretell_core::outcome::Outcome;
use foretell_core::pool::deviations::Deviations;
use foretell_core::pool::evidence::{self, EvidenceWindow};
use foretell_core::rules::{EvidenceRules, FitRules, PayRules, Rules};
use foretell_core::score::{Reference, Score};
use foretell_core::settle::Settlement;
use foretell_core::time::{Millis, UnixMillis};

use crate::attack::{Attack, AttackerView, energy};
use crate::evidence_scenario::EvidenceScenario;
use crate::forecasters::{HONEST_ATTACKER, HONEST_FORECASTERS, TrainedForecaster};
use crate::historical_market::HistoricalMarket;
use crate::legacy_scenario::LegacyScenario;
use crate::population::Population;
use crate::schaake_shuffle::SchaakeShuffle;
use crate::season_result::{Participants, PayoutEvent, SeasonResult};
use crate::simulated_round::{EvidenceRecords, ScoringContext, SimulatedRound};

/// Days after which shares are looked at.
pub const CHECKPOINTS: [usize; 4] = [5, 10, 20, 30];

/// Days after which the consensus is held against its best member.
pub const MATURE_DAYS: usize = 20;

/// What all seasons have in common.
#[derive(Debug)]
pub struct SimulationPlan {
    /// Rules of everything but what the variants vary.
    pub rules: Rules,
    /// Interval between rounds.
    pub round_every: Millis,
    /// Length of a season.
    pub days: usize,
    /// What is tried.
    pub attacks: Vec<Attack>,
    /// How it is paid, side by side.
    pub variants: Vec<PolicyVariant>,
}

/// A way to pay, under a name.
#[derive(Debug, Clone)]
pub struct PolicyVariant {
    /// Its name.
    pub name: String,
    /// How it pays.
    pub policy: PayPolicy,
}

/// A policy, and the numbers that may vary.
#[derive(Debug, Clone, Copy)]
pub enum PayPolicy {
    /// The live one: who is eligible, how the consensus is made, and how much is paid.
    Evidence(EvidenceRules, FitRules, PayRules),
    /// The first generation's, paid once a day.
    Taoshi,
    /// CRPS of increments, paid once a day.
    Increments,
}

/// A season before chance: what has been learnt, and the widths of every round.
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
    /// Widths by forecaster.
    scales: Vec<Vec<f64>>,
}

/// One attack under one policy.
enum Scenario<'a> {
    Evidence(Box<EvidenceScenario<'a>>),
    Legacy(Box<LegacyScenario>),
}

impl SeasonStart {
    /// What is known before the season that begins at `first`.
    pub fn new(market: &HistoricalMarket, plan: &SimulationPlan, first: UnixMillis) -> Self {
        let now = market.known_at(first);
        let until = now + market.bars_in(Millis::days(plan.days as i64 + 1));
        let everybody = HONEST_FORECASTERS.iter().chain([&HONEST_ATTACKER]);
        let trained: Vec<TrainedForecaster> = everybody
            .zip(1..)
            .map(|(forecaster, stream)| forecaster.fit(market, now, until, stream))
            .collect();
        let reference = Reference::new(&plan.rules.score);
        let count = plan.days as i64 * Millis::days(1).0 / plan.round_every.0;
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
                    scales: trained.iter().map(|r| r.scales(market, known)).collect(),
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
            lags: evidence::lags(market.series.grid.span().0, plan.round_every.0),
            half_life: plan.rules.evidence.half_life,
        };
        let population = Population::new(&plan.attacks);
        let is_legacy =
            |variant: &PolicyVariant| !matches!(variant.policy, PayPolicy::Evidence(..));
        let context = ScoringContext {
            rules: &plan.rules,
            population: &population,
            legacy: plan.variants.iter().any(is_legacy),
            settlement_lag: window.lags / 2,
        };
        let rules: Vec<Rules> = plan.variants.iter().map(|v| v.rules(&plan.rules)).collect();
        let mut scenarios: Vec<Scenario<'_>> = plan
            .variants
            .iter()
            .zip(&rules)
            .flat_map(|(variant, rules)| plan.attacks.iter().map(move |a| (variant, rules, a)))
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
            let ended = n.checked_sub(context.settlement_lag);
            if let Some(m) = ended {
                let precomputed = &self.rounds[m];
                if let Some(outcome) = &precomputed.outcome {
                    let fans = self.fans(precomputed, outcome, &empty, seed, m);
                    let (honest, own) = fans.split_at(HONEST_FORECASTERS.len());
                    let attacker_view = AttackerView {
                        honest: &own[0],
                        reference: empty.reference(),
                        volatility: outcome.volatility,
                        energy: energy(&own[0], empty.reference(), outcome.volatility),
                        public_consensus: None,
                        first_move: outcome.moves.first().copied().flatten(),
                        round_index: m,
                        rounds_per_day,
                        seed,
                    };
                    let round = (precomputed.origin, outcome, &precomputed.settlement);
                    let mut simulated_round = records.score_round(
                        &context,
                        round,
                        precomputed.reference_score,
                        honest,
                        attacker_view,
                        &empty,
                    );
                    for scenario in &mut scenarios {
                        scenario.settle(&mut simulated_round, m >= MATURE_DAYS * rounds_per_day);
                    }
                } else {
                    for scenario in &mut scenarios {
                        scenario.void();
                    }
                }
            }
            let is_checkpoint = CHECKPOINTS
                .iter()
                .any(|days| days * rounds_per_day == n + 1);
            for scenario in &mut scenarios {
                match scenario {
                    Scenario::Evidence(scenario) => {
                        let payout = PayoutEvent {
                            rounds: 1.0,
                            checkpoint: is_checkpoint,
                        };
                        scenario.pay(&records, &payout);
                        if n < self.rounds.len() {
                            scenario.open();
                        }
                    }
                    Scenario::Legacy(scenario) if (n + 1).is_multiple_of(rounds_per_day) => {
                        scenario.pay(&PayoutEvent {
                            rounds: rounds_per_day as f64,
                            checkpoint: is_checkpoint,
                        });
                    }
                    Scenario::Legacy(_) => {}
                }
            }
        }
        let results: Vec<SeasonResult> = scenarios.into_iter().map(Scenario::into_result).collect();
        let variants = results.chunks(plan.attacks.len().max(1));
        variants.map(<[SeasonResult]>::to_vec).collect()
    }

    /// Everybody's fans in one round, the attacker's honest one last.
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
        let everybody = self.trained.iter().zip(&precomputed.scales);
        everybody
            .map(|(trained, scales)| {
                trained.fan(scales, reference, volatility, horizon, seed, round as u64)
            })
            .collect()
    }
}

impl PolicyVariant {
    fn rules(&self, rules: &Rules) -> Rules {
        match self.policy {
            PayPolicy::Evidence(evidence, fit, pay) => Rules {
                evidence,
                fit,
                pay,
                ..*rules
            },
            PayPolicy::Taoshi | PayPolicy::Increments => *rules,
        }
    }
}

impl<'a> Scenario<'a> {
    fn new(
        policy: PayPolicy,
        attack: &Attack,
        population: &Population,
        rules: &'a Rules,
        window: EvidenceWindow,
    ) -> Self {
        let participants = Participants::new(attack, population);
        match policy {
            PayPolicy::Evidence(..) => Self::Evidence(Box::new(EvidenceScenario::new(
                attack,
                participants,
                rules,
                window,
            ))),
            PayPolicy::Taoshi => Self::Legacy(Box::new(LegacyScenario::taoshi(participants))),
            PayPolicy::Increments => {
                Self::Legacy(Box::new(LegacyScenario::increments(participants)))
            }
        }
    }

    fn settle(&mut self, simulated_round: &mut SimulatedRound<'_>, mature: bool) {
        match self {
            Self::Evidence(scenario) => scenario.settle(simulated_round, mature),
            Self::Legacy(scenario) => scenario.settle(simulated_round),
        }
    }

    fn void(&mut self) {
        if let Self::Evidence(scenario) = self {
            scenario.void();
        }
    }

    fn into_result(self) -> SeasonResult {
        match self {
            Self::Evidence(scenario) => scenario.into_result(),
            Self::Legacy(scenario) => scenario.into_result(),
        }
    }
}
