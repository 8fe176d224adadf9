//! The local ledger of a running validator: blocks pass with the clock, in a file of the data directory.

use std::sync::Arc;

use anyhow::{Context, Result};
use foretell_chain::block::Block;
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::{Hyperparameters, RAO_PER_ALPHA};
use foretell_core::hotkey::Hotkey;
use foretell_core::time::UnixMillis;

use super::config::{ChainConfig, ValidatorConfig};

/// File of the ledger in a data directory.
pub const LEDGER_FILE: &str = "ledger.json";

/// The validator's stake: any amount will do, since no other validator has any.
const STAKE: u64 = 1_000 * RAO_PER_ALPHA;

/// A ledger in the data directory whose blocks pass with the clock.
#[derive(Debug)]
pub struct LocalLedger {
    chain: Arc<LocalChain>,
    genesis_time: UnixMillis,
}

impl LocalLedger {
    /// Opens the ledger, or makes it with the validator on it; registers the configured miners with their axons. No block
    /// passes: that is for a time that can be believed.
    ///
    /// # Errors
    /// The ledger file can't be read or written, or a miner can't be registered.
    pub async fn open(
        config: &ValidatorConfig,
        validator: Hotkey,
        genesis_time: UnixMillis,
    ) -> Result<Self> {
        let mut ledger = Ledger::genesis(Hyperparameters::default(), validator, validator.into());
        ledger.stake(validator, STAKE)?;
        let chain = LocalChain::open_or_create(config.data.join(LEDGER_FILE), || ledger)?;
        let ledger = Self {
            chain: Arc::new(chain),
            genesis_time,
        };
        let ChainConfig::Local { miners } = &config.chain else {
            return Ok(ledger);
        };
        for miner in miners {
            let context = || format!("miner {} of the configuration", miner.hotkey);
            ledger
                .chain
                .register(miner.hotkey, miner.hotkey.into())
                .with_context(context)?;
            ledger
                .chain
                .serve(miner.hotkey, miner.axon)
                .with_context(context)?;
        }
        Ok(ledger)
    }

    /// The ledger as the chain that rounds work with.
    pub fn chain(&self) -> Arc<LocalChain> {
        Arc::clone(&self.chain)
    }

    /// Lets blocks pass up to `now`, by the time of the first block.
    pub fn advance_to(&self, now: UnixMillis) -> Result<()> {
        Ok(self.chain.advance_to(Block::at(self.genesis_time, now))?)
    }
}
