//! Coinbase Exchange. Frames are told apart by `type`; `side` is the maker's; trade ids are consecutive, and a
//! heartbeat every second says which was the last.
//!
//! Candles: `GET /products/PRODUCT/candles`, `[time, low, high, open, close, volume]`, newest first, at most 300;
//! minutes without trades have none.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;

use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, read, rfc3339,
    seconds, step_word,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Decimal;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Coinbase Exchange.
#[derive(Debug, Clone, Copy)]
pub struct CoinbaseExchange;

/// Spacings of candles in the venue's word, seconds.
const STEPS: [(Millis, &str); 5] = [
    (Millis::minutes(1), "60"),
    (Millis::minutes(5), "300"),
    (Millis::minutes(15), "900"),
    (Millis::hours(1), "3600"),
    (Millis::days(1), "86400"),
];

const CHANNELS: [&str; 2] = ["matches", "heartbeat"];

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

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

#[derive(Deserialize)]
struct Heartbeat<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
}

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

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl CandleSource for CoinbaseExchange {
    fn name(&self) -> &'static str {
        "coinbase_exchange"
    }

    fn default_host(&self) -> &'static str {
        "https://api.exchange.coinbase.com"
    }

    fn page(&self) -> usize {
        300
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let granularity = step_word(self.name(), query, &STEPS)?;
        // Both ends are inclusive, and one candle more than 300 is refused.
        let (product, last) = (query.symbol, query.to - query.step);
        let (start, end) = (query.from.0.div_euclid(1000), last.0.div_euclid(1000));
        Ok(format!(
            "/products/{product}/candles?granularity={granularity}&start={start}&end={end}"
        ))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(Refusal { message: why }) = serde_json::from_str(body) {
            return Err(VenueError::Refused { venue, why });
        }
        let rows: Vec<Row<'_>> = answer(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(in_answer(venue))?);
        }
        Ok(())
    }
}

impl Venue for CoinbaseExchange {
    fn quote(&self) -> Quote {
        Quote::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://ws-feed.exchange.coinbase.com",
            ping: Ping::Frame(Millis::seconds(20)),
            silence: Millis::seconds(10),
            heartbeat: Millis::seconds(10),
            lifetime: None,
            connects: Budget {
                count: 8,
                per: Millis::seconds(1),
            },
            gap_key: GapKey::TradeIds,
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
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"type":"match","#) {
            on(Event::Trade(read_match(read(frame, "match")?)?));
            return Ok(());
        }
        let head: Head<'_> = read(frame, "message")?;
        match head.r#type.as_deref() {
            Some("match" | "last_match") => on(Event::Trade(read_match(read(frame, "match")?)?)),
            Some("heartbeat") => {
                let Heartbeat { time } = read(frame, "heartbeat")?;
                let time = Some(rfc3339(&time, "heartbeat")?);
                on(Event::Status(Status::Heartbeat { time }));
            }
            Some("subscriptions") => {
                let Subscriptions { channels } = read(frame, "subscriptions")?;
                for Channel { name, product_ids } in &channels {
                    for symbol in product_ids.iter().flatten() {
                        on(Event::Status(Status::Subscribed(Ack::Topic {
                            channel: name.as_ref().into(),
                            symbol: symbol.as_ref().into(),
                            number: None,
                        })));
                    }
                }
                if channels.is_empty() {
                    on(Event::Ignored(Ignored::Kind(
                        "subscriptions to nothing".into(),
                    )));
                }
            }
            Some("error") => {
                let said = [head.message, head.reason];
                let words: Vec<&str> = said.iter().flatten().map(AsRef::as_ref).collect();
                on(Event::Refused(words.join(": ").into()));
            }
            Some(other) => on(Event::Ignored(Ignored::Kind(other.into()))),
            None => on(Event::Ignored(Ignored::Kind("message".into()))),
        }
        Ok(())
    }
}

fn read_match(trade: Match<'_>) -> Result<Trade<'_>, FrameError> {
    let maker = match trade.side {
        MakerSide::Buy => Side::Buy,
        MakerSide::Sell => Side::Sell,
    };
    checked(Trade {
        market: Market::Symbol(trade.product_id),
        time: rfc3339(trade.time, "match")?,
        price: trade.price,
        size: trade.size,
        id: TradeId::Number(trade.trade_id),
        taker: Some(maker.other()),
    })
}

/// Start in seconds, low, high, open, close, volume.
fn read_row<'a>(row: &Row<'a>) -> Result<Candle<'a>, FrameError> {
    let open_time: UnixMillis = seconds(first(row, "candle")?, "candle")?;
    let numbers = columns(row, [3, 2, 1, 4, 5], "candle")?;
    checked_candle(candle(open_time, numbers, None))
}
