//! The exchange's side of a connection: carries out its script.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Act, Voice};

/// Serves one connection after another, each by its script.
pub async fn connections(
    listener: TcpListener,
    voice: Voice,
    scripts: Vec<Vec<Act>>,
    tls: Option<TlsAcceptor>,
) {
    let mut tasks = JoinSet::new();
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = scripts[number.min(scripts.len() - 1)].clone();
        number += 1;
        let (voice, tls) = (voice.clone(), tls.clone());
        tasks.spawn(async move {
            match tls {
                None => connection(stream, voice, script).await,
                // A client that doesn't trust us hangs up.
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => connection(stream, voice, script).await,
                    Err(error) => eprintln!("the client hung up: {error}"),
                },
            }
        });
    }
}

async fn connection<S>(mut stream: S, mut voice: Voice, script: Vec<Act>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match script.first() {
        Some(Act::HalfOpen) => return std::future::pending().await,
        Some(Act::TurnAway(status, retry_after)) => {
            turn_away(&mut stream, *status, *retry_after).await;
            return;
        }
        _ => {}
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    for act in script {
        // The client may leave in the middle of anything.
        if perform(&mut socket, &mut voice, act).await.is_none() {
            return;
        }
    }
    // The script is over: behave.
    serve(&mut socket, &mut voice, Duration::MAX, None).await;
}

async fn turn_away(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: u16,
    retry_after: Option<u32>,
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let header = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n"));
    let answer = format!(
        "HTTP/1.1 {status} No\r\n{}Content-Length: 0\r\n\r\n",
        header.unwrap_or_default()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// Carries out one act; `None` once the connection is over.
async fn perform<S>(socket: &mut WebSocketStream<S>, voice: &mut Voice, act: Act) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match act {
        Act::TurnAway(..) | Act::HalfOpen => unreachable!("only as the first act"),
        Act::Acknowledge => {
            for _ in 0..voice.requests() {
                let request = request(socket).await?;
                say(socket, voice.acknowledge(&request)).await;
            }
            Some(())
        }
        Act::Refuse => {
            request(socket).await?;
            let refusal = voice.refuse();
            say(socket, vec![refusal]).await;
            Some(())
        }
        Act::Ignore => {
            for _ in 0..voice.requests() {
                request(socket).await?;
            }
            Some(())
        }
        Act::Trade(id, price, ago) => {
            let frames = voice.trade(id, price, now_ms() - ago);
            say(socket, frames).await;
            Some(())
        }
        Act::Beat(millis) => {
            let every = Some(Duration::from_millis(20));
            serve(socket, voice, Duration::from_millis(millis), every).await
        }
        Act::Say(text) => {
            say(socket, vec![text.to_owned()]).await;
            Some(())
        }
        Act::Notice => {
            let notice = voice.notice();
            say(socket, vec![notice]).await;
            Some(())
        }
        Act::Drip => {
            // A text frame of 60,000 bytes, of which hardly any will ever come.
            let stream = socket.get_mut();
            let mut wrote = stream.write_all(&[0x81, 126, 0xea, 0x60]).await;
            while wrote.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                wrote = stream.write_all(b"{").await;
            }
            None
        }
        Act::Stall => std::future::pending().await,
        Act::Cut => None,
    }
}

/// The client's next message.
async fn request<S>(socket: &mut WebSocketStream<S>) -> Option<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

async fn say<S>(socket: &mut WebSocketStream<S>, frames: Vec<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for frame in frames {
        // The client may be gone; the next read will say so.
        let _ = socket.send(Message::text(frame)).await;
    }
}

/// Answers pings, and sends a heartbeat now and then, for a while.
async fn serve<S>(
    socket: &mut WebSocketStream<S>,
    voice: &mut Voice,
    span: Duration,
    beat: Option<Duration>,
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = Instant::now().checked_add(span);
    loop {
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let next_beat = async {
            match beat {
                Some(every) => tokio::time::sleep(every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return Some(()),
            () = next_beat => {
                let heartbeat = voice.heartbeat(now_ms());
                match heartbeat {
                    Some(heartbeat) => say(socket, vec![heartbeat]).await,
                    // Venues without a heartbeat of their own ping.
                    None => socket.send(Message::Ping(Vec::new().into())).await.ok()?,
                }
            }
            message = socket.next() => match message? {
                Ok(Message::Text(text)) => {
                    let pong = voice.pong(text.as_str());
                    say(socket, pong.into_iter().collect()).await;
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}
