//! Weights that the chain would refuse are found before they are sent, by its own checks in its own order.

use std::collections::HashSet;

use foretell_core::hotkey::{Hotkey, Uid};

use super::epoch::EpochSchedule;
use super::error::SubtensorError;
use super::runtime::StorageKey;
use super::state::{BlockState, account, number};
use crate::block::Block;
use crate::refusal::ChainRefusal;
use crate::submission::UidWeights;

/// What a subnet's checks of weights depend on, at one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightsContext {
    /// The hotkey that sets weights.
    pub hotkey: Hotkey,
    /// The uid of the hotkey, if it is registered.
    pub uid: Option<Uid>,
    /// Whether it has a validator permit, without which it may set weights for itself alone.
    pub permit: bool,
    /// The block in which it set weights last.
    pub last_update: Block,
    /// The block at which this was read.
    pub block: Block,
    /// Least number of blocks between two settings of weights.
    pub rate_limit: u64,
    /// Number of uids that are taken.
    pub neuron_count: u16,
    /// Least number of weights that the subnet takes.
    pub min_allowed_weights: u16,
    /// Number of validator permits.
    pub max_validators: u16,
    /// Least version key that weights must carry.
    pub version_key: u64,
    /// Epochs between a commitment and its reveal, if weights have to be committed.
    pub reveal_period: Option<u64>,
    /// When the subnet's epochs run.
    pub epochs: EpochSchedule,
}

/// Names of the storage entries that hold these parameters, in the order in which they are read.
pub(super) const WEIGHTS_ENTRIES: [&str; 9] = [
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

impl WeightsContext {
    /// Reads the context of a hotkey at this block.
    pub async fn read(
        state: &BlockState<'_>,
        netuid: u16,
        hotkey: Hotkey,
    ) -> Result<Self, SubtensorError> {
        let of_subnet = |entry| StorageKey::new(entry, [number(netuid)]);
        let mut storage_keys = vec![
            StorageKey::new("Uids", [number(netuid), account(&hotkey)]),
            of_subnet("Tempo"),
        ];
        storage_keys.extend(WEIGHTS_ENTRIES.map(of_subnet));
        // Runtimes since 2026 count epochs one after another.
        let sequence = state.runtime.has("LastEpochBlock");
        if sequence {
            storage_keys.extend(["LastEpochBlock", "PendingEpochAt"].map(of_subnet));
        }
        let mut read = state.read(storage_keys).await?;
        let uid: Option<u16> = read.next_optional()?;
        let tempo = u64::from(read.next_value::<u16>()?);
        let permits: Vec<bool> = read.next_value()?;
        let updates: Vec<u64> = read.next_value()?;
        let index = uid.map(usize::from);
        let rate_limit = read.next_value()?;
        let (neuron_count, min_allowed_weights, max_validators) =
            (read.next_value()?, read.next_value()?, read.next_value()?);
        let version_key = read.next_value()?;
        let commits: bool = read.next_value()?;
        let period: u64 = read.next_value()?;
        let epochs = if sequence {
            let last = Block::new(read.next_value()?);
            let requested: u64 = read.next_value()?;
            EpochSchedule::Sequence {
                last,
                requested: (requested > 0).then_some(Block::new(requested)),
                tempo,
            }
        } else {
            EpochSchedule::Modulo { netuid, tempo }
        };
        Ok(Self {
            hotkey,
            uid: uid.map(Uid),
            permit: index.and_then(|index| permits.get(index).copied()) == Some(true),
            last_update: Block::new(
                index
                    .and_then(|index| updates.get(index).copied())
                    .unwrap_or(0),
            ),
            block: state.block,
            rate_limit,
            neuron_count,
            min_allowed_weights,
            max_validators,
            version_key,
            reveal_period: commits.then_some(period),
            epochs,
        })
    }

    /// The weights as they can be sent: filled up with weights of zero where the subnet takes no fewer than some number.
    pub fn check(&self, weights: &UidWeights) -> Result<UidWeights, ChainRefusal> {
        let uid = self.uid.ok_or(ChainRefusal::NotRegistered(self.hotkey))?;
        // The next block is the first that can hold them.
        let since = (self.block + 1).since(self.last_update);
        let blocks_left = self.rate_limit.saturating_sub(since);
        if blocks_left > 0 {
            return Err(ChainRefusal::RateLimited { blocks_left });
        }
        let UidWeights { uids, values } = weights;
        if !self.permit && uids.as_slice() != [uid] {
            return Err(ChainRefusal::NoPermit {
                uid,
                max_validators: self.max_validators,
            });
        }
        if uids.len() != values.len() {
            let (uids, values) = (uids.len(), values.len());
            return Err(ChainRefusal::UnequalLengths { uids, values });
        }
        let mut named = HashSet::new();
        for target in uids {
            if !named.insert(*target) {
                return Err(ChainRefusal::DuplicateUid(*target));
            }
            if target.0 >= self.neuron_count {
                return Err(ChainRefusal::UnknownUid(*target));
            }
        }
        if values.iter().all(|value| *value == 0) {
            return Err(ChainRefusal::AllZero);
        }
        let mut padded = weights.clone();
        let least = usize::from(self.min_allowed_weights.min(self.neuron_count));
        let others = (0..self.neuron_count)
            .map(Uid)
            .filter(|other| !named.contains(other));
        for other in others.take(least.saturating_sub(uids.len())) {
            padded.uids.push(other);
            padded.values.push(0);
        }
        Ok(padded)
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    fn context() -> WeightsContext {
        WeightsContext {
            hotkey: hotkey(1),
            uid: Some(Uid(3)),
            permit: true,
            last_update: Block::new(100),
            block: Block::new(200),
            rate_limit: 100,
            neuron_count: 5,
            min_allowed_weights: 1,
            max_validators: 64,
            version_key: 0,
            reveal_period: None,
            epochs: EpochSchedule::Modulo {
                netuid: 1,
                tempo: 360,
            },
        }
    }

    fn weights(uids: &[u16]) -> UidWeights {
        UidWeights {
            uids: uids.iter().copied().map(Uid).collect(),
            values: vec![7; uids.len()],
        }
    }

    #[test]
    fn weights_that_the_chain_would_refuse_are_refused_before() {
        let fine = weights(&[1, 4]);
        assert_eq!(context().check(&fine), Ok(fine.clone()));
        let refused = |change: fn(&mut WeightsContext), weights: &UidWeights| {
            let mut context = context();
            change(&mut context);
            context.check(weights).unwrap_err()
        };
        let unregistered = refused(|context| context.uid = None, &fine);
        assert_eq!(unregistered, ChainRefusal::NotRegistered(hotkey(1)));
        // Block 200 could hold weights for block 201: 100 blocks after block 101.
        let early = refused(|context| context.last_update = Block::new(103), &fine);
        assert_eq!(early, ChainRefusal::RateLimited { blocks_left: 2 });
        let unpermitted = refused(|context| context.permit = false, &fine);
        assert!(matches!(unpermitted, ChainRefusal::NoPermit { .. }));
        let twice = refused(|_| (), &weights(&[1, 1]));
        assert_eq!(twice, ChainRefusal::DuplicateUid(Uid(1)));
        let unknown = refused(|_| (), &weights(&[5]));
        assert_eq!(unknown, ChainRefusal::UnknownUid(Uid(5)));
        let mut zero = fine;
        zero.values = vec![0, 0];
        assert_eq!(refused(|_| (), &zero), ChainRefusal::AllZero);
    }

    #[test]
    fn too_few_weights_are_filled_up_with_zeros() {
        let mut context = context();
        context.min_allowed_weights = 4;
        let padded = context.check(&weights(&[1])).unwrap();
        assert_eq!(padded.uids, [Uid(1), Uid(0), Uid(2), Uid(3)]);
        assert_eq!(padded.values, [7, 0, 0, 0]);
        context.min_allowed_weights = 100;
        assert_eq!(context.check(&weights(&[1])).unwrap().uids.len(), 5);
    }

    #[test]
    fn without_a_permit_a_hotkey_may_weigh_itself_alone() {
        let mut context = context();
        context.permit = false;
        assert!(context.check(&weights(&[3])).is_ok());
    }
}
