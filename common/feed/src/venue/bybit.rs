//! Bybit v5, spot. Frames are told apart by `topic` or `op`; block trades are marked `BT`.
//!
//! Candles: `GET /v5/market/kline`, newest first with the forming one; an answer names its category, which is linear
//! unless spot was asked for.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::plain;
use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, malformed, read,
    step_of, step_word,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Decimal;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Bybit.
#[derive(Debug, Clone, Copy)]
pub struct Bybit;

/// Spacings of candles in the venue's word, minutes or a letter.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1"),
    (Millis::minutes(5), "5"),
    (Millis::minutes(15), "15"),
    (Millis::minutes(30), "30"),
    (Millis::hours(1), "60"),
    (Millis::days(1), "D"),
];

/// Most topics in one request.
const TOPICS: usize = 10;

#[derive(Deserialize)]
struct Head<'a> {
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

/// A frame of trades, read at once.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

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
    #[serde(rename = "BT", default)]
    block: bool,
}

#[derive(Deserialize, Clone, Copy)]
enum TakerSide {
    Buy,
    Sell,
}

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

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "retCode")]
    ret_code: i64,
    #[serde(rename = "retMsg")]
    ret_msg: String,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Klines<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    list: Vec<Row<'a>>,
}

impl CandleSource for Bybit {
    fn name(&self) -> &'static str {
        "bybit"
    }

    fn default_host(&self) -> &'static str {
        "https://api.bybit.com"
    }

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let interval = step_word(self.name(), query, &STEPS)?;
        let (symbol, from, last) = (query.symbol, query.from, query.to - Millis(1));
        let limit = self.page();
        Ok(format!(
            "/v5/market/kline?category=spot&symbol={symbol}&interval={interval}&start={from}&end={last}&limit={limit}"
        ))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        let said: Answer<'_> = answer(venue, body)?;
        if said.ret_code != 0 {
            let why = format!("{} ({})", said.ret_msg, said.ret_code);
            return Err(VenueError::Refused { venue, why });
        }
        let result = said.result.map_or("null", RawValue::get);
        let klines: Klines<'_> = answer(venue, result)?;
        let category = (klines.category != "spot").then_some(&klines.category);
        for row in &klines.list {
            let candle = read_row(row).map_err(in_answer(venue))?;
            on(Candle {
                market: Some(Market::symbol(klines.symbol.as_ref())),
                category: category.map(|category| category.as_ref().into()),
                ..candle
            });
        }
        Ok(())
    }
}

impl Venue for Bybit {
    fn quote(&self) -> Quote {
        Quote::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://stream.bybit.com/v5/public/spot",
            ping: Ping::Message(Millis::seconds(20), r#"{"op":"ping"}"#),
            silence: Millis::seconds(50),
            heartbeat: Millis::seconds(50),
            lifetime: None,
            connects: Budget {
                count: 500,
                per: Millis::minutes(5),
            },
            gap_key: GapKey::Nothing,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let requests = symbols.chunks(TOPICS).zip(1_u64..);
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
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"topic":"publicTrade."#)
            && let Some(Trades { topic, data }) = plain::read(frame)
        {
            return read_trades(&topic, data, on);
        }
        let head: Head<'_> = read(frame, "message")?;
        let Some(topic) = &head.topic else {
            on(other_message(&head)?);
            return Ok(());
        };
        let (kind, symbol) = topic.split_once('.').unwrap_or((topic, ""));
        let data = head.data.map_or("[]", RawValue::get);
        match kind {
            "publicTrade" => {
                read_trades(topic, read(data, "publicTrade")?, on)?;
            }
            "kline" => {
                let symbol = symbol.split_once('.').map_or("", |(_, symbol)| symbol);
                let klines: SmallVec<[KlineData<'_>; 1]> = read(data, "kline")?;
                for kline in &klines {
                    on(Event::Candle(read_kline(symbol, kline)?));
                }
            }
            other => on(Event::Ignored(Ignored::Kind(other.into()))),
        }
        Ok(())
    }
}

/// The trades of a topic, each of which must be of the topic's symbol.
fn read_trades(
    topic: &str,
    trades: SmallVec<[TradeData<'_>; 1]>,
    on: &mut dyn FnMut(Event<'_>),
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

fn read_trade(trade: TradeData<'_>) -> Result<Event<'_>, FrameError> {
    if trade.block {
        return Ok(Event::Ignored(Ignored::OffBook("block trade".into())));
    }
    let trade = checked(Trade {
        market: Market::Symbol(trade.s),
        time: UnixMillis(trade.time),
        price: trade.p,
        size: trade.v,
        id: TradeId::Text(trade.i),
        taker: Some(match trade.side {
            TakerSide::Buy => Side::Buy,
            TakerSide::Sell => Side::Sell,
        }),
    })?;
    Ok(Event::Trade(trade))
}

fn read_kline<'a>(symbol: &'a str, kline: &KlineData<'a>) -> Result<Candle<'a>, FrameError> {
    let numbers = [kline.open, kline.high, kline.low, kline.close, kline.volume];
    checked_candle(Candle {
        market: Some(Market::symbol(symbol)),
        step: step_of(&kline.interval, &STEPS),
        ..candle(UnixMillis(kline.start), numbers, Some(kline.confirm))
    })
}

/// Start, open, high, low, close, volume, turnover.
fn read_row<'a>(row: &Row<'a>) -> Result<Candle<'a>, FrameError> {
    let open_time = UnixMillis(first(row, "candle")?);
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    checked_candle(candle(open_time, numbers, None))
}

/// An answer to a request, or something without a topic.
fn other_message<'a>(head: &Head<'a>) -> Result<Event<'a>, FrameError> {
    let kind = head.op.as_deref().filter(|op| !op.is_empty());
    if head.success == Some(false) {
        let why = head.ret_msg.clone().filter(|why| !why.is_empty());
        return Ok(Event::Refused(
            why.unwrap_or_else(|| "request refused without a reason".into()),
        ));
    }
    let word = head.ret_msg.as_deref();
    Ok(match (kind, head.r#type.as_deref()) {
        (Some("ping"), _) if word == Some("pong") => Event::Status(Status::Pong),
        (Some("pong"), _) => Event::Status(Status::Pong),
        (Some("subscribe"), _) | (None, Some("COMMAND_RESP")) if head.success == Some(true) => {
            let number = head
                .req_id
                .as_deref()
                .and_then(|number| number.parse().ok());
            Event::Status(Status::Subscribed(Ack::Request(number.unwrap_or(0))))
        }
        (Some(other), _) => Event::Ignored(Ignored::Kind(other.to_owned().into())),
        (None, _) if head.ret_code.is_some() => Event::Ignored(Ignored::Kind("REST answer".into())),
        (None, _) if head.data.is_some() => {
            return Err(malformed("message", "data without a topic"));
        }
        (None, _) => Event::Ignored(Ignored::Kind("message".into())),
    })
}
