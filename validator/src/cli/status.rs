//! `validator status`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::clock::system_now;
use crate::run::config::Config;
use crate::run::status::StatusFile;

/// Say what a running validator is doing, in words.
///
/// Example: validator status --config validator.toml
#[derive(Debug, Args)]
pub struct Arguments {
    /// Configuration file of the validator (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print the status as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the status.
pub fn run(arguments: &Arguments) -> Result<()> {
    let config = Config::read(&arguments.config)?;
    let status = StatusFile::read(&config.data)?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&status)?
    } else {
        status.words(system_now())
    };
    writeln!(std::io::stdout(), "{text}").context("can't write to standard output")
}
