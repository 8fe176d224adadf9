//! What recording and replaying a feed print in the same way: minutes on standard output, statistics on standard error.

use std::io::Write;

use anyhow::Result;
use foretell_cli::output::{StdoutError, print_note};
use foretell_feed::recording::MinuteReplay;
use serde::Serialize;

/// Prints a minute as a line of JSON, at once.
pub fn print_minute(out: &mut impl Write, minute: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(minute)?;
    line.push(b'\n');
    let printed = out.write_all(&line).and_then(|()| out.flush());
    Ok(printed.map_err(StdoutError)?)
}

/// Prints to standard error, by venue, how many frames and trades there were and what became of them.
pub fn print_venue_stats(minute_replay: &MinuteReplay) {
    for (venue, stats, lost) in minute_replay.stats() {
        let ignored: u64 = stats.ignored.values().sum();
        print_note(format_args!(
            "{venue}: {} frames, {} trades, {} duplicates, {} missed, {} malformed, {ignored} ignored, {lost} lost",
            stats.frames, stats.trades, stats.duplicates, stats.missed, stats.malformed,
        ));
    }
}
