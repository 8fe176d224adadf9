//! `validator keys`: the same in both programs.

pub use foretell_cli::keys_command::{KeysArgs, run};
