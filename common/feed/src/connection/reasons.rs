//! Why a socket is replaced, and why one is gone.

use foretell_core::time::Millis;
use thiserror::Error;

use crate::retry_after::RetryAfter;

/// Why a socket is replaced while it still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacementReason {
    /// It nears the age at which the venue closes connections.
    Age,
    /// The venue announced a restart.
    Notice,
    /// There was no trade for [`Timeouts::no_trades`](super::Timeouts::no_trades).
    Quiet,
}

/// Why a socket is gone; the text is shown to operators.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DisconnectReason {
    /// It broke, or the venue closed it.
    #[error("connection broke: {0}")]
    Broken(String),
    /// The venue answered the handshake with an HTTP status.
    #[error("the venue answered status {status}{}", status_hint(*.status))]
    HttpStatus {
        /// The status, which isn't 101.
        status: u16,
        /// Its `Retry-After`, if there is one that can be believed.
        retry_after: Option<RetryAfter>,
    },
    /// The handshake wasn't over in time.
    #[error("no connection within {0}")]
    ConnectTimeout(Millis),
    /// The venue refused a subscription, with this text.
    #[error("subscription refused: {0}; check the venue's pairs in the configuration")]
    SubscriptionRefused(String),
    /// This subscription wasn't acknowledged in time.
    #[error("{0} was not acknowledged within {1}")]
    Unacknowledged(String, Millis),
    /// No byte came for this long.
    #[error("not a byte for {0}")]
    NoBytes(Millis),
    /// Bytes came, but no message, heartbeat or pong for this long.
    #[error("no message, heartbeat or pong for {0}")]
    NoMessages(Millis),
}

/// What the operator should know about a status.
const fn status_hint(status: u16) -> &'static str {
    match status {
        418 | 429 => ": too many requests",
        403 | 451 => {
            ": it doesn't serve this address or region; use another host or turn the venue off"
        }
        _ => "",
    }
}
