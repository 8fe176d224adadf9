//! `validator settle`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_cli::output;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::case::{CaseResult, SettlementCase};
use foretell_core::settle::{MinuteDecision, settle_minute};

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
    /// The minute (JSON).
    file: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Settles the minute and prints what becomes of it; a gap is a result like any other.
pub fn run(arguments: &SettleArgs) -> Result<()> {
    let file = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file)
        .with_context(|| format!("can't read {file}: check the path"))?;
    let case: SettlementCase = serde_json::from_str(&text)
        .with_context(|| format!("{file} is no minute: see validator settle --help"))?;
    let rules = RulesVersion::V1.rules().minute;
    let inputs = case.inputs(&rules).with_context(|| format!("in {file}"))?;
    let decision = settle_minute(&inputs, &rules);
    let text = if arguments.json {
        serde_json::to_string_pretty(&CaseResult::from(&decision))?
    } else {
        decision_text(&decision)
    };
    Ok(output::print_line(text)?)
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
