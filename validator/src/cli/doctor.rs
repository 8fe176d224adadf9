//! `validator doctor`.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use foretell_chain::chain::Chain;
use foretell_chain::neuron_check;
use foretell_cli::check_report::CheckReport;
use foretell_cli::clock::system_now;
use foretell_core::hotkey::Hotkey;
use foretell_core::settle::{MINUTE, QuoteCurrency};
use foretell_core::time::UnixMillis;
use foretell_feed::collector::VenueMarket;
use foretell_feed::rest::RestClient;
use foretell_feed::venue::CandleQuery;
use foretell_files::create_private_folder;
use foretell_keys::keyfile::KeyfileAccess;
use foretell_service::run::config::{ChainConfig, PriceSourceConfig, ValidatorConfig};
use foretell_service::run::data_dir_manifest::DataDirManifest;
use foretell_service::run::key;
use futures_util::future::join_all;

use super::config_args::ConfigArgs;
use super::doctor_clock::check_clock;

/// Deadline of one request to a venue.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Minutes of candles that are requested from each market.
const MINUTES_REQUESTED: i64 = 10;
/// The longest name of a check.
const NAME_WIDTH: usize = 13;
/// Free space that a day of a full subnet's journal takes.
const MIN_FREE_MB: u64 = 1_024;

/// Check what a validator needs, one line each, with the cure.
///
/// Example: validator doctor --config validator.toml --network test --netuid 8 --wallet my-wallet
#[derive(Debug, Args)]
pub struct ValidatorDoctorArgs {
    #[command(flatten)]
    config_args: ConfigArgs,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Whether a market has fresh candles.
struct MarketCheck {
    market: String,
    /// `None` for the USDT/USD rate, which settles nothing by itself.
    quote: Option<QuoteCurrency>,
    /// End of its newest candle.
    newest: Result<UnixMillis>,
}

/// Checks and prints; an error if something is wrong.
pub async fn run(arguments: ValidatorDoctorArgs) -> Result<()> {
    let mut report = CheckReport::new(NAME_WIDTH, arguments.json);
    let path = &arguments.config_args.file;
    match arguments.config_args.read() {
        Ok(config) => {
            report.add("config", Ok(path.display().to_string()))?;
            let now = system_now();
            let checks = check_markets(&config, now).await;
            report.add("clock", check_clock(&config).await)?;
            report.add("disk", check_disk(&config))?;
            let key = check_key(&config, &arguments.config_args.keyfile_access());
            let hotkey = key.as_ref().ok().copied();
            report.add("key", key.map(|key| key.to_string()))?;
            let (chain, registration) = check_chain_and_registration(&config, hotkey).await;
            report.add("chain", chain)?;
            report.add("registration", registration)?;
            report.add("venues", check_venues(&config, checks))?;
            report.add("ports", check_ports(&config))?;
        }
        Err(error) => report.add("config", Err(error))?,
    }
    report.finish()
}

/// The newest minute of every configured market; `None` where prices don't come from venues.
async fn check_markets(config: &ValidatorConfig, now: UnixMillis) -> Option<Vec<MarketCheck>> {
    let PriceSourceConfig::Venues(_) = config.prices else {
        return None;
    };
    let (Ok(markets), Ok(rest)) = (config.markets(), RestClient::new(REQUEST_TIMEOUT)) else {
        return Some(Vec::new());
    };
    let settling = markets.venues.into_iter();
    let settling = settling.map(|(market, quote)| (market, Some(quote)));
    let usdt_usd = markets.usdt_usd.into_iter().map(|market| (market, None));
    let rest = &rest;
    let asked = settling.chain(usdt_usd).map(|(market, quote)| async move {
        MarketCheck {
            market: format!("{} {}", market.venue.name(), market.symbol),
            quote,
            newest: newest_minute(rest, &market, now).await,
        }
    });
    Some(join_all(asked).await)
}

async fn newest_minute(
    rest: &RestClient,
    market: &VenueMarket,
    now: UnixMillis,
) -> Result<UnixMillis> {
    let query = CandleQuery {
        symbol: &market.symbol,
        step: MINUTE,
        from: now - MINUTE.times(MINUTES_REQUESTED),
        to: now + MINUTE,
    };
    let bars = rest.candles(market.venue, &market.host, &query).await?;
    let newest = bars.last().context("no candles of the last minutes")?;
    Ok(newest.open_time + MINUTE)
}

fn check_disk(config: &ValidatorConfig) -> Result<String> {
    let folder = &config.data;
    let probe = folder.join("doctor.probe");
    create_private_folder(folder)
        .and_then(|()| fs::write(&probe, vec![0; 1 << 20]))
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("{} can't be written: check `data`", folder.display()))?;
    let free = rustix::fs::statvfs(folder).context("the disk's free space can't be read")?;
    let free = free.f_bavail.saturating_mul(free.f_frsize) >> 20;
    ensure!(
        free >= MIN_FREE_MB,
        "{} has {free} MB left: make room for at least {MIN_FREE_MB} MB",
        folder.display()
    );
    Ok(format!("{}, {free} MB free", folder.display()))
}

fn check_key(config: &ValidatorConfig, access: &KeyfileAccess) -> Result<Hotkey> {
    Ok(key::load_or_create(config, access)?.hotkey())
}

async fn check_chain_and_registration(
    config: &ValidatorConfig,
    hotkey: Option<Hotkey>,
) -> (Result<String>, Result<String>) {
    let subnet = match &config.chain {
        ChainConfig::Local { miners } => {
            let registered = format!("by itself; {} miners configured", miners.len());
            return (
                Ok("the local ledger in the data directory".into()),
                Ok(registered),
            );
        }
        ChainConfig::Subtensor(subnet) => subnet,
    };
    let unknown = || Err(anyhow::anyhow!("unknown, as long as the above is wrong"));
    // A node of another chain than the data directory's is wrong, too.
    let begun_on = match DataDirManifest::chain_genesis(config, subnet) {
        Ok(begun_on) => begun_on,
        Err(error) => return (Err(error.into()), unknown()),
    };
    let chain = match subnet.connect(begun_on, env!("CARGO_PKG_NAME")) {
        Ok(chain) => chain,
        Err(error) => return (Err(error.into()), unknown()),
    };
    let named = || format!("{subnet} at {}", subnet.network.url());
    match chain.metagraph().await.with_context(named) {
        Ok(metagraph) => {
            let found = format!(
                "{subnet}, block {}, {} neurons",
                metagraph.block,
                metagraph.neurons.len()
            );
            let registration = match hotkey {
                Some(hotkey) => {
                    neuron_check::check_validator(&metagraph, hotkey).map_err(Into::into)
                }
                None => unknown(),
            };
            (Ok(found), registration)
        }
        Err(error) => (Err(error), unknown()),
    }
}

fn check_ports(config: &ValidatorConfig) -> Result<String> {
    let Some(http) = &config.http else {
        return Ok("none needed: a validator only calls out".into());
    };
    let address = http.listen;
    TcpListener::bind(address).with_context(|| {
        format!("{address} can't be listened on: is the validator running, or another process? See http.listen")
    })?;
    Ok(address.to_string())
}

fn check_venues(config: &ValidatorConfig, checks: Option<Vec<MarketCheck>>) -> Result<String> {
    let Some(checks) = checks else {
        return Ok("none: prices come from a file or url".into());
    };
    config.markets()?;
    let mut fine = Vec::new();
    let mut dollars = 0;
    let mut silent = Vec::new();
    for MarketCheck {
        market,
        quote,
        newest,
    } in checks
    {
        match newest {
            Ok(_) => {
                dollars += usize::from(quote == Some(QuoteCurrency::Usd));
                fine.push(quote);
            }
            Err(error) => silent.push(format!("{market} ({error:#})")),
        }
    }
    let settling = fine.iter().filter(|quote| quote.is_some()).count();
    let rules = config.rules().rules().minute;
    let silent_venues = match silent.is_empty() {
        true => String::new(),
        false => format!("; silent: {}", silent.join(", ")),
    };
    ensure!(
        settling >= rules.min_venues && dollars >= rules.min_usd_venues,
        "{settling} answer, {dollars} of them in USD: a price takes {} and {}; check the network, or enable others{silent_venues}",
        rules.min_venues,
        rules.min_usd_venues
    );
    Ok(format!(
        "{settling} answer, {dollars} of them in USD{silent_venues}"
    ))
}
