//! `random-walk`: the last close, at every step.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use serde::{Deserialize, Serialize};

use super::model::{FittedModel, Model, ModelError, check_step, last_close};
use crate::price_history::PriceHistory;

/// The point forecast that nothing beats by much: no change. K is 1.
#[derive(Debug, Clone, Copy)]
pub struct RandomWalk;

/// Nothing is learnt: a forecast is its own history's last close.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FittedRandomWalk {
    grid: Grid,
}

impl Model for RandomWalk {
    type Fitted = FittedRandomWalk;

    fn name(&self) -> &str {
        "random-walk"
    }

    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        _: u64,
    ) -> Result<FittedRandomWalk, ModelError> {
        check_step(history, grid)?;
        last_close(history)?;
        Ok(FittedRandomWalk { grid: *grid })
    }
}

impl FittedModel for FittedRandomWalk {
    fn forecast(&self, history: &PriceHistory, _: usize) -> Result<Forecast, ModelError> {
        check_step(history, &self.grid)?;
        let horizon = self.grid.horizon;
        let values = vec![last_close(history)?; horizon];
        Ok(Forecast::quantiles(history.unit(), horizon, 1, values)?)
    }
}
