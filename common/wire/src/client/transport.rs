//! Plain HTTP to a miner: connections kept between requests, heads and bodies cut at a number of bytes.
//!
//! Nothing here follows a redirection or looks for a proxy, in the environment or elsewhere: a request goes to the address
//! that it names. Miners speak plain HTTP: signatures make answers authentic.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use foretell_core::miss::AnswerFault;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer_memory::AnswerMemory;
use super::declared_delay::DeclaredDelay;
use super::error::MinerRequestError;

/// Connections to one miner that are kept for the next request, and for how long.
const IDLE_CONNECTIONS: usize = 1;
const IDLE_FOR: Duration = Duration::from_secs(90);
/// Most bytes of an answer's head: status and all headers.
pub(super) const MAX_HEAD_BYTES: usize = 12 << 10;
/// Bytes that are read of the text with which a miner explains a refusal, and characters that are kept of it.
const MAX_REFUSAL_BYTES: usize = 1 << 10;
pub(super) const MAX_SAID_CHARS: usize = 200;
/// Longest `Retry-After` that is read as a number of seconds, in characters; a window is open for less than a minute.
const MAX_RETRY_AFTER_CHARS: usize = 9;

/// The HTTP client, and the memory that all its answers share.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client<HttpConnector, Body>,
    memory: AnswerMemory,
}

/// The whole of an HTTP answer, before anything of it is verified.
pub(super) struct RawAnswer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
    declared_delay: DeclaredDelay,
    retry_after: Option<Duration>,
}

impl Transport {
    /// A transport without connections.
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_FOR)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(connector);
        Self {
            client,
            memory: AnswerMemory::default(),
        }
    }

    /// What `address` answers to a POST of JSON to `path`; an answer of more than `max_bytes` is cut off.
    pub(super) async fn post(
        &self,
        address: SocketAddr,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, String)>,
        body: Vec<u8>,
        max_bytes: usize,
    ) -> Result<RawAnswer, MinerRequestError> {
        let mut request = Request::post(format!("http://{address}{path}"))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).map_err(unreachable)?;
        let response = self.client.request(request).await.map_err(unreachable)?;
        check_head(response.headers())?;
        let head = RawAnswer {
            status: response.status(),
            body: Vec::new(),
            declared_delay: DeclaredDelay::from_headers(response.headers()),
            retry_after: retry_after(response.headers()),
        };
        if !head.status.is_success() {
            let body = read_start(response).await?;
            return Ok(RawAnswer { body, ..head });
        }
        let body = self.read(response, max_bytes, head.declared_delay).await?;
        Ok(RawAnswer { body, ..head })
    }

    /// The body of an answer. What is longer than a usual one waits for room in the memory that all answers share.
    async fn read(
        &self,
        response: Response<Incoming>,
        max_bytes: usize,
        declared_delay: DeclaredDelay,
    ) -> Result<Vec<u8>, MinerRequestError> {
        let too_long = || MinerRequestError::InvalidAnswer {
            why: AnswerFault::TooLong(max_bytes),
            declared_delay,
        };
        let promised = promised_bytes(response.headers());
        if promised.is_some_and(|promised| promised > max_bytes) {
            return Err(too_long());
        }
        let longest = promised.unwrap_or(max_bytes);
        let mut room = self.memory.usual(longest);
        let mut body = response.into_body();
        let mut bytes = Vec::with_capacity(room.bytes());
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(unreachable)?.into_data() else {
                continue;
            };
            let length = bytes.len() + chunk.len();
            if length > max_bytes {
                return Err(too_long());
            }
            if length > room.bytes() {
                room = self.memory.large(longest.max(length)).await;
            }
            if room.is_overdue(Instant::now()) {
                return Err(MinerRequestError::TimedOut(AnswerMemory::LARGE_ANSWER_TIME));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl RawAnswer {
    /// Body and declared delay of an answer of success; otherwise what kind of refusal it is.
    pub(super) fn success(self) -> Result<(Vec<u8>, DeclaredDelay), MinerRequestError> {
        if self.status.is_success() {
            return Ok((self.body, self.declared_delay));
        }
        let said = String::from_utf8_lossy(&self.body);
        let said = said.trim().chars().filter(|c| !c.is_control());
        Err(MinerRequestError::Refused {
            status: self.status.as_u16(),
            retry_after: self.retry_after,
            said: said.take(MAX_SAID_CHARS).collect(),
            declared_delay: self.declared_delay,
        })
    }
}

/// The first bytes of a refusal's text; the rest is left unread.
async fn read_start(response: Response<Incoming>) -> Result<Vec<u8>, MinerRequestError> {
    let mut body = response.into_body();
    let mut start = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(chunk) = frame.map_err(unreachable)?.into_data() {
            start.extend(chunk.iter().take(MAX_REFUSAL_BYTES - start.len()));
        }
        if start.len() >= MAX_REFUSAL_BYTES {
            break;
        }
    }
    Ok(start)
}

/// The HTTP library stops reading at a head of this length, but may have read one that is longer at a stroke.
fn check_head(headers: &HeaderMap) -> Result<(), MinerRequestError> {
    let lines = headers.iter();
    // A colon, a blank and the end of the line.
    let bytes: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if bytes <= MAX_HEAD_BYTES {
        return Ok(());
    }
    Err(MinerRequestError::InvalidAnswer {
        why: AnswerFault::TooLong(MAX_HEAD_BYTES),
        declared_delay: DeclaredDelay::Millis(0),
    })
}

/// The error without what it may quote: whatever a miner sends that is no HTTP is a connection that broke.
fn unreachable(error: impl Error + Send + Sync + 'static) -> MinerRequestError {
    MinerRequestError::Unreachable(Box::new(error))
}

fn promised_bytes(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    // Longer than any number is longer than any cap.
    Some(length.parse().unwrap_or(usize::MAX))
}

/// The seconds of a `Retry-After`; a date, or more seconds than a window has, is as good as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = (text.len() <= MAX_RETRY_AFTER_CHARS).then(|| text.parse().ok())?;
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_that_can_be_waited_are_a_retry_after() {
        let of = |value: &str| {
            let value = value.parse().unwrap();
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
        };
        assert_eq!(of("0"), Some(Duration::ZERO));
        assert_eq!(of(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(of("31536000"), Some(Duration::from_secs(31_536_000)));
        for text in [
            "18446744073709551615",
            "99999999999999999999999",
            "-1",
            "1.5",
            "",
            "Wed, 21 Oct 2026 07:28:00 GMT",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
