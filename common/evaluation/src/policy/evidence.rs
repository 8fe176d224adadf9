//! Policy `evidence` over a history: the state that runs live, fed with scored forecasts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, Record};
use foretell_core::score::{RoundScorer, ScoredForecast};
use foretell_core::settle::VoidReason;
use foretell_core::state::{SeriesState, StateError};
use foretell_core::time::UnixMillis;

use super::interface::{Policy, PolicyStanding, RoundCounts, SettledRound};
use super::member_comparison::{BestMemberComparison, MemberComparison};

/// The [`SeriesState`] that runs live, opened and scored in the order in which it would have been.
///
/// A round opens before the rounds that end at its origin are scored, as in a replay of bars, so its consensus
/// knows only what was known when forecasts were requested. Forecasts of open rounds are kept on the common levels.
#[derive(Debug)]
pub struct EvidencePolicy {
    state: SeriesState,
    known_miners: BTreeSet<Hotkey>,
    /// Rounds that have not ended yet, in order of origin.
    open_rounds: VecDeque<OpenRound>,
    failure: Option<StateError>,
    comparison: MemberComparison,
}

/// A round whose last target lies ahead.
#[derive(Debug)]
struct OpenRound {
    end: UnixMillis,
    opened: Record,
    scorer: Result<RoundScorer, VoidReason>,
    scored: BTreeMap<Hotkey, ScoredForecast>,
    missed: Vec<Hotkey>,
}

impl EvidencePolicy {
    /// The policy over the rounds of this genesis, with no round yet.
    pub fn new(genesis: Genesis) -> Self {
        Self {
            state: SeriesState::new(genesis),
            known_miners: BTreeSet::new(),
            open_rounds: VecDeque::new(),
            failure: None,
            comparison: MemberComparison::default(),
        }
    }

    /// The state, for its leaderboard.
    pub const fn state(&self) -> &SeriesState {
        &self.state
    }

    /// The first error of the state; rounds in order of origin give none.
    pub const fn failure(&self) -> Option<&StateError> {
        self.failure.as_ref()
    }

    /// The consensus beside its best member, from [`COMPARISON_STARTS_AFTER`](super::COMPARISON_STARTS_AFTER) on.
    pub fn best_member_comparison(&self) -> Option<BestMemberComparison> {
        self.comparison.best()
    }

    fn open(&mut self, round: &SettledRound<'_>) -> Result<(), StateError> {
        let missed = self
            .known_miners
            .iter()
            .filter(|key| !round.forecasts.contains_key(key));
        let missed = missed.copied().collect();
        self.known_miners.extend(round.forecasts.keys());
        let asked = self.known_miners.iter().copied().collect();
        self.state.skip_to(round.origin);
        let opened = self.state.open(round.origin, asked, round.owners)?;
        self.state.apply(&opened)?;
        self.open_rounds.push_back(OpenRound {
            end: round.origin + self.state.genesis().series.grid.span(),
            opened,
            scorer: round.scorer.cloned().map_err(Clone::clone),
            scored: round
                .scored
                .iter()
                .map(|(key, scored)| (*key, scored.pooled()))
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
            && MemberComparison::is_compared(*round, self.state.genesis().first_origin)
        {
            let widths = self.state.recalibration().factors_of_round(*round);
            let recalibrated = consensus.is_some() && !widths.is_unchanged();
            let consensus = consensus.as_ref().unwrap_or(reference);
            self.comparison.add(consensus, recalibrated, miners);
        }
    }

    /// Scores the rounds that have ended before `now`.
    fn settle(&mut self, now: UnixMillis) -> Result<(), StateError> {
        while let Some(round) = self.open_rounds.pop_front_if(|round| round.end < now) {
            let Record::Opened {
                round: origin,
                pool,
                ..
            } = round.opened
            else {
                continue;
            };
            let record = match round.scorer {
                Ok(scorer) => {
                    self.state
                        .scored_record(origin, &scorer, &round.scored, &pool, round.missed)?
                }
                Err(why) => Record::Voided { round: origin, why },
            };
            self.compare(&record);
            self.state.apply(&record)?;
        }
        Ok(())
    }
}

impl Policy for EvidencePolicy {
    fn add_round(&mut self, round: &SettledRound<'_>) {
        let added = self.settle(round.origin).and_then(|()| self.open(round));
        if let Err(error) = added {
            self.failure.get_or_insert(error);
        }
    }

    fn finish(&mut self) {
        if let Err(error) = self.settle(UnixMillis::MAX) {
            self.failure.get_or_insert(error);
        }
    }

    fn round_counts(&self) -> RoundCounts {
        RoundCounts {
            scored: self.state.reference_track().rounds(),
            void: self.state.voided().len(),
        }
    }

    fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding> {
        let weights = self.state.weights();
        let tracks = self.state.tracks().iter();
        tracks
            .map(|(key, track)| {
                let standing = PolicyStanding {
                    share: weights.share(key),
                    rounds: track.rounds(),
                    missed: track.misses(),
                };
                (*key, standing)
            })
            .collect()
    }
}
