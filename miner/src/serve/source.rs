//! Where bars come from: one venue's REST interface.

use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestClient;
use foretell_feed::venue::{CandleQuery, CandleSource};

use super::desk::DeskError;

/// A venue, its host and the pair that is forecast.
pub struct Source {
    /// Asks.
    pub rest: RestClient,
    /// Whose language is spoken.
    pub venue: &'static dyn CandleSource,
    /// Scheme, name and port.
    pub host: String,
    /// The pair, as the venue writes it.
    pub symbol: String,
}

impl Source {
    /// The bars of this step that open in `[from, to)`, oldest first; those without trades may be missing.
    pub async fn bars(
        &self,
        step: Millis,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Vec<Bar>, DeskError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let query = CandleQuery {
            symbol: &self.symbol,
            step,
            from,
            to,
        };
        let candles = self.rest.candles(self.venue, &self.host, &query).await;
        candles.map_err(|error| DeskError::Prices(Arc::new(error)))
    }
}
