//! Why there are no candles.

use std::time::Duration;

use thiserror::Error;

use crate::venue::VenueError;

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
        /// How long the venue asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Not asked, because the venue wants to be left alone.
    #[error("{venue} at {host} turned us away and is left alone for {} s more", .wait.as_secs())]
    RateLimited {
        /// The venue.
        venue: &'static str,
        /// Its host.
        host: String,
        /// For how long.
        wait: Duration,
    },
    /// A recording holds no answer: there was none, or nobody asked.
    #[error("the recording holds no answer of {venue} to {path}")]
    NotRecorded {
        /// The venue.
        venue: &'static str,
        /// What was asked.
        path: String,
    },
    /// An answer beyond all expectation.
    #[error("{venue} answered more than {max_bytes} bytes at {url}")]
    ResponseTooLong {
        /// The venue.
        venue: &'static str,
        /// What was asked.
        url: String,
        /// The most bytes that are read.
        max_bytes: usize,
    },
    /// The venue's own part.
    #[error(transparent)]
    Venue(#[from] VenueError),
}

impl RestError {
    /// The error without the address that was asked.
    pub fn summary(&self) -> String {
        match self {
            Self::Unreachable { venue, .. } => format!("{venue} can't be reached"),
            Self::Status { venue, status, .. } => format!("{venue} answered status {status}"),
            Self::RateLimited { venue, .. } => {
                format!("{venue} turned us away and is left alone for a while")
            }
            other => other.to_string(),
        }
    }
}
