//! Bitfinex v2. Events are objects; data are arrays `[channel number, …]`, told apart by the channel that an earlier
//! frame gave the number to. A trade comes as `te` and again as `tu`; sizes are signed by the taker. With the flags that
//! we set, every array ends with its number on the connection and the venue's time.
//!
//! Candles: `GET /v2/candles/trade:1m:SYMBOL/hist`, `[time, open, close, high, low, volume]`: close before high.

use std::borrow::Cow;
use std::fmt;

use foretell_core::time::{Millis, UnixMillis};
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::json_fields::{
    Row, candle, columns, first_integer, malformed, parse_integer, parse_response, read,
    step_from_name, step_name, to_venue_error, validate_candle, validate_trade,
};
use super::{
    CandleQuery, CandleSource, ChannelMap, GapDetection, Pair, Ping, QuoteCurrency, RateLimit,
    Subscription, Venue, VenueError, VenueLimits,
};
use crate::event::{
    Ack, FrameError, IgnoredMessage, MarketId, RawCandle, Side, StatusMessage, Trade, TradeId,
    VenueEvent,
};
use foretell_kernels::decimal::JsonDecimal;

/// Bitfinex.
#[derive(Debug, Clone, Copy)]
pub struct Bitfinex;

/// Spacings of candles and the venue's words for them.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1h"),
    (Millis::days(1), "1D"),
];

/// Numbers (65536) and times (32768) on every array.
const FLAGS: u32 = 65_536 + 32_768;

const CONF: Ack<'static> = Ack::Topic {
    channel: Cow::Borrowed("conf"),
    symbol: Cow::Borrowed(""),
    number: None,
};

#[derive(Deserialize)]
struct EventMessage<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    code: Option<i64>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    platform: Option<Platform>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(rename = "chanId")]
    number: Option<u64>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Platform {
    status: u8,
}

/// A subscription in the place of a channel number, as recordings without their beginning have it.
#[derive(Deserialize)]
struct InlineChannel<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

/// What the first element of an array means.
struct ArrayChannel<'a> {
    channel: Cow<'a, str>,
    market: MarketId<'a>,
}

/// A frame with one trade, read in one pass: `[channel, "te", [id, time, ± size, price, …], number, time]`.
struct TradeFrame<'a> {
    channel: u64,
    row: TradeRow<'a>,
    number: Option<u64>,
}

struct TradeRow<'a> {
    id: u64,
    time: i64,
    size: JsonDecimal<'a>,
    price: JsonDecimal<'a>,
}

type Parts<'a> = SmallVec<[&'a RawValue; 5]>;

impl CandleSource for Bitfinex {
    fn name(&self) -> &'static str {
        "bitfinex"
    }

    fn default_host(&self) -> &'static str {
        "https://api-pub.bitfinex.com"
    }

    fn page_size(&self) -> usize {
        10_000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = step_name(self.name(), query, &STEPS)?;
        let (symbol, from, last) = (query.symbol, query.from, query.to - Millis(1));
        let limit = self.page_size();
        Ok(format!(
            "/v2/candles/trade:{step}:{symbol}/hist?limit={limit}&start={from}&end={last}&sort=1"
        ))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(("error", code, why)) = serde_json::from_str::<(&str, i64, String)>(body) {
            let why = format!("{why} ({code})");
            return Err(VenueError::Refused { venue, why });
        }
        let rows: Vec<Row<'_>> = parse_response(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for Bitfinex {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    /// Tether is UST here; names longer than three letters are set apart by a colon.
    fn symbol(&self, pair: &Pair) -> String {
        let quote = match pair.quote.as_str() {
            "USDT" => "UST",
            quote => quote,
        };
        let colon = if pair.base.len() > 3 { ":" } else { "" };
        format!("t{}{colon}{quote}", pair.base)
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://api-pub.bitfinex.com/ws/2",
            ping: Ping::Message(Millis::seconds(20), r#"{"event":"ping","cid":1}"#),
            byte_timeout: Millis::seconds(45),
            message_timeout: Millis::seconds(45),
            max_age: None,
            connect_limit: RateLimit {
                count: 20,
                per: Millis::minutes(1),
            },
            gap_detection: GapDetection::FrameNumbers,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let conf = Subscription {
            text: serde_json::json!({"event": "conf", "flags": FLAGS}).to_string(),
            acks: vec![CONF],
        };
        let trades = symbols.iter().map(|symbol| {
            let request =
                serde_json::json!({"event": "subscribe", "channel": "trades", "symbol": symbol});
            Subscription {
                text: request.to_string(),
                acks: vec![Ack::Topic {
                    channel: "trades".into(),
                    symbol: symbol.clone().into(),
                    number: None,
                }],
            }
        });
        std::iter::once(conf).chain(trades).collect()
    }

    fn read_frame(
        &self,
        frame: &str,
        channels: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if is_trade(frame) {
            let trade: TradeFrame<'_> = read(frame, "trade")?;
            return on_trade(&trade, channels, on);
        }
        if frame.trim_start().starts_with('[') {
            let parts: Parts<'_> = read(frame, "array")?;
            return read_array(&parts, channels, on);
        }
        on(read_event_message(read(frame, "event")?));
        Ok(())
    }
}

/// Whether a frame is `[channel,"te",[…` or `[channel,"tu",[…`.
fn is_trade(frame: &str) -> bool {
    let Some(array) = frame.strip_prefix('[') else {
        return false;
    };
    let rest = array.trim_start_matches(|digit: char| digit.is_ascii_digit());
    rest.len() < array.len() && (rest.starts_with(r#","te",["#) || rest.starts_with(r#","tu",["#))
}

fn on_trade(
    frame: &TradeFrame<'_>,
    channels: &ChannelMap,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    if let Some(number) = frame.number {
        on(VenueEvent::Sequence(number));
    }
    let market = match channels.get(frame.channel) {
        Some((_, symbol)) => MarketId::symbol(symbol),
        None => MarketId::Channel(frame.channel),
    };
    let TradeRow {
        id,
        time,
        size,
        price,
    } = &frame.row;
    let (size, sold) = size.decimal().split_sign();
    on(VenueEvent::Trade(validate_trade(Trade {
        market,
        time: UnixMillis(*time),
        price: price.decimal(),
        size,
        id: TradeId::Number(*id),
        taker: Some(taker(sold)),
    })?));
    Ok(())
}

const fn taker(sold: bool) -> Side {
    if sold { Side::Sell } else { Side::Buy }
}

impl<'de: 'a, 'a> Deserialize<'de> for TradeFrame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Frame;

        impl<'de> Visitor<'de> for Frame {
            type Value = TradeFrame<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("channel, word, trade")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let channel = next(&mut parts, 0)?;
                let _word: &str = next(&mut parts, 1)?;
                let row = next(&mut parts, 2)?;
                let number = parts.next_element()?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(TradeFrame {
                    channel,
                    row,
                    number,
                })
            }
        }

        deserializer.deserialize_seq(Frame)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TradeRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = TradeRow<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("id, time, size, price")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let row = TradeRow {
                    id: next(&mut parts, 0)?,
                    time: next(&mut parts, 1)?,
                    size: next(&mut parts, 2)?,
                    price: next(&mut parts, 3)?,
                };
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(row)
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// The next element of an array, which is in this place.
fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    parts: &mut A,
    place: usize,
) -> Result<T, A::Error> {
    let element = parts.next_element()?;
    element.ok_or_else(|| {
        let needed = place + 1;
        A::Error::custom(format!("{place} columns instead of at least {needed}"))
    })
}

fn read_event_message(message: EventMessage<'_>) -> VenueEvent<'_> {
    match (message.event.as_ref(), message.code) {
        ("info", Some(20_051)) => VenueEvent::Status(StatusMessage::Restart),
        ("info", Some(20_060)) => VenueEvent::Status(StatusMessage::Down),
        ("info", Some(20_061)) => VenueEvent::Status(StatusMessage::Up),
        ("info", _) => match message.platform {
            Some(Platform { status: 1 }) => VenueEvent::Status(StatusMessage::Up),
            Some(_) => VenueEvent::Status(StatusMessage::Down),
            None => VenueEvent::Status(StatusMessage::Welcome),
        },
        ("conf", _) if message.status.as_deref() == Some("OK") => {
            VenueEvent::Status(StatusMessage::Subscribed(CONF))
        }
        ("conf", _) => VenueEvent::Refused("flags refused".into()),
        ("subscribed", _) => VenueEvent::Status(StatusMessage::Subscribed(Ack::Topic {
            channel: message.channel.unwrap_or_default(),
            symbol: message.symbol.or(message.key).unwrap_or_default(),
            number: message.number,
        })),
        ("error", code) => {
            let (msg, code) = (message.msg.unwrap_or_default(), code.unwrap_or(0));
            let subject = message.symbol.or(message.key).unwrap_or_default();
            VenueEvent::Refused(
                format!("{msg} {subject} ({code})")
                    .replace("  ", " ")
                    .into(),
            )
        }
        ("pong", _) => VenueEvent::Status(StatusMessage::Pong),
        (other, _) => VenueEvent::Ignored(IgnoredMessage::Kind(other.to_owned().into())),
    }
}

fn read_array(
    parts: &Parts<'_>,
    channels: &ChannelMap,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    let [number, second, rest @ ..] = parts.as_slice() else {
        return Err(malformed("array", "fewer than 2 elements"));
    };
    let word = second
        .get()
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    let (payload, tail) = match word {
        None => (Some(second), rest),
        Some("hb") => (None, rest),
        Some(_) => match rest {
            [payload, tail @ ..] => (Some(payload), tail),
            [] => return Err(malformed("array", "a word and nothing else")),
        },
    };
    if let Some(number) = tail.first() {
        on(VenueEvent::Sequence(read(number.get(), "array")?));
    }
    let source = array_channel(number, channels)?;
    match (word, payload) {
        (_, None) => on(VenueEvent::Status(StatusMessage::Heartbeat { time: None })),
        (Some("te" | "tu"), Some(payload)) => {
            let row: Row<'_> = read(payload.get(), "trade")?;
            on(VenueEvent::Trade(read_trade(source.market, &row)?));
        }
        (Some(other), _) => on(VenueEvent::Ignored(IgnoredMessage::Kind(
            other.to_owned().into(),
        ))),
        (None, Some(payload)) => match source.channel.as_ref() {
            "trades" => {
                for row in &rows(payload.get(), "trades")? {
                    on(VenueEvent::Trade(read_trade(source.market.clone(), row)?));
                }
            }
            "candles" => {
                for row in &rows(payload.get(), "candles")? {
                    on(VenueEvent::Candle(read_candle(&source.market, row)?));
                }
            }
            other => on(VenueEvent::Ignored(IgnoredMessage::Kind(
                other.to_owned().into(),
            ))),
        },
    }
    Ok(())
}

/// What stands behind a channel's number.
fn array_channel<'a>(
    number: &'a RawValue,
    channels: &'a ChannelMap,
) -> Result<ArrayChannel<'a>, FrameError> {
    if number.get().starts_with('{') {
        let named: InlineChannel<'_> = read(number.get(), "channel")?;
        let market = named.symbol.or(named.key).unwrap_or_default();
        return Ok(ArrayChannel {
            channel: named.channel,
            market: MarketId::Symbol(market),
        });
    }
    let number = read(number.get(), "channel")?;
    Ok(match channels.get(number) {
        Some((channel, symbol)) => ArrayChannel {
            channel: channel.into(),
            market: MarketId::symbol(symbol),
        },
        None => ArrayChannel {
            channel: "unknown channel".into(),
            market: MarketId::Channel(number),
        },
    })
}

/// A snapshot's rows, or the one row of an update.
fn rows<'a>(payload: &'a str, what: &'static str) -> Result<SmallVec<[Row<'a>; 1]>, FrameError> {
    let inner = payload.trim_start().strip_prefix('[').map(str::trim_start);
    match inner {
        Some(inner) if inner.starts_with(['[', ']']) => read(payload, what),
        _ => Ok(std::iter::once(read(payload, what)?).collect()),
    }
}

/// Id, time, signed size, price.
fn read_trade<'a>(market: MarketId<'a>, row: &Row<'a>) -> Result<Trade<'a>, FrameError> {
    let [id, time, size, price] = columns(row, [0, 1, 2, 3], "trade")?;
    let id = id.as_str().parse();
    let id = id.map_err(|_| malformed("trade", "id is not a whole number"))?;
    let (size, sold) = size.split_sign();
    validate_trade(Trade {
        market,
        time: UnixMillis(parse_integer(time.as_str(), "trade")?),
        price,
        size,
        id: TradeId::Number(id),
        taker: Some(taker(sold)),
    })
}

/// A row of the channel `trade:1m:tBTCUSD`.
fn read_candle<'a>(market: &MarketId<'a>, row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let (market, step) = match market {
        MarketId::Symbol(key) => {
            let mut words = key.splitn(3, ':').skip(1);
            let step = words.next().and_then(|word| step_from_name(word, &STEPS));
            let symbol = words.next().map(|symbol| symbol.to_owned().into());
            (
                MarketId::Symbol(symbol.unwrap_or_else(|| key.clone())),
                step,
            )
        }
        MarketId::Channel(number) => (MarketId::Channel(*number), None),
    };
    Ok(RawCandle {
        market: Some(market),
        step,
        ..read_row(row)?
    })
}

fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = UnixMillis(first_integer(row, "candle")?);
    let numbers = columns(row, [1, 3, 4, 2, 5], "candle")?;
    validate_candle(candle(open_time, numbers, None))
}
