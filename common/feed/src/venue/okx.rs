//! OKX v5, spot. Frames are told apart by `arg.channel` or `event`; pings are the bare word.
//!
//! Candles: `GET /api/v5/market/candles`, the newest 1440, newest first, and `history-candles` before those. Days
//! are Hong Kong's unless `1Dutc` is asked for.

use std::borrow::Cow;

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::plain;
use super::reading::{
    Row, answer, candle, checked, checked_candle, columns, first, in_answer, malformed, read,
    step_of, step_word, whole,
};
use super::{
    Budget, CandleQuery, CandleSource, Channels, GapKey, Pair, Ping, Quote, Subscription, Terms,
    Venue, VenueError,
};
use crate::decimal::{Decimal, Numeral};
use crate::event::{Ack, Candle, Event, FrameError, Ignored, Market, Side, Status, Trade, TradeId};

/// OKX.
#[derive(Debug, Clone, Copy)]
pub struct Okx;

/// Spacings of candles and the venue's words for them.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1H"),
    (Millis::days(1), "1Dutc"),
];

/// `event: notice` before the service restarts.
const RESTART: &str = "64008";

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, alias = "args")]
    arg: Option<Arg<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Arg<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(rename = "instId", borrow, default)]
    symbol: Cow<'a, str>,
}

/// A frame of trades, read at once.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(rename = "instId", borrow)]
    symbol: Cow<'a, str>,
    #[serde(rename = "tradeId")]
    id: &'a str,
    #[serde(borrow)]
    px: Decimal<'a>,
    #[serde(borrow)]
    sz: Decimal<'a>,
    side: TakerSide,
    ts: &'a str,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum TakerSide {
    Buy,
    Sell,
}

#[derive(Deserialize)]
struct Answer<'a> {
    code: String,
    msg: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl CandleSource for Okx {
    fn name(&self) -> &'static str {
        "okx"
    }

    fn default_host(&self) -> &'static str {
        "https://www.okx.com"
    }

    fn page(&self) -> usize {
        100
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        path("candles", self, query)
    }

    fn older_candles_path(&self, query: &CandleQuery<'_>) -> Option<Result<String, VenueError>> {
        Some(path("history-candles", self, query))
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        let venue = self.name();
        let said: Answer<'_> = answer(venue, body)?;
        if said.code != "0" {
            let why = format!("{} ({})", said.msg, said.code);
            return Err(VenueError::Refused { venue, why });
        }
        let rows: Vec<Row<'_>> = answer(venue, said.data.map_or("null", RawValue::get))?;
        for row in &rows {
            on(read_row(row).map_err(in_answer(venue))?);
        }
        Ok(())
    }
}

impl Venue for Okx {
    fn quote(&self) -> Quote {
        Quote::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://ws.okx.com:8443/ws/v5/public",
            ping: Ping::Message(Millis::seconds(20), "ping"),
            silence: Millis::seconds(45),
            heartbeat: Millis::seconds(45),
            lifetime: None,
            connects: Budget {
                count: 3,
                per: Millis::seconds(1),
            },
            gap_key: GapKey::Nothing,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let args: Vec<_> = symbols
            .iter()
            .map(|symbol| serde_json::json!({"channel": "trades", "instId": symbol}))
            .collect();
        let request = serde_json::json!({"op": "subscribe", "args": args});
        let ack = |symbol: &String| Ack::Topic {
            channel: "trades".into(),
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
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        if frame == "pong" {
            on(Event::Status(Status::Pong));
            return Ok(());
        }
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"arg":{"channel":"trades","#)
            && let Some(Trades { data }) = plain::read(frame)
        {
            for trade in &data {
                on(Event::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        let head: Head<'_> = read(frame, "message")?;
        match (&head.arg, head.event.as_deref(), head.data) {
            (_, Some(event), _) => on(read_event(event, &head)),
            (Some(arg), None, Some(data)) => read_data(arg, data.get(), on)?,
            (None, None, _) if head.code.is_some() => {
                on(Event::Ignored(Ignored::Kind("REST answer".into())));
            }
            _ => on(Event::Ignored(Ignored::Kind("message".into()))),
        }
        Ok(())
    }
}

fn path(route: &str, venue: &Okx, query: &CandleQuery<'_>) -> Result<String, VenueError> {
    let bar = step_word(venue.name(), query, &STEPS)?;
    // Both ends are exclusive; `after` means older.
    let (symbol, before, after) = (query.symbol, query.from - Millis(1), query.to);
    let limit = venue.page();
    Ok(format!(
        "/api/v5/market/{route}?instId={symbol}&bar={bar}&after={after}&before={before}&limit={limit}"
    ))
}

fn read_event<'a>(event: &str, head: &Head<'a>) -> Event<'a> {
    match (event, &head.arg) {
        ("subscribe", Some(arg)) => Event::Status(Status::Subscribed(Ack::Topic {
            channel: arg.channel.clone(),
            symbol: arg.symbol.clone(),
            number: None,
        })),
        ("error", _) => {
            let code = head.code.as_deref().unwrap_or_default();
            let msg = head.msg.as_deref().unwrap_or_default();
            Event::Refused(format!("{msg} ({code})").into())
        }
        ("notice", _) if head.code.as_deref() == Some(RESTART) => Event::Status(Status::Restart),
        (other, _) => Event::Ignored(Ignored::Kind(other.to_owned().into())),
    }
}

fn read_data(arg: &Arg<'_>, data: &str, on: &mut dyn FnMut(Event<'_>)) -> Result<(), FrameError> {
    match arg.channel.as_ref() {
        "trades" | "trades-all" => {
            let trades: SmallVec<[TradeData<'_>; 1]> = read(data, "trades")?;
            for trade in &trades {
                on(Event::Trade(read_trade(trade)?));
            }
        }
        channel if channel.starts_with("candle") => {
            let rows: SmallVec<[Row<'_>; 1]> = read(data, "candle")?;
            for row in &rows {
                on(Event::Candle(Candle {
                    market: Some(Market::symbol(arg.symbol.as_ref())),
                    step: step_of(channel.trim_start_matches("candle"), &STEPS),
                    ..read_row(row)?
                }));
            }
        }
        other => on(Event::Ignored(Ignored::Kind(other.into()))),
    }
    Ok(())
}

fn read_trade<'a>(trade: &'a TradeData<'a>) -> Result<Trade<'a>, FrameError> {
    let id = trade.id.parse();
    let id = id.map_err(|_| malformed("trade", format!("tradeId {:?}", trade.id)))?;
    checked(Trade {
        market: Market::symbol(trade.symbol.as_ref()),
        time: UnixMillis(whole(trade.ts, "trade")?),
        price: trade.px,
        size: trade.sz,
        id: TradeId::Number(id),
        taker: Some(match trade.side {
            TakerSide::Buy => Side::Buy,
            TakerSide::Sell => Side::Sell,
        }),
    })
}

/// Start, open, high, low, close, volume, two volumes in other units, and whether it is finished, which old
/// recordings lack.
fn read_row<'a>(row: &Row<'a>) -> Result<Candle<'a>, FrameError> {
    let open_time = UnixMillis(first(row, "candle")?);
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    let closed = match row
        .get(8)
        .map(|confirm: &Numeral<'_>| confirm.decimal().as_written())
    {
        None => None,
        Some("0") => Some(false),
        Some("1") => Some(true),
        Some(other) => return Err(malformed("candle", format!("confirm {other:?}"))),
    };
    checked_candle(candle(open_time, numbers, closed))
}
