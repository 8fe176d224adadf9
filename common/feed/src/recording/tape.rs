//! What recorded frames say, whether they are written this moment or read back years later.

use std::collections::BTreeMap;

use foretell_core::time::UnixMillis;
use serde::Serialize;

use super::{Heard, Record};
use crate::event::Event;
use crate::minutes::{Minutes, TradedMinute};
use crate::stream::{self, Counts, Numbering, Stream};
use crate::venue::{self, VenueError};

/// Frames in, closed minutes out: the same for the same records, byte for byte.
#[derive(Debug, Default)]
pub struct Tape {
    venues: BTreeMap<String, VenueTape>,
}

#[derive(Debug)]
struct VenueTape {
    stream: Stream,
    sockets: BTreeMap<u64, Numbering>,
    minutes: Minutes,
    lost: u64,
}

/// A closed minute of a venue's market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VenueMinute {
    /// Name of the venue.
    pub venue: String,
    /// The minute.
    #[serde(flatten)]
    pub minute: TradedMinute,
}

impl Tape {
    /// Takes in a record; `on` is given each minute that it closes. Answers and attempts close none.
    pub fn record(
        &mut self,
        record: &Record,
        on: &mut dyn FnMut(VenueMinute),
    ) -> Result<(), VenueError> {
        if matches!(record.heard, Heard::Answer { .. } | Heard::Attempt(_)) {
            return Ok(());
        }
        let name = &record.venue;
        if !self.venues.contains_key(name) {
            let tape = VenueTape {
                stream: Stream::new(venue::by_name(name)?),
                sockets: BTreeMap::new(),
                minutes: Minutes::default(),
                lost: 0,
            };
            self.venues.insert(name.clone(), tape);
        }
        let Some(tape) = self.venues.get_mut(name) else {
            return Ok(());
        };
        let (socket, raw) = match &record.heard {
            Heard::Frame { socket, raw } => (*socket, raw),
            Heard::Lost(count) => {
                tape.lost += count;
                return Ok(());
            }
            Heard::Answer { .. } | Heard::Attempt(_) => return Ok(()),
        };
        // A socket and its successor overlap; those before are gone.
        tape.sockets.retain(|number, _| *number + 2 >= socket);
        let numbering = tape.sockets.entry(socket).or_default();
        let received = UnixMillis(record.recv_ns.div_euclid(1_000_000));
        let minutes = &mut tape.minutes;
        // A malformed frame is counted by the stream.
        let _ = tape.stream.hear(numbering, raw, &mut |heard| {
            if let stream::Heard::Event(Event::Trade(trade)) = heard
                && let Some(minute) = minutes.trade(received, &trade)
            {
                let venue = name.clone();
                on(VenueMinute { venue, minute });
            }
        });
        Ok(())
    }

    /// What each venue's frames were, and how many were lost before they could be written.
    pub fn counts(&self) -> impl Iterator<Item = (&str, &Counts, u64)> {
        let venues = self.venues.iter();
        venues.map(|(name, tape)| (name.as_str(), tape.stream.counts(), tape.lost))
    }
}
