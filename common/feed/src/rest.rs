//! Candles over REST: pages of a venue's answers, with deadlines.

use std::sync::Arc;
use std::time::Duration;

use foretell_core::bar::Bar;
use foretell_core::time::UnixMillis;
use thiserror::Error;

use crate::venue::{CandleQuery, Venue, VenueError};

/// Longest answer to one request.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// A client for the REST half of any venue.
#[derive(Debug, Clone)]
pub struct RestClient {
    http: reqwest::Client,
    deadline: Duration,
}

/// Why there are no candles.
#[derive(Debug, Error)]
pub enum RestError {
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
    pub fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        let roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = reqwest::Client::builder()
            .timeout(deadline)
            .user_agent(concat!("foretell/", env!("CARGO_PKG_VERSION")));
        let http = match rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
        {
            Ok(config) => builder.tls_backend_preconfigured(
                config.with_root_certificates(roots).with_no_client_auth(),
            ),
            // Ring speaks every default version; without it the client still speaks plain HTTP.
            Err(_) => builder,
        }
        .build()?;
        Ok(Self { http, deadline })
    }

    /// All finished candles that `query` asks for, oldest first, page by page.
    ///
    /// `host` is scheme, name and port without a trailing slash. Fewer candles than asked for is no error:
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
            let answer = self.page(venue, host, &page).await?;
            let wanted = |bar: &Bar| bar.open_time >= from && bar.open_time < query.to;
            let before = bars.len();
            bars.extend(answer.into_iter().filter(wanted));
            match bars.last() {
                Some(last) if bars.len() > before => from = last.open_time + query.step,
                _ => break,
            }
        }
        Ok(bars)
    }

    /// The deadline of each request.
    pub const fn deadline(&self) -> Duration {
        self.deadline
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

/// The newest candles of `count` steps that end before `now`, as far as the venue has them.
pub const fn newest(query_step_ms: i64, now: UnixMillis, count: i64) -> (UnixMillis, UnixMillis) {
    let end = now.0 - now.0.rem_euclid(query_step_ms);
    (UnixMillis(end - count * query_step_ms), UnixMillis(end))
}
