//! Publishing this miner's axon on the chain, and keeping it published.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_chain::chain::Chain;
use foretell_chain::signer::Signer;
use foretell_keys::keypair::Keypair;

/// Time between two attempts until the chain has the address.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two checks afterwards: a hotkey that lost its uid and was registered again has no address.
const CHECK_INTERVAL: Duration = Duration::from_secs(1_800);

/// Publishes `axon` and checks that it stays published; never completes.
pub async fn keep_axon_published<C: Chain>(chain: &C, key: Keypair, axon: SocketAddr) {
    let signer = Signer::new(key.hotkey(), move |bytes| key.sign(bytes).0);
    let mut last_message = None;
    loop {
        let (wait, message) = match chain.serve_axon(&signer, axon).await {
            Ok(()) => (CHECK_INTERVAL, format!("the chain publishes {axon}")),
            Err(error) => (
                RETRY_INTERVAL,
                format!("{axon} is not published yet: {error}"),
            ),
        };
        if last_message.as_ref() != Some(&message) {
            if wait == CHECK_INTERVAL {
                tracing::info!("{message}");
            } else {
                tracing::warn!("{message}; trying again every minute");
            }
            last_message = Some(message);
        }
        tokio::time::sleep(wait).await;
    }
}
