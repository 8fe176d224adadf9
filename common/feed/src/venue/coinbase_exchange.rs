//! Coinbase Exchange. Frames are told apart by `type`; `side` is the maker's; trade ids are consecutive. A heartbeat comes
//! every second.
//!
//! Candles: `GET /products/PRODUCT/candles`, `[time, low, high, open, close, volume]`, newest first, at most 300;
//! minutes without trades have none.
//!
//! Documentation: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::{Millis, UnixMillis};
use foretell_kernels::decimal::Decimal;
use serde::Deserialize;

use super::control_message::{acknowledge_each, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_integer, parse_response, read_json, read_object, to_venue_error,
    unix_seconds,
};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::rfc3339::rfc3339;
use super::step_names::step_name;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{CandleQuery, CandleSource, Venue};
use super::validation::{validate_candle, validate_trade};
use crate::event::{
    Ack, FrameError, MarketId, RawCandle, Side, StatusMessage, Trade, TradeId, VenueEvent,
};

/// Coinbase Exchange; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct CoinbaseExchange;

/// The venue's names of the spacings of candles: seconds.
const STEPS: [(Millis, &str); 5] = [
    (Millis::minutes(1), "60"),
    (Millis::minutes(5), "300"),
    (Millis::minutes(15), "900"),
    (Millis::hours(1), "3600"),
    (Millis::days(1), "86400"),
];

const CHANNELS: [&str; 2] = ["matches", "heartbeat"];

/// The fields that tell one frame from another: `{"type":"error","message":"Failed to subscribe","reason":"…"}`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

/// `{"type":"match","trade_id":147000001,"maker_order_id":"…","taker_order_id":"…","side":"sell","size":"0.0015",
/// "price":"37000.10","product_id":"BTC-USD","sequence":1,"time":"2026-01-01T00:00:00.119000Z"}`.
#[derive(Deserialize)]
struct Match<'a> {
    trade_id: u64,
    side: MakerSide,
    #[serde(borrow)]
    size: Decimal<'a>,
    #[serde(borrow)]
    price: Decimal<'a>,
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    time: &'a str,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum MakerSide {
    Buy,
    Sell,
}

/// `{"type":"heartbeat","sequence":90,"last_trade_id":147000001,"product_id":"BTC-USD",
/// "time":"2026-01-01T00:00:01.000000Z"}`.
#[derive(Deserialize)]
struct Heartbeat<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// `{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}`: all that the connection has.
#[derive(Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    channels: Vec<Channel<'a>>,
}

#[derive(Deserialize)]
struct Channel<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    product_ids: Option<Vec<Cow<'a, str>>>,
}

/// `{"message":"NotFound"}`, over REST.
#[derive(Deserialize)]
struct ErrorResponse {
    message: String,
}

impl CandleSource for CoinbaseExchange {
    fn name(&self) -> &'static str {
        "coinbase_exchange"
    }

    fn default_host(&self) -> &'static str {
        "https://api.exchange.coinbase.com"
    }

    fn page_size(&self) -> usize {
        300
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let granularity = step_name(self.name(), query, &STEPS)?;
        // Both ends are inclusive, and one candle more than 300 is refused.
        let (product, last) = (query.symbol, query.to - query.step);
        let (start, end) = (
            query.from.get().div_euclid(1000),
            last.get().div_euclid(1000),
        );
        Ok(format!(
            "/products/{product}/candles?granularity={granularity}&start={start}&end={end}"
        ))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(ErrorResponse { message: why }) = serde_json::from_str(body) {
            return Err(VenueError::refused(venue, why));
        }
        let rows: Vec<Row<'_>> = parse_response(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for CoinbaseExchange {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://ws-feed.exchange.coinbase.com",
            ping: Ping::Frame(Millis::seconds(20)),
            byte_timeout: Millis::seconds(10),
            message_timeout: Millis::seconds(10),
            max_age: None,
            connect_limit: RateLimit {
                count: 8,
                per: Millis::seconds(1),
            },
            gap_detection: GapDetection::TradeIds,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let request = serde_json::json!({
            "type": "subscribe", "product_ids": symbols, "channels": CHANNELS,
        });
        let acks = CHANNELS.iter().flat_map(|channel| {
            symbols.iter().map(|symbol| Ack::Topic {
                channel: (*channel).into(),
                symbol: symbol.clone().into(),
                number: None,
            })
        });
        vec![Subscription {
            text: request.to_string(),
            acks: acks.collect(),
        }]
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"type":"match","#) {
            on(VenueEvent::Trade(read_match(read_json(frame, "match")?)?));
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        match header.r#type.as_deref() {
            Some("match" | "last_match") => {
                on(VenueEvent::Trade(read_match(read_json(frame, "match")?)?));
            }
            Some("heartbeat") => {
                let Heartbeat { time } = read_json(frame, "heartbeat")?;
                let time = Some(rfc3339(&time, "heartbeat")?);
                on(VenueEvent::Status(StatusMessage::Heartbeat { time }));
            }
            Some("subscriptions") => {
                let Subscriptions { channels } = read_json(frame, "subscriptions")?;
                if channels.is_empty() {
                    on(other_message(frame, "subscriptions to nothing"));
                }
                let acks = channels.iter().flat_map(|Channel { name, product_ids }| {
                    let products = product_ids.iter().flatten();
                    products.map(|symbol| Ack::Topic {
                        channel: name.as_ref().into(),
                        symbol: symbol.as_ref().into(),
                        number: None,
                    })
                });
                acknowledge_each(frame, acks, on);
            }
            Some("error") => {
                let parts = [header.message, header.reason];
                let texts: Vec<&str> = parts.iter().flatten().map(AsRef::as_ref).collect();
                on(VenueEvent::refused(texts.join(": ")));
            }
            Some(other) => on(other_message(frame, other.to_owned())),
            None => on(other_message(frame, "message")),
        }
        Ok(())
    }
}

fn read_match(trade: Match<'_>) -> Result<Trade<'_>, FrameError> {
    let maker = match trade.side {
        MakerSide::Buy => Side::Buy,
        MakerSide::Sell => Side::Sell,
    };
    validate_trade(Trade {
        market: MarketId::Symbol(trade.product_id),
        time: rfc3339(trade.time, "match")?,
        price: trade.price,
        size: trade.size,
        id: TradeId::Number(trade.trade_id),
        taker: Some(maker.opposite()),
    })
}

/// `[1699999980,36999.9,37002,37000.1,37001,1.5]`: start in seconds, low, high, open, close, volume.
fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time: UnixMillis = unix_seconds(first_integer(row, "candle")?, "candle")?;
    let numbers = columns(row, [3, 2, 1, 4, 5], "candle")?;
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, None))
}
