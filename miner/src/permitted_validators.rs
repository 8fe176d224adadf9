//! Answering the validators that the chain permits, and keeping up with it.

use std::collections::BTreeSet;
use std::time::Duration;

use foretell_chain::chain::Chain;
use foretell_chain::metagraph::Metagraph;
use foretell_core::hotkey::Hotkey;
use foretell_wire::callers::Callers;

/// Time between two looks: permits change once an epoch, which takes an hour or more.
const REFRESH_INTERVAL: Duration = Duration::from_secs(600);
/// Time until the chain is asked again that didn't answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Has `callers` be those that the chain permits, now and whenever that changes; never completes. While the chain
/// doesn't answer, the last that were permitted are answered.
pub async fn keep_permitted_validators<C: Chain>(chain: &C, callers: &Callers) {
    let mut last_message = None;
    loop {
        let (wait, message) = match chain.metagraph().await {
            Ok(metagraph) => {
                let permitted = permitted_validators(&metagraph);
                let message = format!("{} permitted validators are answered", permitted.len());
                callers.replace(permitted);
                (REFRESH_INTERVAL, message)
            }
            Err(error) => {
                let whom = if callers.are_known() {
                    "those permitted before are answered"
                } else {
                    "nobody is answered until it does"
                };
                let message = format!(
                    "the chain doesn't say which validators are permitted ({error}): {whom}"
                );
                (RETRY_INTERVAL, message)
            }
        };
        if last_message.as_ref() != Some(&message) {
            if wait == REFRESH_INTERVAL {
                tracing::info!("{message}");
            } else {
                tracing::warn!("{message}; trying again every 30 s");
            }
            last_message = Some(message);
        }
        tokio::time::sleep(wait).await;
    }
}

/// The hotkeys that hold a validator permit.
fn permitted_validators(metagraph: &Metagraph) -> BTreeSet<Hotkey> {
    let neurons = metagraph.neurons.iter();
    neurons
        .filter(|neuron| neuron.permit)
        .map(|neuron| neuron.hotkey)
        .collect()
}
