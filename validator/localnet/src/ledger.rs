//! The local ledger of a network: all participants are registered at block 0, and publish their axons once they listen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::{Hyperparameters, RAO_PER_ALPHA};
use foretell_keys::keypair::Keypair;
use foretell_service::run::local_ledger::LEDGER_FILE;

use crate::population::Participant;

/// The validator's stake, in rao: any amount will do, as there is no other validator.
const STAKE: u64 = 1_000 * RAO_PER_ALPHA;

/// The chain in `folder`; at block 0, with all participants registered, if there is none yet.
pub fn open_chain(
    folder: &Path,
    seed: u64,
    participants: &[Participant],
) -> Result<Arc<LocalChain>> {
    let genesis = genesis_ledger(seed, participants)?;
    let chain = LocalChain::open_or_create(folder.join(LEDGER_FILE), || genesis)?;
    Ok(Arc::new(chain))
}

/// Publishes the address of each participant that has one among `axons`, which are by name.
pub fn publish_axons(
    chain: &LocalChain,
    seed: u64,
    participants: &[Participant],
    axons: &BTreeMap<String, SocketAddr>,
) -> Result<()> {
    for participant in participants {
        if let Some(axon) = axons.get(&participant.name) {
            chain.serve(participant.hotkey(seed), *axon)?;
        }
    }
    Ok(())
}

/// The subnet at block 0: the owner, the validator with its stake, the participants in order.
fn genesis_ledger(seed: u64, participants: &[Participant]) -> Result<Ledger> {
    let key = |role: &str| Keypair::derived(seed, role).hotkey();
    let default = Hyperparameters::default();
    // The owner, the validator and all participants have a place.
    let uids = u16::try_from(participants.len() + 2).unwrap_or(u16::MAX);
    let rules = Hyperparameters {
        max_uids: default.max_uids.max(uids),
        ..default
    };
    let mut ledger = Ledger::genesis(rules, key("owner"), key("owner/coldkey").into());
    ledger.register(key("validator"), key("validator/coldkey").into())?;
    ledger.stake(key("validator"), STAKE)?;
    for participant in participants {
        let coldkey = participant.coldkey(seed);
        ledger.register(participant.hotkey(seed), coldkey)?;
    }
    Ok(ledger)
}
