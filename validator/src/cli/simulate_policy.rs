//! `validator simulate-policy`.

mod null_study;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::{Cell, Table};
use foretell_cli::progress::Progress;
use foretell_core::rules::{EvidenceRules, FitRules, Rules, RulesVersion};
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::policy::PolicyName;
use foretell_simulation::attack::Attack;
use foretell_simulation::forecasters::SkillClass;
use foretell_simulation::historical_market::HistoricalMarket;
use foretell_simulation::season::{PayPolicy, PolicyVariant, SeasonStart, SimulationPlan};
use foretell_simulation::summary::PolicySummary;
use rayon::prelude::*;
use serde::Serialize;

use foretell_cli::output;
use foretell_cli::table::{decimal, new_table, percent, right_aligned};
use foretell_cli::time_text;

/// Bars that the forecasters learn from before the first season, at least.
const LEARNING: Millis = Millis::days(90);

/// Try the pay rule on a population of real forecasters, with one attacker at a time.
///
/// Sixteen forecasters (5 good, 2 middling, 2 that only fatten tails, 7 without skill) learn from the prices and answer
/// every round of a season; a seventeenth is honest in one world and attacks in another. The rule is the one that pays
/// live, and so is its code. Seasons start evenly over the span, from 90 days after the first price at the earliest.
///
/// Example: validator simulate-policy --prices BTCUSD_5m_2023.parquet BTCUSD_5m_2024.parquet --starts 12 --seeds 10
#[derive(Debug, Args)]
pub struct SimulatePolicyArgs {
    /// Price files (.csv or .parquet), one after the other in time.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    prices: Vec<PathBuf>,
    /// First season starts here: RFC 3339 or unix milliseconds [default: 90 days after the first price].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    from: Option<UnixMillis>,
    /// Last season ends by then [default: the last price].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    to: Option<UnixMillis>,
    /// Number of starts.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..))]
    starts: u16,
    /// Seeds of chance for each start.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    seeds: u16,
    /// Length of a season in days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(6..))]
    days: u16,
    /// Only these attacks, by the names that the table gives them [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attack: Vec<String>,
    /// Pay by these policies, side by side.
    #[arg(long, value_name = "POLICY", value_delimiter = ',', value_parser = super::policy_name(), default_values = ["evidence", "taoshi", "increments"])]
    policy: Vec<PolicyName>,
    /// Other numbers of standard errors that a mean advantage counts less, z; several are set side by side [default:
    /// the rules'].
    #[arg(long, value_name = "Z", value_delimiter = ',', value_parser = strength)]
    standard_errors: Vec<f64>,
    /// Other strengths of evening everybody, ρ; several are set side by side [default: the rules'].
    #[arg(long, value_name = "RHO", value_delimiter = ',', value_parser = strength)]
    ridge: Vec<f64>,
    /// Other strengths of evening those alike, κ; several are set side by side [default: the rules'].
    #[arg(long, value_name = "KAPPA", value_delimiter = ',', value_parser = strength)]
    kin: Vec<f64>,
    /// Instead of seasons: how often those whose true advantage is zero are eligible.
    #[arg(long, conflicts_with_all = ["starts", "seeds", "days", "attack", "policy", "ridge", "kin"])]
    luck: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct SimulationReport {
    rules: String,
    from: UnixMillis,
    to: UnixMillis,
    starts: usize,
    seeds: u16,
    days: u16,
    policies: Vec<PolicySummary>,
}

/// Runs the simulation and prints its result.
pub async fn run(arguments: SimulatePolicyArgs) -> Result<()> {
    let result = tokio::task::spawn_blocking(move || {
        if arguments.luck {
            null_study::result(&arguments)
        } else {
            result(&arguments)
        }
    });
    let text = result.await.context("the simulation panicked")??;
    Ok(output::print_line(text)?)
}

fn result(arguments: &SimulatePolicyArgs) -> Result<String> {
    let report = simulate(arguments)?;
    if arguments.json {
        Ok(serde_json::to_string_pretty(&report)?)
    } else {
        Ok(text(&report))
    }
}

/// A number that makes sense as a strength.
fn strength(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err("expected a finite number, 0 or more".to_owned())
    }
}

/// The prices, the first origin, and the last price that may be used.
fn market(
    arguments: &SimulatePolicyArgs,
    rules: Rules,
) -> Result<(HistoricalMarket, UnixMillis, UnixMillis)> {
    let prices = crate::backtest::prices(&arguments.prices)?;
    let step = prices.step();
    ensure!(
        step == Millis::minutes(5),
        "the forecasters of the simulation know bars of 5 minutes, these have {} s: use such prices",
        step.0 / 1000
    );
    let from = arguments.from.unwrap_or(prices.first_open() + LEARNING);
    // Rounds have their origins where bars close.
    let from = UnixMillis(from.0.div_euclid(step.0) * step.0);
    ensure!(
        from - prices.first_open() >= LEARNING,
        "--from must lie 90 days after the first price ({}), which the forecasters learn from",
        time_text::format_time(prices.first_open())
    );
    let end = arguments.to.unwrap_or(prices.last_close());
    let end = end.min(prices.last_close());
    let series = Series {
        id: SeriesId::btc_usd(),
        grid: Grid { step, horizon: 100 },
        unit: prices.unit(),
    };
    Ok((
        HistoricalMarket::new(series, prices.bars(), rules),
        from,
        end,
    ))
}

fn simulate(arguments: &SimulatePolicyArgs) -> Result<SimulationReport> {
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
    let between = (last - from).0 / i64::from(arguments.starts.max(2) - 1);
    let starts: Vec<UnixMillis> = (0..i64::from(arguments.starts))
        .map(|n| UnixMillis((from.0 + n * between).div_euclid(step.0) * step.0))
        .collect();
    let plan = SimulationPlan {
        rules,
        round_every: Millis::minutes(30),
        days: usize::from(arguments.days),
        attacks: attacks(&arguments.attack)?,
        variants: variants(arguments, &rules),
    };
    let progress = Progress::new();
    progress.set(0, starts.len() * arguments.seeds as usize);
    let season = |first: &UnixMillis| {
        let start = SeasonStart::new(&market, &plan, *first);
        let seeds = 0..u64::from(arguments.seeds);
        let play = |seed| {
            let result = start.simulate(&market, &plan, seed);
            progress.advance(1);
            result
        };
        seeds.map(play).collect()
    };
    // By start, seed and variant; in the order of starts, whoever is done first.
    let seasons: Vec<Vec<Vec<_>>> = starts.par_iter().map(season).collect();
    progress.finish();
    let of_variant = |(v, variant): (usize, &PolicyVariant)| {
        let starts = seasons.iter();
        let own: Vec<Vec<_>> = starts
            .map(|seeds| seeds.iter().map(|variants| variants[v].clone()).collect())
            .collect();
        PolicySummary::new(&variant.name, &plan.attacks, &own)
    };
    Ok(SimulationReport {
        rules: version.name().to_owned(),
        from,
        to: last + span,
        starts: starts.len(),
        seeds: arguments.seeds,
        days: arguments.days,
        policies: plan.variants.iter().enumerate().map(of_variant).collect(),
    })
}

/// The named attacks, with the honest worlds that they are measured by.
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

/// The policies; `evidence` by its rules, or by every combination of the other strengths.
fn variants(arguments: &SimulatePolicyArgs, rules: &Rules) -> Vec<PolicyVariant> {
    let of = |policy: &PolicyName| {
        let older = |policy_of| {
            let name = policy.to_string();
            vec![PolicyVariant {
                name,
                policy: policy_of,
            }]
        };
        match policy {
            PolicyName::Evidence => strengths(arguments, rules),
            PolicyName::Taoshi => older(PayPolicy::Taoshi),
            PolicyName::Increments => older(PayPolicy::Increments),
        }
    };
    arguments.policy.iter().flat_map(of).collect()
}

fn strengths(arguments: &SimulatePolicyArgs, rules: &Rules) -> Vec<PolicyVariant> {
    let or = |given: &[f64], rule: f64| {
        if given.is_empty() {
            vec![rule]
        } else {
            given.to_vec()
        }
    };
    let mut all = Vec::new();
    for z in or(&arguments.standard_errors, rules.evidence.standard_errors) {
        for ridge in or(&arguments.ridge, rules.fit.ridge) {
            for kin in or(&arguments.kin, rules.fit.similarity_penalty) {
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

fn text(report: &SimulationReport) -> String {
    let mut text = format!(
        "{} starts × {} seeds of {} days; {} to {}; rules {}\n",
        report.starts,
        report.seeds,
        report.days,
        time_text::format_time(report.from),
        time_text::format_time(report.to),
        report.rules
    );
    for summary in &report.policies {
        text.push_str(&format!("\npolicy {}\n{}\n", summary.policy, pay(summary)));
        text.push_str(&format!(
            "among those that nobody can tell apart, most over least pay: {:.2} in the median season, {:.2} in the worst\n",
            summary.near_equals.median, summary.near_equals.worst
        ));
        if let Some(gain) = summary.consensus_gain {
            text.push_str(&format!("consensus: gain over the reference {gain:.4}"));
        }
        if let Some(ratio) = summary.against_best {
            text.push_str(&format!(
                "; score from day 20 on {ratio:.4} of the best member's"
            ));
        }
        text.push_str(&format!("\n{}\n", gains(summary)));
    }
    text
}

fn pay(summary: &PolicySummary) -> Table {
    let mut table = new_table(&[
        "day",
        "good",
        "middling",
        "tails",
        "none",
        "unpaid",
        "good in",
        "middling in",
        "tails in",
        "none in",
    ]);
    let classes = [
        SkillClass::Good,
        SkillClass::Middling,
        SkillClass::Tails,
        SkillClass::None,
    ];
    for checkpoint in &summary.checkpoints {
        let pay = classes.map(|class| percent(checkpoint.pay.get(&class).copied().flatten(), 1));
        let eligible = classes.map(|class| percent(checkpoint.eligible.get(&class).copied(), 0));
        let days = right_aligned(checkpoint.days.to_string());
        let row = [days].into_iter().chain(pay);
        let row = row.chain([percent(Some(checkpoint.unpaid), 1)]);
        table.add_row(row.chain(eligible));
    }
    table
}

fn gains(summary: &PolicySummary) -> Table {
    let mut table = new_table(&["attack", "share of pay", "if honest", "gain", "± se"]);
    for attack in &summary.attacks {
        table.add_row([
            Cell::new(&attack.attack),
            decimal(Some(attack.share), 3),
            decimal(Some(attack.honest), 3),
            right_aligned(format!("{:+.3}", attack.gain)),
            decimal(Some(attack.standard_error), 3),
        ]);
    }
    table
}
