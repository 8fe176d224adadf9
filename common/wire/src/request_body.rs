//! Reading a request's body, within a size and a time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

/// Most bytes of a request's body that are read.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;
/// A body that isn't whole by then is given up: its sender isn't verified before.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The whole of a body.
///
/// # Errors
/// Status and text for the sender: 413 where it is too long or breaks off, 408 where it is too slow.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, (StatusCode, String)> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_REQUEST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let why = format!("request body longer than {MAX_REQUEST_BYTES} bytes");
            Err((StatusCode::PAYLOAD_TOO_LARGE, why))
        }
        Err(_) => {
            let seconds = BODY_TIMEOUT.as_secs();
            let why = format!("the request's body was not whole within {seconds} s");
            Err((StatusCode::REQUEST_TIMEOUT, why))
        }
    }
}
