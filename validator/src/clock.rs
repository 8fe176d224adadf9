//! The machine's clock. It is read at the edge; below, time is an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use foretell_core::time::UnixMillis;

/// Now.
pub fn system_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
