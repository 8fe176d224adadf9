//! The events of a venue's frames across sockets: channel numbers get their symbols, each trade counts once, and
//! gaps in consecutive numbers show what was missed.

mod consecutive_numbers;
mod dedup_windows;

use std::collections::BTreeMap;

use self::consecutive_numbers::{ConsecutiveNumbers, NumberOrder};
use self::dedup_windows::DedupWindows;
use crate::event::{FrameError, MarketId, StatusMessage, Trade, VenueEvent};
use crate::venue::{ChannelMap, GapDetection, Venue};

/// Kinds of ignored messages that are counted apart.
const MAX_IGNORED_KINDS: usize = 64;
/// Longest name of a kind that is counted apart.
const MAX_KIND_BYTES: usize = 64;

/// Reads a venue's frames from one socket after another, and from two that overlap.
#[derive(Debug)]
pub struct VenueStream {
    venue: &'static dyn Venue,
    dedup_windows: DedupWindows,
    stats: StreamStats,
}

/// The numbers that are valid on one socket: those of its channels and of its frames.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketNumbering {
    channels: ChannelMap,
    frames: ConsecutiveNumbers,
}

/// Counts since the stream's beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Frames of any kind, malformed ones too.
    pub frames: u64,
    /// Trades, each counted once.
    pub trades: u64,
    /// Trades that came more than once, counted each further time.
    pub duplicates: u64,
    /// Gaps in the consecutive numbers of trades or frames, less those that came late.
    pub missed: u64,
    /// Frames that are not what the protocol says.
    pub malformed: u64,
    /// Messages that prices don't need, by kind.
    pub ignored: BTreeMap<String, u64>,
}

/// An event of a venue's frame, or one that only a sequence of frames shows.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedEvent<'a> {
    /// An event of the frame, which isn't a duplicate.
    Venue(VenueEvent<'a>),
    /// A trade that was received before.
    Duplicate(Trade<'a>),
    /// This many trades or frames are missing before the next event.
    Missed(u64),
}

impl VenueStream {
    /// A stream of this venue's frames.
    pub fn new(venue: &'static dyn Venue) -> Self {
        Self {
            venue,
            dedup_windows: DedupWindows::default(),
            stats: StreamStats::default(),
        }
    }

    /// The venue whose frames these are.
    pub const fn venue(&self) -> &'static dyn Venue {
        self.venue
    }

    /// Counts since the stream's beginning.
    pub const fn stats(&self) -> &StreamStats {
        &self.stats
    }

    /// Hands every event of a frame to `on`; `numbering` is that of the frame's socket.
    pub fn process_frame(
        &mut self,
        numbering: &mut SocketNumbering,
        frame: &str,
        on: &mut dyn FnMut(FeedEvent<'_>),
    ) -> Result<(), FrameError> {
        let Self {
            venue,
            dedup_windows,
            stats,
        } = self;
        let SocketNumbering { channels, frames } = numbering;
        stats.frames += 1;
        let mut subscribed = Vec::new();
        let result = venue.read_frame(frame, channels, &mut |event| match event {
            VenueEvent::Trade(trade) => {
                let market = match &trade.market {
                    MarketId::Symbol(symbol) => symbol.as_ref(),
                    MarketId::Channel(_) => "",
                };
                let Some(order) = dedup_windows.observe(market, trade.id) else {
                    stats.duplicates += 1;
                    return on(FeedEvent::Duplicate(trade));
                };
                stats.trades += 1;
                if venue.limits().gap_detection == GapDetection::TradeIds {
                    match order {
                        NumberOrder::Next => {}
                        NumberOrder::Gap(missed) => {
                            stats.missed = stats.missed.saturating_add(missed);
                            on(FeedEvent::Missed(missed));
                        }
                        NumberOrder::Late => stats.missed = stats.missed.saturating_sub(1),
                    }
                }
                on(FeedEvent::Venue(VenueEvent::Trade(trade)));
            }
            VenueEvent::Sequence(number) => {
                if let NumberOrder::Gap(missed) = frames.observe(number) {
                    stats.missed = stats.missed.saturating_add(missed);
                    on(FeedEvent::Missed(missed));
                }
            }
            VenueEvent::Status(StatusMessage::Subscribed(ack)) => {
                on(FeedEvent::Venue(VenueEvent::Status(
                    StatusMessage::Subscribed(ack.clone()),
                )));
                subscribed.push(ack.into_owned());
            }
            VenueEvent::Ignored(ignored) => {
                stats.count_ignored(ignored.name());
                on(FeedEvent::Venue(VenueEvent::Ignored(ignored)));
            }
            other => on(FeedEvent::Venue(other)),
        });
        for ack in &subscribed {
            channels.register(ack);
        }
        if result.is_err() {
            stats.malformed += 1;
        }
        result
    }
}

impl StreamStats {
    /// Counts a message by its kind. A venue can't fill the memory with ever new kinds.
    fn count_ignored(&mut self, kind: &str) {
        if let Some(count) = self.ignored.get_mut(kind) {
            *count += 1;
            return;
        }
        let counted_apart = self.ignored.len() < MAX_IGNORED_KINDS && kind.len() <= MAX_KIND_BYTES;
        let kind = if counted_apart { kind } else { "other kinds" };
        *self.ignored.entry(kind.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::dedup_windows::{DEDUP_WINDOW, MAX_MARKETS};
    use super::*;
    use crate::venue;

    /// The events of these frames on a new socket, in short.
    fn described(stream: &mut VenueStream, frames: &[String]) -> Vec<String> {
        let mut numbering = SocketNumbering::default();
        let mut events = Vec::new();
        for frame in frames {
            let result = stream.process_frame(&mut numbering, frame, &mut |event| {
                events.push(match event {
                    FeedEvent::Venue(VenueEvent::Trade(trade)) => format!("{}", trade.id),
                    FeedEvent::Duplicate(trade) => format!("{} again", trade.id),
                    FeedEvent::Missed(count) => format!("{count} missed"),
                    FeedEvent::Venue(other) => format!("{other:?}"),
                });
            });
            if let Err(error) = result {
                events.push(error.name().to_owned());
            }
        }
        events
    }

    fn stream(name: &str) -> VenueStream {
        VenueStream::new(venue::by_name(name).unwrap())
    }

    fn binance(symbol: &str, id: u64) -> String {
        format!(
            r#"{{"e":"trade","E":1,"s":"{symbol}","t":{id},"p":"1","q":"1","T":1,"m":true,"M":true}}"#
        )
    }

    #[test]
    fn a_trade_counts_once_and_gaps_in_the_ids_are_noted() {
        let mut stream = stream("binance");
        let frames = [
            ("A", 5),
            ("A", 6),
            ("A", 6),
            ("A", 9),
            ("B", 1),
            ("A", 8),
            ("A", 10),
        ];
        let frames = frames.map(|(symbol, id)| binance(symbol, id));
        let events = described(&mut stream, &frames);
        assert_eq!(
            events,
            ["5", "6", "6 again", "2 missed", "9", "1", "8", "10"]
        );
        let stats = stream.stats();
        assert_eq!((stats.trades, stats.duplicates), (6, 1));
        // 7 never came; 8 came late.
        assert_eq!(stats.missed, 1);
    }

    #[test]
    fn trades_stay_known_across_connections_and_channels_do_not() {
        let mut stream = stream("bitfinex");
        let subscribed =
            r#"{"event":"subscribed","channel":"trades","chanId":5,"symbol":"tA","pair":"A"}"#;
        let snapshot = "[5,[[2,1000,1,1],[1,900,1,1]],1]".to_owned();
        let frames = [
            subscribed.to_owned(),
            snapshot.clone(),
            r#"[5,"te",[3,1001,1,1],2]"#.into(),
            r#"[5,"tu",[3,1001,1,1],4]"#.into(),
        ];
        let events = described(&mut stream, &frames);
        assert_eq!(events[1..], ["2", "1", "3", "1 missed", "3 again"]);
        let renumbered = subscribed.replace("chanId\":5", "chanId\":9");
        let snapshot = snapshot.replace("[5,", "[9,").replace(",1]", ",77]");
        let events = described(&mut stream, &[renumbered, snapshot]);
        assert_eq!(events[1..], ["2 again", "1 again"]);
    }

    #[test]
    fn a_fault_is_counted_and_the_next_frame_is_read() {
        let mut stream = stream("binance");
        let events = described(&mut stream, &["{".into(), "[]".into(), binance("A", 1)]);
        assert_eq!(events, ["not_json", "malformed", "1"]);
        assert_eq!(stream.stats().malformed, 2);
    }

    #[test]
    fn unknown_kinds_are_counted_and_cannot_fill_the_memory() {
        let mut stream = stream("binance");
        let frames: Vec<String> = (0..200).map(|i| format!(r#"{{"e":"kind{i}"}}"#)).collect();
        described(&mut stream, &frames);
        described(&mut stream, &frames[..1]);
        let ignored = &stream.stats().ignored;
        assert_eq!(ignored.len(), MAX_IGNORED_KINDS + 1);
        assert_eq!(
            (ignored["kind0"], ignored["other kinds"]),
            (2, 200 - MAX_IGNORED_KINDS as u64)
        );
    }

    #[test]
    fn only_so_many_trades_are_remembered() {
        let mut stream = stream("binance");
        let frames: Vec<String> = (0..=DEDUP_WINDOW as u64)
            .map(|id| binance("A", id))
            .collect();
        described(&mut stream, &frames);
        let events = described(&mut stream, &[binance("A", 1), binance("A", 0)]);
        assert_eq!(events, ["1 again", "0"]);
    }

    #[test]
    fn ever_new_symbols_fill_no_memory_and_the_subscribed_one_stays_known() {
        let mut stream = stream("binance");
        for id in 0..3 * MAX_MARKETS as u64 {
            let frames = [binance("A", id), binance(&format!("X{id}"), 1)];
            described(&mut stream, &frames);
        }
        assert_eq!(stream.dedup_windows.markets(), MAX_MARKETS);
        assert_eq!(described(&mut stream, &[binance("A", 0)]), ["0 again"]);
        let symbol = "y".repeat(1000);
        assert_eq!(
            described(&mut stream, &[binance(&symbol, 1)]),
            ["malformed"]
        );
    }

    /// Numbers at the end of their range, of frames and of trades, are no gaps and break nothing.
    #[test]
    fn numbers_at_the_end_of_their_range_break_nothing() {
        let mut advanced = stream("coinbase_advanced");
        let frame = |number: u64| {
            format!(
                r#"{{"channel":"heartbeats","timestamp":"2026-01-01T00:00:00Z","sequence_num":{number},"events":[]}}"#
            )
        };
        let frames = [u64::MAX, 5, u64::MAX, 0, 1, 3].map(frame);
        let events = described(&mut advanced, &frames);
        assert_eq!(
            events.iter().filter(|event| *event == "1 missed").count(),
            1
        );
        assert_eq!(advanced.stats().missed, 1);
        let mut binance_stream = stream("binance");
        let frames = [3, u64::MAX, 4, 5, 7].map(|id| binance("A", id));
        let events = described(&mut binance_stream, &frames);
        let max = u64::MAX.to_string();
        assert_eq!(events, ["3", &max, "4", "5", "1 missed", "7"]);
        assert_eq!(binance_stream.stats().missed, 1);
    }
}
