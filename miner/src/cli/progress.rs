//! How far long work is, on standard error: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar.
#[derive(Debug)]
pub struct TerminalProgress(Option<ProgressBar>);

impl TerminalProgress {
    /// Nothing done yet.
    pub fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let style = "{bar:32} {pos}/{len} {elapsed} (left {eta}) {msg}";
            ProgressBar::new(0).with_style(
                ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()),
            )
        }))
    }

    /// `done` of `total` are done.
    pub fn show(&self, done: usize, total: usize, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.0 {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(message());
        }
    }

    /// All is done.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
