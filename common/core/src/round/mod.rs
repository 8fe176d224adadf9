//! One round, from the request to the score, as a state machine without I/O.
//!
//! ```text
//!  each miner:  Asked ──commitment──▶ Committed ──reveal──▶ Revealed
//!                 └──────────┴─ no, late or bad answer ────▶ Missed
//!  the round:   RequestCommitments, RequestReveals ──last target──▶ Settle ──prices──▶ Score ──▶ closed
//!                 └────────────────────── any rule broken ────────────────────────────────▶ void
//! ```
//!
//! A [`RoundEvent`] from outside becomes a [`Record`] ([`Round::decide`]); a record changes the state
//! ([`Round::apply`]); the state gives the [`RoundAction`] that is due ([`Round::due_action`]). Live, replay and audit
//! differ in who brings the events and who carries out the actions, in nothing else.

mod action;
mod event;
mod miner_state;
mod transition;

#[cfg(test)]
mod tests;

pub use action::RoundAction;
pub use event::RoundEvent;
pub use miner_state::{MinerState, Receipt};
pub use transition::{InvalidTransition, TransitionInput, TransitionReason};

use std::collections::BTreeMap;

use crate::forecast::{Forecast, evidence_bytes};
use crate::hash::{Hash, Nonce, sha256};
use crate::hotkey::Hotkey;
use crate::journal::{Genesis, Record};
use crate::miss::{MissReason, RejectedPayload};
use crate::pool::Forecaster;
use crate::rules::RoundTiming;
use crate::series::Series;
use crate::settle::Settlement;
use crate::signed_text::commitment;
use crate::time::UnixMillis;

/// A round that is open: neither scored nor void.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    origin: UnixMillis,
    pool: Vec<Forecaster>,
    miner_states: BTreeMap<Hotkey, MinerState>,
    settlement: Option<Settlement>,
}

impl Round {
    /// A round that asks `asked` and whose consensus is made of `pool`.
    pub fn new(origin: UnixMillis, asked: &[Hotkey], pool: &[Forecaster]) -> Self {
        Self {
            origin,
            pool: pool.to_vec(),
            miner_states: asked.iter().map(|key| (*key, MinerState::Asked)).collect(),
            settlement: None,
        }
    }

    /// The state of every miner that the round asks.
    pub const fn miner_states(&self) -> &BTreeMap<Hotkey, MinerState> {
        &self.miner_states
    }

    /// The prices to score against, once they are final.
    pub const fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// The action that is due at `now`; `None` if there is none yet.
    pub fn due_action(
        &self,
        now: UnixMillis,
        series: &Series,
        timing: &RoundTiming,
    ) -> Option<RoundAction> {
        let asked = self.keys(|state| matches!(state, MinerState::Asked));
        if !asked.is_empty() {
            return (now >= self.origin - timing.commit_opens_before).then(|| {
                RoundAction::RequestCommitments {
                    from: asked,
                    deadline: self.commit_deadline(timing),
                }
            });
        }
        let committed: Vec<(Hotkey, Receipt)> = self.receipts().collect();
        if !committed.is_empty() {
            return (now >= self.origin + timing.reveal_opens_after).then(|| {
                RoundAction::RequestReveals {
                    from: committed,
                    deadline: self.reveal_deadline(timing),
                }
            });
        }
        if let Some(settlement) = &self.settlement {
            return Some(RoundAction::Score {
                settlement: settlement.clone(),
                forecasts: self.forecasts().collect(),
                pool: self.pool.clone(),
                missed: self.keys(|state| matches!(state, MinerState::Missed(_))),
            });
        }
        let settles = self.origin + series.grid.span() + timing.settles_after;
        (now >= settles).then_some(RoundAction::Settle)
    }

    /// The instants at which another action becomes due: its windows open, and its last price is due.
    pub fn action_times(&self, series: &Series, timing: &RoundTiming) -> [UnixMillis; 3] {
        [
            self.origin - timing.commit_opens_before,
            self.origin + timing.reveal_opens_after,
            self.origin + series.grid.span() + timing.settles_after,
        ]
    }

    /// Whether a window closed at `now` that still has unanswered requests.
    ///
    /// A validator that was there would have recorded a miss for each; so it was down, and the round is void.
    pub fn has_expired_requests(&self, now: UnixMillis, timing: &RoundTiming) -> bool {
        let unanswered = |open: fn(&MinerState) -> bool| self.miner_states.values().any(open);
        let asked = unanswered(|state| matches!(state, MinerState::Asked));
        let committed = unanswered(|state| matches!(state, MinerState::Committed(_)));
        (asked && now > self.commit_deadline(timing))
            || (committed && now > self.reveal_deadline(timing))
    }

    /// The record that an event makes. Lateness, mismatch and rejection are decided here, and nowhere else.
    pub fn decide(
        &self,
        event: RoundEvent<'_>,
        genesis: &Genesis,
    ) -> Result<Record, InvalidTransition> {
        let timing = genesis.rules.rules().timing;
        let round = self.origin;
        match event {
            RoundEvent::Commitment {
                miner,
                commitment,
                arrival,
                signature,
                receipt,
            } => {
                self.expect(&miner, TransitionInput::Commitment, |state| {
                    matches!(state, MinerState::Asked)
                })?;
                Ok(late(arrival, self.commit_deadline(&timing)).map_or(
                    Record::Committed {
                        round,
                        miner,
                        commitment,
                        arrival,
                        signature,
                        receipt,
                    },
                    |miss| Record::Missed { round, miner, miss },
                ))
            }
            RoundEvent::Reveal {
                miner,
                arrival,
                nonce,
                payload,
                signature,
            } => {
                let Some(MinerState::Committed(receipt)) = self.miner_states.get(&miner) else {
                    return Err(self.invalid_transition(
                        TransitionInput::Reveal,
                        TransitionReason::NoOpenCommitment,
                    ));
                };
                let checked = late(arrival, self.reveal_deadline(&timing)).map_or_else(
                    || check_payload(payload, &nonce, receipt, &miner, round, genesis),
                    Err,
                );
                Ok(match checked {
                    Ok(payload) => Record::Revealed {
                        round,
                        miner,
                        nonce,
                        payload,
                        signature,
                    },
                    Err(miss) => Record::Missed { round, miner, miss },
                })
            }
            RoundEvent::Failed { miner, miss } => {
                self.expect(&miner, TransitionInput::Failure, |state| {
                    matches!(state, MinerState::Asked | MinerState::Committed(_))
                })?;
                Ok(Record::Missed { round, miner, miss })
            }
            RoundEvent::Settled(_) if self.settlement.is_some() => Err(self.invalid_transition(
                TransitionInput::Settlement,
                TransitionReason::AlreadySettled,
            )),
            RoundEvent::Settled(settlement) => {
                let rules = genesis.rules.rules().settlement;
                Ok(match settlement.outcome(genesis.series.unit, &rules) {
                    Ok(_) => Record::Settled { round, settlement },
                    Err(why) => Record::Voided { round, why },
                })
            }
        }
    }

    /// Takes in a record of this round. Opening, scoring and voiding are done by the
    /// [`SeriesState`](crate::state::SeriesState).
    pub fn apply(&mut self, record: &Record) -> Result<(), InvalidTransition> {
        match record {
            Record::Committed {
                miner,
                commitment,
                arrival,
                receipt,
                ..
            } => {
                self.expect(miner, TransitionInput::Commitment, |state| {
                    matches!(state, MinerState::Asked)
                })?;
                let receipt = Receipt {
                    commitment: *commitment,
                    arrival: *arrival,
                    signature: *receipt,
                };
                self.miner_states
                    .insert(*miner, MinerState::Committed(receipt));
            }
            Record::Revealed { miner, payload, .. } => {
                self.expect(miner, TransitionInput::Reveal, |state| {
                    matches!(state, MinerState::Committed(_))
                })?;
                self.miner_states
                    .insert(*miner, MinerState::Revealed(*payload));
            }
            Record::Missed { miner, miss, .. } => {
                self.expect(miner, TransitionInput::Miss, |state| {
                    matches!(state, MinerState::Asked | MinerState::Committed(_))
                })?;
                self.miner_states
                    .insert(*miner, MinerState::Missed(miss.clone()));
            }
            Record::Settled { settlement, .. } if self.settlement.is_none() => {
                self.settlement = Some(settlement.clone());
            }
            _ => {
                return Err(self.invalid_transition(
                    TransitionInput::Record,
                    TransitionReason::NotOfOpenRound,
                ));
            }
        }
        Ok(())
    }

    fn commit_deadline(&self, timing: &RoundTiming) -> UnixMillis {
        self.origin - timing.commit_closes_before
    }

    fn reveal_deadline(&self, timing: &RoundTiming) -> UnixMillis {
        self.origin + timing.reveal_closes_after
    }

    fn keys(&self, predicate: fn(&MinerState) -> bool) -> Vec<Hotkey> {
        let matching = self
            .miner_states
            .iter()
            .filter(|(_, state)| predicate(state));
        matching.map(|(key, _)| *key).collect()
    }

    fn receipts(&self) -> impl Iterator<Item = (Hotkey, Receipt)> {
        self.miner_states
            .iter()
            .filter_map(|(key, state)| match state {
                MinerState::Committed(receipt) => Some((*key, *receipt)),
                _ => None,
            })
    }

    fn forecasts(&self) -> impl Iterator<Item = (Hotkey, Hash)> {
        self.miner_states
            .iter()
            .filter_map(|(key, state)| match state {
                MinerState::Revealed(payload) => Some((*key, *payload)),
                _ => None,
            })
    }

    fn expect(
        &self,
        miner: &Hotkey,
        input: TransitionInput,
        is_allowed: fn(&MinerState) -> bool,
    ) -> Result<(), InvalidTransition> {
        match self.miner_states.get(miner) {
            Some(state) if is_allowed(state) => Ok(()),
            Some(_) => Err(self.invalid_transition(input, TransitionReason::OtherMinerState)),
            None => Err(self.invalid_transition(input, TransitionReason::NotAsked)),
        }
    }

    const fn invalid_transition(
        &self,
        input: TransitionInput,
        reason: TransitionReason,
    ) -> InvalidTransition {
        InvalidTransition {
            round: self.origin,
            input,
            reason,
        }
    }
}

fn late(arrival: UnixMillis, deadline: UnixMillis) -> Option<MissReason> {
    (arrival > deadline).then(|| MissReason::Late {
        by: arrival - deadline,
    })
}

/// The hash of a payload that matches its commitment and holds a forecast; otherwise why the miner misses.
fn check_payload(
    payload: &[u8],
    nonce: &Nonce,
    receipt: &Receipt,
    miner: &Hotkey,
    origin: UnixMillis,
    genesis: &Genesis,
) -> Result<Hash, MissReason> {
    let round = genesis.series.round(origin);
    if commitment(&round, &genesis.validator, miner, nonce, payload) != receipt.commitment {
        return Err(MissReason::Mismatch);
    }
    let hash = sha256(payload);
    match Forecast::parse(payload, &genesis.series) {
        Ok(_) => Ok(hash),
        Err(rejection) => {
            let kept = evidence_bytes(payload, &rejection, genesis.series.grid.horizon);
            Err(MissReason::Rejected(RejectedPayload {
                payload: hash,
                dropped_bytes: (payload.len() > kept).then_some(payload.len()),
                rejection,
            }))
        }
    }
}
