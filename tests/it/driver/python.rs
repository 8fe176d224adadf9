//! Python with the packages that a test needs, in a virtual environment of its own under the build's target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Python of an environment that holds exactly these packages, `name==version` each. Made once, then found again.
pub fn python_env_with(packages: &[&str]) -> PathBuf {
    // One test makes it, the others wait.
    static MAKING: Mutex<()> = Mutex::new(());
    let guard = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let name: String = packages.join("_").replace("==", "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("venv_{name}"));
    let python = folder.join("bin/python");
    let complete = folder.join("complete");
    if !complete.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let mut install = Command::new(&python);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        run(install.args(packages));
        fs::write(&complete, packages.join("\n")).unwrap();
    }
    drop(guard);
    python
}

/// Runs a script of `tests/it` with these arguments, and gives what it printed.
pub fn run_python_script(python: &Path, script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("it")
        .join(script);
    run(Command::new(python).arg(script).args(arguments))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("can't run {command:?} ({error}): the tests need Python 3 with venv and pip")
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}
