//! Publishing on the chain where this miner answers, and seeing to it that it stays published.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_chain::chain::{Chain, Signer};
use foretell_wire::keypair::Keypair;

/// Until the chain has the address, it is tried so often; afterwards it is looked at so often, since a hotkey that lost
/// its uid and came back has no address.
const AGAIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(1_800);

/// Publishes `axon`, again and again; ends only with whoever waits for it.
pub async fn keep_published<C: Chain>(chain: &C, key: Keypair, axon: SocketAddr) {
    let signer = Signer::new(key.hotkey(), move |bytes| key.sign(bytes).0);
    let mut said = None;
    loop {
        let (wait, words) = match chain.serve_axon(&signer, axon).await {
            Ok(()) => (LOOK, format!("the chain publishes {axon}")),
            Err(error) => (AGAIN, format!("{axon} is not published yet: {error}")),
        };
        if said.as_ref() != Some(&words) {
            if wait == LOOK {
                tracing::info!("{words}");
            } else {
                tracing::warn!("{words}; trying again every minute");
            }
            said = Some(words);
        }
        tokio::time::sleep(wait).await;
    }
}
