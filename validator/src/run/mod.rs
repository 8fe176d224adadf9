//! `validator run`: the live service for one series.
//!
//! ```text
//!   machine's clock ──▶ Service::turn(now) ──▶ next instant
//!                         │ void, ask, settle, score, weights      (rounds)
//!                         │ which instants have no price yet       (agenda)
//!                         └ one attempt at a time, in its own task (source: venues' candles, or a file or URL of values)
//!                              └──▶ Service::take ──▶ journal
//!   exchanges' sockets ──▶ View ──▶ live price, cross-check of what settles, status    (listeners)
//! ```
//!
//! The service itself reads no clock: each turn is told the time and answers when it wants the next one, so a test
//! plays a day in a second. What runs it live is [`serve`]: wait, turn, wait, until it is told to stop.

pub(crate) mod agenda;
pub mod api;
pub mod config;
pub mod key;
pub mod listeners;
pub mod local_ledger;
pub mod service;
pub mod source;
pub mod stamp;
pub mod status;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use foretell_chain::chain::{Chain, ChainError};
use foretell_chain::identity::Identity;
use foretell_core::book::Book;
use foretell_core::journal::Charter;
use foretell_core::time::UnixMillis;
use foretell_wire::client::MinerClient;
use foretell_wire::keypair::Keypair;
use foretell_wire::reach::Reach;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::api::Api;
use self::config::{ChainConfig, Config};
use self::listeners::Listeners;
use self::local_ledger::LocalLedger;
use self::service::{Service, Surroundings};
use self::source::Source;
use self::stamp::Stamp;
use self::status::StatusFile;
use crate::clock::system_now;
use crate::rounds::live::LiveMiners;
use crate::rounds::miners::{Miners, NoAnswer};
use crate::rounds::{Prices, Rounds, RoundsError, Surroundings as RoundsSurroundings};
use crate::store::{SledStore, Store};

/// How often the status is written, and served anew.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// A node that does not say which chain it is of is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// How long an urgent instant may be away at most before the service looks again, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Runs the service that this configuration describes until `stop`.
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    match &config.chain {
        ChainConfig::Local { .. } => {
            let now = system_now();
            let key = key::of(&config)?;
            let charter = Stamp::begin_or_resume(&config, key.hotkey(), Identity::Local, now)?;
            let ledger = LocalLedger::open(&config, key.hotkey(), charter.first, now);
            let ledger = ledger.await?;
            let tick = |now| ledger.advance_to(now);
            let here = (charter, ledger.chain(), Reach::Anywhere);
            run_on(&config, key, here, tick, stop).await
        }
        ChainConfig::Subtensor(place) => {
            let begun_on = Stamp::genesis(&config, place)?;
            let chain = place.chain(begun_on, env!("CARGO_PKG_NAME"))?;
            if config.wallet.is_none() {
                bail!(
                    "{place} needs a registered hotkey: add --wallet and --hotkey (docs/registering.md)"
                );
            }
            let key = key::of(&config)?;
            let netuid = place.netuid;
            let begun_on = begun_on.map(|genesis| Identity::Subtensor { genesis, netuid });
            let Some(identity) = identity(chain.as_ref(), begun_on, &stop).await? else {
                return Ok(());
            };
            let hotkey = key.hotkey();
            let charter = Stamp::begin_or_resume(&config, hotkey, identity, system_now())?;
            tracing::info!("weights go to {place}");
            let reach = if identity.is_public() {
                Reach::Public
            } else {
                Reach::Anywhere
            };
            run_on(&config, key, (charter, chain, reach), |_| Ok(()), stop).await
        }
    }
}

/// Which chain this is, by its node, which must be of the one that the data directory was `begun_on`; that one while no node
/// answers. A new directory waits for the first answer: it is to be no other chain's. `None` if it was told to stop.
async fn identity<C: Chain>(
    chain: &C,
    begun_on: Option<Identity>,
    stop: &CancellationToken,
) -> Result<Option<Identity>> {
    let mut said = None;
    loop {
        let error = match chain.identity().await {
            Ok(identity) => return Ok(Some(identity)),
            Err(error @ ChainError::OtherChain { .. }) => return Err(error.into()),
            Err(error) => error,
        };
        if begun_on.is_some() {
            tracing::warn!("{error}; going on as far as that is possible without a chain");
            return Ok(begun_on);
        }
        let words = error.to_string();
        if said.as_ref() != Some(&words) {
            tracing::warn!("{words}; nothing begins before a node has said which chain this is");
            said = Some(words);
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(ASK_AGAIN) => {}
        }
    }
}

/// Runs it on this chain.
async fn run_on<C: Chain>(
    config: &Config,
    key: Keypair,
    (charter, chain, reach): (Charter, Arc<C>, Reach),
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
            miners: LiveMiners::new(client, reach, stop.clone()),
            prices: Prices::Journal,
        },
    )
    .await?;
    let mut service = Service::new(Surroundings {
        rounds,
        source: Arc::new(source),
        chain,
        listeners: Listeners::start(config.listened()?)?,
    });
    let (show, shown) = watch::channel(None);
    let api = Api::start(config.http.as_ref(), shown).await?;
    let status = StatusFile::new(&config.data, show);
    let served = serve(&mut service, &status, tick, |_, _| false, &stop).await;
    api.stop().await;
    served
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
    let served = turns(service, status, tick, over, stop).await;
    let stopped = service
        .stop()
        .await
        .context("a task of the validator broke down");
    served.and(stopped)?;
    tracing::info!("stopped; the same command carries on");
    Ok(())
}

async fn turns<S: Store, C: Chain, M: Miners>(
    service: &mut Service<S, C, M>,
    status: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    over: impl Fn(&Book, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    loop {
        let now = system_now();
        tick(now)?;
        // A turn is never broken off: what a miner was promised is journalled. It ends soon once the miners' answers are no
        // longer waited for; whom it asked is asked again after the restart.
        let next = match service.turn(now).await {
            Err(RoundsError::Miner(NoAnswer::Stopped)) => return Ok(()),
            next => next?,
        };
        status.write(service.status(system_now()))?;
        if over(service.rounds().book(), now) {
            return Ok(());
        }
        let wait = Duration::from_millis((next - system_now()).0.try_into().unwrap_or(0));
        let wake = Instant::now() + wait.min(LONGEST_SLEEP);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                attempt = service.attempted() => {
                    service.take(system_now(), attempt?).await?;
                    break;
                }
                () = tokio::time::sleep_until(wake) => break,
                () = tokio::time::sleep(STATUS_EVERY) => status.write(service.status(system_now()))?,
            }
        }
    }
}
