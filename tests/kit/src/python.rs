//! Python with the independent implementations that our metrics are compared with.

use std::path::Path;
use std::process::Command;

use super::environments::environment_dir;

/// Runs a script with the packages of `tests/requirements/reference.txt`, and gives what it printed.
pub fn run_reference_script(script: &Path) -> String {
    let mut command = Command::new(environment_dir("reference").join("bin/python"));
    let output = command.arg(script).output();
    let output = output.unwrap_or_else(|error| panic!("can't run {command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}
