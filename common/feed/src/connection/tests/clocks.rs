//! Deadlines: which sockets are dead, and which are replaced while they still work.

use super::*;

#[test]
fn a_socket_without_bytes_is_dead_and_one_without_trades_is_not() {
    let mut harness = live();
    harness.heartbeats(1, Millis::minutes(9), HEARTBEAT);
    assert!(harness.connection.is_live());
    assert!(
        harness
            .events()
            .iter()
            .all(|event| !event.starts_with("disconnected"))
    );
    harness.advance(Millis::seconds(15));
    assert_eq!(harness.events(), ["disconnected 1 not a byte for 15000 ms"]);
    assert!(
        harness
            .actions()
            .contains(&ConnectionAction::Close(SocketId(1)))
    );
}

#[test]
fn a_socket_whose_bytes_never_make_a_message_is_dead() {
    let mut harness = live();
    for _ in 0..15 {
        harness.advance(SECOND);
        harness.input(ConnectionInput::Bytes(SocketId(1)));
    }
    assert_eq!(
        harness.events(),
        ["disconnected 1 no message, heartbeat or pong for 15000 ms"]
    );
}

#[test]
fn a_pong_counts_as_a_message() {
    let mut harness = live();
    for _ in 0..4 {
        harness.advance(Millis::seconds(10));
        harness.input(ConnectionInput::Control(SocketId(1)));
    }
    assert!(harness.connection.is_live());
    let pings = harness.actions();
    let pings = pings
        .iter()
        .filter(|a| matches!(a, ConnectionAction::Send(_, t) if t.contains("ping")));
    assert_eq!(pings.count(), 2);
}

#[test]
fn after_long_quiet_a_successor_is_opened_beside_and_takes_over_once_live() {
    let mut harness = live();
    harness.heartbeats(1, Millis::minutes(10), HEARTBEAT);
    assert!(harness.events().contains(&"replacing 1 Quiet".to_owned()));
    assert_eq!(harness.opens(), [2]);
    assert!(harness.connection.is_live());
    // The old socket still counts while the new one subscribes.
    harness.text(1, &trade(1));
    harness.opened(2);
    harness.text(2, &trade(1));
    harness.text(2, ACK);
    harness.text(1, &trade(2));
    harness.text(2, &trade(2));
    let events = harness.events();
    let trades: Vec<&String> = events
        .iter()
        .filter(|s| s.starts_with("trade") || s.starts_with("duplicate"))
        .collect();
    assert_eq!(trades, ["trade 1", "duplicate 1", "trade 2", "duplicate 2"]);
    harness.actions();
    harness.advance(Millis::seconds(2));
    assert_eq!(harness.actions(), [ConnectionAction::Close(SocketId(1))]);
    assert!(harness.connection.is_live());
    assert_eq!(harness.events(), [""; 0]);
}

#[test]
fn a_successor_that_fails_leaves_the_old_socket_in_place() {
    let mut harness = live();
    harness.heartbeats(1, Millis::minutes(10), HEARTBEAT);
    assert_eq!(harness.opens(), [2]);
    harness.closed(2, broken());
    assert!(harness.connection.is_live());
    harness.heartbeats(1, Millis::seconds(5), HEARTBEAT);
    assert_eq!(harness.opens(), [3]);
    assert!(harness.connection.is_live());
}

#[test]
fn a_restart_notice_and_old_age_bring_a_successor_first() {
    let ack = r#"{"result":null,"id":1}"#;
    let mut harness = Harness::new("binance", "BTCUSDT");
    harness.opened(1);
    harness.text(1, ack);
    harness.actions();
    harness.text(1, r#"{"e":"serverShutdown","E":1}"#);
    assert!(harness.events().contains(&"replacing 1 Notice".to_owned()));
    assert_eq!(harness.opens(), [2]);
    harness.opened(2);
    harness.text(2, ack);
    harness.events();
    let trade = |id: i64| {
        format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#)
    };
    let mut id = 0;
    while harness.now < Millis::hours(21) {
        id += 1;
        harness.advance(Millis::seconds(30));
        harness.text(2, &trade(id));
    }
    assert!(
        harness
            .events()
            .iter()
            .all(|event| event.starts_with("trade"))
    );
    while harness.opens().is_empty() {
        id += 1;
        harness.advance(Millis::seconds(30));
        harness.text(2, &trade(id));
    }
    assert!(harness.events().contains(&"replacing 2 Age".to_owned()));
    assert!(
        harness.now > Millis::hours(21) && harness.now < Millis::hours(23),
        "{:?}",
        harness.now
    );
    assert!(harness.connection.is_live());
}
