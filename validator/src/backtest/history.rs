//! A history of rounds as far as it has been read: everybody's record under each policy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use foretell_core::forecast::Rejection;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Charter;
use foretell_core::metrics::Calibration;
use foretell_core::policy::PolicyName;
use foretell_core::replay::ReplayedPrices;
use foretell_core::score::Reference;
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::{Entry, ForecastFault, RoundForecasts};
use foretell_data::prices::PriceSeries;
use rayon::prelude::*;

use super::Options;
use super::contender::Contender;
use super::document::{Document, Exclusion, Place, Void};
use super::judging::{Court, JudgedRound, KnownRound};
use super::names::Names;
use super::report;
use super::report::album::Album;
use super::scoreboard::Scoreboard;
use crate::localnet::Timing;

/// Exclusions and void rounds that are listed; all are counted.
const LISTED: usize = 100;

/// The rounds so far.
pub struct History {
    charter: Charter,
    last_close: UnixMillis,
    names: Names,
    unsettled: usize,
    court: Court,
    /// Judged and not yet counted.
    waiting: Vec<JudgedRound>,
    record: Record,
}

/// What the counted rounds have come to.
struct Record {
    contenders: Vec<Contender>,
    board: Scoreboard,
    miss_advantage: f64,
    owners: BTreeMap<Hotkey, Hotkey>,
    voids: Vec<Void>,
    excluded: usize,
    exclusions: Vec<Exclusion>,
    valid: usize,
    /// For the page with plots, if one is wanted.
    album: Option<Album>,
}

impl History {
    /// Nothing of `rounds` rounds yet.
    pub fn new(charter: Charter, prices: &PriceSeries, options: &Options, rounds: usize) -> Self {
        let rules = charter.rules.rules();
        let mut policies: Vec<PolicyName> = Vec::new();
        for policy in &options.policies {
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        let album = options.report.is_some();
        let record = Record {
            album: album.then(|| Album::new(rounds, policies.len())),
            contenders: policies
                .into_iter()
                .map(|policy| Contender::new(policy, &charter, options.details))
                .collect(),
            board: Scoreboard::new(charter.evidence_window()),
            miss_advantage: rules.score.miss_advantage,
            owners: BTreeMap::new(),
            voids: Vec::new(),
            excluded: 0,
            exclusions: Vec::new(),
            valid: 0,
        };
        let court = Court {
            series: charter.series.clone(),
            prices: ReplayedPrices::new(charter.series.clone(), prices.bars(), &rules.score),
            reference: Reference::new(&rules.score),
            rules,
        };
        Self {
            last_close: prices.last_close(),
            names: Names::default(),
            unsettled: 0,
            court,
            waiting: Vec::new(),
            record,
            charter,
        }
    }

    /// Takes in the next rounds: they are judged while those before them are counted.
    pub fn take(&mut self, rounds: Vec<RoundForecasts>) -> Result<()> {
        let mut known = Vec::with_capacity(rounds.len());
        for round in rounds {
            known.extend(self.admit(round)?);
        }
        let judged = std::mem::take(&mut self.waiting);
        let (court, record) = (&self.court, &mut self.record);
        ((), self.waiting) = rayon::join(
            || record.count(judged),
            || {
                let known = known.into_par_iter();
                known.map(|round| court.judge(round)).collect()
            },
        );
        Ok(())
    }

    /// Ends the history.
    pub fn finish(&mut self) -> Result<()> {
        let judged = std::mem::take(&mut self.waiting);
        self.record.count(judged);
        let record = &mut self.record;
        if let (0, Some(first)) = (record.valid, record.exclusions.first()) {
            bail!(
                "all {} forecasts were left out; the first, {}, {} of {}: {}; is --horizon {} what they are for?",
                record.excluded,
                first.file,
                first.row,
                first.miner,
                first.reason,
                self.charter.series.grid.horizon,
            );
        }
        record.contenders.iter_mut().try_for_each(Contender::finish)
    }

    /// Writes the page with plots, if one was asked for, and says where it is.
    pub fn report(
        &mut self,
        folder: &Path,
        documents: &[Document],
        last: UnixMillis,
    ) -> Result<Option<PathBuf>> {
        let record = &mut self.record;
        let Some(album) = &mut record.album else {
            return Ok(None);
        };
        album.look(last, &record.contenders);
        report::write(folder, documents, &record.board, album, &self.names).map(Some)
    }

    /// The round with its forecasters' keys; `None` if its prices aren't known to the end.
    fn admit(&mut self, round: RoundForecasts) -> Result<Option<KnownRound>> {
        let origin = round.origin;
        let grid = self.charter.series.grid;
        if let Some(entry) = round.entries.first().filter(|_| !grid.contains(origin)) {
            let step_ms = grid.step.0;
            return Err(entry
                .refused(ForecastFault::OffGrid { origin, step_ms })
                .into());
        }
        let (mut keys, mut owners) = (Vec::with_capacity(round.entries.len()), Vec::new());
        for entry in &round.entries {
            let key = self.names.key(entry.miner());
            keys.push(key);
            owners.extend(entry.owner().map(|owner| (key, self.names.key(owner))));
        }
        if origin + grid.span() > self.last_close {
            self.unsettled += 1;
            return Ok(None);
        }
        Ok(Some(KnownRound {
            forecasts: round,
            keys,
            owners,
        }))
    }

    /// What each policy says of it.
    pub fn documents(&self, wanted: &BTreeSet<UnixMillis>) -> Vec<Document> {
        let document = |contender: &Contender| {
            let counts = contender.rounds();
            let mut voids = contender.voids(&self.record.voids);
            voids.truncate(LISTED);
            Document {
                series: self.charter.series.id.clone(),
                policy: contender.name().to_string(),
                rules: self.charter.rules.name().to_owned(),
                rounds: counts.scored,
                void_rounds: counts.void,
                unsettled: self.unsettled,
                leaderboard: self.places(contender),
                consensus_against_best: contender.against_best(&self.names),
                rounds_detail: contender.rounds_detail(&self.names),
                from: wanted.first().copied(),
                last: wanted.last().copied(),
                round_every_ms: self.charter.round_every,
                excluded: self.record.excluded,
                exclusions: self.record.exclusions.clone(),
                voids,
                timing: Timing::default(),
            }
        };
        self.record.contenders.iter().map(document).collect()
    }

    fn places(&self, contender: &Contender) -> Vec<Place> {
        let calibration: BTreeMap<String, &Calibration> = self
            .record
            .board
            .calibration
            .iter()
            .map(|(key, calibration)| (self.names.name(key), calibration))
            .collect();
        let taoshi = contender.taoshi_places(&self.names);
        let miners = self.record.board.miners.keys().copied().collect();
        let rows = contender.rows(&self.charter, &self.record.board, &self.names.only(&miners));
        rows.into_iter()
            .map(|row| {
                // A miner may be called what the reference is called.
                let calibration = calibration.get(&row.miner).filter(|_| row.rank >= 2);
                Place {
                    wis_bps: calibration.and_then(|c| c.weighted_interval_score()),
                    pit: calibration.and_then(|c| c.pit.shares()),
                    taoshi: taoshi.as_ref().map(|places| {
                        let place = places.get(&row.miner).filter(|_| row.rank >= 2);
                        place.copied().unwrap_or_default()
                    }),
                    row,
                }
            })
            .collect()
    }
}

impl Record {
    /// Takes in judged rounds, in order.
    fn count(&mut self, rounds: Vec<JudgedRound>) {
        for round in rounds {
            self.count_one(round);
        }
    }

    fn count_one(&mut self, mut round: JudgedRound) {
        self.owners.extend(round.owners.drain(..));
        for (entry, why) in round.rejected.drain(..) {
            self.exclude(&entry, round.origin, &why);
        }
        self.valid += round.forecasts.len();
        if let Err(why) = &round.yardstick {
            self.voids.push(Void {
                origin_ms: round.origin,
                reason: why.to_string(),
            });
        }
        let settled = round.settled(&self.owners);
        let (board, contenders) = (&mut self.board, &mut self.contenders);
        rayon::join(
            || board.take(&settled, &round.measured, self.miss_advantage),
            || contenders.par_iter_mut().for_each(|c| c.take(&settled)),
        );
        if let Some(album) = &mut self.album {
            album.take(&settled, &self.contenders);
        }
    }

    /// Leaves a forecast out, as the live round would.
    fn exclude(&mut self, entry: &Entry, origin: UnixMillis, why: &Rejection) {
        self.excluded += 1;
        if self.exclusions.len() < LISTED {
            let place = entry.place();
            let file = place.file.file_name().unwrap_or_default();
            self.exclusions.push(Exclusion {
                file: file.to_string_lossy().into_owned(),
                row: place.row.to_string(),
                origin_ms: origin,
                miner: entry.miner().to_owned(),
                reason: why.to_string(),
            });
        }
    }
}
