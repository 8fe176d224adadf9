//! `har-plus`: the best single model that the search on 2022-2024 found; `miner/MODELS.md` has the figures.
//!
//! Two regressions, averaged in log variance: `har` that knows falls from rises, and an elastic net on 22 features.
//! Both learn from the last 90 days.

use foretell_core::time::Millis;

use super::variance::dynamics::Way;
use super::variance::{Recipe, VarianceModel};
use super::{elastic_net, har};
use crate::features::Features;

/// `har` with what the search added.
pub fn har_plus() -> VarianceModel {
    VarianceModel {
        name: "har-plus".into(),
        recipe: recipe(),
    }
}

fn recipe() -> Recipe {
    let regression = |features, solve| Way::Regression {
        features,
        solve,
        pull: 0.0,
    };
    Recipe {
        ways: vec![
            regression(Features::Asymmetric, har::least_squares),
            regression(Features::Rich, elastic_net::solve),
        ],
        training: Millis::days(90),
        ..har::recipe()
    }
}
