//! The door of a signed HTTP service: nothing behind it sees a request that isn't who it says it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use foretell_core::hotkey::Hotkey;

use crate::btauth::{AuthError, Gate, Request as SignedRequest};
use crate::client::system_nanos;

/// Longest request body that is read.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;

/// The verified sender of a request; handlers take it as `Extension<Caller>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub Hotkey);

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callers {
    /// Any hotkey that signs.
    Anyone,
    /// These hotkeys.
    Only(BTreeSet<Hotkey>),
}

/// `routes` behind a door that lets in signed requests to `receiver` from `callers` alone.
///
/// 401: not signed as `btauth/1` asks; 403: signed by somebody else; 413: body too long; 429: too many.
pub fn behind_door(routes: Router, receiver: Hotkey, callers: Callers) -> Router {
    let door = Arc::new(Door {
        gate: Gate::new(receiver),
        callers,
    });
    routes.layer(from_fn_with_state(door, admit))
}

#[derive(Debug)]
struct Door {
    gate: Gate,
    callers: Callers,
}

async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
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
    let caller = match door.gate.sender(&parts.headers, &signed, system_nanos()) {
        Ok(caller) => caller,
        Err(error @ AuthError::Busy) => {
            return (StatusCode::TOO_MANY_REQUESTS, error.to_string()).into_response();
        }
        Err(error) => return (StatusCode::UNAUTHORIZED, error.to_string()).into_response(),
    };
    if let Callers::Only(allowed) = &door.callers
        && !allowed.contains(&caller)
    {
        let text = format!("{caller} is not among the validators that this miner answers");
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Caller(caller));
    next.run(request).await
}

#[cfg(test)]
mod tests;
