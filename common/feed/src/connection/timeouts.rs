//! How long a connection waits for what.

use foretell_core::time::Millis;

/// How long a connection waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the request to open a socket to its handshake.
    pub open: Millis,
    /// From the handshake to the last acknowledgement.
    pub acknowledge: Millis,
    /// How long an old socket is still read once its successor is live.
    pub drain: Millis,
    /// Without a trade for this long, a successor is opened.
    pub no_trades: Millis,
    /// Upper bound of the first random wait before a retry; it doubles with each loss,
    pub initial_backoff: Millis,
    /// up to this.
    pub max_backoff: Millis,
    /// The loss of a socket that was live for this long starts again at the first bound.
    pub backoff_reset: Millis,
    /// The least wait after a refusal that names no `Retry-After`.
    pub refused_backoff: Millis,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            open: Millis::seconds(10),
            acknowledge: Millis::seconds(10),
            drain: Millis::seconds(2),
            no_trades: Millis::minutes(10),
            initial_backoff: Millis::seconds(1),
            max_backoff: Millis::minutes(1),
            backoff_reset: Millis::minutes(1),
            refused_backoff: Millis::minutes(10),
        }
    }
}
