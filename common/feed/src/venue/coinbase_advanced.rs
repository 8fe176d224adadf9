//! Coinbase Advanced Trade: another door to the book of [`CoinbaseExchange`](super::CoinbaseExchange), so that the
//! two never count as two venues. Frames are told apart by `channel` and numbered per connection; `side` is the maker's.
//!
//! Candles: `GET /api/v3/brokerage/market/products/PRODUCT/candles`, newest first, at most 350.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::plain;
use super::reading::{
    answer, candle, checked, checked_candle, in_answer, malformed, read, rfc3339, seconds,
    step_word, whole,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Decimal;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Coinbase Advanced Trade.
#[derive(Debug, Clone, Copy)]
pub struct CoinbaseAdvanced;

/// Spacings of candles and the venue's words for them.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "ONE_MINUTE"),
    (Millis::minutes(5), "FIVE_MINUTE"),
    (Millis::minutes(15), "FIFTEEN_MINUTE"),
    (Millis::minutes(30), "THIRTY_MINUTE"),
    (Millis::hours(1), "ONE_HOUR"),
    (Millis::days(1), "ONE_DAY"),
];

/// The only buckets of the `candles` channel.
const STREAMED_STEP: Millis = Millis::minutes(5);

#[derive(Deserialize)]
struct Head<'a> {
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
    /// A REST answer.
    #[serde(borrow)]
    trades: Option<&'a RawValue>,
}

/// A frame of trades, read at once.
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

#[derive(Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    subscriptions: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
}

impl CandleSource for CoinbaseAdvanced {
    fn name(&self) -> &'static str {
        "coinbase_advanced"
    }

    fn default_host(&self) -> &'static str {
        "https://api.coinbase.com"
    }

    fn page(&self) -> usize {
        350
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let granularity = step_word(self.name(), query, &STEPS)?;
        let (product, last) = (query.symbol, query.to - query.step);
        let (start, end) = (query.from.0.div_euclid(1000), last.0.div_euclid(1000));
        Ok(format!(
            "/api/v3/brokerage/market/products/{product}/candles?start={start}&end={end}&granularity={granularity}"
        ))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(Refusal { error, message }) = serde_json::from_str(body) {
            let why = format!("{error} {message}").trim_end().to_owned();
            return Err(VenueError::Refused { venue, why });
        }
        let Candles { candles } = answer(venue, body)?;
        for data in candles {
            on(read_candle(data).map_err(in_answer(venue))?);
        }
        Ok(())
    }
}

impl Venue for CoinbaseAdvanced {
    fn quote(&self) -> Quote {
        Quote::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://advanced-trade-ws.coinbase.com",
            ping: Ping::Frame(Millis::seconds(20)),
            silence: Millis::seconds(10),
            heartbeat: Millis::seconds(10),
            lifetime: None,
            connects: Budget {
                count: 8,
                per: Millis::seconds(1),
            },
            gap_key: GapKey::Frames,
        }
    }

    /// One channel a message. Heartbeats keep the connection open when nothing is traded.
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
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"channel":"market_trades","#)
            && let Some(MarketTrades {
                sequence_num,
                events,
            }) = plain::read(frame)
        {
            on(Event::Sequence(sequence_num));
            for trade in events.iter().flat_map(|event| &event.trades) {
                on(Event::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        let head: Head<'_> = read(frame, "message")?;
        if let Some(number) = head.sequence_num {
            on(Event::Sequence(number));
        }
        let events = head.events.map_or("[]", RawValue::get);
        match head.channel.as_deref() {
            Some("market_trades") => {
                let events: SmallVec<[Trades<'_>; 1]> = read(events, "market_trades")?;
                for trade in events.into_iter().flat_map(|event| event.trades) {
                    on(Event::Trade(read_trade(&trade)?));
                }
            }
            Some("candles") => {
                let events: SmallVec<[Candles<'_>; 1]> = read(events, "candles")?;
                for data in events.into_iter().flat_map(|event| event.candles) {
                    let step = Some(STREAMED_STEP);
                    on(Event::Candle(Candle {
                        step,
                        ..read_candle(data)?
                    }));
                }
            }
            Some("heartbeats") => {
                let time = head.timestamp.map(|time| rfc3339(&time, "heartbeats"));
                let time = time.transpose()?;
                on(Event::Status(Status::Heartbeat { time }));
            }
            Some("subscriptions") => {
                let events: SmallVec<[Subscriptions<'_>; 1]> = read(events, "subscriptions")?;
                for (channel, products) in events.into_iter().flat_map(|e| e.subscriptions) {
                    for symbol in products {
                        on(Event::Status(Status::Subscribed(Ack::Topic {
                            channel: channel.clone(),
                            symbol,
                            number: None,
                        })));
                    }
                }
            }
            Some(other) => on(Event::Ignored(Ignored::Kind(other.into()))),
            None if head.r#type.as_deref() == Some("error") => {
                on(Event::Refused(head.message.unwrap_or_default()));
            }
            None => {
                let kind = head.trades.map_or("message", |_| "REST trades");
                on(Event::Ignored(Ignored::Kind(kind.into())));
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
    let id = trade.trade_id.parse();
    let id = id.map_err(|_| malformed("trade", format!("trade_id {:?}", trade.trade_id)))?;
    checked(Trade {
        market: Market::symbol(trade.product_id.as_ref()),
        time: rfc3339(trade.time, "trade")?,
        price: trade.price,
        size: trade.size,
        id: TradeId::Number(id),
        taker: Some(maker.other()),
    })
}

fn read_candle(data: CandleData<'_>) -> Result<Candle<'_>, FrameError> {
    let open_time: UnixMillis = seconds(whole(&data.start, "candle")?, "candle")?;
    let numbers = [data.open, data.high, data.low, data.close, data.volume];
    checked_candle(Candle {
        market: data.product_id.map(Market::Symbol),
        ..candle(open_time, numbers, None)
    })
}
