//! Publishing this miner's axon on the chain, and keeping it published.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_chain::chain::Chain;
use foretell_chain::signer::Signer;
use foretell_cli::clock::system_now;
use foretell_cli::printable::printable;
use foretell_cli::trouble_log::TroubleLog;
use foretell_core::time::Millis;
use foretell_keys::keypair::Keypair;

/// Time between two attempts until the chain has the address.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two checks afterwards: a hotkey that lost its uid and was registered again has no address.
const CHECK_INTERVAL: Duration = Duration::from_secs(1_800);
/// Trouble that changes is told no more often than this.
const TROUBLE_QUIET: Millis = Millis::minutes(10);

/// Publishes `axon` and checks that it stays published; never completes.
pub async fn keep_axon_published<C: Chain>(chain: &C, key: Keypair, axon: SocketAddr) {
    let signer = Signer::new(key.hotkey(), move |bytes| key.sign(bytes).0);
    let mut trouble = TroubleLog::new("axon", TROUBLE_QUIET);
    let mut published = false;
    loop {
        let served = chain.serve_axon(&signer, axon).await;
        let text = served.as_ref().err().map(|error| {
            let error = printable(&error.to_string()).into_owned();
            format!("{axon} is not published yet: {error}; trying again every minute")
        });
        trouble.log(text.as_deref(), system_now());
        if served.is_ok() && !published {
            tracing::info!("the chain publishes {axon}");
        }
        published = served.is_ok();
        let wait = if published {
            CHECK_INTERVAL
        } else {
            RETRY_INTERVAL
        };
        tokio::time::sleep(wait).await;
    }
}
