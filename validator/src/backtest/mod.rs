//! Backtest: a history of forecasts through the very core that scores and pays live.
//!
//! ```text
//!   forecasts files ──▶ round by round ──▶ judged (all cores) ──▶ policies, scoreboard, report
//!   price files ──────▶ settlement ────────────┘                      └──▶ documents
//! ```
//!
//! Memory holds up to three row groups of each forecasts file, which are read ahead, and the rounds of one horizon,
//! however long the files are. Results don't depend on the number of threads: each forecast is judged on its own, and
//! every sum is taken by one thread, in order of origin and miner.

mod contender;
mod document;
mod names;
mod print;
mod progress;
mod reading;
mod report;
mod scoreboard;

pub use document::Document;
pub use print::tables;
pub use progress::Progress;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use foretell_core::forecast::{Fan, Forecast, Rejection};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Charter, PriceOrigin};
use foretell_core::metrics::Calibration;
use foretell_core::policy::{PolicyName, SettledRound};
use foretell_core::price::Price;
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::RulesVersion;
use foretell_core::score::{Judged, Reference, Tally, Yardstick};
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::forecasts::{Entry, ForecastFault, RoundForecasts, Rounds, origins};
use foretell_data::prices::{PriceSeries, read};
use rayon::prelude::*;

use self::contender::Contender;
use self::document::{Exclusion, Place, Void};
use self::names::Names;
use self::report::album::Album;
use self::scoreboard::{Measured, Scoreboard};
use crate::localnet::{Timing, default_series};
use crate::moment;

/// The rules of a replay of bars.
const RULES: RulesVersion = RulesVersion::V1Replay;
/// Exclusions and void rounds that are listed; all are counted.
const LISTED: usize = 100;

/// What to score, and how.
#[derive(Debug)]
pub struct Options {
    /// Name of the series; the default one if left out.
    pub series: Option<SeriesId>,
    /// Price files, in any order.
    pub prices: Vec<PathBuf>,
    /// Forecasts files.
    pub forecasts: Vec<PathBuf>,
    /// Policies, at least one.
    pub policies: Vec<PolicyName>,
    /// First origin; the files' first if left out.
    pub from: Option<UnixMillis>,
    /// Origins are below this; the files' last is in if left out.
    pub to: Option<UnixMillis>,
    /// H.
    pub horizon: usize,
    /// Whether documents tell what policy `taoshi` did in every round.
    pub details: bool,
    /// Where the page with plots goes.
    pub report: Option<PathBuf>,
}

/// Scores the history under each policy.
pub fn run(options: &Options, progress: &mut Progress) -> Result<Vec<Document>> {
    let started = Instant::now();
    let prices = prices(&options.prices)?;
    let wanted = wanted_origins(options)?;
    let charter = charter(options, &prices, &wanted)?;
    let mut history = History::new(charter, &prices, options, wanted.len());
    let rounds = Rounds::open(&options.forecasts)?;
    let loaded = started.elapsed();
    progress.begin(wanted.len());
    reading::ahead(rounds, |round| {
        if wanted.contains(&round.origin) {
            history.take(&round)?;
            progress.advance();
        }
        let last = wanted.last().is_some_and(|last| *last <= round.origin);
        Ok(if last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    progress.end();
    history.finish()?;
    let scored = started.elapsed();
    let mut documents = history.documents(&wanted);
    if let (Some(folder), Some(album)) = (&options.report, &mut history.album) {
        album.look(
            *wanted.last().unwrap_or(&UnixMillis(0)),
            &history.contenders,
        );
        let page = report::write(folder, &documents, &history.board, album, &history.names)?;
        progress.say(&format!("report: {}", page.display()));
    }
    let timing = Timing {
        load_s: loaded.as_secs_f64(),
        score_s: (scored - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    };
    for document in &mut documents {
        document.timing = timing;
    }
    Ok(documents)
}

/// All bars of these files as one series.
pub(crate) fn prices(files: &[PathBuf]) -> Result<PriceSeries> {
    let mut parts = files
        .iter()
        .map(|file| read(file))
        .collect::<Result<Vec<_>, _>>()?;
    if let [_] = parts.as_slice() {
        return Ok(parts.remove(0));
    }
    parts.sort_by_key(PriceSeries::first_open);
    let bars = parts.into_iter().flat_map(PriceSeries::into_bars).collect();
    PriceSeries::from_bars(bars).context(
        "the price files don't make one series: they must not overlap and must have one step",
    )
}

/// Origins in the files that are asked for.
fn wanted_origins(options: &Options) -> Result<BTreeSet<UnixMillis>> {
    let all = origins(&options.forecasts)?;
    let from = options.from.unwrap_or(UnixMillis(i64::MIN));
    let to = options.to.unwrap_or(UnixMillis(i64::MAX));
    let wanted: BTreeSet<UnixMillis> = all
        .iter()
        .copied()
        .filter(|origin| from <= *origin && *origin < to)
        .collect();
    match (all.first(), all.last()) {
        (Some(first), Some(last)) if wanted.is_empty() => bail!(
            "no forecast has an origin between --from and --to: the files' go from {} to {}",
            moment::text(*first),
            moment::text(*last)
        ),
        _ => Ok(wanted),
    }
}

fn charter(
    options: &Options,
    prices: &PriceSeries,
    wanted: &BTreeSet<UnixMillis>,
) -> Result<Charter> {
    let first = wanted
        .first()
        .context("the forecasts files hold no origins")?;
    let grid = Grid {
        step: prices.step(),
        horizon: options.horizon,
    };
    Ok(Charter {
        series: Series {
            id: options.series.clone().unwrap_or_else(default_series),
            grid,
            unit: prices.unit(),
        },
        rules: RULES,
        // Nobody signs in a backtest.
        validator: Hotkey([0; 32]),
        first: *first,
        end: UnixMillis(i64::MAX),
        round_every: most_common_interval(wanted).unwrap_or(grid.span()),
        prices: PriceOrigin::Replay {
            sha256: prices.sha256(),
        },
    })
}

/// The most common distance between neighbours, the smallest of equally common ones.
fn most_common_interval(origins: &BTreeSet<UnixMillis>) -> Option<Millis> {
    let mut counts: BTreeMap<Millis, usize> = BTreeMap::new();
    for (origin, next) in origins.iter().zip(origins.iter().skip(1)) {
        *counts.entry(*next - *origin).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(interval, _)| interval)
}

/// A history as far as it has been read.
struct History {
    charter: Charter,
    prices: ReplayedPrices,
    last_close: UnixMillis,
    reference: Reference,
    contenders: Vec<Contender>,
    board: Scoreboard,
    names: Names,
    owners: BTreeMap<Hotkey, Hotkey>,
    unsettled: usize,
    voids: Vec<Void>,
    excluded: usize,
    exclusions: Vec<Exclusion>,
    valid: usize,
    /// For the page with plots, if one is wanted.
    album: Option<Album>,
}

/// A valid forecast and what this round says of it.
struct Answer {
    key: Hotkey,
    forecast: Forecast,
    judged: Option<Judged>,
    measured: Measured,
}

impl History {
    fn new(charter: Charter, prices: &PriceSeries, options: &Options, rounds: usize) -> Self {
        let rules = charter.rules.rules().score;
        let mut policies: Vec<PolicyName> = Vec::new();
        for policy in &options.policies {
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        Self {
            prices: ReplayedPrices::new(charter.series.clone(), prices.bars(), &rules),
            last_close: prices.last_close(),
            reference: Reference::new(&rules),
            album: options
                .report
                .is_some()
                .then(|| Album::new(rounds, policies.len())),
            contenders: policies
                .into_iter()
                .map(|policy| Contender::new(policy, &charter, options.details))
                .collect(),
            board: Scoreboard::new(charter.evidence_window()),
            names: Names::default(),
            owners: BTreeMap::new(),
            unsettled: 0,
            voids: Vec::new(),
            excluded: 0,
            exclusions: Vec::new(),
            valid: 0,
            charter,
        }
    }

    /// Takes in the next round.
    fn take(&mut self, round: &RoundForecasts) -> Result<()> {
        let origin = round.origin;
        let grid = self.charter.series.grid;
        if let Some(entry) = round.entries.first().filter(|_| !grid.contains(origin)) {
            let step_ms = grid.step.0;
            return Err(entry
                .refused(ForecastFault::OffGrid { origin, step_ms })
                .into());
        }
        let keys: Vec<Hotkey> = round
            .entries
            .iter()
            .map(|e| self.names.key(e.miner()))
            .collect();
        for (key, entry) in keys.iter().zip(&round.entries) {
            if let Some(owner) = entry.owner() {
                self.owners.insert(*key, self.names.key(owner));
            }
        }
        if origin + grid.span() > self.last_close {
            self.unsettled += 1;
            return Ok(());
        }
        let settlement = self.prices.settlement(origin);
        let rules = self.charter.rules.rules();
        let yardstick = Yardstick::of(&self.charter.series, &settlement, &self.reference, &rules);
        let happened = Happened {
            series: &self.charter.series,
            anchor: settlement.anchor.map(Price::get),
            moves: settlement
                .moves(self.charter.series.unit, &rules.settlement)
                .ok(),
            yardstick: yardstick.as_ref().ok(),
        };
        let answers: Vec<Result<Answer, Rejection>> = keys
            .par_iter()
            .zip(&round.entries)
            .map(|(key, entry)| happened.answer(*key, entry))
            .collect();
        let (mut forecasts, mut judged) = (Vec::new(), Vec::new());
        let mut measured = Vec::with_capacity(answers.len());
        for (answer, entry) in answers.into_iter().zip(&round.entries) {
            match answer {
                Ok(answer) => {
                    forecasts.push((answer.key, answer.forecast));
                    judged.extend(answer.judged.map(|judged| (answer.key, judged)));
                    measured.push(answer.measured);
                }
                Err(why) => self.exclude(entry, origin, &why),
            }
        }
        let forecasts: BTreeMap<Hotkey, Forecast> = forecasts.into_iter().collect();
        let judged: BTreeMap<Hotkey, Judged> = judged.into_iter().collect();
        self.valid += forecasts.len();
        if let Err(why) = &yardstick {
            self.voids.push(Void {
                origin_ms: origin,
                reason: why.to_string(),
            });
        }
        let settled = SettledRound {
            origin,
            settlement: &settlement,
            yardstick: yardstick.as_ref(),
            forecasts: &forecasts,
            judged: &judged,
            owners: &self.owners,
        };
        let (board, contenders) = (&mut self.board, &mut self.contenders);
        rayon::join(
            || board.take(&settled, &measured, rules.score.miss_advantage),
            || contenders.par_iter_mut().for_each(|c| c.take(&settled)),
        );
        if let Some(album) = &mut self.album {
            album.take(&settled, &self.contenders);
        }
        Ok(())
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

    fn finish(&mut self) -> Result<()> {
        if let (0, Some(first)) = (self.valid, self.exclusions.first()) {
            bail!(
                "all {} forecasts were left out; the first, {}, {} of {}: {}; is --horizon {} what they are for?",
                self.excluded,
                first.file,
                first.row,
                first.miner,
                first.reason,
                self.charter.series.grid.horizon,
            );
        }
        self.contenders.iter_mut().try_for_each(Contender::finish)
    }

    fn documents(&self, wanted: &BTreeSet<UnixMillis>) -> Vec<Document> {
        let document = |contender: &Contender| {
            let counts = contender.rounds();
            let mut voids = contender.voids(&self.voids);
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
                excluded: self.excluded,
                exclusions: self.exclusions.clone(),
                voids,
                timing: Timing::default(),
            }
        };
        self.contenders.iter().map(document).collect()
    }

    fn places(&self, contender: &Contender) -> Vec<Place> {
        let calibration: BTreeMap<String, &Calibration> = self
            .board
            .calibration
            .iter()
            .map(|(key, calibration)| (self.names.name(key), calibration))
            .collect();
        let taoshi = contender.taoshi_places(&self.names);
        let miners = self.board.miners.keys().copied().collect();
        let rows = contender.rows(&self.charter, &self.board, &self.names.only(&miners));
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

/// What happened in a round: all that a forecast is judged by.
struct Happened<'a> {
    series: &'a Series,
    anchor: Option<f64>,
    /// `None` where the round is void whatever its volatility.
    moves: Option<Vec<Option<f64>>>,
    yardstick: Option<&'a Yardstick>,
}

impl Happened<'_> {
    /// The forecast of an entry, judged as far as the round allows, or why it is none.
    fn answer(&self, key: Hotkey, entry: &Entry) -> Result<Answer, Rejection> {
        let Series { grid, unit, .. } = *self.series;
        let values = entry.values().to_vec();
        let forecast = Forecast::new(entry.kind(), unit, grid.horizon, entry.k(), values)?;
        let judged = self.yardstick.map(|yardstick| yardstick.judge(&forecast));
        let mut measured = Measured {
            key,
            unscaled: None,
            calibration: None,
        };
        if let (Some(moves), Some(anchor)) = (&self.moves, self.anchor) {
            let calibration = measured.calibration.insert(Calibration::default());
            match &judged {
                Some(judged) => calibration.add(&judged.fan, moves),
                None => {
                    let fan = Fan::of(&forecast, anchor, unit);
                    calibration.add(&fan, moves);
                    measured.unscaled = Some(Tally::of(&fan, moves));
                }
            }
        }
        Ok(Answer {
            key,
            forecast,
            judged,
            measured,
        })
    }
}
