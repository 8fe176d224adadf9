//! Where `tests/setup` installed what the tests need beside Rust.

use std::path::PathBuf;
use std::process::Command;

use super::repository::repository_root;

/// The folder of an environment, such as `reference`, with just what its requirements name now.
///
/// # Panics
///
/// If `tests/setup` hasn't installed it, or installed it from other requirements: then the test fails, and says to run it.
pub fn environment_dir(name: &str) -> PathBuf {
    let mut command = Command::new(repository_root().join("tests/setup"));
    let output = command.args(["where", name]).output();
    let output = output.unwrap_or_else(|error| panic!("can't run {command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", stderr.trim_end());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
