//! A local network that lives by the machine's clock, on prices that exchanges settle now.
//!
//! The validator is the very service of [`validator run`](crate::run); beside it are the ledger, and real miners that read
//! an exchange by themselves. It goes on until it is told to stop, or until its last round is over.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use foretell_chain::identity::Identity;
use foretell_chain::local::LocalChain;
use foretell_chain::metagraph::Block;
use foretell_core::book::Book;
use foretell_core::settle::{MINUTE, Quote};
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::MinerClient;
use foretell_wire::keypair::Keypair;
use foretell_wire::reach::Reach;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::children::{Children, MinerPrices, Setting};
use super::plan::{DEFAULT_MINERS, Plan};
use super::population::{Participant, participants};
use super::prices::PriceNote;
use super::report::{Report, Timing};
use super::{Progress, Wishes, genesis, result_of};
use crate::clock::system_now;
use crate::rounds::live::LiveMiners;
use crate::rounds::{Prices, Rounds, Surroundings as RoundsSurroundings};
use crate::run::api::Api;
use crate::run::config::{Config, PricesConfig};
use crate::run::listeners::Listeners;
use crate::run::serve;
use crate::run::service::{Service, Surroundings};
use crate::run::source::Source;
use crate::run::stamp::Stamp;
use crate::run::status::StatusFile;
use crate::store::SledStore;

/// Exchanges that miners learn from, best first: those that serve months of 5-minute candles.
const LONG_MEMORY: [&str; 3] = ["bitstamp", "coinbase_exchange", "bitfinex"];

/// What to run.
#[derive(Debug)]
pub struct LiveOptions {
    /// Series, horizon, interval, miners, seed; days until the last round, if they are given.
    pub wishes: Wishes,
    /// Configuration file whose `[prices]` say which exchanges are asked; the usual ones if left out.
    pub config: Option<PathBuf>,
    /// Directory of the network; a temporary one if left out.
    pub data: Option<PathBuf>,
}

/// Runs a live network until `stop`, or until its last round is over, and gives its result.
pub async fn run(
    options: &LiveOptions,
    stop: CancellationToken,
    progress: &Progress,
) -> Result<Report> {
    let started = Instant::now();
    let temporary = tempfile::tempdir().context("can't create a temporary directory")?;
    let folder = options.data.as_deref().unwrap_or(temporary.path());
    let config = config(options, folder)?;
    let source = Source::of(&config)?;
    progress.say(&format!("live prices of {}", source.words()));
    probe(&source, &config, system_now()).await?;

    let wishes = &options.wishes;
    let seed = wishes.seed.unwrap_or(0);
    let miners = wishes.miners.unwrap_or(DEFAULT_MINERS);
    let participants = participants(miners, &wishes.guests, wishes.adversaries);
    let key = Keypair::derived(seed, "validator");
    let charter = Stamp::begin_or_resume(&config, key.hotkey(), Identity::Local, system_now())?;
    let store = Arc::new(SledStore::open(&folder.join("journal"))?);
    let ledger = genesis(seed, &participants)?;
    let chain = LocalChain::open_or_create(folder.join("ledger.json"), || ledger)?;
    let chain = Arc::new(chain);
    let setting = Setting {
        folder,
        series: &config.series,
        prices: miner_prices(&config)?,
        clock: "system",
        validator: key.hotkey(),
        seed,
    };
    let children = Children::start(&participants, &setting).await?;
    serve_axons(&chain, &children, &participants, seed).await?;
    let last = wishes
        .days
        .map(|days| charter.first + Millis::days(i64::from(days)));
    let plan = Plan::live(&charter, wishes, last.unwrap_or(charter.end));
    let client = MinerClient::new(key.clone()).context("can't set up the HTTP client")?;
    let rounds = RoundsSurroundings {
        key,
        store: Arc::clone(&store),
        chain: Arc::clone(&chain),
        miners: LiveMiners::new(client, Reach::Anywhere, stop.clone()),
        prices: Prices::Journal,
    };
    let mut service = Service::new(Surroundings {
        rounds: Rounds::resume(charter, rounds).await?,
        source: Arc::new(source),
        chain: Arc::clone(&chain),
        listeners: Listeners::start(config.listened()?)?,
    });
    let loaded = started.elapsed();
    let names: Vec<&str> = participants.iter().map(|p| p.name.as_str()).collect();
    let next = service
        .rounds()
        .book()
        .next_origin()
        .map(crate::moment::text);
    progress.say(&format!(
        "{} miners: {}; first round at {}; ctrl-c ends it with the leaderboard",
        names.len(),
        names.join(", "),
        next.unwrap_or_default()
    ));
    let tick = |now| Ok(chain.advance_to(Block::at(plan.first, now))?);
    let over = |book: &Book, now| is_over(book, last, now);
    let (show, shown) = watch::channel(None);
    let api = Api::start(config.http.as_ref(), shown).await?;
    let status = StatusFile::new(folder, show);
    let served = serve(&mut service, &status, tick, over, &stop).await;
    api.stop().await;
    let played = started.elapsed();
    children.stop().await.context("can't end the miners")?;
    served?;

    let book = service.rounds().book();
    let plan = plan.ended(PriceNote::live(book, &service.source_words()), system_now());
    let head = service.rounds().head();
    let mut report = result_of(&plan, book, head, &store, &chain, &participants).await?;
    report.timing = Some(Timing {
        load_s: loaded.as_secs_f64(),
        score_s: (played - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    });
    Ok(report)
}

/// The validator's configuration: the wishes, and the prices of the file that was given.
fn config(options: &LiveOptions, folder: &Path) -> Result<Config> {
    let mut config = match &options.config {
        Some(file) => Config::read(file)?,
        None => Config::in_folder(folder),
    };
    folder.clone_into(&mut config.data);
    let wishes = &options.wishes;
    if let Some(series) = &wishes.series {
        config.series.id = series.clone();
    }
    if let Some(horizon) = wishes.horizon {
        config.series.grid.horizon = horizon;
    }
    if let Some(every) = wishes.round_every {
        config.rounds.every_minutes = u32::try_from(every.0 / MINUTE.0).unwrap_or(u32::MAX);
    }
    config.wallet = None;
    config.check()?;
    Ok(config)
}

/// Fails if no exchange can be reached at all: a network without prices is of no use to anybody.
async fn probe(source: &Source, config: &Config, now: UnixMillis) -> Result<()> {
    let last_minute = UnixMillis(now.0 - now.0.rem_euclid(MINUTE.0)) - MINUTE;
    let rules = config.rules().rules().minute;
    let answer = source.ask(&[last_minute], now).await;
    if let Err(offline) = answer.learnt(&[last_minute], |_| false, &rules) {
        bail!(
            "{offline}; without --speed live, a network runs on a price file or on simulated prices"
        );
    }
    Ok(())
}

/// The exchange that miners read.
fn miner_prices(config: &Config) -> Result<MinerPrices> {
    if !matches!(config.prices, PricesConfig::Venues(_)) {
        bail!(
            "--speed live needs `[prices] kind = \"venues\"`: replay other series from their file"
        );
    }
    let markets = config.markets()?.venues;
    let in_usd = || {
        markets
            .iter()
            .filter(|(_, quote)| *quote == Quote::Usd)
            .map(|(m, _)| m)
    };
    let by_memory = |name: &&str| in_usd().find(|market| market.venue.name() == *name);
    let market = LONG_MEMORY
        .iter()
        .find_map(by_memory)
        .or_else(|| in_usd().next());
    let market = market.context("no venue quotes in USD: enable one for the miners")?;
    Ok(MinerPrices {
        venue: market.venue.name(),
        host: market.host.clone(),
        symbol: market.symbol.clone(),
    })
}

async fn serve_axons(
    chain: &LocalChain,
    children: &Children,
    participants: &[Participant],
    seed: u64,
) -> Result<()> {
    for participant in participants {
        if let Some(axon) = children.axons().get(&participant.name) {
            chain.serve(participant.hotkey(seed), *axon)?;
        }
    }
    Ok(())
}

/// Whether the last round that was wished for is over.
fn is_over(book: &Book, last: Option<UnixMillis>, now: UnixMillis) -> bool {
    let Some(last) = last else { return false };
    let before = |origin: &UnixMillis| *origin < last;
    now >= last && !book.open_rounds().keys().any(before)
}
