//! What one model of variance does differently from another.

use foretell_core::time::Millis;

use super::conditional_mean::ConditionalMeanSpec;
use super::dynamics::DynamicsSpec;
use super::residual_distribution::ResidualDistributionSpec;
use super::scale_recalibration::ScaleRecalibration;
use crate::diurnal_profile::DiurnalProfileSpec;

/// The parts that a model of variance is put together from.
#[derive(Clone)]
pub struct ModelSpec {
    /// How the diurnal profile is learnt.
    pub diurnal_profile: DiurnalProfileSpec,
    /// Dynamics, whose log variances are averaged.
    pub dynamics: Vec<DynamicsSpec>,
    /// Span of the rows that dynamics and distributions are learnt from; the diurnal profile
    /// looks back the whole [`MAX_LOOKBACK`](crate::models::MAX_LOOKBACK).
    pub training_span: Millis,
    /// How residual distributions are learnt.
    pub residual_distribution: ResidualDistributionSpec,
    /// How the conditional mean is learnt; `None` centres forecasts on the last close.
    pub conditional_mean: Option<ConditionalMeanSpec>,
    /// How scales follow the newest returns between two fits; `None` leaves them as they were fitted.
    pub recalibration: Option<ScaleRecalibration>,
}
