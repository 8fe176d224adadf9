//! Binance spot, on the hosts that serve market data only. [`BinanceUs`](super::BinanceUs) has the same protocol.
//!
//! Frames are events, told apart by `e`, bare or wrapped as `{"stream","data"}`; trade ids are consecutive.
//! Candles: `GET /api/v3/klines`, 12 columns, ascending, the forming one last.
//!
//! Documentation: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md> and
//! <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_integer, parse_integer, parse_response, read_json, read_object,
    to_venue_error, unix_millis,
};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::step_names::{step_from_name, step_name};
use super::subscription::{ChannelMap, Subscription};
use super::traits::{CandleQuery, CandleSource, Venue};
use super::validation::{validate_candle, validate_trade};
use crate::event::{
    Ack, FrameError, IgnoredMessage, MarketId, RawCandle, Side, StatusMessage, Trade, TradeId,
    VenueEvent,
};

/// Binance spot; prices in USDT.
#[derive(Debug, Clone, Copy)]
pub struct Binance;

/// The venue's names of the spacings of candles.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1h"),
    (Millis::days(1), "1d"),
];

/// The fields that tell one frame from another: an event's `e`, `{"stream":"btcusdt@trade","data":{…}}`,
/// `{"result":null,"id":1}` or `{"code":2,"msg":"Invalid request","id":1}`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// The book ticker is the one event without `e`.
    u: Option<IgnoredAny>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: ResultField<'a>,
}

/// The field `result`, which consents by being null.
#[derive(Default)]
enum ResultField<'a> {
    #[default]
    Absent,
    Null,
    Given(&'a RawValue),
}

impl<'de: 'a, 'a> Deserialize<'de> for ResultField<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::<&RawValue>::deserialize(deserializer)?;
        Ok(given.map_or(Self::Null, Self::Given))
    }
}

impl ResultField<'_> {
    /// Whether the venue says that it did what was asked: `null`, or an empty list.
    fn is_consent(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Null => true,
            Self::Given(value) => value.get() == "[]",
        }
    }
}

/// `{"e":"trade","E":1700000000120,"s":"BTCUSDT","t":3100000001,"p":"37000.10000000","q":"0.00150000",
/// "T":1700000000119,"m":true,"M":true}`; times in ms.
#[derive(Deserialize)]
struct TradeEvent<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    t: u64,
    #[serde(borrow)]
    p: Decimal<'a>,
    #[serde(borrow)]
    q: Decimal<'a>,
    #[serde(rename = "T")]
    time: i64,
    /// Whether the buyer was the maker.
    m: bool,
    /// Kind of order, which only derivatives' streams have; insurance funds aren't the market.
    #[serde(rename = "X", borrow)]
    origin: Option<Cow<'a, str>>,
}

/// Trades of one taker at one price: `{"e":"aggTrade","E":1700000000120,"s":"BTCUSDT","a":640000001,"p":"37000.10000000",
/// "q":"0.00150000","f":3100000001,"l":3100000002,"T":1700000000119,"m":true,"M":true}`.
#[derive(Deserialize)]
struct AggTradeEvent<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    a: u64,
    #[serde(borrow)]
    p: Decimal<'a>,
    #[serde(borrow)]
    q: Decimal<'a>,
    #[serde(rename = "T")]
    time: i64,
    m: bool,
}

/// `{"e":"kline","E":1700000002000,"s":"BTCUSDT","k":{"t":1699999980000,"T":1700000039999,"s":"BTCUSDT","i":"1m",
/// "f":1,"L":9,"o":"37000.1","c":"37001.0","h":"37002.0","l":"36999.9","v":"1.5","n":9,"x":false,…}}`.
#[derive(Deserialize)]
struct KlineEvent<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow)]
    k: Kline<'a>,
}

#[derive(Deserialize)]
struct Kline<'a> {
    t: i64,
    #[serde(borrow)]
    i: Cow<'a, str>,
    #[serde(borrow)]
    o: Decimal<'a>,
    #[serde(borrow)]
    h: Decimal<'a>,
    #[serde(borrow)]
    l: Decimal<'a>,
    #[serde(borrow)]
    c: Decimal<'a>,
    #[serde(borrow)]
    v: Decimal<'a>,
    /// Whether it is finished.
    x: bool,
}

/// `{"code":-1121,"msg":"Invalid symbol."}`, over REST.
#[derive(Deserialize)]
struct ErrorResponse {
    code: i64,
    msg: String,
}

impl CandleSource for Binance {
    fn name(&self) -> &'static str {
        "binance"
    }

    fn default_host(&self) -> &'static str {
        "https://data-api.binance.vision"
    }

    fn page_size(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        candles_path(self.name(), self.page_size(), query)
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        read_candles(self.name(), body, on)
    }
}

impl Venue for Binance {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://data-stream.binance.vision/ws",
            ..LIMITS
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        subscribe(symbols)
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        read_frame(frame, on)
    }
}

/// The server pings every 20 s (3 min on the US host); our own pings show a dead connection sooner.
pub(super) const LIMITS: VenueLimits = VenueLimits {
    url: "",
    ping: Ping::Frame(Millis::seconds(20)),
    byte_timeout: Millis::seconds(50),
    message_timeout: Millis::seconds(50),
    max_age: Some(Millis::hours(24)),
    connect_limit: RateLimit {
        count: 300,
        per: Millis::minutes(5),
    },
    gap_detection: GapDetection::TradeIds,
};

pub(super) fn subscribe(symbols: &[String]) -> Vec<Subscription> {
    let streams: Vec<String> = symbols
        .iter()
        .map(|symbol| format!("{}@trade", symbol.to_lowercase()))
        .collect();
    let request = serde_json::json!({"method": "SUBSCRIBE", "params": streams, "id": 1});
    vec![Subscription {
        text: request.to_string(),
        acks: vec![Ack::Request(1)],
    }]
}

pub(super) fn candles_path(
    venue: &'static str,
    limit: usize,
    query: &CandleQuery<'_>,
) -> Result<String, VenueError> {
    let interval = step_name(venue, query, &STEPS)?;
    let (symbol, from, last) = (query.symbol, query.from, query.to - Millis::literal(1));
    Ok(format!(
        "/api/v3/klines?symbol={symbol}&interval={interval}&startTime={from}&endTime={last}&limit={limit}"
    ))
}

pub(super) fn read_candles(
    venue: &'static str,
    body: &str,
    on: &mut dyn FnMut(RawCandle<'_>),
) -> Result<(), VenueError> {
    if let Ok(ErrorResponse { code, msg }) = serde_json::from_str(body) {
        let why = format!("{msg} ({code})");
        return Err(VenueError::refused(venue, why));
    }
    // [[1699999980000,"37000.1","37002.0","36999.9","37001.0","1.5",1700000039999,…]]: open time, open, high, low,
    // close, volume, close time, and five columns that prices don't need.
    let rows: Vec<Row<'_>> = parse_response(venue, body)?;
    for row in &rows {
        on(read_row(row).map_err(to_venue_error(venue))?);
    }
    Ok(())
}

pub(super) fn read_frame(
    frame: &str,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    // Nearly every frame is one of these, and needn't be read twice.
    if frame.starts_with(r#"{"e":"trade","#) {
        return read_event("trade", frame, on);
    }
    let rows = frame.trim_start().strip_prefix('[').map(str::trim_start);
    if rows.is_some_and(|rows| rows.starts_with('{')) {
        let _: IgnoredAny = read_json(frame, "message")?;
        on(VenueEvent::Ignored(IgnoredMessage::kind("REST answer")));
        return Ok(());
    }
    let header: Header<'_> = read_object(frame, "message")?;
    match (header.data, header.e) {
        (Some(data), None) => {
            let inner: Header<'_> = read_object(data.get(), "message")?;
            match inner.e {
                Some(e) => read_event(&e, data.get(), on),
                None => {
                    let stream = header.stream.unwrap_or_default();
                    let kind = stream.rsplit('@').next().unwrap_or_default();
                    let kind = kind.trim_start_matches('!').to_owned();
                    on(other_message(frame, kind));
                    Ok(())
                }
            }
        }
        (_, Some(e)) => read_event(&e, frame, on),
        (None, None) => {
            on(match header {
                Header {
                    id: Some(id),
                    result,
                    ..
                } if result.is_consent() => match id.get().parse() {
                    Ok(number) => acknowledged(frame, Ack::Request(number)),
                    Err(_) => other_message(frame, "answer to another's request"),
                },
                Header { u: Some(_), .. } => {
                    VenueEvent::Ignored(IgnoredMessage::kind("bookTicker"))
                }
                Header {
                    result: ResultField::Given(_),
                    ..
                } => other_message(frame, "result"),
                Header { .. } => other_message(frame, "message"),
            });
            Ok(())
        }
    }
}

fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = first_integer(row, "candle")?;
    let [close_time] = columns(row, [6], "candle")?;
    let last = parse_integer(close_time.as_str(), "candle")?;
    validate_candle(RawCandle {
        step: Some(Millis::saturating(
            last.saturating_sub(open_time).saturating_add(1),
        )),
        ..RawCandle::from_ohlcv(
            unix_millis(open_time, "candle")?,
            columns(row, [1, 2, 3, 4, 5], "candle")?,
            None,
        )
    })
}

fn read_event(e: &str, text: &str, on: &mut dyn FnMut(VenueEvent<'_>)) -> Result<(), FrameError> {
    let event = match e {
        "trade" => {
            let trade: TradeEvent<'_> = read_json(text, "trade")?;
            match trade.origin {
                Some(origin) if origin == "INSURANCE_FUND" => {
                    VenueEvent::Ignored(IgnoredMessage::OffBook(origin))
                }
                _ => VenueEvent::Trade(validate_trade(Trade {
                    market: MarketId::Symbol(trade.s),
                    time: unix_millis(trade.time, "trade")?,
                    price: trade.p,
                    size: trade.q,
                    id: TradeId::Number(trade.t),
                    taker: Some(taker_side(trade.m)),
                })?),
            }
        }
        "aggTrade" => {
            let trade: AggTradeEvent<'_> = read_json(text, "aggTrade")?;
            VenueEvent::Trade(validate_trade(Trade {
                market: MarketId::Symbol(trade.s),
                time: unix_millis(trade.time, "aggTrade")?,
                price: trade.p,
                size: trade.q,
                id: TradeId::Number(trade.a),
                taker: Some(taker_side(trade.m)),
            })?)
        }
        "kline" => {
            let KlineEvent { s, k } = read_json(text, "kline")?;
            VenueEvent::Candle(validate_candle(RawCandle {
                market: Some(MarketId::Symbol(s)),
                step: step_from_name(&k.i, &STEPS),
                ..RawCandle::from_ohlcv(
                    unix_millis(k.t, "kline")?,
                    [k.o, k.h, k.l, k.c, k.v],
                    Some(k.x),
                )
            })?)
        }
        "serverShutdown" => VenueEvent::Status(StatusMessage::Restart),
        "blockTrade" => VenueEvent::Ignored(IgnoredMessage::OffBook("blockTrade".into())),
        other => other_message(text, other),
    };
    on(event);
    Ok(())
}

const fn taker_side(buyer_is_maker: bool) -> Side {
    if buyer_is_maker {
        Side::Sell
    } else {
        Side::Buy
    }
}
