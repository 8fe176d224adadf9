//! `validator simulate-policy`: seasons of attacks under several policies, or with `--luck` the study of null strategies.

mod args;
mod market;
mod null_study;
mod print;
mod seasons;

pub use args::SimulatePolicyArgs;

use anyhow::{Context, Result};
use foretell_cli::output;

/// Runs the simulation and prints its result.
pub async fn run(arguments: SimulatePolicyArgs) -> Result<()> {
    let result = tokio::task::spawn_blocking(move || {
        if arguments.luck {
            null_study::result(&arguments)
        } else {
            simulation_result(&arguments)
        }
    });
    let text = result.await.context("the simulation panicked")??;
    Ok(output::print_line(text)?)
}

/// Simulates the seasons; the result as text or JSON.
fn simulation_result(arguments: &SimulatePolicyArgs) -> Result<String> {
    let report = seasons::simulate(arguments)?;
    if arguments.json {
        Ok(serde_json::to_string_pretty(&report)?)
    } else {
        Ok(print::text(&report))
    }
}
