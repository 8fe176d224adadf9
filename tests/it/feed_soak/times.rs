//! The simulated clock: milliseconds of Unix time.

/// A minute.
pub const MINUTE: i64 = 60_000;
/// The first minute: midnight, 2026-01-01.
pub const START: i64 = 1_767_225_600_000;
