//! The recorder's writer: what was heard goes to disk, and the minutes that it makes to standard output.

use std::io::{self, Write};

use anyhow::{Context, Result};
use foretell_core::time::UnixMillis;
use foretell_feed::outbox::Delivery;
use foretell_feed::recording::{Attempt, Heard, Recorder, SETTLEMENT, Settled, Tape};
use foretell_feed::rest::Answer;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::clock::system_now;

/// What is to be recorded.
pub enum Item {
    /// A frame of a venue.
    Frame {
        venue: &'static str,
        socket: u64,
        received: UnixMillis,
        text: String,
    },
    /// An attempt to settle minutes, the answers that it had, and the minutes that it settled.
    Attempt {
        attempt: Attempt,
        answers: Vec<Answer>,
        settled: Vec<Settled>,
    },
}

/// Writes until there is no more, and prints the minutes.
pub fn write(mut recorder: Recorder, mut items: mpsc::Receiver<Delivery<Item>>) -> Result<()> {
    let mut tape = Tape::default();
    let mut out = io::stdout().lock();
    let mut last: Option<(&str, UnixMillis)> = None;
    while let Some(delivery) = items.blocking_recv() {
        let (venue, received, heard) = match delivery {
            Delivery::Item(Item::Frame {
                venue,
                socket,
                received,
                text: raw,
            }) => {
                last = Some((venue, received));
                (venue, received, Heard::Frame { socket, raw })
            }
            Delivery::Item(Item::Attempt {
                attempt,
                answers,
                settled,
            }) => {
                let now = system_now();
                for answer in answers {
                    let Answer {
                        venue,
                        path,
                        status,
                        body,
                    } = answer;
                    recorder.write(&venue, now, Heard::Answer { path, status, body })?;
                }
                recorder.write(SETTLEMENT, now, Heard::Attempt(attempt))?;
                for minute in &settled {
                    print(&mut out, minute)?;
                }
                continue;
            }
            Delivery::Lost(count) => {
                let (venue, received) = last.unwrap_or(("", system_now()));
                (venue, received, Heard::Lost(count))
            }
        };
        let record = recorder.write(venue, received, heard)?;
        let mut printed = Ok(());
        tape.record(&record, &mut |minute| {
            if printed.is_ok() {
                printed = print(&mut out, &minute);
            }
        })?;
        printed?;
    }
    recorder.finish()?;
    super::replay::summary(&tape);
    Ok(())
}

/// Prints a minute as a line of JSON.
pub fn print(out: &mut impl Write, minute: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(minute)?;
    line.push(b'\n');
    let printed = out.write_all(&line).and_then(|()| out.flush());
    printed.context("can't write to standard output")
}
