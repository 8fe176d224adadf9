//! The result as people read it: the leaderboard, then the ledger.

use comfy_table::Cell;
use foretell_cli::table::{
    TableColumns, fit, leaderboard, new_table, number, percent, right_aligned,
};
use foretell_cli::time_text;

use crate::report::{LocalnetReport, NeuronView};

/// The result as text: rounds, leaderboard, ledger, misses, the journal's head, and the times if they are known.
pub fn tables(report: &LocalnetReport, columns: TableColumns) -> String {
    let mut parts = vec![
        format!(
            "{} rounds of {} scored, {} void, {} unsettled\n{} to {}; policy {}, rules {}\nprices: {}",
            report.rounds,
            report.series,
            report.void_rounds,
            report.unsettled,
            time_text::format_time(report.from),
            time_text::format_time(report.to),
            report.policy,
            report.rules,
            report.prices,
        ),
        leaderboard(&report.leaderboard, columns).to_string(),
        ledger(report),
    ];
    if !report.misses.is_empty() {
        parts.push(misses(report));
    }
    parts.push(format!(
        "journal: {} records, head {}",
        report.journal.records, report.journal.hash
    ));
    if let Some(timing) = report.timing {
        parts.push(format!(
            "time: {:.1} s ({:.1} s to start, {:.1} s for the rounds)",
            timing.total_s, timing.load_s, timing.score_s
        ));
    }
    parts.join("\n\n")
}

fn ledger(report: &LocalnetReport) -> String {
    let mut table = new_table(&[
        "uid",
        "neuron",
        "stake α",
        "weight",
        "incentive",
        "dividend",
        "emission α",
    ]);
    for neuron in &report.ledger.neurons {
        let NeuronView { uid, name, .. } = neuron;
        table.add_row([
            number(&uid.0),
            Cell::new(name),
            alpha(neuron.stake),
            number(&neuron.weight),
            share(neuron.incentive),
            share(neuron.dividend),
            alpha(neuron.emission),
        ]);
    }
    // Seven columns are all there are.
    let table = fit(table, 1, TableColumns::Main);
    let supply = report.ledger.supply;
    let in_alpha = |rao: u64| rao as f64 / 1e9;
    format!(
        "{table}\nledger: block {}, weights set {} times; {:.0} α issued: owner {:.0}, validators {:.0}, miners {:.0}, \
         burned {:.0}",
        report.ledger.block,
        report.ledger.times_weights_set,
        in_alpha(supply.issued),
        in_alpha(supply.owner),
        in_alpha(supply.validators),
        in_alpha(supply.miners),
        in_alpha(supply.burned),
    )
}

fn misses(report: &LocalnetReport) -> String {
    let lines = report.misses.iter().map(|(name, reasons)| {
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, times)| format!("{reason} × {times}"))
            .collect();
        format!("  {name}: {}", reasons.join(", "))
    });
    format!("misses:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A share of 65,535, shown in percent.
fn share(value: u16) -> Cell {
    percent(Some(f64::from(value) / f64::from(u16::MAX)), 1)
}

fn alpha(rao: u64) -> Cell {
    right_aligned(format!("{:.1}", rao as f64 / 1e9))
}
