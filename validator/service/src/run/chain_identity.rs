//! Which chain a validator is on, by its node.

use std::time::Duration;

use anyhow::Result;
use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::clock::system_now;
use foretell_cli::trouble_log::TroubleLog;
use foretell_core::time::Millis;
use tokio_util::sync::CancellationToken;

/// A node that does not say which chain it is of is asked again after this.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// An error that changes all the time is told this often.
const QUIET: Millis = Millis::minutes(10);

/// Which chain this is, by its node, which must be of the one that the data directory was `begun_on`; that one while no node
/// answers. A new directory waits for the first answer: it is to be no other chain's. `None` if it is to `stop`.
pub(super) async fn wait_for_identity<C: Chain>(
    chain: &C,
    begun_on: Option<SubnetIdentity>,
    stop: &CancellationToken,
) -> Result<Option<SubnetIdentity>> {
    let mut trouble = TroubleLog::new("chain", QUIET);
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
        let text = format!("{error}; nothing begins before a node has said which chain this is");
        trouble.log(Some(&text), system_now());
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(RETRY_INTERVAL) => {}
        }
    }
}
