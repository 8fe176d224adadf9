//! A process under test: its output is kept, and it never outlives its test.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::NamedTempFile;

/// Nothing that is waited for here takes this long, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(180);
/// Shorter than a write to disk, so that hardly a state of the process goes by unseen.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// Waits until `condition` holds; fails the test if it never does.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < TIMEOUT, "waited in vain for {what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Sends the signal of this name, such as `TERM`, to the process of this id.
pub fn send_signal(id: u32, signal: &str) {
    // The shell's own `kill`: a program of that name need not be there.
    let kill = format!("kill -s {signal} {id}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

/// A process that was started. It ends with its value.
#[derive(Debug)]
pub struct TestProcess {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

/// What a process that has ended printed, and how it ended.
#[derive(Debug)]
pub struct ProcessOutput {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl TestProcess {
    /// Starts `command`, with standard input open and empty.
    pub fn spawn(command: &mut Command) -> Self {
        let output = || NamedTempFile::new().unwrap();
        let (stdout, stderr) = (output(), output());
        let child = command
            .stdin(Stdio::piped())
            .stdout(stdout.reopen().unwrap())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// The process id, as in `/proc`.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_exited(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Closes its standard input, which ends a program that runs until then.
    pub fn close_stdin(mut self) -> Self {
        drop(self.child.stdin.take());
        self
    }

    /// Asks it to end, with SIGTERM.
    pub fn terminate(&self) {
        send_signal(self.id(), "TERM");
    }

    /// Ends it with SIGKILL, which it can't notice.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; fails the test if it doesn't come.
    pub fn wait(mut self) -> ProcessOutput {
        wait_until("the process to end", || self.has_exited());
        ProcessOutput {
            code: self.child.wait().unwrap().code(),
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
        }
    }
}

impl Drop for TestProcess {
    fn drop(&mut self) {
        // A failing test leaves nothing running; of a process that has ended there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl ProcessOutput {
    /// The JSON on standard output, of a process that succeeded and printed nothing else.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Standard output byte for byte up to `timing`, which comes last.
    pub fn stdout_without_timing(&self) -> &str {
        assert!(self.json()["timing"].is_object(), "{}", self.stdout);
        let (before_timing, timing) = self.stdout.rsplit_once("\"timing\"").unwrap();
        let numbers = timing.matches('"').count() / 2;
        assert_eq!(numbers, 3, "more than timing comes last: {timing}");
        before_timing
    }

    /// Checks that it failed as it should: in words, naming `words`, and printing no figures.
    pub fn assert_failed_with(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            let stderr = &self.stderr;
            assert!(stderr.contains(word), "{word:?} is not in:\n{stderr}");
        }
    }
}

fn text(file: &NamedTempFile) -> String {
    fs::read_to_string(file.path()).unwrap()
}
