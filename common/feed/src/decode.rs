//! Recorded messages in, one normalised line a trade, candle, status, ignored message or error out.
//!
//! A line of input is a frame or a REST answer, plain or wrapped as `{dir,t,raw}`, `{recv_ns,raw}` or
//! `{path,body}`. It goes through the very parser that live sockets go through.

use std::borrow::Cow;

use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{Ack, Candle, Event, Ignored, Market, Side, Status, Trade};
use crate::stream::{Counts, Heard, Numbering, Stream};
use crate::venue::{Venue, VenueError};

const UNSPOKEN: &str = "protocol that is not spoken";

/// Decodes the messages of a file, one after the other.
#[derive(Debug)]
pub struct Decoder {
    stream: Stream,
    numbering: Numbering,
    line: u64,
}

/// One normalised line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line<'a> {
    /// The venue.
    pub venue: &'a str,
    /// What it is.
    #[serde(flatten)]
    pub said: Said<'a>,
    /// The message's number in its file, from 1.
    pub line: u64,
}

/// What a line of output says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Said<'a> {
    /// A trade.
    Trade(TradeLine<'a>),
    /// A candle.
    Candle(CandleLine<'a>),
    /// Something about the connection.
    Status(StatusLine<'a>),
    /// Nothing that prices need.
    Ignored(IgnoredLine<'a>),
    /// Malformed, or refused by the venue.
    Error(ErrorLine<'a>),
}

/// A trade. Numbers are decimal text in the venue's own digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeLine<'a> {
    symbol: Option<&'a str>,
    /// The channel's number where the file doesn't tell its symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u64>,
    time_ms: i64,
    price: Cow<'a, str>,
    size: Cow<'a, str>,
    id: String,
    taker: Option<&'static str>,
}

/// A candle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandleLine<'a> {
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// Its start.
    time_ms: i64,
    step_ms: Option<i64>,
    open: Cow<'a, str>,
    high: Cow<'a, str>,
    low: Cow<'a, str>,
    close: Cow<'a, str>,
    volume: Cow<'a, str>,
    /// `null` where the message can't tell.
    closed: Option<bool>,
}

/// Something about the connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusLine<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<i64>,
}

/// A message that prices don't need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IgnoredLine<'a> {
    /// Why: the kind of message, or `duplicate trade`.
    what: &'a str,
    /// The protocol, if it is one that isn't spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    trade: Option<TradeLine<'a>>,
}

/// A malformed message, or a refusal in the venue's words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorLine<'a> {
    error: &'a str,
    message: Cow<'a, str>,
}

/// A recorder's line around a message.
#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
    #[serde(borrow)]
    recv_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What a line of input holds.
enum Content<'a> {
    /// A message, perhaps a REST answer.
    Message(Cow<'a, str>),
    /// A REST answer.
    Answer(Cow<'a, str>),
    /// Something that the venue didn't say.
    Ours(&'static str),
}

impl Decoder {
    /// A decoder of this venue's messages.
    pub fn new(venue: &'static dyn Venue) -> Self {
        Self {
            stream: Stream::new(venue),
            numbering: Numbering::default(),
            line: 0,
        }
    }

    /// What has been seen so far.
    pub const fn counts(&self) -> &Counts {
        self.stream.counts()
    }

    /// Hands each thing that the next line of the file says to `on`. Blank lines say nothing.
    pub fn line(&mut self, input: &[u8], on: &mut dyn FnMut(&Line<'_>)) {
        self.line += 1;
        let (venue, line) = (self.stream.venue().name(), self.line);
        let mut say = |said: Said<'_>| on(&Line { venue, said, line });
        let text = match str::from_utf8(input) {
            Ok(text) => text.trim(),
            Err(error) => return say(fault("not_json", &error.to_string())),
        };
        if text.is_empty() {
            return;
        }
        match unwrapped(text) {
            Content::Ours(what) => say(ignored(what)),
            Content::Message(text) => self.message(&text, false, &mut say),
            Content::Answer(text) => self.message(&text, true, &mut say),
        }
    }

    fn message(&mut self, text: &str, is_answer: bool, say: &mut dyn FnMut(Said<'_>)) {
        // Candles of REST answers look like no frame of the same venue.
        let latest = match latest_candle(self.stream.venue(), text) {
            Ok(latest) => latest,
            Err(error) => {
                match error {
                    VenueError::Malformed { why, .. } if is_answer || is_rows(text) => {
                        say(fault("malformed", &why));
                    }
                    VenueError::Refused { why, .. } if is_answer => say(fault("refused", &why)),
                    VenueError::Refused { why, .. } => self.frame(text, Some(&why), say),
                    _ => self.frame(text, None, say),
                }
                return;
            }
        };
        let Some(latest) = latest else {
            return say(ignored("answer without candles"));
        };
        let read = self.stream.venue().read_candles(text, &mut |mut candle| {
            if candle.open_time < latest {
                candle.closed.get_or_insert(true);
            }
            say(Said::Candle(candle_line(&candle)));
        });
        if let Err(error) = read {
            say(fault("malformed", &error.to_string()));
        }
    }

    /// Says what a frame says; `refusal` stands in for a frame that says nothing.
    fn frame(&mut self, text: &str, refusal: Option<&str>, say: &mut dyn FnMut(Said<'_>)) {
        let heard = self
            .stream
            .hear(&mut self.numbering, text, &mut |heard| match heard {
                Heard::Event(Event::Ignored(Ignored::Kind(_))) if refusal.is_some() => {
                    say(fault("refused", refusal.unwrap_or_default()));
                }
                Heard::Event(event) => say_event(&event, say),
                Heard::Duplicate(trade) => say(Said::Ignored(IgnoredLine {
                    what: "duplicate trade",
                    protocol: None,
                    trade: Some(trade_line(&trade)),
                })),
                // Recordings leave frames out, so what is missing is counted and not said line by line.
                Heard::Missed(_) => {}
            });
        if let Err(error) = heard {
            say(fault(error.name(), &error.to_string()));
        }
    }
}

/// What is said of each message of a venue whose protocol isn't spoken.
pub fn unspoken(venue: &str, line: u64) -> Line<'_> {
    let said = Said::Ignored(IgnoredLine {
        what: UNSPOKEN,
        protocol: Some(venue),
        trade: None,
    });
    Line { venue, said, line }
}

/// Whether a text begins as rows of rows do.
fn is_rows(text: &str) -> bool {
    let inner = text.strip_prefix('[').map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with('['))
}

/// Start of the latest candle in a REST answer.
fn latest_candle(venue: &dyn Venue, text: &str) -> Result<Option<UnixMillis>, VenueError> {
    let mut latest = None;
    venue.read_candles(text, &mut |candle| {
        latest = latest.max(Some(candle.open_time))
    })?;
    Ok(latest)
}

/// The message inside a line.
fn unwrapped(text: &str) -> Content<'_> {
    let Ok(wrapper) = serde_json::from_str::<Wrapper<'_>>(text) else {
        return Content::Message(text.into());
    };
    match wrapper {
        Wrapper {
            dir: Some(dir),
            raw,
            ..
        } => match (dir.as_ref(), raw) {
            ("in", Some(raw)) => Content::Message(inner(raw)),
            ("open", _) => Content::Ours("connection opened"),
            _ => Content::Ours("sent by the client"),
        },
        Wrapper {
            recv_ns: Some(_),
            raw: Some(raw),
            ..
        } => Content::Message(inner(raw)),
        Wrapper {
            path: Some(_),
            body: Some(body),
            ..
        } => Content::Answer(inner(body)),
        _ => Content::Message(text.into()),
    }
}

/// A message that stands as text, or as it is.
fn inner(raw: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text.into(),
        Err(_) => raw.get().into(),
    }
}

fn say_event(event: &Event<'_>, say: &mut dyn FnMut(Said<'_>)) {
    match event {
        Event::Trade(trade) => say(Said::Trade(trade_line(trade))),
        Event::Candle(candle) => say(Said::Candle(candle_line(candle))),
        Event::Status(status) => say(Said::Status(status_line(status))),
        Event::Refused(why) => say(fault("refused", why)),
        Event::Ignored(Ignored::Protocol(protocol)) => say(Said::Ignored(IgnoredLine {
            what: UNSPOKEN,
            protocol: Some(protocol),
            trade: None,
        })),
        Event::Ignored(kind) => say(ignored(kind.name())),
        Event::Sequence(_) => {}
    }
}

fn ignored(what: &str) -> Said<'_> {
    Said::Ignored(IgnoredLine {
        what,
        protocol: None,
        trade: None,
    })
}

fn fault<'a>(error: &'a str, message: &'a str) -> Said<'a> {
    Said::Error(ErrorLine {
        error,
        message: message.into(),
    })
}

fn trade_line<'a>(trade: &'a Trade<'_>) -> TradeLine<'a> {
    let (symbol, channel) = named(Some(&trade.market));
    TradeLine {
        symbol,
        channel,
        time_ms: trade.time.0,
        price: trade.price.plain(),
        size: trade.size.plain(),
        id: trade.id.to_string(),
        taker: trade.taker.map(Side::name),
    }
}

fn candle_line<'a>(candle: &'a Candle<'_>) -> CandleLine<'a> {
    let (symbol, _) = named(candle.market.as_ref());
    CandleLine {
        symbol,
        category: candle.category.as_deref(),
        time_ms: candle.open_time.0,
        step_ms: candle.step.map(|step| step.0),
        open: candle.open.plain(),
        high: candle.high.plain(),
        low: candle.low.plain(),
        close: candle.close.plain(),
        volume: candle.volume.plain(),
        closed: candle.closed,
    }
}

fn named<'a>(market: Option<&'a Market<'_>>) -> (Option<&'a str>, Option<u64>) {
    match market {
        Some(Market::Symbol(symbol)) => (Some(symbol), None),
        Some(Market::Channel(number)) => (None, Some(*number)),
        None => (None, None),
    }
}

fn status_line<'a>(status: &'a Status<'_>) -> StatusLine<'a> {
    let (word, topic, time) = match status {
        Status::Welcome => ("welcome", None, None),
        Status::Subscribed(ack) => ("subscribed", Some(ack), None),
        Status::Heartbeat { time } => ("heartbeat", None, *time),
        Status::Pong => ("pong", None, None),
        Status::Restart => ("restart", None, None),
        Status::Down => ("down", None, None),
        Status::Up => ("up", None, None),
    };
    let symbol = topic.and_then(|ack| match ack {
        Ack::Topic { symbol, .. } if !symbol.is_empty() => Some(symbol.as_ref()),
        _ => None,
    });
    StatusLine {
        status: word,
        topic: topic.map(ToString::to_string),
        symbol,
        time_ms: time.map(|time| time.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue;

    fn lines(venue: &str, input: &str) -> Vec<String> {
        let mut decoder = Decoder::new(venue::by_name(venue).unwrap());
        let mut lines = Vec::new();
        decoder.line(input.as_bytes(), &mut |line| {
            lines.push(serde_json::to_string(line).unwrap());
        });
        lines
    }

    const FRAME: &str = r#"{"e":"trade","E":1,"s":"BTCUSDT","t":7,"p":"100.50","q":"0.1","T":1000,"m":true,"M":true}"#;
    const TRADE: &str = r#"{"venue":"binance","kind":"trade","symbol":"BTCUSDT","time_ms":1000,"price":"100.50","size":"0.1","id":"7","taker":"sell","line":1}"#;

    #[test]
    fn a_frame_may_be_plain_or_wrapped() {
        let raw = serde_json::to_string(FRAME).unwrap();
        assert_eq!(lines("binance", FRAME), [TRADE]);
        assert_eq!(lines("binance", &format!("  {FRAME}\r\n")), [TRADE]);
        for wrapped in [
            format!(r#"{{"dir":"in","t":1.5,"raw":{raw}}}"#),
            format!(r#"{{"recv_ns":1,"raw":{raw}}}"#),
            format!(r#"{{"recv_ns":1,"raw":{FRAME}}}"#),
        ] {
            assert_eq!(lines("binance", &wrapped), [TRADE], "{wrapped}");
        }
    }

    #[test]
    fn what_the_venue_did_not_say_is_ignored() {
        let sent = lines(
            "binance",
            r#"{"dir":"out","t":1,"raw":"{\"method\":\"SUBSCRIBE\"}"}"#,
        );
        let expected =
            r#"{"venue":"binance","kind":"ignored","what":"sent by the client","line":1}"#;
        assert_eq!(sent, [expected]);
        assert_eq!(
            lines("binance", r#"{"dir":"open","t":1,"url":"wss://x"}"#).len(),
            1
        );
        assert_eq!(lines("binance", " \n"), [""; 0]);
    }

    #[test]
    fn an_answer_is_candles_and_a_later_one_closes_those_before() {
        let body = r#"[[60000,"1","3","1","2.0","5",119999,"0",1,"0","0","0"],[120000,"2","3","1","3","6",179999,"0",1,"0","0","0"]]"#;
        let pretty = body.replace(',', ",\n ");
        let expected = [
            r#"{"venue":"binance","kind":"candle","symbol":null,"time_ms":60000,"step_ms":60000,"open":"1","high":"3","low":"1","close":"2.0","volume":"5","closed":true,"line":1}"#,
            r#"{"venue":"binance","kind":"candle","symbol":null,"time_ms":120000,"step_ms":60000,"open":"2","high":"3","low":"1","close":"3","volume":"6","closed":null,"line":1}"#,
        ];
        assert_eq!(lines("binance", body), expected);
        assert_eq!(lines("binance", &pretty), expected);
        let wrapped = format!(r#"{{"path":"/api/v3/klines","body":{body}}}"#);
        assert_eq!(lines("binance", &wrapped), expected);
        let text = serde_json::to_string(body).unwrap();
        let wrapped = format!(r#"{{"path":"/api/v3/klines","body":{text}}}"#);
        assert_eq!(lines("binance", &wrapped), expected);
        let refused = lines(
            "binance",
            r#"{"path":"/x","body":{"code":-1121,"msg":"Invalid symbol."}}"#,
        );
        let expected = r#"{"venue":"binance","kind":"error","error":"refused","message":"Invalid symbol. (-1121)","line":1}"#;
        assert_eq!(refused, [expected]);
    }

    #[test]
    fn faults_are_error_lines() {
        for input in ["{", "<html>", "\u{0}"] {
            let said = lines("kraken", input);
            assert!(
                said.len() == 1 && said[0].contains(r#""error":"not_json""#),
                "{said:?}"
            );
        }
        let mut decoder = Decoder::new(venue::by_name("kraken").unwrap());
        let mut said = 0;
        decoder.line(&[0xff, 0xfe], &mut |line| {
            assert!(matches!(line.said, Said::Error(_)));
            said += 1;
        });
        assert_eq!(said, 1);
        let said = lines("binance", r#"[[60000,"1","x","1","2","5",119999]]"#);
        assert!(said.len() == 1 && said[0].contains("malformed"), "{said:?}");
    }

    /// Integers beyond 2^53 and exponents come out exactly.
    #[test]
    fn numbers_are_exact() {
        let frame = r#"{"event":"trade","channel":"live_trades_btcusd","data":{"id":9007199254740993,"timestamp":"1","microtimestamp":"1616297318187000","amount":1e-08,"amount_str":"1E-8","price":57748.8,"price_str":"57748.80","type":0}}"#;
        let said = lines("bitstamp", frame);
        let expected = r#"{"venue":"bitstamp","kind":"trade","symbol":"btcusd","time_ms":1616297318187,"price":"57748.80","size":"0.00000001","id":"9007199254740993","taker":"buy","line":1}"#;
        assert_eq!(said, [expected]);
    }
}
