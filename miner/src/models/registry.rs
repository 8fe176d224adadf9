//! All models by name.

use std::sync::Arc;

use thiserror::Error;

use super::model::AnyModel;
use super::{ablations, elastic_net, ensemble, garch_t, gaussian, har, har_plus, pls, random_walk};

/// The models, simplest first: a new one takes a line here.
pub fn all() -> Vec<Arc<dyn AnyModel>> {
    vec![
        Arc::new(random_walk::RandomWalk),
        Arc::new(gaussian::Gaussian),
        Arc::new(garch_t::garch_t()),
        Arc::new(har::har()),
        Arc::new(har_plus::har_plus()),
        Arc::new(elastic_net::elastic_net()),
        Arc::new(pls::pls()),
        Arc::new(ensemble::ensemble()),
    ]
}

/// A name that no model has; its message lists those that exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is no model: use one of {}; or har+ABLATION with one of {}", names().join(", "), ablations::names().join(", "))]
pub struct UnknownModel {
    /// The name that was asked for.
    pub name: String,
}

/// The names of [`all`] models, in their order.
pub fn names() -> Vec<String> {
    all().iter().map(|model| model.name().to_owned()).collect()
}

/// The model of this name; `har+ABLATION` is `har` with one of the ablations that were tried.
///
/// # Errors
/// No model has the name; the error lists those that exist.
pub fn by_name(name: &str) -> Result<Arc<dyn AnyModel>, UnknownModel> {
    let known = all().into_iter().find(|model| model.name() == name);
    let ablation = || ablations::by_name(name).map(|model| Arc::new(model) as Arc<dyn AnyModel>);
    known.or_else(ablation).ok_or_else(|| UnknownModel {
        name: name.to_owned(),
    })
}
