//! The authorization of a signed HTTP service: handlers see only requests whose sender is verified and allowed.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use foretell_core::hotkey::Hotkey;

use crate::auth_error::AuthError;
use crate::axon;
use crate::btauth::{self, SignedRequest};
use crate::caller_slots::CallerSlot;
use crate::callers::{Caller, Callers};
use crate::http_server::open_connections::OpenConnection;
use crate::nanos_clock::NanosClock;
use crate::request_authorizer::{RequestAuthorizer, auth_error_status};
use crate::request_body::read_body;

/// `routes` behind a check that lets in signed requests to `receiver` from `callers` alone: `btauth/1` requests to the
/// routes themselves, and those of the older [axon protocol](crate::axon), put to the same routes.
///
/// 401: not signed as it should be; 403: signed by somebody else; 408: body too slow; 413: body too long; 429: too many;
/// 503: who may call isn't known yet.
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
    match authorized(&authorizer, request).await {
        Ok((request, _slot)) => next.run(request).await,
        Err((status, why)) => (status, why).into_response(),
    }
}

/// The request, which its handler gets with its [`Caller`], and the caller's slot; or what its sender is told.
async fn authorized(
    authorizer: &RequestAuthorizer,
    request: Request,
) -> Result<(Request, CallerSlot), (StatusCode, String)> {
    let refusal = |error: AuthError| (auth_error_status(&error), error.to_string());
    let claim = btauth::claimed_identity(request.headers()).map_err(refusal)?;
    authorizer.check_claim(&claim).map_err(refusal)?;
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path_and_query| path_and_query.as_str());
    let signed = SignedRequest {
        method: parts.method.as_str(),
        path,
        body: &body,
    };
    let text = btauth::claimed_text(&parts.headers, &signed, &claim).map_err(refusal)?;
    let slot = authorizer.authorize(&claim, &text).map_err(refusal)?;
    let mut request = Request::from_parts(parts, Body::from(body));
    if let Some(connection) = request.extensions().get::<Arc<OpenConnection>>() {
        connection.verified(claim.sender);
    }
    request.extensions_mut().insert(Caller(claim.sender));
    Ok((request, slot))
}

#[cfg(test)]
mod tests;
