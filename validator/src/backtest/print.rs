//! The result as people read it: one leaderboard a policy, and what was left out.

use super::Document;
use super::document::{Exclusion, Void};
use crate::moment;
use crate::table;

/// Examples of what was left out that are shown.
const SHOWN: usize = 5;

/// All documents as text.
pub fn tables(documents: &[Document]) -> String {
    let mut parts: Vec<String> = documents.iter().map(of_policy).collect();
    if let Some(document) = documents.first() {
        parts.extend(exclusions(document));
        parts.push(format!(
            "time: {:.1} s ({:.1} s to open the files, {:.1} s for the rounds)",
            document.timing.total_s, document.timing.load_s, document.timing.score_s
        ));
    }
    parts.join("\n\n")
}

fn of_policy(document: &Document) -> String {
    let instant = |t| Option::map_or(t, "–".to_owned(), moment::text);
    let rows: Vec<_> = document
        .leaderboard
        .iter()
        .map(|place| place.row.clone())
        .collect();
    format!(
        "{} rounds of {} scored, {} void, {} unsettled; {} to {}, every {}; policy {}, rules {}\n{}{}{}",
        document.rounds,
        document.series,
        document.void_rounds,
        document.unsettled,
        instant(document.from),
        instant(document.last),
        moment::span(document.round_every_ms),
        document.policy,
        document.rules,
        table::leaderboard(&rows),
        against_best(document),
        voids(document),
    )
}

fn against_best(document: &Document) -> String {
    let Some(found) = &document.consensus_against_best else {
        return String::new();
    };
    format!(
        "\n  consensus from day 20 on: CRPS {:.3} bps, {:.4} of the best member's ({}, {:.3}), over the same {} rounds; recalibrated in {}",
        found.crps_bps,
        found.ratio,
        found.best,
        found.best_crps_bps,
        found.rounds,
        found.recalibrated
    )
}

fn voids(document: &Document) -> String {
    let lines = document
        .voids
        .iter()
        .take(SHOWN)
        .map(|Void { origin_ms, reason }| {
            format!("\n  void: {}: {reason}", moment::text(*origin_ms))
        });
    lines.collect::<String>() + &more(document.void_rounds)
}

fn exclusions(document: &Document) -> Option<String> {
    let lines = document.exclusions.iter().take(SHOWN).map(
        |Exclusion {
             file,
             row,
             miner,
             reason,
             ..
         }| format!("\n  {file}, {row}, {miner}: {reason}"),
    );
    (document.excluded > 0).then(|| {
        format!(
            "{} forecasts left out, which count as missed:{}{}",
            document.excluded,
            lines.collect::<String>(),
            more(document.excluded),
        )
    })
}

/// How many there are beyond those shown.
fn more(all: usize) -> String {
    match all.saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("\n  and {n} more: --json lists them"),
    }
}
