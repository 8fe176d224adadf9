//! A replay venue: the bars of a file, served up to the simulated now by `validator localnet`.

use foretell_core::bar::Bar;
use serde::{Deserialize, Serialize};

use super::{CandleQuery, Venue, VenueError};

/// The replay venue.
#[derive(Debug, Clone, Copy)]
pub struct Replay;

/// Its answer, and what its server writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandlePage {
    /// Finished candles, oldest first.
    pub candles: Vec<Bar>,
}

impl Replay {
    /// Path of the route, which takes `series`, `step_ms`, `from_ms` and `to_ms`.
    pub const ROUTE: &'static str = "/v1/candles";
}

impl Venue for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn default_host(&self) -> &'static str {
        ""
    }

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let CandleQuery {
            symbol,
            step,
            from,
            to,
        } = query;
        let (route, step) = (Self::ROUTE, step.0);
        Ok(format!(
            "{route}?series={symbol}&step_ms={step}&from_ms={from}&to_ms={to}"
        ))
    }

    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Bar>, VenueError> {
        let page: CandlePage =
            serde_json::from_slice(body).map_err(|error| VenueError::Malformed {
                venue: self.name(),
                why: error.to_string(),
            })?;
        Ok(page.candles)
    }
}
