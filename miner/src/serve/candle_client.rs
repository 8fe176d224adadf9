//! Where bars come from: one venue's REST interface.

use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestClient;
use foretell_feed::venue::{CandleQuery, CandleSource};

use super::forecast_error::ForecastServiceError;

/// Reads candles of one pair from one venue.
pub struct CandleClient {
    /// What requests are made with.
    pub rest: RestClient,
    /// The venue, whose routes and messages are used.
    pub venue: &'static dyn CandleSource,
    /// Scheme, name and port of the venue's REST interface.
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
