//! One season: a population, and every attack on it, round by round as a validator would live it.
//!
//! ```text
//!   at T:  rounds that end at T settle ─▶ advantages, credits, quadratic ─▶ weights of this instant
//!          the round at T opens with the pool of those eligible now
//! ```
//!
//! What anybody sends, and what it is worth on its own, is the same in every world. So it is made once a round, and all
//! worlds are played beside each other: only fit, credits and weights are a world's own.

use foretell_core::forecast::Fan;
use foretell_core::rules::{EvidenceRules, FitRules, PayRules, Rules};
use foretell_core::score::{Outcome, Reference, Score};
use foretell_core::settle::Settlement;
use foretell_core::time::{Millis, UnixMillis};
use foretell_core::weigh::deviations::Deviations;
use foretell_core::weigh::evidence::{self, Window};

use crate::attack::{Attack, Sight, energy};
use crate::cast::Cast;
use crate::market::Market;
use crate::network::Network;
use crate::older::OlderNetwork;
use crate::paths::Paths;
use crate::played::{Payday, Played, Players};
use crate::population::{HONEST_SELF, POPULATION, Ready};
use crate::scene::{Judges, Records, Scene};

/// Days after which shares are looked at.
pub const CHECKPOINTS: [usize; 4] = [5, 10, 20, 30];

/// Days after which the consensus is held against its best member.
pub const MATURE_DAYS: usize = 20;

/// What all seasons have in common.
#[derive(Debug)]
pub struct Plan {
    /// Rules of everything but what the variants vary.
    pub rules: Rules,
    /// Interval between rounds.
    pub round_every: Millis,
    /// Length of a season.
    pub days: usize,
    /// What is tried.
    pub attacks: Vec<Attack>,
    /// How it is paid, side by side.
    pub variants: Vec<Variant>,
}

/// A way to pay, under a name.
#[derive(Debug, Clone)]
pub struct Variant {
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
pub struct Start {
    ready: Vec<Ready>,
    rounds: Vec<RoundFacts>,
}

#[derive(Debug)]
struct RoundFacts {
    origin: UnixMillis,
    settlement: Settlement,
    outcome: Option<Outcome>,
    reference_score: f64,
    /// Widths by forecaster.
    scales: Vec<Vec<f64>>,
}

/// One attack under one policy.
enum World<'a> {
    Evidence(Box<Network<'a>>),
    Older(Box<OlderNetwork>),
}

impl Start {
    /// What is known before the season that begins at `first`.
    pub fn new(market: &Market, plan: &Plan, first: UnixMillis) -> Self {
        let now = market.known_at(first);
        let until = now + market.bars_in(Millis::days(plan.days as i64 + 1));
        let everybody = POPULATION.iter().chain([&HONEST_SELF]);
        let ready: Vec<Ready> = everybody
            .zip(1..)
            .map(|(forecaster, purpose)| forecaster.learn(market, now, until, purpose))
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
                    let fan = reference.fan(outcome.volatility, market.series.grid.horizon);
                    Score::scaled_crps(&fan, outcome, &plan.rules.score)
                });
                RoundFacts {
                    origin,
                    settlement,
                    reference_score: reference_score.unwrap_or(0.0),
                    outcome,
                    scales: ready.iter().map(|r| r.scales(market, known)).collect(),
                }
            })
            .collect();
        Self { ready, rounds }
    }

    /// Plays every attack of the plan with this seed, under every variant: one list a variant, in the plan's order.
    pub fn play(&self, market: &Market, plan: &Plan, seed: u64) -> Vec<Vec<Played>> {
        let window = Window {
            lags: evidence::lags(market.series.grid.span().0, plan.round_every.0),
            half_life: plan.rules.evidence.half_life,
        };
        let cast = Cast::of(&plan.attacks);
        let is_older = |variant: &Variant| !matches!(variant.policy, PayPolicy::Evidence(..));
        let judges = Judges {
            rules: &plan.rules,
            cast: &cast,
            older: plan.variants.iter().any(is_older),
            behind: window.lags / 2,
        };
        let rules: Vec<Rules> = plan.variants.iter().map(|v| v.rules(&plan.rules)).collect();
        let mut worlds: Vec<World<'_>> = plan
            .variants
            .iter()
            .zip(&rules)
            .flat_map(|(variant, rules)| plan.attacks.iter().map(move |a| (variant, rules, a)))
            .map(|(variant, rules, attack)| {
                World::new(variant.policy, attack, &cast, rules, window)
            })
            .collect();
        let reference = Reference::new(&plan.rules.score);
        let empty = Deviations::new(&reference, market.series.grid.horizon);
        let rounds_a_day = self.rounds.len() / plan.days.max(1);
        let mut records = Records::new(window, Paths::new(seed, market.series.grid.horizon));
        for n in 0..self.rounds.len() + judges.behind {
            let ended = n.checked_sub(judges.behind);
            if let Some(m) = ended {
                let facts = &self.rounds[m];
                if let Some(outcome) = &facts.outcome {
                    let fans = self.fans(facts, outcome, &empty, seed, m);
                    let (honest, own) = fans.split_at(POPULATION.len());
                    let sight = Sight {
                        honest: &own[0],
                        reference: empty.reference(),
                        volatility: outcome.volatility,
                        energy: energy(&own[0], empty.reference(), outcome.volatility),
                        public: None,
                        first_move: outcome.moves.first().copied().flatten(),
                        round: m,
                        rounds_a_day,
                        seed,
                    };
                    let round = (facts.origin, outcome, &facts.settlement);
                    let mut scene =
                        records.play(&judges, round, facts.reference_score, honest, sight, &empty);
                    for world in &mut worlds {
                        world.settle(&mut scene, m >= MATURE_DAYS * rounds_a_day);
                    }
                } else {
                    for world in &mut worlds {
                        world.void();
                    }
                }
            }
            let is_checkpoint = CHECKPOINTS.iter().any(|days| days * rounds_a_day == n + 1);
            for world in &mut worlds {
                match world {
                    World::Evidence(network) => {
                        let payday = Payday {
                            rounds: 1.0,
                            checkpoint: is_checkpoint,
                        };
                        network.pay(&records, &payday);
                        if n < self.rounds.len() {
                            network.open();
                        }
                    }
                    World::Older(network) if (n + 1).is_multiple_of(rounds_a_day) => {
                        network.pay(&Payday {
                            rounds: rounds_a_day as f64,
                            checkpoint: is_checkpoint,
                        });
                    }
                    World::Older(_) => {}
                }
            }
        }
        let played: Vec<Played> = worlds.into_iter().map(World::played).collect();
        let variants = played.chunks(plan.attacks.len().max(1));
        variants.map(<[Played]>::to_vec).collect()
    }

    /// Everybody's fans in one round, the attacker's honest one last.
    fn fans(
        &self,
        facts: &RoundFacts,
        outcome: &Outcome,
        empty: &Deviations,
        seed: u64,
        round: usize,
    ) -> Vec<Fan> {
        let (reference, volatility) = (empty.reference(), outcome.volatility);
        let horizon = outcome.moves.len();
        let everybody = self.ready.iter().zip(&facts.scales);
        everybody
            .map(|(ready, scales)| {
                ready.fan(scales, reference, volatility, horizon, seed, round as u64)
            })
            .collect()
    }
}

impl Variant {
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

impl<'a> World<'a> {
    fn new(
        policy: PayPolicy,
        attack: &Attack,
        cast: &Cast,
        rules: &'a Rules,
        window: Window,
    ) -> Self {
        let players = Players::of(attack, cast);
        match policy {
            PayPolicy::Evidence(..) => {
                Self::Evidence(Box::new(Network::new(attack, players, rules, window)))
            }
            PayPolicy::Taoshi => Self::Older(Box::new(OlderNetwork::taoshi(players))),
            PayPolicy::Increments => Self::Older(Box::new(OlderNetwork::increments(players))),
        }
    }

    fn settle(&mut self, scene: &mut Scene<'_>, mature: bool) {
        match self {
            Self::Evidence(network) => network.settle(scene, mature),
            Self::Older(network) => network.settle(scene),
        }
    }

    fn void(&mut self) {
        if let Self::Evidence(network) = self {
            network.void();
        }
    }

    fn played(self) -> Played {
        match self {
            Self::Evidence(network) => network.played(),
            Self::Older(network) => network.played(),
        }
    }
}
