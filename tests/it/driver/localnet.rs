//! `validator localnet`, with the arguments of a short run unless told otherwise.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_core::time::{Millis, UnixMillis};

use super::process::{Ended, Running};
use super::programs;

/// First origin: two days into the [market](super::market).
pub const START: UnixMillis = UnixMillis(1_704_240_000_000);

/// A network to be run.
#[derive(Debug, Clone)]
pub struct Localnet {
    program: PathBuf,
    arguments: BTreeMap<&'static str, Option<OsString>>,
    environment: BTreeMap<&'static str, &'static str>,
    guests: Vec<String>,
}

impl Localnet {
    /// Two miners on these prices, four rounds of half an hour from [`START`] on, the result as JSON.
    pub fn on(prices: &Path) -> Self {
        Self::without_span(prices)
            .with("--from", START)
            .with("--to", START + Millis::hours(2))
    }

    /// The same without `--from` and `--to`.
    pub fn without_span(prices: &Path) -> Self {
        let network = Self {
            program: programs::validator(),
            arguments: BTreeMap::new(),
            environment: BTreeMap::new(),
            guests: Vec::new(),
        };
        // The validator looks for the miner by itself; here it is known early, and with a better message.
        programs::miner();
        network
            .at("--prices", prices)
            .with("--horizon", 6)
            .with("--miners", 2)
            .flag("--json")
    }

    /// With this argument, instead of what it was before.
    pub fn with(mut self, name: &'static str, value: impl ToString + Copy) -> Self {
        let value = value.to_string().into();
        self.arguments.insert(name, Some(value));
        self
    }

    /// With this path as an argument.
    pub fn at(mut self, name: &'static str, path: impl AsRef<OsStr>) -> Self {
        self.arguments.insert(name, Some(path.as_ref().to_owned()));
        self
    }

    /// With this flag.
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
    pub fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.insert(name, value);
        self
    }

    /// With a miner of its own, as `NAME=PROGRAM`.
    pub fn guest(mut self, guest: String) -> Self {
        self.guests.push(guest);
        self
    }

    /// Run by this copy of the validator.
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Starts it.
    pub fn start(&self) -> Running {
        let mut command = Command::new(&self.program);
        command.arg("localnet").envs(&self.environment);
        for (name, value) in &self.arguments {
            command.arg(name).args(value);
        }
        for guest in &self.guests {
            command.arg("--guest").arg(guest);
        }
        Running::start(&mut command)
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ended {
        self.start().wait()
    }
}
