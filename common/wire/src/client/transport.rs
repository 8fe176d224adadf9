//! Plain HTTP to a miner: connections kept between requests, answers cut at a number of bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;

use super::declared_delay::DeclaredDelay;
use super::error::{MinerClientError, MinerRequestError};

/// Connections to one miner that are kept for the next request, and for how long.
const IDLE_CONNECTIONS: usize = 1;
const IDLE_FOR: Duration = Duration::from_secs(90);
/// Characters that are kept of the text with which a miner explains a failure.
pub(super) const MAX_REASON_CHARS: usize = 200;

/// The HTTP client. Miners speak plain HTTP: signatures make answers authentic.
#[derive(Debug)]
pub(super) struct Transport {
    client: reqwest::Client,
}

/// The whole of an HTTP answer, before anything of it is verified.
pub(super) struct RawAnswer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
    declared_delay: DeclaredDelay,
}

impl Transport {
    /// A transport without connections.
    pub(super) fn new() -> Result<Self, MinerClientError> {
        // reqwest needs a TLS configuration even for plain HTTP; one that trusts nobody needs no files of this machine.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_FOR)
            .build()?;
        Ok(Self { client })
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
        let mut request = self
            .client
            .post(format!("http://{}{path}", address))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = request
            .body(body)
            .send()
            .await
            .map_err(MinerRequestError::Unreachable)?;
        let declared_delay = DeclaredDelay::from_response(&response);
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
}

impl RawAnswer {
    /// Body and declared delay of an answer of status 200; otherwise what the miner says is wrong.
    pub(super) fn success(self) -> Result<(Vec<u8>, DeclaredDelay), MinerRequestError> {
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
