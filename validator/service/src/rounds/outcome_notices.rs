//! Telling miners how they did: what happened, their score and place, and why they have no score where they have none.
//!
//! A courtesy on which nothing depends: it is not journalled, and who can't be reached isn't told again.

use std::collections::BTreeMap;
use std::time::Duration;

use foretell_chain::chain::Chain;
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
use super::{RoundRunner, RoundRunnerError};
use crate::store::JournalStore;

/// How long a miner may take to listen, however much there is to tell.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(5);

/// What there is to tell, by miner, oldest round first.
pub(super) type PendingNotices = BTreeMap<Hotkey, Vec<OutcomeNotice>>;

impl<S: JournalStore, C: Chain, M: Miners> RoundRunner<S, C, M> {
    /// Notes what a record that is about to be applied says to those whose round it ends.
    pub(super) fn queue_notices(&mut self, record: &Record) {
        for (miner, notice) in notices_of(&self.state, record) {
            self.pending_notices.entry(miner).or_default().push(notice);
        }
    }

    /// Tells all that has been noted to whoever listens.
    pub(super) async fn send_notices(&mut self) -> Result<(), RoundRunnerError> {
        if self.pending_notices.is_empty() {
            return Ok(());
        }
        let axons = self.axons().await?;
        let standings = ranks_and_weights(&self.state);
        let mut pending_notices = std::mem::take(&mut self.pending_notices);
        for (miner, notices) in &mut pending_notices {
            let standing = standings.get(miner);
            for notice in notices {
                notice.rank = standing.map(|(rank, _)| *rank);
                notice.weight = standing.map(|(_, weight)| *weight);
            }
        }
        let serving = pending_notices
            .iter()
            .filter_map(|(miner, notices)| Some((miner, *axons.get(miner)?, notices)));
        let telling = serving
            .map(|(miner, axon, notices)| self.miners.notify(miner, axon, notices, NOTICE_TIMEOUT));
        join_all(telling).await;
        Ok(())
    }
}

/// How a round ended: with scores, or void.
type Ending<'a> = Result<Scores<'a>, &'a VoidReason>;

/// The reference's score, and everybody's who has one.
type Scores<'a> = (&'a Score, &'a BTreeMap<Hotkey, Score>);

/// What the record says to each who was asked, if it ends a round; rank and weight are not known yet.
fn notices_of(state: &SeriesState, record: &Record) -> Vec<(Hotkey, OutcomeNotice)> {
    let (origin, ending): (_, Ending) = match record {
        Record::Scored {
            round,
            reference,
            miners,
            ..
        } => (round, Ok((reference, miners))),
        Record::Voided { round, why } => (round, Err(why)),
        _ => return Vec::new(),
    };
    // A round that was slept through asked nobody.
    let Some(round) = state.open_rounds().get(origin) else {
        return Vec::new();
    };
    let id = state.genesis().series.round(*origin);
    let miner_states = round.miner_states().iter();
    miner_states
        .map(|(miner, miner_state)| (*miner, notice_of(&id, round, (miner, miner_state), ending)))
        .collect()
}

fn notice_of(
    id: &RoundId,
    round: &Round,
    (miner, miner_state): (&Hotkey, &MinerState),
    ending: Ending<'_>,
) -> OutcomeNotice {
    let (verdict, reason) = match (miner_state, ending) {
        (_, Err(why)) => (OutcomeStatus::Void, Some(why.to_string())),
        (MinerState::Missed(miss), Ok(_)) => (OutcomeStatus::Missed, Some(miss.to_string())),
        (MinerState::Asked | MinerState::Committed(_) | MinerState::Revealed(_), Ok(_)) => {
            (OutcomeStatus::Scored, None)
        }
    };
    let scores = ending.ok();
    let own = scores.and_then(|(_, miners)| miners.get(miner));
    let settlement = round.settlement();
    OutcomeNotice {
        round: id.clone(),
        verdict,
        reason,
        anchor: settlement.and_then(|settlement| settlement.anchor),
        realised: settlement.map_or_else(Vec::new, |settlement| settlement.closes.clone()),
        score: own.map(|score| score.scaled_crps),
        reference: scores.map(|(reference, _)| reference.scaled_crps),
        rank: None,
        weight: None,
    }
}
