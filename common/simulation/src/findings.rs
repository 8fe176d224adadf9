//! What many seasons say of a pay rule.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::attack::Attack;
use crate::played::Played;
use crate::population::{Class, HONEST_SELF, POPULATION};
use crate::season::CHECKPOINTS;

/// Findings about one policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Name of the policy.
    pub policy: String,
    /// Seasons: starts times seeds.
    pub seasons: usize,
    /// At each checkpoint, without any attack.
    pub checkpoints: Vec<Checkpoint>,
    /// Largest over smallest pay over a season, among those that nobody can tell apart.
    pub near_equals: Ratio,
    /// Mean gain of the consensus over the reference, where there is one.
    pub consensus_gain: Option<f64>,
    /// Score of the consensus over that of the best member in hindsight, from day 20 on.
    pub against_best: Option<f64>,
    /// Every attack.
    pub attacks: Vec<Finding>,
}

/// Means over all seasons after some days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkpoint {
    /// Days since the start.
    pub days: usize,
    /// Share of what is paid, by class; `None` where nothing was ever paid.
    pub pay: BTreeMap<Class, Option<f64>>,
    /// Share of a class that is eligible.
    pub eligible: BTreeMap<Class, f64>,
    /// Part of the emission that is not paid.
    pub unpaid: f64,
}

/// A ratio over seasons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Middle season.
    pub median: f64,
    /// Worst season; JSON's null if somebody got nothing.
    pub worst: f64,
}

/// What one attack is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its name.
    pub attack: String,
    /// The attacker's share of all pay over a season.
    pub share: f64,
    /// The same had it been honest.
    pub honest: f64,
    /// The difference.
    pub gain: f64,
    /// Standard error of the difference, the seeds of one start being one observation.
    pub standard_error: f64,
}

impl Findings {
    /// What was found: `seasons[start][seed][attack]`.
    pub fn of(policy: &str, attacks: &[Attack], seasons: &[Vec<Vec<Played>>]) -> Self {
        let honest = attacks
            .iter()
            .position(|attack| attack.is_honest() && attack.peers.is_none())
            .unwrap_or(0);
        let unattacked: Vec<&Played> = seasons.iter().flatten().map(|all| &all[honest]).collect();
        Self {
            policy: policy.to_owned(),
            seasons: unattacked.len(),
            checkpoints: (0..CHECKPOINTS.len())
                .filter(|at| unattacked.iter().all(|played| played.weights.len() > *at))
                .map(|at| checkpoint(at, &unattacked))
                .collect(),
            near_equals: near_equals(&unattacked),
            consensus_gain: consensus_gain(&unattacked),
            against_best: against_best(&unattacked),
            attacks: (0..attacks.len())
                .map(|attack| finding(attack, attacks, seasons))
                .collect(),
        }
    }
}

fn checkpoint(at: usize, unattacked: &[&Played]) -> Checkpoint {
    let classes = [Class::Good, Class::Middling, Class::Tails, Class::None];
    let members = |class: Class| {
        let everybody = POPULATION.iter().enumerate();
        everybody.filter(move |(_, forecaster)| forecaster.class == class)
    };
    let pay = classes.map(|class| {
        let shares = unattacked.iter().filter_map(|played| {
            let paid = 1.0 - played.burned[at];
            let own: f64 = members(class).map(|(i, _)| played.weights[at][i]).sum();
            let attacker = if class == HONEST_SELF.class {
                played.attacker[at]
            } else {
                0.0
            };
            (paid > 0.0).then(|| (own + attacker) / paid)
        });
        let shares: Vec<f64> = shares.collect();
        (
            class,
            (!shares.is_empty()).then(|| mean(shares.iter().copied())),
        )
    });
    let eligible = classes.map(|class| {
        let share = |played: &&Played| {
            let flags = members(class).map(|(i, _)| f64::from(u8::from(played.eligible[at][i])));
            mean(flags)
        };
        (class, mean(unattacked.iter().map(share)))
    });
    Checkpoint {
        days: CHECKPOINTS[at],
        pay: pay.into(),
        eligible: eligible.into(),
        unpaid: mean(unattacked.iter().map(|played| played.burned[at])),
    }
}

fn consensus_gain(unattacked: &[&Played]) -> Option<f64> {
    let gains: Option<Vec<f64>> = unattacked.iter().map(|p| p.consensus_gain).collect();
    Some(mean(gains?.into_iter()))
}

fn against_best(unattacked: &[&Played]) -> Option<f64> {
    let mature: Vec<&(f64, Vec<f64>)> = unattacked
        .iter()
        .filter_map(|played| played.mature.as_ref())
        .collect();
    let consensus: f64 = mature.iter().map(|(consensus, _)| consensus).sum();
    let members =
        (0..POPULATION.len()).map(|m| mature.iter().map(|(_, members)| members[m]).sum::<f64>());
    (!mature.is_empty()).then(|| consensus / members.fold(f64::INFINITY, f64::min))
}

fn near_equals(unattacked: &[&Played]) -> Ratio {
    let ratio = |played: &&Played| {
        let everybody = played.paid.iter().zip(POPULATION);
        let alike = everybody.filter(|(_, forecaster)| forecaster.near_equal);
        let paid: Vec<f64> = alike.map(|(paid, _)| *paid).collect();
        let most = paid.iter().copied().fold(0.0, f64::max);
        most / paid.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let mut ratios: Vec<f64> = unattacked.iter().map(ratio).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    Ratio {
        median: ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN),
        worst: ratios.last().copied().unwrap_or(f64::NAN),
    }
}

fn finding(attack: usize, attacks: &[Attack], seasons: &[Vec<Vec<Played>>]) -> Finding {
    let peers = attacks[attack].peers;
    let honest = attacks
        .iter()
        .position(|other| other.is_honest() && other.peers == peers)
        .unwrap_or(0);
    let share = |played: &Played| {
        let all = played.attacker_paid + played.paid.iter().sum::<f64>();
        if all > 0.0 {
            played.attacker_paid / all
        } else {
            0.0
        }
    };
    let of_start = |which: usize| {
        let starts = seasons.iter();
        let means = starts.map(|seeds| mean(seeds.iter().map(|all| share(&all[which]))));
        means.collect::<Vec<f64>>()
    };
    let (own, other) = (of_start(attack), of_start(honest));
    let gains: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
    let gain = mean(gains.iter().copied());
    let n = gains.len() as f64;
    let spread: f64 = gains.iter().map(|g| (g - gain) * (g - gain)).sum();
    Finding {
        attack: attacks[attack].name(),
        share: mean(own.into_iter()),
        honest: mean(other.into_iter()),
        gain,
        standard_error: libm::sqrt(spread / (n * (n - 1.0)).max(1.0)),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    sum / f64::from(count)
}
