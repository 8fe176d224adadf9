//! The `validator` command.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_validator::localnet::adversary::{self, Misbehaviour};
use foretell_validator::localnet::{self, Options, Progress, Speed, Wishes};
use foretell_validator::moment;
use foretell_wire::keyfile::WalletHotkey;
use tracing_subscriber::EnvFilter;

/// The validator of a Foretell subnet: forecasts asked for, kept, scored and paid.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole network on this machine: ledger, validator and miners, on replayed prices.
    ///
    /// Ends with the leaderboard and what the ledger paid. Killed and started again with the same --data, it
    /// carries on.
    ///
    /// Example: validator localnet --prices BTCUSD_5m.csv --miners 8 --from 2024-03-01T00:00:00Z --to
    /// 2024-03-08T00:00:00Z
    Localnet(Localnet),
    /// A misbehaving miner of a local network; started by `localnet --adversaries`.
    #[command(hide = true)]
    Adversary(Adversary),
}

#[derive(Debug, Args)]
struct Localnet {
    /// Price file (.csv or .parquet); without it, the newest real candles or else a simulated series.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Name of the series [default: BTC/USD].
    #[arg(long, value_name = "NAME")]
    series: Option<SeriesId>,
    /// Steps of a forecast [default: 100].
    #[arg(long, value_name = "STEPS")]
    horizon: Option<usize>,
    /// First origin: RFC 3339 or unix milliseconds [default: --days before --to].
    #[arg(long, value_name = "T", value_parser = moment::parse)]
    from: Option<UnixMillis>,
    /// Origins are below this [default: the last that can settle is in].
    #[arg(long, value_name = "T", value_parser = moment::parse)]
    to: Option<UnixMillis>,
    /// Days of rounds, instead of --from [default: 3].
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
    /// Number of reference miners [default: 6].
    #[arg(long, value_name = "N")]
    miners: Option<usize>,
    /// Add miners that break the rules, one rule each.
    #[arg(long)]
    adversaries: bool,
    /// Interval between rounds [default: 30m, or the prices' step if that is longer].
    #[arg(long, value_name = "SPAN", value_parser = moment::parse_span)]
    round_every: Option<Millis>,
    /// How fast simulated time runs: `max`, or this many times wall time.
    #[arg(long, default_value = "max", value_parser = speed)]
    speed: Speed,
    /// Gives keys and signing randomness [default: 0].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Directory that a killed run carries on from [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the replay venue; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Adversary {
    #[arg(long)]
    kind: Misbehaviour,
    #[arg(long)]
    horizon: usize,
    #[arg(long)]
    wallet_path: PathBuf,
    #[arg(long)]
    wallet: String,
    #[arg(long)]
    hotkey: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("can't start the runtime")?;
    let result = runtime.block_on(async {
        match command {
            Command::Localnet(arguments) => localnet(arguments).await,
            Command::Adversary(arguments) => adversary(arguments).await,
        }
    });
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    result
}

async fn localnet(arguments: Localnet) -> Result<()> {
    let json = arguments.json;
    let options = Options {
        wishes: Wishes {
            series: arguments.series,
            horizon: arguments.horizon,
            from: arguments.from,
            to: arguments.to,
            days: arguments.days,
            miners: arguments.miners,
            adversaries: arguments.adversaries,
            round_every: arguments.round_every,
            seed: arguments.seed,
        },
        prices: arguments.prices,
        data: arguments.data,
        http: arguments.http,
        speed: arguments.speed,
    };
    let mut progress = Progress::new();
    let report = tokio::select! {
        report = localnet::run(&options, system_now(), &mut progress) => report?,
        _ = tokio::signal::ctrl_c() => match options.data {
            Some(_) => bail!("interrupted: the same command carries on"),
            None => bail!("interrupted: with --data, the same command would carry on"),
        },
    };
    let text = if json {
        serde_json::to_string_pretty(&report)?
    } else {
        localnet::tables(&report)
    };
    writeln!(std::io::stdout(), "{text}").context("can't write to standard output")
}

async fn adversary(arguments: Adversary) -> Result<()> {
    let wallet = WalletHotkey {
        path: arguments.wallet_path,
        wallet: arguments.wallet,
        hotkey: arguments.hotkey,
    };
    let key = wallet.load()?;
    Ok(adversary::serve(key, arguments.kind, arguments.horizon).await?)
}

fn speed(text: &str) -> Result<Speed, String> {
    match text {
        "max" => Ok(Speed::Max),
        "live" => Err("live prices are not supported yet: use max, or a number".into()),
        number => match number.parse() {
            Ok(times) if times > 0.0 && f64::is_finite(times) => Ok(Speed::Times(times)),
            _ => Err("expected max, or how many times as fast as wall time, such as 60".into()),
        },
    }
}

/// The machine's clock: only asked for which candles are the newest.
fn system_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
