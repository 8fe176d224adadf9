//! What a connection's frames say once they are put together: channel numbers get their names, each trade counts
//! once, and numbers that should be consecutive show what was missed.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use crate::event::{Event, FrameError, Market, Status, Trade, TradeId};
use crate::venue::{Channels, GapKey, Venue};

/// Trades of a market that are remembered, so that they count once. A venue's snapshot after a new subscription
/// holds at most some hundreds.
const REMEMBERED: usize = 4096;
/// Kinds of ignored messages that are told apart.
const KINDS: usize = 64;

/// What a venue says over one socket after another.
#[derive(Debug)]
pub struct Stream {
    venue: &'static dyn Venue,
    seen: HashMap<String, Seen>,
    hasher: RandomState,
    counts: Counts,
}

/// The numbers that hold on one socket: those of its channels and of its frames.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbering {
    channels: Channels,
    last_frame: Option<u64>,
}

/// What a stream has seen since its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames.
    pub frames: u64,
    /// Trades, each once.
    pub trades: u64,
    /// Trades that came again.
    pub duplicates: u64,
    /// Numbers that should have come and didn't: of trades or of frames.
    pub missed: u64,
    /// Frames that are not what the protocol says.
    pub faults: u64,
    /// Messages that prices don't need, by kind.
    pub ignored: BTreeMap<String, u64>,
}

/// An event of the stream: the venue's, or what only the stream can know.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard<'a> {
    /// As the venue said it.
    Event(Event<'a>),
    /// A trade that was heard before.
    Duplicate(Trade<'a>),
    /// So many trades or frames in between were missed.
    Missed(u64),
}

/// Where a trade's id stands among those before.
enum Place {
    Next,
    /// So many were left out.
    After(u64),
    /// It was left out before.
    Late,
}

/// The trades of a market that were heard.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
    last: Option<u64>,
}

impl Stream {
    /// A stream of this venue's frames.
    pub fn new(venue: &'static dyn Venue) -> Self {
        Self {
            venue,
            seen: HashMap::new(),
            hasher: RandomState::new(),
            counts: Counts::default(),
        }
    }

    /// The venue.
    pub const fn venue(&self) -> &'static dyn Venue {
        self.venue
    }

    /// What has been seen so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Hands everything that a frame of the socket with this numbering says to `on`.
    pub fn hear(
        &mut self,
        numbering: &mut Numbering,
        frame: &str,
        on: &mut dyn FnMut(Heard<'_>),
    ) -> Result<(), FrameError> {
        let Self {
            venue,
            seen,
            hasher,
            counts,
        } = self;
        let Numbering {
            channels,
            last_frame,
        } = numbering;
        counts.frames += 1;
        let mut subscribed = Vec::new();
        let read = venue.read_frame(frame, channels, &mut |event| match event {
            Event::Trade(trade) => {
                let market = match &trade.market {
                    Market::Symbol(symbol) => symbol.as_ref(),
                    Market::Channel(_) => "",
                };
                if !seen.contains_key(market) {
                    seen.insert(market.to_owned(), Seen::default());
                }
                let Some(seen) = seen.get_mut(market) else {
                    return;
                };
                if !seen.is_new(&trade, hasher) {
                    counts.duplicates += 1;
                    return on(Heard::Duplicate(trade));
                }
                counts.trades += 1;
                if venue.terms().gap_key == GapKey::TradeIds {
                    match seen.place(trade.id) {
                        Place::Next => {}
                        Place::After(missed) => {
                            counts.missed += missed;
                            on(Heard::Missed(missed));
                        }
                        Place::Late => counts.missed = counts.missed.saturating_sub(1),
                    }
                }
                on(Heard::Event(Event::Trade(trade)));
            }
            Event::Sequence(number) => {
                let expected = last_frame.map_or(number, |last| last + 1);
                *last_frame = Some(number);
                if number > expected {
                    counts.missed += number - expected;
                    on(Heard::Missed(number - expected));
                }
            }
            Event::Status(Status::Subscribed(ack)) => {
                on(Heard::Event(Event::Status(Status::Subscribed(ack.clone()))));
                subscribed.push(ack.into_owned());
            }
            Event::Ignored(ignored) => {
                counts.ignore(ignored.name());
                on(Heard::Event(Event::Ignored(ignored)));
            }
            other => on(Heard::Event(other)),
        });
        for ack in &subscribed {
            channels.note(ack);
        }
        if read.is_err() {
            counts.faults += 1;
        }
        read
    }
}

impl Seen {
    /// Whether this trade is heard for the first time.
    fn is_new(&mut self, trade: &Trade<'_>, hasher: &RandomState) -> bool {
        let id = match trade.id {
            TradeId::Number(number) => number,
            TradeId::Text(text) => hasher.hash_one(text),
        };
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// Where the id of a new trade stands among those before.
    fn place(&mut self, id: TradeId<'_>) -> Place {
        let TradeId::Number(id) = id else {
            return Place::Next;
        };
        let Some(last) = self.last.replace(id) else {
            return Place::Next;
        };
        if id < last {
            self.last = Some(last);
            return Place::Late;
        }
        match id - last {
            1 => Place::Next,
            apart => Place::After(apart - 1),
        }
    }
}

impl Counts {
    /// Counts a message by its kind. A venue can't fill the memory with ever new kinds.
    fn ignore(&mut self, kind: &str) {
        if let Some(count) = self.ignored.get_mut(kind) {
            *count += 1;
            return;
        }
        let kind = if self.ignored.len() < KINDS {
            kind
        } else {
            "other kinds"
        };
        *self.ignored.entry(kind.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue;

    /// What a stream of this venue says of these frames, in short.
    fn heard(stream: &mut Stream, frames: &[String]) -> Vec<String> {
        let mut numbering = Numbering::default();
        let mut said = Vec::new();
        for frame in frames {
            let heard = stream.hear(&mut numbering, frame, &mut |heard| {
                said.push(match heard {
                    Heard::Event(Event::Trade(trade)) => format!("{}", trade.id),
                    Heard::Duplicate(trade) => format!("{} again", trade.id),
                    Heard::Missed(count) => format!("{count} missed"),
                    Heard::Event(other) => format!("{other:?}"),
                });
            });
            if let Err(error) = heard {
                said.push(error.name().to_owned());
            }
        }
        said
    }

    fn stream(name: &str) -> Stream {
        Stream::new(venue::by_name(name).unwrap())
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
        let said = heard(&mut stream, &frames);
        assert_eq!(said, ["5", "6", "6 again", "2 missed", "9", "1", "8", "10"]);
        let counts = stream.counts();
        assert_eq!((counts.trades, counts.duplicates), (6, 1));
        // 7 never came; 8 came late.
        assert_eq!(counts.missed, 1);
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
        let said = heard(&mut stream, &frames);
        assert_eq!(said[1..], ["2", "1", "3", "1 missed", "3 again"]);
        let renumbered = subscribed.replace("chanId\":5", "chanId\":9");
        let snapshot = snapshot.replace("[5,", "[9,").replace(",1]", ",77]");
        let said = heard(&mut stream, &[renumbered, snapshot]);
        assert_eq!(said[1..], ["2 again", "1 again"]);
    }

    #[test]
    fn a_fault_is_counted_and_the_next_frame_is_read() {
        let mut stream = stream("binance");
        let said = heard(&mut stream, &["{".into(), "[]".into(), binance("A", 1)]);
        assert_eq!(said, ["not_json", "malformed", "1"]);
        assert_eq!(stream.counts().faults, 2);
    }

    #[test]
    fn unknown_kinds_are_counted_and_cannot_fill_the_memory() {
        let mut stream = stream("binance");
        let frames: Vec<String> = (0..200).map(|i| format!(r#"{{"e":"kind{i}"}}"#)).collect();
        heard(&mut stream, &frames);
        heard(&mut stream, &frames[..1]);
        let ignored = &stream.counts().ignored;
        assert_eq!(ignored.len(), KINDS + 1);
        assert_eq!(
            (ignored["kind0"], ignored["other kinds"]),
            (2, 200 - KINDS as u64)
        );
    }

    #[test]
    fn only_so_many_trades_are_remembered() {
        let mut stream = stream("binance");
        let frames: Vec<String> = (0..=REMEMBERED as u64).map(|id| binance("A", id)).collect();
        heard(&mut stream, &frames);
        let said = heard(&mut stream, &[binance("A", 1), binance("A", 0)]);
        assert_eq!(said, ["1 again", "0"]);
    }
}
