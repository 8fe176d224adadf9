//! A forecaster of known quality.

use serde::Serialize;

use super::variance_model::SimulatedModelSpec;

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
    pub(super) kind: ForecasterKind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ForecasterKind {
    Model(SimulatedModelSpec),
    /// The reference itself.
    Reference,
    /// The reference, moved by chance, by this share of its width.
    RandomShift(f64),
    /// The reference, wider or narrower by chance.
    RandomWidth(f64),
}
