//! What a run shows while it runs, on standard error: a bar on a terminal, lines elsewhere.

use foretell_cli::progress::Progress;
use foretell_cli::time_text;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;

/// Without a terminal, about this many lines tell of a whole run.
const LINES: usize = 20;

/// Tells a person how far a run is.
#[derive(Debug, Default)]
pub struct LocalnetProgress {
    progress: Progress,
    done: usize,
    total: usize,
}

impl LocalnetProgress {
    /// Progress on standard error.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of its own.
    pub fn println(&self, line: &str) {
        self.progress.println(line);
    }

    /// There are `total` instants, of which `done` were done before.
    pub fn begin(&mut self, total: usize, done: usize) {
        (self.total, self.done) = (total, done);
        self.progress.set(done, total);
        if done > 0 {
            self.println(&format!("carrying on after {done} of {total} instants"));
        }
    }

    /// One more instant is done.
    pub fn advance(&mut self, instant: UnixMillis, state: &SeriesState) {
        self.done += 1;
        let message = || {
            let scored = state.reference_track().rounds();
            let open = state.open_rounds().len();
            let at = time_text::format_time(instant);
            format!("{at}: {scored} rounds scored, {open} open")
        };
        self.progress.advance(1);
        self.progress.message(message);
        let every = (self.total / LINES).max(1);
        if !self.progress.is_shown() && (self.done == 1 || self.done.is_multiple_of(every)) {
            eprintln!("[{}/{}] {}", self.done, self.total, message());
        }
    }

    /// All instants are done.
    pub fn end(&self) {
        self.progress.finish();
    }
}
