//! `validator run`: the live service for one series.
//!
//! ```text
//!   machine's clock ──▶ ValidatorService::run_once(now) ──▶ when it must run again               (run_loop)
//!                         │ void, ask, settle, score, weights                                    (rounds)
//!                         │ which instants have no price yet                                     (settlement_schedule)
//!                         └ one attempt at a time, in its own task: candles, or a table of values (settlement_source)
//!                              └──▶ ValidatorService::apply_attempt ──▶ journal
//!   exchanges' sockets ──▶ MarketView ──▶ live price, cross-check of settled prices, status      (venue_monitor)
//! ```
//!
//! The service itself reads no clock: each turn is given the time and returns when the next one is due, so a test
//! runs a day in a second. Live, [`serve`] waits and gives it turns until it is to stop.

mod chain_identity;
mod chain_trouble;
pub mod clock_guard;
pub mod clock_sources;
pub mod clock_trust;
pub mod config;
pub mod cross_check;
pub mod data_dir_manifest;
mod gap_log;
pub mod key;
pub mod live_service;
pub mod local_ledger;
mod round_totals;
mod run_loop;
pub mod service;
pub mod settlement_schedule;
pub mod settlement_source;
pub mod source_response;
pub mod status;
pub mod status_file;
pub mod status_server;
mod status_text;
pub mod value_source;
pub mod venue_monitor;
mod waiting;

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use foretell_chain::chain::Chain;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::clock::system_now;
use foretell_core::time::UnixMillis;
use foretell_keys::keyfile::KeyfileAccess;
use foretell_wire::address_policy::AddressPolicy;
use tokio_util::sync::CancellationToken;

pub use self::run_loop::{serve, serve_with_status};

use self::chain_identity::wait_for_identity;
use self::clock_guard::ClockGuard;
use self::clock_sources::ClockSources;
use self::config::{ChainConfig, ValidatorConfig};
use self::data_dir_manifest::DataDirManifest;
use self::live_service::{LiveServiceSettings, resume_service};
use self::local_ledger::LocalLedger;
use self::settlement_source::SettlementSource;
use crate::store::SledStore;

/// Runs the service that this configuration describes until `stop`.
///
/// `access` says how the hotkey's keyfile may be read; `package` is the cargo package of the program, for the error that says how to build it with a real chain.
pub async fn run(
    config: ValidatorConfig,
    access: &KeyfileAccess,
    package: &'static str,
    stop: CancellationToken,
) -> Result<()> {
    match &config.chain {
        ChainConfig::Local { .. } => {
            let mut clock_guard = ClockGuard::new(ClockSources::from_config(&config, None)?);
            let Some(now) = time_to_begin(&config, &mut clock_guard, &stop).await? else {
                return Ok(());
            };
            let key = key::load_or_create(&config, access)?;
            let genesis = DataDirManifest::begin_or_resume(
                &config,
                key.hotkey(),
                SubnetIdentity::Local,
                now,
            )?;
            let ledger = LocalLedger::open(&config, key.hotkey(), genesis.first_origin);
            let ledger = ledger.await?;
            let settings = LiveServiceSettings {
                store: open_store(&config)?,
                source: SettlementSource::from_config(&config)?,
                config: &config,
                key,
                genesis,
                chain: ledger.chain(),
                address_policy: AddressPolicy::Any,
                clock_guard,
            };
            run_until_stopped(settings, |now| ledger.advance_to(now), &stop).await
        }
        ChainConfig::Subtensor(subnet) => {
            let begun_on = DataDirManifest::chain_genesis(&config, subnet)?;
            let chain = subnet.connect(begun_on, package)?;
            if config.wallet.is_none() {
                bail!(
                    "{subnet} needs a registered hotkey: add --wallet and --hotkey (docs/registering.md)"
                );
            }
            let key = key::load_or_create(&config, access)?;
            let netuid = subnet.netuid;
            let begun_on = begun_on.map(|genesis| SubnetIdentity::Subtensor { genesis, netuid });
            let Some(identity) = wait_for_identity(chain.as_ref(), begun_on, &stop).await? else {
                return Ok(());
            };
            let hotkey = key.hotkey();
            let sources = ClockSources::from_config(&config, Some(Arc::clone(&chain)))?;
            let mut clock_guard = ClockGuard::new(sources);
            let Some(now) = time_to_begin(&config, &mut clock_guard, &stop).await? else {
                return Ok(());
            };
            let genesis = DataDirManifest::begin_or_resume(&config, hotkey, identity, now)?;
            tracing::info!("weights go to {subnet}");
            let settings = LiveServiceSettings {
                store: open_store(&config)?,
                source: SettlementSource::from_config(&config)?,
                config: &config,
                key,
                genesis,
                chain,
                address_policy: if identity.is_public() {
                    AddressPolicy::PublicOnly
                } else {
                    AddressPolicy::Any
                },
                clock_guard,
            };
            run_until_stopped(settings, |_| Ok(()), &stop).await
        }
    }
}

/// The time by which a directory is begun: one that can be believed. `None` if it is to `stop`. One that was begun already
/// goes on by its journal, before whose turns the clock is looked at again.
async fn time_to_begin<C: Chain + 'static>(
    config: &ValidatorConfig,
    clock_guard: &mut ClockGuard<C>,
    stop: &CancellationToken,
) -> Result<Option<UnixMillis>> {
    if DataDirManifest::is_begun(config)? {
        return Ok(Some(system_now()));
    }
    let time = clock_guard.wait_for_time(stop).await;
    time.context("a task of the validator broke down")
}

fn open_store(config: &ValidatorConfig) -> Result<Arc<SledStore>> {
    Ok(Arc::new(SledStore::open(&config.data.join("journal"))?))
}

async fn run_until_stopped<C: Chain + 'static>(
    settings: LiveServiceSettings<'_, C>,
    tick: impl Fn(UnixMillis) -> Result<()>,
    stop: &CancellationToken,
) -> Result<()> {
    let config = settings.config;
    tracing::info!(
        series = %settings.genesis.series.id,
        validator = %settings.key.hotkey(),
        data = %config.data.display(),
        prices = %settings.source,
        "started"
    );
    let mut service = resume_service(settings, stop).await?;
    serve_with_status(config, &mut service, tick, |_, _| false, stop).await
}
