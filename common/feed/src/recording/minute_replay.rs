//! The minutes that recorded frames close, whether the frames are being written or read back years later.

use std::collections::BTreeMap;

use foretell_core::time::UnixMillis;
use serde::Serialize;

use super::entry::{RecordingContent, RecordingEntry};
use crate::event::VenueEvent;
use crate::minute_aggregator::{MinuteAggregator, MinuteCandle};
use crate::stream::{self, SocketNumbering, StreamStats, VenueStream};
use crate::venue::{self, VenueError};

/// Sockets of a venue that are open at once: one, its successor, and those that drain.
const MAX_SOCKETS: usize = 8;

/// Frames in, closed minutes out: the same for the same entries, byte for byte.
#[derive(Debug, Default)]
pub struct MinuteReplay {
    venues: BTreeMap<String, VenueReplayState>,
}

#[derive(Debug)]
struct VenueReplayState {
    stream: VenueStream,
    sockets: BTreeMap<u64, SocketNumbering>,
    minutes: MinuteAggregator,
    lost: u64,
}

/// A closed minute of a venue's market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VenueMinuteCandle {
    /// Name of the venue, as in configuration.
    pub venue: String,
    /// The closed minute of one of its symbols.
    #[serde(flatten)]
    pub minute: MinuteCandle,
}

impl MinuteReplay {
    /// Takes in an entry and hands each minute that it closes to `on`. Answers and attempts close none.
    pub fn push(
        &mut self,
        entry: &RecordingEntry,
        on: &mut dyn FnMut(VenueMinuteCandle),
    ) -> Result<(), VenueError> {
        if matches!(
            entry.content,
            RecordingContent::Response { .. } | RecordingContent::Attempt(_)
        ) {
            return Ok(());
        }
        let name = &entry.venue;
        if !self.venues.contains_key(name) {
            let state = VenueReplayState {
                stream: VenueStream::new(venue::by_name(name)?),
                sockets: BTreeMap::new(),
                minutes: MinuteAggregator::default(),
                lost: 0,
            };
            self.venues.insert(name.clone(), state);
        }
        let Some(state) = self.venues.get_mut(name) else {
            return Ok(());
        };
        let (socket, raw) = match &entry.content {
            RecordingContent::Frame { socket, raw } => (*socket, raw),
            RecordingContent::Lost(count) => {
                state.lost = state.lost.saturating_add(*count);
                return Ok(());
            }
            RecordingContent::Response { .. } | RecordingContent::Attempt(_) => return Ok(()),
        };
        // A socket and its successor overlap; those before are gone.
        state
            .sockets
            .retain(|number, _| number.saturating_add(2) >= socket);
        if state.sockets.len() >= MAX_SOCKETS && !state.sockets.contains_key(&socket) {
            state.sockets.clear();
        }
        let numbering = state.sockets.entry(socket).or_default();
        let received = UnixMillis::saturating(entry.recv_ns.div_euclid(1_000_000));
        let minutes = &mut state.minutes;
        // A malformed frame is counted by the stream.
        let _ = state.stream.process_frame(numbering, raw, &mut |event| {
            if let stream::FeedEvent::Venue(VenueEvent::Trade(trade)) = event
                && let Some(minute) = minutes.add_trade(received, &trade)
            {
                let venue = name.clone();
                on(VenueMinuteCandle { venue, minute });
            }
        });
        Ok(())
    }

    /// Of each venue: its name, the counts of its frames, and how many frames were lost before they could be written.
    pub fn stats(&self) -> impl Iterator<Item = (&str, &StreamStats, u64)> {
        let venues = self.venues.iter();
        venues.map(|(name, state)| (name.as_str(), state.stream.stats(), state.lost))
    }
}
