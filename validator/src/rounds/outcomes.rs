//! Telling miners how they did: what happened, their score and place, and why they have no score where they have none.
//!
//! A courtesy on which nothing depends: it is not journalled, and who can't be reached isn't told again.

use std::collections::BTreeMap;
use std::time::Duration;

use foretell_chain::chain::Chain;
use foretell_core::book::Book;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Record;
use foretell_core::leaderboard::standings;
use foretell_core::round::{Place, Round};
use foretell_core::score::Score;
use foretell_core::series::RoundId;
use foretell_core::settle::VoidReason;
use foretell_wire::messages::{OutcomeNotice, Verdict};
use futures_util::future::join_all;

use super::miners::Miners;
use super::{Rounds, RoundsError};
use crate::store::Store;

/// How long a miner may take to listen, however much there is to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// What there is to tell, by miner, oldest round first.
pub(super) type Untold = BTreeMap<Hotkey, Vec<OutcomeNotice>>;

impl<S: Store, C: Chain, M: Miners> Rounds<S, C, M> {
    /// Notes what a record that is about to be applied says to those whose round it ends.
    pub(super) fn note_outcomes(&mut self, record: &Record) {
        for (miner, notice) in outcomes(&self.book, record) {
            self.untold.entry(miner).or_default().push(notice);
        }
    }

    /// Tells all that has been noted to whoever listens.
    pub(super) async fn tell_outcomes(&mut self) -> Result<(), RoundsError> {
        if self.untold.is_empty() {
            return Ok(());
        }
        let axons = self.axons().await?;
        let standings = standings(&self.book);
        let mut untold = std::mem::take(&mut self.untold);
        for (miner, notices) in &mut untold {
            let standing = standings.get(miner);
            for notice in notices {
                notice.rank = standing.map(|(rank, _)| *rank);
                notice.weight = standing.map(|(_, weight)| *weight);
            }
        }
        let serving = untold
            .iter()
            .filter_map(|(miner, notices)| Some((miner, *axons.get(miner)?, notices)));
        let telling =
            serving.map(|(miner, axon, notices)| self.miners.tell(miner, axon, notices, PATIENCE));
        join_all(telling).await;
        Ok(())
    }
}

/// How a round ended: with scores, or void.
type Ending<'a> = Result<Scores<'a>, &'a VoidReason>;

/// The reference's score, and everybody's who has one.
type Scores<'a> = (&'a Score, &'a BTreeMap<Hotkey, Score>);

/// What the record says to each who was asked, if it ends a round; rank and weight are not known yet.
fn outcomes(book: &Book, record: &Record) -> Vec<(Hotkey, OutcomeNotice)> {
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
    let Some(round) = book.open_rounds().get(origin) else {
        return Vec::new();
    };
    let id = book.charter().series.round(*origin);
    let places = round.places().iter();
    places
        .map(|(miner, place)| (*miner, outcome(&id, round, (miner, place), ending)))
        .collect()
}

fn outcome(
    id: &RoundId,
    round: &Round,
    (miner, place): (&Hotkey, &Place),
    ending: Ending<'_>,
) -> OutcomeNotice {
    let (verdict, reason) = match (place, ending) {
        (_, Err(why)) => (Verdict::Void, Some(why.to_string())),
        (Place::Missed(miss), Ok(_)) => (Verdict::Missed, Some(miss.to_string())),
        (Place::Asked | Place::Committed(_) | Place::Revealed(_), Ok(_)) => (Verdict::Scored, None),
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
