//! The ecosystem's Python SDKs, each in a virtual environment that is made once and kept under the target directory.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use foretell_core::hash::sha256;
use serde_json::Value;

/// A version of the SDK; its requirements are pinned in `tests/peers/requirements-sdk-*.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BittensorSdk {
    /// 11.3.0: signed requests (`btauth/1`).
    V11,
    /// 10.5.0, the last with axon and dendrite.
    V10,
    /// 9.8.3, the last that reads all of the runtime that can be run on one machine.
    V9,
}

impl BittensorSdk {
    const fn version(self) -> &'static str {
        match self {
            Self::V11 => "11.3.0",
            Self::V10 => "10.5.0",
            Self::V9 => "9.8.3",
        }
    }

    /// Runs a script of `tests/peers` with `input`; the JSON that it prints.
    pub fn run(self, script: &str, input: &Value) -> Value {
        let mut child = self
            .command(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.to_string().as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}:\n{stderr}");
        let printed = String::from_utf8(output.stdout).unwrap();
        // The SDK may write log lines of its own before.
        let json = printed.lines().last().unwrap_or_default();
        serde_json::from_str(json).unwrap_or_else(|_| panic!("{script}: {printed}\n{stderr}"))
    }

    /// A command that runs a script of `tests/peers`.
    pub fn command(self, script: &str) -> Command {
        let mut command = Command::new(self.python());
        command
            .arg(scripts_dir().join(script))
            // Nothing of the user's is read or written.
            .env("HOME", self.folder())
            .env("BT_NO_PARSE_CLI_ARGS", "1")
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// A program in `folder` that runs a script of `tests/peers` with the arguments that it is given.
    pub fn program(self, script: &str, folder: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let program = folder.join(script).with_extension("sh");
        let (python, script) = (self.python(), scripts_dir().join(script));
        let text = format!(
            "#!/bin/sh\nBT_NO_PARSE_CLI_ARGS=1 exec '{}' '{}' \"$@\"\n",
            python.display(),
            script.display()
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    /// The interpreter, with the SDK installed.
    fn python(self) -> PathBuf {
        let requirements = scripts_dir().join(format!("requirements-sdk-{}.txt", self.version()));
        let wanted = sha256(&fs::read(&requirements).unwrap()).to_string();
        let folder = self.folder();
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let lock = File::create(folder.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let stamp = folder.join("installed");
        let python = folder.join("bin/python");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return python;
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        run_to_success(
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
            "Python 3.10 or later with its venv module is needed: apt install python3 python3-venv",
        );
        run_to_success(
            Command::new(&python)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "-r",
                ])
                .arg(&requirements),
            "the Python peers are installed from PyPI: is the network up, and PyPI reachable from here?",
        );
        fs::write(stamp, wanted).unwrap();
        python
    }

    fn folder(self) -> PathBuf {
        let own = std::env::current_exe().unwrap();
        // target/<profile>/deps/it-…
        let target = own.ancestors().nth(3).unwrap();
        target
            .join("python")
            .join(format!("sdk-{}", self.version()))
    }
}

fn scripts_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn run_to_success(command: &mut Command, hint: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("can't run {command:?}: {error}\n{hint}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}\n{hint}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
