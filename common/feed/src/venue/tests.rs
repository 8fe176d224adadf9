//! What holds for every venue. Frames here are small and our own.

use foretell_core::time::{Millis, UnixMillis};

use super::*;
use crate::event::{Ignored, Market, Side, Status};

mod candles;
mod trades;
mod words;

/// Everything that a frame says, in short.
fn said(venue: &dyn Venue, frame: &str) -> Vec<String> {
    said_with(venue, frame, &Channels::default())
}

fn said_with(venue: &dyn Venue, frame: &str, channels: &Channels) -> Vec<String> {
    let mut said = Vec::new();
    let read = venue.read_frame(frame, channels, &mut |event| said.push(short(&event)));
    if let Err(error) = read {
        said.push(format!("{}: {error}", error.name()));
    }
    said
}

fn short(event: &Event<'_>) -> String {
    let market = |market: &Market<'_>| match market {
        Market::Symbol(symbol) => symbol.to_string(),
        Market::Channel(number) => format!("#{number}"),
    };
    match event {
        Event::Trade(t) => format!(
            "trade {} {} {} × {} {} {}",
            market(&t.market),
            t.time,
            t.price,
            t.size,
            t.id,
            t.taker.map_or("?", Side::name)
        ),
        Event::Candle(c) => format!(
            "candle {} {} {} {} {} {} {} {:?}",
            c.market.as_ref().map_or("-".into(), market),
            c.open_time,
            c.open,
            c.high,
            c.low,
            c.close,
            c.volume,
            c.closed
        ),
        Event::Status(Status::Subscribed(ack)) => format!("subscribed {ack}"),
        Event::Status(Status::Heartbeat { time: Some(time) }) => format!("heartbeat {time}"),
        Event::Status(status) => format!("{status:?}"),
        Event::Refused(why) => format!("refused {why}"),
        Event::Ignored(Ignored::Protocol(name)) => format!("not spoken {name}"),
        Event::Ignored(ignored) => format!("ignored {}", ignored.name()),
        Event::Sequence(number) => format!("frame {number}"),
    }
}

#[test]
fn names_are_unique_and_found() {
    for venue in ALL {
        assert_eq!(by_name(venue.name()).unwrap().name(), venue.name());
    }
    assert_eq!(candle_source("replay").unwrap().name(), "replay");
    let error = by_name("mtgox").unwrap_err().to_string();
    assert!(
        error.contains("mtgox") && error.contains("bitfinex"),
        "{error}"
    );
}

#[test]
fn a_pair_is_written_as_each_venue_does() {
    let btc: Pair = "btc/usd".parse().unwrap();
    let tether = Pair::new("BTC", "USDT");
    let long = Pair::new("AVAX", "USD");
    for (venue, pair, stream, rest) in [
        (&Binance as &dyn Venue, &tether, "BTCUSDT", "BTCUSDT"),
        (&BinanceUs, &tether, "BTCUSDT", "BTCUSDT"),
        (&Bitfinex, &btc, "tBTCUSD", "tBTCUSD"),
        (&Bitfinex, &tether, "tBTCUST", "tBTCUST"),
        (&Bitfinex, &long, "tAVAX:USD", "tAVAX:USD"),
        (&Bitstamp, &btc, "btcusd", "btcusd"),
        (&Bybit, &tether, "BTCUSDT", "BTCUSDT"),
        (&CoinbaseAdvanced, &btc, "BTC-USD", "BTC-USD"),
        (&CoinbaseExchange, &btc, "BTC-USD", "BTC-USD"),
        (&Gemini, &btc, "btcusd", "btcusd"),
        (&Kraken, &btc, "BTC/USD", "XBTUSD"),
        (&Okx, &tether, "BTC-USDT", "BTC-USDT"),
    ] {
        assert_eq!(venue.symbol(pair), stream, "{}", venue.name());
        assert_eq!(venue.rest_symbol(pair), rest, "{}", venue.name());
    }
    for text in ["BTCUSD", "/USD", "BTC/", "BTC/US D", "A/B/C"] {
        assert!(text.parse::<Pair>().is_err(), "{text}");
    }
}
