//! The participants of a local network: reference miners, external miners and adversaries, with keys derived from the seed.

use std::path::PathBuf;

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::Hotkey;
use foretell_keys::keypair::{Keypair, derived_seed};

use crate::adversary::Misbehaviour;
use crate::external_miner::ExternalMiner;

/// A miner, of whatever kind, that the validator asks: a process of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Name on the leaderboard, and of its wallet and folder.
    pub name: String,
    /// Which program it runs, and how that answers.
    pub role: Role,
}

/// The kinds of participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A reference miner.
    Miner {
        model: &'static str,
        history_days: u32,
    },
    /// A miner of the caller's own.
    External { program: PathBuf },
    /// A miner that breaks the rules in one way.
    Adversary(Misbehaviour),
}

/// Model and days of history of the first miners, chosen so that a small network shows good, middling and poor ones.
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

/// `miners` reference miners, then the external miners, then one adversary for each [`Misbehaviour`] if there are to be any.
///
/// The order is that of their uids.
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
    /// Secret seed of its hotkey, derived from the network's `seed` and its name.
    pub fn secret(&self, seed: u64) -> [u8; 32] {
        derived_seed(seed, &self.name)
    }

    /// The hotkey of [`secret`](Self::secret).
    pub fn hotkey(&self, seed: u64) -> Hotkey {
        Keypair::from_seed(&self.secret(seed)).hotkey()
    }

    /// Its coldkey on the network of `seed`: each participant has an owner of its own.
    pub fn coldkey(&self, seed: u64) -> Coldkey {
        Keypair::derived(seed, &format!("{}/coldkey", self.name))
            .hotkey()
            .into()
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
