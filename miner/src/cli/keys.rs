//! `miner keys`: the same in both programs.

pub use foretell_wire::keys_command::{KeysArgs, run};
