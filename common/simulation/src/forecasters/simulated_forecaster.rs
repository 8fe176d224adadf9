//! Who takes part: real forecasters of known quality.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};
use foretell_core::time::Millis;
use serde::Serialize;

use crate::counter_rng::normal;
use crate::historical_market::HistoricalMarket;
use crate::variance::{InnovationDistribution, SimulatedModel, SimulatedModelSpec, VarianceLevel};

const HAR_WINDOWS: &[Millis] = &[Millis::hours(1), Millis::days(1), Millis::days(7)];
const HAR_FINE_WINDOWS: &[Millis] = &[
    Millis::minutes(30),
    Millis::hours(6),
    Millis::days(2),
    Millis::days(7),
];
const HALF_YEAR: Millis = Millis::days(180);
/// Everybody's widths wobble by this much, each in an own way that changes from day to day.
const WIDTH_NOISE: f64 = 0.02;

/// What a forecaster is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillClass {
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
pub struct SimulatedForecaster {
    /// Its name.
    pub name: &'static str,
    /// What it is worth.
    pub class: SkillClass,
    /// Whether it is one of those that nobody can tell apart in a month.
    pub near_equal: bool,
    kind: ForecasterKind,
}

#[derive(Debug, Clone, Copy)]
enum ForecasterKind {
    Model(SimulatedModelSpec),
    /// The reference itself.
    Reference,
    /// The reference, moved by chance, by this share of its width.
    RandomShift(f64),
    /// The reference, wider or narrower by chance.
    RandomWidth(f64),
}

const fn model_based(
    name: &'static str,
    class: SkillClass,
    near_equal: bool,
    spec: SimulatedModelSpec,
) -> SimulatedForecaster {
    SimulatedForecaster {
        name,
        class,
        near_equal,
        kind: ForecasterKind::Model(spec),
    }
}

const fn spec(
    level: VarianceLevel,
    seasonal: bool,
    distribution: InnovationDistribution,
    training_span: Millis,
) -> SimulatedModelSpec {
    SimulatedModelSpec {
        level,
        seasonal,
        distribution,
        training_span,
    }
}

/// The forecaster that an attacker would be if it were honest.
pub const HONEST_ATTACKER: SimulatedForecaster = model_based(
    "self",
    SkillClass::Good,
    true,
    spec(
        VarianceLevel::HarRegression(HAR_WINDOWS),
        true,
        InnovationDistribution::Empirical,
        Millis::days(150),
    ),
);

/// 5 good, 2 middling, 2 that only fatten tails, 7 without skill.
pub const HONEST_FORECASTERS: [SimulatedForecaster; 16] = [
    model_based(
        "har-180d",
        SkillClass::Good,
        true,
        spec(
            VarianceLevel::HarRegression(HAR_WINDOWS),
            true,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "har-90d",
        SkillClass::Good,
        true,
        spec(
            VarianceLevel::HarRegression(HAR_WINDOWS),
            true,
            InnovationDistribution::Empirical,
            Millis::days(90),
        ),
    ),
    model_based(
        "har-fine",
        SkillClass::Good,
        true,
        spec(
            VarianceLevel::HarRegression(HAR_FINE_WINDOWS),
            true,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "seasonal-ewma-8h",
        SkillClass::Good,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(8)),
            true,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "seasonal-ewma-24h",
        SkillClass::Good,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(24)),
            true,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "har-unseasonal",
        SkillClass::Middling,
        false,
        spec(
            VarianceLevel::HarRegression(HAR_WINDOWS),
            false,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "ewma-12h",
        SkillClass::Middling,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(12)),
            false,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "tails-t4",
        SkillClass::Tails,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(24)),
            false,
            InnovationDistribution::StudentT(4.0, 0.68),
            Millis::days(8),
        ),
    ),
    model_based(
        "tails-empirical",
        SkillClass::Tails,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(24)),
            false,
            InnovationDistribution::Empirical,
            HALF_YEAR,
        ),
    ),
    model_based(
        "gaussian-1d",
        SkillClass::None,
        false,
        spec(
            VarianceLevel::TrailingMean(Millis::days(1)),
            false,
            InnovationDistribution::Gaussian,
            Millis::days(8),
        ),
    ),
    model_based(
        "gaussian-7d",
        SkillClass::None,
        false,
        spec(
            VarianceLevel::TrailingMean(Millis::days(7)),
            false,
            InnovationDistribution::Gaussian,
            Millis::days(8),
        ),
    ),
    model_based(
        "gaussian-ewma",
        SkillClass::None,
        false,
        spec(
            VarianceLevel::Ewma(Millis::hours(24)),
            false,
            InnovationDistribution::Gaussian,
            Millis::days(8),
        ),
    ),
    SimulatedForecaster {
        name: "reference-again",
        class: SkillClass::None,
        near_equal: false,
        kind: ForecasterKind::Reference,
    },
    SimulatedForecaster {
        name: "drift-5",
        class: SkillClass::None,
        near_equal: false,
        kind: ForecasterKind::RandomShift(0.05),
    },
    SimulatedForecaster {
        name: "drift-15",
        class: SkillClass::None,
        near_equal: false,
        kind: ForecasterKind::RandomShift(0.15),
    },
    SimulatedForecaster {
        name: "breath-10",
        class: SkillClass::None,
        near_equal: false,
        kind: ForecasterKind::RandomWidth(0.10),
    },
];

/// A forecaster that has learnt what it can before a season.
#[derive(Debug)]
pub struct TrainedForecaster {
    forecaster: SimulatedForecaster,
    model: Option<SimulatedModel>,
    stream: u64,
}

impl SimulatedForecaster {
    /// Learns from the bars before `now`, for forecasts up to bar `until`; `stream` tells its chance from others'.
    pub fn fit(
        &self,
        market: &HistoricalMarket,
        now: usize,
        until: usize,
        stream: u64,
    ) -> TrainedForecaster {
        let model = match self.kind {
            ForecasterKind::Model(spec) => Some(spec.fit(market, now, until)),
            _ => None,
        };
        TrainedForecaster {
            forecaster: *self,
            model,
            stream,
        }
    }
}

impl TrainedForecaster {
    /// Widths of each step in bps before chance, which is all that differs between seeds; empty if there are none.
    pub fn scales(&self, market: &HistoricalMarket, known: usize) -> Vec<f64> {
        let model = self.model.as_ref();
        model.map_or_else(Vec::new, |model| model.scales(market, known))
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
    ) -> QuantileForecast {
        let width = libm::exp(WIDTH_NOISE * self.daily_noise(seed, round));
        let fresh = normal(seed, self.stream + 1000, round);
        let mut moves = Vec::with_capacity(horizon * POOL_LEVELS);
        for step in 1..=horizon {
            let unit = volatility * libm::sqrt(step as f64);
            match (self.forecaster.kind, &self.model) {
                (ForecasterKind::Model(_), Some(model)) => {
                    let scale = width * scales[step - 1];
                    moves.extend(model.quantiles(step).iter().map(|q| scale * q));
                }
                (ForecasterKind::RandomShift(share), _) => {
                    let shift = share * fresh;
                    moves.extend(reference.iter().map(|q| unit * (q + shift)));
                }
                (ForecasterKind::RandomWidth(share), _) => {
                    let factor = libm::exp(share * fresh);
                    moves.extend(reference.iter().map(|q| unit * factor * q));
                }
                _ => moves.extend(reference.iter().map(|q| unit * q)),
            }
        }
        QuantileForecast::from_moves(POOL_LEVELS, moves)
    }

    /// A standard number that drifts from one day's to the next's.
    fn daily_noise(&self, seed: u64, round: u64) -> f64 {
        let (day, part) = (round / 48, (round % 48) as f64 / 48.0);
        let at = |day| normal(seed, self.stream, day);
        (1.0 - part) * at(day) + part * at(day + 1)
    }
}
