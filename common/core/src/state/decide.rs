//! From what happens to records, which are then written and applied.

use std::collections::BTreeMap;

use super::SeriesState;
use super::error::StateError;
use crate::coldkey::Coldkey;
use crate::hotkey::Hotkey;
use crate::journal::Record;
use crate::round::RoundEvent;
use crate::settle::{Settlement, VoidReason};
use crate::time::{Millis, UnixMillis};

impl SeriesState {
    /// The record that opens the round at `origin` to these miners; `owners` gives their coldkeys.
    pub fn open(
        &self,
        origin: UnixMillis,
        asked: Vec<Hotkey>,
        owners: &BTreeMap<Hotkey, Coldkey>,
    ) -> Result<Record, StateError> {
        let eligible = self.eligible();
        let owner = |miner: &Hotkey| Some((*miner, *owners.get(miner)?));
        let owners = eligible.iter().filter_map(owner).collect();
        Ok(Record::Opened {
            round: origin,
            asked,
            pool: self.pool(&eligible, &owners)?,
            owners,
        })
    }

    /// The record that an event makes in the round of `origin`, which has to be open.
    pub fn decide(&self, origin: UnixMillis, event: RoundEvent<'_>) -> Result<Record, StateError> {
        let round = self
            .rounds
            .get(&origin)
            .ok_or(StateError::RoundNotOpen(origin))?;
        Ok(round.decide(event, &self.genesis)?)
    }

    /// What the round at `origin` settles to by the prices of this journal; `None` until all that it takes is decided.
    pub fn settlement(&self, origin: UnixMillis) -> Option<Settlement> {
        let lookback = self.rules.minute.volatility_lookback;
        let prices = self.prices.as_ref()?;
        prices.settlement(&self.genesis.series, origin, lookback, &self.rules.score)
    }

    /// The records that a validator makes at `now` of the rounds whose windows nobody served: as few as there are open rounds,
    /// and one for all that were never opened, however long it was down.
    pub fn voids_on_start(&self, now: UnixMillis) -> Vec<Record> {
        let timing = &self.rules.timing;
        let why = VoidReason::ValidatorDown;
        let expired = self.rounds.iter().filter_map(|(origin, round)| {
            round.has_expired_requests(now, timing).then_some(*origin)
        });
        let voided = |round| Record::Voided {
            round,
            why: why.clone(),
        };
        let never_opened = self.last_closed_origin(now).map(|last| {
            let round = self.next_origin;
            match last == round {
                true => voided(round),
                false => Record::VoidedStretch {
                    round,
                    last,
                    why: why.clone(),
                },
            }
        });
        expired.map(voided).chain(never_opened).collect()
    }

    /// The last origin that was never opened and whose window for commitments is over at `now`; `None` if the next round's
    /// isn't.
    fn last_closed_origin(&self, now: UnixMillis) -> Option<UnixMillis> {
        let (first, every) = (self.next_origin, self.genesis.round_every);
        // The window of `origin` is over once `now` is past `origin` − `commit_closes_before`.
        let closed_before = now + self.rules.timing.commit_closes_before;
        let end = closed_before.min(self.genesis.end_origin);
        let later = (end - first - Millis::literal(1)).get();
        (later >= 0).then(|| first + every.times(later / every.get()))
    }
}
