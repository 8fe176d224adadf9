//! What holds for every venue. Frames here are small and our own.

use foretell_core::testing::assert_contains_all;
use foretell_core::time::Millis;

use super::*;
use crate::candle::Candle;
use crate::event::{Ack, IgnoredMessage, MarketId, Side, StatusMessage, VenueEvent};

mod candles;
mod control_messages;
mod hostile_messages;
mod refusals;
mod trades;

/// Every event of a frame, in short.
fn described(venue: &dyn Venue, frame: &str) -> Vec<String> {
    described_with(venue, frame, &ChannelMap::default())
}

fn described_with(venue: &dyn Venue, frame: &str, channels: &ChannelMap) -> Vec<String> {
    let mut events = Vec::new();
    let result = venue.read_frame(frame, channels, &mut |event| events.push(short(&event)));
    if let Err(error) = result {
        events.push(format!("{}: {error}", error.name()));
    }
    events
}

fn short(event: &VenueEvent<'_>) -> String {
    let market = |market: &MarketId<'_>| match market {
        MarketId::Symbol(symbol) => symbol.to_string(),
        MarketId::Channel(number) => format!("#{number}"),
    };
    match event {
        VenueEvent::Trade(t) => format!(
            "trade {} {} {} × {} {} {}",
            market(&t.market),
            t.time,
            t.price,
            t.size,
            t.id,
            t.taker.map_or("?", Side::name)
        ),
        VenueEvent::Candle(c) => format!(
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
        VenueEvent::Status(StatusMessage::Subscribed(ack)) => format!("subscribed {ack}"),
        VenueEvent::Status(StatusMessage::Heartbeat { time: Some(time) }) => {
            format!("heartbeat {time}")
        }
        VenueEvent::Status(status) => format!("{status:?}"),
        VenueEvent::Refused(why) => format!("refused {why}"),
        VenueEvent::Ignored(IgnoredMessage::UnsupportedProtocol(name)) => {
            format!("unsupported {name}")
        }
        VenueEvent::Ignored(ignored) => format!("ignored {}", ignored.name()),
        VenueEvent::Sequence(number) => format!("frame {number}"),
    }
}

#[test]
fn names_are_unique_and_found() {
    for venue in ALL {
        assert_eq!(by_name(venue.name()).unwrap().name(), venue.name());
    }
    assert_eq!(candle_source("replay").unwrap().name(), "replay");
    let error = by_name("mtgox").unwrap_err().to_string();
    assert_contains_all(&error, &["mtgox", "bitfinex", "replay"]);
}

#[test]
fn a_pair_is_written_as_each_venue_does() {
    let btc: Pair = "btc/usd".parse().unwrap();
    let usdt = Pair::new("BTC", "USDT");
    let long = Pair::new("AVAX", "USD");
    for (venue, pair, stream, rest) in [
        (&Binance as &dyn Venue, &usdt, "BTCUSDT", "BTCUSDT"),
        (&BinanceUs, &usdt, "BTCUSDT", "BTCUSDT"),
        (&Bitfinex, &btc, "tBTCUSD", "tBTCUSD"),
        (&Bitfinex, &usdt, "tBTCUST", "tBTCUST"),
        (&Bitfinex, &long, "tAVAX:USD", "tAVAX:USD"),
        (&Bitstamp, &btc, "btcusd", "btcusd"),
        (&Bybit, &usdt, "BTCUSDT", "BTCUSDT"),
        (&CoinbaseAdvanced, &btc, "BTC-USD", "BTC-USD"),
        (&CoinbaseExchange, &btc, "BTC-USD", "BTC-USD"),
        (&Gemini, &btc, "btcusd", "btcusd"),
        (&Kraken, &btc, "BTC/USD", "XBTUSD"),
        (&Okx, &usdt, "BTC-USDT", "BTC-USDT"),
    ] {
        assert_eq!(venue.symbol(pair), stream, "{}", venue.name());
        assert_eq!(venue.rest_symbol(pair), rest, "{}", venue.name());
    }
    for text in ["BTCUSD", "/USD", "BTC/", "BTC/US D", "A/B/C"] {
        assert!(text.parse::<Pair>().is_err(), "{text}");
    }
}
