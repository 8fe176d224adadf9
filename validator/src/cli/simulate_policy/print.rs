//! The result of the seasons as text: two tables a policy.

use comfy_table::{Cell, Table};
use foretell_cli::table::{TableColumns, decimal, fit, new_table, percent, right_aligned};
use foretell_cli::time_text;
use foretell_simulation::forecasters::SkillClass;
use foretell_simulation::summary::PolicySummary;

use super::seasons::SimulationReport;

/// Classes of forecasters, in the order of columns.
const CLASSES: [SkillClass; 4] = [
    SkillClass::Good,
    SkillClass::Middling,
    SkillClass::Tails,
    SkillClass::None,
];

/// The whole result as text.
pub fn text(report: &SimulationReport) -> String {
    let mut text = format!(
        "{} starts × {} seeds of {} days; rules {}\n{} to {}\n",
        report.starts,
        report.seeds,
        report.days,
        report.rules,
        time_text::format_time(report.from),
        time_text::format_time(report.to),
    );
    for summary in &report.policies {
        text.push_str(&format!(
            "\npolicy {}\n{}\n{}\n",
            summary.policy,
            pay(summary),
            eligible(summary)
        ));
        text.push_str(&format!(
            "among those that nobody can tell apart, most over least pay:\n{:.2} in the median season, {:.2} in the worst\n",
            summary.near_equals.median, summary.near_equals.worst
        ));
        if let Some(gain) = summary.consensus_gain {
            text.push_str(&format!("consensus: gain over the reference {gain:.4}"));
        }
        if let Some(ratio) = summary.against_best {
            text.push_str(&format!(
                ";\nscore from day 20 on {ratio:.4} of the best member's"
            ));
        }
        text.push_str(&format!("\n{}\n", gains(summary)));
    }
    text
}

/// Shares of pay by class, at each report day.
fn pay(summary: &PolicySummary) -> Table {
    let mut table = new_table(&["paid to", "good", "middling", "tails", "none", "unpaid"]);
    for day in &summary.checkpoints {
        let pay = CLASSES.map(|class| percent(day.pay.get(&class).copied().flatten(), 1));
        let row = [Cell::new(format!("day {}", day.days))]
            .into_iter()
            .chain(pay);
        table.add_row(row.chain([percent(Some(day.unpaid), 1)]));
    }
    fit(table, 0, TableColumns::Main)
}

/// Shares of each class that are eligible, at each report day.
fn eligible(summary: &PolicySummary) -> Table {
    let mut table = new_table(&["eligible", "good", "middling", "tails", "none"]);
    for day in &summary.checkpoints {
        let eligible = CLASSES.map(|class| percent(day.eligible.get(&class).copied(), 0));
        table.add_row(
            [Cell::new(format!("day {}", day.days))]
                .into_iter()
                .chain(eligible),
        );
    }
    fit(table, 0, TableColumns::Main)
}

/// Each attacker's share of pay, and what it gains over honesty.
fn gains(summary: &PolicySummary) -> Table {
    let mut table = new_table(&["attack", "share of pay", "if honest", "gain", "± 95 %"]);
    for attack in &summary.attacks {
        table.add_row([
            Cell::new(&attack.attack),
            decimal(Some(attack.share), 3),
            decimal(Some(attack.honest), 3),
            right_aligned(format!("{:+.3}", attack.gain)),
            decimal(attack.gain_half_width, 3),
        ]);
    }
    fit(table, 0, TableColumns::Main)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use foretell_cli::table::TEXT_WIDTH;
    use foretell_core::time::UnixMillis;
    use foretell_simulation::summary::{AttackSummary, DaySummary, RatioSummary};

    use super::*;

    #[test]
    fn tables_fit_a_terminal() {
        let attack = |name: &str, half_width| AttackSummary {
            attack: name.into(),
            share: 0.182,
            honest: 0.194,
            gain: -0.012,
            standard_error: half_width,
            gain_half_width: half_width,
        };
        let day = DaySummary {
            days: 30,
            pay: BTreeMap::from(CLASSES.map(|class| (class, Some(1.0)))),
            eligible: BTreeMap::from(CLASSES.map(|class| (class, 1.0))),
            unpaid: 0.5,
        };
        let report = SimulationReport {
            rules: "1-replay".into(),
            from: UnixMillis::literal(1_704_067_200_000),
            to: UnixMillis::literal(1_735_689_600_000),
            starts: 12,
            seeds: 10,
            days: 30,
            policies: vec![PolicySummary {
                policy: "evidence (z = 0, ρ = 0.3, κ = 3)".into(),
                seasons: 120,
                checkpoints: vec![day],
                near_equals: RatioSummary {
                    median: 1.09,
                    worst: 1.33,
                },
                consensus_gain: Some(0.0114),
                against_best: Some(1.0004),
                attacks: vec![
                    attack("antithetic-0.2-x2-one-coldkey", Some(0.025)),
                    attack("honest-alone", None),
                ],
            }],
        };
        let text = text(&report);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(TEXT_WIDTH), "{text}");
        let cells = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.contains(name)).unwrap();
            line.split(['│', '┆'])
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        assert_eq!(
            cells("antithetic")[2..6],
            ["0.182", "0.194", "-0.012", "0.025"]
        );
        // One start says nothing of the error.
        assert_eq!(cells("honest-alone")[5], "–");
        assert_eq!(
            cells("paid to")[2..7],
            ["good", "middling", "tails", "none", "unpaid"]
        );
        assert_eq!(
            cells("eligible")[2..6],
            ["good", "middling", "tails", "none"]
        );
    }
}
