//! What both programs say and are told in the same way: flags, configuration files, tables, progress, plots, and the one
//! clock.
//!
//! | told | said |
//! |---|---|
//! | [`wallet_flags`], [`network_flags`]: which keys and which chain | [`output`]: printing, and how a program ends |
//!
//! [`clock`] is the only place that reads the system's clock. What is *not* here: what any command does.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod clock;
pub mod keys_command;
pub mod network_flags;
pub mod output;
pub mod progress;
pub mod run_timing;
pub mod svg;
pub mod table;
pub mod time_text;
pub mod wallet_flags;
