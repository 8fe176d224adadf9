//! The miner's side: unwraps synapses, and wraps the answers of the `/v1` routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::synapse::{DendriteMessage, SYNAPSE_ROUTES, Synapse};
use crate::auth_error::AuthError;
use crate::callers::Caller;
use crate::claimed_identity::{ClaimedIdentity, header_text};
use crate::http_server::open_connections::OpenConnection;
use crate::request_authorizer::{RequestAuthorizer, auth_error_status};
use crate::request_body::read_body;

/// An answer is given up after this time, whatever timeout the caller claims.
const MAX_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a dendrite waits if it names no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(12);
/// Most characters of a dendrite's id; UUIDs have 36.
const MAX_UUID_CHARS: usize = 64;
/// Most bytes of a route's answer that are wrapped.
const MAX_ANSWER_BYTES: usize = 5 << 20;

/// The routes of the older protocol: each synapse is checked by the `authorizer`, and answered by `routes`.
pub(crate) fn axon_routes(routes: &Router, authorizer: &Arc<RequestAuthorizer>) -> Router {
    SYNAPSE_ROUTES
        .into_iter()
        .fold(Router::new(), |adapter, (synapse, route)| {
            let (routes, authorizer) = (routes.clone(), Arc::clone(authorizer));
            let path = format!("/{synapse}");
            adapter.route(
                &path,
                post(move |request: Request| async move {
                    match answer(&authorizer, routes, route, request).await {
                        Ok(answer) => success_response(synapse, &answer),
                        Err((status, why)) => error_response(status, &why),
                    }
                }),
            )
        })
}

/// How a request failed.
type StatusAndReason = (StatusCode, String);

async fn answer(
    authorizer: &RequestAuthorizer,
    routes: Router,
    route: &'static str,
    request: Request,
) -> Result<Synapse, StatusAndReason> {
    let refusal = |error: AuthError| (auth_error_status(&error), error.to_string());
    let claim = claimed_identity(request.headers()).map_err(refusal)?;
    authorizer.check_claim(&claim).map_err(refusal)?;
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let mut synapse: Synapse = serde_json::from_slice(&body)
        .map_err(|_| (StatusCode::BAD_REQUEST, "the body is no synapse".to_owned()))?;
    let text = claimed_text(&parts.headers, &claim, &synapse.request).map_err(refusal)?;
    let _slot = authorizer.authorize(&claim, &text).map_err(refusal)?;
    if let Some(connection) = parts.extensions.get::<Arc<OpenConnection>>() {
        connection.verified(claim.sender);
    }

    let mut inner = Request::post(route)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(synapse.request.clone()))
        .map_err(internal)?;
    inner.extensions_mut().insert(Caller(claim.sender));
    let answer = TowerToHyperService::new(routes).call(inner);
    let answer = tokio::time::timeout(timeout(&parts.headers), answer)
        .await
        .map_err(|_| (StatusCode::REQUEST_TIMEOUT, "no answer in time".to_owned()))?
        .unwrap_or_else(|never| match never {});
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), MAX_ANSWER_BYTES)
        .await
        .map_err(internal)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(internal)?;
    if status != StatusCode::OK {
        return Err((status, text));
    }
    synapse.response = Some(text);
    Ok(synapse)
}

/// Who a dendrite's request says it is from and for.
pub fn claimed_identity(headers: &HeaderMap) -> Result<ClaimedIdentity, AuthError> {
    ClaimedIdentity::from_headers(
        headers,
        "bt_header_dendrite_hotkey",
        "bt_header_axon_hotkey",
        "bt_header_dendrite_nonce",
        "bt_header_dendrite_signature",
    )
}

/// The text that a dendrite must have signed, with the `request` in its synapse.
pub fn claimed_text(
    headers: &HeaderMap,
    claim: &ClaimedIdentity,
    request: &str,
) -> Result<String, AuthError> {
    let uuid = Some(header_text(headers, "bt_header_dendrite_uuid")?)
        .filter(|uuid| uuid.len() <= MAX_UUID_CHARS)
        .ok_or(AuthError::MalformedHeader("bt_header_dendrite_uuid"))?;
    let signed = DendriteMessage {
        nonce: claim.nonce,
        dendrite: claim.sender,
        axon: claim.receiver,
        uuid,
        request,
    };
    Ok(signed.text())
}

/// How long the caller says it waits, within bounds.
fn timeout(headers: &HeaderMap) -> Duration {
    headers
        .get("timeout")
        .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(DEFAULT_TIMEOUT, |timeout| timeout.min(MAX_TIMEOUT))
}

/// The answer in the form that a dendrite takes for a success.
fn success_response(name: &'static str, synapse: &Synapse) -> Response {
    let headers = [
        ("bt_header_axon_status_code", "200"),
        ("bt_header_axon_status_message", "Success"),
        ("name", name),
    ];
    (headers, axum::Json(synapse)).into_response()
}

/// The failure in the form of an axon: a dendrite reads the reason from the body's `message`.
fn error_response(status: StatusCode, why: &str) -> Response {
    let message = serde_json::json!({ "message": why });
    let code = status.as_u16().to_string();
    let headers = [("bt_header_axon_status_code", code)];
    (status, headers, axum::Json(message)).into_response()
}

fn internal(error: impl std::fmt::Display) -> StatusAndReason {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
