//! Bitfinex v2. Events are objects; data are arrays `[channel number, …]`, told apart by the channel that an earlier
//! frame gave the number to. A trade comes as `te` and again as `tu`; sizes are signed by the taker. With the flags that
//! we set, every array ends with its number on the connection and the venue's time.
//!
//! Candles: `GET /v2/candles/trade:1m:SYMBOL/hist`, `[time, open, close, high, low, volume]`: close before high.
//!
//! Documentation: <https://docs.bitfinex.com/docs/ws-general>, <https://docs.bitfinex.com/reference/ws-public-trades> and
//! <https://docs.bitfinex.com/reference/rest-public-candles>.

mod array_frame;
mod candle_row;
mod trade_frame;

use std::borrow::Cow;

use foretell_core::settle::QuoteCurrency;
use foretell_core::time::Millis;
use serde::Deserialize;

use self::array_frame::{Parts, read_array};
use self::candle_row::{STEPS, read_row};
use self::trade_frame::{TradeFrame, is_trade, on_trade};
use super::control_message::{acknowledged, other_message};
use super::error::VenueError;
use super::json_fields::{Row, malformed, parse_response, read_json, read_object, to_venue_error};
use super::limits::{GapDetection, Ping, RateLimit, VenueLimits};
use super::pair::Pair;
use super::step_names::step_name;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{CandleQuery, CandleSource, Venue};
use crate::event::{Ack, FrameError, RawCandle, StatusMessage, VenueEvent};

/// Bitfinex; prices in USD.
#[derive(Debug, Clone, Copy)]
pub struct Bitfinex;

/// Flags that put a number (65536) and a time (32768) on every array.
const FLAGS: u32 = 65_536 + 32_768;

const CONF: Ack<'static> = Ack::Topic {
    channel: Cow::Borrowed("conf"),
    symbol: Cow::Borrowed(""),
    number: None,
};

/// `{"event":"subscribed","channel":"trades","chanId":420191,"symbol":"tBTCUSD","pair":"BTCUSD"}`,
/// `{"event":"info","version":2,"platform":{"status":1}}` or `{"event":"error","msg":"symbol: invalid","code":10300}`.
#[derive(Deserialize)]
struct EventMessage<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    code: Option<i64>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    platform: Option<Platform>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(rename = "chanId")]
    number: Option<u64>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Platform {
    /// 1 while the venue trades, 0 in maintenance.
    status: u8,
}

impl CandleSource for Bitfinex {
    fn name(&self) -> &'static str {
        "bitfinex"
    }

    fn default_host(&self) -> &'static str {
        "https://api-pub.bitfinex.com"
    }

    fn page_size(&self) -> usize {
        10_000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = step_name(self.name(), query, &STEPS)?;
        let (symbol, from, last) = (query.symbol, query.from, query.to - Millis::literal(1));
        let limit = self.page_size();
        Ok(format!(
            "/v2/candles/trade:{step}:{symbol}/hist?limit={limit}&start={from}&end={last}&sort=1"
        ))
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        let venue = self.name();
        if let Ok(("error", code, why)) = serde_json::from_str::<(&str, i64, String)>(body) {
            let why = format!("{why} ({code})");
            return Err(VenueError::refused(venue, why));
        }
        let rows: Vec<Row<'_>> = parse_response(venue, body)?;
        for row in &rows {
            on(read_row(row).map_err(to_venue_error(venue))?);
        }
        Ok(())
    }
}

impl Venue for Bitfinex {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usd
    }

    /// USDT is called UST here; a base of more than three letters is followed by a colon.
    fn symbol(&self, pair: &Pair) -> String {
        let quote = match pair.quote.as_str() {
            "USDT" => "UST",
            quote => quote,
        };
        let colon = if pair.base.len() > 3 { ":" } else { "" };
        format!("t{}{colon}{quote}", pair.base)
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://api-pub.bitfinex.com/ws/2",
            ping: Ping::Message(Millis::seconds(20), r#"{"event":"ping","cid":1}"#),
            byte_timeout: Millis::seconds(45),
            message_timeout: Millis::seconds(45),
            max_age: None,
            connect_limit: RateLimit {
                count: 20,
                per: Millis::minutes(1),
            },
            gap_detection: GapDetection::FrameNumbers,
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        let conf = Subscription {
            text: serde_json::json!({"event": "conf", "flags": FLAGS}).to_string(),
            acks: vec![CONF],
        };
        let trades = symbols.iter().map(|symbol| {
            let request =
                serde_json::json!({"event": "subscribe", "channel": "trades", "symbol": symbol});
            Subscription {
                text: request.to_string(),
                acks: vec![Ack::Topic {
                    channel: "trades".into(),
                    symbol: symbol.clone().into(),
                    number: None,
                }],
            }
        });
        std::iter::once(conf).chain(trades).collect()
    }

    fn read_frame(
        &self,
        frame: &str,
        channels: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        // Nearly every frame is one of these, and needn't be read twice.
        if is_trade(frame) {
            let trade: TradeFrame<'_> = read_json(frame, "trade")?;
            return on_trade(&trade, channels, on);
        }
        if let Ok(("error", code, why)) = serde_json::from_str::<(&str, i64, String)>(frame) {
            on(VenueEvent::refused(format!("{why} ({code})")));
            return Ok(());
        }
        if frame.trim_start().starts_with('[') {
            let parts: Parts<'_> = read_json(frame, "array")?;
            return read_array(&parts, channels, on);
        }
        on(read_event_message(frame, read_object(frame, "event")?)?);
        Ok(())
    }
}

fn read_event_message<'a>(
    frame: &str,
    message: EventMessage<'a>,
) -> Result<VenueEvent<'a>, FrameError> {
    Ok(match (message.event.as_ref(), message.code) {
        ("info", Some(20_051)) => VenueEvent::Status(StatusMessage::Restart),
        ("info", Some(20_060)) => VenueEvent::Status(StatusMessage::Down),
        ("info", Some(20_061)) => VenueEvent::Status(StatusMessage::Up),
        ("info", _) => match message.platform {
            Some(Platform { status: 1 }) => VenueEvent::Status(StatusMessage::Up),
            Some(_) => VenueEvent::Status(StatusMessage::Down),
            // A welcome has no code; of those that have one, only the ones above are known.
            None if message.code.is_none() => VenueEvent::Status(StatusMessage::Welcome),
            None => other_message(frame, "info"),
        },
        ("conf", _) if message.status.as_deref() == Some("OK") => acknowledged(frame, CONF),
        ("conf", _) => VenueEvent::refused("flags refused"),
        ("subscribed", _) => {
            let ack = Ack::Topic {
                channel: message.channel.unwrap_or_default(),
                symbol: message.symbol.or(message.key).unwrap_or_default(),
                number: message.number,
            };
            match acknowledged(frame, ack) {
                // Without its number, no frame of the channel could be told from another's.
                VenueEvent::Status(_) if message.number.is_none() => {
                    return Err(malformed("event", "a subscription without chanId"));
                }
                event => event,
            }
        }
        ("error", code) => {
            let (msg, code) = (message.msg.unwrap_or_default(), code.unwrap_or(0));
            let subject = message.symbol.or(message.key).unwrap_or_default();
            VenueEvent::refused(format!("{msg} {subject} ({code})").replace("  ", " "))
        }
        ("pong", _) => VenueEvent::Status(StatusMessage::Pong),
        (other, _) => other_message(frame, other.to_owned()),
    })
}
