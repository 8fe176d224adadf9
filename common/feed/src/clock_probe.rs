//! Asks others what time it is: by the `Date` that every HTTP answer carries, whatever its status.

use std::time::Duration;

use foretell_core::time::{Millis, UnixMillis};
use jiff::fmt::rfc2822;
use reqwest::header::{AGE, DATE, HeaderMap};
use thiserror::Error;

use crate::clock_comparison::ClockDifference;
use crate::tls;

/// Longest text that is read as a time or an age.
const MAX_HEADER_BYTES: usize = 64;
/// An answer that a cache kept for longer than this tells no time.
const MAX_AGE_SECONDS: i64 = 86_400;

/// Measures how far our clock is ahead of those of HTTP servers. It follows no redirection: what redirects has said the time.
#[derive(Debug, Clone)]
pub struct ClockProbe {
    http: reqwest::Client,
}

/// Why a server has not told the time.
#[derive(Debug, Error)]
pub enum ClockProbeError {
    /// The HTTP client can't be built.
    #[error("can't set up HTTP")]
    Client(#[source] reqwest::Error),
    /// The TLS configuration can't be built.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
    /// No answer within the deadline.
    #[error("{url} can't be reached")]
    Unreachable {
        /// The address that was asked.
        url: String,
        /// The HTTP client's error.
        source: reqwest::Error,
    },
    /// The answer has no `Date`, or none that can be read.
    #[error("{url} doesn't say what time it is")]
    NoDate {
        /// The address that was asked.
        url: String,
    },
}

impl ClockProbe {
    /// A probe of venues and other public servers, through the environment's proxies if it names some. Each request may take
    /// `deadline`.
    pub fn of_public_servers(deadline: Duration) -> Result<Self, ClockProbeError> {
        Self::build(reqwest::Client::builder(), deadline)
    }

    /// A probe of peers, such as miners, which are asked directly and never through a proxy.
    pub fn of_peers(deadline: Duration) -> Result<Self, ClockProbeError> {
        Self::build(reqwest::Client::builder().no_proxy(), deadline)
    }

    fn build(client: reqwest::ClientBuilder, deadline: Duration) -> Result<Self, ClockProbeError> {
        let tls = tls::client_config()?;
        let http = client
            .timeout(deadline)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("foretell/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls.as_ref().clone())
            .build()
            .map_err(ClockProbeError::Client)?;
        Ok(Self { http })
    }

    /// How far `clock`, ours, is ahead of that of the server at `url`, to about a second. The answer's body is not read.
    ///
    /// # Errors
    /// The server can't be reached, or its answer has no time in it.
    pub async fn difference(
        &self,
        url: &str,
        clock: fn() -> UnixMillis,
    ) -> Result<ClockDifference, ClockProbeError> {
        let asked = clock();
        let response = self.http.head(url).send().await;
        let answered = clock();
        let response = response.map_err(|source| ClockProbeError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
        let stated = stated_time(response.headers());
        let stated = stated.ok_or_else(|| ClockProbeError::NoDate {
            url: url.to_owned(),
        })?;
        Ok(ClockDifference::from_whole_seconds(stated, asked, answered))
    }
}

/// The time when an answer with these headers was sent: its `Date`, and how long a cache has kept it since then.
fn stated_time(headers: &HeaderMap) -> Option<UnixMillis> {
    let text = |name| {
        let value = headers.get(name)?;
        let text = value.to_str().ok()?.trim();
        (text.len() <= MAX_HEADER_BYTES).then_some(text)
    };
    let date = rfc2822::parse(text(DATE)?).ok()?.timestamp();
    let age = match text(AGE) {
        Some(age) => age
            .parse()
            .ok()
            .filter(|age| (0..=MAX_AGE_SECONDS).contains(age))?,
        None => 0,
    };
    Some(UnixMillis::saturating(date.as_millisecond()) + Millis::seconds(age))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::http::StatusCode;
    use foretell_core::testing::MONDAY;
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock_comparison::ClockTolerance;

    const PATIENT: Duration = Duration::from_secs(20);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_date_of_an_answer_is_read_with_its_age_and_rubbish_is_not() {
        let date = "Mon, 01 Jan 2024 00:00:00 GMT";
        assert_eq!(stated_time(&headers(&[("date", date)])), Some(MONDAY));
        assert_eq!(
            stated_time(&headers(&[("date", date), ("age", "90")])),
            Some(MONDAY + Millis::seconds(90))
        );
        let long = "1".repeat(5_000);
        for bad in [
            &[][..],
            &[("date", "yesterday")],
            &[("date", "")],
            &[("date", long.as_str())],
            &[("date", date), ("age", "-1")],
            &[("date", date), ("age", "18446744073709551615")],
            &[("date", date), ("age", "soon")],
        ] {
            assert_eq!(stated_time(&headers(bad)), None, "{bad:?}");
        }
    }

    async fn answering(status: StatusCode) -> SocketAddr {
        let answer = move || async move {
            let date = ("date", "Mon, 01 Jan 2024 00:00:00 GMT");
            (status, [date, ("location", "http://127.0.0.1:1/")], "body")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
        address
    }

    #[tokio::test]
    async fn whatever_the_status_an_answer_tells_the_time() {
        let exact = ClockTolerance {
            behind: Millis::literal(0),
            ahead: Millis::literal(0),
        };
        for status in [
            StatusCode::OK,
            StatusCode::FOUND,
            StatusCode::NOT_FOUND,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            let url = format!("http://{}/any", answering(status).await);
            let probe = ClockProbe::of_peers(PATIENT).unwrap();
            let same = probe
                .difference(&url, || MONDAY + Millis::literal(500))
                .await
                .unwrap();
            assert!(same.may_be_within(exact), "{status}");
            let later = || MONDAY + Millis::days(30);
            let ahead = probe.difference(&url, later).await.unwrap();
            assert_eq!(
                ahead.middle() + Millis::literal(500),
                Millis::days(30),
                "{status}"
            );
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_tells_no_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let probe = ClockProbe::of_public_servers(PATIENT).unwrap();
        let error = probe.difference(&url, || MONDAY).await.unwrap_err();
        assert!(
            matches!(error, ClockProbeError::Unreachable { .. }),
            "{error}"
        );
    }
}
