//! One round, from the request to the score, as a state machine without I/O.
//!
//! ```text
//!           commitments        reveals            last target         prices          scores
//!  Asking ─────────────▶ … ─────────────▶ Running ───────────▶ … ───────────▶ Settled ──────▶ done
//!     └──────────────────────── any rule broken ─────────────────────────────────▶ void
//! ```
//!
//! An [`Event`] from outside becomes a [`Record`] ([`Round::decide`]); a record changes the state
//! ([`Round::apply`]); the state says what it [wants](Want) next. Live, replay and audit differ in who
//! brings the events and who carries out the wants, in nothing else.

mod verdict;

#[cfg(test)]
mod tests;

pub use verdict::{Miss, Place, Receipt, RejectedPayload};

use std::collections::BTreeMap;

use thiserror::Error;

use crate::attest::{Commitment, Hash, Nonce, Signature, commitment, sha256};
use crate::forecast::Forecast;
use crate::hotkey::Hotkey;
use crate::journal::{Charter, Record};
use crate::rules::Timing;
use crate::series::Series;
use crate::settle::Settlement;
use crate::time::UnixMillis;
use crate::weigh::PoolEntry;

/// A round under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    origin: UnixMillis,
    pool: Vec<PoolEntry>,
    places: BTreeMap<Hotkey, Place>,
    settlement: Option<Settlement>,
}

/// What the world tells a round. Signatures have been verified before.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A miner answered the request.
    Commitment {
        /// Who.
        miner: Hotkey,
        /// With what.
        commitment: Commitment,
        /// When, by the round clock.
        arrival: UnixMillis,
        /// The miner's signature.
        signature: Signature,
        /// The validator's signature for a receipt, not yet handed out.
        receipt: Signature,
    },
    /// A miner revealed.
    Reveal {
        /// Who.
        miner: Hotkey,
        /// When, by the round clock.
        arrival: UnixMillis,
        /// The nonce of its commitment.
        nonce: Nonce,
        /// The payload's bytes.
        payload: &'a [u8],
        /// The miner's signature.
        signature: Signature,
    },
    /// A miner did not answer, or not usably.
    Failed {
        /// Who.
        miner: Hotkey,
        /// How.
        miss: Miss,
    },
    /// The round's prices are final.
    Settled(Settlement),
}

/// What a round needs done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// Ask these miners for commitments; those that arrive later than `deadline` are misses.
    Commitments {
        /// Whom.
        from: Vec<Hotkey>,
        /// Until when, by the round clock.
        deadline: UnixMillis,
    },
    /// Ask these miners to reveal.
    Reveals {
        /// Whom, each with its receipt.
        from: Vec<(Hotkey, Receipt)>,
        /// Until when, by the round clock.
        deadline: UnixMillis,
    },
    /// Settle the round's prices.
    Settlement,
    /// Score these payloads.
    Scores {
        /// Against these prices.
        settlement: Settlement,
        /// Miner and payload hash of every forecast.
        forecasts: Vec<(Hotkey, Hash)>,
        /// The entries of the consensus.
        pool: Vec<PoolEntry>,
        /// Those without a forecast.
        missed: Vec<Hotkey>,
    },
}

/// A record or event that does not fit the round's state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("round {round}: {what} does not fit: {why}")]
pub struct Misfit {
    /// The round's origin.
    pub round: UnixMillis,
    /// Which record or event.
    pub what: &'static str,
    /// Why not.
    pub why: &'static str,
}

impl Round {
    /// A round that asks `asked` and whose consensus is made of `pool`.
    pub fn new(origin: UnixMillis, asked: &[Hotkey], pool: &[PoolEntry]) -> Self {
        Self {
            origin,
            pool: pool.to_vec(),
            places: asked.iter().map(|key| (*key, Place::Asked)).collect(),
            settlement: None,
        }
    }

    /// Where every asked miner stands.
    pub const fn places(&self) -> &BTreeMap<Hotkey, Place> {
        &self.places
    }

    /// Its prices, once they are final.
    pub const fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// What needs doing at `now`; `None` is: nothing yet.
    pub fn want(&self, now: UnixMillis, series: &Series, timing: &Timing) -> Option<Want> {
        let asked = self.keys(|place| matches!(place, Place::Asked));
        if !asked.is_empty() {
            return (now >= self.origin - timing.commit_opens_before).then(|| Want::Commitments {
                from: asked,
                deadline: self.commit_deadline(timing),
            });
        }
        let committed: Vec<(Hotkey, Receipt)> = self.receipts().collect();
        if !committed.is_empty() {
            return (now >= self.origin + timing.reveal_opens_after).then(|| Want::Reveals {
                from: committed,
                deadline: self.reveal_deadline(timing),
            });
        }
        if let Some(settlement) = &self.settlement {
            return Some(Want::Scores {
                settlement: settlement.clone(),
                forecasts: self.forecasts().collect(),
                pool: self.pool.clone(),
                missed: self.keys(|place| matches!(place, Place::Missed(_))),
            });
        }
        let settles = self.origin + series.grid.span() + timing.settles_after;
        (now >= settles).then_some(Want::Settlement)
    }

    /// The instants at which it wants something new: its windows open, and its last price is due.
    pub fn instants(&self, series: &Series, timing: &Timing) -> [UnixMillis; 3] {
        [
            self.origin - timing.commit_opens_before,
            self.origin + timing.reveal_opens_after,
            self.origin + series.grid.span() + timing.settles_after,
        ]
    }

    /// Whether a window closed at `now` that still has unanswered requests.
    ///
    /// A validator that was there would have recorded a miss for each; so it was down, and the round is void.
    pub fn was_neglected(&self, now: UnixMillis, timing: &Timing) -> bool {
        let unanswered = |open: fn(&Place) -> bool| self.places.values().any(open);
        let asked = unanswered(|place| matches!(place, Place::Asked));
        let committed = unanswered(|place| matches!(place, Place::Committed(_)));
        (asked && now > self.commit_deadline(timing))
            || (committed && now > self.reveal_deadline(timing))
    }

    /// The record that an event makes. Lateness, mismatch and rejection are decided here, and nowhere else.
    pub fn decide(&self, event: Event<'_>, charter: &Charter) -> Result<Record, Misfit> {
        let timing = charter.rules.rules().timing;
        let round = self.origin;
        match event {
            Event::Commitment {
                miner,
                commitment,
                arrival,
                signature,
                receipt,
            } => {
                self.expect(&miner, "commitment", |place| matches!(place, Place::Asked))?;
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
            Event::Reveal {
                miner,
                arrival,
                nonce,
                payload,
                signature,
            } => {
                let Some(Place::Committed(receipt)) = self.places.get(&miner) else {
                    return Err(self.misfit("reveal", "the miner has no open commitment"));
                };
                let verdict = late(arrival, self.reveal_deadline(&timing)).map_or_else(
                    || check(payload, &nonce, receipt, &miner, round, charter),
                    Err,
                );
                Ok(match verdict {
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
            Event::Failed { miner, miss } => {
                self.expect(&miner, "failure", |place| {
                    matches!(place, Place::Asked | Place::Committed(_))
                })?;
                Ok(Record::Missed { round, miner, miss })
            }
            Event::Settled(_) if self.settlement.is_some() => {
                Err(self.misfit("settlement", "the round is already settled"))
            }
            Event::Settled(settlement) => {
                let rules = charter.rules.rules().settlement;
                Ok(match settlement.outcome(charter.series.unit, &rules) {
                    Ok(_) => Record::Settled { round, settlement },
                    Err(why) => Record::Voided { round, why },
                })
            }
        }
    }

    /// Takes in a record of this round. Opening, scoring and voiding are the book's.
    pub fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        match record {
            Record::Committed {
                miner,
                commitment,
                arrival,
                receipt,
                ..
            } => {
                self.expect(miner, "commitment", |place| matches!(place, Place::Asked))?;
                let receipt = Receipt {
                    commitment: *commitment,
                    arrival: *arrival,
                    signature: *receipt,
                };
                self.places.insert(*miner, Place::Committed(receipt));
            }
            Record::Revealed { miner, payload, .. } => {
                self.expect(miner, "reveal", |place| {
                    matches!(place, Place::Committed(_))
                })?;
                self.places.insert(*miner, Place::Revealed(*payload));
            }
            Record::Missed { miner, miss, .. } => {
                self.expect(miner, "miss", |place| {
                    matches!(place, Place::Asked | Place::Committed(_))
                })?;
                self.places.insert(*miner, Place::Missed(miss.clone()));
            }
            Record::Settled { settlement, .. } if self.settlement.is_none() => {
                self.settlement = Some(settlement.clone());
            }
            _ => return Err(self.misfit("record", "it is none of an open round")),
        }
        Ok(())
    }

    fn commit_deadline(&self, timing: &Timing) -> UnixMillis {
        self.origin - timing.commit_closes_before
    }

    fn reveal_deadline(&self, timing: &Timing) -> UnixMillis {
        self.origin + timing.reveal_closes_after
    }

    fn keys(&self, wanted: fn(&Place) -> bool) -> Vec<Hotkey> {
        let matching = self.places.iter().filter(|(_, place)| wanted(place));
        matching.map(|(key, _)| *key).collect()
    }

    fn receipts(&self) -> impl Iterator<Item = (Hotkey, Receipt)> {
        self.places.iter().filter_map(|(key, place)| match place {
            Place::Committed(receipt) => Some((*key, *receipt)),
            _ => None,
        })
    }

    fn forecasts(&self) -> impl Iterator<Item = (Hotkey, Hash)> {
        self.places.iter().filter_map(|(key, place)| match place {
            Place::Revealed(payload) => Some((*key, *payload)),
            _ => None,
        })
    }

    fn expect(
        &self,
        miner: &Hotkey,
        what: &'static str,
        fits: fn(&Place) -> bool,
    ) -> Result<(), Misfit> {
        match self.places.get(miner) {
            Some(place) if fits(place) => Ok(()),
            Some(_) => Err(self.misfit(what, "the miner's place is another")),
            None => Err(self.misfit(what, "the miner was not asked")),
        }
    }

    const fn misfit(&self, what: &'static str, why: &'static str) -> Misfit {
        Misfit {
            round: self.origin,
            what,
            why,
        }
    }
}

fn late(arrival: UnixMillis, deadline: UnixMillis) -> Option<Miss> {
    (arrival > deadline).then(|| Miss::Late {
        by: arrival - deadline,
    })
}

/// The hash of a payload that matches its commitment and holds a forecast.
fn check(
    payload: &[u8],
    nonce: &Nonce,
    receipt: &Receipt,
    miner: &Hotkey,
    origin: UnixMillis,
    charter: &Charter,
) -> Result<Hash, Miss> {
    let round = charter.series.round(origin);
    if commitment(&round, &charter.validator, miner, nonce, payload) != receipt.commitment {
        return Err(Miss::Mismatch);
    }
    let hash = sha256(payload);
    match Forecast::parse(payload, &charter.series) {
        Ok(_) => Ok(hash),
        Err(rejection) => Err(Miss::Rejected(RejectedPayload {
            payload: hash,
            rejection,
        })),
    }
}
