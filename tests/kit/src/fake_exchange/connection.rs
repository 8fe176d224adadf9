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

use super::protocol::ExchangeProtocol;
use super::script::ScriptStep;

/// Serves one connection after another, each by its script.
pub async fn serve_all(
    listener: TcpListener,
    protocol: ExchangeProtocol,
    scripts: Vec<Vec<ScriptStep>>,
    tls: Option<TlsAcceptor>,
) {
    let mut tasks = JoinSet::new();
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = scripts[number.min(scripts.len() - 1)].clone();
        number += 1;
        let (protocol, tls) = (protocol.clone(), tls.clone());
        tasks.spawn(async move {
            match tls {
                None => serve_connection(stream, protocol, script).await,
                // A client that doesn't trust us hangs up.
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve_connection(stream, protocol, script).await,
                    Err(error) => eprintln!("the client hung up: {error}"),
                },
            }
        });
    }
}

async fn serve_connection<S>(mut stream: S, mut protocol: ExchangeProtocol, script: Vec<ScriptStep>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match script.first() {
        Some(ScriptStep::HalfOpen) => return std::future::pending().await,
        Some(ScriptStep::RejectHandshake(status, retry_after)) => {
            reject_handshake(&mut stream, *status, *retry_after).await;
            return;
        }
        _ => {}
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    for step in script {
        // The client may leave in the middle of anything.
        if perform(&mut socket, &mut protocol, step).await.is_none() {
            return;
        }
    }
    // The script is over: keep to the protocol.
    serve(&mut socket, &mut protocol, Duration::MAX, None).await;
}

async fn reject_handshake(
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

/// Carries out one step; `None` once the connection is over.
async fn perform<S>(
    socket: &mut WebSocketStream<S>,
    protocol: &mut ExchangeProtocol,
    step: ScriptStep,
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match step {
        ScriptStep::RejectHandshake(..) | ScriptStep::HalfOpen => {
            unreachable!("only as the first step")
        }
        ScriptStep::AcknowledgeSubscriptions => {
            for _ in 0..protocol.subscription_requests() {
                let request = next_text(socket).await?;
                send_frames(socket, protocol.acknowledgement(&request)).await;
            }
            Some(())
        }
        ScriptStep::RejectSubscriptions => {
            next_text(socket).await?;
            let rejection = protocol.rejection();
            send_frames(socket, vec![rejection]).await;
            Some(())
        }
        ScriptStep::IgnoreSubscriptions => {
            for _ in 0..protocol.subscription_requests() {
                next_text(socket).await?;
            }
            Some(())
        }
        ScriptStep::SendTrade(id, price, ago) => {
            let frames = protocol.trade(id, price, now_ms() - ago);
            send_frames(socket, frames).await;
            Some(())
        }
        ScriptStep::SendHeartbeats(millis) => {
            let every = Some(Duration::from_millis(20));
            serve(socket, protocol, Duration::from_millis(millis), every).await
        }
        ScriptStep::SendText(text) => {
            send_frames(socket, vec![text.to_owned()]).await;
            Some(())
        }
        ScriptStep::SendRestartNotice => {
            let notice = protocol.restart_notice();
            send_frames(socket, vec![notice]).await;
            Some(())
        }
        ScriptStep::SendSlowly => {
            // A text frame of 60,000 bytes, of which hardly any will ever come.
            let stream = socket.get_mut();
            let mut wrote = stream.write_all(&[0x81, 126, 0xea, 0x60]).await;
            while wrote.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                wrote = stream.write_all(b"{").await;
            }
            None
        }
        ScriptStep::Stall => std::future::pending().await,
        ScriptStep::Disconnect => None,
    }
}

/// The client's next message.
async fn next_text<S>(socket: &mut WebSocketStream<S>) -> Option<String>
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

async fn send_frames<S>(socket: &mut WebSocketStream<S>, frames: Vec<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for frame in frames {
        // The client may be gone; the next read fails then.
        let _ = socket.send(Message::text(frame)).await;
    }
}

/// Answers pings, and sends a heartbeat now and then, for a while.
async fn serve<S>(
    socket: &mut WebSocketStream<S>,
    protocol: &mut ExchangeProtocol,
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
                let heartbeat = protocol.heartbeat(now_ms());
                match heartbeat {
                    Some(heartbeat) => send_frames(socket, vec![heartbeat]).await,
                    // Venues without a heartbeat of their own ping.
                    None => socket.send(Message::Ping(Vec::new().into())).await.ok()?,
                }
            }
            message = socket.next() => match message? {
                Ok(Message::Text(text)) => {
                    let pong = protocol.pong(text.as_str());
                    send_frames(socket, pong.into_iter().collect()).await;
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
