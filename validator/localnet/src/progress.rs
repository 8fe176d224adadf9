//! What a run shows while it runs, on standard error: a bar on a terminal, lines elsewhere.

use foretell_cli::output::print_note;
use foretell_cli::progress::Progress;
use foretell_cli::time_text;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;

/// Lines that a whole run prints where standard error is no terminal, about.
const LINES: usize = 20;

/// Shows how many instants of a run are done.
#[derive(Debug, Default)]
pub struct LocalnetProgress {
    progress: Progress,
    done: usize,
    total: usize,
}

impl LocalnetProgress {
    /// Progress of no instants yet, on standard error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints a line above the bar, or by itself where there is no bar.
    pub fn println(&self, line: &str) {
        self.progress.println(line);
    }

    /// Sets the number of instants, `done` of which were done before the run was resumed.
    pub fn begin(&mut self, total: usize, done: usize) {
        (self.total, self.done) = (total, done);
        self.progress.set(done, total);
        if done > 0 {
            self.println(&format!("carrying on after {done} of {total} instants"));
        }
    }

    /// Counts an instant as done and shows what the validator's state is after it.
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
            print_note(format_args!("[{}/{}] {}", self.done, self.total, message()));
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.progress.finish();
    }
}
