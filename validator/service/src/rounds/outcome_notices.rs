//! Notifies miners of how their rounds ended: what happened, their score and rank, or why they have no score.
//!
//! A courtesy on which nothing depends: it is not journalled, and a miner that can't be reached isn't notified again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Record;
use foretell_core::round::{MinerState, Round};
use foretell_core::score::Score;
use foretell_core::series::RoundId;
use foretell_core::settle::VoidReason;
use foretell_core::state::SeriesState;
use foretell_evaluation::leaderboard::ranks_and_weights;
use foretell_wire::messages::{OutcomeNotice, OutcomeStatus};
use futures_util::future::join_all;

use super::miners::Miners;

/// How long a miner may take to accept its notices, however many there are.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(5);

/// Notices that were not sent yet: by miner, oldest round first.
#[derive(Debug, Default)]
pub(super) struct PendingNotices {
    by_miner: BTreeMap<Hotkey, Vec<OutcomeNotice>>,
}

impl PendingNotices {
    pub(super) fn is_empty(&self) -> bool {
        self.by_miner.is_empty()
    }

    /// Adds a notice for every miner of the round that this record ends, if it ends one. `state` is from before the record.
    pub(super) fn queue(&mut self, state: &SeriesState, record: &Record) {
        for (miner, notice) in notices_of(state, record) {
            self.by_miner.entry(miner).or_default().push(notice);
        }
    }

    /// Sends all notices, with each miner's rank and weight in this `state`, and forgets them, delivered or not.
    pub(super) async fn send(
        &mut self,
        state: &SeriesState,
        miners: &impl Miners,
        axons: &BTreeMap<Hotkey, SocketAddr>,
    ) {
        let standings = ranks_and_weights(state);
        let mut by_miner = std::mem::take(&mut self.by_miner);
        for (miner, notices) in &mut by_miner {
            let standing = standings.get(miner);
            for notice in notices {
                notice.rank = standing.map(|(rank, _)| *rank);
                notice.weight = standing.map(|(_, weight)| *weight);
            }
        }
        let serving = by_miner
            .iter()
            .filter_map(|(miner, notices)| Some((miner, *axons.get(miner)?, notices)));
        let sending = serving
            .map(|(miner, axon, notices)| miners.notify(miner, axon, notices, NOTICE_TIMEOUT));
        join_all(sending).await;
    }
}

/// How a round ended.
#[derive(Clone, Copy)]
enum RoundEnding<'a> {
    Scored {
        reference: &'a Score,
        /// Of the miners that have a score.
        miners: &'a BTreeMap<Hotkey, Score>,
    },
    Void(&'a VoidReason),
}

/// A notice for each miner that was asked, if the record ends a round; rank and weight are not known yet.
fn notices_of(state: &SeriesState, record: &Record) -> Vec<(Hotkey, OutcomeNotice)> {
    let (origin, ending) = match record {
        Record::Scored {
            round,
            reference,
            miners,
            ..
        } => (round, RoundEnding::Scored { reference, miners }),
        Record::Voided { round, why } => (round, RoundEnding::Void(why)),
        _ => return Vec::new(),
    };
    // A round that the validator never opened asked nobody.
    let Some(round) = state.open_rounds().get(origin) else {
        return Vec::new();
    };
    let id = state.genesis().series.round(*origin);
    let miner_states = round.miner_states().iter();
    miner_states
        .map(|(miner, miner_state)| {
            let notice = notice_of(&id, round, miner, miner_state, ending);
            (*miner, notice)
        })
        .collect()
}

fn notice_of(
    id: &RoundId,
    round: &Round,
    miner: &Hotkey,
    miner_state: &MinerState,
    ending: RoundEnding<'_>,
) -> OutcomeNotice {
    let (verdict, reason) = verdict_and_reason(miner_state, ending);
    let (own, reference) = match ending {
        RoundEnding::Scored { reference, miners } => (miners.get(miner), Some(reference)),
        RoundEnding::Void(_) => (None, None),
    };
    let settlement = round.settlement();
    OutcomeNotice {
        round: id.clone(),
        verdict,
        reason,
        anchor: settlement.and_then(|settlement| settlement.anchor),
        realised: settlement.map_or_else(Vec::new, |settlement| settlement.closes.clone()),
        score: own.map(|score| score.scaled_crps),
        reference: reference.map(|score| score.scaled_crps),
        rank: None,
        weight: None,
    }
}

/// What the round's end means for a miner in this state, and why, if it has no score.
fn verdict_and_reason(
    miner_state: &MinerState,
    ending: RoundEnding<'_>,
) -> (OutcomeStatus, Option<String>) {
    match (ending, miner_state) {
        (RoundEnding::Void(why), _) => (OutcomeStatus::Void, Some(why.to_string())),
        (RoundEnding::Scored { .. }, MinerState::Missed(miss)) => {
            (OutcomeStatus::Missed, Some(miss.to_string()))
        }
        (
            RoundEnding::Scored { .. },
            MinerState::Asked | MinerState::Committed(_) | MinerState::Revealed(_),
        ) => (OutcomeStatus::Scored, None),
    }
}
