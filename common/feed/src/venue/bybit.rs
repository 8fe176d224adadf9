//! Bybit v5, spot. Frames are told apart by `topic` or `op`; block trades are marked `BT`.
//!
//! Candles: `GET /v5/market/kline`, newest first with the forming one; an answer names its category, which is linear
//! unless the request names spot.
//!
//! Documentation: <https://bybit-exchange.github.io/docs/v5/websocket/public/trade> and
//! <https://bybit-exchange.github.io/docs/v5/market/kline>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::Decimal;
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_instant, is_rows, malformed, parse_response, read_json, read_object,
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

/// Bybit spot; prices in USDT.
#[derive(Debug, Clone, Copy)]
pub struct Bybit;

/// The venue's names of the spacings of candles: minutes, or a letter.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1"),
    (Millis::minutes(5), "5"),
    (Millis::minutes(15), "15"),
    (Millis::minutes(30), "30"),
    (Millis::hours(1), "60"),
    (Millis::days(1), "D"),
];

/// The most topics in one request on the spot interface.
const MAX_TOPICS: usize = 10;

/// The fields that tell one frame from another: a topic, or
/// `{"success":true,"ret_msg":"subscribe","conn_id":"c","req_id":"1","op":"subscribe"}`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<Cow<'a, str>>,
    success: Option<bool>,
    #[serde(borrow)]
    ret_msg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    req_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    /// Only REST answers have it.
    #[serde(rename = "retCode")]
    ret_code: Option<i64>,
}

/// A frame of trades, read in one pass: `{"topic":"publicTrade.BTCUSDT","ts":1700000000121,"type":"snapshot","data":[…]}`.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

/// `{"i":"2290000000050000001","T":1700000000119,"p":"37000.1","v":"0.0015","S":"Sell","s":"BTCUSDT","BT":false}`.
#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(rename = "T")]
    time: i64,
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(rename = "S")]
    side: TakerSide,
    #[serde(borrow)]
    v: Decimal<'a>,
    #[serde(borrow)]
    p: Decimal<'a>,
    #[serde(borrow)]
    i: &'a str,
    /// Whether it is a block trade, away from the book.
    #[serde(rename = "BT", default)]
    block: bool,
}

#[derive(Deserialize, Clone, Copy)]
enum TakerSide {
    Buy,
    Sell,
}

/// `{"start":1699999980000,"end":1700000039999,"interval":"1","open":"37000.1","close":"37001","high":"37002",
/// "low":"36999.9","volume":"1.5","turnover":"55500","confirm":false,"timestamp":1700000000882}`.
#[derive(Deserialize)]
struct KlineData<'a> {
    start: i64,
    #[serde(borrow)]
    interval: Cow<'a, str>,
    #[serde(borrow)]
    open: Decimal<'a>,
    #[serde(borrow)]
    close: Decimal<'a>,
    #[serde(borrow)]
    high: Decimal<'a>,
    #[serde(borrow)]
    low: Decimal<'a>,
    #[serde(borrow)]
    volume: Decimal<'a>,
    confirm: bool,
}

/// `{"retCode":0,"retMsg":"OK","result":{…},"retExtInfo":{},"time":1700000000121}`.
#[derive(Deserialize)]
struct RestResponse<'a> {
    #[serde(rename = "retCode")]
    ret_code: i64,
    #[serde(rename = "retMsg")]
    ret_msg: String,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// `{"category":"spot","symbol":"BTCUSDT","list":[["1699999980000","37000.1","37002","36999.9","37001","1.5","55500"]]}`.
#[derive(Deserialize)]
struct Klines<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    list: Vec<Row<'a>>,
}

/// An answer of candles by its form: `{"retCode":0,"result":{"list":[[…`.
#[derive(Deserialize)]
struct CandlesForm<'a> {
    #[serde(rename = "retCode")]
    _ret_code: i64,
    #[serde(borrow)]
    result: ListForm<'a>,
}

#[derive(Deserialize)]
struct ListForm<'a> {
    #[serde(borrow)]
    list: &'a RawValue,
}

impl CandleSource for Bybit {
    fn name(&self) -> &'static str {
        "bybit"
    }

    fn default_host(&self) -> &'static str {
        "https://api.bybit.com"
    }

    fn page_size(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let interval = step_name(self.name(), query, &STEPS)?;
        let (symbol, from, last) = (query.symbol, query.from, query.to - Millis::literal(1));
        let limit = self.page_size();
        Ok(format!(
            "/v5/market/kline?category=spot&symbol={symbol}&interval={interval}&start={from}&end={last}&limit={limit}"
        ))
    }

    fn has_candles(&self, body: &str) -> bool {
        let form = serde_json::from_str::<CandlesForm<'_>>(body);
        form.is_ok_and(|form| is_rows(form.result.list.get()))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        let response: RestResponse<'_> = parse_response(venue, body)?;
        if response.ret_code != 0 {
            let why = format!("{} ({})", response.ret_msg, response.ret_code);
            return Err(VenueError::refused(venue, why));
        }
        let result = response.result.map_or("null", RawValue::get);
        let klines: Klines<'_> = parse_response(venue, result)?;
        let category = (klines.category != "spot").then_some(&klines.category);
        for row in &klines.list {
            let candle = read_row(row).map_err(to_venue_error(venue))?;
            on(RawCandle {
                market: Some(MarketId::symbol(klines.symbol.as_ref())),
                category: category.map(|category| category.as_ref().into()),
                ..candle
            });
        }
        Ok(())
    }
}

impl Venue for Bybit {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://stream.bybit.com/v5/public/spot",
            ping: Ping::Message(Millis::seconds(20), r#"{"op":"ping"}"#),
            byte_timeout: Millis::seconds(50),
            message_timeout: Millis::seconds(50),
            max_age: None,
            connect_limit: RateLimit {
                count: 500,
                per: Millis::minutes(5),
            },
            gap_detection: GapDetection::Unavailable,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let requests = symbols.chunks(MAX_TOPICS).zip(1_u64..);
        let requests = requests.map(|(symbols, number)| {
            let topics: Vec<String> = symbols
                .iter()
                .map(|symbol| format!("publicTrade.{symbol}"))
                .collect();
            let request = serde_json::json!({
                "op": "subscribe", "req_id": number.to_string(), "args": topics,
            });
            Subscription {
                text: request.to_string(),
                acks: vec![Ack::Request(number)],
            }
        });
        requests.collect()
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"topic":"publicTrade."#)
            && let Some(Trades { topic, data }) = json_fast::read(frame)
        {
            return read_trades(&topic, data, on);
        }
        let header: Header<'_> = read_object(frame, "message")?;
        let Some(topic) = &header.topic else {
            on(event_without_topic(frame, &header)?);
            return Ok(());
        };
        let (kind, symbol) = topic.split_once('.').unwrap_or((topic, ""));
        let data = header.data.map_or("[]", RawValue::get);
        match kind {
            "publicTrade" => {
                read_trades(topic, read_json(data, "publicTrade")?, on)?;
            }
            "kline" => {
                let symbol = symbol.split_once('.').map_or("", |(_, symbol)| symbol);
                let klines: SmallVec<[KlineData<'_>; 1]> = read_json(data, "kline")?;
                for kline in &klines {
                    on(VenueEvent::Candle(read_kline(symbol, kline)?));
                }
            }
            other => on(VenueEvent::Ignored(IgnoredMessage::kind(other))),
        }
        Ok(())
    }
}

/// The trades of a topic, each of which must be of the topic's symbol.
fn read_trades(
    topic: &str,
    trades: SmallVec<[TradeData<'_>; 1]>,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    let symbol = topic.split_once('.').map_or("", |(_, symbol)| symbol);
    for trade in trades {
        if trade.s != symbol {
            let why = format!("{} in the topic {topic}", trade.s);
            return Err(malformed("publicTrade", why));
        }
        on(read_trade(trade)?);
    }
    Ok(())
}

fn read_trade(trade: TradeData<'_>) -> Result<VenueEvent<'_>, FrameError> {
    if trade.block {
        return Ok(VenueEvent::Ignored(IgnoredMessage::OffBook(
            "block trade".into(),
        )));
    }
    let trade = validate_trade(Trade {
        market: MarketId::Symbol(trade.s),
        time: unix_millis(trade.time, "publicTrade")?,
        price: trade.p,
        size: trade.v,
        id: TradeId::Text(trade.i),
        taker: Some(match trade.side {
            TakerSide::Buy => Side::Buy,
            TakerSide::Sell => Side::Sell,
        }),
    })?;
    Ok(VenueEvent::Trade(trade))
}

fn read_kline<'a>(symbol: &'a str, kline: &KlineData<'a>) -> Result<RawCandle<'a>, FrameError> {
    let numbers = [kline.open, kline.high, kline.low, kline.close, kline.volume];
    validate_candle(RawCandle {
        market: Some(MarketId::symbol(symbol)),
        step: step_from_name(&kline.interval, &STEPS),
        ..RawCandle::from_ohlcv(
            unix_millis(kline.start, "kline")?,
            numbers,
            Some(kline.confirm),
        )
    })
}

/// Start, open, high, low, close, volume, turnover.
fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = first_instant(row, "candle")?;
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, None))
}

/// The event of a frame without a topic: the answer to a request, or something that prices don't need.
fn event_without_topic<'a>(frame: &str, header: &Header<'a>) -> Result<VenueEvent<'a>, FrameError> {
    let kind = header.op.as_deref().filter(|op| !op.is_empty());
    if header.success == Some(false) {
        let why = header.ret_msg.clone().filter(|why| !why.is_empty());
        return Ok(VenueEvent::refused(
            why.unwrap_or_else(|| "request refused without a reason".into()),
        ));
    }
    let message = header.ret_msg.as_deref();
    Ok(match (kind, header.r#type.as_deref()) {
        (Some("ping"), _) if message == Some("pong") => VenueEvent::Status(StatusMessage::Pong),
        (Some("pong"), _) => VenueEvent::Status(StatusMessage::Pong),
        (Some("subscribe"), _) | (None, Some("COMMAND_RESP")) if header.success == Some(true) => {
            let number = header
                .req_id
                .as_deref()
                .and_then(|number| number.parse().ok());
            acknowledged(frame, Ack::Request(number.unwrap_or(0)))
        }
        (Some(other), _) => other_message(frame, other.to_owned()),
        (None, _) if header.ret_code.is_some() => other_message(frame, "REST answer"),
        (None, _) if header.data.is_some() => {
            return Err(malformed("message", "data without a topic"));
        }
        (None, _) => other_message(frame, "message"),
    })
}
