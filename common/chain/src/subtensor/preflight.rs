//! What speaks against weights before they are sent, in the chain's own order.

use std::collections::HashSet;

use foretell_core::hotkey::{Hotkey, Uid};

use super::SubtensorError;
use super::epoch::Epochs;
use super::runtime::Place;
use super::state::{State, number};
use super::subnet::account;
use crate::chain::Weights;
use crate::metagraph::Block;
use crate::refusal::Refusal;

/// What weights depend on, at one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who sets weights.
    pub hotkey: Hotkey,
    /// Its uid, if it has one.
    pub uid: Option<Uid>,
    /// Whether it may set weights for others.
    pub permit: bool,
    /// When it did so last.
    pub last_update: Block,
    /// The block.
    pub block: Block,
    /// Blocks between two settings.
    pub rate_limit: u64,
    /// Number of neurons.
    pub count: u16,
    /// Fewest weights that the subnet takes.
    pub least: u16,
    /// Number of permits.
    pub max_validators: u16,
    /// The version key that the subnet asks for.
    pub version_key: u64,
    /// Epochs between a commitment and its reveal, if weights have to be committed.
    pub reveal_period: Option<u64>,
    /// When epochs are.
    pub epochs: Epochs,
}

/// The entries that hold the parameters that weights depend on.
pub(super) const ENTRIES: [&str; 9] = [
    "ValidatorPermit",
    "LastUpdate",
    "WeightsSetRateLimit",
    "SubnetworkN",
    "MinAllowedWeights",
    "MaxAllowedValidators",
    "WeightsVersionKey",
    "CommitRevealWeightsEnabled",
    "RevealPeriodEpochs",
];

impl Facts {
    /// The facts at this block.
    pub async fn of(
        state: &State<'_>,
        netuid: u16,
        hotkey: Hotkey,
    ) -> Result<Self, SubtensorError> {
        let of_subnet = |entry| Place::new(entry, [number(netuid)]);
        let mut places = vec![
            Place::new("Uids", [number(netuid), account(&hotkey)]),
            of_subnet("Tempo"),
        ];
        places.extend(ENTRIES.map(of_subnet));
        // Runtimes since 2026 count epochs one after another.
        let sequence = state.runtime.has("LastEpochBlock");
        if sequence {
            places.extend(["LastEpochBlock", "PendingEpochAt"].map(of_subnet));
        }
        let mut read = state.read(places).await?;
        let uid: Option<u16> = read.optional()?;
        let tempo = u64::from(read.value::<u16>()?);
        let permits: Vec<bool> = read.value()?;
        let updates: Vec<u64> = read.value()?;
        let place = uid.map(usize::from);
        let rate_limit = read.value()?;
        let (count, least, max_validators) = (read.value()?, read.value()?, read.value()?);
        let version_key = read.value()?;
        let commits: bool = read.value()?;
        let period: u64 = read.value()?;
        let epochs = if sequence {
            let last = Block(read.value()?);
            let wanted: u64 = read.value()?;
            Epochs::Sequence {
                last,
                wanted: (wanted > 0).then_some(Block(wanted)),
                tempo,
            }
        } else {
            Epochs::Modulo { netuid, tempo }
        };
        Ok(Self {
            hotkey,
            uid: uid.map(Uid),
            permit: place.and_then(|place| permits.get(place).copied()) == Some(true),
            last_update: Block(
                place
                    .and_then(|place| updates.get(place).copied())
                    .unwrap_or(0),
            ),
            block: state.block,
            rate_limit,
            count,
            least,
            max_validators,
            version_key,
            reveal_period: commits.then_some(period),
            epochs,
        })
    }

    /// The weights as they can be sent: with a weight of zero for others, where the subnet takes no fewer than some number.
    pub fn checked(&self, weights: &Weights) -> Result<Weights, Refusal> {
        let uid = self.uid.ok_or(Refusal::NotRegistered(self.hotkey))?;
        // The next block is the first that can hold them.
        let since = (self.block.0 + 1).saturating_sub(self.last_update.0);
        let blocks_left = self.rate_limit.saturating_sub(since);
        if blocks_left > 0 {
            return Err(Refusal::TooSoon { blocks_left });
        }
        let Weights { uids, values } = weights;
        if !self.permit && uids.as_slice() != [uid] {
            return Err(Refusal::NoPermit {
                uid,
                max_validators: self.max_validators,
            });
        }
        if uids.len() != values.len() {
            let (uids, values) = (uids.len(), values.len());
            return Err(Refusal::UnequalLengths { uids, values });
        }
        let mut named = HashSet::new();
        for target in uids {
            if !named.insert(*target) {
                return Err(Refusal::DuplicateUid(*target));
            }
            if target.0 >= self.count {
                return Err(Refusal::UnknownUid(*target));
            }
        }
        if values.iter().all(|value| *value == 0) {
            return Err(Refusal::AllZero);
        }
        let mut whole = weights.clone();
        let least = usize::from(self.least.min(self.count));
        let others = (0..self.count)
            .map(Uid)
            .filter(|other| !named.contains(other));
        for other in others.take(least.saturating_sub(uids.len())) {
            whole.uids.push(other);
            whole.values.push(0);
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            hotkey: Hotkey([1; 32]),
            uid: Some(Uid(3)),
            permit: true,
            last_update: Block(100),
            block: Block(200),
            rate_limit: 100,
            count: 5,
            least: 1,
            max_validators: 64,
            version_key: 0,
            reveal_period: None,
            epochs: Epochs::Modulo {
                netuid: 1,
                tempo: 360,
            },
        }
    }

    fn weights(uids: &[u16]) -> Weights {
        Weights {
            uids: uids.iter().copied().map(Uid).collect(),
            values: vec![7; uids.len()],
        }
    }

    #[test]
    fn what_the_chain_would_refuse_is_said_before() {
        let fine = weights(&[1, 4]);
        assert_eq!(facts().checked(&fine), Ok(fine.clone()));
        let refused = |change: fn(&mut Facts), weights: &Weights| {
            let mut facts = facts();
            change(&mut facts);
            facts.checked(weights).unwrap_err()
        };
        let stranger = refused(|facts| facts.uid = None, &fine);
        assert_eq!(stranger, Refusal::NotRegistered(Hotkey([1; 32])));
        // Block 200 could hold weights for block 201: 100 blocks after block 101.
        let early = refused(|facts| facts.last_update = Block(103), &fine);
        assert_eq!(early, Refusal::TooSoon { blocks_left: 2 });
        let unpermitted = refused(|facts| facts.permit = false, &fine);
        assert!(matches!(unpermitted, Refusal::NoPermit { .. }));
        let twice = refused(|_| (), &weights(&[1, 1]));
        assert_eq!(twice, Refusal::DuplicateUid(Uid(1)));
        let unknown = refused(|_| (), &weights(&[5]));
        assert_eq!(unknown, Refusal::UnknownUid(Uid(5)));
        let mut zero = fine;
        zero.values = vec![0, 0];
        assert_eq!(refused(|_| (), &zero), Refusal::AllZero);
    }

    #[test]
    fn too_few_weights_are_filled_up_with_zeros() {
        let mut facts = facts();
        facts.least = 4;
        let whole = facts.checked(&weights(&[1])).unwrap();
        assert_eq!(whole.uids, [Uid(1), Uid(0), Uid(2), Uid(3)]);
        assert_eq!(whole.values, [7, 0, 0, 0]);
        facts.least = 100;
        assert_eq!(facts.checked(&weights(&[1])).unwrap().uids.len(), 5);
    }

    #[test]
    fn anybody_may_weigh_only_itself() {
        let mut facts = facts();
        facts.permit = false;
        assert!(facts.checked(&weights(&[3])).is_ok());
    }
}
