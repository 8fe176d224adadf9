//! `validator feed replay`.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_cli::output::StdoutError;
use foretell_feed::recording::{self, MinuteReplay, RecordingError, SettlementReplay};

use super::minute_output::{print_minute, print_venue_stats};

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
                    printed = print_minute(&mut out, &minute);
                }
            })
            .map_err(unknown)?;
        settlement_replay
            .push(&entry, &mut |minute| {
                if printed.is_ok() {
                    printed = print_minute(&mut out, &minute);
                }
            })
            .map_err(unknown)
    })?;
    printed?;
    out.flush().map_err(StdoutError)?;
    print_venue_stats(&minute_replay);
    Ok(())
}
