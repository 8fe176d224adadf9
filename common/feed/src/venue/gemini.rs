//! Gemini, the interface at `ws.gemini.com`. Trades have no kind: they are the messages with a trade id and a price;
//! times are nanoseconds. Versions 1 and 2, which the venue has archived, are not supported.
//!
//! Candles: `GET /v2/candles/SYMBOL/1m`, newest first, about a day, no range.
//!
//! Documentation: <https://docs.gemini.com/websocket/streams> and <https://docs.gemini.com/rest/market-data>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::Decimal;
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_instant, parse_response, read_json, read_object, to_venue_error,
    unix_millis,
};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::step_names::step_name;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{AnswerRange, CandleQuery, CandleSource, Venue};
use super::validation::{validate_candle, validate_trade};
use crate::event::{
    Ack, FrameError, IgnoredMessage, MarketId, RawCandle, Side, Trade, TradeId, VenueEvent,
};

/// Gemini; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct Gemini;

/// The venue's names of the spacings of candles. Its days don't begin at midnight UTC, so they are left out.
const STEPS: [(Millis, &str); 5] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1hr"),
];

/// The fields that tell one frame from another: `{"id":1,"status":200}`, `{"id":1,"status":400,"error":{"code":-1,…}}`, an
/// event's `e`, a book ticker's `u`, or a trade's `t` and `p`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    t: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    u: Option<IgnoredAny>,
    id: Option<u64>,
    status: Option<u16>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// Only versions 1 and 2 have it.
    r#type: Option<IgnoredAny>,
    socket_sequence: Option<IgnoredAny>,
}

/// `{"E":1700000000119123456,"s":"btcusd","t":2840000000000001,"p":"37000.10000","q":"0.0015000000","m":true}`.
#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(rename = "E")]
    nanos: i64,
    #[serde(borrow)]
    s: Cow<'a, str>,
    t: u64,
    #[serde(borrow)]
    p: Decimal<'a>,
    #[serde(borrow)]
    q: Decimal<'a>,
    /// Whether the buyer was the maker.
    m: bool,
}

/// `{"result":"error","reason":"InvalidSymbol","message":"…"}`, over REST.
#[derive(Deserialize)]
struct ErrorResponse {
    reason: String,
    #[serde(default)]
    message: String,
}

impl CandleSource for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn default_host(&self) -> &'static str {
        "https://api.gemini.com"
    }

    /// There is one page, of all candles that the venue keeps.
    fn page_size(&self) -> usize {
        1_000_000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = step_name(self.name(), query, &STEPS)?;
        Ok(format!("/v2/candles/{}/{step}", query.symbol))
    }

    fn answer_range(&self) -> AnswerRange {
        AnswerRange::Any
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(ErrorResponse { reason, message }) = serde_json::from_str(body) {
            let why = format!("{reason} {message}").trim_end().to_owned();
            return Err(VenueError::refused(venue, why));
        }
        let rows: Vec<Row<'_>> = parse_response(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }

    fn day_step(&self) -> Millis {
        Millis::hours(1)
    }
}

impl Venue for Gemini {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("").to_lowercase()
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://ws.gemini.com",
            ping: Ping::Frame(Millis::seconds(20)),
            byte_timeout: Millis::seconds(50),
            message_timeout: Millis::seconds(50),
            max_age: None,
            connect_limit: RateLimit {
                count: 60,
                per: Millis::minutes(1),
            },
            gap_detection: GapDetection::Unavailable,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let streams: Vec<String> = symbols
            .iter()
            .map(|symbol| format!("{symbol}@trade"))
            .collect();
        let request = serde_json::json!({"method": "SUBSCRIBE", "params": streams, "id": 1});
        vec![Subscription {
            text: request.to_string(),
            acks: vec![Ack::Request(1)],
        }]
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"E":"#)
            && let Some(trade) = json_fast::read(frame)
        {
            on(VenueEvent::Trade(read_trade(trade)?));
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        let ignored = |kind: &str| other_message(frame, kind.to_owned());
        on(match header {
            Header {
                socket_sequence: Some(_),
                ..
            } => VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol("gemini v1")),
            Header {
                r#type: Some(_), ..
            } => VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol("gemini v2")),
            Header {
                status: Some(200),
                id: Some(id),
                error: None,
                ..
            } => acknowledged(frame, Ack::Request(id)),
            Header {
                status: Some(status),
                error,
                ..
            } if status != 200 || error.is_some() => {
                let reason = error.map_or("no reason", RawValue::get);
                VenueEvent::refused(format!("status {status}: {reason}"))
            }
            Header { e: Some(e), .. } if e != "trade" => ignored(&e),
            Header { u: Some(_), .. } => ignored("bookTicker"),
            Header {
                t: Some(_),
                p: Some(_),
                ..
            } => VenueEvent::Trade(read_trade(read_json(frame, "trade")?)?),
            _ => ignored("message"),
        });
        Ok(())
    }
}

fn read_trade(trade: TradeData<'_>) -> Result<Trade<'_>, FrameError> {
    validate_trade(Trade {
        market: MarketId::Symbol(trade.s),
        time: unix_millis(trade.nanos.div_euclid(1_000_000), "trade")?,
        price: trade.p,
        size: trade.q,
        id: TradeId::Number(trade.t),
        taker: Some(if trade.m { Side::Sell } else { Side::Buy }),
    })
}

/// `[1699999980000,37000.1,37002,36999.9,37001,1.5]`: start in ms, open, high, low, close, volume.
fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = first_instant(row, "candle")?;
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, None))
}
