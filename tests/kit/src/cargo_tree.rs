//! What cargo builds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use super::repository::repository_root;

/// The names and versions of the crates that these packages need over edges of these kinds (`cargo tree --edges`), on this
/// machine and with default features; our own without version.
pub fn cargo_tree(packages: &[&str], edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(repository_root()).args([
        "tree",
        "--offline",
        "--locked",
        "--prefix",
        "none",
        "--edges",
        edges,
    ]);
    for package in packages {
        command.args(["--package", package]);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    // "name vX.Y.Z", and perhaps a path in parentheses, "(proc-macro)" or "(*)".
    let lines = text.lines().filter(|line| !line.is_empty());
    let names = lines.map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        match name.starts_with("foretell-") {
            true => name.to_owned(),
            false => format!("{name} {version}"),
        }
    });
    names.collect()
}
