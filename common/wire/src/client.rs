//! Asking a miner: signed request, total deadline, capped answer, verified signature.

mod answer_memory;
mod axon_peers;
mod declared_delay;
mod error;
mod nonces;
mod transport;

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::json_fault::JsonFault;
use foretell_core::miss::AnswerFault;
use foretell_core::signed_text::{answer_text, reveal_text};
use foretell_keys::keypair::{Keypair, verify_signature};
use hyper::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::axon_peers::AxonPeers;
pub use self::declared_delay::DeclaredDelay;
pub use self::error::{MinerClientError, MinerRequestError};
use self::nonces::NonceSource;
use self::transport::{RawAnswer, Transport};
use crate::axon;
use crate::btauth::{SignedRequest, signed_headers};
use crate::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, OUTCOME_ROUTE, OutcomeNotice, REVEAL_ROUTE,
    RevealRequest, RevealResponse,
};
use crate::nanos_clock::NanosClock;

/// Most bytes of the answer to a request for a commitment.
const MAX_COMMIT_BYTES: usize = 4 << 10;
/// Most bytes of a revealed payload: one of 4 MiB as a JSON string, quotes escaped, and a little more.
const MAX_REVEAL_BYTES: usize = 5 << 20;
/// Most bytes of the answer to a notice, which is empty unless something went wrong.
const MAX_OUTCOME_ANSWER_BYTES: usize = 4 << 10;
/// Sends requests to miners, signed by one hotkey.
///
/// A miner that answers `btauth/1` with 404 is asked again in the older [axon protocol](crate::axon), and from then
/// on at once.
#[derive(Debug)]
pub struct MinerClient {
    key: Keypair,
    transport: Transport,
    nonces: NonceSource,
    /// This client's id in the older protocol.
    uuid: String,
    axon_peers: AxonPeers,
}

/// A miner, where it answers, and how long it has for the whole of one request.
#[derive(Debug, Clone, Copy)]
struct Peer<'a> {
    hotkey: &'a Hotkey,
    address: SocketAddr,
    deadline: Duration,
}

/// An answer whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAnswer<T> {
    /// What the miner signed.
    pub answer: T,
    /// What the miner declares in [`DELAY_HEADER`](crate::messages::DELAY_HEADER); only a replay reads it.
    pub declared_delay: DeclaredDelay,
}

impl MinerClient {
    /// A client that signs with `key`. Miners speak plain HTTP: authenticity is the signatures'.
    pub fn new(key: Keypair, clock: NanosClock) -> Result<Self, MinerClientError> {
        let born = clock();
        if born == 0 {
            return Err(MinerClientError::NoTime);
        }
        let uuid = format!("{}-{born:x}", std::process::id());
        Ok(Self {
            key,
            transport: Transport::new(),
            nonces: NonceSource::new(clock),
            uuid,
            axon_peers: AxonPeers::default(),
        })
    }

    /// The key that signs requests.
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

    /// Sends a miner the outcome of a round, within a total `deadline`.
    ///
    /// The [older protocol](crate::axon) has no such message: a miner known to speak it gets none.
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
        if self.axon_peers.contains(peer.hotkey, peer.address) {
            return Ok(());
        }
        let text = serde_json::to_string(notice)
            .map_err(|_| MinerRequestError::Unsendable("the notice is no JSON"))?;
        let sending = self.post_btauth(peer, OUTCOME_ROUTE, &text, MAX_OUTCOME_ANSWER_BYTES);
        let reply = tokio::time::timeout(deadline, sending)
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
                why: AnswerFault::NotJson(JsonFault::new(&error)),
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
        let request = serde_json::to_string(request)
            .map_err(|_| MinerRequestError::Unsendable("the request is no JSON"))?;
        let mut not_found = None;
        if !self.axon_peers.contains(peer.hotkey, peer.address) {
            let reply = self.post_btauth(peer, route, &request, max_bytes).await?;
            if reply.status != StatusCode::NOT_FOUND {
                return reply.success();
            }
            not_found = Some(reply);
        }
        let reply = self.post_axon(peer, route, &request, max_bytes).await?;
        let known = reply.status != StatusCode::NOT_FOUND;
        if known {
            self.axon_peers.insert(*peer.hotkey, peer.address);
        } else {
            self.axon_peers.remove(peer.hotkey);
        }
        // A route that neither protocol knows is reported as the present one does.
        let reply = not_found.filter(|_| !known).unwrap_or(reply);
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
        let headers = signed_headers(&self.key, peer.hotkey, &signed, self.nonces.next());
        let body = request.as_bytes().to_vec();
        self.transport
            .post(peer.address, route, headers, body, max_bytes)
            .await
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
            self.nonces.next(),
            peer.deadline,
        );
        let Some(synapse) = synapse else {
            return Err(MinerRequestError::Unsendable(
                "no synapse carries its route",
            ));
        };
        // The request comes back with the answer, whose quotes are escaped once more.
        let max_bytes = max_bytes + max_bytes / 4 + 2 * synapse.body.len();
        let body = synapse.body.into_bytes();
        self.transport
            .post(
                peer.address,
                &synapse.path,
                synapse.headers,
                body,
                max_bytes,
            )
            .await
    }
}

#[cfg(test)]
mod tests;
