//! Runs a [`VenueConnection`] on real sockets: a task a socket, and one that owns them, the clock and the connection.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use foretell_core::time::{Millis, UnixMillis};
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use crate::connection::{
    ConnectionAction, ConnectionEvent, ConnectionInput, DisconnectReason, SocketId, VenueConnection,
};

/// Messages of all sockets of a connection that wait to be read. A full channel holds up the sockets, and so the venue.
const CHANNEL_CAPACITY: usize = 1024;
/// Longest message: a snapshot of trades is some 100 kB.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// A message of ours that isn't sent within this means that the line is dead.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a running connection lets its owner see.
#[derive(Debug)]
pub enum ConnectionUpdate<'a> {
    /// A message, as it came, before it is read.
    Frame {
        /// The socket that it came on.
        socket: SocketId,
        /// When.
        received: UnixMillis,
        /// Its text.
        text: &'a str,
    },
    /// What the connection says of it.
    Event(ConnectionEvent<'a>),
    /// How far our clock is ahead of the venue's, at most; said when that changes.
    ClockOffset(Millis),
}

/// The address is none of a WebSocket.
#[derive(Debug, Error)]
#[error("{0:?} is no WebSocket address: write ws://HOST[:PORT]/PATH or wss://…")]
pub struct SocketUrlError(String);

/// Where a venue's WebSocket interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketUrl {
    url: String,
    host: String,
    port: u16,
}

/// What happens to a socket.
enum SocketEvent {
    Opened,
    Text(String, UnixMillis),
    Control,
    Closed(DisconnectReason),
}

/// What a socket is told.
enum SocketCommand {
    Send(String),
    Ping,
}

/// A socket as its owner holds it.
struct SocketHandle {
    commands: mpsc::Sender<SocketCommand>,
    bytes: Arc<AtomicU64>,
    bytes_seen: u64,
    stop: CancellationToken,
}

/// A stream that counts the bytes read from it.
struct CountingStream<S> {
    inner: S,
    bytes: Arc<AtomicU64>,
}

impl SocketUrl {
    /// The address that this URL names.
    pub fn new(url: &str) -> Result<Self, SocketUrlError> {
        let bad = || SocketUrlError(url.to_owned());
        let request = url.into_client_request().map_err(|_| bad())?;
        let uri = request.uri();
        let default = match uri.scheme_str() {
            Some("ws") => 80,
            Some("wss") => 443,
            _ => return Err(bad()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        Ok(Self {
            url: url.to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default),
        })
    }
}

/// Where a venue's sockets are opened, and how.
#[derive(Debug, Clone)]
pub struct SocketEndpoint {
    /// The venue's WebSocket interface.
    pub address: SocketUrl,
    /// Whom TLS trusts.
    pub tls: Arc<ClientConfig>,
    /// Says when a message came.
    pub clock: fn() -> UnixMillis,
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
    let now = || Millis(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX));
    let (event_sender, mut event_receiver) = mpsc::channel(CHANNEL_CAPACITY);
    let mut tasks = JoinSet::new();
    let mut sockets: BTreeMap<SocketId, SocketHandle> = BTreeMap::new();
    let mut clock_offset = None;
    let mut actions = connection.handle(now(), ConnectionInput::Tick, &mut |event| {
        on(ConnectionUpdate::Event(event))
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
                    send_command(&sockets, id, SocketCommand::Send(text))
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
        let more = match socket_event {
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
                    on(ConnectionUpdate::Event(event))
                })
            }
        };
        actions.extend(more);
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
        on(ConnectionUpdate::Event(event))
    });
    for socket in sockets.values() {
        socket.stop.cancel();
    }
    // Sockets that wait to be heard see that nobody listens.
    drop(event_receiver);
    while let Some(ended) = tasks.join_next().await {
        propagate_panic(ended);
    }
}

/// A panic in a task goes down loudly.
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
        // It doesn't get rid of what it was told before: it is stuck, which its clocks will show.
        tracing::debug!(socket = id.0, "an order waits in vain");
    }
}

fn to_duration(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time.0).unwrap_or(0))
}

/// One socket from its opening to its end: `Ok` if it was told to stop.
async fn run_socket(
    id: SocketId,
    endpoint: &SocketEndpoint,
    bytes: Arc<AtomicU64>,
    mut commands: mpsc::Receiver<SocketCommand>,
    event_sender: &mpsc::Sender<(SocketId, SocketEvent)>,
    stop: &CancellationToken,
) -> Result<(), DisconnectReason> {
    let stream = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        stream = connect(&endpoint.address, Arc::clone(&endpoint.tls), bytes) => stream?,
    };
    let (mut sink, mut stream) = stream.split();
    let emit = async |socket_event| {
        tokio::select! {
            () = stop.cancelled() => false,
            sent = event_sender.send((id, socket_event)) => sent.is_ok(),
        }
    };
    if !emit(SocketEvent::Opened).await {
        return Ok(());
    }
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                // A goodbye, if the venue takes it; the line is dropped either way.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, sink.send(Message::Close(None))).await;
                return Ok(());
            }
            Some(command) = commands.recv() => {
                let message = match command {
                    SocketCommand::Send(text) => Message::text(text),
                    SocketCommand::Ping => Message::Ping(Vec::new().into()),
                };
                match tokio::time::timeout(SEND_TIMEOUT, sink.send(message)).await {
                    Ok(sent) => sent.map_err(|error| disconnect_reason(&error))?,
                    Err(_) => return Err(DisconnectReason::Broken("nothing can be sent".into())),
                }
            }
            message = stream.next() => {
                let socket_event = match message {
                    Some(Ok(Message::Text(text))) => SocketEvent::Text(text.as_str().to_owned(), (endpoint.clock)()),
                    Some(Ok(Message::Binary(bytes))) => {
                        SocketEvent::Text(String::from_utf8_lossy(&bytes).into_owned(), (endpoint.clock)())
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => SocketEvent::Control,
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map_or_else(String::new, |frame| format!(": {frame}"));
                        return Err(DisconnectReason::Broken(format!("closed by the venue{why}")));
                    }
                    Some(Err(error)) => return Err(disconnect_reason(&error)),
                    None => return Err(DisconnectReason::Broken("ended".into())),
                };
                if !emit(socket_event).await {
                    return Ok(());
                }
            }
        }
    }
}

async fn connect(
    address: &SocketUrl,
    tls: Arc<ClientConfig>,
    bytes: Arc<AtomicU64>,
) -> Result<WebSocketStream<MaybeTlsStream<CountingStream<TcpStream>>>, DisconnectReason> {
    let broken = |error: io::Error| DisconnectReason::Broken(error.to_string());
    let tcp = TcpStream::connect((address.host.as_str(), address.port));
    let tcp = tcp.await.map_err(broken)?;
    tcp.set_nodelay(true).map_err(broken)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let opened = tokio_tungstenite::client_async_tls_with_config(
        address.url.as_str(),
        CountingStream { inner: tcp, bytes },
        Some(config),
        Some(Connector::Rustls(tls)),
    );
    match opened.await {
        Ok((stream, _)) => Ok(stream),
        Err(error) => Err(disconnect_reason(&error)),
    }
}

fn disconnect_reason(error: &Error) -> DisconnectReason {
    let Error::Http(response) = error else {
        return DisconnectReason::Broken(error.to_string());
    };
    let retry_after = response.headers().get(RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    DisconnectReason::HttpStatus {
        status: response.status().as_u16(),
        retry_after: seconds.map(Millis::seconds),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountingStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountingStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
