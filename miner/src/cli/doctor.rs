//! `miner doctor`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use foretell_chain::chain::Chain;
use foretell_chain::neuron_check;
use foretell_cli::check_report::CheckReport;
use foretell_cli::clock::system_now;
use foretell_cli::network_flags::NetworkFlags;
use foretell_cli::path_text::parse_path;
use foretell_cli::wallet_flags::WalletFlags;
use foretell_cli::{program, time_text};
use foretell_core::time::Millis;
use foretell_feed::clock_comparison::{ClockDifference, ClockReading, ClockTolerance};
use foretell_feed::clock_probe::ClockProbe;
use foretell_feed::rest::RestClient;
use foretell_feed::venue::CandleQuery;

use crate::config::MinerConfig;
use crate::model_file::ModelFile;
use crate::models;
use crate::serve::DataFolder;

/// Deadline of the request to the venue.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest name of a check.
const NAME_WIDTH: usize = 8;
/// What the wire forgives: a request that looks 10 s old, or 2 s early, to this machine's clock.
const CLOCK_TOLERANCE: ClockTolerance = ClockTolerance {
    behind: Millis::seconds(2),
    ahead: Millis::seconds(10),
};
/// How old the chain's newest block may be: five times the time between two.
const NEWEST_BLOCK_AGE: Millis = Millis::seconds(60);
/// Bars that are asked for, and how many may be missing at the end.
const BARS_REQUESTED: i64 = 12;
const MAX_BARS_BEHIND: i64 = 3;

/// Check what a miner needs, one line each, with the cure.
///
/// Example: miner doctor --config miner.toml --wallet my-wallet
#[derive(Debug, Args)]
pub struct MinerDoctorArgs {
    /// Configuration file (TOML).
    #[arg(long, value_parser = parse_path)]
    config: PathBuf,
    #[command(flatten)]
    wallet: WalletFlags,
    #[command(flatten)]
    network: NetworkFlags,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks and prints; an error if something is wrong.
pub fn run(args: &MinerDoctorArgs) -> Result<()> {
    program::block_on(check(args))
}

async fn check(args: &MinerDoctorArgs) -> Result<()> {
    let mut report = CheckReport::new(NAME_WIDTH, args.json);
    match MinerConfig::read(&args.config) {
        Ok(config) => {
            report.add("config", Ok(args.config.display().to_string()))?;
            report.add("clock", check_clock(&config, args).await)?;
            report.add("key", check_key(&args.wallet))?;
            report.add("model", check_model(&config))?;
            report.add("data", check_data(&config))?;
            report.add("port", check_port(&config))?;
            report.add("answers", check_answered(&config, args))?;
            report.add("venue", check_venue(&config).await)?;
            report.add("chain", check_chain(&config, args).await)?;
        }
        Err(error) => report.add("config", Err(error.into()))?,
    }
    report.finish()
}

/// Whether validators' requests will look as old as they are: by the clocks of the venue and, where there is one, the chain.
async fn check_clock(config: &MinerConfig, args: &MinerDoctorArgs) -> Result<String> {
    let (venue, host) = config.venue()?;
    let asked = ClockProbe::of_public_servers(REQUEST_TIMEOUT)?
        .difference(&host, system_now)
        .await;
    // What is wrong with the chain is said of it below.
    let mut readings = Vec::from_iter(chain_reading(config, args).await.ok().flatten());
    match asked {
        Ok(ahead) => readings.push(ClockReading {
            source: venue.name().to_owned(),
            ahead,
        }),
        Err(error) if readings.is_empty() => {
            let why = "there is nobody to compare the clock with: is the network up?";
            return Err(error).context(why);
        }
        Err(_) => {}
    }
    clock_line(&readings)
}

async fn chain_reading(
    config: &MinerConfig,
    args: &MinerDoctorArgs,
) -> Result<Option<ClockReading>> {
    let Some(subnet) = args.network.resolve(config.chain.clone())? else {
        return Ok(None);
    };
    let chain = subnet.connect(None, env!("CARGO_PKG_NAME"))?;
    let asked = system_now();
    let time = tokio::time::timeout(REQUEST_TIMEOUT, chain.time()).await??;
    Ok(time.map(|time| ClockReading {
        source: "the chain's newest block".into(),
        ahead: ClockDifference::from_newest_block(time, NEWEST_BLOCK_AGE, asked, system_now()),
    }))
}

/// What each of these clocks says; any that disagrees makes the line wrong, since a majority of two is none.
fn clock_line(readings: &[ClockReading]) -> Result<String> {
    let disagreeing = |reading: &&ClockReading| !reading.ahead.may_be_within(CLOCK_TOLERANCE);
    let told = |readings: &[&ClockReading]| {
        let texts = readings.iter().map(ToString::to_string);
        texts.collect::<Vec<_>>().join(", ")
    };
    let wrong: Vec<_> = readings.iter().filter(disagreeing).collect();
    ensure!(
        wrong.is_empty(),
        "{}: set this machine's clock (NTP), or every validator's request is refused (status 401)",
        told(&wrong)
    );
    Ok(told(&readings.iter().collect::<Vec<_>>()))
}

fn check_key(wallet: &WalletFlags) -> Result<String> {
    Ok(wallet.load()?.hotkey().to_string())
}

/// Whom the miner answers.
fn check_answered(config: &MinerConfig, args: &MinerDoctorArgs) -> Result<String> {
    let subnet = args.network.resolve(config.chain.clone())?;
    match (&config.serve.validators, subnet) {
        (Some(validators), _) => Ok(format!("the {} of serve.validators", validators.len())),
        (None, Some(subnet)) => Ok(format!("the permitted validators of {subnet}")),
        (None, None) => {
            bail!("nobody: set serve.validators, or the subnet in [chain] or by --network")
        }
    }
}

/// Whether the hotkey is registered, and its address published.
async fn check_chain(config: &MinerConfig, args: &MinerDoctorArgs) -> Result<String> {
    let Some(subnet) = args.network.resolve(config.chain.clone())? else {
        return Ok("none: this miner is a shadow miner, or on a local network".into());
    };
    let chain = subnet.connect(None, env!("CARGO_PKG_NAME"))?;
    let hotkey = args.wallet.load()?.hotkey();
    let metagraph = chain
        .metagraph()
        .await
        .with_context(|| format!("{subnet} at {}", subnet.network.url()))?;
    let own = config.serve.public_address(config.serve.listen);
    Ok(format!(
        "{subnet}: {}",
        neuron_check::check_miner(&metagraph, hotkey, own)?
    ))
}

fn check_model(config: &MinerConfig) -> Result<String> {
    let model = models::by_name(&config.model.name)?;
    if let Some(path) = &config.model.file {
        let file = ModelFile::read(path)?;
        file.restore(path, &config.series)?;
        return Ok(format!(
            "{}, starting with {} of {}",
            model.name(),
            path.display(),
            time_text::format_time(file.data.to)
        ));
    }
    Ok(model.name().to_owned())
}

fn check_data(config: &MinerConfig) -> Result<String> {
    let folder = &config.serve.data;
    let folder_of_payloads = DataFolder::create(folder)
        .with_context(|| format!("{} can't be created: check serve.data", folder.display()))?;
    folder_of_payloads.probe();
    folder_of_payloads.writable()?;
    Ok(folder.display().to_string())
}

fn check_port(config: &MinerConfig) -> Result<String> {
    let address = config.serve.listen;
    TcpListener::bind(address).with_context(|| {
        format!("{address} can't be listened on: is the miner running, or another process?")
    })?;
    Ok(address.to_string())
}

/// Whether the venue has fresh candles.
async fn check_venue(config: &MinerConfig) -> Result<String> {
    let (venue, host) = config.venue()?;
    let now = system_now();
    let step = config.series.grid.step;
    let query = CandleQuery {
        symbol: &config.prices.symbol,
        step,
        from: now - step.times(BARS_REQUESTED),
        to: now,
    };
    let rest = RestClient::new(REQUEST_TIMEOUT)?;
    let bars = rest.candles(venue, &host, &query).await?;
    let name = venue.name();
    let Some(last) = bars.last().map(|bar| bar.close_time(step)) else {
        bail!(
            "{name} has no candles of {}: check prices.symbol and this machine's clock",
            query.symbol
        );
    };
    let behind = now - last;
    if behind > step.times(MAX_BARS_BEHIND) || behind < Millis::saturating(-step.get()) {
        bail!(
            "{name}'s newest candle closed at {}, it is {} here: check this machine's clock and prices.symbol",
            time_text::format_time(last),
            time_text::format_time(now)
        );
    }
    Ok(format!(
        "{name}, newest candle of {}",
        time_text::format_time(last)
    ))
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    /// The line of a machine whose clock is `ahead` of the venue's.
    fn line(ahead: Millis) -> Result<String> {
        let asked = MONDAY + Millis::literal(500) + ahead;
        let ahead = ClockDifference::from_whole_seconds(MONDAY, asked, asked + Millis::literal(20));
        let source = "kraken".into();
        clock_line(&[ClockReading { source, ahead }])
    }

    #[test]
    fn a_clock_is_right_as_far_as_the_wire_forgives() {
        for ahead in [-2_000, 0, 2_000, 10_000] {
            assert!(line(Millis::saturating(ahead)).is_ok(), "{ahead}");
        }
        // To a second, which is what answers tell.
        for ahead in [-3_000, 11_000, -120_000, 150_000] {
            let error = line(Millis::saturating(ahead)).unwrap_err().to_string();
            assert!(error.contains("set this machine's clock (NTP)"), "{error}");
        }
        assert_eq!(line(Millis::literal(0)).unwrap(), "within 0.5 s of kraken");
        // Two clocks, one of which disagrees.
        let newest_block = |ahead: Millis| ClockReading {
            source: "the chain's newest block".into(),
            ahead: ClockDifference::from_newest_block(
                MONDAY,
                NEWEST_BLOCK_AGE,
                MONDAY + ahead,
                MONDAY + ahead,
            ),
        };
        assert!(clock_line(&[newest_block(Millis::seconds(65))]).is_ok());
        let far = [
            newest_block(Millis::days(1)),
            newest_block(Millis::literal(0)),
        ];
        let error = clock_line(&far).unwrap_err().to_string();
        assert!(
            error.starts_with("23 h 59 min ahead of the chain's newest block: set"),
            "{error}"
        );
    }
}
