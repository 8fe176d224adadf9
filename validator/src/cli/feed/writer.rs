//! The recorder's writer: what was heard goes to disk, and the minutes that it makes to standard output.

use std::io::{self, Write};

use anyhow::Result;
use foretell_cli::output::StdoutError;
use foretell_core::time::UnixMillis;
use foretell_feed::lossy_sender::Delivery;
use foretell_feed::recording::{
    MinuteReplay, Recorder, RecordingContent, SETTLEMENT_FOLDER, SettledMinuteRecord,
    SettlementAttempt,
};
use foretell_feed::rest::RecordedResponse;
use serde::Serialize;
use tokio::sync::mpsc;

use foretell_cli::clock::system_now;

/// What is to be recorded.
pub enum RecordingItem {
    /// A frame of a venue.
    Frame {
        venue: &'static str,
        socket: u64,
        received: UnixMillis,
        text: String,
    },
    /// An attempt to settle minutes, the answers that it had, and the minutes that it settled.
    Attempt {
        attempt: SettlementAttempt,
        responses: Vec<RecordedResponse>,
        settled: Vec<SettledMinuteRecord>,
    },
}

/// Writes until there is no more, and prints the minutes.
pub fn write(
    mut recorder: Recorder,
    mut items: mpsc::Receiver<Delivery<RecordingItem>>,
) -> Result<()> {
    let mut minute_replay = MinuteReplay::default();
    let mut out = io::stdout().lock();
    let mut last: Option<(&str, UnixMillis)> = None;
    while let Some(delivery) = items.blocking_recv() {
        let (venue, received, content) = match delivery {
            Delivery::Item(RecordingItem::Frame {
                venue,
                socket,
                received,
                text: raw,
            }) => {
                last = Some((venue, received));
                (venue, received, RecordingContent::Frame { socket, raw })
            }
            Delivery::Item(RecordingItem::Attempt {
                attempt,
                responses,
                settled,
            }) => {
                let now = system_now();
                for response in responses {
                    let RecordedResponse {
                        venue,
                        path,
                        status,
                        body,
                    } = response;
                    recorder.write(
                        &venue,
                        now,
                        RecordingContent::Response { path, status, body },
                    )?;
                }
                recorder.write(SETTLEMENT_FOLDER, now, RecordingContent::Attempt(attempt))?;
                for minute in &settled {
                    print(&mut out, minute)?;
                }
                continue;
            }
            Delivery::Lost(count) => {
                let (venue, received) = last.unwrap_or(("", system_now()));
                (venue, received, RecordingContent::Lost(count))
            }
        };
        let entry = recorder.write(venue, received, content)?;
        let mut printed = Ok(());
        minute_replay.push(&entry, &mut |minute| {
            if printed.is_ok() {
                printed = print(&mut out, &minute);
            }
        })?;
        printed?;
    }
    recorder.finish()?;
    super::replay::summary(&minute_replay);
    Ok(())
}

/// Prints a minute as a line of JSON.
pub fn print(out: &mut impl Write, minute: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(minute)?;
    line.push(b'\n');
    let printed = out.write_all(&line).and_then(|()| out.flush());
    Ok(printed.map_err(StdoutError)?)
}
