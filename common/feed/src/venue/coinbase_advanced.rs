//! Coinbase Advanced Trade: another interface to the order book of [`CoinbaseExchange`](super::CoinbaseExchange), so the
//! two must never count as two venues. Frames are told apart by `channel` and numbered per connection; `side` is the
//! maker's.
//!
//! Candles: `GET /api/v3/brokerage/market/products/PRODUCT/candles`, newest first, at most 350.
//!
//! Documentation: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels> and
//! <https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/advanced-trade-asyncapi.json>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::{Millis, UnixMillis};
use foretell_kernels::decimal::Decimal;
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::control_message::{acknowledge_each, other_message};
use super::error::VenueError;
use super::json_fields::{
    parse_count, parse_integer, parse_response, read_json, read_object, to_venue_error,
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

/// Coinbase Advanced Trade; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct CoinbaseAdvanced;

/// The venue's names of the spacings of candles.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "ONE_MINUTE"),
    (Millis::minutes(5), "FIVE_MINUTE"),
    (Millis::minutes(15), "FIFTEEN_MINUTE"),
    (Millis::minutes(30), "THIRTY_MINUTE"),
    (Millis::hours(1), "ONE_HOUR"),
    (Millis::days(1), "ONE_DAY"),
];

/// The only spacing of the `candles` channel.
const STREAMED_STEP: Millis = Millis::minutes(5);

/// `{"channel":"heartbeats","client_id":"","timestamp":"2026-01-01T00:00:00.000000Z","sequence_num":7,"events":[…]}`, or
/// `{"type":"error","message":"no such product"}`.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    sequence_num: Option<u64>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    /// Only REST answers have it at the top.
    #[serde(borrow)]
    trades: Option<&'a RawValue>,
}

/// A frame of trades, read in one pass: `{"channel":"market_trades","client_id":"","timestamp":"…","sequence_num":7,
/// "events":[{"type":"update","trades":[…]}]}`.
#[derive(Deserialize)]
struct MarketTrades<'a> {
    sequence_num: u64,
    #[serde(borrow)]
    events: SmallVec<[Trades<'a>; 1]>,
}

#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    trades: SmallVec<[TradeData<'a>; 1]>,
}

/// `{"trade_id":"995000001","product_id":"BTC-USD","price":"37000.10","size":"0.00150000","side":"BUY",
/// "time":"2026-01-01T00:00:00.119000Z"}`.
#[derive(Deserialize)]
struct TradeData<'a> {
    trade_id: &'a str,
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    #[serde(borrow)]
    price: Decimal<'a>,
    #[serde(borrow)]
    size: Decimal<'a>,
    side: MakerSide,
    time: &'a str,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
enum MakerSide {
    Buy,
    Sell,
}

#[derive(Deserialize)]
struct Candles<'a> {
    #[serde(borrow)]
    candles: Vec<CandleData<'a>>,
}

/// `{"start":"1699999800","low":"36999.9","high":"37002","open":"37000.1","close":"37001","volume":"1.5"}`; over WebSocket
/// with `product_id`.
#[derive(Deserialize)]
struct CandleData<'a> {
    #[serde(borrow)]
    start: Cow<'a, str>,
    #[serde(borrow)]
    low: Decimal<'a>,
    #[serde(borrow)]
    high: Decimal<'a>,
    #[serde(borrow)]
    open: Decimal<'a>,
    #[serde(borrow)]
    close: Decimal<'a>,
    #[serde(borrow)]
    volume: Decimal<'a>,
    #[serde(borrow)]
    product_id: Option<Cow<'a, str>>,
}

/// `{"subscriptions":{"market_trades":["BTC-USD"],"heartbeats":["heartbeats"]}}`: all that the connection has.
#[derive(Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    subscriptions: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

/// `{"error":"NOT_FOUND","message":"no product"}`, over REST.
#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
    #[serde(default)]
    message: String,
}

/// An answer of candles by its form: `{"candles":…}`, which frames have only within `events`.
#[derive(Deserialize)]
struct CandlesForm {
    #[serde(rename = "candles")]
    _candles: IgnoredAny,
}

impl CandleSource for CoinbaseAdvanced {
    fn name(&self) -> &'static str {
        "coinbase_advanced"
    }

    fn default_host(&self) -> &'static str {
        "https://api.coinbase.com"
    }

    fn page_size(&self) -> usize {
        350
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let granularity = step_name(self.name(), query, &STEPS)?;
        let (product, last) = (query.symbol, query.to - query.step);
        let (start, end) = (
            query.from.get().div_euclid(1000),
            last.get().div_euclid(1000),
        );
        Ok(format!(
            "/api/v3/brokerage/market/products/{product}/candles?start={start}&end={end}&granularity={granularity}"
        ))
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
        if let Ok(ErrorResponse { error, message }) = serde_json::from_str(body) {
            let why = format!("{error} {message}").trim_end().to_owned();
            return Err(VenueError::refused(venue, why));
        }
        let Candles { candles } = parse_response(venue, body)?;
        for data in candles {
            on(read_candle(data).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for CoinbaseAdvanced {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://advanced-trade-ws.coinbase.com",
            ping: Ping::Frame(Millis::seconds(20)),
            byte_timeout: Millis::seconds(10),
            message_timeout: Millis::seconds(10),
            max_age: None,
            connect_limit: RateLimit {
                count: 8,
                per: Millis::seconds(1),
            },
            gap_detection: GapDetection::FrameNumbers,
        }
    }

    /// One channel per message. Heartbeats keep the connection open when nothing is traded.
    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let trades = serde_json::json!({
            "type": "subscribe", "channel": "market_trades", "product_ids": symbols,
        });
        let ack = |symbol: &String| Ack::Topic {
            channel: "market_trades".into(),
            symbol: symbol.clone().into(),
            number: None,
        };
        vec![
            Subscription {
                text: trades.to_string(),
                acks: symbols.iter().map(ack).collect(),
            },
            Subscription {
                text: r#"{"type":"subscribe","channel":"heartbeats"}"#.into(),
                acks: Vec::new(),
            },
        ]
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"channel":"market_trades","#)
            && let Some(MarketTrades {
                sequence_num,
                events,
            }) = json_fast::read(frame)
        {
            on(VenueEvent::Sequence(sequence_num));
            for trade in events.iter().flat_map(|event| &event.trades) {
                on(VenueEvent::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        if let Some(number) = header.sequence_num {
            on(VenueEvent::Sequence(number));
        }
        let events = header.events.map_or("[]", RawValue::get);
        match header.channel.as_deref() {
            Some("market_trades") => {
                let events: SmallVec<[Trades<'_>; 1]> = read_json(events, "market_trades")?;
                for trade in events.into_iter().flat_map(|event| event.trades) {
                    on(VenueEvent::Trade(read_trade(&trade)?));
                }
            }
            Some("candles") => {
                let events: SmallVec<[Candles<'_>; 1]> = read_json(events, "candles")?;
                for data in events.into_iter().flat_map(|event| event.candles) {
                    let step = Some(STREAMED_STEP);
                    on(VenueEvent::Candle(RawCandle {
                        step,
                        ..read_candle(data)?
                    }));
                }
            }
            Some("heartbeats") => {
                let time = header.timestamp.map(|time| rfc3339(&time, "heartbeats"));
                let time = time.transpose()?;
                on(VenueEvent::Status(StatusMessage::Heartbeat { time }));
            }
            Some("subscriptions") => {
                let events: SmallVec<[Subscriptions<'_>; 1]> = read_json(events, "subscriptions")?;
                let channels = events.iter().flat_map(|event| &event.subscriptions);
                let acks = channels.flat_map(|(channel, products)| {
                    products.iter().map(|symbol| Ack::Topic {
                        channel: channel.as_ref().into(),
                        symbol: symbol.as_ref().into(),
                        number: None,
                    })
                });
                acknowledge_each(frame, acks, on);
            }
            Some(other) => on(other_message(frame, other.to_owned())),
            None if header.r#type.as_deref() == Some("error") => {
                on(VenueEvent::refused(header.message.unwrap_or_default()));
            }
            None => {
                let kind = header.trades.map_or("message", |_| "REST trades");
                on(other_message(frame, kind));
            }
        }
        Ok(())
    }
}

fn read_trade<'a>(trade: &'a TradeData<'a>) -> Result<Trade<'a>, FrameError> {
    let maker = match trade.side {
        MakerSide::Buy => Side::Buy,
        MakerSide::Sell => Side::Sell,
    };
    let id = parse_count(trade.trade_id, "trade_id")?;
    validate_trade(Trade {
        market: MarketId::symbol(trade.product_id.as_ref()),
        time: rfc3339(trade.time, "trade")?,
        price: trade.price,
        size: trade.size,
        id: TradeId::Number(id),
        taker: Some(maker.opposite()),
    })
}

fn read_candle(data: CandleData<'_>) -> Result<RawCandle<'_>, FrameError> {
    let open_time: UnixMillis = unix_seconds(parse_integer(&data.start, "candle")?, "candle")?;
    let numbers = [data.open, data.high, data.low, data.close, data.volume];
    validate_candle(RawCandle {
        market: data.product_id.map(MarketId::Symbol),
        ..RawCandle::from_ohlcv(open_time, numbers, None)
    })
}
