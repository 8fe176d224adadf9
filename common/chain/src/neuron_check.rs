//! Whether a hotkey is ready on a subnet, or the next step to it: the chain's part of `doctor`.

use std::net::SocketAddr;

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

use crate::metagraph::{Metagraph, RAO_PER_ALPHA};

/// What a hotkey lacks on a subnet; the text names the next step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NeuronProblem {
    /// It isn't registered.
    #[error(
        "{0} has no uid on this subnet: register it (`btcli subnets register`, docs/registering.md)"
    )]
    Uid(Hotkey),
    /// It has too little stake for a validator permit.
    #[error(
        "uid {uid} with {stake} alpha at stake has no validator permit: stake more on it, and wait for the next epoch \
         (every {tempo} blocks)"
    )]
    Permit {
        /// The hotkey's place in the subnet.
        uid: u16,
        /// Its stake in whole alpha.
        stake: u64,
        /// Blocks between two epochs.
        tempo: u16,
    },
    /// The chain publishes no axon of it, or another address.
    #[error(
        "uid {uid} publishes {published}, this miner answers at {own}: `miner serve` publishes it once it runs"
    )]
    Axon {
        /// The hotkey's place in the subnet.
        uid: u16,
        /// The address on the chain, or that there is none.
        published: String,
        /// The address at which this miner answers.
        own: SocketAddr,
    },
}

/// The state of a validator in one line, or what it lacks to set weights.
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

/// The state of a miner in one line, or what it lacks to be reached at `own`, if it knows that address.
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
    use foretell_core::testing::hotkey;

    use super::*;
    use crate::ledger::Ledger;
    use crate::metagraph::Hyperparameters;

    #[test]
    fn the_next_step_is_named() {
        let rules = Hyperparameters {
            max_validators: 1,
            ..Hyperparameters::default()
        };
        let mut ledger = Ledger::genesis(rules, hotkey(1), hotkey(1).into());
        for byte in [2, 3] {
            ledger.register(hotkey(byte), hotkey(byte).into()).unwrap();
        }
        ledger.stake(hotkey(2), 5 * RAO_PER_ALPHA).unwrap();
        let axon = "203.0.113.5:8091".parse().unwrap();
        ledger.serve_axon(hotkey(3), axon).unwrap();
        let metagraph = ledger.metagraph();

        let text = check_validator(&metagraph, hotkey(9))
            .unwrap_err()
            .to_string();
        assert!(text.contains("has no uid on this subnet: register it"));
        let text = check_validator(&metagraph, hotkey(3))
            .unwrap_err()
            .to_string();
        assert!(text.contains("uid 2 with 0 alpha at stake has no validator permit"));
        let text = check_validator(&metagraph, hotkey(2)).unwrap();
        assert!(
            text.starts_with("uid 1, 5 alpha at stake, permitted"),
            "{text}"
        );

        let text = check_miner(&metagraph, hotkey(3), Some(axon)).unwrap();
        assert_eq!(text, "uid 2, publishes 203.0.113.5:8091, incentive 0.0000");
        let text = check_miner(&metagraph, hotkey(2), Some(axon))
            .unwrap_err()
            .to_string();
        assert!(text.contains("uid 1 publishes no address"), "{text}");
        assert!(check_miner(&metagraph, hotkey(3), None).is_ok());
    }
}
