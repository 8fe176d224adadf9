//! Policy `evidence` over a history: the live book, fed with judged forecasts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::against_members::{AgainstBest, AgainstMembers};
use super::{Counts, Policy, SettledRound, Standing};
use crate::book::{Book, BookError};
use crate::hotkey::Hotkey;
use crate::journal::{Charter, Record};
use crate::score::{Judged, Yardstick};
use crate::settle::VoidReason;
use crate::time::UnixMillis;

/// The [`Book`] that runs live, opened and scored in the order in which it would have been.
///
/// A round opens before the rounds that end at its origin are scored, as in a replay of bars, so its consensus
/// knows only what was known when it was asked for. Meanwhile fans are kept on the common levels.
#[derive(Debug)]
pub struct Evidence {
    book: Book,
    seen: BTreeSet<Hotkey>,
    /// Rounds that have not ended yet, in order of origin.
    running: VecDeque<Running>,
    failure: Option<BookError>,
    against: AgainstMembers,
}

/// An open round.
#[derive(Debug)]
struct Running {
    end: UnixMillis,
    opened: Record,
    yardstick: Result<Yardstick, VoidReason>,
    judged: BTreeMap<Hotkey, Judged>,
    missed: Vec<Hotkey>,
}

impl Evidence {
    /// A book of this charter with nothing in it.
    pub fn new(charter: Charter) -> Self {
        Self {
            book: Book::new(charter),
            seen: BTreeSet::new(),
            running: VecDeque::new(),
            failure: None,
            against: AgainstMembers::default(),
        }
    }

    /// The book, for its leaderboard.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The first thing that the book refused; rounds in order of origin never are.
    pub const fn failure(&self) -> Option<&BookError> {
        self.failure.as_ref()
    }

    /// The consensus beside its best member, from [`MATURE_AFTER`](super::MATURE_AFTER) on.
    pub fn against_best(&self) -> Option<AgainstBest> {
        self.against.best()
    }

    fn open(&mut self, round: &SettledRound<'_>) -> Result<(), BookError> {
        let missed = self
            .seen
            .iter()
            .filter(|key| !round.forecasts.contains_key(key));
        let missed = missed.copied().collect();
        self.seen.extend(round.forecasts.keys());
        let asked = self.seen.iter().copied().collect();
        self.book.skip_to(round.origin);
        let opened = self.book.open(round.origin, asked, round.owners)?;
        self.book.apply(&opened)?;
        self.running.push_back(Running {
            end: round.origin + self.book.charter().series.grid.span(),
            opened,
            yardstick: round.yardstick.cloned().map_err(Clone::clone),
            judged: round
                .judged
                .iter()
                .map(|(key, judged)| (*key, judged.pooled()))
                .collect(),
            missed,
        });
        Ok(())
    }

    fn compare(&mut self, record: &Record) {
        if let Record::Scored {
            round,
            reference,
            consensus,
            miners,
            ..
        } = record
            && AgainstMembers::is_mature(*round, self.book.charter().first)
        {
            let widths = self.book.recalibration().of_round(*round);
            let recalibrated = consensus.is_some() && !widths.change_nothing();
            let consensus = consensus.as_ref().unwrap_or(reference);
            self.against.add(consensus, recalibrated, miners);
        }
    }

    /// Scores the rounds that have ended before `now`.
    fn settle(&mut self, now: UnixMillis) -> Result<(), BookError> {
        while let Some(round) = self.running.pop_front_if(|round| round.end < now) {
            let Record::Opened {
                round: origin,
                pool,
                ..
            } = round.opened
            else {
                continue;
            };
            let record = match round.yardstick {
                Ok(yardstick) => {
                    self.book
                        .scored(origin, &yardstick, &round.judged, &pool, round.missed)?
                }
                Err(why) => Record::Voided { round: origin, why },
            };
            self.compare(&record);
            self.book.apply(&record)?;
        }
        Ok(())
    }
}

impl Policy for Evidence {
    fn take(&mut self, round: &SettledRound<'_>) {
        let taken = self.settle(round.origin).and_then(|()| self.open(round));
        if let Err(error) = taken {
            self.failure.get_or_insert(error);
        }
    }

    fn finish(&mut self) {
        if let Err(error) = self.settle(UnixMillis(i64::MAX)) {
            self.failure.get_or_insert(error);
        }
    }

    fn rounds(&self) -> Counts {
        Counts {
            scored: self.book.reference_track().rounds(),
            void: self.book.voided().len(),
        }
    }

    fn standings(&self) -> BTreeMap<Hotkey, Standing> {
        let weights = self.book.weights();
        let tracks = self.book.tracks().iter();
        tracks
            .map(|(key, track)| {
                let standing = Standing {
                    share: weights.share(key),
                    rounds: track.rounds(),
                    missed: track.misses(),
                };
                (*key, standing)
            })
            .collect()
    }
}
