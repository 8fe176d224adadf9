//! A headless browser: Debian's chromium, driven by playwright-core.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::environments::environment_dir;

/// Where Debian has it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// What a browser finds of a page: a list of findings, one for each size and colour scheme. Pictures of the page go into the
/// environment `browser`.
pub fn inspect_page(page: &Path) -> Vec<Value> {
    let folder = environment_dir("browser");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("inspect_page.cjs");
    let output = Command::new("node")
        .arg(script)
        .arg(page)
        .arg(CHROMIUM)
        .arg(&folder)
        .env("NODE_PATH", folder.join("node_modules"))
        .output()
        .expect("no program `node`: run tests/setup");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}
