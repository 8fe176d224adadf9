//! Fast arithmetic, sorting and JSON for the hot paths. Each kernel gives the very bits of its scalar twin.
//!
//! | module | what | its twin |
//! |---|---|---|
//! | [`simd`] | four doubles in a register, chosen at run time | the same operations on single doubles |
//! | [`sums`] | sums and dot products in a fixed order of addition | a loop |
//! | [`vmath`] | logarithms and exponentials near 1 and 0 | `libm` |
//! | [`sort`] | rows of simulated paths | `sort_unstable_by(total_cmp)` |
//! | [`json_fast`] | JSON without spaces and escapes | `serde_json` |
//! | [`decimal`] | numbers of JSON in their own digits | `str::parse::<f64>` |
//!
//! A property test compares each with its twin, so which instructions a machine has changes no result. What is *not*
//! here: anything that knows what the numbers mean.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod decimal;
pub mod json_fast;
pub mod simd;
pub mod sort;
pub mod sums;
pub mod vmath;
