//! `validator simulate-policy --luck`: how often forecasters whose true advantage is zero are eligible.

use anyhow::{Result, ensure};
use comfy_table::{Cell, Table};
use foretell_cli::progress::Progress;
use foretell_cli::table::{TableColumns, fit, new_table, percent, right_aligned};
use foretell_cli::time_text;
use foretell_core::rules::RulesVersion;
use foretell_core::time::{Millis, UnixMillis};
use foretell_simulation::null_study::{NullStrategy, NullStudy};
use rayon::prelude::*;
use serde::Serialize;

use super::args::SimulatePolicyArgs;
use super::market::market;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct NullStudyReport {
    rules: String,
    from: UnixMillis,
    to: UnixMillis,
    luck: Vec<NullStudy>,
}

/// Runs the study of every null strategy; the result as text or JSON.
pub(super) fn result(arguments: &SimulatePolicyArgs) -> Result<String> {
    let version = RulesVersion::V1Replay;
    let rules = version.rules();
    let (market, from, to) = market(arguments, rules)?;
    let last = to - market.series.grid.span();
    ensure!(
        last - from >= Millis::days(30),
        "no season of 30 days fits between {} and the end of the prices: give more prices",
        time_text::format_time(from)
    );
    let standard_errors = if arguments.standard_errors.is_empty() {
        &[rules.evidence.standard_errors]
    } else {
        &arguments.standard_errors[..]
    };
    let progress = Progress::new();
    progress.set(
        0,
        NullStrategy::ALL.len() * NullStudy::rounds_in(from, last),
    );
    progress.message(|| "rounds".to_owned());
    let run_study = |strategy: &NullStrategy| {
        let on_round = || progress.advance(1);
        NullStudy::run(
            *strategy,
            &market,
            (from, last),
            &rules,
            standard_errors,
            &on_round,
        )
    };
    let luck: Vec<NullStudy> = NullStrategy::ALL
        .par_iter()
        .flat_map_iter(run_study)
        .collect();
    progress.finish();
    ensure!(
        luck.iter().all(|study| study.rounds > 0),
        "no round after {} has prices to be scored by: look for gaps in the price files",
        time_text::format_time(from)
    );
    let report = NullStudyReport {
        rules: version.name().to_owned(),
        from,
        to,
        luck,
    };
    if arguments.json {
        Ok(serde_json::to_string_pretty(&report)?)
    } else {
        Ok(text(&report))
    }
}

fn text(report: &NullStudyReport) -> String {
    let counts = report
        .luck
        .first()
        .map(|study| (study.seasons, study.rounds));
    let (seasons, rounds) = counts.unwrap_or_default();
    format!(
        "{seasons} seasons, one a day, of those whose true advantage is zero, in {rounds} rounds;\n{} to {}; rules {}\n\n{}\n",
        time_text::format_time(report.from),
        time_text::format_time(report.to),
        report.rules,
        table(&report.luck)
    )
}

fn table(studies: &[NullStudy]) -> Table {
    let days = studies.first().map_or(&[][..], |study| &study.eligible);
    let days: Vec<String> = days.iter().map(|(days, _)| format!("day {days}")).collect();
    let header = ["what it does", "z"].into_iter();
    let header: Vec<&str> = header.chain(days.iter().map(String::as_str)).collect();
    let mut table = new_table(&header);
    for study in studies {
        let name = [
            Cell::new(study.strategy),
            right_aligned(study.standard_errors.to_string()),
        ];
        let shares = study.eligible.iter();
        let shares = shares.map(|(_, share)| percent(Some(*share), 0));
        table.add_row(name.into_iter().chain(shares));
    }
    fit(table, 0, TableColumns::Main)
}
