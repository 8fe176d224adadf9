//! How long a connection waits for what.

use foretell_core::time::Millis;

/// How long a connection waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a socket to open.
    pub open: Millis,
    /// For all acknowledgements.
    pub acknowledge: Millis,
    /// How long an old socket is still listened to once its successor is live.
    pub drain: Millis,
    /// Without a trade for so long, a successor is opened.
    pub no_trades: Millis,
    /// Retries come within this at first,
    pub initial_backoff: Millis,
    /// and within this in the end.
    pub max_backoff: Millis,
    /// A socket that was live for so long makes retries quick again.
    pub backoff_reset: Millis,
    /// How long a venue is left alone that has refused us, when it doesn't say.
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
