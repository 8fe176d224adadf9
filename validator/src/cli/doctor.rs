//! `validator doctor`.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use foretell_chain::chain::Chain;
use foretell_chain::checkup;
use foretell_core::hotkey::Hotkey;
use foretell_core::settle::{MINUTE, Quote};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::collector::Market;
use foretell_feed::rest::RestClient;
use foretell_feed::venue::CandleQuery;
use foretell_wire::output;
use futures_util::future::join_all;

use super::configured::Configured;
use crate::clock::system_now;
use crate::moment;
use crate::run::config::{ChainConfig, Config, PricesConfig};
use crate::run::key;
use crate::run::stamp::Stamp;

/// Deadline of one request to a venue.
const DEADLINE: Duration = Duration::from_secs(10);
/// Minutes that are asked for.
const MINUTES: i64 = 10;
/// A clock this far off misses the windows of a round.
const TOLERANCE: Millis = Millis::minutes(3);
/// A day of a full subnet's journal.
const ROOM_MB: u64 = 1_024;

/// Check what a validator needs, one line each, with the cure.
///
/// Example: validator doctor --config validator.toml --network test --netuid 8 --wallet my-wallet
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    configured: Configured,
}

/// One venue's newest finished minute, or why there is none.
struct Seen {
    market: String,
    quote: Option<Quote>,
    newest: Result<UnixMillis>,
}

/// Checks and prints; an error if something is wrong.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut wrong = 0;
    let mut say = |what: &str, found: Result<String>| -> Result<()> {
        let line = match found {
            Ok(fine) => format!("ok     {what:<13} {fine}"),
            Err(error) => {
                wrong += 1;
                format!("wrong  {what:<13} {error:#}")
            }
        };
        Ok(output::print(line)?)
    };
    let path = &arguments.configured.file;
    match arguments.configured.read() {
        Ok(config) => {
            say("config", Ok(path.display().to_string()))?;
            let now = system_now();
            let seen = seen(&config, now).await;
            say("clock", clock(seen.as_deref(), now))?;
            say("disk", disk(&config))?;
            let key = key(&config);
            let hotkey = key.as_ref().ok().copied();
            say("key", key.map(|key| key.to_string()))?;
            let (chain, registration) = chain_and_registration(&config, hotkey).await;
            say("chain", chain)?;
            say("registration", registration)?;
            say("venues", venues(&config, seen))?;
            say("ports", ports(&config))?;
        }
        Err(error) => say("config", Err(error))?,
    }
    if wrong > 0 {
        bail!("{wrong} of these are wrong");
    }
    Ok(())
}

/// The newest minute of every configured market; `None` where prices don't come from venues.
async fn seen(config: &Config, now: UnixMillis) -> Option<Vec<Seen>> {
    let PricesConfig::Venues(_) = config.prices else {
        return None;
    };
    let (Ok(markets), Ok(rest)) = (config.markets(), RestClient::new(DEADLINE)) else {
        return Some(Vec::new());
    };
    let settling = markets.venues.into_iter();
    let settling = settling.map(|(market, quote)| (market, Some(quote)));
    let tether = markets.usdt_usd.into_iter().map(|market| (market, None));
    let rest = &rest;
    let asked = settling.chain(tether).map(|(market, quote)| async move {
        Seen {
            market: format!("{} {}", market.venue.name(), market.symbol),
            quote,
            newest: newest(rest, &market, now).await,
        }
    });
    Some(join_all(asked).await)
}

async fn newest(rest: &RestClient, market: &Market, now: UnixMillis) -> Result<UnixMillis> {
    let query = CandleQuery {
        symbol: &market.symbol,
        step: MINUTE,
        from: now - MINUTE.times(MINUTES),
        to: now + MINUTE,
    };
    let bars = rest.candles(market.venue, &market.host, &query).await?;
    let newest = bars.last().context("no candles of the last minutes")?;
    Ok(newest.open_time + MINUTE)
}

/// A clock is right if venues' newest candles are as old as they should be.
fn clock(seen: Option<&[Seen]>, now: UnixMillis) -> Result<String> {
    let Some(seen) = seen else {
        return Ok(format!("{}, compared with nobody", moment::text(now)));
    };
    let newest = seen.iter().filter_map(|seen| seen.newest.as_ref().ok());
    let newest = newest.max().copied();
    let newest =
        newest.context("no venue can be reached to compare it with: is the network up?")?;
    let behind = now - newest;
    ensure!(
        behind <= TOLERANCE && behind >= Millis(-TOLERANCE.0),
        "venues' newest minute ended at {}, it is {} here: set this machine's clock (NTP)",
        moment::text(newest),
        moment::text(now)
    );
    Ok(moment::text(now))
}

fn disk(config: &Config) -> Result<String> {
    let folder = &config.data;
    let probe = folder.join("doctor.probe");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, vec![0; 1 << 20]))
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("{} can't be written: check `data`", folder.display()))?;
    let free = rustix::fs::statvfs(folder).context("the disk's free space can't be read")?;
    let free = free.f_bavail.saturating_mul(free.f_frsize) >> 20;
    ensure!(
        free >= ROOM_MB,
        "{} has {free} MB left: make room for at least {ROOM_MB} MB",
        folder.display()
    );
    Ok(format!("{}, {free} MB free", folder.display()))
}

fn key(config: &Config) -> Result<Hotkey> {
    Ok(key::of(config)?.hotkey())
}

async fn chain_and_registration(
    config: &Config,
    hotkey: Option<Hotkey>,
) -> (Result<String>, Result<String>) {
    let place = match &config.chain {
        ChainConfig::Local { miners } => {
            let registered = format!("by itself; {} miners configured", miners.len());
            return (
                Ok("the local ledger in the data directory".into()),
                Ok(registered),
            );
        }
        ChainConfig::Subtensor(place) => place,
    };
    let unknown = || Err(anyhow::anyhow!("unknown, as long as the above is wrong"));
    // A node of another chain than the data directory's is wrong, too.
    let begun_on = match Stamp::genesis(config, place) {
        Ok(begun_on) => begun_on,
        Err(error) => return (Err(error.into()), unknown()),
    };
    let chain = match place.chain(begun_on, env!("CARGO_PKG_NAME")) {
        Ok(chain) => chain,
        Err(error) => return (Err(error.into()), unknown()),
    };
    let named = || format!("{place} at {}", place.network.url());
    match chain.metagraph().await.with_context(named) {
        Ok(metagraph) => {
            let words = format!(
                "{place}, block {}, {} neurons",
                metagraph.block,
                metagraph.neurons.len()
            );
            let registration = match hotkey {
                Some(hotkey) => checkup::validator(&metagraph, hotkey).map_err(Into::into),
                None => unknown(),
            };
            (Ok(words), registration)
        }
        Err(error) => (Err(error), unknown()),
    }
}

fn ports(config: &Config) -> Result<String> {
    let Some(http) = &config.http else {
        return Ok("none needed: a validator only calls out".into());
    };
    let address = http.listen;
    TcpListener::bind(address).with_context(|| {
        format!("{address} can't be listened on: is the validator running, or another process? See http.listen")
    })?;
    Ok(address.to_string())
}

fn venues(config: &Config, seen: Option<Vec<Seen>>) -> Result<String> {
    let Some(seen) = seen else {
        return Ok("none: prices come from a file or url".into());
    };
    config.markets()?;
    let mut fine = Vec::new();
    let mut dollars = 0;
    let mut silent = Vec::new();
    for Seen {
        market,
        quote,
        newest,
    } in seen
    {
        match newest {
            Ok(_) => {
                dollars += usize::from(quote == Some(Quote::Usd));
                fine.push(quote);
            }
            Err(error) => silent.push(format!("{market} ({error:#})")),
        }
    }
    let settling = fine.iter().filter(|quote| quote.is_some()).count();
    let rules = config.rules().rules().minute;
    let complaint = match silent.is_empty() {
        true => String::new(),
        false => format!("; silent: {}", silent.join(", ")),
    };
    ensure!(
        settling >= rules.min_venues && dollars >= rules.min_usd_venues,
        "{settling} answer, {dollars} of them in USD: a price takes {} and {}; check the network, or enable others{complaint}",
        rules.min_venues,
        rules.min_usd_venues
    );
    Ok(format!(
        "{settling} answer, {dollars} of them in USD{complaint}"
    ))
}
