//! What a run shows while it runs, on standard error: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;

use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;
use indicatif::{ProgressBar, ProgressStyle};

use crate::time_text;

/// Without a terminal, about this many lines tell of a whole run.
const LINES: usize = 20;

/// Tells a person how far a run is.
#[derive(Debug)]
pub struct LocalnetProgress {
    bar: Option<ProgressBar>,
    done: usize,
    of: usize,
}

impl LocalnetProgress {
    /// Progress on standard error.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{bar:32} {pos}/{len} {elapsed} (left {eta}) {msg}";
            ProgressBar::new(0).with_style(
                ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()),
            )
        });
        Self {
            bar,
            done: 0,
            of: 0,
        }
    }

    /// A line of its own.
    pub fn println(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// There are `of` instants, of which `done` were done before.
    pub fn begin(&mut self, of: usize, done: usize) {
        (self.of, self.done) = (of, done);
        if let Some(bar) = &self.bar {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
        if done > 0 {
            self.println(&format!("carrying on after {done} of {of} instants"));
        }
    }

    /// One more instant is done.
    pub fn advance(&mut self, instant: UnixMillis, state: &SeriesState) {
        self.done += 1;
        let scored = state.reference_track().rounds();
        let open = state.open_rounds().len();
        let at = time_text::format_time(instant);
        let message = format!("{at}: {scored} rounds scored, {open} open");
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                bar.set_message(message);
            }
            None if self.done == 1 || self.done.is_multiple_of((self.of / LINES).max(1)) => {
                eprintln!("[{}/{}] {message}", self.done, self.of);
            }
            None => {}
        }
    }

    /// All instants are done.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for LocalnetProgress {
    fn default() -> Self {
        Self::new()
    }
}
