//! `validator localnet`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use foretell_cli::clock::system_now;
use foretell_cli::output;
use foretell_cli::table::TableColumns;
use foretell_cli::time_text;
use foretell_cli::unit_flag::parse_unit;
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::{Millis, UnixMillis};
use foretell_localnet::live::LiveLocalnetOptions;
use foretell_localnet::replay::{ReplayLocalnetOptions, ReplaySpeed};
use foretell_localnet::{
    ExternalMiner, LocalnetArgs, LocalnetProgress, ProgramPaths, live, replay,
};

use super::stopped_by_signal;

/// Run the whole network on this machine: ledger, validator and miners, on replayed prices.
///
/// Ends with the leaderboard and what the ledger paid. Killed and started again with the same --data, it
/// carries on.
///
/// Example: validator localnet --prices BTCUSD_5m.csv --miners 8 --from 2024-03-01T00:00:00Z --to
/// 2024-03-08T00:00:00Z
#[derive(Debug, Args)]
pub struct LocalnetCommandArgs {
    /// Price file (.csv or .parquet, also compressed; - is standard input); without it, the newest real candles or else a simulated series.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// How moves of the prices are measured: price (logarithms) or value (differences) [default: price of files with
    /// open,high,low,close, value of files with one value].
    #[arg(long, value_name = "UNIT", requires = "prices", value_parser = parse_unit)]
    unit: Option<Unit>,
    /// Name of the series [default: BTC/USD].
    #[arg(long, value_name = "NAME")]
    series: Option<SeriesId>,
    /// Steps of a forecast [default: 100].
    #[arg(long, value_name = "STEPS")]
    horizon: Option<usize>,
    /// First origin: RFC 3339 or unix milliseconds [default: --days before --to].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    from: Option<UnixMillis>,
    /// Origins are below this [default: the last that can settle is in].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    to: Option<UnixMillis>,
    /// Days of rounds, instead of --from [default: 3].
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
    /// Number of reference miners [default: 6].
    #[arg(long, value_name = "N")]
    miners: Option<usize>,
    /// Add a miner of your own; may be given several times.
    ///
    /// PROGRAM is started with --wallet-path, --wallet and --hotkey, prints {"listening": "ADDRESS:PORT"} and serves
    /// until its standard input closes. The variable FORETELL_VENUE tells it where the prices are.
    #[arg(long, value_name = "NAME=PROGRAM")]
    guest: Vec<ExternalMiner>,
    /// Add miners that break the rules, one rule each.
    #[arg(long)]
    adversaries: bool,
    /// Interval between rounds [default: 30m, or the prices' step if that is longer].
    #[arg(long, value_name = "SPAN", value_parser = time_text::parse_duration)]
    round_every: Option<Millis>,
    /// How fast simulated time runs: `max`, or this many times wall time; `live` is no simulation: the newest prices of
    /// exchanges, rounds by the machine's clock, until ctrl-c or --days are over.
    #[arg(long, default_value = "max", value_parser = parse_speed)]
    speed: SpeedArg,
    /// Gives keys and signing randomness [default: 0].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Directory that a killed run carries on from [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the replay venue; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// Configuration as of `validator run`, whose [prices] say which exchanges --speed live asks.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show all columns, however wide the table gets.
    #[arg(long, conflicts_with = "json")]
    wide: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the network and prints its result.
pub async fn run(arguments: LocalnetCommandArgs) -> Result<()> {
    let json = arguments.json;
    let args = LocalnetArgs {
        series: arguments.series,
        horizon: arguments.horizon,
        from: arguments.from,
        to: arguments.to,
        days: arguments.days,
        miners: arguments.miners,
        external_miners: arguments.guest,
        adversaries: arguments.adversaries,
        round_every: arguments.round_every,
        seed: arguments.seed,
    };
    let report = match arguments.speed {
        SpeedArg::Live => {
            if arguments.prices.is_some() || args.from.is_some() || args.to.is_some() {
                bail!(
                    "--speed live goes from now on, on live prices: leave out --prices, --from and --to"
                );
            }
            let options = LiveLocalnetOptions {
                args,
                programs: programs()?,
                config: arguments.config,
                data: arguments.data,
            };
            let stop = stopped_by_signal()?;
            live::run(&options, stop, &LocalnetProgress::new()).await?
        }
        SpeedArg::Replay(speed) => {
            if arguments.config.is_some() {
                bail!("--config is for --speed live: leave it out");
            }
            let options = ReplayLocalnetOptions {
                args,
                programs: programs()?,
                prices: arguments.prices,
                unit: arguments.unit,
                data: arguments.data,
                http: arguments.http,
                speed,
            };
            let mut progress = LocalnetProgress::new();
            tokio::select! {
                report = replay::run(&options, system_now(), &mut progress) => report?,
                _ = tokio::signal::ctrl_c() => match options.data {
                    Some(_) => bail!("interrupted: the same command carries on"),
                    None => bail!("interrupted: with --data, the same command would carry on"),
                },
            }
        }
    };
    let text = if json {
        serde_json::to_string_pretty(&report)?
    } else {
        foretell_localnet::tables(&report, TableColumns::by_flag(arguments.wide))
    };
    Ok(output::print_line(text)?)
}

/// This program, which serves adversaries too, and the miner beside it.
fn programs() -> Result<ProgramPaths> {
    let own = std::env::current_exe().context("can't find the path of this program")?;
    Ok(ProgramPaths {
        miner: own.with_file_name("miner"),
        adversary: own,
    })
}

/// The value of `--speed`.
#[derive(Debug, Clone, Copy)]
enum SpeedArg {
    Live,
    Replay(ReplaySpeed),
}

fn parse_speed(text: &str) -> Result<SpeedArg, String> {
    match text {
        "max" => Ok(SpeedArg::Replay(ReplaySpeed::Max)),
        "live" => Ok(SpeedArg::Live),
        number => match number.parse() {
            Ok(times) if times > 0.0 && f64::is_finite(times) => {
                Ok(SpeedArg::Replay(ReplaySpeed::Times(times)))
            }
            _ => {
                Err("expected max, live, or how many times as fast as wall time, such as 60".into())
            }
        },
    }
}
