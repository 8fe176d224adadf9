//! Asking a miner: signed request, total deadline, capped answer, verified signature.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foretell_core::attest::{answer_text, reveal_text};
use foretell_core::hotkey::Hotkey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::axon;
use crate::btauth::{Request, signed_headers};
use crate::keypair::{Keypair, verifies};
use crate::messages::{
    COMMIT_ROUTE, CommitAnswer, CommitRequest, DELAY_HEADER, OUTCOME_ROUTE, OutcomeNotice,
    REVEAL_ROUTE, RevealAnswer, RevealRequest,
};

/// Longest commit answer.
const MAX_COMMIT_BYTES: usize = 4 << 10;
/// Longest reveal answer: a payload of 4 MiB as a JSON string, quotes escaped, and a little more.
const MAX_REVEAL_BYTES: usize = 5 << 20;
/// Longest answer to being told something, which is none but for what went wrong.
const MAX_OUTCOME_ANSWER_BYTES: usize = 4 << 10;
/// Connections to one miner that are kept for the next request, and for how long.
const IDLE_CONNECTIONS: usize = 1;
const IDLE_FOR: Duration = Duration::from_secs(90);
/// Miners whose older protocol is remembered; more than any subnet has.
const MAX_REMEMBERED_AXONS: usize = 4096;
/// How much of an error's text is kept.
const MAX_REASON_CHARS: usize = 200;

/// Asks miners in the name of one hotkey.
///
/// A miner that answers `btauth/1` with 404 is asked again in the older [axon protocol](crate::axon), and from then
/// on at once.
#[derive(Debug)]
pub struct MinerClient {
    key: Keypair,
    http: reqwest::Client,
    last_nonce: AtomicU64,
    /// Names this client to axons.
    uuid: String,
    /// Who speaks the older protocol, and where.
    axons: Mutex<HashMap<Hotkey, SocketAddr>>,
}

/// A miner and how to reach it.
#[derive(Debug, Clone, Copy)]
struct Peer<'a> {
    hotkey: &'a Hotkey,
    address: SocketAddr,
    deadline: Duration,
}

/// What came back, before anything is believed.
struct Reply {
    status: reqwest::StatusCode,
    body: Vec<u8>,
    declared_delay: Delay,
}

/// An answer whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// What the miner declares in [`DELAY_HEADER`]; only a replay reads it.
    pub declared_delay: Delay,
}

/// How late an answer is to be taken for, in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// This many milliseconds of the round clock; 0 unless declared.
    Millis(u32),
    /// It never came.
    Never,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// No connection, or it broke.
    #[error("the miner can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The total deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It answered something else.
    #[error("{why}")]
    Unusable {
        /// What is wrong with it; no addresses, the text goes into the journal.
        why: String,
        /// What the miner declares.
        declared_delay: Delay,
    },
    /// The answer's signature does not verify.
    #[error("the answer's signature does not verify")]
    Signature,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The HTTP library.
    #[error("can't set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The TLS library.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
}

impl MinerClient {
    /// A client that signs with `key`. Miners speak plain HTTP: authenticity is the signatures'.
    pub fn new(key: Keypair) -> Result<Self, ClientError> {
        // reqwest wants to know how TLS would be spoken; trusting nobody needs no files of this machine.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_FOR)
            .build()?;
        let born = system_nanos();
        let uuid = format!("{}-{born:x}", std::process::id());
        Ok(Self {
            key,
            http,
            last_nonce: AtomicU64::new(0),
            uuid,
            axons: Mutex::default(),
        })
    }

    /// The key that signs.
    pub const fn key(&self) -> &Keypair {
        &self.key
    }

    /// The miner's commitment in a round, within a total `deadline`.
    pub async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
        deadline: Duration,
    ) -> Result<Answered<CommitAnswer>, AskError> {
        let answered: Answered<CommitAnswer> = self
            .ask(
                miner,
                axon,
                COMMIT_ROUTE,
                request,
                MAX_COMMIT_BYTES,
                deadline,
            )
            .await?;
        let CommitAnswer {
            commitment,
            signature,
        } = &answered.answer;
        let text = answer_text(&request.round, &self.key.hotkey(), commitment);
        if verifies(miner, text.as_bytes(), signature) {
            Ok(answered)
        } else {
            Err(AskError::Signature)
        }
    }

    /// The payload behind a commitment, within a total `deadline`.
    pub async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: Duration,
    ) -> Result<Answered<RevealAnswer>, AskError> {
        let answered: Answered<RevealAnswer> = self
            .ask(
                miner,
                axon,
                REVEAL_ROUTE,
                request,
                MAX_REVEAL_BYTES,
                deadline,
            )
            .await?;
        let RevealAnswer {
            payload, signature, ..
        } = &answered.answer;
        let text = reveal_text(&request.round, &self.key.hotkey(), payload.as_bytes());
        if verifies(miner, text.as_bytes(), signature) {
            Ok(answered)
        } else {
            Err(AskError::Signature)
        }
    }

    /// Tells a miner what became of its answer, within a total `deadline`.
    ///
    /// The [older protocol](crate::axon) has no words for it: a miner known to speak that is not told.
    pub async fn tell(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notice: &OutcomeNotice,
        deadline: Duration,
    ) -> Result<(), AskError> {
        let peer = Peer {
            hotkey: miner,
            address: axon,
            deadline,
        };
        if self.speaks_axon(peer) {
            return Ok(());
        }
        let text = serde_json::to_string(notice).map_err(|error| unusable(error.to_string()))?;
        let telling = self.by_btauth(peer, OUTCOME_ROUTE, &text, MAX_OUTCOME_ANSWER_BYTES);
        let reply = tokio::time::timeout(deadline, telling)
            .await
            .map_err(|_| AskError::TimedOut(deadline))??;
        reply.success().map(|_| ())
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        route: &str,
        question: &Q,
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<Answered<A>, AskError> {
        let peer = Peer {
            hotkey: miner,
            address: axon,
            deadline,
        };
        let exchange = self.exchange(peer, route, question, max_bytes);
        let (body, declared_delay) = tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|_| AskError::TimedOut(deadline))??;
        let answer = serde_json::from_slice(&body).map_err(|error| AskError::Unusable {
            why: format!("not the JSON of {route}: {error}"),
            declared_delay,
        })?;
        Ok(Answered {
            answer,
            declared_delay,
        })
    }

    /// The bytes of an answer, in whichever protocol the miner speaks.
    async fn exchange<Q: Serialize>(
        &self,
        peer: Peer<'_>,
        route: &str,
        question: &Q,
        max_bytes: usize,
    ) -> Result<(Vec<u8>, Delay), AskError> {
        let question =
            serde_json::to_string(question).map_err(|error| unusable(error.to_string()))?;
        let mut unknown = None;
        if !self.speaks_axon(peer) {
            let reply = self.by_btauth(peer, route, &question, max_bytes).await?;
            if reply.status != reqwest::StatusCode::NOT_FOUND {
                return reply.success();
            }
            unknown = Some(reply);
        }
        let reply = self.by_axon(peer, route, &question, max_bytes).await?;
        let known = reply.status != reqwest::StatusCode::NOT_FOUND;
        self.remember_axon(peer, known);
        // What neither protocol knows is said in the present one's words.
        let reply = unknown.filter(|_| !known).unwrap_or(reply);
        let (body, declared_delay) = reply.success()?;
        let answer = axon::client::answer(&body).map_err(|why| AskError::Unusable {
            why,
            declared_delay,
        })?;
        Ok((answer.into_bytes(), declared_delay))
    }

    async fn by_btauth(
        &self,
        peer: Peer<'_>,
        route: &str,
        question: &str,
        max_bytes: usize,
    ) -> Result<Reply, AskError> {
        let signed = Request {
            method: "POST",
            path: route,
            body: question.as_bytes(),
        };
        let headers = signed_headers(&self.key, peer.hotkey, &signed, self.next_nonce());
        let body = question.as_bytes().to_vec();
        self.post(peer, route, headers, body, max_bytes).await
    }

    async fn by_axon(
        &self,
        peer: Peer<'_>,
        route: &str,
        question: &str,
        max_bytes: usize,
    ) -> Result<Reply, AskError> {
        let asked = axon::client::question(
            &self.key,
            peer.hotkey,
            &self.uuid,
            route,
            question,
            self.next_nonce(),
            peer.deadline,
        );
        let Some(asked) = asked else {
            return Err(unusable(format!("no synapse carries {route}")));
        };
        // The question comes back with the answer, whose quotes are escaped once more.
        let max_bytes = max_bytes + max_bytes / 4 + 2 * asked.body.len();
        let body = asked.body.into_bytes();
        self.post(peer, &asked.path, asked.headers, body, max_bytes)
            .await
    }

    async fn post(
        &self,
        peer: Peer<'_>,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, String)>,
        body: Vec<u8>,
        max_bytes: usize,
    ) -> Result<Reply, AskError> {
        let mut request = self
            .http
            .post(format!("http://{}{path}", peer.address))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = request
            .body(body)
            .send()
            .await
            .map_err(AskError::Unreachable)?;
        let declared_delay = declared_delay(&response);
        let promised = response.content_length().unwrap_or(0);
        let promised = usize::try_from(promised).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(promised.min(max_bytes));
        while let Some(chunk) = response.chunk().await.map_err(AskError::Unreachable)? {
            if bytes.len() + chunk.len() > max_bytes {
                return Err(AskError::Unusable {
                    why: format!("answer longer than {max_bytes} bytes"),
                    declared_delay,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status(),
            body: bytes,
            declared_delay,
        })
    }

    fn speaks_axon(&self, peer: Peer<'_>) -> bool {
        let axons = self.axons.lock().unwrap_or_else(PoisonError::into_inner);
        axons.get(peer.hotkey) == Some(&peer.address)
    }

    fn remember_axon(&self, peer: Peer<'_>, known: bool) {
        let mut axons = self.axons.lock().unwrap_or_else(PoisonError::into_inner);
        if !known {
            axons.remove(peer.hotkey);
            return;
        }
        if axons.len() >= MAX_REMEMBERED_AXONS {
            axons.clear();
        }
        axons.insert(*peer.hotkey, peer.address);
    }

    /// Nanoseconds since 1970, never the same twice.
    fn next_nonce(&self) -> u64 {
        let now = system_nanos();
        let before = self
            .last_nonce
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            })
            .unwrap_or(now);
        now.max(before + 1)
    }
}

impl Reply {
    /// Body and declared delay of an answer of status 200; otherwise what the miner says is wrong.
    fn success(self) -> Result<(Vec<u8>, Delay), AskError> {
        if self.status.is_success() {
            return Ok((self.body, self.declared_delay));
        }
        let text: String = String::from_utf8_lossy(&self.body)
            .chars()
            .take(MAX_REASON_CHARS)
            .collect();
        Err(AskError::Unusable {
            why: format!("status {}: {}", self.status.as_u16(), text.trim()),
            declared_delay: self.declared_delay,
        })
    }
}

fn unusable(why: String) -> AskError {
    AskError::Unusable {
        why,
        declared_delay: Delay::Millis(0),
    }
}

/// The system clock, which transport always goes by.
pub(crate) fn system_nanos() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
}

fn declared_delay(response: &reqwest::Response) -> Delay {
    let declared = response
        .headers()
        .get(DELAY_HEADER)
        .and_then(|value| value.to_str().ok());
    match declared {
        Some("never") => Delay::Never,
        Some(millis) => Delay::Millis(millis.parse().unwrap_or(0)),
        None => Delay::Millis(0),
    }
}

#[cfg(test)]
mod tests;
