//! A headless browser: Debian's chromium, driven by playwright-core from npm. What is missing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

const PLAYWRIGHT: &str = "playwright-core@1.65.1";

/// What a browser finds of a page: a list of findings, one for each size and colour scheme. Pictures of the page go beside
/// the script's environment, under the build's target folder.
pub fn inspect_page(page: &Path) -> Vec<Value> {
    let folder = playwright_dir();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/inspect_page.cjs");
    let output = Command::new("node")
        .arg(script)
        .arg(page)
        .arg(chromium())
        .arg(&folder)
        .env("NODE_PATH", folder.join("node_modules"))
        .output()
        .expect("the tests need Node");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with playwright-core in it.
fn playwright_dir() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let guard = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    if !folder
        .join("node_modules/playwright-core/package.json")
        .exists()
    {
        fs::create_dir_all(&folder).unwrap();
        let install = [
            "install",
            "--silent",
            "--no-save",
            "--prefix",
            ".",
            PLAYWRIGHT,
        ];
        run(Command::new("npm").args(install).current_dir(&folder));
    }
    drop(guard);
    folder
}

fn chromium() -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let guard = INSTALLING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let program = PathBuf::from("/usr/bin/chromium");
    if !program.exists() {
        run(Command::new("apt-get").args(["update", "-qq"]));
        let install = [
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "chromium",
            "fonts-dejavu-core",
        ];
        run(Command::new("apt-get")
            .args(install)
            .env("DEBIAN_FRONTEND", "noninteractive"));
    }
    drop(guard);
    program
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("can't run {command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed; install what it would have installed, then test again:\n{stderr}"
    );
}
