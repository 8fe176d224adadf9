//! What a venue's WebSocket interface promises and demands.

use foretell_core::time::Millis;

/// What a venue's WebSocket interface promises and demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VenueLimits {
    /// Address when none is configured.
    pub url: &'static str,
    /// What keeps the connection alive and proves that it is.
    pub ping: Ping,
    /// Without a single byte for so long, the connection is dead.
    pub byte_timeout: Millis,
    /// Without a heartbeat, a pong or anything else in words for so long, it is dead.
    pub message_timeout: Millis,
    /// The venue cuts every connection at this age.
    pub max_age: Option<Millis>,
    /// How many connections may be opened in how long.
    pub connect_limit: RateLimit,
    /// What shows that something was missed.
    pub gap_detection: GapDetection,
}

/// What a client sends to keep a connection alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// A message in the venue's protocol, so often.
    Message(Millis, &'static str),
    /// The WebSocket's own ping, so often.
    Frame(Millis),
}

/// A number of things in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: usize,
    /// In how long.
    pub per: Millis,
}

/// What shows that something was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapDetection {
    /// Trade ids of a market are consecutive.
    TradeIds,
    /// Frames of a connection are numbered.
    FrameNumbers,
    /// Nothing does.
    Unavailable,
}
