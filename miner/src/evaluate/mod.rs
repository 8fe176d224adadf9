//! Walk-forward: every model refitted on the past only, its forecasts scored as live ones are.
//!
//! ```text
//!  first origin ├──── refit ────┬──── refit ────┬── …        origins every `stride` steps
//!               fit on [T−365 d, T]             forecasts of the block, in parallel ──▶ scores ──▶ track records
//! ```

pub mod album;
pub mod page;
mod report;

pub use report::{Report, Timing};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_core::attest::Hex;
use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Charter, PriceOrigin};
use foretell_core::leaderboard::{Row, leaderboard};
use foretell_core::policy::{Evidence, Policy, SettledRound};
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::{Rules, RulesVersion};
use foretell_core::score::{Judged, Reference, Yardstick};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::{Millis, UnixMillis};
use rayon::prelude::*;
use thiserror::Error;

use crate::history::History;
use crate::market::Market;
use crate::models::{AnyFitted, AnyModel, LOOKBACK, ModelError};

/// The rules that scores follow.
pub const RULES: RulesVersion = RulesVersion::V1Replay;

/// What to evaluate, and how.
pub struct Walk {
    /// The models.
    pub models: Vec<Arc<dyn AnyModel>>,
    /// Steps between two origins.
    pub stride: NonZeroUsize,
    /// Time between two fits.
    pub refit_every: Millis,
    /// Quantiles per step.
    pub k: usize,
    /// Feeds whatever chance models use.
    pub seed: u64,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Walked {
    /// Number of origins.
    pub origins: usize,
    /// First and last origin.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Scored rounds.
    pub rounds: usize,
    /// Rounds that were void for lack of prices.
    pub void_rounds: usize,
    /// Reference, consensus, models.
    pub leaderboard: Vec<Row>,
    /// Why models had no forecast, the first time that it happened.
    pub refusals: Vec<(String, UnixMillis, ModelError)>,
    /// Time spent fitting, and number of fits.
    pub fitting: (Duration, usize),
}

/// Why there is no evaluation.
#[derive(Debug, Error)]
pub enum WalkError {
    /// No round fits in.
    #[error(
        "the prices end before a single round of {horizon} steps has settled: give a longer file, or a shorter --horizon"
    )]
    NoOrigin {
        /// Steps of a forecast.
        horizon: usize,
    },
    /// A book that its own rounds break.
    #[error("the book refused a round: {0}")]
    Book(String),
}

/// A scored round of a walk.
pub struct Seen<'a> {
    /// Its origin.
    pub origin: UnixMillis,
    /// What happened, and the reference.
    pub yardstick: &'a Yardstick,
    /// Models by name, with their fans and scores.
    pub models: Vec<(&'a str, &'a Judged)>,
}

/// Rounds of models that were fitted once.
struct Block {
    rounds: Vec<(UnixMillis, Round)>,
    fitting: Duration,
    fits: usize,
}

/// One round, made by whichever thread.
struct Round {
    settlement: Settlement,
    yardstick: Result<Yardstick, VoidReason>,
    forecasts: BTreeMap<Hotkey, Forecast>,
    judged: BTreeMap<Hotkey, Judged>,
    refusals: Vec<(usize, ModelError)>,
}

/// What rounds add up to, in their order.
struct Record<'a> {
    walk: &'a Walk,
    book: Evidence,
    refusals: Vec<(String, UnixMillis, ModelError)>,
    fitting: (Duration, usize),
    origins: usize,
    done: usize,
}

impl Record<'_> {
    fn take(&mut self, block: &Block, see: &mut impl FnMut(&Seen, usize, usize)) {
        self.fitting.0 += block.fitting;
        self.fitting.1 += block.fits;
        let owners = BTreeMap::new();
        for (origin, round) in &block.rounds {
            self.done += 1;
            self.book.take(&SettledRound {
                origin: *origin,
                settlement: &round.settlement,
                yardstick: round.yardstick.as_ref(),
                forecasts: &round.forecasts,
                judged: &round.judged,
                owners: &owners,
            });
            for (model, why) in &round.refusals {
                let name = self.walk.name(*model);
                if !self.refusals.iter().any(|(refused, ..)| refused == name) {
                    self.refusals.push((name.to_owned(), *origin, why.clone()));
                }
            }
            if let Ok(yardstick) = &round.yardstick {
                let models = (0..self.walk.models.len()).filter_map(|model| {
                    Some((self.walk.name(model), round.judged.get(&key(model))?))
                });
                let seen = Seen {
                    origin: *origin,
                    yardstick,
                    models: models.collect(),
                };
                see(&seen, self.done, self.origins);
            }
        }
    }
}

impl Walk {
    /// Walks through a market, from the close of the first bar of its first file on, as far as rounds can settle.
    ///
    /// Models stand in the very book that pays live miners. `see` gets every scored round in order, with how many of
    /// how many origins are done. While a block goes into the book, the next one is made.
    ///
    /// # Errors
    /// A market in which no round settles.
    pub fn through(
        &self,
        market: &Market,
        mut see: impl FnMut(&Seen, usize, usize) + Send,
    ) -> Result<Walked, WalkError> {
        let origins = self.origins(market);
        let (Some(first), Some(last)) = (origins.first().copied(), origins.last().copied()) else {
            let horizon = market.series.grid.horizon;
            return Err(WalkError::NoOrigin { horizon });
        };
        let rules = RULES.rules();
        let arena = Arena {
            market,
            history: market.history.clone().with_moves(),
            rules,
            prices: ReplayedPrices::new(market.series.clone(), market.history.bars(), &rules.score),
            reference: Reference::new(&rules.score),
            k: self.k,
        };
        let mut record = Record {
            walk: self,
            book: Evidence::new(self.charter(market, first)),
            refusals: Vec::new(),
            fitting: (Duration::ZERO, 0),
            origins: origins.len(),
            done: 0,
        };
        let mut rest = origins.as_slice();
        let mut next = self.block(&arena, first, &mut rest);
        while let Some(block) = next {
            let following = || self.block(&arena, first, &mut rest);
            (next, ()) = rayon::join(following, || record.take(&block, &mut see));
        }
        record.book.finish();
        if let Some(error) = record.book.failure() {
            return Err(WalkError::Book(error.to_string()));
        }
        let names: BTreeMap<Hotkey, String> = (0..self.models.len())
            .map(|model| (key(model), self.name(model).to_owned()))
            .collect();
        let counts = record.book.rounds();
        Ok(Walked {
            origins: origins.len(),
            span: Some((first, last)),
            rounds: counts.scored,
            void_rounds: counts.void,
            leaderboard: leaderboard(record.book.book(), &names),
            refusals: record.refusals,
            fitting: record.fitting,
        })
    }

    /// Fits at the next of the origins and makes the rounds until models are fitted again, which it takes from the
    /// `rest`; `None` when none is left.
    fn block(&self, arena: &Arena, first: UnixMillis, rest: &mut &[UnixMillis]) -> Option<Block> {
        let origin = rest.first().copied()?;
        let begun = Instant::now();
        let fitted = self.fit(arena, origin);
        let fitting = begun.elapsed();
        // A model that knows too little yet is tried again the next day, and a young history is learnt from again
        // whenever it has grown by a quarter.
        let bars = arena.market.history.bars();
        let known = bars.first().map_or(origin, |bar| bar.open_time);
        let young = if fitted.iter().any(Result::is_err) {
            Millis::days(1)
        } else {
            Millis((origin - known).0 / 4).max(Millis::days(1))
        };
        let next_fit = self.next_fit(first, origin).min(origin + young);
        let origins;
        (origins, *rest) = rest.split_at(rest.partition_point(|t| *t < next_fit));
        let rounds = origins.par_iter();
        let rounds = rounds.map(|origin| (*origin, arena.round(*origin, &fitted)));
        Some(Block {
            rounds: rounds.collect(),
            fitting,
            fits: fitted.len(),
        })
    }

    /// The origins that a walk through this market has.
    pub fn origins(&self, market: &Market) -> Vec<UnixMillis> {
        let grid = &market.series.grid;
        let stride = grid.step.times(self.stride.get() as i64);
        let first = market.first_open + grid.step;
        std::iter::successors(Some(first), |origin| Some(*origin + stride))
            .take_while(|origin| *origin + grid.span() <= market.last_close)
            .collect()
    }

    fn charter(&self, market: &Market, first: UnixMillis) -> Charter {
        Charter {
            series: market.series.clone(),
            rules: RULES,
            // Nobody signs in an evaluation.
            validator: Hotkey([0; 32]),
            first,
            end: UnixMillis(i64::MAX),
            round_every: market.series.grid.step.times(self.stride.get() as i64),
            // And no journal names the prices.
            prices: PriceOrigin::Replay {
                sha256: Hex([0; 32]),
            },
        }
    }

    /// When models are fitted next, if they were at `t`: on multiples of the interval from the first origin on.
    fn next_fit(&self, first: UnixMillis, t: UnixMillis) -> UnixMillis {
        let every = self.refit_every.0.max(1);
        first + Millis(((t - first).0 / every + 1) * every)
    }

    /// All models, fitted on what was known at `t`.
    fn fit(&self, arena: &Arena, t: UnixMillis) -> Vec<Result<Box<dyn AnyFitted>, ModelError>> {
        let known = arena.history.between(t - LOOKBACK, t);
        let models = self.models.par_iter();
        models
            .map(|model| model.fit(&known, &arena.market.series.grid, self.seed))
            .collect()
    }

    fn name(&self, model: usize) -> &str {
        self.models.get(model).map_or("", |model| model.name())
    }
}

/// The key under which a model stands in the book.
fn key(model: usize) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(model as u64 + 1).to_be_bytes());
    Hotkey(bytes)
}

/// What every round of a walk needs.
struct Arena<'a> {
    market: &'a Market,
    /// The market's, knowing its moves: every fit and every forecast looks at a part of them.
    history: History,
    rules: Rules,
    prices: ReplayedPrices,
    reference: Reference,
    k: usize,
}

impl Arena<'_> {
    /// What happened after `origin`, and what each model had foreseen.
    fn round(
        &self,
        origin: UnixMillis,
        fitted: &[Result<Box<dyn AnyFitted>, ModelError>],
    ) -> Round {
        let settlement = self.prices.settlement(origin);
        let yardstick = Yardstick::of(
            &self.market.series,
            &settlement,
            &self.reference,
            &self.rules,
        );
        let mut round = Round {
            settlement,
            yardstick,
            forecasts: BTreeMap::new(),
            judged: BTreeMap::new(),
            refusals: Vec::new(),
        };
        let known = self.history.between(origin - LOOKBACK, origin);
        for (model, fitted) in fitted.iter().enumerate() {
            let forecast = match fitted {
                Ok(fitted) => fitted.forecast(&known, self.k),
                Err(why) => Err(why.clone()),
            };
            match forecast {
                Ok(forecast) => {
                    if let Ok(yardstick) = &round.yardstick {
                        round.judged.insert(key(model), yardstick.judge(&forecast));
                    }
                    round.forecasts.insert(key(model), forecast);
                }
                Err(why) => round.refusals.push((model, why)),
            }
        }
        round
    }
}
