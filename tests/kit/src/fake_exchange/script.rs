//! What a fake exchange does on a connection, step by step.

/// One thing that the exchange does on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptStep {
    /// Answers the handshake with an HTTP status, and perhaps `Retry-After` seconds.
    RejectHandshake(u16, Option<u32>),
    /// Takes the TCP connection and never answers the handshake.
    HalfOpen,
    /// Acknowledges every subscription.
    AcknowledgeSubscriptions,
    /// Refuses every subscription.
    RejectSubscriptions,
    /// Reads the subscriptions and answers nothing.
    IgnoreSubscriptions,
    /// Sends a trade: id, price, and how many milliseconds ago.
    SendTrade(u64, &'static str, i64),
    /// Answers pings and sends heartbeats, for this many milliseconds.
    SendHeartbeats(u64),
    /// Sends a message as it is.
    SendText(&'static str),
    /// Sends the notice that it is going to restart.
    SendRestartNotice,
    /// Begins a long message and drips it, a byte each 20 ms, answering nothing.
    SendSlowly,
    /// Keeps the connection open and neither reads nor writes.
    Stall,
    /// Drops the connection without a word.
    Disconnect,
}
