//! Candles over REST, page by page: from the network with a deadline for each request, or from a recording.
//!
//! A host may answer what it likes: no redirect is followed, so that none leads to an address of the operator's own
//! network; nothing is decompressed; a body has a limit; a pause that it asks for has one, too; and candles that are far
//! from those asked for are refused.

mod error;
mod http_source;
mod rate_limit;
mod recorded_responses;

use std::time::Duration;

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};

pub use self::error::RestError;
use self::http_source::{HttpResponse, HttpSource};
use self::rate_limit::HostRateLimits;
pub use self::recorded_responses::{RecordedResponse, RecordedResponses};
use crate::candle::{self, Candle};
use crate::tls;
use crate::venue::{AnswerRange, CandleQuery, CandleSource, VenueError};

/// The longest candle of any venue's answer, as text: the longest that is known has 250 bytes.
const MAX_CANDLE_BYTES: usize = 512;
/// Room for what surrounds the candles, and for a page that has some more than it should.
const MIN_PAGE_BYTES: usize = 64 << 10;
/// Longest page of any venue: 10,000 candles have less than 1 MB.
const MAX_PAGE_BYTES: usize = 4 << 20;
/// Longest table of values: ten years of them every five minutes have some 30 MB.
const MAX_TABLE_BYTES: usize = 64 << 20;
/// Candles may be this much before or after those asked for, or a page, whichever is more: some venues round.
const RANGE_TOLERANCE: Millis = Millis::days(1);

/// A client for the REST interface of any venue. A host that refuses us isn't asked again before its `Retry-After` is
/// over, or five minutes, by this client and its clones; other hosts are.
#[derive(Debug, Clone)]
pub struct RestClient {
    http_source: HttpSource,
    rate_limits: HostRateLimits,
}

impl RestClient {
    /// A client that gives each request `deadline`. It brings its own [TLS](crate::tls).
    pub fn new(deadline: Duration) -> Result<Self, RestError> {
        let tls = tls::client_config()?;
        let http = reqwest::Client::builder()
            .timeout(deadline)
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .user_agent(concat!("foretell/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls.as_ref().clone())
            .build()
            .map_err(RestError::Client)?;
        Ok(Self {
            http_source: HttpSource::Network(http, None),
            rate_limits: HostRateLimits::default(),
        })
    }

    /// The same client, which also puts every answer into `responses`, for a recording.
    pub fn recording_to(mut self, responses: &RecordedResponses) -> Self {
        if let HttpSource::Network(_, keep) = &mut self.http_source {
            *keep = Some(responses.clone());
        }
        self
    }

    /// A client that answers from a recording and never from the network.
    pub fn replaying(responses: &RecordedResponses) -> Self {
        Self {
            http_source: HttpSource::Recording(responses.clone()),
            rate_limits: HostRateLimits::default(),
        }
    }

    /// All finished candles that `query` asks for, oldest first, page by page.
    ///
    /// `host` is scheme, name and port without a trailing slash. No two candles have the same open time. Fewer candles than
    /// `query` asks for is no error: venues leave out minutes without trades and the future.
    pub async fn candles(
        &self,
        venue: &dyn CandleSource,
        host: &str,
        query: &CandleQuery<'_>,
    ) -> Result<Vec<Bar>, RestError> {
        let mut bars: Vec<Bar> = Vec::new();
        let mut from = query.from;
        while from < query.to {
            let window = page_window(venue, query, from);
            let page = self.fetch_page(venue, host, &window).await?;
            let bars_before = bars.len();
            let finished = page.iter().filter(|candle| candle.closed != Some(false));
            for bar in finished.map(|candle| candle.bar) {
                // Venues repeat candles, and some answer with more than was requested.
                if bar.open_time >= from && bar.open_time < window.to {
                    from = bar.open_time + query.step;
                    bars.push(bar);
                }
            }
            if bars.len() == bars_before {
                // Nothing in this window: the venue was down, or doesn't reach back so far.
                let later = page.iter().map(|candle| candle.bar.open_time);
                let later = later.filter(|open_time| *open_time >= window.to).min();
                from = later.unwrap_or(window.to);
            }
        }
        Ok(bars)
    }

    /// All candles from `query.from` on in the venue's answers, the forming one too, oldest first; each page is requested
    /// once. A candle settles only once a later one exists, so later ones than `query` asks for are left in.
    pub async fn candles_with_forming(
        &self,
        venue: &dyn CandleSource,
        host: &str,
        query: &CandleQuery<'_>,
    ) -> Result<Vec<Candle>, RestError> {
        let mut candles = Vec::new();
        let mut from = query.from;
        while from < query.to {
            let window = page_window(venue, query, from);
            let page = self.fetch_page(venue, host, &window).await?;
            candles.extend(page.into_iter().filter(|c| c.bar.open_time >= query.from));
            from = window.to;
        }
        Ok(candle::normalize_page(candles))
    }

    /// Base units traded on the UTC day that begins at `day`; `None` if the venue has no candles of that day.
    pub async fn day_volume(
        &self,
        venue: &dyn CandleSource,
        host: &str,
        symbol: &str,
        day: UnixMillis,
    ) -> Result<Option<f64>, RestError> {
        let query = CandleQuery {
            symbol,
            step: venue.day_step(),
            from: day,
            to: day + Millis::days(1),
        };
        let bars = self.candles(venue, host, &query).await?;
        Ok((!bars.is_empty()).then(|| bars.iter().map(|bar| bar.volume).sum()))
    }

    /// The bytes at `url`, 64 MB at most; `source` stands for the venue's name in errors. Rate limits of hosts aren't looked
    /// at.
    pub async fn get_bytes(&self, source: &'static str, url: &str) -> Result<Vec<u8>, RestError> {
        let response = self.http_source.get(source, url, "", MAX_TABLE_BYTES);
        let response = response.await?;
        if is_success(response.status) {
            return Ok(response.body);
        }
        Err(RestError::Status {
            venue: source,
            url: url.to_owned(),
            status: response.status,
            retry_after: response.retry_after,
        })
    }

    /// A page of candles; from the venue's archive if its usual path has none of them.
    async fn fetch_page(
        &self,
        venue: &dyn CandleSource,
        host: &str,
        query: &CandleQuery<'_>,
    ) -> Result<Vec<Candle>, RestError> {
        let page = self
            .fetch_candles(venue, host, &venue.candles_path(query)?)
            .await?;
        let page = match venue.archive_candles_path(query) {
            Some(archive_path) if page.is_empty() => {
                self.fetch_candles(venue, host, &archive_path?).await?
            }
            _ => page,
        };
        check_range(venue, query, &page)?;
        Ok(page)
    }

    async fn fetch_candles(
        &self,
        venue: &dyn CandleSource,
        host: &str,
        path: &str,
    ) -> Result<Vec<Candle>, RestError> {
        self.rate_limits.check(venue.name(), host)?;
        let HttpResponse {
            status,
            retry_after,
            body,
        } = self
            .http_source
            .get(venue.name(), host, path, max_page_bytes(venue))
            .await?;
        if is_success(status) {
            return Ok(venue.parse_candles(&body)?);
        }
        // A recording refuses nothing: what wasn't asked then isn't there.
        if !matches!(self.http_source, HttpSource::Recording(_)) {
            self.rate_limits.note(host, status, retry_after);
        }
        // A refusal that the body explains is quoted; otherwise the status is all there is.
        match venue.parse_candles(&body) {
            Err(refused @ VenueError::Refused { .. }) if retry_after.is_none() => {
                Err(refused.into())
            }
            _ => Err(RestError::Status {
                venue: venue.name(),
                url: format!("{host}{path}"),
                status,
                retry_after,
            }),
        }
    }
}

/// The part of `query` from `from` on that fits a page.
fn page_window<'a>(
    venue: &dyn CandleSource,
    query: &CandleQuery<'a>,
    from: UnixMillis,
) -> CandleQuery<'a> {
    let fits = i64::try_from(venue.page_size()).unwrap_or(i64::MAX);
    let span = query.step.get().saturating_mul(fits);
    let to = UnixMillis::saturating(from.get().saturating_add(span)).min(query.to);
    CandleQuery { from, to, ..*query }
}

/// The most bytes that are read of a page of this venue.
fn max_page_bytes(venue: &dyn CandleSource) -> usize {
    let candles = venue.page_size().saturating_mul(MAX_CANDLE_BYTES);
    candles.saturating_add(MIN_PAGE_BYTES).min(MAX_PAGE_BYTES)
}

/// An error if a candle is far from those that were asked for, where the venue promises to give no others: one of another
/// year would make those before it final.
fn check_range(
    venue: &dyn CandleSource,
    query: &CandleQuery<'_>,
    page: &[Candle],
) -> Result<(), VenueError> {
    let tolerance = RANGE_TOLERANCE.max(query.to - query.from);
    let too_early = |at: UnixMillis| at < query.from - tolerance;
    let too_late = |at: UnixMillis| at > query.to + tolerance;
    let far =
        page.iter()
            .map(|candle| candle.bar.open_time)
            .find(|at| match venue.answer_range() {
                AnswerRange::Asked => too_early(*at) || too_late(*at),
                AnswerRange::AskedOrLater => too_early(*at),
                AnswerRange::Any => false,
            });
    match far {
        None => Ok(()),
        Some(at) => Err(VenueError::malformed(
            venue.name(),
            format!(
                "a candle of {at} where those from {} to {} were asked for",
                query.from, query.to
            ),
        )),
    }
}

const fn is_success(status: u16) -> bool {
    matches!(status, 200..=299)
}

#[cfg(test)]
mod tests;
