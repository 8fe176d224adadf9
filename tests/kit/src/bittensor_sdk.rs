//! The ecosystem's Python SDKs, each in an environment of its own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::environments::environment_dir;
use super::repository::repository_root;

/// A version of the SDK; what it needs is pinned in `tests/requirements/sdk-*.txt`.
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
        let environment = self.environment();
        let mut command = Command::new(python(&environment));
        command
            .arg(peer_script(script))
            // Nothing of the user's is read or written.
            .env("HOME", environment)
            .env("BT_NO_PARSE_CLI_ARGS", "1")
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// Writes a program into `folder` that runs a script of `tests/peers` with the arguments that it is given; its path.
    pub fn program(self, script: &str, folder: &Path) -> PathBuf {
        let program = folder.join(script).with_extension("sh");
        let text = format!(
            "#!/bin/sh\nBT_NO_PARSE_CLI_ARGS=1 exec '{}' '{}' \"$@\"\n",
            python(&self.environment()).display(),
            peer_script(script).display()
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn environment(self) -> PathBuf {
        environment_dir(match self {
            Self::V11 => "sdk-11.3.0",
            Self::V10 => "sdk-10.5.0",
            Self::V9 => "sdk-9.8.3",
        })
    }
}

fn python(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn peer_script(name: &str) -> PathBuf {
    repository_root().join("tests/peers").join(name)
}
