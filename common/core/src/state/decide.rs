//! From what happens to records, which are then written and applied.

use std::collections::BTreeMap;

use super::SeriesState;
use super::error::StateError;
use crate::coldkey::Coldkey;
use crate::hotkey::Hotkey;
use crate::journal::Record;
use crate::round::RoundEvent;
use crate::settle::{Settlement, VoidReason};
use crate::time::UnixMillis;

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

    /// The records that a validator makes when it starts at `now` and finds windows that nobody served.
    pub fn voids_on_start(&self, now: UnixMillis) -> Vec<Record> {
        let timing = &self.rules.timing;
        let expired = self.rounds.iter().filter_map(|(origin, round)| {
            round.has_expired_requests(now, timing).then_some(*origin)
        });
        let never_opened = std::iter::successors(Some(self.next_origin), |origin| {
            Some(*origin + self.genesis.round_every)
        })
        .take_while(|origin| {
            *origin < self.genesis.end_origin && now > *origin - timing.commit_closes_before
        });
        expired
            .chain(never_opened)
            .map(|round| Record::Voided {
                round,
                why: VoidReason::ValidatorDown,
            })
            .collect()
    }
}
