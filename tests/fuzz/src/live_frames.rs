//! Frames of a venue's WebSocket, one a line, through all that a live one goes through: the connection's state machine,
//! the parser, the live view of the market and its minutes.

use foretell_core::rules::RulesVersion;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{
    ConnectionAction, ConnectionEvent, ConnectionInput, SocketId, Timeouts, VenueConnection,
};
use foretell_feed::event::{TradeId, VenueEvent};
use foretell_feed::market_view::{MarketView, WatchedSymbols};
use foretell_feed::minute_aggregator::MinuteAggregator;
use foretell_feed::stream::FeedEvent;
use foretell_feed::venue::{self, Pair, Venue};
use foretell_feed::websocket::ConnectionUpdate;

/// When the first frame comes, by our clock.
const BEGIN: UnixMillis = UnixMillis::literal(1_704_067_200_000);
/// Events of a frame beside those that its bytes hold: what the connection itself has to say.
const OWN_EVENTS: usize = 8;

macro_rules! venues {
    ($($name:ident $venue:ident),*) => {$(
        /// Frames of this venue.
        pub fn $name(bytes: &[u8]) {
            read_frames(&venue::$venue, bytes);
        }
    )*};
}

venues! {
    binance Binance, binance_us BinanceUs, bitfinex Bitfinex, bitstamp Bitstamp, bybit Bybit,
    coinbase_advanced CoinbaseAdvanced, coinbase_exchange CoinbaseExchange, gemini Gemini, kraken Kraken, okx Okx
}

fn read_frames(venue: &'static dyn Venue, bytes: &[u8]) {
    let symbol = |base: &str, quote: &str| venue.symbol(&Pair::new(base, quote));
    let quote = venue.default_quote().to_string();
    let symbols = [symbol("BTC", &quote), symbol("USDT", "USD")];
    let mut view = MarketView::new([WatchedSymbols {
        venue: venue.name(),
        symbol: (symbols[0].clone(), venue.default_quote()),
        usdt_usd: Some(symbols[1].clone()),
    }]);
    let mut minutes = MinuteAggregator::default();
    let mut connection = VenueConnection::new(
        venue,
        venue.limits(),
        Timeouts::default(),
        symbols.into(),
        1,
    );
    let (mut now, mut open) = (Millis::seconds(0), None);
    let actions = connection.handle(now, ConnectionInput::Tick, &mut |_| {});
    follow(&mut connection, now, actions, &mut open);
    for frame in String::from_utf8_lossy(bytes).lines() {
        now = now + Millis::seconds(1);
        let Some(socket) = open else {
            let actions = connection.handle(now, ConnectionInput::Tick, &mut |_| {});
            follow(&mut connection, now, actions, &mut open);
            continue;
        };
        let received = BEGIN + now;
        let text = frame;
        let update = ConnectionUpdate::Frame {
            socket,
            received,
            text,
        };
        view.observe(venue.name(), &update);
        let mut events = 0;
        let input = ConnectionInput::Text(socket, frame, received);
        let actions = connection.handle(now, input, &mut |event| {
            events += 1;
            if let ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(trade))) = &event {
                assert!(trade.price.is_positive() && trade.size.is_positive());
                assert!(trade.price.to_f64().is_finite() && trade.size.to_f64().is_finite());
                if let TradeId::Text(id) = trade.id {
                    assert!(id.len() <= frame.len());
                }
                let _ = minutes.add_trade(received, trade);
            }
            view.observe(venue.name(), &ConnectionUpdate::Event(event));
        });
        assert!(
            events <= OWN_EVENTS + frame.len(),
            "{events} events of {} bytes",
            frame.len()
        );
        follow(&mut connection, now, actions, &mut open);
        if let Some(offset) = connection.clock_offset() {
            view.observe(venue.name(), &ConnectionUpdate::ClockOffset(offset));
        }
    }
    let rules = RulesVersion::V1.rules().minute;
    let _ = view.live_price(BEGIN + now, &rules);
    let _ = view.minute_price(BEGIN, &rules);
    serde_json::to_string(&view.venues()).expect("a status is JSON");
    assert!(connection.stats().ignored.len() <= 1 + bytes.len());
}

/// Does what the owner of real sockets does: whatever is to be opened, opens at once.
fn follow(
    connection: &mut VenueConnection,
    now: Millis,
    actions: Vec<ConnectionAction>,
    open: &mut Option<SocketId>,
) {
    for action in actions {
        match action {
            ConnectionAction::Open(id) => {
                *open = Some(id);
                let more = connection.handle(now, ConnectionInput::Opened(id), &mut |_| {});
                follow(connection, now, more, open);
            }
            ConnectionAction::Close(id) => {
                open.take_if(|socket| *socket == id);
            }
            ConnectionAction::Send(..) | ConnectionAction::Ping(_) => {}
        }
    }
}
