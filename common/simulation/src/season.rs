//! One season: a population, and every attack on it, round by round as a validator would live it.
//!
//! ```text
//!   at T:  rounds that end at T settle ─▶ advantages, credits, quadratic ─▶ weights of this instant
//!          the round at T opens with the pool of those eligible now
//! ```
//!
//! The honest population's fans and advantages are the same whatever an attacker does, so they are made once and all
//! attacks of a season are played beside each other, each with its own fit, credits and weights.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::forecast::Fan;
use foretell_core::hotkey::Hotkey;
use foretell_core::rules::{FitRules, PayRules, Rules};
use foretell_core::score::{Outcome, Reference, Score};
use foretell_core::time::{Millis, UnixMillis};
use foretell_core::weigh::deviations::{Consensus, Deviations, Realised};
use foretell_core::weigh::entries::pool;
use foretell_core::weigh::quadratic::Quadratic;
use foretell_core::weigh::{Advantage, Credits, Evidence, PoolEntry, Weights, credit, evidence};

use crate::attack::{Attack, Sight};
use crate::market::Market;
use crate::population::{HONEST_SELF, POPULATION, Ready};

/// Days after which shares are looked at.
pub const CHECKPOINTS: [usize; 4] = [5, 10, 20, 30];

/// Days after which the consensus is held against its best member.
pub const MATURE_DAYS: usize = 20;

/// What all seasons have in common.
#[derive(Debug)]
pub struct Plan {
    /// Rules of everything.
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

/// Rules of the fit and of pay, under a name.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// How the consensus is made.
    pub fit: FitRules,
    /// How much is paid.
    pub pay: PayRules,
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
    outcome: Option<Outcome>,
    reference_score: f64,
    /// Widths by forecaster.
    scales: Vec<Vec<f64>>,
}

/// How one attack ended.
#[derive(Debug, Clone)]
pub struct Played {
    /// Shares of the emission by forecaster of the population, at the checkpoints.
    pub weights: Vec<Vec<f64>>,
    /// The attacker's, at the checkpoints.
    pub attacker: Vec<f64>,
    /// What burned, at the checkpoints.
    pub burned: Vec<f64>,
    /// Who of the population was eligible, at the checkpoints.
    pub eligible: Vec<Vec<bool>>,
    /// All that was paid to each of the population over the season, in rounds' emissions.
    pub paid: Vec<f64>,
    /// All that was paid to the attacker.
    pub attacker_paid: f64,
    /// Mean gain of the consensus over the reference.
    pub consensus_gain: f64,
    /// From [`MATURE_DAYS`] on: sums of the scores of the consensus, and of each of the population.
    pub mature: Option<(f64, Vec<f64>)>,
}

/// One attack under way.
struct Network<'a> {
    attack: &'a Attack,
    plan: &'a Plan,
    variant: &'a Variant,
    lags: usize,
    keys: Vec<Hotkey>,
    /// Members of the population that take part.
    present: Vec<Hotkey>,
    owners: BTreeMap<Hotkey, Hotkey>,
    quadratic: Quadratic,
    credits: Credits,
    advantages: Vec<Vec<Advantage>>,
    consensus: Vec<Advantage>,
    open: VecDeque<Vec<PoolEntry>>,
    public: VecDeque<Consensus>,
    eligible_keys: Vec<Hotkey>,
    played: Played,
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
                let outcome = market.outcome(origin);
                let reference_score = outcome.as_ref().and_then(|outcome| {
                    let fan = reference.fan(outcome.volatility, market.series.grid.horizon);
                    Score::scaled_crps(&fan, outcome, &plan.rules.score)
                });
                RoundFacts {
                    origin,
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
        let span = market.series.grid.span();
        let lags = evidence::lags(span.0, plan.round_every.0);
        // Rounds between an origin and the first one that opens with its prices settled.
        let behind = lags / 2;
        let keys: Vec<Hotkey> = (1..).take(POPULATION.len()).map(honest_key).collect();
        let reference = Reference::new(&plan.rules.score);
        let empty = Deviations::new(&reference, market.series.grid.horizon);
        let mut advantages: Vec<Vec<Advantage>> = vec![Vec::new(); keys.len()];
        let mut networks: Vec<Network<'_>> = plan
            .variants
            .iter()
            .flat_map(|variant| plan.attacks.iter().map(move |attack| (variant, attack)))
            .map(|(variant, attack)| Network::new(attack, variant, plan, lags, &keys))
            .collect();
        let rounds_a_day = self.rounds.len() / plan.days.max(1);
        let mut evidence_of: BTreeMap<Hotkey, Evidence> = BTreeMap::new();
        for n in 0..self.rounds.len() + behind {
            let ended = n
                .checked_sub(behind)
                .and_then(|m| self.rounds.get(m).zip(Some(m)));
            if let Some((facts, m)) = ended
                && let Some(outcome) = &facts.outcome
            {
                let fans = self.fans(facts, outcome, &empty, seed, m);
                let mut deviations = empty.clone();
                for ((key, fan), advantages) in keys.iter().zip(&fans).zip(&mut advantages) {
                    deviations.insert(*key, fan, outcome.volatility, &plan.rules.score);
                    advantages.push(advantage(facts, outcome, Some(fan), &plan.rules));
                }
                evidence_of = keys
                    .iter()
                    .zip(&advantages)
                    .filter_map(|(key, a)| {
                        Some((*key, Evidence::of(a, lags, &plan.rules.evidence)?))
                    })
                    .collect();
                let sight = Sight {
                    honest: &fans[POPULATION.len()],
                    reference: empty.reference(),
                    volatility: outcome.volatility,
                    public: None,
                    first_move: outcome.moves.first().copied().flatten(),
                    round: m,
                    rounds_a_day,
                    seed,
                };
                let realised = Realised::of(outcome, &plan.rules.score);
                for network in &mut networks {
                    network.settle(facts, outcome, &mut deviations, &realised, &sight);
                    if m >= MATURE_DAYS * rounds_a_day {
                        network.compare(facts, &advantages);
                    }
                }
            } else if ended.is_some() {
                // A void round counts for nobody.
                for network in &mut networks {
                    network.open.pop_front();
                }
            }
            for network in &mut networks {
                network.weigh(&evidence_of, n, rounds_a_day);
                if n < self.rounds.len() {
                    network.open_round();
                }
            }
        }
        let played: Vec<Played> = networks.into_iter().map(|network| network.played).collect();
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

impl<'a> Network<'a> {
    fn new(
        attack: &'a Attack,
        variant: &'a Variant,
        plan: &'a Plan,
        lags: usize,
        keys: &[Hotkey],
    ) -> Self {
        let good = attack.peers.unwrap_or(usize::MAX);
        let mut seen = 0;
        let present = keys.iter().zip(POPULATION).filter(|(_, forecaster)| {
            let is_good = forecaster.class == crate::population::Class::Good;
            seen += usize::from(is_good);
            !is_good || seen <= good
        });
        let present: Vec<Hotkey> = present.map(|(key, _)| *key).collect();
        let own: Vec<Hotkey> = (0..attack.hotkeys).map(attacker_key).collect();
        let owner = |key: &Hotkey| if attack.one_coldkey { own[0] } else { *key };
        Self {
            owners: own.iter().map(|key| (*key, owner(key))).collect(),
            advantages: vec![Vec::new(); own.len()],
            keys: own,
            attack,
            variant,
            plan,
            lags,
            present,
            quadratic: Quadratic::default(),
            credits: Credits::default(),
            consensus: Vec::new(),
            open: VecDeque::new(),
            public: VecDeque::new(),
            eligible_keys: Vec::new(),
            played: Played {
                weights: Vec::new(),
                attacker: Vec::new(),
                burned: Vec::new(),
                eligible: Vec::new(),
                paid: vec![0.0; POPULATION.len()],
                attacker_paid: 0.0,
                consensus_gain: 0.0,
                mature: None,
            },
        }
    }

    fn settle(
        &mut self,
        facts: &RoundFacts,
        outcome: &Outcome,
        deviations: &mut Deviations,
        realised: &Realised,
        sight: &Sight<'_>,
    ) {
        let rules = &self.plan.rules;
        let pool = self.open.pop_front().unwrap_or_default();
        // Public when the round was asked: what had settled by then, as many rounds ago as are open.
        let public = (self.public.len() > self.open.len()).then(|| self.public.pop_front());
        let public = public.flatten();
        let sight = Sight {
            public: public.as_ref().map(Consensus::values),
            ..*sight
        };
        let fans = self.attack.fans(&sight);
        for ((key, fan), advantages) in self.keys.iter().zip(&fans).zip(&mut self.advantages) {
            if let Some(fan) = fan {
                deviations.insert(*key, fan, outcome.volatility, &rules.score);
            }
            // A record starts at the first answer.
            if fan.is_some() || !advantages.is_empty() {
                advantages.push(advantage(facts, outcome, fan.as_ref(), rules));
            }
        }
        let consensus = deviations.consensus(&pool);
        let asked: Vec<Hotkey> = self.present.iter().chain(&self.keys).copied().collect();
        let settled = (&*deviations, &consensus, realised);
        self.quadratic
            .add(facts.origin, settled, &asked, &self.variant.fit);
        let credits = credit::credits(deviations, &consensus, &pool, realised);
        self.credits
            .add(facts.origin, &credits, self.variant.pay.half_life);
        if !pool.is_empty() {
            let fan = deviations.fan(&consensus, outcome.volatility);
            let gained = advantage(facts, outcome, Some(&fan), rules);
            self.consensus.push(gained);
        }
        self.public.push_back(consensus);
        for key in &self.keys {
            deviations.remove(key);
        }
    }

    /// Adds this round to the comparison of the consensus with the members.
    fn compare(&mut self, facts: &RoundFacts, advantages: &[Vec<Advantage>]) {
        let score = |a: Option<&Advantage>| facts.reference_score - a.map_or(0.0, |a| a.value);
        // A round without a pool forecasts the reference.
        let pooled = self.consensus.last().filter(|a| a.origin == facts.origin);
        let nobody = || (0.0, vec![0.0; advantages.len()]);
        let (consensus, members) = self.played.mature.get_or_insert_with(nobody);
        *consensus += score(pooled);
        for (sum, advantages) in members.iter_mut().zip(advantages) {
            *sum += score(advantages.last());
        }
    }

    /// The weights of now, and the eligible.
    fn weigh(&mut self, honest: &BTreeMap<Hotkey, Evidence>, n: usize, rounds_a_day: usize) {
        let rules = &self.plan.rules;
        let of = |advantages: &Vec<Advantage>| Evidence::of(advantages, self.lags, &rules.evidence);
        let present = honest.iter().filter(|(key, _)| self.present.contains(key));
        let mut evidence: BTreeMap<Hotkey, Evidence> =
            present.map(|(key, evidence)| (*key, *evidence)).collect();
        let own = self.keys.iter().zip(&self.advantages);
        evidence.extend(own.filter_map(|(key, advantages)| Some((*key, of(advantages)?))));
        let eligible = evidence.iter().filter(|(_, e)| e.value > 0.0);
        self.eligible_keys = eligible.map(|(key, _)| *key).collect();
        let consensus = of(&self.consensus);
        let weights = Weights::of(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.variant.pay,
        );
        let honest: Vec<f64> = (1..)
            .take(POPULATION.len())
            .map(|n| weights.share(&honest_key(n)))
            .collect();
        let attacker: f64 = self.keys.iter().map(|key| weights.share(key)).sum();
        let played = &mut self.played;
        for (paid, weight) in played.paid.iter_mut().zip(&honest) {
            *paid += weight;
        }
        played.attacker_paid += attacker;
        if CHECKPOINTS.iter().any(|days| days * rounds_a_day == n + 1) {
            let is_eligible = |n: u8| self.eligible_keys.contains(&honest_key(n));
            let everybody = (1..).take(POPULATION.len());
            played.eligible.push(everybody.map(is_eligible).collect());
            played.weights.push(honest);
            played.attacker.push(attacker);
            played.burned.push(weights.burn);
        }
        played.consensus_gain = consensus.map_or(0.0, |evidence| evidence.mean);
    }

    fn open_round(&mut self) {
        let fit = &self.variant.fit;
        let pool = pool(&self.eligible_keys, &self.owners, &self.quadratic, fit);
        self.open.push_back(pool);
    }
}

fn advantage(facts: &RoundFacts, outcome: &Outcome, fan: Option<&Fan>, rules: &Rules) -> Advantage {
    let score = fan.and_then(|fan| Score::scaled_crps(fan, outcome, &rules.score));
    Advantage {
        origin: facts.origin,
        value: score.map_or(rules.score.miss_advantage, |score| {
            facts.reference_score - score
        }),
    }
}

const fn honest_key(n: u8) -> Hotkey {
    Hotkey([n; 32])
}

fn attacker_key(n: usize) -> Hotkey {
    Hotkey([100 + u8::try_from(n).unwrap_or(u8::MAX); 32])
}
