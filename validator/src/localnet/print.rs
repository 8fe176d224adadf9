//! The result as people read it: the leaderboard, then the ledger.

use comfy_table::{Cell, CellAlignment, Table, presets};
use foretell_core::leaderboard::Row;

use super::report::{NeuronView, Report};
use crate::moment;

/// The whole result as text.
pub fn tables(report: &Report) -> String {
    let mut parts = vec![
        format!(
            "{} rounds of {} scored, {} void, {} unsettled; {} to {}; policy {}, rules {}\nprices: {}",
            report.rounds,
            report.series,
            report.void_rounds,
            report.unsettled,
            moment::text(report.from),
            moment::text(report.to),
            report.policy,
            report.rules,
            report.prices.words(),
        ),
        leaderboard(&report.leaderboard).to_string(),
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

fn leaderboard(rows: &[Row]) -> Table {
    let mut table = plain_table(&[
        "#",
        "miner",
        "weight",
        "advantage",
        "± se",
        "skill",
        "score",
        "CRPS bps",
        "RMSE bps",
        "in 80 %",
        "rounds",
        "missed",
    ]);
    for row in rows {
        table.add_row([
            number(&row.rank),
            Cell::new(&row.miner),
            percent(row.weight, 1),
            decimal(row.advantage, 4),
            decimal(row.advantage_se, 4),
            percent(row.skill, 2),
            decimal(row.score, 4),
            decimal(row.crps_bps, 2),
            decimal(row.rmse_bps, 2),
            percent(row.coverage_80, 1),
            number(&row.rounds),
            number(&row.missed),
        ]);
    }
    table
}

fn ledger(report: &Report) -> String {
    let mut table = plain_table(&[
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

fn misses(report: &Report) -> String {
    let lines = report.misses.iter().map(|(name, reasons)| {
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, times)| format!("{reason} × {times}"))
            .collect();
        format!("  {name}: {}", reasons.join(", "))
    });
    format!("misses:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().map(Cell::new));
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn number(value: &impl ToString) -> Cell {
    right(value.to_string())
}

fn decimal(value: Option<f64>, places: usize) -> Cell {
    right(value.map_or_else(|| "–".into(), |v| format!("{v:.places$}")))
}

fn percent(value: Option<f64>, places: usize) -> Cell {
    right(value.map_or_else(|| "–".into(), |v| format!("{:.places$} %", 100.0 * v)))
}

/// A share of 65,535 in percent.
fn share(value: u16) -> Cell {
    percent(Some(f64::from(value) / f64::from(u16::MAX)), 1)
}

fn alpha(rao: u64) -> Cell {
    right(format!("{:.1}", rao as f64 / 1e9))
}
