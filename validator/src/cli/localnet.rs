//! `validator localnet`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};

use crate::clock::system_now;
use crate::localnet::{self, Options, Progress, Speed, Wishes};
use crate::moment;

/// Run the whole network on this machine: ledger, validator and miners, on replayed prices.
///
/// Ends with the leaderboard and what the ledger paid. Killed and started again with the same --data, it
/// carries on.
///
/// Example: validator localnet --prices BTCUSD_5m.csv --miners 8 --from 2024-03-01T00:00:00Z --to
/// 2024-03-08T00:00:00Z
#[derive(Debug, Args)]
pub struct Arguments {
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

/// Runs the network and prints its result.
pub async fn run(arguments: Arguments) -> Result<()> {
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
