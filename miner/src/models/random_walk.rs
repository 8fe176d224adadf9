//! `random-walk`: the last close, at every step.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;

use super::{Fitted, Model, ModelError, last_close, same_step};
use crate::history::History;

/// The point forecast that nothing beats by much: no change. K is 1.
#[derive(Debug, Clone, Copy)]
pub struct RandomWalk;

struct Fit {
    grid: Grid,
}

impl Model for RandomWalk {
    fn name(&self) -> &'static str {
        "random-walk"
    }

    fn fit(&self, history: &History, grid: &Grid, _: u64) -> Result<Box<dyn Fitted>, ModelError> {
        same_step(history, grid)?;
        last_close(history)?;
        Ok(Box::new(Fit { grid: *grid }))
    }
}

impl Fitted for Fit {
    fn forecast(&self, history: &History, _: usize) -> Result<Forecast, ModelError> {
        same_step(history, &self.grid)?;
        let horizon = self.grid.horizon;
        let values = vec![last_close(history)?; horizon];
        Ok(Forecast::quantiles(history.unit(), horizon, 1, values)?)
    }
}
