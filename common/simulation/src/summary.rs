//! What many seasons show about a pay rule.

use std::collections::BTreeMap;

use foretell_evaluation::mean_inference::{MeanInference, RoundDependence};
use serde::Serialize;

use crate::attack::Attack;
use crate::forecasters::{HONEST_ATTACKER, HONEST_FORECASTERS, SkillClass};
use crate::season::{REPORT_DAYS, SeasonResult};

/// Results of all seasons under one policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicySummary {
    /// Name of the policy, with the numbers that vary.
    pub policy: String,
    /// Number of seasons: starts times seeds.
    pub seasons: usize,
    /// Means at each report day, without any attack.
    pub checkpoints: Vec<DaySummary>,
    /// Largest over smallest pay of a season, among forecasters too alike in skill to be told apart.
    pub near_equals: RatioSummary,
    /// Mean gain of the consensus over the reference, where there is one.
    pub consensus_gain: Option<f64>,
    /// Score of the consensus over that of the best member in hindsight, from day 20 on.
    pub against_best: Option<f64>,
    /// The gain of every attack.
    pub attacks: Vec<AttackSummary>,
}

/// Means over all seasons after some days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DaySummary {
    /// Days since the start.
    pub days: usize,
    /// Share of what is paid, by class; `None` where nothing was ever paid.
    pub pay: BTreeMap<SkillClass, Option<f64>>,
    /// Share of each class's forecasters that is eligible.
    pub eligible: BTreeMap<SkillClass, f64>,
    /// Part of the emission that is not paid.
    pub unpaid: f64,
}

/// Median and worst of a ratio over seasons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatioSummary {
    /// The median season's.
    pub median: f64,
    /// The worst season's; null in JSON if a forecaster got nothing.
    pub worst: f64,
}

/// What one attack gains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttackSummary {
    /// Name of the attack.
    pub attack: String,
    /// The attacker's share of all pay over a season.
    pub share: f64,
    /// Its share had it been honest.
    pub honest: f64,
    /// The difference of the two shares.
    pub gain: f64,
    /// Standard error of the difference, the seeds of one start being one observation; `None` of one start, or of fewer than
    /// twenty whose seasons overlap.
    pub standard_error: Option<f64>,
    /// `gain` ± this holds the true difference in 95 % of all cases.
    pub gain_half_width: Option<f64>,
}

impl PolicySummary {
    /// The summary of `seasons[start][seed][attack]`, whose last index is that of `attacks`; the season of a start overlaps
    /// with the next `overlapping − 1` ones.
    pub fn new(
        policy: &str,
        attacks: &[Attack],
        seasons: &[Vec<Vec<SeasonResult>>],
        overlapping: usize,
    ) -> Self {
        let honest = attacks
            .iter()
            .position(|attack| attack.is_honest() && attack.peers.is_none())
            .unwrap_or(0);
        let unattacked: Vec<&SeasonResult> =
            seasons.iter().flatten().map(|all| &all[honest]).collect();
        Self {
            policy: policy.to_owned(),
            seasons: unattacked.len(),
            checkpoints: (0..REPORT_DAYS.len())
                .filter(|at| unattacked.iter().all(|result| result.weights.len() > *at))
                .map(|at| day_summary(at, &unattacked))
                .collect(),
            near_equals: near_equals(&unattacked),
            consensus_gain: consensus_gain(&unattacked),
            against_best: against_best(&unattacked),
            attacks: (0..attacks.len())
                .map(|attack| attack_summary(attack, attacks, seasons, overlapping))
                .collect(),
        }
    }
}

fn day_summary(at: usize, unattacked: &[&SeasonResult]) -> DaySummary {
    let classes = [
        SkillClass::Good,
        SkillClass::Middling,
        SkillClass::Tails,
        SkillClass::None,
    ];
    let members = |class: SkillClass| {
        let forecasters = HONEST_FORECASTERS.iter().enumerate();
        forecasters.filter(move |(_, forecaster)| forecaster.class == class)
    };
    let pay = classes.map(|class| {
        let shares = unattacked.iter().filter_map(|result| {
            let paid = 1.0 - result.burned[at];
            let own: f64 = members(class).map(|(i, _)| result.weights[at][i]).sum();
            let attacker = if class == HONEST_ATTACKER.class {
                result.attacker_weights[at]
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
        let share = |result: &&SeasonResult| {
            let flags = members(class).map(|(i, _)| f64::from(u8::from(result.eligible[at][i])));
            mean(flags)
        };
        (class, mean(unattacked.iter().map(share)))
    });
    DaySummary {
        days: REPORT_DAYS[at],
        pay: pay.into(),
        eligible: eligible.into(),
        unpaid: mean(unattacked.iter().map(|result| result.burned[at])),
    }
}

fn consensus_gain(unattacked: &[&SeasonResult]) -> Option<f64> {
    let gains: Option<Vec<f64>> = unattacked.iter().map(|p| p.consensus_gain).collect();
    Some(mean(gains?.into_iter()))
}

fn against_best(unattacked: &[&SeasonResult]) -> Option<f64> {
    let mature: Vec<&(f64, Vec<f64>)> = unattacked
        .iter()
        .filter_map(|result| result.mature_scores.as_ref())
        .collect();
    let consensus: f64 = mature.iter().map(|(consensus, _)| consensus).sum();
    let members = (0..HONEST_FORECASTERS.len())
        .map(|m| mature.iter().map(|(_, members)| members[m]).sum::<f64>());
    (!mature.is_empty()).then(|| consensus / members.fold(f64::INFINITY, f64::min))
}

fn near_equals(unattacked: &[&SeasonResult]) -> RatioSummary {
    let ratio = |result: &&SeasonResult| {
        let all = result.paid.iter().zip(HONEST_FORECASTERS);
        let near_equal = all.filter(|(_, forecaster)| forecaster.near_equal);
        let paid: Vec<f64> = near_equal.map(|(paid, _)| *paid).collect();
        let most = paid.iter().copied().fold(0.0, f64::max);
        most / paid.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let mut ratios: Vec<f64> = unattacked.iter().map(ratio).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    RatioSummary {
        median: ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN),
        worst: ratios.last().copied().unwrap_or(f64::NAN),
    }
}

fn attack_summary(
    attack: usize,
    attacks: &[Attack],
    seasons: &[Vec<Vec<SeasonResult>>],
    overlapping: usize,
) -> AttackSummary {
    let peers = attacks[attack].peers;
    let honest = attacks
        .iter()
        .position(|other| other.is_honest() && other.peers == peers)
        .unwrap_or(0);
    let share = |result: &SeasonResult| {
        let all = result.attacker_paid + result.paid.iter().sum::<f64>();
        if all > 0.0 {
            result.attacker_paid / all
        } else {
            0.0
        }
    };
    let by_start = |which: usize| {
        let starts = seasons.iter();
        let means = starts.map(|seeds| mean(seeds.iter().map(|all| share(&all[which]))));
        means.collect::<Vec<f64>>()
    };
    let (own, other) = (by_start(attack), by_start(honest));
    let gains: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
    let certainty = gain_certainty(&gains, overlapping);
    AttackSummary {
        attack: attacks[attack].name(),
        share: mean(own.into_iter()),
        honest: mean(other.into_iter()),
        gain: mean(gains.iter().copied()),
        standard_error: certainty.map(|c| c.standard_error),
        gain_half_width: certainty.map(|c| c.half_width()),
    }
}

/// The mean gain over starts in order of time: independent ones, or ones whose seasons share days.
fn gain_certainty(gains: &[f64], overlapping: usize) -> Option<MeanInference> {
    if overlapping <= 1 {
        MeanInference::of_independent(gains)
    } else {
        MeanInference::of_rounds(gains, RoundDependence::new(overlapping, 0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_has_no_error_where_nothing_can_be_said() {
        assert_eq!(gain_certainty(&[0.1], 1), None);
        // 0.1 and 0.3: the mean's error is 0.1, and t of one degree of freedom is 12.706 at 97.5 %.
        let two = gain_certainty(&[0.1, 0.3], 1).unwrap();
        assert!((two.standard_error - 0.1).abs() < 1e-12);
        assert!((two.half_width() - 1.2706).abs() < 1e-4);
        let gains: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11)).collect();
        assert_eq!(gain_certainty(&gains, 3), None);
        assert!(gain_certainty(&gains, 2).is_some());
        // An attack that never does anything.
        assert_eq!(gain_certainty(&[0.0; 12], 1).unwrap().half_width(), 0.0);
    }
}
