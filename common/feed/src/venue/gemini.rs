//! Gemini, the interface at `ws.gemini.com`. Trades have no kind: they are the messages with a trade id and a price;
//! times are nanoseconds. Versions 1 and 2, which are archived, are not spoken.
//!
//! Candles: `GET /v2/candles/SYMBOL/1m`, newest first, about a day, no range.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::plain;
use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, read, step_word,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::Decimal;
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// Gemini.
#[derive(Debug, Clone, Copy)]
pub struct Gemini;

/// Spacings of candles and the venue's words for them. Its days don't begin at midnight UTC, so they are left out.
const STEPS: [(Millis, &str); 5] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1hr"),
];

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    t: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    u: Option<IgnoredAny>,
    id: Option<u64>,
    status: Option<u16>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// Versions 1 and 2 have it.
    r#type: Option<IgnoredAny>,
    socket_sequence: Option<IgnoredAny>,
}

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

#[derive(Deserialize)]
struct Refusal {
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
    fn page(&self) -> usize {
        1_000_000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = step_word(self.name(), query, &STEPS)?;
        Ok(format!("/v2/candles/{}/{step}", query.symbol))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(Refusal { reason, message }) = serde_json::from_str(body) {
            let why = format!("{reason} {message}").trim_end().to_owned();
            return Err(VenueError::Refused { venue, why });
        }
        let rows: Vec<Row<'_>> = answer(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(in_answer(venue))?);
        }
        Ok(())
    }

    fn day_step(&self) -> Millis {
        Millis::hours(1)
    }
}

impl Venue for Gemini {
    fn quote(&self) -> Quote {
        Quote::Usd
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("").to_lowercase()
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://ws.gemini.com",
            ping: Ping::Frame(Millis::seconds(20)),
            silence: Millis::seconds(50),
            heartbeat: Millis::seconds(50),
            lifetime: None,
            connects: Budget {
                count: 60,
                per: Millis::minutes(1),
            },
            gap_key: GapKey::Nothing,
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
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"E":"#)
            && let Some(trade) = plain::read(frame)
        {
            on(Event::Trade(read_trade(trade)?));
            return Ok(());
        }
        let head: Head<'_> = read(frame, "message")?;
        let ignored = |kind: &str| Event::Ignored(Ignored::Kind(kind.to_owned().into()));
        on(match head {
            Head {
                socket_sequence: Some(_),
                ..
            } => Event::Ignored(Ignored::Protocol("gemini v1")),
            Head {
                r#type: Some(_), ..
            } => Event::Ignored(Ignored::Protocol("gemini v2")),
            Head {
                status: Some(200),
                id,
                ..
            } => Event::Status(Status::Subscribed(Ack::Request(id.unwrap_or(0)))),
            Head {
                status: Some(status),
                error,
                ..
            } => {
                let words = error.map_or("no reason", RawValue::get);
                Event::Refused(format!("status {status}: {words}").into())
            }
            Head { e: Some(e), .. } if e != "trade" => ignored(&e),
            Head { u: Some(_), .. } => ignored("bookTicker"),
            Head {
                t: Some(_),
                p: Some(_),
                ..
            } => Event::Trade(read_trade(read(frame, "trade")?)?),
            _ => ignored("message"),
        });
        Ok(())
    }
}

fn read_trade(trade: TradeData<'_>) -> Result<Trade<'_>, FrameError> {
    checked(Trade {
        market: Market::Symbol(trade.s),
        time: UnixMillis(trade.nanos.div_euclid(1_000_000)),
        price: trade.p,
        size: trade.q,
        id: TradeId::Number(trade.t),
        taker: Some(if trade.m { Side::Sell } else { Side::Buy }),
    })
}

/// Start, open, high, low, close, volume.
fn read_row<'a>(row: &Row<'a>) -> Result<Candle<'a>, FrameError> {
    let open_time = UnixMillis(first(row, "candle")?);
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    checked_candle(candle(open_time, numbers, None))
}
