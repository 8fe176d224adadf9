//! The result as text: one leaderboard a policy, and the first void rounds and invalid forecasts.

use foretell_cli::table::{self, TableColumns};
use foretell_cli::time_text;

use super::report::{BacktestReport, ExcludedForecast, LeftOutForecasts, VoidRound};

/// Void rounds and invalid forecasts that are shown; `--json` lists more.
const SHOWN: usize = 5;
/// Miners and reasons whose left out forecasts are counted in the text.
const SHOWN_COUNTS: usize = 20;

/// All reports as text, then the invalid forecasts and the times, which are the same for all.
pub fn tables(reports: &[BacktestReport], columns: TableColumns) -> String {
    let mut parts: Vec<String> = reports
        .iter()
        .map(|report| policy_text(report, columns))
        .collect();
    if let Some(report) = reports.first() {
        parts.extend(exclusions(report));
        parts.push(format!(
            "time: {:.1} s ({:.1} s to open the files, {:.1} s for the rounds)",
            report.timing.total_s, report.timing.load_s, report.timing.score_s
        ));
    }
    parts.join("\n\n")
}

fn policy_text(report: &BacktestReport, columns: TableColumns) -> String {
    let time_or_dash = |t| Option::map_or(t, "–".to_owned(), time_text::format_time);
    let rows: Vec<_> = report
        .leaderboard
        .iter()
        .map(|line| line.row.clone())
        .collect();
    format!(
        "{} rounds of {} scored, {} void, {} unsettled\n{} to {}, every {}\npolicy {}, rules {}\n{}{}{}",
        report.rounds,
        report.series,
        report.void_rounds,
        report.unsettled,
        time_or_dash(report.from),
        time_or_dash(report.last),
        time_text::format_duration(report.round_every_ms),
        report.policy,
        report.rules,
        table::leaderboard(&rows, columns),
        consensus_comparison(report),
        voids(report),
    )
}

fn consensus_comparison(report: &BacktestReport) -> String {
    let Some(comparison) = &report.consensus_against_best else {
        return String::new();
    };
    format!(
        "\n  consensus from day 20 on: CRPS {:.3} bps, {:.4} of the best member's ({}, {:.3}), over the same {} rounds; recalibrated in {}",
        comparison.crps_bps,
        comparison.ratio,
        comparison.best,
        comparison.best_crps_bps,
        comparison.rounds,
        comparison.recalibrated
    )
}

fn voids(report: &BacktestReport) -> String {
    let lines = report
        .voids
        .iter()
        .take(SHOWN)
        .map(|VoidRound { origin_ms, reason }| {
            format!("\n  void: {}: {reason}", time_text::format_time(*origin_ms))
        });
    lines.collect::<String>() + &remainder(report.void_rounds)
}

fn exclusions(report: &BacktestReport) -> Option<String> {
    let lines = report.exclusions.iter().take(SHOWN).map(
        |ExcludedForecast {
             file,
             row,
             miner,
             reason,
             ..
         }| format!("\n  {file}, {row}, {miner}: {reason}"),
    );
    let counts = report.left_out.iter().take(SHOWN_COUNTS).map(
        |LeftOutForecasts {
             miner,
             reason,
             forecasts,
         }| format!("\n  {miner}: {forecasts} ({reason})"),
    );
    let more = match report.left_out.len().saturating_sub(SHOWN_COUNTS) {
        0 => String::new(),
        n => format!("\n  and {n} more miners or reasons: --json lists them"),
    };
    let left_out: usize = report.left_out.iter().map(|counts| counts.forecasts).sum();
    (left_out > 0).then(|| {
        format!(
            "{left_out} forecasts left out, of which {} are invalid and count as missed:{}{more}{}{}",
            report.excluded,
            counts.collect::<String>(),
            lines.collect::<String>(),
            remainder(report.excluded),
        )
    })
}

/// The line that counts those beyond the [`SHOWN`] ones; empty if there are none.
fn remainder(all: usize) -> String {
    match all.saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("\n  and {n} more: --json lists them"),
    }
}
