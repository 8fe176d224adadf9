//! Who takes part: real forecasters of known quality.

use foretell_core::forecast::{Fan, POOL_LEVELS};
use foretell_core::time::Millis;
use serde::Serialize;

use crate::chance::normal;
use crate::market::Market;
use crate::variance::{Learnt, Level, Recipe, Shape};

const HAR: &[Millis] = &[Millis::hours(1), Millis::days(1), Millis::days(7)];
const HAR_FINE: &[Millis] = &[
    Millis::minutes(30),
    Millis::hours(6),
    Millis::days(2),
    Millis::days(7),
];
const HALF_YEAR: Millis = Millis::days(180);
/// Everybody's widths wobble by this much, each in an own way that changes from day to day.
const WOBBLE: f64 = 0.02;

/// What a forecaster is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Times volatility by clock and past.
    Good,
    /// Times volatility by the past alone.
    Middling,
    /// The reference's volatility, better shaped.
    Tails,
    /// Nothing to offer.
    None,
}

/// A forecaster.
#[derive(Debug, Clone, Copy)]
pub struct Forecaster {
    /// Its name.
    pub name: &'static str,
    /// What it is worth.
    pub class: Class,
    /// Whether it is one of those that nobody can tell apart in a month.
    pub near_equal: bool,
    manner: Manner,
}

#[derive(Debug, Clone, Copy)]
enum Manner {
    Learns(Recipe),
    /// The reference itself.
    Reference,
    /// The reference, moved by chance, by this share of its width.
    Drifting(f64),
    /// The reference, wider or narrower by chance.
    Breathing(f64),
}

const fn learns(name: &'static str, class: Class, near_equal: bool, recipe: Recipe) -> Forecaster {
    Forecaster {
        name,
        class,
        near_equal,
        manner: Manner::Learns(recipe),
    }
}

const fn recipe(level: Level, seasonal: bool, shape: Shape, memory: Millis) -> Recipe {
    Recipe {
        level,
        seasonal,
        shape,
        memory,
    }
}

/// The forecaster that an attacker would be if it were honest.
pub const HONEST_SELF: Forecaster = learns(
    "self",
    Class::Good,
    true,
    recipe(
        Level::Regressed(HAR),
        true,
        Shape::Empirical,
        Millis::days(150),
    ),
);

/// 5 good, 2 middling, 2 that only fatten tails, 7 without skill.
pub const POPULATION: [Forecaster; 16] = [
    learns(
        "har-180d",
        Class::Good,
        true,
        recipe(Level::Regressed(HAR), true, Shape::Empirical, HALF_YEAR),
    ),
    learns(
        "har-90d",
        Class::Good,
        true,
        recipe(
            Level::Regressed(HAR),
            true,
            Shape::Empirical,
            Millis::days(90),
        ),
    ),
    learns(
        "har-fine",
        Class::Good,
        true,
        recipe(
            Level::Regressed(HAR_FINE),
            true,
            Shape::Empirical,
            HALF_YEAR,
        ),
    ),
    learns(
        "seasonal-ewma-8h",
        Class::Good,
        false,
        recipe(
            Level::Averaged(Millis::hours(8)),
            true,
            Shape::Empirical,
            HALF_YEAR,
        ),
    ),
    learns(
        "seasonal-ewma-24h",
        Class::Good,
        false,
        recipe(
            Level::Averaged(Millis::hours(24)),
            true,
            Shape::Empirical,
            HALF_YEAR,
        ),
    ),
    learns(
        "har-unseasonal",
        Class::Middling,
        false,
        recipe(Level::Regressed(HAR), false, Shape::Empirical, HALF_YEAR),
    ),
    learns(
        "ewma-12h",
        Class::Middling,
        false,
        recipe(
            Level::Averaged(Millis::hours(12)),
            false,
            Shape::Empirical,
            HALF_YEAR,
        ),
    ),
    learns(
        "tails-t4",
        Class::Tails,
        false,
        recipe(
            Level::Averaged(Millis::hours(24)),
            false,
            Shape::StudentT(4.0, 0.68),
            Millis::days(8),
        ),
    ),
    learns(
        "tails-empirical",
        Class::Tails,
        false,
        recipe(
            Level::Averaged(Millis::hours(24)),
            false,
            Shape::Empirical,
            HALF_YEAR,
        ),
    ),
    learns(
        "gaussian-1d",
        Class::None,
        false,
        recipe(
            Level::Trailing(Millis::days(1)),
            false,
            Shape::Gaussian,
            Millis::days(8),
        ),
    ),
    learns(
        "gaussian-7d",
        Class::None,
        false,
        recipe(
            Level::Trailing(Millis::days(7)),
            false,
            Shape::Gaussian,
            Millis::days(8),
        ),
    ),
    learns(
        "gaussian-ewma",
        Class::None,
        false,
        recipe(
            Level::Averaged(Millis::hours(24)),
            false,
            Shape::Gaussian,
            Millis::days(8),
        ),
    ),
    Forecaster {
        name: "reference-again",
        class: Class::None,
        near_equal: false,
        manner: Manner::Reference,
    },
    Forecaster {
        name: "drift-5",
        class: Class::None,
        near_equal: false,
        manner: Manner::Drifting(0.05),
    },
    Forecaster {
        name: "drift-15",
        class: Class::None,
        near_equal: false,
        manner: Manner::Drifting(0.15),
    },
    Forecaster {
        name: "breath-10",
        class: Class::None,
        near_equal: false,
        manner: Manner::Breathing(0.10),
    },
];

/// A forecaster that has learnt what it can before a season.
#[derive(Debug)]
pub struct Ready {
    forecaster: Forecaster,
    learnt: Option<Learnt>,
    purpose: u64,
}

impl Forecaster {
    /// Learns from the bars before `now`, for forecasts up to bar `until`; `purpose` tells its chance from others'.
    pub fn learn(&self, market: &Market, now: usize, until: usize, purpose: u64) -> Ready {
        let learnt = match self.manner {
            Manner::Learns(recipe) => Some(recipe.learn(market, now, until)),
            _ => None,
        };
        Ready {
            forecaster: *self,
            learnt,
            purpose,
        }
    }
}

impl Ready {
    /// Widths of each step in bps before chance, which is all that differs between seeds; empty if there are none.
    pub fn scales(&self, market: &Market, known: usize) -> Vec<f64> {
        let learnt = self.learnt.as_ref();
        learnt.map_or_else(Vec::new, |learnt| learnt.scales(market, known))
    }

    /// The fan of a round, from its widths, the reference's (`volatility`, in bps a step) and chance.
    pub fn fan(
        &self,
        scales: &[f64],
        reference: &[f64],
        volatility: f64,
        horizon: usize,
        seed: u64,
        round: u64,
    ) -> Fan {
        let width = libm::exp(WOBBLE * self.day_by_day(seed, round));
        let fresh = normal(seed, self.purpose + 1000, round);
        let mut moves = Vec::with_capacity(horizon * POOL_LEVELS);
        for step in 1..=horizon {
            let unit = volatility * libm::sqrt(step as f64);
            match (self.forecaster.manner, &self.learnt) {
                (Manner::Learns(_), Some(learnt)) => {
                    let scale = width * scales[step - 1];
                    moves.extend(learnt.shape(step).iter().map(|q| scale * q));
                }
                (Manner::Drifting(share), _) => {
                    let shift = share * fresh;
                    moves.extend(reference.iter().map(|q| unit * (q + shift)));
                }
                (Manner::Breathing(share), _) => {
                    let breath = libm::exp(share * fresh);
                    moves.extend(reference.iter().map(|q| unit * breath * q));
                }
                _ => moves.extend(reference.iter().map(|q| unit * q)),
            }
        }
        Fan::from_moves(POOL_LEVELS, moves)
    }

    /// A standard number that drifts from one day's to the next's.
    fn day_by_day(&self, seed: u64, round: u64) -> f64 {
        let (day, part) = (round / 48, (round % 48) as f64 / 48.0);
        let at = |day| normal(seed, self.purpose, day);
        (1.0 - part) * at(day) + part * at(day + 1)
    }
}
