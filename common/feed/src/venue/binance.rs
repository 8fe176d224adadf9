//! Binance spot, on the hosts that serve market data only. [`BinanceUs`](super::BinanceUs) speaks the same protocol.
//!
//! Frames are events, told apart by `e`, bare or wrapped as `{"stream","data"}`; trade ids are consecutive.
//! Candles: `GET /api/v3/klines`, 12 columns, ascending, the forming one last.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, read, step_of,
    step_word, whole,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Decimal;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Binance.
#[derive(Debug, Clone, Copy)]
pub struct Binance;

/// Spacings of candles and the venue's words for them.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1h"),
    (Millis::days(1), "1d"),
];

/// What tells one frame from another.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// The book ticker is the one event without `e`.
    u: Option<IgnoredAny>,
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    code: Option<i64>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
}

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
    /// Kind of order behind it, on derivatives' streams only.
    #[serde(rename = "X", borrow)]
    origin: Option<Cow<'a, str>>,
}

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
    x: bool,
}

#[derive(Deserialize)]
struct Refusal {
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

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        candles_path(self.name(), self.page(), query)
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        read_candles(self.name(), body, on)
    }
}

impl Venue for Binance {
    fn quote(&self) -> Quote {
        Quote::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://data-stream.binance.vision/ws",
            ..TERMS
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        subscribe(symbols)
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        read_frame(frame, on)
    }
}

/// The server pings every 20 s (3 min on the US host); our own pings make silence mean something sooner.
pub(super) const TERMS: Terms = Terms {
    url: "",
    ping: Ping::Frame(Millis::seconds(20)),
    silence: Millis::seconds(50),
    heartbeat: Millis::seconds(50),
    lifetime: Some(Millis::hours(24)),
    connects: Budget {
        count: 300,
        per: Millis::minutes(5),
    },
    gap_key: GapKey::TradeIds,
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
    let interval = step_word(venue, query, &STEPS)?;
    let (symbol, from, last) = (query.symbol, query.from, query.to - Millis(1));
    Ok(format!(
        "/api/v3/klines?symbol={symbol}&interval={interval}&startTime={from}&endTime={last}&limit={limit}"
    ))
}

pub(super) fn read_candles(
    venue: &'static str,
    body: &str,
    on: &mut dyn FnMut(Candle<'_>),
) -> Result<(), VenueError> {
    if let Ok(Refusal { code, msg }) = serde_json::from_str(body) {
        let why = format!("{msg} ({code})");
        return Err(VenueError::Refused { venue, why });
    }
    // Open time, open, high, low, close, volume, close time, and five columns that we don't read.
    let rows: Vec<Row<'_>> = answer(venue, body)?;
    for row in &rows {
        on(read_row(row).map_err(in_answer(venue))?);
    }
    Ok(())
}

pub(super) fn read_frame(frame: &str, on: &mut dyn FnMut(Event<'_>)) -> Result<(), FrameError> {
    // Nearly every frame is one of these, and needn't be read twice.
    if frame.starts_with(r#"{"e":"trade","#) {
        return read_event("trade", frame, on);
    }
    let rows = frame.trim_start().strip_prefix('[').map(str::trim_start);
    if rows.is_some_and(|rows| rows.starts_with('{')) {
        let _: IgnoredAny = read(frame, "message")?;
        on(Event::Ignored(Ignored::Kind("REST answer".into())));
        return Ok(());
    }
    let head: Head<'_> = read(frame, "message")?;
    match (head.data, head.e) {
        (Some(data), None) => {
            let inner: Head<'_> = read(data.get(), "message")?;
            match inner.e {
                Some(e) => read_event(&e, data.get(), on),
                None => {
                    let stream = head.stream.unwrap_or_default();
                    let kind = stream.rsplit('@').next().unwrap_or_default();
                    let kind = kind.trim_start_matches('!').to_owned();
                    on(Event::Ignored(Ignored::Kind(kind.into())));
                    Ok(())
                }
            }
        }
        (_, Some(e)) => read_event(&e, frame, on),
        (None, None) => {
            on(match head {
                Head {
                    code: Some(code),
                    msg,
                    ..
                } => {
                    let msg = msg.unwrap_or_default();
                    Event::Refused(format!("{msg} ({code})").into())
                }
                // `"result": null` reads as none, so the request's number decides.
                Head { id: Some(id), .. } => Event::Status(Status::Subscribed(Ack::Request(id))),
                Head { u: Some(_), .. } => Event::Ignored(Ignored::Kind("bookTicker".into())),
                Head { result, .. } => {
                    let kind = result.map_or("message", |_| "result");
                    Event::Ignored(Ignored::Kind(kind.into()))
                }
            });
            Ok(())
        }
    }
}

fn read_row<'a>(row: &Row<'a>) -> Result<Candle<'a>, FrameError> {
    let open_time = first(row, "candle")?;
    let [close_time] = columns(row, [6], "candle")?;
    let last = whole(close_time.as_written(), "candle")?;
    checked_candle(Candle {
        step: Some(Millis(last.saturating_sub(open_time).saturating_add(1))),
        ..candle(
            UnixMillis(open_time),
            columns(row, [1, 2, 3, 4, 5], "candle")?,
            None,
        )
    })
}

fn read_event(e: &str, text: &str, on: &mut dyn FnMut(Event<'_>)) -> Result<(), FrameError> {
    let event = match e {
        "trade" => {
            let trade: TradeEvent<'_> = read(text, "trade")?;
            match trade.origin {
                Some(origin) if origin == "INSURANCE_FUND" => {
                    Event::Ignored(Ignored::OffBook(origin))
                }
                _ => Event::Trade(checked(Trade {
                    market: Market::Symbol(trade.s),
                    time: UnixMillis(trade.time),
                    price: trade.p,
                    size: trade.q,
                    id: TradeId::Number(trade.t),
                    taker: Some(taker(trade.m)),
                })?),
            }
        }
        "aggTrade" => {
            let trade: AggTradeEvent<'_> = read(text, "aggTrade")?;
            Event::Trade(checked(Trade {
                market: Market::Symbol(trade.s),
                time: UnixMillis(trade.time),
                price: trade.p,
                size: trade.q,
                id: TradeId::Number(trade.a),
                taker: Some(taker(trade.m)),
            })?)
        }
        "kline" => {
            let KlineEvent { s, k } = read(text, "kline")?;
            Event::Candle(checked_candle(Candle {
                market: Some(Market::Symbol(s)),
                step: step_of(&k.i, &STEPS),
                ..candle(UnixMillis(k.t), [k.o, k.h, k.l, k.c, k.v], Some(k.x))
            })?)
        }
        "serverShutdown" => Event::Status(Status::Restart),
        "blockTrade" => Event::Ignored(Ignored::OffBook("blockTrade".into())),
        other => Event::Ignored(Ignored::Kind(other.into())),
    };
    on(event);
    Ok(())
}

const fn taker(buyer_is_maker: bool) -> Side {
    if buyer_is_maker {
        Side::Sell
    } else {
        Side::Buy
    }
}
