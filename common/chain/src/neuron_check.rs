//! How a hotkey stands on a subnet, and the next step, in words: what `doctor` says of the chain.

use std::net::SocketAddr;

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

use crate::metagraph::{Metagraph, RAO_PER_ALPHA};

/// What is missing, with the next step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NeuronProblem {
    /// No uid.
    #[error(
        "{0} has no uid on this subnet: register it (`btcli subnets register`, docs/registering.md)"
    )]
    Uid(Hotkey),
    /// No permit.
    #[error(
        "uid {uid} with {stake} alpha at stake has no validator permit: stake more on it, and wait for the next epoch \
         (every {tempo} blocks)"
    )]
    Permit {
        /// Its place.
        uid: u16,
        /// Its stake in whole alpha.
        stake: u64,
        /// Blocks of an epoch.
        tempo: u16,
    },
    /// No axon, or another one.
    #[error(
        "uid {uid} publishes {published}, this miner answers at {own}: `miner serve` publishes it once it runs"
    )]
    Axon {
        /// Its place.
        uid: u16,
        /// What the chain says.
        published: String,
        /// What is configured.
        own: SocketAddr,
    },
}

/// How a validator stands.
pub fn check_validator(metagraph: &Metagraph, hotkey: Hotkey) -> Result<String, NeuronProblem> {
    let neuron = metagraph.neuron(hotkey).ok_or(NeuronProblem::Uid(hotkey))?;
    let (uid, stake) = (neuron.uid.0, neuron.stake / RAO_PER_ALPHA);
    if !neuron.permit {
        let tempo = metagraph.tempo.get();
        return Err(NeuronProblem::Permit { uid, stake, tempo });
    }
    let (update, block) = (neuron.last_update, metagraph.block);
    Ok(format!(
        "uid {uid}, {stake} alpha at stake, permitted; last weights at block {update}, now {block}"
    ))
}

/// How a miner stands that answers at `own`, if it knows where that is.
pub fn check_miner(
    metagraph: &Metagraph,
    hotkey: Hotkey,
    own: Option<SocketAddr>,
) -> Result<String, NeuronProblem> {
    let neuron = metagraph.neuron(hotkey).ok_or(NeuronProblem::Uid(hotkey))?;
    let uid = neuron.uid.0;
    let published = neuron.axon.map(|axon| axon.to_string());
    let published = published.unwrap_or_else(|| "no address".into());
    if let Some(own) = own.filter(|own| Some(*own) != neuron.axon) {
        return Err(NeuronProblem::Axon {
            uid,
            published,
            own,
        });
    }
    let incentive = f64::from(neuron.incentive) / f64::from(u16::MAX);
    Ok(format!(
        "uid {uid}, publishes {published}, incentive {incentive:.4}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use crate::metagraph::Hyperparameters;

    #[test]
    fn the_next_step_is_said() {
        let key = |byte| Hotkey([byte; 32]);
        let rules = Hyperparameters {
            max_validators: 1,
            ..Hyperparameters::default()
        };
        let mut ledger = Ledger::genesis(rules, key(1), key(1));
        for byte in [2, 3] {
            ledger.register(key(byte), key(byte)).unwrap();
        }
        ledger.stake(key(2), 5 * RAO_PER_ALPHA).unwrap();
        let axon = "203.0.113.5:8091".parse().unwrap();
        ledger.serve_axon(key(3), axon).unwrap();
        let metagraph = ledger.metagraph();

        let said = check_validator(&metagraph, key(9)).unwrap_err().to_string();
        assert!(said.contains("has no uid on this subnet: register it"));
        let said = check_validator(&metagraph, key(3)).unwrap_err().to_string();
        assert!(said.contains("uid 2 with 0 alpha at stake has no validator permit"));
        let said = check_validator(&metagraph, key(2)).unwrap();
        assert!(
            said.starts_with("uid 1, 5 alpha at stake, permitted"),
            "{said}"
        );

        let said = check_miner(&metagraph, key(3), Some(axon)).unwrap();
        assert_eq!(said, "uid 2, publishes 203.0.113.5:8091, incentive 0.0000");
        let said = check_miner(&metagraph, key(2), Some(axon))
            .unwrap_err()
            .to_string();
        assert!(said.contains("uid 1 publishes no address"), "{said}");
        assert!(check_miner(&metagraph, key(3), None).is_ok());
    }
}
