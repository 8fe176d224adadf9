//! Ablations: `har` with one part changed, so that anybody can measure what that part is worth.
//!
//! `miner evaluate --models har,har+asymmetric,…` compares them; `miner/MODELS.md` has the figures.

use foretell_core::time::Millis;

use super::elastic_net;
use super::har::{self, least_squares};
use super::variance::dynamics::DynamicsSpec;
use super::variance::{ModelSpec, ScaleRecalibration, VarianceModel};
use crate::features::FeatureSet;

/// What an ablation does to the spec of `har`.
type Change = fn(&mut ModelSpec);

/// Every ablation: its name, and what it changes.
const ABLATIONS: [(&str, Change); 24] = [
    ("asymmetric", |spec| {
        use_features(spec, FeatureSet::Asymmetric);
    }),
    ("blended", |spec| use_features(spec, FeatureSet::Blended)),
    ("volume", |spec| use_features(spec, FeatureSet::Volume)),
    ("cascade", |spec| use_features(spec, FeatureSet::Cascade)),
    ("rich", |spec| use_features(spec, FeatureSet::Rich)),
    ("rich-net", |spec| {
        spec.dynamics = vec![DynamicsSpec::Regression {
            features: FeatureSet::Rich,
            solve: elastic_net::solve,
            shrinkage: 0.0,
        }];
    }),
    ("pull-half", |spec| shrink(spec, 0.5)),
    ("pull-fifth", |spec| shrink(spec, 0.2)),
    ("season-30d", |spec| {
        spec.diurnal_profile.half_life = Some(Millis::days(30));
    }),
    ("season-60d", |spec| {
        spec.diurnal_profile.half_life = Some(Millis::days(60));
    }),
    ("season-120d", |spec| {
        spec.diurnal_profile.half_life = Some(Millis::days(120));
    }),
    ("train-90d", |spec| spec.training_span = Millis::days(90)),
    ("train-365d", |spec| spec.training_span = Millis::days(365)),
    ("student", |spec| {
        spec.residual_distribution.empirical_weight = 0.0;
    }),
    ("half-student", |spec| {
        spec.residual_distribution.empirical_weight = 0.5;
    }),
    ("smooth-6", |spec| {
        spec.residual_distribution.smoothing_steps = 6;
    }),
    ("smooth-20", |spec| {
        spec.residual_distribution.smoothing_steps = 20;
    }),
    ("recalibrated-10d", |spec| recalibrate(spec, 10, 0.5)),
    ("recalibrated-30d", |spec| recalibrate(spec, 30, 0.5)),
    ("recalibrated-60d", |spec| recalibrate(spec, 60, 1.0)),
    ("and-garch", |spec| spec.dynamics.push(DynamicsSpec::Garch)),
    ("and-ewma-12h", |spec| {
        spec.dynamics.push(DynamicsSpec::Ewma(Millis::hours(12)));
    }),
    ("and-ewma-24h", |spec| {
        spec.dynamics.push(DynamicsSpec::Ewma(Millis::hours(24)));
    }),
    ("and-rich-net", |spec| {
        spec.dynamics.push(DynamicsSpec::Regression {
            features: FeatureSet::Rich,
            solve: elastic_net::solve,
            shrinkage: 0.0,
        });
    }),
];

/// The model `har+ABLATION+ABLATION…`; `None` if the name is no such.
pub fn by_name(name: &str) -> Option<VarianceModel> {
    let (base, ablations) = name.split_once('+')?;
    if base != "har" {
        return None;
    }
    let mut spec = har::spec();
    for ablation in ablations.split('+') {
        let (_, change) = ABLATIONS.iter().find(|(known, _)| *known == ablation)?;
        change(&mut spec);
    }
    Some(VarianceModel {
        name: name.to_owned(),
        spec,
    })
}

/// The names of all ablations, as they follow `har+`.
pub fn names() -> Vec<&'static str> {
    ABLATIONS.iter().map(|(name, _)| *name).collect()
}

fn use_features(spec: &mut ModelSpec, features: FeatureSet) {
    spec.dynamics = vec![DynamicsSpec::Regression {
        features,
        solve: least_squares,
        shrinkage: 0.0,
    }];
}

fn recalibrate(spec: &mut ModelSpec, days: i64, strength: f64) {
    spec.recalibration = Some(ScaleRecalibration {
        span: Millis::days(days),
        strength,
    });
}

fn shrink(spec: &mut ModelSpec, share: f64) {
    for dynamics in &mut spec.dynamics {
        if let DynamicsSpec::Regression { shrinkage, .. } = dynamics {
            *shrinkage = share;
        }
    }
}
