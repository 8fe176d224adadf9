//! The machine's clock: the one place that reads the time of day. Everything below takes the time, or this function, as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foretell_core::time::UnixMillis;

/// Now, in unix milliseconds; 1970 if the clock stands before it.
pub fn system_now() -> UnixMillis {
    UnixMillis::saturating(i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX))
}

/// Now, in unix nanoseconds, as signed requests state it.
pub fn system_nanos() -> u64 {
    u64::try_from(since_1970().as_nanos()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
