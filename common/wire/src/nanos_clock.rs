//! The clock of transport: nonces and freshness always go by the system's, whatever time a round has.

/// A function that says the time now, in unix nanoseconds.
pub type NanosClock = fn() -> u64;
