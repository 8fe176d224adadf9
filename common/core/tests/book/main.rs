//! Whole seasons of small rounds in memory: what vandals, crashes and names must not change.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod absurdity;
mod crashes;
mod market;
mod miners;
mod ranking;
mod validator;
mod vandals;
mod worked_round;
