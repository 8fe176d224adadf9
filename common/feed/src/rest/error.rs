//! Errors of requests over REST.

use std::time::Duration;

use thiserror::Error;

use crate::retry_after::RetryAfter;
use crate::venue::VenueError;

/// Why a request brought no candles.
#[derive(Debug, Error)]
pub enum RestError {
    /// The HTTP client can't be built.
    #[error("can't set up HTTP")]
    Client(#[source] reqwest::Error),
    /// The TLS configuration can't be built.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
    /// No connection, no whole answer before the deadline, or one that broke off.
    #[error("{venue} can't be reached at {url}")]
    Unreachable {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// The whole address that was requested.
        url: String,
        /// The HTTP client's error.
        source: reqwest::Error,
    },
    /// An HTTP status other than success.
    #[error("{venue} answered status {status} at {url}{}", status_hint(*.status))]
    Status {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// The whole address that was requested.
        url: String,
        /// The status, which isn't 2xx.
        status: u16,
        /// Its `Retry-After`, if there is one that can be believed.
        retry_after: Option<RetryAfter>,
    },
    /// Nothing was requested: an earlier answer of this host forbids it for a while.
    #[error("{venue} at {host} turned us away and is left alone for {} s more", .wait.as_secs())]
    RateLimited {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// Scheme, name and port.
        host: String,
        /// Until the host may be asked again.
        wait: Duration,
    },
    /// A recording holds no answer to this request: the venue gave none, or nobody made the request.
    #[error("the recording holds no answer of {venue} to {path}")]
    NotRecorded {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// Path and query that were requested.
        path: String,
    },
    /// The answer is longer than any page of candles can be.
    #[error("{venue} answered more than {max_bytes} bytes at {url}")]
    ResponseTooLong {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// The whole address that was requested.
        url: String,
        /// The most bytes that are read of an answer.
        max_bytes: usize,
    },
    /// The venue has no such candles, refused, or answered something else than candles.
    #[error(transparent)]
    Venue(#[from] VenueError),
}

impl RestError {
    /// The error without the address, so that several failures at one venue read the same.
    pub fn summary(&self) -> String {
        match self {
            Self::Unreachable { venue, .. } => format!("{venue} can't be reached"),
            Self::Status { venue, status, .. } => {
                format!("{venue} answered status {status}{}", status_hint(*status))
            }
            Self::RateLimited { venue, .. } => {
                format!("{venue} turned us away and is left alone for a while")
            }
            other => other.to_string(),
        }
    }
}

/// What the operator should know about a status.
const fn status_hint(status: u16) -> &'static str {
    match status {
        300..=399 => {
            ": redirects are not followed; write the address that it points to into the configuration, if you trust it"
        }
        _ => "",
    }
}
