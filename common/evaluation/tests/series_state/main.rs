//! Whole runs of small rounds in memory: what adversaries, crashes and names must not change.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adversaries;
mod extreme_values;
mod market;
mod miners;
mod ranking;
mod restarts;
mod validator;
mod worked_example;
