//! `validator run`: the live service for one series.
//!
//! ```text
//!   machine's clock ──▶ Service::turn(now) ──▶ next instant
//!                         │ void, ask, settle, score, weights      (rounds)
//!                         │ which instants have no price yet       (agenda)
//!                         └ one attempt at a time, in its own task (source: venues' candles, or a file or URL of values)
//!                              └──▶ Service::take ──▶ journal
//! ```
//!
//! The service itself reads no clock: each turn is told the time and answers when it wants the next one, so a test
//! plays a day in a second. What runs it live is [`serve`]: wait, turn, wait, until it is told to stop.

mod agenda;
pub mod chain;
pub mod config;
pub mod key;
pub mod service;
pub mod source;
pub mod stamp;
pub mod status;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use foretell_chain::chain::Chain;
use foretell_core::book::Book;
use foretell_core::journal::Charter;
use foretell_core::time::UnixMillis;
use foretell_wire::client::MinerClient;
use foretell_wire::keypair::Keypair;
use tokio_util::sync::CancellationToken;

use self::config::{ChainConfig, Config};
use self::service::{Service, Surroundings};
use self::source::Source;
use self::stamp::Stamp;
use self::status::StatusFile;
use crate::clock::system_now;
use crate::rounds::live::LiveMiners;
use crate::rounds::miners::Miners;
use crate::rounds::{Prices, Rounds, Surroundings as RoundsSurroundings};
use crate::store::{SledStore, Store};

/// How long an urgent instant may be away at most before the service looks again, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Runs the service that this configuration describes until `stop`.
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    match &config.chain {
        ChainConfig::Local { .. } => {
            let now = system_now();
            let key = key::of(&config)?;
            let charter = Stamp::begin_or_resume(&config, key.hotkey(), now)?;
            let ledger = chain::LocalLedger::open(&config, key.hotkey(), charter.first, now);
            let ledger = ledger.await?;
            let tick = |now| ledger.advance_to(now);
            run_on(&config, key, charter, ledger.chain(), tick, stop).await
        }
        ChainConfig::Subtensor(place) => {
            let chain = chain::subtensor(place)?;
            if config.wallet.is_none() {
                bail!(
                    "{place} needs a registered hotkey: add --wallet and --hotkey (docs/registering.md)"
                );
            }
            let key = key::of(&config)?;
            let charter = Stamp::begin_or_resume(&config, key.hotkey(), system_now())?;
            tracing::info!("weights go to {place}");
            run_on(&config, key, charter, chain, |_| Ok(()), stop).await
        }
    }
}

/// Runs it on this chain.
async fn run_on<C: Chain>(
    config: &Config,
    key: Keypair,
    charter: Charter,
    chain: Arc<C>,
    tick: impl Fn(UnixMillis) -> Result<()>,
    stop: CancellationToken,
) -> Result<()> {
    let store = Arc::new(SledStore::open(&config.data.join("journal"))?);
    let source = Source::of(config)?;
    let client = MinerClient::new(key.clone()).context("can't set up the HTTP client")?;
    tracing::info!(
        series = %charter.series.id,
        validator = %key.hotkey(),
        data = %config.data.display(),
        prices = %source.words(),
        "started"
    );
    let rounds = Rounds::resume(
        charter,
        RoundsSurroundings {
            key,
            store,
            chain: Arc::clone(&chain),
            miners: LiveMiners::new(client),
            prices: Prices::Journal,
        },
    )
    .await?;
    let mut service = Service::new(Surroundings {
        rounds,
        source: Arc::new(source),
        chain,
    });
    let status = StatusFile::new(&config.data);
    serve(&mut service, &status, tick, |_, _| false, &stop).await
}

/// Gives the service its turns by the machine's clock until `stop`, or until it is `over`; before each turn, `tick` lets
/// the chain's time pass.
pub(crate) async fn serve<S: Store, C: Chain, M: Miners>(
    service: &mut Service<S, C, M>,
    status: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    over: impl Fn(&Book, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    loop {
        let now = system_now();
        tick(now)?;
        // A turn is never broken off: what a miner was promised is journalled.
        let next = service.turn(now).await?;
        status.write(&service.status(system_now()))?;
        if over(service.rounds().book(), now) {
            break;
        }
        let wait = Duration::from_millis((next - system_now()).0.try_into().unwrap_or(0));
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            attempt = service.attempted() => service.take(system_now(), attempt?).await?,
            () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => {}
        }
    }
    service.stop().await;
    tracing::info!("stopped; the same command carries on");
    Ok(())
}
