//! Where answers come from: the network, or a recording of its answers.

use std::time::Duration;

use super::error::RestError;
use super::recorded_responses::{RecordedResponse, RecordedResponses};

/// Longest body that is read of one answer; a page of 10,000 candles has less than 1 MB.
pub(super) const MAX_RESPONSE_BYTES: usize = 8 << 20;

#[derive(Debug, Clone)]
pub(super) enum HttpSource {
    /// The venues' hosts; answers are also kept where there is something to keep them in.
    Network(reqwest::Client, Option<RecordedResponses>),
    /// Answers that were kept.
    Recording(RecordedResponses),
}

/// An answer, whatever its status.
pub(super) struct HttpResponse {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

impl HttpSource {
    /// The answer of `venue` to this path at this host.
    pub async fn get(
        &self,
        venue: &'static str,
        host: &str,
        path: &str,
    ) -> Result<HttpResponse, RestError> {
        match self {
            Self::Network(http, keep) => {
                let response = fetch(http, venue, format!("{host}{path}")).await?;
                if let (Some(responses), Ok(body)) = (keep, str::from_utf8(&response.body)) {
                    responses.insert(RecordedResponse {
                        venue: venue.to_owned(),
                        path: path.to_owned(),
                        status: response.status,
                        body: body.to_owned(),
                    });
                }
                Ok(response)
            }
            Self::Recording(responses) => match responses.get(venue, path) {
                Some(response) => Ok(HttpResponse {
                    status: response.status,
                    retry_after: None,
                    body: response.body.into_bytes(),
                }),
                None => Err(RestError::NotRecorded {
                    venue,
                    path: path.to_owned(),
                }),
            },
        }
    }
}

async fn fetch(
    http: &reqwest::Client,
    venue: &'static str,
    url: String,
) -> Result<HttpResponse, RestError> {
    let unreachable = |source| RestError::Unreachable {
        venue,
        url: url.clone(),
        source,
    };
    let mut response = http.get(&url).send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(RestError::ResponseTooLong {
                venue,
                url,
                max_bytes: MAX_RESPONSE_BYTES,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse {
        status,
        retry_after,
        body,
    })
}

/// The seconds of a `Retry-After` header.
fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
