//! `validator feed replay`.

use std::io::BufWriter;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_feed::recording::{self, RecordingError, Settlements, Tape};

use super::writing::print;

/// Replay a recording through the same parser and settlement: prints the lines that `validator feed record` printed, byte
/// for byte.
///
/// Example: validator feed replay recording
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of the recording.
    folder: PathBuf,
}

/// Prints the minutes of a recording.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut tape = Tape::default();
    let mut settlements = Settlements::default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut printed = Ok(());
    recording::frames(&arguments.folder, &mut |record| {
        let unknown = |source| RecordingError::Venue {
            path: arguments.folder.join(&record.venue),
            source,
        };
        tape.record(&record, &mut |minute| {
            if printed.is_ok() {
                printed = print(&mut out, &minute);
            }
        })
        .map_err(unknown)?;
        settlements
            .record(&record, &mut |minute| {
                if printed.is_ok() {
                    printed = print(&mut out, &minute);
                }
            })
            .map_err(unknown)
    })?;
    printed?;
    out.flush().context("can't write to standard output")?;
    summary(&tape);
    Ok(())
}

/// Tells on standard error what was heard of each venue.
pub fn summary(tape: &Tape) {
    for (venue, counts, lost) in tape.counts() {
        let ignored: u64 = counts.ignored.values().sum();
        eprintln!(
            "{venue}: {} frames, {} trades, {} duplicates, {} missed, {} malformed, {ignored} ignored, {lost} lost",
            counts.frames, counts.trades, counts.duplicates, counts.missed, counts.faults,
        );
    }
}
