//! `har-plus`: the best single model that the search on 2022-2024 found; `miner/MODELS.md` has the figures.
//!
//! Two regressions, averaged in log variance: `har` that takes falls apart from rises, and an elastic net on 22 features.
//! Both learn from the last 90 days.

use foretell_core::time::Millis;

use super::variance::dynamics::DynamicsSpec;
use super::variance::{ModelSpec, VarianceModel};
use super::{elastic_net, har};
use crate::features::FeatureSet;

/// `har` with the ablations that the search kept.
pub fn har_plus() -> VarianceModel {
    VarianceModel {
        name: "har-plus".into(),
        spec: spec(),
    }
}

fn spec() -> ModelSpec {
    let regression = |features, solve| DynamicsSpec::Regression {
        features,
        solve,
        shrinkage: 0.0,
    };
    ModelSpec {
        dynamics: vec![
            regression(FeatureSet::Asymmetric, har::least_squares),
            regression(FeatureSet::Rich, elastic_net::solve),
        ],
        training_span: Millis::days(90),
        ..har::spec()
    }
}
