//! What goes into a connection's state machine and what comes out of it.

use foretell_core::time::{Millis, UnixMillis};

use super::reasons::{DisconnectReason, ReplacementReason};
use crate::event::{FrameError, MarketId};
use crate::stream::FeedEvent;

/// Names a socket of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What the owner of the sockets reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionInput<'a> {
    /// Nothing happened, but a deadline may have passed.
    Tick,
    /// The handshake of a socket succeeded.
    Opened(SocketId),
    /// Bytes came, perhaps less than a message.
    Bytes(SocketId),
    /// A control frame came: a ping or a pong.
    Control(SocketId),
    /// A message came, at this time by our clock.
    Text(SocketId, &'a str, UnixMillis),
    /// The socket couldn't be opened, or is gone.
    Closed(SocketId, DisconnectReason),
    /// Close everything and open nothing any more.
    Stop,
}

/// What the owner of the sockets is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionAction {
    /// Open a socket, which is called by this id from now on.
    Open(SocketId),
    /// Send a text message on a socket.
    Send(SocketId, String),
    /// Send a ping frame of the WebSocket protocol on a socket.
    Ping(SocketId),
    /// Close a socket; no [`ConnectionInput::Closed`] is expected for it.
    Close(SocketId),
}

/// What happened to the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionEvent<'a> {
    /// A trade of a subscribed symbol, or any other event of the venue's frames.
    Feed(FeedEvent<'a>),
    /// A frame violates the protocol; the connection goes on.
    MalformedFrame(&'a FrameError),
    /// A trade of a market that wasn't subscribed to.
    UnknownMarket(&'a MarketId<'a>),
    /// Every subscription on the socket is acknowledged.
    Live(SocketId),
    /// A successor of the socket is opened for this reason.
    Replacing(SocketId, ReplacementReason),
    /// The socket is gone for this reason; the next is opened after this span.
    Disconnected(SocketId, &'a DisconnectReason, Millis),
}
