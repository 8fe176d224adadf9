//! The page with plots: one file that needs nothing else, light and dark, on a desk and on a phone.

mod figures;
pub mod report_data;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use foretell_cli::html_page::{self, PAGE_FILE};
use foretell_cli::svg::escape;
use foretell_cli::time_text;
use foretell_files::{FileAccess, write_file};

use self::figures::Figures;
use self::report_data::ReportData;
use super::hotkey_names::HotkeyNames;
use super::report::{BacktestReport, BacktestRow};
use super::scoreboard::Scoreboard;

/// Writes the page into `folder`, which is made if it isn't there; gives the page's path.
pub fn write(
    folder: &Path,
    reports: &[BacktestReport],
    scoreboard: &Scoreboard,
    report_data: &ReportData,
    names: &HotkeyNames,
) -> Result<PathBuf> {
    let page = folder.join(PAGE_FILE);
    let figures = Figures {
        reports,
        scoreboard,
        report_data,
        names,
    };
    fs::create_dir_all(folder)
        .and_then(|()| {
            let html = html(reports, &figures);
            write_file(&page, html.as_bytes(), FileAccess::Public)
        })
        .with_context(|| format!("can't write {}: check --report", page.display()))?;
    Ok(page)
}

fn html(reports: &[BacktestReport], figures: &Figures<'_>) -> String {
    let Some(report) = reports.first() else {
        return String::new();
    };
    let instant = |t| Option::map_or(t, "–".to_owned(), time_text::format_time);
    let policies: Vec<&str> = reports.iter().map(|d| d.policy.as_str()).collect();
    let leaderboards: String = reports.iter().map(leaderboard).collect();
    let body = format!(
        "<p class=\"lede\">{from} to {last}, a round every {every}; {policy} {policies}; rules {rules}.</p>\n\
         {tiles}{leaderboards}\n<h2>Plots</h2>\n{figures}{exclusions}{footer}",
        from = instant(report.from),
        last = instant(report.last),
        every = time_text::format_duration(report.round_every_ms),
        policy = if policies.len() == 1 {
            "policy"
        } else {
            "policies"
        },
        policies = escape(&policies.join(", ")),
        rules = escape(&report.rules),
        tiles = tiles(report),
        figures = html_page::figure_grid(&figures.draw()),
        exclusions = exclusions(report),
        footer = FOOTER,
    );
    html_page::page(&format!("Backtest of {}", report.series), &body)
}

const FOOTER: &str = "<footer class=\"note\">\n\
    <p><b>Advantage</b> is the reference's scaled CRPS less the forecaster's, so more is better and the reference has 0; whiskers \
    are ± 1.96 standard errors, which allow for overlapping rounds. <b>Skill</b> is 1 − ΣS/ΣS<sub>ref</sub>. <b>DM p</b> is the \
    two-sided p-value of Diebold and Mariano's test against the reference; <b>MCS</b> marks the model confidence set of level 90 %. \
    A dash is what too few rounds leave undefined.</p>\n\
    <p>All figures can be had as JSON from the same command with <code>--json</code>.</p>\n</footer>\n";

fn tiles(report: &BacktestReport) -> String {
    let miners = report
        .leaderboard
        .iter()
        .filter(|line| line.row.rank >= 2)
        .count();
    let tile = |value: usize, what: &str| {
        format!("<div class=\"tile\"><b>{value}</b><span>{what}</span></div>\n")
    };
    format!(
        "<div class=\"tiles\">\n{}{}{}{}{}</div>\n",
        tile(report.rounds, "rounds scored"),
        tile(report.void_rounds, "void"),
        tile(report.unsettled, "unsettled"),
        tile(miners, "miners"),
        tile(report.excluded, "forecasts left out"),
    )
}

fn leaderboard(report: &BacktestReport) -> String {
    let widest = report
        .leaderboard
        .iter()
        .filter_map(|line| Some(line.row.advantage?.abs() + 1.96 * line.row.advantage_se?))
        .fold(1e-9, f64::max);
    let rows: String = report
        .leaderboard
        .iter()
        .map(|row| table_row(row, widest))
        .collect();
    format!(
        "<h2>Leaderboard, policy {}</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th>#</th><th>miner</th><th>weight</th>\
         <th>advantage</th><th></th><th>skill</th><th>CRPS bps</th><th>RMSE bps</th><th>in 50 %</th><th>in 80 %</th><th>in 95 %</th>\
         <th>direction</th><th>DM p</th><th>MCS</th><th>rounds</th><th>missed</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        escape(&report.policy)
    )
}

fn table_row(backtest_row: &BacktestRow, widest: f64) -> String {
    let row = &backtest_row.row;
    let decimal =
        |v: Option<f64>, places: usize| v.map_or("–".to_owned(), |v| format!("{v:.places$}"));
    let percent = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{:.1} %", 100.0 * v));
    let member = match row.in_mcs {
        Some(true) => "✓",
        Some(false) => "×",
        None => "–",
    };
    let cells = [
        row.rank.to_string(),
        escape(&row.miner),
        percent(row.weight),
        decimal(row.advantage, 4),
        whisker(row.advantage, row.advantage_se, widest),
        percent(row.skill),
        decimal(row.crps_bps, 2),
        decimal(row.rmse_bps, 2),
        percent(row.coverage_50),
        percent(row.coverage_80),
        percent(row.coverage_95),
        percent(row.directional_accuracy),
        decimal(row.dm_p, 3),
        member.to_owned(),
        row.rounds.to_string(),
        row.missed.to_string(),
    ];
    let cells: String = cells
        .iter()
        .map(|cell| format!("<td>{cell}</td>"))
        .collect();
    format!("<tr>{cells}</tr>\n")
}

/// An interval around 0 in the middle of a small picture.
fn whisker(mean: Option<f64>, error: Option<f64>, widest: f64) -> String {
    let (Some(mean), Some(error)) = (mean, error) else {
        return String::new();
    };
    let at = |value: f64| 75.0 + 70.0 * (value / widest).clamp(-1.0, 1.0);
    let class = if mean - 1.96 * error > 0.0 {
        3
    } else if mean + 1.96 * error < 0.0 {
        2
    } else {
        0
    };
    format!(
        "<svg viewBox=\"0 0 150 18\" aria-hidden=\"true\"><path class=\"zero\" d=\"M75 0V18\"/>\
         <path class=\"whisker l{class}\" d=\"M{:.1} 9H{:.1}\"/><circle class=\"f{class}\" cx=\"{:.1}\" cy=\"9\" r=\"4\"/></svg>",
        at(mean - 1.96 * error),
        at(mean + 1.96 * error),
        at(mean),
    )
}

fn exclusions(report: &BacktestReport) -> String {
    if report.excluded == 0 {
        return String::new();
    }
    let rows: String = report
        .exclusions
        .iter()
        .map(|e| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}, {}</td><td>{}</td></tr>\n",
                time_text::format_time(e.origin_ms),
                escape(&e.miner),
                escape(&e.file),
                escape(&e.row),
                escape(&e.reason)
            )
        })
        .collect();
    format!(
        "<h2>Left out</h2>\n<p class=\"note\">{} forecasts were no valid answers and count as missed; the first {}:</p>\n\
         <div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>origin</th><th>miner</th><th>place</th><th>reason</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n",
        report.excluded,
        report.exclusions.len()
    )
}
