//! Kraken, WebSocket v2. Frames are told apart by `channel` or `method`; prices are JSON numbers, of which every
//! digit is kept; trade ids are consecutive. Version 1, arrays and `event` objects, is not supported.
//!
//! Candles: `GET /0/public/OHLC`, the newest 720, ascending; the last one is always unfinished; minutes without
//! trades are flat rows with volume 0.
//!
//! Documentation: <https://docs.kraken.com/exchange/api-reference/spot-websocket> and
//! <https://docs.kraken.com/exchange/guides/general/historical-data>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::JsonDecimal;
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_integer, is_rows, malformed, parse_response, read_json, read_object,
    to_venue_error, unix_seconds,
};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::rfc3339::rfc3339;
use super::step_names::step_name;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{AnswerRange, CandleQuery, CandleSource, Venue};
use super::validation::{validate_candle, validate_trade};
use crate::event::{
    Ack, FrameError, IgnoredMessage, MarketId, RawCandle, Side, StatusMessage, Trade, TradeId,
    VenueEvent,
};

/// Kraken spot; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct Kraken;

const V1: &str = "kraken v1";

/// The venue's names of the spacings of candles: minutes.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1"),
    (Millis::minutes(5), "5"),
    (Millis::minutes(15), "15"),
    (Millis::minutes(30), "30"),
    (Millis::hours(1), "60"),
    (Millis::days(1), "1440"),
];

/// The fields that tell one frame from another: `{"channel":"trade","type":"update","data":[…]}`, or
/// `{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USD","snapshot":false},"success":true}`.
#[derive(Deserialize)]
struct Header<'a> {
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

/// A frame of trades, read in one pass.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

/// `{"symbol":"BTC/USD","side":"sell","price":37000.10,"qty":0.00150000,"ord_type":"market","trade_id":102000001,
/// "timestamp":"2026-01-01T00:00:00.119000Z"}`.
#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    side: TakerSide,
    #[serde(borrow)]
    price: JsonDecimal<'a>,
    #[serde(borrow)]
    qty: JsonDecimal<'a>,
    trade_id: u64,
    timestamp: &'a str,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum TakerSide {
    Buy,
    Sell,
}

/// `{"symbol":"BTC/USD","open":37000.1,"high":37002,"low":36999.9,"close":37001,"vwap":37000.5,"trades":12,"volume":1.5,
/// "interval_begin":"2026-01-01T00:00:00.000000000Z","interval":1,"timestamp":"2026-01-01T00:01:00.000000Z"}`.
#[derive(Deserialize)]
struct CandleData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    interval_begin: Cow<'a, str>,
    /// Length in minutes.
    interval: i64,
    #[serde(borrow)]
    open: JsonDecimal<'a>,
    #[serde(borrow)]
    high: JsonDecimal<'a>,
    #[serde(borrow)]
    low: JsonDecimal<'a>,
    #[serde(borrow)]
    close: JsonDecimal<'a>,
    #[serde(borrow)]
    volume: JsonDecimal<'a>,
}

#[derive(Deserialize)]
struct Subscribed<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow, default)]
    symbol: Cow<'a, str>,
}

/// `{"system":"online","api_version":"v2","connection_id":1,"version":"2.0.0"}`, in the channel `status`.
#[derive(Deserialize)]
struct System<'a> {
    #[serde(borrow)]
    system: Cow<'a, str>,
}

/// `{"status":"online","timestamp":"2026-01-01T00:00:00Z"}`, over REST.
#[derive(Deserialize)]
struct SystemStatus<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

/// `{"error":[],"result":{"XXBTZUSD":[[1699999980,"37000.1","37002.0","36999.9","37001.0","37000.5","1.5",12]],
/// "last":1699999920}}`, or `{"error":["EQuery:Unknown asset pair"]}`.
#[derive(Deserialize)]
struct RestResponse<'a> {
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

    fn page_size(&self) -> usize {
        720
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let interval = step_name(self.name(), query, &STEPS)?;
        // `since` is exclusive.
        let (pair, since) = (query.symbol, query.from.get().div_euclid(1000) - 1);
        Ok(format!(
            "/0/public/OHLC?pair={pair}&interval={interval}&since={since}"
        ))
    }

    fn answer_range(&self) -> AnswerRange {
        AnswerRange::AskedOrLater
    }

    fn has_candles(&self, body: &str) -> bool {
        let Ok(RestResponse {
            result: Some(result),
            ..
        }) = serde_json::from_str(body)
        else {
            return false;
        };
        // An answer of trades has nanoseconds as text there.
        let last = result
            .get("last")
            .is_some_and(|last| !last.get().starts_with('"'));
        let mut pairs = result.iter().filter(|(name, _)| *name != "last");
        last && pairs.any(|(_, rows)| is_rows(rows.get()))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        let response: RestResponse<'_> = parse_response(venue, body)?;
        if !response.error.is_empty() {
            let why = response.error.join(", ");
            return Err(VenueError::refused(venue, why));
        }
        let malformed = |why: &str| VenueError::malformed(venue, why);
        let result = response.result.ok_or_else(|| malformed("no result"))?;
        if !result.contains_key("last") {
            return Err(malformed("no field `last`"));
        }
        for (pair, rows) in result {
            if pair == "last" {
                continue;
            }
            let rows: Vec<Row<'_>> = parse_response(venue, rows.get())?;
            let last = rows.len().saturating_sub(1);
            for (i, row) in rows.iter().enumerate() {
                let candle = read_row(row, i != last).map_err(to_venue_error(venue))?;
                on(RawCandle {
                    market: Some(MarketId::symbol(pair.as_ref())),
                    ..candle
                });
            }
        }
        Ok(())
    }
}

impl Venue for Kraken {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
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

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://ws.kraken.com/v2",
            ping: Ping::Message(Millis::seconds(20), r#"{"method":"ping"}"#),
            byte_timeout: Millis::seconds(15),
            message_timeout: Millis::seconds(15),
            max_age: None,
            connect_limit: RateLimit {
                count: 150,
                per: Millis::minutes(10),
            },
            gap_detection: GapDetection::TradeIds,
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
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"channel":"trade","#)
            && let Some(Trades { data }) = json_fast::read(frame)
        {
            for trade in data {
                on(VenueEvent::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        if frame.trim_start().starts_with('[') {
            let _: IgnoredAny = read_json(frame, "message")?;
            on(VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol(V1)));
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        let data = header.data.map_or("[]", RawValue::get);
        match (header.channel.as_deref(), header.method.as_deref()) {
            (Some("trade"), _) => {
                let trades: SmallVec<[TradeData<'_>; 1]> = read_json(data, "trade")?;
                for trade in trades {
                    on(VenueEvent::Trade(read_trade(trade)?));
                }
            }
            (Some("ohlc"), _) => {
                let candles: SmallVec<[CandleData<'_>; 2]> = read_json(data, "ohlc")?;
                for candle in candles {
                    on(VenueEvent::Candle(read_ohlc(candle)?));
                }
            }
            (Some("heartbeat"), _) => {
                on(VenueEvent::Status(StatusMessage::Heartbeat { time: None }));
            }
            (Some("status"), _) => {
                let systems: SmallVec<[System<'_>; 1]> = read_json(data, "status")?;
                if systems.is_empty() {
                    return Err(malformed("status", "no system in it"));
                }
                let online = systems.iter().all(|system| system.system == "online");
                on(VenueEvent::Status(if online {
                    StatusMessage::Up
                } else {
                    StatusMessage::Down
                }));
            }
            (Some(other), _) => on(other_message(frame, other.to_owned())),
            (None, Some("pong")) => on(VenueEvent::Status(StatusMessage::Pong)),
            (None, Some("subscribe")) => on(subscription_event(frame, &header)?),
            (None, Some(other)) => on(other_message(frame, other.to_owned())),
            (None, None) if header.event.is_some() => {
                on(VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol(V1)));
            }
            (None, None) => on(rest_event(frame, header.result)),
        }
        Ok(())
    }
}

fn read_trade(trade: TradeData<'_>) -> Result<Trade<'_>, FrameError> {
    validate_trade(Trade {
        market: MarketId::Symbol(trade.symbol),
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

/// Start in seconds, open, high, low, close, volume-weighted mean, volume, number of trades.
fn read_row<'a>(row: &Row<'a>, closed: bool) -> Result<RawCandle<'a>, FrameError> {
    let open_time = unix_seconds(first_integer(row, "candle")?, "candle")?;
    let numbers = columns(row, [1, 2, 3, 4, 6], "candle")?;
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, Some(closed)))
}

fn read_ohlc(ohlc: CandleData<'_>) -> Result<RawCandle<'_>, FrameError> {
    let open_time = rfc3339(&ohlc.interval_begin, "ohlc")?;
    let numbers = [ohlc.open, ohlc.high, ohlc.low, ohlc.close, ohlc.volume];
    validate_candle(RawCandle {
        market: Some(MarketId::Symbol(ohlc.symbol)),
        step: Some(Millis::saturating(ohlc.interval.saturating_mul(60_000))),
        ..RawCandle::from_ohlcv(open_time, numbers.map(JsonDecimal::decimal), None)
    })
}

/// The event of an answer to a subscription.
fn subscription_event<'a>(frame: &str, header: &Header<'a>) -> Result<VenueEvent<'a>, FrameError> {
    if header.success == Some(true) {
        let result = header.result.map_or("null", RawValue::get);
        let Subscribed { channel, symbol } = read_json(result, "subscription")?;
        let ack = Ack::Topic {
            channel,
            symbol,
            number: None,
        };
        return Ok(acknowledged(frame, ack));
    }
    // A text as a rule; whatever it is, it is a refusal.
    let why: Cow<'_, str> = match header.error {
        Some(error) => read_json(error.get(), "refusal").unwrap_or_else(|_| error.get().into()),
        None => "subscription refused without a reason".into(),
    };
    Ok(VenueEvent::refused(match &header.symbol {
        Some(symbol) if !why.contains(symbol.as_ref()) => format!("{why} {symbol}").into(),
        _ => why,
    }))
}

/// The event of a REST answer other than candles.
fn rest_event(frame: &str, result: Option<&RawValue>) -> VenueEvent<'static> {
    let status =
        result.and_then(|result| serde_json::from_str::<SystemStatus<'_>>(result.get()).ok());
    match status {
        Some(SystemStatus { status }) if status == "online" => {
            VenueEvent::Status(StatusMessage::Up)
        }
        Some(_) => VenueEvent::Status(StatusMessage::Down),
        None => other_message(frame, result.map_or("message", |_| "REST answer")),
    }
}
