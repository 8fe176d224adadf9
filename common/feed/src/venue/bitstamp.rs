//! Bitstamp. Frames are told apart by `event`; numbers come as floats and, exactly, as `…_str`.
//!
//! Candles: `GET /api/v2/ohlc/PAIR/`, seconds and numbers as text, ascending.
//!
//! Documentation: <https://www.bitstamp.net/websocket/v2/> and <https://www.bitstamp.net/api/>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::Decimal;
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    malformed, parse_integer, parse_response, read_json, read_object, to_venue_error, unix_millis,
    unix_seconds,
};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{AnswerRange, CandleQuery, CandleSource, Venue};
use super::validation::{validate_candle, validate_trade};
use crate::event::{
    Ack, FrameError, IgnoredMessage, MarketId, RawCandle, Side, StatusMessage, Trade, TradeId,
    VenueEvent,
};

/// Bitstamp; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct Bitstamp;

/// Spacings that the venue has, in seconds.
const STEPS_S: [i64; 7] = [60, 180, 300, 900, 1800, 3600, 86400];

const TRADES: &str = "live_trades";

/// `{"event":"bts:subscription_succeeded","channel":"live_trades_btcusd","data":{}}`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// A frame of a trade, read in one pass: `{"data":{"id":158000001,"timestamp":"1700000000","amount":0.0015,
/// "amount_str":"0.00150000","price":37000.1,"price_str":"37000.10","type":0,"microtimestamp":"1700000000119000",
/// "buy_order_id":1,"sell_order_id":2},"channel":"live_trades_btcusd","event":"trade"}`.
#[derive(Deserialize)]
struct LiveTrade<'a> {
    event: &'a str,
    channel: &'a str,
    #[serde(borrow)]
    data: TradeData<'a>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    id: u64,
    microtimestamp: &'a str,
    #[serde(borrow)]
    amount_str: Decimal<'a>,
    #[serde(borrow)]
    price_str: Decimal<'a>,
    /// 0 if the taker bought, 1 if it sold.
    r#type: u8,
}

/// `{"event":"bts:error","channel":"","data":{"code":null,"message":"Bad subscription string."}}`: its `data`.
#[derive(Deserialize)]
struct ErrorData<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// An answer of candles by its form: `{"data":{"ohlc":…}}`.
#[derive(Deserialize)]
struct CandlesForm {
    #[serde(rename = "data")]
    _data: OhlcForm,
}

#[derive(Deserialize)]
struct OhlcForm {
    #[serde(rename = "ohlc")]
    _ohlc: IgnoredAny,
}

/// `{"data":{"pair":"BTC/USD","ohlc":[…]}}`, or a refusal, of which the venue has several forms:
/// `{"code":"invalid_step","errors":[]}`, `{"error":"…"}`, `{"reason":"…"}`.
#[derive(Deserialize)]
struct RestResponse<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    code: Option<Value>,
    reason: Option<Value>,
    error: Option<Value>,
    errors: Option<Value>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    ohlc: Vec<Row<'a>>,
}

/// `{"timestamp":"1699999980","open":"37000","high":"37002","low":"36999","close":"37001","volume":"1.5"}`.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    open: Decimal<'a>,
    #[serde(borrow)]
    high: Decimal<'a>,
    #[serde(borrow)]
    low: Decimal<'a>,
    #[serde(borrow)]
    close: Decimal<'a>,
    #[serde(borrow)]
    volume: Decimal<'a>,
}

impl CandleSource for Bitstamp {
    fn name(&self) -> &'static str {
        "bitstamp"
    }

    fn default_host(&self) -> &'static str {
        "https://www.bitstamp.net"
    }

    fn page_size(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = query.step.get() / 1000;
        if !STEPS_S.contains(&step) {
            return Err(VenueError::Step {
                venue: self.name(),
                step: query.step,
            });
        }
        let (symbol, limit) = (query.symbol, self.page_size());
        // Only `start`: with both ends given, the venue may answer the newest page of the range.
        let start = query.from.get() / 1000;
        Ok(format!(
            "/api/v2/ohlc/{symbol}/?step={step}&limit={limit}&start={start}"
        ))
    }

    fn answer_range(&self) -> AnswerRange {
        AnswerRange::AskedOrLater
    }

    fn has_candles(&self, body: &str) -> bool {
        serde_json::from_str::<CandlesForm>(body).is_ok()
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        let response: RestResponse<'_> = parse_response(venue, body)?;
        let Some(data) = response.data else {
            let fields = [
                response.code,
                response.reason,
                response.error,
                response.errors,
            ];
            let reasons: Vec<String> = fields.iter().flatten().map(Value::to_string).collect();
            return Err(match reasons.as_slice() {
                [] => VenueError::malformed(venue, "neither candles nor a reason"),
                reasons => VenueError::refused(venue, reasons.join(" ")),
            });
        };
        for row in data.ohlc {
            on(read_row(&row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for Bitstamp {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("").to_lowercase()
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://ws.bitstamp.net",
            ping: Ping::Message(Millis::seconds(20), r#"{"event":"bts:heartbeat"}"#),
            byte_timeout: Millis::seconds(50),
            message_timeout: Millis::seconds(50),
            max_age: Some(Millis::days(90)),
            connect_limit: RateLimit {
                count: 60,
                per: Millis::minutes(10),
            },
            gap_detection: GapDetection::Unavailable,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let subscription = |symbol: &String| {
            let channel = format!("{TRADES}_{symbol}");
            let request =
                serde_json::json!({"event": "bts:subscribe", "data": {"channel": channel}});
            Subscription {
                text: request.to_string(),
                acks: vec![topic_ack(&channel)],
            }
        };
        symbols.iter().map(subscription).collect()
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"data":{"id":"#)
            && let Some(LiveTrade {
                event: "trade",
                channel,
                data,
            }) = json_fast::read(frame)
            && let Some(symbol) = channel.strip_prefix("live_trades_")
        {
            on(VenueEvent::Trade(read_trade(symbol, &data)?));
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        let channel = header.channel.unwrap_or_default();
        let data = header.data.map_or("null", RawValue::get);
        let event = match header.event.as_deref() {
            Some("trade") => match channel.strip_prefix("live_trades_") {
                Some(symbol) => VenueEvent::Trade(read_trade(symbol, &read_json(data, "trade")?)?),
                None => VenueEvent::Ignored(IgnoredMessage::kind(channel)),
            },
            Some("bts:subscription_succeeded") => acknowledged(frame, topic_ack(&channel)),
            Some("bts:heartbeat") => VenueEvent::Status(StatusMessage::Heartbeat { time: None }),
            Some("bts:error") => {
                // Whatever is in it, it is a refusal.
                let words = read_object(data, "error").ok();
                let message = words.and_then(|words: ErrorData<'_>| words.message);
                let message = message.as_deref().unwrap_or("refused without a reason");
                VenueEvent::refused(format!("{channel} {message}").trim().to_owned())
            }
            Some("bts:request_reconnect") => VenueEvent::Status(StatusMessage::Restart),
            // Of another channel, order books say.
            Some(other) if !other.starts_with("bts:") => {
                VenueEvent::Ignored(IgnoredMessage::kind(other.to_owned()))
            }
            Some(other) => other_message(frame, other.to_owned()),
            None => other_message(frame, "message"),
        };
        on(event);
        Ok(())
    }
}

fn read_trade<'a>(symbol: &'a str, data: &TradeData<'a>) -> Result<Trade<'a>, FrameError> {
    let micros = parse_integer(data.microtimestamp, "trade")?;
    let taker = match data.r#type {
        0 => Side::Buy,
        1 => Side::Sell,
        other => return Err(malformed("trade", format!("type {other}"))),
    };
    validate_trade(Trade {
        market: MarketId::symbol(symbol),
        time: unix_millis(micros.div_euclid(1000), "trade")?,
        price: data.price_str,
        size: data.amount_str,
        id: TradeId::Number(data.id),
        taker: Some(taker),
    })
}

fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = unix_seconds(parse_integer(&row.timestamp, "candle")?, "candle")?;
    let numbers = [row.open, row.high, row.low, row.close, row.volume];
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, None))
}

/// The topic of a channel such as `live_trades_btcusd`.
fn topic_ack(name: &str) -> Ack<'static> {
    let (channel, symbol) = name.rsplit_once('_').unwrap_or((name, ""));
    Ack::Topic {
        channel: channel.to_owned().into(),
        symbol: symbol.to_owned().into(),
        number: None,
    }
}
