//! `miner doctor`.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use foretell_chain::chain::Chain;
use foretell_chain::neuron_check;
use foretell_cli::clock::system_now;
use foretell_cli::network_flags::NetworkFlags;
use foretell_cli::path_text::parse_path;
use foretell_cli::wallet_flags::WalletFlags;
use foretell_cli::{output, time_text};
use foretell_feed::rest::RestClient;
use foretell_feed::venue::CandleQuery;
use foretell_files::create_private_folder;

use crate::config::MinerConfig;
use crate::model_file::ModelFile;
use crate::models;

/// Deadline of the request to the venue.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
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
}

/// Checks and prints; an error if something is wrong.
pub fn run(args: &MinerDoctorArgs) -> Result<()> {
    let mut wrong = 0;
    let mut print_check = |what: &str, found: Result<String>| -> Result<()> {
        let line = match found {
            Ok(fine) => format!("ok     {what:<8} {fine}"),
            Err(error) => {
                wrong += 1;
                format!("wrong  {what:<8} {error:#}")
            }
        };
        Ok(output::print_line(line)?)
    };
    match MinerConfig::read(&args.config) {
        Ok(config) => {
            print_check("config", Ok(args.config.display().to_string()))?;
            print_check("key", check_key(&args.wallet))?;
            print_check("model", check_model(&config))?;
            print_check("data", check_data(&config))?;
            print_check("port", check_port(&config))?;
            print_check("venue", check_venue(&config))?;
            print_check("chain", check_chain(&config, args))?;
        }
        Err(error) => print_check("config", Err(error.into()))?,
    }
    if wrong > 0 {
        bail!("{wrong} of these are wrong");
    }
    Ok(())
}

fn check_key(wallet: &WalletFlags) -> Result<String> {
    Ok(wallet.load()?.hotkey().to_string())
}

/// Whether the hotkey is registered, and its address published.
fn check_chain(config: &MinerConfig, args: &MinerDoctorArgs) -> Result<String> {
    let Some(subnet) = args.network.resolve(config.chain.clone())? else {
        return Ok("none: this miner is a shadow miner, or on a local network".into());
    };
    let chain = subnet.connect(None, env!("CARGO_PKG_NAME"))?;
    let hotkey = args.wallet.load()?.hotkey();
    let runtime = tokio::runtime::Runtime::new().context("can't start the runtime")?;
    let metagraph = runtime
        .block_on(chain.metagraph())
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
    let probe = folder.join("doctor.probe");
    create_private_folder(folder)
        .and_then(|()| fs::write(&probe, b"probe"))
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("{} can't be written: check serve.data", folder.display()))?;
    Ok(folder.display().to_string())
}

fn check_port(config: &MinerConfig) -> Result<String> {
    let address = config.serve.listen;
    TcpListener::bind(address).with_context(|| {
        format!("{address} can't be listened on: is the miner running, or another process?")
    })?;
    Ok(address.to_string())
}

/// Whether the venue has fresh candles; a wrong clock shows here too.
fn check_venue(config: &MinerConfig) -> Result<String> {
    let (venue, host) = config.venue()?;
    let now = system_now();
    let step = config.series.grid.step;
    let query = CandleQuery {
        symbol: &config.prices.symbol,
        step,
        from: now - step.times(BARS_REQUESTED),
        to: now,
    };
    let runtime = tokio::runtime::Runtime::new().context("can't start the runtime")?;
    let bars = runtime.block_on(async {
        let rest = RestClient::new(REQUEST_TIMEOUT)?;
        rest.candles(venue, &host, &query).await
    })?;
    let name = venue.name();
    let Some(last) = bars.last().map(|bar| bar.close_time(step)) else {
        bail!(
            "{name} has no candles of {}: check prices.symbol and this machine's clock",
            query.symbol
        );
    };
    let behind = now - last;
    if behind > step.times(MAX_BARS_BEHIND) || behind < -step {
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
