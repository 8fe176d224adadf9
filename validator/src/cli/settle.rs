//! `validator settle`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use foretell_cli::output;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::case::{CaseResult, SettlementCase};
use foretell_core::settle::{MinuteDecision, settle_minute};

/// Longest file that is read: a minute of a dozen venues, and an hour before it, are a tenth of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Settle one minute: from what venues said to the price of record, or a gap with its reason.
///
/// The file is JSON: {"usdt_usd": ["0.9995", "0.9996"], "venues": [{"id": "kraken", "price": "100010", "quote": "USD",
/// "w": "15", "age_s": 2, "volume": "1"}, …]}. `w` is what a venue weighs, its volume of the day before; a price older
/// than 60 s or without volume is none. `before` may hold the minutes before in the same form, oldest first: they
/// decide whether a venue that was far off is back.
///
/// Example: validator settle --json minute.json
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// The minute (JSON; - is standard input).
    file: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Settles the minute and prints what becomes of it; a gap is a result like any other.
pub fn run(arguments: &SettleArgs) -> Result<()> {
    let rules = RulesVersion::V1.rules().minute;
    let case = read_case(&arguments.file)?;
    let inputs = case
        .inputs(&rules)
        .with_context(|| format!("in {}", arguments.file.display()))?;
    let decision = settle_minute(&inputs, &rules);
    let text = if arguments.json {
        serde_json::to_string_pretty(&CaseResult::from(&decision))?
    } else {
        decision_text(&decision)
    };
    Ok(output::print_line(text)?)
}

/// The minute in a file; `-` is standard input.
fn read_case(path: &Path) -> Result<SettlementCase> {
    let file = path.display();
    let unreadable = || format!("can't read {file}: check the path");
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().take(MAX_FILE_BYTES + 1).read_to_end(&mut text)
    } else {
        let opened = File::open(path).with_context(unreadable)?;
        opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)
    };
    let read = read.with_context(unreadable)?;
    ensure!(
        read as u64 <= MAX_FILE_BYTES,
        "{file} has more than {MAX_FILE_BYTES} bytes, and a minute has a few thousand: see validator settle --help"
    );
    serde_json::from_slice(&text)
        .with_context(|| format!("{file} is no minute: see validator settle --help"))
}

/// The decision as text: the price with each venue's part in it, or the gap; then the excluded venues, and why.
fn decision_text(decision: &MinuteDecision) -> String {
    let result = CaseResult::from(decision);
    let mut lines = Vec::new();
    match (&decision.price, result.price) {
        (Ok(settled), Some(price)) => {
            lines.push(format!(
                "price {price}, dispersion {:.1} bps",
                settled.dispersion_bps
            ));
            lines.extend(settled.usdt_usd.map(|rate| format!("1 USDT = {rate} USD")));
            lines.extend(settled.constituents.iter().map(|(venue, constituent)| {
                let (price, percent) = (constituent.price, 100.0 * constituent.weight);
                format!("  {venue}: {price:.2} USD, weight {percent:.1} %")
            }));
        }
        (Err(reason), _) => lines.push(format!("gap: {reason}")),
        (Ok(_), None) => {}
    }
    let excluded = decision.excluded.iter();
    lines.extend(excluded.map(|(venue, why)| format!("  {venue} is out: {why}")));
    lines.join("\n")
}
