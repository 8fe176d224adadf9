//! `random-walk`: the last close, at every step.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use serde::{Deserialize, Serialize};

use super::{Fitted, Model, ModelError, last_close, same_step};
use crate::history::History;

/// The point forecast that nothing beats by much: no change. K is 1.
#[derive(Debug, Clone, Copy)]
pub struct RandomWalk;

/// Nothing but the grid.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Fit {
    grid: Grid,
}

impl Model for RandomWalk {
    type Fitted = Fit;

    fn name(&self) -> &str {
        "random-walk"
    }

    fn fit(&self, history: &History, grid: &Grid, _: u64) -> Result<Fit, ModelError> {
        same_step(history, grid)?;
        last_close(history)?;
        Ok(Fit { grid: *grid })
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
