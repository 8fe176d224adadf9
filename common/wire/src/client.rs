//! Asking a miner: signed request, total deadline, capped answer, verified signature.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::signed_text::{answer_text, reveal_text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::axon;
use crate::btauth::{NanosClock, SignedRequest, signed_headers};
use crate::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, DELAY_HEADER, OUTCOME_ROUTE, OutcomeNotice,
    REVEAL_ROUTE, RevealRequest, RevealResponse,
};
use foretell_keys::keypair::{Keypair, verify_signature};

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
    clock: NanosClock,
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
struct RawAnswer {
    status: reqwest::StatusCode,
    body: Vec<u8>,
    declared_delay: DeclaredDelay,
}

/// An answer whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAnswer<T> {
    /// The answer.
    pub answer: T,
    /// What the miner declares in [`DELAY_HEADER`]; only a replay reads it.
    pub declared_delay: DeclaredDelay,
}

/// How late an answer is to be taken for, in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredDelay {
    /// This many milliseconds of the round clock; 0 unless declared.
    Millis(u32),
    /// It never came.
    Never,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum MinerRequestError {
    /// No connection, or it broke.
    #[error("the miner can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The total deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It answered something else.
    #[error("{why}")]
    InvalidAnswer {
        /// What is wrong with it; no addresses, the text goes into the journal.
        why: String,
        /// What the miner declares.
        declared_delay: DeclaredDelay,
    },
    /// The answer's signature does not verify.
    #[error("the answer's signature does not verify")]
    BadSignature,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum MinerClientError {
    /// The HTTP library.
    #[error("can't set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The TLS library.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
}

impl MinerClient {
    /// A client that signs with `key`. Miners speak plain HTTP: authenticity is the signatures'.
    pub fn new(key: Keypair, clock: NanosClock) -> Result<Self, MinerClientError> {
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
        let born = clock();
        let uuid = format!("{}-{born:x}", std::process::id());
        Ok(Self {
            key,
            clock,
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
    pub async fn request_commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
        deadline: Duration,
    ) -> Result<VerifiedAnswer<CommitResponse>, MinerRequestError> {
        let answered: VerifiedAnswer<CommitResponse> = self
            .request(
                miner,
                axon,
                COMMIT_ROUTE,
                request,
                MAX_COMMIT_BYTES,
                deadline,
            )
            .await?;
        let CommitResponse {
            commitment,
            signature,
        } = &answered.answer;
        let text = answer_text(&request.round, &self.key.hotkey(), commitment);
        if verify_signature(miner, text.as_bytes(), signature) {
            Ok(answered)
        } else {
            Err(MinerRequestError::BadSignature)
        }
    }

    /// The payload behind a commitment, within a total `deadline`.
    pub async fn request_reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: Duration,
    ) -> Result<VerifiedAnswer<RevealResponse>, MinerRequestError> {
        let answered: VerifiedAnswer<RevealResponse> = self
            .request(
                miner,
                axon,
                REVEAL_ROUTE,
                request,
                MAX_REVEAL_BYTES,
                deadline,
            )
            .await?;
        let RevealResponse {
            payload, signature, ..
        } = &answered.answer;
        let text = reveal_text(&request.round, &self.key.hotkey(), payload.as_bytes());
        if verify_signature(miner, text.as_bytes(), signature) {
            Ok(answered)
        } else {
            Err(MinerRequestError::BadSignature)
        }
    }

    /// Tells a miner what became of its answer, within a total `deadline`.
    ///
    /// The [older protocol](crate::axon) has no words for it: a miner known to speak that is not told.
    pub async fn send_outcome(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notice: &OutcomeNotice,
        deadline: Duration,
    ) -> Result<(), MinerRequestError> {
        let peer = Peer {
            hotkey: miner,
            address: axon,
            deadline,
        };
        if self.uses_axon(peer) {
            return Ok(());
        }
        let text =
            serde_json::to_string(notice).map_err(|error| invalid_answer(error.to_string()))?;
        let telling = self.post_btauth(peer, OUTCOME_ROUTE, &text, MAX_OUTCOME_ANSWER_BYTES);
        let reply = tokio::time::timeout(deadline, telling)
            .await
            .map_err(|_| MinerRequestError::TimedOut(deadline))??;
        reply.success().map(|_| ())
    }

    async fn request<Q: Serialize, A: DeserializeOwned>(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        route: &str,
        request: &Q,
        max_bytes: usize,
        deadline: Duration,
    ) -> Result<VerifiedAnswer<A>, MinerRequestError> {
        let peer = Peer {
            hotkey: miner,
            address: axon,
            deadline,
        };
        let exchange = self.exchange(peer, route, request, max_bytes);
        let (body, declared_delay) = tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|_| MinerRequestError::TimedOut(deadline))??;
        let answer =
            serde_json::from_slice(&body).map_err(|error| MinerRequestError::InvalidAnswer {
                why: format!("not the JSON of {route}: {error}"),
                declared_delay,
            })?;
        Ok(VerifiedAnswer {
            answer,
            declared_delay,
        })
    }

    /// The bytes of an answer, in whichever protocol the miner speaks.
    async fn exchange<Q: Serialize>(
        &self,
        peer: Peer<'_>,
        route: &str,
        request: &Q,
        max_bytes: usize,
    ) -> Result<(Vec<u8>, DeclaredDelay), MinerRequestError> {
        let request =
            serde_json::to_string(request).map_err(|error| invalid_answer(error.to_string()))?;
        let mut unknown = None;
        if !self.uses_axon(peer) {
            let reply = self.post_btauth(peer, route, &request, max_bytes).await?;
            if reply.status != reqwest::StatusCode::NOT_FOUND {
                return reply.success();
            }
            unknown = Some(reply);
        }
        let reply = self.post_axon(peer, route, &request, max_bytes).await?;
        let known = reply.status != reqwest::StatusCode::NOT_FOUND;
        self.remember_axon(peer, known);
        // What neither protocol knows is said in the present one's words.
        let reply = unknown.filter(|_| !known).unwrap_or(reply);
        let (body, declared_delay) = reply.success()?;
        let answer =
            axon::client::response_of(&body).map_err(|why| MinerRequestError::InvalidAnswer {
                why,
                declared_delay,
            })?;
        Ok((answer.into_bytes(), declared_delay))
    }

    async fn post_btauth(
        &self,
        peer: Peer<'_>,
        route: &str,
        request: &str,
        max_bytes: usize,
    ) -> Result<RawAnswer, MinerRequestError> {
        let signed = SignedRequest {
            method: "POST",
            path: route,
            body: request.as_bytes(),
        };
        let headers = signed_headers(&self.key, peer.hotkey, &signed, self.next_nonce());
        let body = request.as_bytes().to_vec();
        self.post(peer, route, headers, body, max_bytes).await
    }

    async fn post_axon(
        &self,
        peer: Peer<'_>,
        route: &str,
        request: &str,
        max_bytes: usize,
    ) -> Result<RawAnswer, MinerRequestError> {
        let synapse = axon::client::synapse_request(
            &self.key,
            peer.hotkey,
            &self.uuid,
            route,
            request,
            self.next_nonce(),
            peer.deadline,
        );
        let Some(synapse) = synapse else {
            return Err(invalid_answer(format!("no synapse carries {route}")));
        };
        // The request comes back with the answer, whose quotes are escaped once more.
        let max_bytes = max_bytes + max_bytes / 4 + 2 * synapse.body.len();
        let body = synapse.body.into_bytes();
        self.post(peer, &synapse.path, synapse.headers, body, max_bytes)
            .await
    }

    async fn post(
        &self,
        peer: Peer<'_>,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, String)>,
        body: Vec<u8>,
        max_bytes: usize,
    ) -> Result<RawAnswer, MinerRequestError> {
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
            .map_err(MinerRequestError::Unreachable)?;
        let declared_delay = declared_delay(&response);
        let promised = response.content_length().unwrap_or(0);
        let promised = usize::try_from(promised).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(promised.min(max_bytes));
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(MinerRequestError::Unreachable)?
        {
            if bytes.len() + chunk.len() > max_bytes {
                return Err(MinerRequestError::InvalidAnswer {
                    why: format!("answer longer than {max_bytes} bytes"),
                    declared_delay,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(RawAnswer {
            status: response.status(),
            body: bytes,
            declared_delay,
        })
    }

    fn uses_axon(&self, peer: Peer<'_>) -> bool {
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
        let now = (self.clock)();
        let before = self
            .last_nonce
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            })
            .unwrap_or(now);
        now.max(before + 1)
    }
}

impl RawAnswer {
    /// Body and declared delay of an answer of status 200; otherwise what the miner says is wrong.
    fn success(self) -> Result<(Vec<u8>, DeclaredDelay), MinerRequestError> {
        if self.status.is_success() {
            return Ok((self.body, self.declared_delay));
        }
        let text: String = String::from_utf8_lossy(&self.body)
            .chars()
            .take(MAX_REASON_CHARS)
            .collect();
        Err(MinerRequestError::InvalidAnswer {
            why: format!("status {}: {}", self.status.as_u16(), text.trim()),
            declared_delay: self.declared_delay,
        })
    }
}

fn invalid_answer(why: String) -> MinerRequestError {
    MinerRequestError::InvalidAnswer {
        why,
        declared_delay: DeclaredDelay::Millis(0),
    }
}

fn declared_delay(response: &reqwest::Response) -> DeclaredDelay {
    let declared = response
        .headers()
        .get(DELAY_HEADER)
        .and_then(|value| value.to_str().ok());
    match declared {
        Some("never") => DeclaredDelay::Never,
        Some(millis) => DeclaredDelay::Millis(millis.parse().unwrap_or(0)),
        None => DeclaredDelay::Millis(0),
    }
}

#[cfg(test)]
mod tests;
