//! Puts a live service together: journal on disk, miners over HTTP, exchanges' sockets. For `validator run`, and for a
//! local network that runs live.

use std::sync::Arc;

use anyhow::{Context, Result};
use foretell_chain::chain::Chain;
use foretell_cli::clock::system_nanos;
use foretell_core::journal::Genesis;
use foretell_keys::keypair::Keypair;
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::MinerClient;
use tokio_util::sync::CancellationToken;

use super::clock_guard::ClockGuard;
use super::config::ValidatorConfig;
use super::service::{ServiceDependencies, ValidatorService};
use super::settlement_source::SettlementSource;
use super::venue_monitor::VenueMonitor;
use crate::rounds::live_miners::LiveMiners;
use crate::rounds::{RoundPrices, RoundRunner, RoundsDependencies};
use crate::store::SledStore;

/// What a live service is started with.
#[derive(Debug)]
pub struct LiveServiceSettings<'a, C> {
    /// The configuration, whose exchanges are listened to.
    pub config: &'a ValidatorConfig,
    /// The validator's hotkey, which signs requests, receipts and weights.
    pub key: Keypair,
    /// What the journal is about; its prices are those that it records itself.
    pub genesis: Genesis,
    /// Where the journal is kept.
    pub store: Arc<SledStore>,
    /// Where prices are learnt.
    pub source: SettlementSource,
    /// The chain that lists the miners and takes the weights.
    pub chain: Arc<C>,
    /// Which addresses of miners may be asked.
    pub address_policy: AddressPolicy,
    /// What the machine's clock is compared with.
    pub clock_guard: ClockGuard<C>,
}

/// A service that goes on where its journal ends, connects to the exchanges, and waits for no miner once it is to `stop`.
pub async fn resume_service<C: Chain + 'static>(
    settings: LiveServiceSettings<'_, C>,
    stop: &CancellationToken,
) -> Result<ValidatorService<SledStore, C, LiveMiners>> {
    let LiveServiceSettings {
        config,
        key,
        genesis,
        store,
        source,
        chain,
        address_policy,
        clock_guard,
    } = settings;
    let client =
        MinerClient::new(key.clone(), system_nanos).context("can't set up the HTTP client")?;
    let dependencies = RoundsDependencies {
        key,
        store,
        chain: Arc::clone(&chain),
        miners: LiveMiners::new(client, address_policy, stop.clone()),
        prices: RoundPrices::Journal,
    };
    Ok(ValidatorService::new(ServiceDependencies {
        runner: RoundRunner::resume(genesis, dependencies).await?,
        source: Arc::new(source),
        chain,
        venue_monitor: VenueMonitor::start(config.monitored_venues()?)?,
    })
    .with_clock_guard(clock_guard))
}
