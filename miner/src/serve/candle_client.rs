//! Where bars come from: one venue's REST interface.

use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestClient;
use foretell_feed::venue::{CandleQuery, CandleSource};

use super::forecast_error::ForecastServiceError;

/// A venue, its host and the pair that is forecast.
pub struct CandleClient {
    /// Asks.
    pub rest: RestClient,
    /// Whose language is spoken.
    pub venue: &'static dyn CandleSource,
    /// Scheme, name and port.
    pub host: String,
    /// The pair, as the venue writes it.
    pub symbol: String,
}

impl CandleClient {
    /// The bars of this step that open in `[from, to)`, oldest first; those without trades may be missing.
    pub async fn bars(
        &self,
        step: Millis,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Vec<Bar>, ForecastServiceError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let query = CandleQuery {
            symbol: &self.symbol,
            step,
            from,
            to,
        };
        let bars = self.rest.candles(self.venue, &self.host, &query).await;
        bars.map_err(|error| ForecastServiceError::Prices(Arc::new(error)))
    }
}
