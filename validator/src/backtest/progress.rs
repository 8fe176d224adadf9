//! How far a backtest is, on standard error: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Tells a person how far a backtest is.
#[derive(Debug)]
pub struct BacktestProgress {
    bar: Option<ProgressBar>,
}

impl BacktestProgress {
    /// Progress on standard error.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{bar:32} {pos}/{len} rounds {elapsed} (left {eta})";
            ProgressBar::new(0).with_style(
                ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()),
            )
        });
        Self { bar }
    }

    /// A line of its own.
    pub fn println(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// There are `rounds` to be scored.
    pub fn begin(&self, rounds: usize) {
        if let Some(bar) = &self.bar {
            bar.set_length(rounds as u64);
        }
    }

    /// So many more are.
    pub fn advance(&self, rounds: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(rounds as u64);
        }
    }

    /// All are.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for BacktestProgress {
    fn default() -> Self {
        Self::new()
    }
}
