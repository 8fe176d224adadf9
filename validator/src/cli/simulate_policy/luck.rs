//! `validator simulate-policy --luck`.

use anyhow::{Result, ensure};
use comfy_table::{Cell, Table};
use foretell_core::rules::RulesVersion;
use foretell_core::time::{Millis, UnixMillis};
use foretell_simulation::luck::{Habit, Luck};
use rayon::prelude::*;
use serde::Serialize;

use super::Arguments;
use crate::moment;
use crate::table::{percent, plain, right};

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Document {
    rules: String,
    from: UnixMillis,
    to: UnixMillis,
    luck: Vec<Luck>,
}

/// What the command prints.
pub(super) fn result(arguments: &Arguments) -> Result<String> {
    let version = RulesVersion::V1Replay;
    let rules = version.rules();
    let (market, from, to) = super::market(arguments, rules)?;
    let last = to - market.series.grid.span();
    ensure!(
        last - from >= Millis::days(30),
        "no season of 30 days fits between {} and the end of the prices: give more prices",
        moment::text(from)
    );
    let standard_errors = if arguments.standard_errors.is_empty() {
        &[rules.evidence.standard_errors]
    } else {
        &arguments.standard_errors[..]
    };
    let of = |habit: &Habit| Luck::of(*habit, &market, (from, last), &rules, standard_errors);
    let luck: Vec<Luck> = Habit::ALL.par_iter().flat_map_iter(of).collect();
    ensure!(
        luck.iter().all(|luck| luck.rounds > 0),
        "no round after {} has prices to be scored by: look for gaps in the price files",
        moment::text(from)
    );
    let document = Document {
        rules: version.name().to_owned(),
        from,
        to,
        luck,
    };
    if arguments.json {
        Ok(serde_json::to_string_pretty(&document)?)
    } else {
        Ok(text(&document))
    }
}

fn text(document: &Document) -> String {
    let counts = document
        .luck
        .first()
        .map(|luck| (luck.seasons, luck.rounds));
    let (seasons, rounds) = counts.unwrap_or_default();
    format!(
        "{seasons} seasons, one a day, of those whose true advantage is zero, in {rounds} rounds; {} to {}; rules {}\n\n{}\n",
        moment::text(document.from),
        moment::text(document.to),
        document.rules,
        table(&document.luck)
    )
}

fn table(luck: &[Luck]) -> Table {
    let days = luck.first().map_or(&[][..], |luck| &luck.eligible);
    let days: Vec<String> = days.iter().map(|(days, _)| format!("day {days}")).collect();
    let header = ["what it does", "z"].into_iter();
    let header: Vec<&str> = header.chain(days.iter().map(String::as_str)).collect();
    let mut table = plain(&header);
    for luck in luck {
        let name = [
            Cell::new(luck.habit),
            right(luck.standard_errors.to_string()),
        ];
        let shares = luck.eligible.iter();
        let shares = shares.map(|(_, share)| percent(Some(*share), 0));
        table.add_row(name.into_iter().chain(shares));
    }
    table
}
