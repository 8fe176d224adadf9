//! `garch-t`: GARCH(1,1) with Student's t on deseasonalised returns (Bollerslev 1987).

use super::har;
use super::variance::dynamics::DynamicsSpec;
use super::variance::residual_distribution::ResidualDistributionSpec;
use super::variance::{ModelSpec, VarianceModel};

/// GARCH for the variance of the coming steps, Student's t for the residuals of each.
pub fn garch_t() -> VarianceModel {
    VarianceModel {
        name: "garch-t".into(),
        spec: ModelSpec {
            dynamics: vec![DynamicsSpec::Garch],
            residual_distribution: ResidualDistributionSpec {
                empirical_weight: 0.0,
                smoothing_steps: 0,
            },
            ..har::spec()
        },
    }
}
