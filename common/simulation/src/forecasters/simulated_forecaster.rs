//! A forecaster of known quality, before it has learnt anything.

use serde::Serialize;

use super::variance_model::SimulatedModelSpec;

/// How good a forecaster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillClass {
    /// Knows the volatility by hour and by the past.
    Good,
    /// Knows the volatility by the past alone.
    Middling,
    /// Has the reference's volatility in a better shape of distribution.
    Tails,
    /// Has no skill.
    None,
}

/// A forecaster by name, class and method.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedForecaster {
    /// The name in messages; unique in a population.
    pub name: &'static str,
    /// How good it is.
    pub class: SkillClass,
    /// Whether it is one of those too alike in skill to be told apart in a month.
    pub near_equal: bool,
    pub(super) kind: ForecasterKind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ForecasterKind {
    Model(SimulatedModelSpec),
    /// The reference itself.
    Reference,
    /// The reference, moved at random with this standard deviation, in widths of the reference.
    RandomShift(f64),
    /// The reference, widened by a random factor whose logarithm has this standard deviation.
    RandomWidth(f64),
}
