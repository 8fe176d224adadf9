//! Where answers come from: the network, or a recording of its answers.

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::error::RestError;
use super::recorded_responses::{RecordedResponse, RecordedResponses};
use crate::retry_after::RetryAfter;

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
    pub retry_after: Option<RetryAfter>,
    pub body: Vec<u8>,
}

impl HttpSource {
    /// The answer of `venue` to this path at this host, whose body has at most `max_bytes`.
    pub async fn get(
        &self,
        venue: &'static str,
        host: &str,
        path: &str,
        max_bytes: usize,
    ) -> Result<HttpResponse, RestError> {
        match self {
            Self::Network(http, keep) => {
                let response = fetch(http, venue, format!("{host}{path}"), max_bytes).await?;
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
    max_bytes: usize,
) -> Result<HttpResponse, RestError> {
    let unreachable = |source| RestError::Unreachable {
        venue,
        url: url.clone(),
        source,
    };
    let mut response = http.get(&url).send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let headers = response.headers();
    let retry_after = RetryAfter::from_headers(bytes(headers, RETRY_AFTER), bytes(headers, DATE));
    let mut body = Vec::new();
    // Counted as it comes, whatever `Content-Length` says.
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if chunk.len() > max_bytes.saturating_sub(body.len()) {
            return Err(RestError::ResponseTooLong {
                venue,
                url,
                max_bytes,
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

fn bytes(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}
