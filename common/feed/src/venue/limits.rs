//! What a venue's WebSocket interface promises and demands.

use foretell_core::time::Millis;

/// What a venue's WebSocket interface promises and demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VenueLimits {
    /// Address when none is configured.
    pub url: &'static str,
    /// What keeps the connection alive and proves that it is.
    pub ping: Ping,
    /// Without a single byte for this long, the connection is dead.
    pub byte_timeout: Millis,
    /// Without a whole message, heartbeat or pong for this long, it is dead.
    pub message_timeout: Millis,
    /// The venue closes every connection at this age; `None` if it doesn't.
    pub max_age: Option<Millis>,
    /// How many connections may be opened in how long.
    pub connect_limit: RateLimit,
    /// What shows that something was missed.
    pub gap_detection: GapDetection,
}

/// What a client sends to keep a connection alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// This message of the venue's protocol, at this interval.
    Message(Millis, &'static str),
    /// A ping frame of the WebSocket protocol, at this interval.
    Frame(Millis),
}

/// A number of things in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many may happen within [`per`](Self::per).
    pub count: usize,
    /// The sliding span in which they may happen.
    pub per: Millis,
}

/// What shows that something was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapDetection {
    /// The trade ids of a market are consecutive.
    TradeIds,
    /// The frames of a connection are numbered consecutively.
    FrameNumbers,
    /// Nothing shows it.
    Unavailable,
}
