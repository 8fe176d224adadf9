//! Whose clocks this machine's is compared with: the exchanges or the address that prices come from, and the chain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use foretell_chain::chain::Chain;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::clock_comparison::{ClockDifference, ClockReading};
use foretell_feed::clock_probe::ClockProbe;
use futures_util::future::join_all;

use super::config::{PriceSourceConfig, ValidatorConfig};

/// Deadline of one question.
const DEADLINE: Duration = Duration::from_secs(5);
/// How old the newest block of a chain is at most, if all is well.
const NEWEST_BLOCK_AGE: Millis = Millis::seconds(60);

/// Others that know the time. What a miner says of it counts for nothing: anybody can register one.
#[derive(Debug)]
pub struct ClockSources<C> {
    probe: Option<ClockProbe>,
    /// Name for people by address.
    servers: BTreeMap<String, String>,
    chain: Option<Arc<C>>,
}

impl<C> Clone for ClockSources<C> {
    fn clone(&self) -> Self {
        Self {
            probe: self.probe.clone(),
            servers: self.servers.clone(),
            chain: self.chain.clone(),
        }
    }
}

impl<C: Chain> ClockSources<C> {
    /// Nobody.
    pub const fn none() -> Self {
        Self {
            probe: None,
            servers: BTreeMap::new(),
            chain: None,
        }
    }

    /// The servers that this configuration's prices come from, and this chain, which is no ledger of our own.
    ///
    /// # Errors
    /// HTTP can't be set up, or a market can't be resolved.
    pub fn from_config(config: &ValidatorConfig, chain: Option<Arc<C>>) -> Result<Self> {
        let mut servers = BTreeMap::new();
        match &config.prices {
            PriceSourceConfig::Venues(_) => {
                for (market, _) in config.markets()?.venues {
                    servers.insert(market.host, market.venue.name().to_owned());
                }
            }
            PriceSourceConfig::Url { url } => {
                servers.insert(url.clone(), "the source of prices".to_owned());
            }
            PriceSourceConfig::File { .. } => {}
        }
        let probe = ClockProbe::of_public_servers(DEADLINE).context("can't set up HTTP")?;
        Ok(Self {
            probe: Some(probe),
            servers,
            chain,
        })
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.chain.is_none()
    }

    /// How far `clock`, ours, is ahead of everybody's who answers within seconds.
    pub async fn read(&self, clock: fn() -> UnixMillis) -> Vec<ClockReading> {
        let servers = self.servers.iter().map(|(url, name)| async move {
            let ahead = self.probe.as_ref()?.difference(url, clock).await;
            let ahead = ahead
                .inspect_err(|error| tracing::debug!(%error, "{name} doesn't tell the time"))
                .ok()?;
            let source = name.clone();
            Some(ClockReading { source, ahead })
        });
        let (servers, chain) = tokio::join!(join_all(servers), self.chain_reading(clock));
        servers.into_iter().chain([chain]).flatten().collect()
    }

    async fn chain_reading(&self, clock: fn() -> UnixMillis) -> Option<ClockReading> {
        let chain = self.chain.as_ref()?;
        let asked = clock();
        let time = tokio::time::timeout(DEADLINE, chain.time()).await.ok()?;
        let time = time
            .inspect_err(|error| tracing::debug!(%error, "the chain doesn't tell the time"))
            .ok()??;
        let source = "the chain's newest block".to_owned();
        let ahead = ClockDifference::from_newest_block(time, NEWEST_BLOCK_AGE, asked, clock());
        Some(ClockReading { source, ahead })
    }
}
