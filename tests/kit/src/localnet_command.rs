//! `validator localnet`, with the arguments of a short run to begin with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_core::time::Millis;

use super::binaries;
use super::price_files::FIRST_ORIGIN;
use super::process::{ProcessOutput, TestProcess};

/// The command line of a network that isn't started yet.
#[derive(Debug, Clone)]
pub struct LocalnetCommand {
    program: PathBuf,
    arguments: BTreeMap<&'static str, Option<OsString>>,
    env: BTreeMap<&'static str, &'static str>,
    external_miners: Vec<String>,
}

impl LocalnetCommand {
    /// Two miners on these prices, four rounds of half an hour from [`FIRST_ORIGIN`] on, the result as JSON.
    pub fn with_prices(prices: &Path) -> Self {
        Self::without_span(prices)
            .option("--from", FIRST_ORIGIN)
            .option("--to", FIRST_ORIGIN + Millis::hours(2))
    }

    /// The same without `--from` and `--to`.
    pub fn without_span(prices: &Path) -> Self {
        let network = Self {
            program: binaries::validator_binary(),
            arguments: BTreeMap::new(),
            env: BTreeMap::new(),
            external_miners: Vec::new(),
        };
        // The validator looks for the miner by itself; here it is known early, and with a better message.
        binaries::miner_binary();
        network
            .path_option("--prices", prices)
            .option("--horizon", 6)
            .option("--miners", 2)
            .flag("--json")
    }

    /// With this argument, instead of what it was before.
    pub fn option(mut self, name: &'static str, value: impl ToString + Copy) -> Self {
        let value = value.to_string().into();
        self.arguments.insert(name, Some(value));
        self
    }

    /// With this path as an argument.
    pub fn path_option(mut self, name: &'static str, path: impl AsRef<OsStr>) -> Self {
        self.arguments.insert(name, Some(path.as_ref().to_owned()));
        self
    }

    /// With this argument, which takes no value.
    pub fn flag(mut self, name: &'static str) -> Self {
        self.arguments.insert(name, None);
        self
    }

    /// Without this argument.
    pub fn without(mut self, name: &'static str) -> Self {
        self.arguments.remove(name);
        self
    }

    /// With this environment variable.
    pub fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.insert(name, value);
        self
    }

    /// With a miner that another program is (`--guest NAME=PROGRAM`).
    pub fn external_miner(mut self, miner: String) -> Self {
        self.external_miners.push(miner);
        self
    }

    /// Run by this copy of the validator.
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Starts the program.
    pub fn spawn(&self) -> TestProcess {
        let mut command = Command::new(&self.program);
        command.arg("localnet").envs(&self.env);
        for (name, value) in &self.arguments {
            command.arg(name).args(value);
        }
        for miner in &self.external_miners {
            command.arg("--guest").arg(miner);
        }
        TestProcess::spawn(&mut command)
    }

    /// Runs the program to its end.
    pub fn run(&self) -> ProcessOutput {
        self.spawn().wait()
    }
}
