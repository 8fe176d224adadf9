//! `validator status`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_cli::clock::system_now;
use foretell_cli::output;
use foretell_cli::path_text::parse_path;
use foretell_service::run::config::ValidatorConfig;
use foretell_service::run::status_file::StatusFile;

/// Say what a running validator is doing, in words.
///
/// Example: validator status --config validator.toml
#[derive(Debug, Args)]
pub struct ValidatorStatusArgs {
    /// Configuration file of the validator (TOML).
    #[arg(long, value_name = "FILE", value_parser = parse_path)]
    config: PathBuf,
    /// Print the status as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the status that the running validator wrote last.
pub fn run(arguments: &ValidatorStatusArgs) -> Result<()> {
    let config = ValidatorConfig::read(&arguments.config)?;
    let status = StatusFile::read(&config.data)?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&status)?
    } else {
        status.describe(system_now())
    };
    Ok(output::print_line(text)?)
}
