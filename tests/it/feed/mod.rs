//! The feed against a fake exchange over real loopback sockets: every venue once as it should be, and every misbehaviour
//! once, with short real deadlines.

mod client;
mod misbehaviour;
mod wss;

use foretell_cli::clock::system_now;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{ConnectionEvent, VenueConnection};
use foretell_feed::event::VenueEvent;
use foretell_feed::minute_aggregator::MinuteAggregator;
use foretell_feed::rest::RestClient;
use foretell_feed::stream::FeedEvent;
use foretell_feed::tls;
use foretell_feed::venue::{self, CandleQuery, Pair};
use foretell_feed::websocket::{self, ConnectionUpdate, SocketEndpoint, SocketUrl};
use foretell_testkit::{CandleTexts, FakeExchange, ScriptStep};
use tokio_util::sync::CancellationToken;

use self::client::{TEST_TIMEOUT, TIMEOUTS, client_of_script, venue_named, with_short_timeouts};

#[tokio::test]
async fn trades_of_every_venue_are_read() {
    for venue in venue::ALL {
        let name = venue.name();
        let script = vec![
            ScriptStep::AcknowledgeSubscriptions,
            ScriptStep::SendTrade(7, "50000.50", 0),
            ScriptStep::SendTrade(8, "50001.25", 0),
            ScriptStep::SendTrade(8, "50001.25", 0),
            ScriptStep::SendHeartbeats(60_000),
        ];
        let (_exchange, mut client) = client_of_script(name, script).await;
        client.wait_for("live 1").await;
        client.wait_for("trade 7 at 50000.50").await;
        client.wait_for("trade 8 at 50001.25").await;
        client.wait_for("again 8").await;
        let notes = client.stop().await;
        let unexpected = notes.iter().filter(|note| {
            ["lost", "fault", "unknown market", "missed", "leaving"]
                .iter()
                .any(|bad| note.starts_with(bad))
        });
        assert_eq!(unexpected.count(), 0, "{name}: {notes:?}");
        assert_eq!(
            notes
                .iter()
                .filter(|note| note.starts_with("trade"))
                .count(),
            2,
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_venues_candles_are_read_over_http() {
    const START: i64 = 1_767_225_600_000;
    let minute = |i: i64, numbers: [&str; 5]| (START + 60_000 * i, numbers.map(str::to_owned));
    let minutes: Vec<CandleTexts> = vec![
        minute(0, ["10.5", "12", "10", "11", "3.5"]),
        minute(1, ["11", "11.5", "11", "11.25", "0.5"]),
        minute(2, ["11.25", "13", "11.25", "12", "1"]),
    ];
    for venue in venue::ALL {
        let (_, symbol) = venue_named(venue.name());
        let pair = Pair::new("BTC", &venue.default_quote().to_string());
        let exchange =
            FakeExchange::start_with(venue, &[symbol], vec![vec![]], minutes.clone(), None).await;
        let rest = RestClient::new(TEST_TIMEOUT).unwrap();
        let query = CandleQuery {
            symbol: &venue.rest_symbol(&pair),
            step: Millis::minutes(1),
            from: UnixMillis::literal(START),
            to: UnixMillis::literal(START + 120_000),
        };
        let candles = rest
            .candles_with_forming(venue, &exchange.rest_url(), &query)
            .await
            .unwrap();
        let read: Vec<_> = candles
            .iter()
            .map(|c| {
                (
                    c.bar.open_time.get(),
                    c.bar.open.get(),
                    c.bar.high.get(),
                    c.bar.low.get(),
                    c.bar.close.get(),
                    c.bar.volume,
                )
            })
            .collect();
        let expected = [
            (START, 10.5, 12.0, 10.0, 11.0, 3.5),
            (START + 60_000, 11.0, 11.5, 11.0, 11.25, 0.5),
            (START + 120_000, 11.25, 13.0, 11.25, 12.0, 1.0),
        ];
        assert_eq!(read, expected, "{}", venue.name());
        let closed: Vec<_> = candles.iter().map(|candle| candle.closed).collect();
        assert_eq!(closed[..2], [Some(true); 2], "{}", venue.name());
        assert_ne!(closed[2], Some(true), "{}", venue.name());
    }
}

/// A trade of an hour ago is passed on, and counts in no minute.
#[tokio::test]
async fn old_timestamps_count_in_no_minute() {
    let (venue, symbol) = venue_named("kraken");
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "1", 3_600_000),
        ScriptStep::SendTrade(2, "50000.50", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let exchange = FakeExchange::start(venue, &symbol, vec![script]).await;
    let connection =
        VenueConnection::new(venue, with_short_timeouts(venue), TIMEOUTS, vec![symbol], 1);
    let stop = CancellationToken::new();
    let mut minutes = MinuteAggregator::default();
    let mut at = UnixMillis::EPOCH;
    let mut observe = |update: ConnectionUpdate<'_>| match update {
        ConnectionUpdate::Frame { received, .. } => at = received,
        ConnectionUpdate::Event(ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(
            trade,
        )))) => {
            assert_eq!(minutes.add_trade(at, &trade), None);
            if trade.price.to_string() == "50000.50" {
                stop.cancel();
            }
        }
        ConnectionUpdate::Event(_) | ConnectionUpdate::ClockOffset(_) => {}
    };
    let address = SocketUrl::new(&exchange.stream_url()).unwrap();
    let run = websocket::run(
        connection,
        SocketEndpoint {
            address,
            tls: tls::client_config().unwrap(),
            clock: system_now,
        },
        stop.clone(),
        &mut observe,
    );
    tokio::time::timeout(TEST_TIMEOUT, run).await.unwrap();
    assert_eq!(minutes.late_trades(), 1);
    let forming: Vec<&str> = minutes
        .forming()
        .map(|minute| minute.low.as_str())
        .collect();
    assert_eq!(forming, ["50000.50"]);
}
