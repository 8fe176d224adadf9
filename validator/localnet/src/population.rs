//! Who lives on a local network, with keys that the seed gives.

use std::path::PathBuf;

use foretell_core::hotkey::Hotkey;
use foretell_keys::keypair::{Keypair, derived_seed};

use crate::adversary::Misbehaviour;
use crate::external_miner::ExternalMiner;

/// A process that answers the validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Name on the leaderboard, and of its wallet and folder.
    pub name: String,
    /// What it runs.
    pub role: Role,
}

/// What a participant runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The reference miner.
    Miner {
        /// Its model.
        model: &'static str,
        /// Days of history that it is fitted on.
        history_days: u32,
    },
    /// A miner of the caller's own.
    External {
        /// Its program.
        program: PathBuf,
    },
    /// A miner that breaks the rules in one way.
    Adversary(Misbehaviour),
}

/// The first miners, chosen so that a small network shows good, middling and poor ones.
const FIRST_MINERS: [(&str, u32); 6] = [
    ("har", 30),
    ("gaussian", 7),
    ("elastic-net", 30),
    ("random-walk", 1),
    ("har", 14),
    ("gaussian", 1),
];

/// Models that further miners run, each on a history of its own length.
const FURTHER_MODELS: [&str; 3] = ["har", "elastic-net", "gaussian"];

/// `miners` reference miners, the external_miners, and all adversaries if they are wanted.
pub fn participants(
    miners: usize,
    external_miners: &[ExternalMiner],
    adversaries: bool,
) -> Vec<Participant> {
    let first = FIRST_MINERS.into_iter();
    let further = (0..).map(|i: u32| (FURTHER_MODELS[i as usize % FURTHER_MODELS.len()], 31 + i));
    let miners = first
        .chain(further)
        .take(miners)
        .map(|(model, days)| Participant {
            name: format!("{model}-{days}d"),
            role: Role::Miner {
                model,
                history_days: days,
            },
        });
    let adversaries = Misbehaviour::ALL
        .into_iter()
        .filter(|_| adversaries)
        .map(|misbehaviour| Participant {
            name: misbehaviour.name().to_owned(),
            role: Role::Adversary(misbehaviour),
        });
    let external_miners = external_miners.iter().map(|external_miner| Participant {
        name: external_miner.name.clone(),
        role: Role::External {
            program: external_miner.program.clone(),
        },
    });
    miners.chain(external_miners).chain(adversaries).collect()
}

impl Participant {
    /// Secret seed of its hotkey on the network of `seed`.
    pub fn secret(&self, seed: u64) -> [u8; 32] {
        derived_seed(seed, &self.name)
    }

    /// Its hotkey on the network of `seed`.
    pub fn hotkey(&self, seed: u64) -> Hotkey {
        Keypair::from_seed(&self.secret(seed)).hotkey()
    }

    /// Its coldkey: everybody here owns themselves.
    pub fn coldkey(&self, seed: u64) -> Hotkey {
        Keypair::derived(seed, &format!("{}/coldkey", self.name)).hotkey()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_a_name_and_a_key_of_their_own() {
        let everybody = participants(256, &[], true);
        let names: BTreeSet<&str> = everybody.iter().map(|p| p.name.as_str()).collect();
        let keys: BTreeSet<Hotkey> = everybody.iter().map(|p| p.hotkey(1)).collect();
        assert_eq!(names.len(), 256 + Misbehaviour::ALL.len());
        assert_eq!(keys.len(), names.len());
        assert_eq!(participants(3, &[], false).len(), 3);
    }

    #[test]
    fn external_miners_follow_the_reference_miners() {
        let external_miner = "my-model=./run.sh".parse().unwrap();
        let names = participants(1, &[external_miner], false)
            .into_iter()
            .map(|p| p.name);
        assert_eq!(names.collect::<Vec<_>>(), ["har-30d", "my-model"]);
    }
}
