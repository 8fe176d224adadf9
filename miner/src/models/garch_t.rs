//! `garch-t`: GARCH(1,1) with Student's t on returns over their season (Bollerslev 1987).

use super::har;
use super::variance::dynamics::Way;
use super::variance::shape::Shaping;
use super::variance::{Recipe, VarianceModel};

/// GARCH for the variance of the coming steps, Student's t for the shape of the move to each.
pub fn garch_t() -> VarianceModel {
    VarianceModel {
        name: "garch-t".into(),
        recipe: Recipe {
            ways: vec![Way::Garch],
            shaping: Shaping {
                empirical: 0.0,
                smoothing: 0,
            },
            ..har::recipe()
        },
    }
}
