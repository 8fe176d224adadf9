//! Seasons of every attack under every policy, for all starts and seeds, and their summary.

use anyhow::{Result, bail, ensure};
use foretell_cli::progress::Progress;
use foretell_cli::time_text;
use foretell_core::rules::{EvidenceRules, FitRules, Rules, RulesVersion};
use foretell_core::series::Grid;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::policy::PolicyName;
use foretell_simulation::attack::Attack;
use foretell_simulation::season::{PayPolicy, PolicyVariant, SeasonStart, SimulationPlan};
use foretell_simulation::summary::PolicySummary;
use rayon::prelude::*;
use serde::Serialize;

use super::args::SimulatePolicyArgs;
use super::market::market;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct SimulationReport {
    pub(super) rules: String,
    pub(super) from: UnixMillis,
    pub(super) to: UnixMillis,
    pub(super) starts: usize,
    pub(super) seeds: u16,
    pub(super) days: u16,
    pub(super) policies: Vec<PolicySummary>,
}

/// Simulates all seasons, on all cores; fails if none fits between the bounds.
pub fn simulate(arguments: &SimulatePolicyArgs) -> Result<SimulationReport> {
    let version = RulesVersion::V1Replay;
    let rules = version.rules();
    let (market, from, end) = market(arguments, rules)?;
    let Grid { step, .. } = market.series.grid;
    let span = Millis::days(i64::from(arguments.days)) + market.series.grid.span();
    let last = end - span;
    ensure!(
        last >= from,
        "no season of {} days fits between {} and the end of the prices: give more prices or fewer --days",
        arguments.days,
        time_text::format_time(from)
    );
    let between = (last - from).get() / i64::from(arguments.starts.max(2) - 1);
    let starts: Vec<UnixMillis> = (0..i64::from(arguments.starts))
        .map(|n| (from + Millis::saturating(between).times(n)).floor(step))
        .collect();
    let overlapping = overlapping_starts(span, Millis::saturating(between), starts.len());
    let plan = SimulationPlan {
        rules,
        round_every: Millis::minutes(30),
        days: usize::from(arguments.days),
        attacks: attacks(&arguments.attack)?,
        variants: variants(arguments, &rules),
    };
    let progress = Progress::new();
    // Learning before a start takes about as long as a season of one seed.
    progress.set(0, starts.len() * (1 + usize::from(arguments.seeds)));
    progress.message(|| "seasons, and what is learned before them".to_owned());
    let simulate_start = |first: &UnixMillis| {
        let start = SeasonStart::new(&market, &plan, *first);
        progress.advance(1);
        let seeds = 0..u64::from(arguments.seeds);
        let simulate_seed = |seed| {
            let result = start.simulate(&market, &plan, seed);
            progress.advance(1);
            result
        };
        seeds.map(simulate_seed).collect()
    };
    // By start, seed and variant; in the order of starts, whoever is done first.
    let seasons: Vec<Vec<Vec<_>>> = starts.par_iter().map(simulate_start).collect();
    progress.finish();
    let summarize = |(v, variant): (usize, &PolicyVariant)| {
        let starts = seasons.iter();
        let own: Vec<Vec<_>> = starts
            .map(|seeds| seeds.iter().map(|variants| variants[v].clone()).collect())
            .collect();
        PolicySummary::new(&variant.name, &plan.attacks, &own, overlapping)
    };
    Ok(SimulationReport {
        rules: version.name().to_owned(),
        from,
        to: last + span,
        starts: starts.len(),
        seeds: arguments.seeds,
        days: arguments.days,
        policies: plan.variants.iter().enumerate().map(summarize).collect(),
    })
}

/// Starts within the span of a season, its own included.
fn overlapping_starts(span: Millis, between: Millis, starts: usize) -> usize {
    if starts == 1 {
        return 1;
    }
    match u64::try_from(between.get()) {
        Ok(between) if between > 0 => span.get().unsigned_abs().div_ceil(between) as usize,
        _ => starts,
    }
}

/// The named attacks, with the honest seasons that their gain is measured against.
fn attacks(names: &[String]) -> Result<Vec<Attack>> {
    let all = Attack::all();
    if names.is_empty() {
        return Ok(all);
    }
    let known: Vec<String> = all.iter().map(Attack::name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("{unknown:?} is no attack: use {}", known.join(", "));
    }
    let chosen: Vec<&Attack> = all.iter().filter(|a| names.contains(&a.name())).collect();
    let needed = |attack: &&Attack| {
        let measure = attack.is_honest() && chosen.iter().any(|other| other.peers == attack.peers);
        let unattacked = attack.is_honest() && attack.peers.is_none();
        measure || unattacked || names.contains(&attack.name())
    };
    Ok(all.iter().filter(needed).cloned().collect())
}

/// The policies; `evidence` by its rules, or by every combination of the strengths given.
fn variants(arguments: &SimulatePolicyArgs, rules: &Rules) -> Vec<PolicyVariant> {
    let variants_of = |policy: &PolicyName| {
        let unvaried = |policy_of| {
            let name = policy.to_string();
            vec![PolicyVariant {
                name,
                policy: policy_of,
            }]
        };
        match policy {
            PolicyName::Evidence => evidence_variants(arguments, rules),
            PolicyName::Taoshi => unvaried(PayPolicy::Taoshi),
            PolicyName::Increments => unvaried(PayPolicy::Increments),
        }
    };
    arguments.policy.iter().flat_map(variants_of).collect()
}

/// `evidence` with every combination of the given strengths, or the rules' own.
fn evidence_variants(arguments: &SimulatePolicyArgs, rules: &Rules) -> Vec<PolicyVariant> {
    let values_or_rule = |given: &[f64], rule: f64| {
        if given.is_empty() {
            vec![rule]
        } else {
            given.to_vec()
        }
    };
    let mut all = Vec::new();
    for z in values_or_rule(&arguments.standard_errors, rules.evidence.standard_errors) {
        for ridge in values_or_rule(&arguments.ridge, rules.fit.ridge) {
            for kin in values_or_rule(&arguments.kin, rules.fit.similarity_penalty) {
                let evidence = EvidenceRules {
                    standard_errors: z,
                    ..rules.evidence
                };
                let fit = FitRules {
                    ridge,
                    similarity_penalty: kin,
                    ..rules.fit
                };
                all.push(PolicyVariant {
                    name: format!("evidence (z = {z}, ρ = {ridge}, κ = {kin})"),
                    policy: PayPolicy::Evidence(evidence, fit, rules.pay),
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seasons_overlap_where_starts_are_nearer_than_a_season() {
        let overlapping =
            |between, starts| overlapping_starts(Millis::days(30), Millis::days(between), starts);
        assert_eq!(
            [
                overlapping(30, 12),
                overlapping(29, 12),
                overlapping(10, 12)
            ],
            [1, 2, 3]
        );
        assert_eq!((overlapping(0, 12), overlapping(0, 1)), (12, 1));
    }
}
