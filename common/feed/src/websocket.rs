//! Runs a [`VenueConnection`] on real sockets: one task per socket, and a loop that owns them, the clock and the
//! connection.

mod counting_stream;
mod endpoint;
mod socket_task;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::endpoint::{SocketEndpoint, SocketUrl, SocketUrlError};
use self::socket_task::{SocketCommand, SocketEvent, run_socket};
use crate::connection::{
    ConnectionAction, ConnectionEvent, ConnectionInput, SocketId, VenueConnection,
};

/// Messages of all sockets of a connection that wait to be read, 64 MB of the longest. A full channel holds up the sockets,
/// and so the venue.
const CHANNEL_CAPACITY: usize = 64;

/// What a running connection reports to its owner.
#[derive(Debug)]
pub enum ConnectionUpdate<'a> {
    /// A message, as it came, before it is parsed.
    Frame {
        /// The socket that it came on.
        socket: SocketId,
        /// When it came, by our clock.
        received: UnixMillis,
        /// The message; where bytes aren't UTF-8, with replacement characters.
        text: &'a str,
    },
    /// An event of the connection's state machine.
    Event(ConnectionEvent<'a>),
    /// Upper bound of how far our clock is ahead of the venue's; sent when it changes.
    ClockOffset(Millis),
}

/// A socket as its owner holds it.
struct SocketHandle {
    commands: mpsc::Sender<SocketCommand>,
    bytes: Arc<AtomicU64>,
    bytes_seen: u64,
    stop: CancellationToken,
}

/// Runs the connection until `stop`; `on` sees everything, in order. When this returns, every socket is closed and every
/// task has ended.
pub async fn run(
    mut connection: VenueConnection,
    endpoint: SocketEndpoint,
    stop: CancellationToken,
    on: &mut (dyn FnMut(ConnectionUpdate<'_>) + Send),
) {
    let start = Instant::now();
    let now = || Millis::saturating(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX));
    let (event_sender, mut event_receiver) = mpsc::channel(CHANNEL_CAPACITY);
    let mut tasks = JoinSet::new();
    let mut sockets: BTreeMap<SocketId, SocketHandle> = BTreeMap::new();
    let mut clock_offset = None;
    let mut actions = connection.handle(now(), ConnectionInput::Tick, &mut |event| {
        on(ConnectionUpdate::Event(event));
    });
    loop {
        for action in actions.drain(..) {
            match action {
                ConnectionAction::Open(id) => {
                    let (commands, command_receiver) = mpsc::channel(16);
                    let bytes = Arc::new(AtomicU64::new(0));
                    let stop = CancellationToken::new();
                    let endpoint = endpoint.clone();
                    let (event_sender, counter) = (event_sender.clone(), Arc::clone(&bytes));
                    let stopped = stop.clone();
                    tasks.spawn(async move {
                        let socket = run_socket(
                            id,
                            &endpoint,
                            counter,
                            command_receiver,
                            &event_sender,
                            &stopped,
                        );
                        if let Err(reason) = socket.await {
                            // The owner may have gone first.
                            let _ = event_sender.send((id, SocketEvent::Closed(reason))).await;
                        }
                    });
                    sockets.insert(
                        id,
                        SocketHandle {
                            commands,
                            bytes,
                            bytes_seen: 0,
                            stop,
                        },
                    );
                }
                ConnectionAction::Send(id, text) => {
                    send_command(&sockets, id, SocketCommand::Send(text));
                }
                ConnectionAction::Ping(id) => send_command(&sockets, id, SocketCommand::Ping),
                ConnectionAction::Close(id) => {
                    if let Some(socket) = sockets.remove(&id) {
                        socket.stop.cancel();
                    }
                }
            }
        }
        let due = start + to_duration(connection.next_tick(now()));
        let socket_event = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            socket_event = event_receiver.recv() => socket_event,
            () = tokio::time::sleep_until(due) => None,
        };
        let mut emit = |event: ConnectionEvent<'_>| on(ConnectionUpdate::Event(event));
        for (id, socket) in &mut sockets {
            let bytes = socket.bytes.load(Ordering::Relaxed);
            if bytes != socket.bytes_seen {
                socket.bytes_seen = bytes;
                actions.extend(connection.handle(now(), ConnectionInput::Bytes(*id), &mut emit));
            }
        }
        let new_actions = match socket_event {
            None => connection.handle(now(), ConnectionInput::Tick, &mut emit),
            Some((id, SocketEvent::Opened)) => {
                connection.handle(now(), ConnectionInput::Opened(id), &mut emit)
            }
            Some((id, SocketEvent::Control)) => {
                connection.handle(now(), ConnectionInput::Control(id), &mut emit)
            }
            Some((id, SocketEvent::Closed(reason))) => {
                sockets.remove(&id);
                connection.handle(now(), ConnectionInput::Closed(id, reason), &mut emit)
            }
            Some((id, SocketEvent::Text(text, received))) => {
                on(ConnectionUpdate::Frame {
                    socket: id,
                    received,
                    text: &text,
                });
                let input = ConnectionInput::Text(id, &text, received);
                connection.handle(now(), input, &mut |event| {
                    on(ConnectionUpdate::Event(event));
                })
            }
        };
        actions.extend(new_actions);
        if connection.clock_offset() != clock_offset {
            clock_offset = connection.clock_offset();
            if let Some(offset) = clock_offset {
                on(ConnectionUpdate::ClockOffset(offset));
            }
        }
        while let Some(ended) = tasks.try_join_next() {
            propagate_panic(ended);
        }
    }
    connection.handle(now(), ConnectionInput::Stop, &mut |event| {
        on(ConnectionUpdate::Event(event));
    });
    for socket in sockets.values() {
        socket.stop.cancel();
    }
    // Tasks that wait for room in the channel end when its receiver is gone.
    drop(event_receiver);
    while let Some(ended) = tasks.join_next().await {
        propagate_panic(ended);
    }
}

/// A panic in a socket's task becomes one of the loop.
fn propagate_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn send_command(sockets: &BTreeMap<SocketId, SocketHandle>, id: SocketId, command: SocketCommand) {
    if let Some(socket) = sockets.get(&id)
        && socket.commands.try_send(command).is_err()
    {
        // The queue is full, so the socket is stuck, which the connection's deadlines will show.
        tracing::debug!(socket = id.0, "an order waits in vain");
    }
}

fn to_duration(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time.get()).unwrap_or(0))
}
