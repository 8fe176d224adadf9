//! The result of the seasons as text: two tables a policy.

use comfy_table::{Cell, Table};
use foretell_cli::table::{decimal, new_table, percent, right_aligned};
use foretell_cli::time_text;
use foretell_simulation::forecasters::SkillClass;
use foretell_simulation::summary::PolicySummary;

use super::seasons::SimulationReport;

/// The whole result as text.
pub fn text(report: &SimulationReport) -> String {
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

/// Shares of pay and of those eligible by class, at each report day.
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
    for day in &summary.checkpoints {
        let pay = classes.map(|class| percent(day.pay.get(&class).copied().flatten(), 1));
        let eligible = classes.map(|class| percent(day.eligible.get(&class).copied(), 0));
        let days = right_aligned(day.days.to_string());
        let row = [days].into_iter().chain(pay);
        let row = row.chain([percent(Some(day.unpaid), 1)]);
        table.add_row(row.chain(eligible));
    }
    table
}

/// Each attacker's share of pay, and what it gains over honesty.
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
