//! `validator feed replay`.

use std::io::BufWriter;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_feed::recording::{self, MinuteReplay, RecordingError, SettlementReplay};

use foretell_cli::output::StdoutError;

use super::writer::print;

/// Replay a recording through the same parser and settlement: prints the lines that `validator feed record` printed, byte
/// for byte.
///
/// Example: validator feed replay recording
#[derive(Debug, Args)]
pub struct FeedReplayArgs {
    /// Folder of the recording.
    folder: PathBuf,
}

/// Prints the minutes of a recording.
pub fn run(arguments: &FeedReplayArgs) -> Result<()> {
    let mut minute_replay = MinuteReplay::default();
    let mut settlement_replay = SettlementReplay::default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut printed = Ok(());
    recording::read_recording(&arguments.folder, &mut |entry| {
        let unknown = |source| RecordingError::Venue {
            path: arguments.folder.join(&entry.venue),
            source,
        };
        minute_replay
            .push(&entry, &mut |minute| {
                if printed.is_ok() {
                    printed = print(&mut out, &minute);
                }
            })
            .map_err(unknown)?;
        settlement_replay
            .push(&entry, &mut |minute| {
                if printed.is_ok() {
                    printed = print(&mut out, &minute);
                }
            })
            .map_err(unknown)
    })?;
    printed?;
    out.flush().map_err(StdoutError)?;
    summary(&minute_replay);
    Ok(())
}

/// Tells on standard error what was heard of each venue.
pub fn summary(minute_replay: &MinuteReplay) {
    for (venue, stats, lost) in minute_replay.stats() {
        let ignored: u64 = stats.ignored.values().sum();
        eprintln!(
            "{venue}: {} frames, {} trades, {} duplicates, {} missed, {} malformed, {ignored} ignored, {lost} lost",
            stats.frames, stats.trades, stats.duplicates, stats.missed, stats.malformed,
        );
    }
}
