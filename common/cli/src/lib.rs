//! The command line of both programs: what `validator` and `miner` read, print and measure in the same way.
//!
//! | read | print |
//! |---|---|
//! | [`wallet_flags`], [`network_flags`]: keys and subnet, by flags that go before a configuration | [`output`]: lines; [`table`]: tables and the leaderboard |
//! | [`config_file`]: TOML, with errors that name file and place | [`progress`]: a bar on standard error |
//! | [`time_text`]: instants and spans | [`html_page`], [`svg`]: report pages with plots |
//! | | [`trouble_log`]: what lasts, told when it begins, changes and ends |
//!
//! [`program`] is what stands around a command: log, exit code, runtime. [`clock`] is the only place that reads the
//! system's clock; everything below takes the time, or that function, as an argument. [`keys_command`] is the one command
//! that both programs have alike:
//!
//! ```text
//! $ validator keys new --wallet my-wallet --hotkey default
//! $ miner keys show --wallet my-wallet --json
//! ```
//!
//! What is *not* here: what any other command does.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod clock;
pub mod config_file;
pub mod html_page;
pub mod keys_command;
pub mod network_flags;
pub mod output;
pub mod program;
pub mod progress;
pub mod run_timing;
pub mod svg;
pub mod table;
pub mod time_text;
pub mod trouble_log;
pub mod wallet_flags;
