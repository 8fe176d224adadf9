//! Work on many numbers at once, where speed is felt: each to the bit what its slow twin gives.
//!
//! | module | what | its twin |
//! |---|---|---|
//! | [`simd`] | four doubles in a register, chosen at run time | the same operations on single doubles |
//! | [`sums`] | sums and dot products in a fixed order of addition | a loop |
//! | [`vmath`] | logarithms and exponentials near 1 and 0 | `libm` |
//! | [`sort`] | rows of simulated paths | `sort_unstable_by(total_cmp)` |
//! | [`json_fast`], [`decimal`] | JSON without spaces and escapes, numbers in their own digits | `serde_json` |
//!
//! A property holds each to its twin. What is *not* here: anything that knows what the numbers mean.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod decimal;
pub mod json_fast;
pub mod simd;
pub mod sort;
pub mod sums;
pub mod vmath;
