//! A round of drand's quicknet that is long out, as drand published it in August 2023.

/// The round's number, counted from quicknet's first.
pub const DRAND_ROUND: u64 = 1_000;
/// SHA-256 of [`DRAND_SIGNATURE`], in hex.
pub const DRAND_RANDOMNESS: &str =
    "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd";
/// What opens everything that was encrypted to this round: a BLS signature of its number, compressed, in hex.
pub const DRAND_SIGNATURE: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
