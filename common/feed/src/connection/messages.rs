//! What goes into a connection's state machine and what comes out of it.

use foretell_core::time::{Millis, UnixMillis};

use super::reasons::{DisconnectReason, ReplacementReason};
use crate::event::{FrameError, MarketId};
use crate::stream::FeedEvent;

/// Names a socket of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionInput<'a> {
    /// Time went by.
    Tick,
    /// The socket is open.
    Opened(SocketId),
    /// Bytes came, whatever they are.
    Bytes(SocketId),
    /// A control frame came: a ping or a pong.
    Control(SocketId),
    /// A message came, at this time by our clock.
    Text(SocketId, &'a str, UnixMillis),
    /// The socket couldn't be opened, or is gone.
    Closed(SocketId, DisconnectReason),
    /// Everything is to be closed.
    Stop,
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionAction {
    /// Open a socket.
    Open(SocketId),
    /// Send a message.
    Send(SocketId, String),
    /// Send a ping frame.
    Ping(SocketId),
    /// Close a socket; its end needn't be told.
    Close(SocketId),
}

/// What the connection has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionEvent<'a> {
    /// A subscribed trade, or anything else that the venue said.
    Feed(FeedEvent<'a>),
    /// A frame that isn't what the protocol says.
    MalformedFrame(&'a FrameError),
    /// A trade of something that wasn't subscribed to.
    UnknownMarket(&'a MarketId<'a>),
    /// Every topic is acknowledged.
    Live(SocketId),
    /// The socket is replaced for this reason.
    Replacing(SocketId, ReplacementReason),
    /// The socket is gone for this reason; the next is opened after this span.
    Disconnected(SocketId, &'a DisconnectReason, Millis),
}
