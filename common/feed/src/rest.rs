//! Candles over REST: pages of a venue's answers, with deadlines.

use std::sync::Arc;
use std::time::Duration;

use foretell_core::bar::Bar;
use thiserror::Error;

use crate::venue::{CandleQuery, Venue, VenueError};

/// Longest answer to one request.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// A client for the REST half of any venue.
#[derive(Debug, Clone)]
pub struct RestClient {
    http: reqwest::Client,
}

/// Why there are no candles.
#[derive(Debug, Error)]
pub enum RestError {
    /// No HTTP client.
    #[error("can't set up HTTP")]
    Client(#[source] reqwest::Error),
    /// No TLS.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
    /// No connection, no answer in time, or it broke off.
    #[error("{venue} can't be reached at {url}")]
    Unreachable {
        /// The venue.
        venue: &'static str,
        /// What was asked.
        url: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// An HTTP status other than success.
    #[error("{venue} answered status {status} at {url}")]
    Status {
        /// The venue.
        venue: &'static str,
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
    },
    /// An answer beyond all expectation.
    #[error("{venue} answered more than {MAX_ANSWER_BYTES} bytes at {url}")]
    TooLong {
        /// The venue.
        venue: &'static str,
        /// What was asked.
        url: String,
    },
    /// The venue's own part.
    #[error(transparent)]
    Venue(#[from] VenueError),
}

impl RestClient {
    /// A client that gives each request `deadline`. Roots of trust are compiled in, so that it works on a
    /// machine without certificates.
    pub fn new(deadline: Duration) -> Result<Self, RestError> {
        let roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .timeout(deadline)
            .user_agent(concat!("foretell/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(RestError::Client)?;
        Ok(Self { http })
    }

    /// All finished candles that `query` asks for, oldest first, page by page.
    ///
    /// `host` is scheme, name and port without a trailing slash. No two candles are the same. Fewer candles than asked for is no error:
    /// venues leave out minutes without trades and the future.
    pub async fn candles(
        &self,
        venue: &dyn Venue,
        host: &str,
        query: &CandleQuery<'_>,
    ) -> Result<Vec<Bar>, RestError> {
        let mut bars: Vec<Bar> = Vec::new();
        let mut from = query.from;
        while from < query.to {
            let page = CandleQuery { from, ..*query };
            let before = bars.len();
            for bar in self.page(venue, host, &page).await? {
                // Venues repeat candles, and some answer more than was asked for.
                if bar.open_time >= from && bar.open_time < query.to {
                    from = bar.open_time + query.step;
                    bars.push(bar);
                }
            }
            if bars.len() == before {
                break;
            }
        }
        Ok(bars)
    }

    async fn page(
        &self,
        venue: &dyn Venue,
        host: &str,
        query: &CandleQuery<'_>,
    ) -> Result<Vec<Bar>, RestError> {
        let url = format!("{host}{}", venue.candles_path(query)?);
        let unreachable = |source| RestError::Unreachable {
            venue: venue.name(),
            url: url.clone(),
            source,
        };
        let mut response = self.http.get(&url).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                let venue = venue.name();
                return Err(RestError::TooLong { venue, url });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(venue.parse_candles(&body)?);
        }
        // A venue that says why in its own words is quoted; else the status has to do.
        match venue.parse_candles(&body) {
            Err(refused @ VenueError::Refused { .. }) => Err(refused.into()),
            _ => Err(RestError::Status {
                venue: venue.name(),
                url,
                status: status.as_u16(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
