//! Runs a [`Connection`] on real sockets: a task a socket, and one that owns them, the clock and the connection.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

use crate::connection::{Action, Connection, Input, Loss, Note, SocketId};

/// Messages of all sockets of a connection that wait to be read. A full channel holds up the sockets, and so the venue.
const WAITING: usize = 1024;
/// Longest message: a snapshot of trades is some 100 kB.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// A message of ours that isn't sent within this means that the line is dead.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);

/// What a running connection lets its owner see.
#[derive(Debug)]
pub enum Observed<'a> {
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
    Note(Note<'a>),
    /// How far our clock is ahead of the venue's, at most; said when that changes.
    ClockOffset(Millis),
}

/// The address is none of a WebSocket.
#[derive(Debug, Error)]
#[error("{0:?} is no WebSocket address: write ws://HOST[:PORT]/PATH or wss://…")]
pub struct AddressError(String);

/// Where a venue's WebSocket interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    host: String,
    port: u16,
}

/// What happens to a socket.
enum Happening {
    Opened,
    Text(String, UnixMillis),
    Control,
    Gone(Loss),
}

/// What a socket is told.
enum Order {
    Send(String),
    Ping,
}

/// A socket as its owner holds it.
struct Held {
    orders: mpsc::Sender<Order>,
    bytes: Arc<AtomicU64>,
    bytes_seen: u64,
    stop: CancellationToken,
}

/// A stream that counts the bytes read from it.
struct Counted<S> {
    inner: S,
    bytes: Arc<AtomicU64>,
}

impl Address {
    /// The address that this URL names.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let bad = || AddressError(url.to_owned());
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

/// Runs the connection until `stop`; `on` sees everything, in order. When this returns, every socket is closed and every
/// task has ended.
pub async fn run(
    mut connection: Connection,
    address: Address,
    tls: Arc<ClientConfig>,
    stop: CancellationToken,
    on: &mut (dyn FnMut(Observed<'_>) + Send),
) {
    let start = Instant::now();
    let now = || Millis(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX));
    let (happened, mut happenings) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    let mut held: BTreeMap<SocketId, Held> = BTreeMap::new();
    let mut clock_offset = None;
    let mut actions = connection.handle(now(), Input::Tick, &mut |note| on(Observed::Note(note)));
    loop {
        for action in actions.drain(..) {
            match action {
                Action::Open(id) => {
                    let (orders, ordered) = mpsc::channel(16);
                    let bytes = Arc::new(AtomicU64::new(0));
                    let stop = CancellationToken::new();
                    let (address, tls) = (address.clone(), Arc::clone(&tls));
                    let (happened, counter) = (happened.clone(), Arc::clone(&bytes));
                    let stopped = stop.clone();
                    tasks.spawn(async move {
                        let socket =
                            socket(id, &address, tls, counter, ordered, &happened, &stopped);
                        if let Err(loss) = socket.await {
                            // The owner may have gone first.
                            let _ = happened.send((id, Happening::Gone(loss))).await;
                        }
                    });
                    held.insert(
                        id,
                        Held {
                            orders,
                            bytes,
                            bytes_seen: 0,
                            stop,
                        },
                    );
                }
                Action::Send(id, text) => order(&held, id, Order::Send(text)),
                Action::Ping(id) => order(&held, id, Order::Ping),
                Action::Close(id) => {
                    if let Some(socket) = held.remove(&id) {
                        socket.stop.cancel();
                    }
                }
            }
        }
        let due = start + until(connection.next_tick(now()));
        let happening = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            happening = happenings.recv() => happening,
            () = tokio::time::sleep_until(due) => None,
        };
        let mut note = |note: Note<'_>| on(Observed::Note(note));
        for (id, socket) in &mut held {
            let bytes = socket.bytes.load(Ordering::Relaxed);
            if bytes != socket.bytes_seen {
                socket.bytes_seen = bytes;
                actions.extend(connection.handle(now(), Input::Bytes(*id), &mut note));
            }
        }
        let more = match happening {
            None => connection.handle(now(), Input::Tick, &mut note),
            Some((id, Happening::Opened)) => connection.handle(now(), Input::Opened(id), &mut note),
            Some((id, Happening::Control)) => {
                connection.handle(now(), Input::Control(id), &mut note)
            }
            Some((id, Happening::Gone(loss))) => {
                held.remove(&id);
                connection.handle(now(), Input::Gone(id, loss), &mut note)
            }
            Some((id, Happening::Text(text, received))) => {
                on(Observed::Frame {
                    socket: id,
                    received,
                    text: &text,
                });
                let input = Input::Text(id, &text, received);
                connection.handle(now(), input, &mut |note| on(Observed::Note(note)))
            }
        };
        actions.extend(more);
        if connection.clock_offset() != clock_offset {
            clock_offset = connection.clock_offset();
            if let Some(offset) = clock_offset {
                on(Observed::ClockOffset(offset));
            }
        }
        while let Some(ended) = tasks.try_join_next() {
            loudly(ended);
        }
    }
    connection.handle(now(), Input::Stop, &mut |note| on(Observed::Note(note)));
    for socket in held.values() {
        socket.stop.cancel();
    }
    // Sockets that wait to be heard see that nobody listens.
    drop(happenings);
    while let Some(ended) = tasks.join_next().await {
        loudly(ended);
    }
}

/// A panic in a task goes down loudly.
fn loudly(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn order(held: &BTreeMap<SocketId, Held>, id: SocketId, order: Order) {
    if let Some(socket) = held.get(&id)
        && socket.orders.try_send(order).is_err()
    {
        // It doesn't get rid of what it was told before: it is stuck, which its clocks will show.
        tracing::debug!(socket = id.0, "an order waits in vain");
    }
}

fn until(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time.0).unwrap_or(0))
}

/// One socket from its opening to its end: `Ok` if it was told to stop.
async fn socket(
    id: SocketId,
    address: &Address,
    tls: Arc<ClientConfig>,
    bytes: Arc<AtomicU64>,
    mut orders: mpsc::Receiver<Order>,
    happened: &mpsc::Sender<(SocketId, Happening)>,
    stop: &CancellationToken,
) -> Result<(), Loss> {
    let stream = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        stream = open(address, tls, bytes) => stream?,
    };
    let (mut sink, mut stream) = stream.split();
    let tell = async |happening| {
        tokio::select! {
            () = stop.cancelled() => false,
            told = happened.send((id, happening)) => told.is_ok(),
        }
    };
    if !tell(Happening::Opened).await {
        return Ok(());
    }
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                // A goodbye, if the venue takes it; the line is dropped either way.
                let _ = tokio::time::timeout(CLOSE_WITHIN, sink.send(Message::Close(None))).await;
                return Ok(());
            }
            Some(order) = orders.recv() => {
                let message = match order {
                    Order::Send(text) => Message::text(text),
                    Order::Ping => Message::Ping(Vec::new().into()),
                };
                match tokio::time::timeout(SEND_WITHIN, sink.send(message)).await {
                    Ok(sent) => sent.map_err(|error| loss(&error))?,
                    Err(_) => return Err(Loss::Broken("nothing can be sent".into())),
                }
            }
            message = stream.next() => {
                let happening = match message {
                    Some(Ok(Message::Text(text))) => Happening::Text(text.as_str().to_owned(), received()),
                    Some(Ok(Message::Binary(bytes))) => {
                        Happening::Text(String::from_utf8_lossy(&bytes).into_owned(), received())
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Happening::Control,
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map_or_else(String::new, |frame| format!(": {frame}"));
                        return Err(Loss::Broken(format!("closed by the venue{why}")));
                    }
                    Some(Err(error)) => return Err(loss(&error)),
                    None => return Err(Loss::Broken("ended".into())),
                };
                if !tell(happening).await {
                    return Ok(());
                }
            }
        }
    }
}

async fn open(
    address: &Address,
    tls: Arc<ClientConfig>,
    bytes: Arc<AtomicU64>,
) -> Result<WebSocketStream<MaybeTlsStream<Counted<TcpStream>>>, Loss> {
    let broken = |error: io::Error| Loss::Broken(error.to_string());
    let tcp = TcpStream::connect((address.host.as_str(), address.port));
    let tcp = tcp.await.map_err(broken)?;
    tcp.set_nodelay(true).map_err(broken)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let opened = tokio_tungstenite::client_async_tls_with_config(
        address.url.as_str(),
        Counted { inner: tcp, bytes },
        Some(config),
        Some(Connector::Rustls(tls)),
    );
    match opened.await {
        Ok((stream, _)) => Ok(stream),
        Err(error) => Err(loss(&error)),
    }
}

fn loss(error: &Error) -> Loss {
    let Error::Http(response) = error else {
        return Loss::Broken(error.to_string());
    };
    let retry_after = response.headers().get(RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Loss::Status {
        status: response.status().as_u16(),
        retry_after: seconds.map(Millis::seconds),
    }
}

fn received() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
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
