//! OKX v5, spot. Frames are told apart by `arg.channel` or `event`; pings are the bare word.
//!
//! Candles: `GET /api/v5/market/candles`, the newest 1440, newest first, and `history-candles` before those. Days
//! are Hong Kong's unless the request says `1Dutc`.
//!
//! Documentation: <https://www.okx.com/docs-v5/en/>.

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use foretell_kernels::decimal::{Decimal, JsonDecimal};
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{
    Row, columns, first_instant, is_rows, malformed, parse_count, parse_integer, parse_response,
    read_json, read_object, to_venue_error, unix_millis,
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

/// OKX spot; prices in USDT.
#[derive(Debug, Clone, Copy)]
pub struct Okx;

/// The venue's names of the spacings of candles.
const STEPS: [(Millis, &str); 6] = [
    (Millis::minutes(1), "1m"),
    (Millis::minutes(5), "5m"),
    (Millis::minutes(15), "15m"),
    (Millis::minutes(30), "30m"),
    (Millis::hours(1), "1H"),
    (Millis::days(1), "1Dutc"),
];

/// The code of `{"event":"notice","code":"64008",…}`, which comes before the service restarts.
const RESTART_CODE: &str = "64008";

/// The fields that tell one frame from another: `{"event":"subscribe","arg":{…},"connId":"c"}`,
/// `{"event":"error","code":"60012","msg":"Invalid request"}`, or `{"arg":{…},"data":[…]}`.
#[derive(Deserialize)]
struct Header<'a> {
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

/// `{"channel":"trades","instId":"BTC-USDT"}`.
#[derive(Deserialize)]
struct Arg<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(rename = "instId", borrow, default)]
    symbol: Cow<'a, str>,
}

/// A frame of trades, read in one pass.
#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: SmallVec<[TradeData<'a>; 1]>,
}

/// `{"instId":"BTC-USDT","tradeId":"338000001","px":"37000.1","sz":"0.0015","side":"buy","ts":"1700000000119","count":"1"}`.
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

/// `{"code":"0","msg":"","data":[…]}`; another code is a refusal.
#[derive(Deserialize)]
struct RestResponse<'a> {
    code: String,
    msg: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// An answer of candles by its form: `{"code":"0","data":[[…`, without `arg`.
#[derive(Deserialize)]
struct CandlesForm<'a> {
    #[serde(rename = "code", borrow)]
    _code: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl CandleSource for Okx {
    fn name(&self) -> &'static str {
        "okx"
    }

    fn default_host(&self) -> &'static str {
        "https://www.okx.com"
    }

    fn page_size(&self) -> usize {
        100
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        candles_path_of("candles", self, query)
    }

    fn archive_candles_path(&self, query: &CandleQuery<'_>) -> Option<Result<String, VenueError>> {
        Some(candles_path_of("history-candles", self, query))
    }

    fn has_candles(&self, body: &str) -> bool {
        let form = serde_json::from_str::<CandlesForm<'_>>(body);
        form.is_ok_and(|form| is_rows(form.data.get()))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        let response: RestResponse<'_> = parse_response(venue, body)?;
        if response.code != "0" {
            let why = format!("{} ({})", response.msg, response.code);
            return Err(VenueError::refused(venue, why));
        }
        let rows: Vec<Row<'_>> =
            parse_response(venue, response.data.map_or("null", RawValue::get))?;
        for row in &rows {
            on(read_row(row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for Okx {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("-")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://ws.okx.com:8443/ws/v5/public",
            ping: Ping::Message(Millis::seconds(20), "ping"),
            byte_timeout: Millis::seconds(45),
            message_timeout: Millis::seconds(45),
            max_age: None,
            connect_limit: RateLimit {
                count: 3,
                per: Millis::seconds(1),
            },
            gap_detection: GapDetection::Unavailable,
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
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        if frame == "pong" {
            on(VenueEvent::Status(StatusMessage::Pong));
            return Ok(());
        }
        // Nearly every frame is one of these, and needn't be read twice.
        if frame.starts_with(r#"{"arg":{"channel":"trades","#)
            && let Some(Trades { data }) = json_fast::read(frame)
        {
            for trade in &data {
                on(VenueEvent::Trade(read_trade(trade)?));
            }
            return Ok(());
        }
        let header: Header<'_> = read_object(frame, "message")?;
        match (&header.arg, header.event.as_deref(), header.data) {
            (_, Some(event), _) => on(read_event(frame, event, &header)),
            (Some(arg), None, Some(data)) => read_data(arg, data.get(), on)?,
            (None, None, _) if header.code.is_some() => on(other_message(frame, "REST answer")),
            _ => on(other_message(frame, "message")),
        }
        Ok(())
    }
}

fn candles_path_of(
    route: &str,
    venue: &Okx,
    query: &CandleQuery<'_>,
) -> Result<String, VenueError> {
    let bar = step_name(venue.name(), query, &STEPS)?;
    // Both ends are exclusive; `after` means older.
    let (symbol, before, after) = (query.symbol, query.from - Millis::literal(1), query.to);
    let limit = venue.page_size();
    Ok(format!(
        "/api/v5/market/{route}?instId={symbol}&bar={bar}&after={after}&before={before}&limit={limit}"
    ))
}

fn read_event<'a>(frame: &str, event: &str, header: &Header<'a>) -> VenueEvent<'a> {
    match (event, &header.arg) {
        ("subscribe", Some(arg)) => {
            let ack = Ack::Topic {
                channel: arg.channel.clone(),
                symbol: arg.symbol.clone(),
                number: None,
            };
            acknowledged(frame, ack)
        }
        // Too many connections, or no place on one for the channel, have events of their own.
        (event, _) if event == "error" || event.ends_with("-error") => {
            let code = header.code.as_deref().unwrap_or_default();
            let msg = header.msg.as_deref().unwrap_or_default();
            VenueEvent::refused(match (msg, code) {
                ("", "") => event.to_owned(),
                (msg, code) => format!("{msg} ({code})"),
            })
        }
        ("notice", _) if header.code.as_deref() == Some(RESTART_CODE) => {
            VenueEvent::Status(StatusMessage::Restart)
        }
        (other, _) => other_message(frame, other.to_owned()),
    }
}

fn read_data(
    arg: &Arg<'_>,
    data: &str,
    on: &mut dyn FnMut(VenueEvent<'_>),
) -> Result<(), FrameError> {
    match arg.channel.as_ref() {
        "trades" | "trades-all" => {
            let trades: SmallVec<[TradeData<'_>; 1]> = read_json(data, "trades")?;
            for trade in &trades {
                on(VenueEvent::Trade(read_trade(trade)?));
            }
        }
        channel if channel.starts_with("candle") => {
            let rows: SmallVec<[Row<'_>; 1]> = read_json(data, "candle")?;
            for row in &rows {
                on(VenueEvent::Candle(RawCandle {
                    market: Some(MarketId::symbol(arg.symbol.as_ref())),
                    step: step_from_name(channel.trim_start_matches("candle"), &STEPS),
                    ..read_row(row)?
                }));
            }
        }
        other => on(VenueEvent::Ignored(IgnoredMessage::kind(other))),
    }
    Ok(())
}

fn read_trade<'a>(trade: &'a TradeData<'a>) -> Result<Trade<'a>, FrameError> {
    let id = parse_count(trade.id, "tradeId")?;
    validate_trade(Trade {
        market: MarketId::symbol(trade.symbol.as_ref()),
        time: unix_millis(parse_integer(trade.ts, "trade")?, "trade")?,
        price: trade.px,
        size: trade.sz,
        id: TradeId::Number(id),
        taker: Some(match trade.side {
            TakerSide::Buy => Side::Buy,
            TakerSide::Sell => Side::Sell,
        }),
    })
}

/// `["1699999980000","37000.1","37002","36999.9","37001","1.5","55500","55500","1"]`: start in ms, open, high, low, close,
/// volume, two volumes in other units, and whether it is finished, which old recordings lack.
fn read_row<'a>(row: &Row<'a>) -> Result<RawCandle<'a>, FrameError> {
    let open_time = first_instant(row, "candle")?;
    let numbers = columns(row, [1, 2, 3, 4, 5], "candle")?;
    let closed = match row
        .get(8)
        .map(|confirm: &JsonDecimal<'_>| confirm.decimal().as_str())
    {
        None => None,
        Some("0") => Some(false),
        Some("1") => Some(true),
        Some(other) => return Err(malformed("candle", format!("confirm {other:?}"))),
    };
    validate_candle(RawCandle::from_ohlcv(open_time, numbers, closed))
}
