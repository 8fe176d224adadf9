//! The honest forecasters of a population, and the one that an attacker would be.

use foretell_core::time::Millis;

use super::simulated_forecaster::{ForecasterKind, SimulatedForecaster, SkillClass};
use super::variance_model::{InnovationDistribution, SimulatedModelSpec};
use super::variance_sums::VarianceLevel;

const HAR_WINDOWS: &[Millis] = &[Millis::hours(1), Millis::days(1), Millis::days(7)];
const HAR_FINE_WINDOWS: &[Millis] = &[
    Millis::minutes(30),
    Millis::hours(6),
    Millis::days(2),
    Millis::days(7),
];
const HALF_YEAR: Millis = Millis::days(180);

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

/// The population: 5 good, 2 middling, 2 that only fatten tails, 7 without skill.
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
