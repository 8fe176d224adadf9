//! The miners' processes: started with a wallet and a configuration each, ended with their parent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::series::Series;
use foretell_files::create_private_folder;
use foretell_keys::keyfile::{KeyfileError, WalletHotkey};
use foretell_miner::config::{
    ClockConfig, MinerConfig, MinerPricesConfig, ModelConfig, ServeConfig,
};
use serde::Deserialize;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::population::{Participant, Role};

/// How long a process may take to listen, and how long to end.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(120);

/// The running processes. Each ends when its standard input closes, even if we are killed.
#[derive(Debug)]
pub struct MinerProcesses {
    running: Vec<(String, Child)>,
    axons: BTreeMap<String, SocketAddr>,
}

/// The programs that a network starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramPaths {
    /// The reference miner, started as `miner serve`.
    pub miner: PathBuf,
    /// A program whose command `adversary` [serves](crate::adversary::serve) one: the validator itself.
    pub adversary: PathBuf,
}

/// What all processes of a network have in common.
#[derive(Debug)]
pub struct ProcessSettings<'a> {
    /// Paths of the programs that are started.
    pub programs: &'a ProgramPaths,
    /// Directory of the network; each process has a folder in `miners` there.
    pub folder: &'a Path,
    /// The series that is forecast.
    pub series: &'a Series,
    /// The venue that miners read prices from.
    pub prices: MinerPricesConfig,
    /// Whether miners go by the request's time or by the machine's clock.
    pub clock: ClockConfig,
    /// The only hotkey that miners answer.
    pub validator: Hotkey,
    /// Seed of the network, which wallets and models take theirs from.
    pub seed: u64,
}

/// Why a process doesn't run.
#[derive(Debug, Error)]
pub enum MinerProcessError {
    /// There is no program at the miner's path.
    #[error(
        "no miner program at {0}: build it beside the validator with `cargo build -p foretell-miner`"
    )]
    NoProgram(PathBuf),
    /// The process, or a file that it needs, couldn't be made.
    #[error("can't start {name}")]
    Start { name: String, source: io::Error },
    /// The process ended, or printed no address in time.
    #[error("{name} did not start to listen; its log is {log}:\n{tail}")]
    NotListening {
        name: String,
        log: PathBuf,
        tail: String,
    },
    /// The wallet couldn't be written.
    #[error(transparent)]
    Wallet(#[from] KeyfileError),
}

/// The line of JSON that a process prints once it listens; other keys are ignored.
#[derive(Deserialize)]
struct ReadyLine {
    listening: SocketAddr,
}

impl MinerProcesses {
    /// Starts a process for each participant, and returns once all of them listen.
    pub async fn start(
        participants: &[Participant],
        settings: &ProcessSettings<'_>,
    ) -> Result<Self, MinerProcessError> {
        let mut starting = Vec::new();
        for participant in participants {
            let started = spawn(participant, settings);
            starting.push((participant.name.clone(), started?));
        }
        let mut processes = Self {
            running: Vec::new(),
            axons: BTreeMap::new(),
        };
        for (name, mut child) in starting {
            let log = log_file(settings.folder, &name);
            let Some(ready) = read_ready_line(&mut child).await else {
                let tail = last_lines(&log);
                return Err(MinerProcessError::NotListening { name, log, tail });
            };
            processes.axons.insert(name.clone(), ready.listening);
            processes.running.push((name, child));
        }
        Ok(processes)
    }

    /// The address that each participant listens on, by name.
    pub const fn axons(&self) -> &BTreeMap<String, SocketAddr> {
        &self.axons
    }

    /// Closes the standard input of each process and waits for it to end; kills those that don't within the timeout.
    pub async fn stop(self) -> io::Result<()> {
        for (name, mut child) in self.running {
            drop(child.stdin.take());
            if let Ok(status) = tokio::time::timeout(PROCESS_TIMEOUT, child.wait()).await {
                status?;
            } else {
                tracing::warn!(name, "did not end by itself and is killed");
                child.kill().await?;
            }
        }
        Ok(())
    }
}

fn spawn(
    participant: &Participant,
    settings: &ProcessSettings<'_>,
) -> Result<Child, MinerProcessError> {
    let name = &participant.name;
    let start_error = |source| MinerProcessError::Start {
        name: name.clone(),
        source,
    };
    let home = settings.folder.join("miners").join(name);
    create_private_folder(&home).map_err(start_error)?;
    // What a configuration names is relative to its own folder.
    let home = std::path::absolute(home).map_err(start_error)?;
    let wallet = WalletHotkey {
        path: home.join("wallets"),
        wallet: name.clone(),
        hotkey: "default".into(),
    };
    wallet.store(&participant.secret(settings.seed))?;
    let mut command = match &participant.role {
        Role::Miner {
            model,
            history_days,
        } => {
            let program = &settings.programs.miner;
            if !program.exists() {
                return Err(MinerProcessError::NoProgram(program.clone()));
            }
            let config = home.join("miner.toml");
            let text = miner_config(model, *history_days, &home, settings)
                .map_err(|error| start_error(io::Error::other(error)))?;
            fs::write(&config, text).map_err(start_error)?;
            let mut command = Command::new(program);
            command.arg("serve").arg("--config").arg(config);
            command.arg("--until-stdin-closes");
            command
        }
        Role::External { program } => {
            let mut command = Command::new(program);
            if let Some(host) = &settings.prices.host {
                command.env("FORETELL_VENUE", host);
            }
            command
        }
        Role::Adversary(misbehaviour) => {
            let mut command = Command::new(&settings.programs.adversary);
            command.args(["adversary", "--kind", misbehaviour.name()]);
            let horizon = settings.series.grid.horizon.to_string();
            command.args(["--horizon", &horizon]);
            command
        }
    };
    let log = File::create(log_file(settings.folder, name)).map_err(start_error)?;
    command
        .arg("--wallet-path")
        .arg(&wallet.path)
        .args(["--wallet", name, "--hotkey", "default"])
        // The venue is on this machine, whatever proxy leads elsewhere.
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(start_error)
}

fn miner_config(
    model: &str,
    history_days: u32,
    home: &Path,
    settings: &ProcessSettings<'_>,
) -> Result<String, toml::ser::Error> {
    toml::to_string(&MinerConfig {
        series: settings.series.clone(),
        prices: settings.prices.clone(),
        model: ModelConfig {
            history_days,
            seed: settings.seed,
            ..ModelConfig::new(model)
        },
        serve: ServeConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            axon: None,
            data: home.join("answers"),
            clock: settings.clock,
            validators: Some(vec![settings.validator]),
        },
        chain: None,
    })
}

async fn read_ready_line(child: &mut Child) -> Option<ReadyLine> {
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take()?);
    let read = tokio::time::timeout(PROCESS_TIMEOUT, output.read_line(&mut line)).await;
    read.ok()?.ok()?;
    serde_json::from_str(&line).ok()
}

/// The file that the participant's standard error goes to.
pub fn log_file(folder: &Path, name: &str) -> PathBuf {
    folder.join("miners").join(name).join("log.txt")
}

/// The last ten lines of a log, or why it can't be read.
fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
