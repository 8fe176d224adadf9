//! Kraken, WebSocket v2. Frames are told apart by `channel` or `method`; prices are JSON numbers, of which every
//! digit is kept; trade ids are consecutive. Version 1, arrays and `event` objects, is not spoken.
//!
//! Candles: `GET /0/public/OHLC`, the newest 720, ascending; the last one is always unfinished; minutes without
//! trades are flat rows with volume 0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foretell_core::time::Millis;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::plain;
use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, read, rfc3339,
    seconds, step_word,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Numeral;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Kraken.
#[derive(Debug, Clone, Copy)]
pub struct Kraken;

const V1: &str = "kraken v1";

/// Spacings of candles in the venue's word, minutes.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1"),
    (Millis::minutes(5), "5"),
    (Millis::minutes(15), "15"),
    (Millis::minutes(30), "30"),
    (Millis::hours(1), "60"),
    (Millis::days(1), "1440"),
];

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    success: Option<bool>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    /// A text over WebSocket, a list over REST.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// Only version 1 has it.
    event: Option<IgnoredAny>,
}

/// A frame of trades, read at once.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    side: TakerSide,
    #[serde(borrow)]
    price: Numeral<'a>,
    #[serde(borrow)]
    qty: Numeral<'a>,
    trade_id: u64,
    timestamp: &'a str,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum TakerSide {
    Buy,
    Sell,
}

#[derive(Deserialize)]
struct CandleData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    interval_begin: Cow<'a, str>,
    /// Minutes.
    interval: i64,
    #[serde(borrow)]
    open: Numeral<'a>,
    #[serde(borrow)]
    high: Numeral<'a>,
    #[serde(borrow)]
    low: Numeral<'a>,
    #[serde(borrow)]
    close: Numeral<'a>,
    #[serde(borrow)]
    volume: Numeral<'a>,
}

#[derive(Deserialize)]
struct Subscribed<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow, default)]
    symbol: Cow<'a, str>,
}

#[derive(Deserialize)]
struct System<'a> {
    #[serde(borrow)]
    system: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SystemStatus<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    error: Vec<String>,
    #[serde(borrow)]
    result: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

impl CandleSource for Kraken {
    fn name(&self) -> &'static str {
        "kraken"
    }

    fn default_host(&self) -> &'static str {
        "https://api.kraken.com"
    }

    fn page(&self) -> usize {
        720
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let interval = step_word(self.name(), query, &STEPS)?;
        // `since` is exclusive.
        let (pair, since) = (query.symbol, query.from.0.div_euclid(1000) - 1);
        Ok(format!(
            "/0/public/OHLC?pair={pair}&interval={interval}&since={since}"
        ))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        let said: Answer<'_> = answer(venue, body)?;
        if !said.error.is_empty() {
            let why = said.error.join(", ");
            return Err(VenueError::Refused { venue, why });
        }
        let malformed = |why: &str| VenueError::Malformed {
            venue,
            why: why.to_owned(),
        };
        let result = said.result.ok_or_else(|| malformed("no result"))?;
        if !result.contains_key("last") {
            return Err(malformed("no field `last`"));
        }
        for (pair, rows) in result {
            if pair == "last" {
                continue;
            }
            let rows: Vec<Row<'_>> = answer(venue, rows.get())?;
            let last = rows.len().saturating_sub(1);
            for (i, row) in rows.iter().enumerate() {
                let candle = read_row(row, i != last).map_err(in_answer(venue))?;
                on(Candle {
                    market: Some(Market::symbol(pair.as_ref())),
                    ..candle
                });
            }
        }
        Ok(())
    }
}

impl Venue for Kraken {
    fn quote(&self) -> Quote {
        Quote::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("/")
    }

    /// Without a slash, and with the old names of bitcoin and dogecoin.
    fn rest_symbol(&self, pair: &Pair) -> String {
        let base = match pair.base.as_str() {
            "BTC" => "XBT",
            "DOGE" => "XDG",
            base => base,
        };
        format!("{base}{}", pair.quote)
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://ws.kraken.com/v2",
            ping: Ping::Message(Millis::seconds(20), r#"{"method":"ping"}"#),
            silence: Millis::seconds(15),
            heartbeat: Millis::seconds(15),
            lifetime: None,
            connects: Budget {
                count: 150,
                per: Millis::minutes(10),
            },
            gap_key: GapKey::TradeIds,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let request = serde_json::json!({
            "method": "subscribe",
            "params": {"channel": "trade", "symbol": symbols, "snapshot": false},
        });
        let ack = |symbol: &String| Ack::Topic {
            channel: "trade".into(),
            symbol: symbol.clone().into(),
            number: None,
        };
        vec![Subscription {
            text: request.to_string(),
            acks: symbols.iter().map(ack).collect(),
        }]
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"channel":"trade","#)
            && let Some(Trades { data }) = plain::read(frame)
        {
            for trade in data {
                on(Event::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        if frame.trim_start().starts_with('[') {
            let _: IgnoredAny = read(frame, "message")?;
            on(Event::Ignored(Ignored::Protocol(V1)));
            return Ok(());
        }
        let head: Head<'_> = read(frame, "message")?;
        let data = head.data.map_or("[]", RawValue::get);
        match (head.channel.as_deref(), head.method.as_deref()) {
            (Some("trade"), _) => {
                let trades: SmallVec<[TradeData<'_>; 1]> = read(data, "trade")?;
                for trade in trades {
                    on(Event::Trade(read_trade(trade)?));
                }
            }
            (Some("ohlc"), _) => {
                let candles: SmallVec<[CandleData<'_>; 2]> = read(data, "ohlc")?;
                for candle in candles {
                    on(Event::Candle(read_ohlc(candle)?));
                }
            }
            (Some("heartbeat"), _) => on(Event::Status(Status::Heartbeat { time: None })),
            (Some("status"), _) => {
                let systems: SmallVec<[System<'_>; 1]> = read(data, "status")?;
                let online = systems.iter().all(|system| system.system == "online");
                on(Event::Status(if online {
                    Status::Up
                } else {
                    Status::Down
                }));
            }
            (Some(other), _) => on(Event::Ignored(Ignored::Kind(other.into()))),
            (None, Some("pong")) => on(Event::Status(Status::Pong)),
            (None, Some("subscribe")) => on(subscribed(&head)?),
            (None, Some(other)) => on(Event::Ignored(Ignored::Kind(other.into()))),
            (None, None) if head.event.is_some() => on(Event::Ignored(Ignored::Protocol(V1))),
            (None, None) => on(other_answer(head.result)),
        }
        Ok(())
    }
}

fn read_trade(trade: TradeData<'_>) -> Result<Trade<'_>, FrameError> {
    checked(Trade {
        market: Market::Symbol(trade.symbol),
        time: rfc3339(trade.timestamp, "trade")?,
        price: trade.price.decimal(),
        size: trade.qty.decimal(),
        id: TradeId::Number(trade.trade_id),
        taker: Some(match trade.side {
            TakerSide::Buy => Side::Buy,
            TakerSide::Sell => Side::Sell,
        }),
    })
}

/// Start in seconds, open, high, low, close, mean, volume, count.
fn read_row<'a>(row: &Row<'a>, closed: bool) -> Result<Candle<'a>, FrameError> {
    let open_time = seconds(first(row, "candle")?, "candle")?;
    let numbers = columns(row, [1, 2, 3, 4, 6], "candle")?;
    checked_candle(candle(open_time, numbers, Some(closed)))
}

fn read_ohlc(ohlc: CandleData<'_>) -> Result<Candle<'_>, FrameError> {
    let open_time = rfc3339(&ohlc.interval_begin, "ohlc")?;
    let numbers = [ohlc.open, ohlc.high, ohlc.low, ohlc.close, ohlc.volume];
    checked_candle(Candle {
        market: Some(Market::Symbol(ohlc.symbol)),
        step: Some(Millis::minutes(1).times(ohlc.interval)),
        ..candle(open_time, numbers.map(Numeral::decimal), None)
    })
}

/// The answer to a subscription.
fn subscribed<'a>(head: &Head<'a>) -> Result<Event<'a>, FrameError> {
    if head.success == Some(true) {
        let result = head.result.map_or("null", RawValue::get);
        let Subscribed { channel, symbol } = read(result, "subscription")?;
        return Ok(Event::Status(Status::Subscribed(Ack::Topic {
            channel,
            symbol,
            number: None,
        })));
    }
    let why = match head.error {
        Some(error) => read::<Cow<'_, str>>(error.get(), "refusal")?,
        None => "subscription refused without a reason".into(),
    };
    Ok(Event::Refused(match &head.symbol {
        Some(symbol) if !why.contains(symbol.as_ref()) => format!("{why} {symbol}").into(),
        _ => why,
    }))
}

/// A REST answer other than candles.
fn other_answer(result: Option<&RawValue>) -> Event<'static> {
    let status =
        result.and_then(|result| serde_json::from_str::<SystemStatus<'_>>(result.get()).ok());
    match status {
        Some(SystemStatus { status }) if status == "online" => Event::Status(Status::Up),
        Some(_) => Event::Status(Status::Down),
        None => Event::Ignored(Ignored::Kind(
            result.map_or("message", |_| "REST answer").into(),
        )),
    }
}
