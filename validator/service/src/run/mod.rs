//! `validator run`: the live service for one series.
//!
//! ```text
//!   machine's clock ──▶ ValidatorService::run_once(now) ──▶ next instant
//!                         │ void, ask, settle, score, weights      (rounds)
//!                         │ which instants have no price yet       (schedule)
//!                         └ one attempt at a time, in its own task (source: venues' candles, or a file or URL of values)
//!                              └──▶ ValidatorService::apply_attempt ──▶ journal
//!   exchanges' sockets ──▶ MarketView ──▶ live price, cross-check of what settles, status    (venue_monitor)
//! ```
//!
//! The service itself reads no clock: each turn is told the time and answers when it wants the next one, so a test
//! plays a day in a second. What runs it live is [`serve`]: wait, turn, wait, until it is told to stop.

pub mod config;
pub mod data_dir_manifest;
pub mod key;
pub mod local_ledger;
pub mod service;
pub mod settlement_schedule;
pub mod settlement_source;
pub mod status;
pub mod status_server;
pub mod venue_monitor;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use foretell_chain::chain::{Chain, ChainError};
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_core::journal::Genesis;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::Keypair;
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::MinerClient;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::config::{ChainConfig, ValidatorConfig};
use self::data_dir_manifest::DataDirManifest;
use self::local_ledger::LocalLedger;
use self::service::{ServiceDependencies, ValidatorService};
use self::settlement_source::SettlementSource;
use self::status::StatusFile;
use self::status_server::StatusServer;
use self::venue_monitor::VenueMonitor;
use crate::rounds::live_miners::LiveMiners;
use crate::rounds::miners::{AnswerError, Miners};
use crate::rounds::{RoundPrices, RoundRunner, RoundRunnerError, RoundsDependencies};
use crate::store::{JournalStore, SledStore};
use foretell_cli::clock::{system_nanos, system_now};

/// How often the status is written, and served anew.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// A node that does not say which chain it is of is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// How long an urgent instant may be away at most before the service looks again, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Runs the service that this configuration describes until `stop`.
///
/// `package` is the caller's, which may have to be built again for a real chain.
pub async fn run(
    config: ValidatorConfig,
    package: &'static str,
    stop: CancellationToken,
) -> Result<()> {
    match &config.chain {
        ChainConfig::Local { .. } => {
            let now = system_now();
            let key = key::load_or_create(&config)?;
            let genesis = DataDirManifest::begin_or_resume(
                &config,
                key.hotkey(),
                SubnetIdentity::Local,
                now,
            )?;
            let ledger = LocalLedger::open(&config, key.hotkey(), genesis.first_origin, now);
            let ledger = ledger.await?;
            let tick = |now| ledger.advance_to(now);
            let here = (genesis, ledger.chain(), AddressPolicy::Any);
            run_on(&config, key, here, tick, stop).await
        }
        ChainConfig::Subtensor(subnet) => {
            let begun_on = DataDirManifest::chain_genesis(&config, subnet)?;
            let chain = subnet.connect(begun_on, package)?;
            if config.wallet.is_none() {
                bail!(
                    "{subnet} needs a registered hotkey: add --wallet and --hotkey (docs/registering.md)"
                );
            }
            let key = key::load_or_create(&config)?;
            let netuid = subnet.netuid;
            let begun_on = begun_on.map(|genesis| SubnetIdentity::Subtensor { genesis, netuid });
            let Some(identity) = identity(chain.as_ref(), begun_on, &stop).await? else {
                return Ok(());
            };
            let hotkey = key.hotkey();
            let genesis =
                DataDirManifest::begin_or_resume(&config, hotkey, identity, system_now())?;
            tracing::info!("weights go to {subnet}");
            let address_policy = if identity.is_public() {
                AddressPolicy::PublicOnly
            } else {
                AddressPolicy::Any
            };
            run_on(
                &config,
                key,
                (genesis, chain, address_policy),
                |_| Ok(()),
                stop,
            )
            .await
        }
    }
}

/// Which chain this is, by its node, which must be of the one that the data directory was `begun_on`; that one while no node
/// answers. A new directory waits for the first answer: it is to be no other chain's. `None` if it was told to stop.
async fn identity<C: Chain>(
    chain: &C,
    begun_on: Option<SubnetIdentity>,
    stop: &CancellationToken,
) -> Result<Option<SubnetIdentity>> {
    let mut last_error = None;
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
        let text = error.to_string();
        if last_error.as_ref() != Some(&text) {
            tracing::warn!("{text}; nothing begins before a node has said which chain this is");
            last_error = Some(text);
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(ASK_AGAIN) => {}
        }
    }
}

/// Runs it on this chain.
async fn run_on<C: Chain>(
    config: &ValidatorConfig,
    key: Keypair,
    (genesis, chain, address_policy): (Genesis, Arc<C>, AddressPolicy),
    tick: impl Fn(UnixMillis) -> Result<()>,
    stop: CancellationToken,
) -> Result<()> {
    let store = Arc::new(SledStore::open(&config.data.join("journal"))?);
    let source = SettlementSource::of(config)?;
    let client =
        MinerClient::new(key.clone(), system_nanos).context("can't set up the HTTP client")?;
    tracing::info!(
        series = %genesis.series.id,
        validator = %key.hotkey(),
        data = %config.data.display(),
        prices = %source.words(),
        "started"
    );
    let runner = RoundRunner::resume(
        genesis,
        RoundsDependencies {
            key,
            store,
            chain: Arc::clone(&chain),
            miners: LiveMiners::new(client, address_policy, stop.clone()),
            prices: RoundPrices::Journal,
        },
    )
    .await?;
    let mut service = ValidatorService::new(ServiceDependencies {
        runner,
        source: Arc::new(source),
        chain,
        venue_monitor: VenueMonitor::start(config.monitored_venues()?)?,
    });
    let (status_sender, status_receiver) = watch::channel(None);
    let status_server = StatusServer::start(config.http.as_ref(), status_receiver).await?;
    let status = StatusFile::new(&config.data, status_sender);
    let served = serve(&mut service, &status, tick, |_, _| false, &stop).await;
    status_server.stop().await;
    served
}

/// Gives the service its turns by the machine's clock until `stop`, or until it is `over`; before each turn, `tick` lets
/// the chain's time pass.
pub async fn serve<S: JournalStore, C: Chain, M: Miners>(
    service: &mut ValidatorService<S, C, M>,
    status: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    over: impl Fn(&SeriesState, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    let served = run_loop(service, status, tick, over, stop).await;
    let stopped = service
        .stop()
        .await
        .context("a task of the validator broke down");
    served.and(stopped)?;
    tracing::info!("stopped; the same command carries on");
    Ok(())
}

async fn run_loop<S: JournalStore, C: Chain, M: Miners>(
    service: &mut ValidatorService<S, C, M>,
    status: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    over: impl Fn(&SeriesState, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    loop {
        let now = system_now();
        tick(now)?;
        // A turn is never broken off: what a miner was promised is journalled. It ends soon once the miners' answers are no
        // longer waited for; whom it asked is asked again after the restart.
        let next = match service.run_once(now).await {
            Err(RoundRunnerError::Miner(AnswerError::Stopped)) => return Ok(()),
            next => next?,
        };
        status.write(service.status(system_now()))?;
        if over(service.runner().state(), now) {
            return Ok(());
        }
        let wait = Duration::from_millis((next - system_now()).0.try_into().unwrap_or(0));
        let wake = Instant::now() + wait.min(LONGEST_SLEEP);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                attempt = service.attempt_finished() => {
                    service.apply_attempt(system_now(), attempt?).await?;
                    break;
                }
                () = tokio::time::sleep_until(wake) => break,
                () = tokio::time::sleep(STATUS_EVERY) => status.write(service.status(system_now()))?,
            }
        }
    }
}
