//! The system's clock for tests: peers on loopback go by it too.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in unix nanoseconds.
pub(crate) fn system_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}
