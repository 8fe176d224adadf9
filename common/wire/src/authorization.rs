//! The authorization of a signed HTTP service: handlers see only requests whose sender is verified and allowed.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use foretell_core::hotkey::Hotkey;

use crate::axon;
use crate::btauth::{self, SignedRequest};
use crate::nanos_clock::NanosClock;
use crate::request_authorizer::{
    Caller, Callers, MAX_REQUEST_BYTES, RequestAuthorizer, auth_error_status,
};

/// `routes` behind a check that lets in signed requests to `receiver` from `callers` alone: `btauth/1` requests to the
/// routes themselves, and those of the older [axon protocol](crate::axon), put to the same routes.
///
/// 401: not signed as it should be; 403: signed by somebody else; 413: body too long; 429: too many.
pub fn require_authorization(
    routes: Router,
    receiver: Hotkey,
    callers: Callers,
    clock: NanosClock,
) -> Router {
    let authorizer = Arc::new(RequestAuthorizer::new(receiver, callers, clock));
    let axon = axon::server::axon_routes(&routes, &authorizer);
    routes
        .route_layer(from_fn_with_state(authorizer, authorize))
        .merge(axon)
}

async fn authorize(
    State(authorizer): State<Arc<RequestAuthorizer>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        let text = format!("request body longer than {MAX_REQUEST_BYTES} bytes");
        return (StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
    };
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path_and_query| path_and_query.as_str());
    let signed = SignedRequest {
        method: parts.method.as_str(),
        path,
        body: &body,
    };
    let authorized = btauth::claimed_identity(&parts.headers, &signed)
        .and_then(|(claim, text)| authorizer.authorize(&claim, &text));
    let caller = match authorized {
        Ok(caller) => caller,
        Err(error) => return (auth_error_status(&error), error.to_string()).into_response(),
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Caller(caller));
    next.run(request).await
}

#[cfg(test)]
mod tests;
