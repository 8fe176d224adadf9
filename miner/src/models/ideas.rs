//! The search for tenths: `har` with one thing changed, so that anybody can measure what it gives.
//!
//! `miner evaluate --models har,har+asymmetric,…` compares them; `miner/MODELS.md` says what came out.

use foretell_core::time::Millis;

use super::elastic_net;
use super::har::{self, least_squares};
use super::variance::dynamics::Way;
use super::variance::{Recalibration, Recipe, VarianceModel};
use crate::features::Features;

/// A change of a recipe.
type Change = fn(&mut Recipe);

/// Every idea: its name, and what it changes.
const IDEAS: [(&str, Change); 24] = [
    ("asymmetric", |recipe| see(recipe, Features::Asymmetric)),
    ("blended", |recipe| see(recipe, Features::Blended)),
    ("volume", |recipe| see(recipe, Features::Volume)),
    ("cascade", |recipe| see(recipe, Features::Cascade)),
    ("rich", |recipe| see(recipe, Features::Rich)),
    ("rich-net", |recipe| {
        recipe.ways = vec![Way::Regression {
            features: Features::Rich,
            solve: elastic_net::solve,
            pull: 0.0,
        }];
    }),
    ("pull-half", |recipe| pull(recipe, 0.5)),
    ("pull-fifth", |recipe| pull(recipe, 0.2)),
    ("season-30d", |recipe| {
        recipe.seasoning.half_life = Some(Millis::days(30));
    }),
    ("season-60d", |recipe| {
        recipe.seasoning.half_life = Some(Millis::days(60));
    }),
    ("season-120d", |recipe| {
        recipe.seasoning.half_life = Some(Millis::days(120));
    }),
    ("train-90d", |recipe| recipe.training = Millis::days(90)),
    ("train-365d", |recipe| recipe.training = Millis::days(365)),
    ("student", |recipe| recipe.shaping.empirical = 0.0),
    ("half-student", |recipe| recipe.shaping.empirical = 0.5),
    ("smooth-6", |recipe| recipe.shaping.smoothing = 6),
    ("smooth-20", |recipe| recipe.shaping.smoothing = 20),
    ("recalibrated-10d", |recipe| recalibrate(recipe, 10, 0.5)),
    ("recalibrated-30d", |recipe| recalibrate(recipe, 30, 0.5)),
    ("recalibrated-60d", |recipe| recalibrate(recipe, 60, 1.0)),
    ("and-garch", |recipe| recipe.ways.push(Way::Garch)),
    ("and-ewma-12h", |recipe| {
        recipe.ways.push(Way::Ewma(Millis::hours(12)));
    }),
    ("and-ewma-24h", |recipe| {
        recipe.ways.push(Way::Ewma(Millis::hours(24)));
    }),
    ("and-rich-net", |recipe| {
        recipe.ways.push(Way::Regression {
            features: Features::Rich,
            solve: elastic_net::solve,
            pull: 0.0,
        });
    }),
];

/// The model `har+IDEA+IDEA…`.
pub fn by_name(name: &str) -> Option<VarianceModel> {
    let (base, ideas) = name.split_once('+')?;
    if base != "har" {
        return None;
    }
    let mut recipe = har::recipe();
    for idea in ideas.split('+') {
        let (_, change) = IDEAS.iter().find(|(known, _)| *known == idea)?;
        change(&mut recipe);
    }
    Some(VarianceModel {
        name: name.to_owned(),
        recipe,
    })
}

/// The names of all ideas.
pub fn names() -> Vec<&'static str> {
    IDEAS.iter().map(|(name, _)| *name).collect()
}

fn see(recipe: &mut Recipe, features: Features) {
    recipe.ways = vec![Way::Regression {
        features,
        solve: least_squares,
        pull: 0.0,
    }];
}

fn recalibrate(recipe: &mut Recipe, days: i64, strength: f64) {
    recipe.recalibration = Some(Recalibration {
        span: Millis::days(days),
        strength,
    });
}

fn pull(recipe: &mut Recipe, share: f64) {
    for way in &mut recipe.ways {
        if let Way::Regression { pull, .. } = way {
            *pull = share;
        }
    }
}
