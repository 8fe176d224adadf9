//! The replay venue: the bars of a file, served by `validator localnet` up to its simulated time. It has no trades.

use foretell_core::bar::Bar;
use foretell_kernels::decimal::{Decimal, DecimalError};
use serde::{Deserialize, Serialize};

use super::error::VenueError;
use super::json_fields::parse_response;
use super::traits::{CandleQuery, CandleSource};
use crate::event::RawCandle;

/// The replay venue; its server is in the crate of localnet.
#[derive(Debug, Clone, Copy)]
pub struct ReplaySource;

/// Its answer to a query, which its server writes: `{"candles":[…]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandlePage {
    /// Finished candles, oldest first.
    pub candles: Vec<Bar>,
}

impl ReplaySource {
    /// Path of the route, which takes `series`, `step_ms`, `from_ms` and `to_ms`.
    pub const ROUTE: &'static str = "/v1/candles";
}

impl CandleSource for ReplaySource {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn default_host(&self) -> &'static str {
        ""
    }

    fn page_size(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let CandleQuery {
            symbol,
            step,
            from,
            to,
        } = query;
        let (route, step) = (Self::ROUTE, step.get());
        Ok(format!(
            "{route}?series={symbol}&step_ms={step}&from_ms={from}&to_ms={to}"
        ))
    }

    fn has_candles(&self, body: &str) -> bool {
        body.trim_start().starts_with(r#"{"candles""#)
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        let page: CandlePage = parse_response(venue, body)?;
        for bar in page.candles {
            let Bar {
                open_time,
                open,
                high,
                low,
                close,
                volume,
            } = bar;
            let texts = [open.get(), high.get(), low.get(), close.get(), volume];
            let texts = texts.map(|number| number.to_string());
            let decimal = |text| {
                Decimal::new(text)
                    .map_err(|error: DecimalError| VenueError::malformed(venue, error.to_string()))
            };
            on(RawCandle {
                market: None,
                category: None,
                open_time,
                step: None,
                open: decimal(&texts[0])?,
                high: decimal(&texts[1])?,
                low: decimal(&texts[2])?,
                close: decimal(&texts[3])?,
                volume: decimal(&texts[4])?,
                closed: Some(true),
            });
        }
        Ok(())
    }
}
