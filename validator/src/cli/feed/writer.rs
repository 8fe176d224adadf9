//! Writes frames and settlement attempts to the recording, and prints the minutes that close.

use std::io;

use anyhow::Result;
use foretell_cli::clock::system_now;
use foretell_core::time::UnixMillis;
use foretell_feed::lossy_sender::Delivery;
use foretell_feed::recording::{
    MinuteReplay, Recorder, RecordingContent, SETTLEMENT_FOLDER, SettledMinuteRecord,
    SettlementAttempt,
};
use foretell_feed::rest::RecordedResponse;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::minute_output::{print_minute, print_venue_stats};

/// A frame or an attempt on its way to the recording.
pub enum RecordingItem {
    /// A frame of a venue.
    Frame {
        venue: &'static str,
        socket: u64,
        received: UnixMillis,
        text: String,
        /// Its share of the memory for frames that wait.
        room: OwnedSemaphorePermit,
    },
    /// An attempt to settle minutes, the responses that it got, and the minutes that it settled.
    Attempt {
        attempt: SettlementAttempt,
        responses: Vec<RecordedResponse>,
        settled: Vec<SettledMinuteRecord>,
    },
}

/// Writes items until the channel closes, then finishes the files and prints the statistics. Returns how many frames and
/// answers it wrote.
pub fn write_recording(
    mut recorder: Recorder,
    mut items: mpsc::Receiver<Delivery<RecordingItem>>,
) -> Result<u64> {
    let mut entries = 0;
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
                room,
            }) => {
                drop(room);
                entries += 1;
                last = Some((venue, received));
                (venue, received, RecordingContent::Frame { socket, raw })
            }
            Delivery::Item(RecordingItem::Attempt {
                attempt,
                responses,
                settled,
            }) => {
                let now = system_now();
                entries += responses.len() as u64;
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
                    print_minute(&mut out, minute)?;
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
                printed = print_minute(&mut out, &minute);
            }
        })?;
        printed?;
    }
    recorder.finish()?;
    print_venue_stats(&minute_replay);
    Ok(entries)
}
