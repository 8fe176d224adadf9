//! Why a socket is replaced, and why one is gone.

use foretell_core::time::Millis;
use thiserror::Error;

/// Why a socket is replaced while it still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacementReason {
    /// The venue will soon cut it.
    Age,
    /// The venue said that it is going to restart.
    Notice,
    /// No trade for long.
    Quiet,
}

/// Why a socket is gone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DisconnectReason {
    /// It broke, or was closed by the venue.
    #[error("connection broke: {0}")]
    Broken(String),
    /// The venue answered the handshake with an HTTP status.
    #[error("the venue answered status {status}{}", status_hint(*.status))]
    HttpStatus {
        /// The status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Millis>,
    },
    /// It didn't open in time.
    #[error("no connection within {0}")]
    ConnectTimeout(Millis),
    /// A subscription was refused.
    #[error("subscription refused: {0}; check the venue's pairs in the configuration")]
    SubscriptionRefused(String),
    /// A subscription was never acknowledged.
    #[error("{0} was not acknowledged within {1}")]
    Unacknowledged(String, Millis),
    /// Not a byte.
    #[error("not a byte for {0}")]
    NoBytes(Millis),
    /// Bytes, but no message, heartbeat or pong.
    #[error("no message, heartbeat or pong for {0}")]
    NoMessages(Millis),
}

/// What a status means, where it needs saying.
const fn status_hint(status: u16) -> &'static str {
    match status {
        418 | 429 => ": too many requests",
        403 | 451 => {
            ": it doesn't serve this address or region; use another host or turn the venue off"
        }
        _ => "",
    }
}
