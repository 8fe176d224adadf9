//! What is dead, what is only quiet, and who is replaced before that.

use super::*;

#[test]
fn silence_is_death_and_quiet_is_not() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(9), BEAT);
    assert!(lab.connection.is_live());
    assert!(lab.said().iter().all(|said| !said.starts_with("lost")));
    lab.pass(Millis::seconds(15));
    assert_eq!(lab.said(), ["lost 1 not a byte for 15000 ms"]);
    assert!(lab.actions().contains(&Action::Close(SocketId(1))));
}

#[test]
fn bytes_that_never_make_a_message_are_death_too() {
    let mut lab = live();
    for _ in 0..15 {
        lab.pass(SECOND);
        lab.input(Input::Bytes(SocketId(1)));
    }
    assert_eq!(
        lab.said(),
        ["lost 1 no message, heartbeat or pong for 15000 ms"]
    );
}

#[test]
fn a_pong_is_a_word() {
    let mut lab = live();
    for _ in 0..4 {
        lab.pass(Millis::seconds(10));
        lab.input(Input::Control(SocketId(1)));
    }
    assert!(lab.connection.is_live());
    let pings = lab.actions();
    let pings = pings
        .iter()
        .filter(|a| matches!(a, Action::Send(_, t) if t.contains("ping")));
    assert_eq!(pings.count(), 2);
}

#[test]
fn after_long_quiet_a_successor_is_opened_beside_and_takes_over_once_live() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(10), BEAT);
    assert!(lab.said().contains(&"leaving 1 Quiet".to_owned()));
    assert_eq!(lab.opens(), [2]);
    assert!(lab.connection.is_live());
    // The old socket still counts while the new one subscribes.
    lab.text(1, &trade(1));
    lab.opened(2);
    lab.text(2, &trade(1));
    lab.text(2, ACK);
    lab.text(1, &trade(2));
    lab.text(2, &trade(2));
    let said = lab.said();
    let trades: Vec<&String> = said
        .iter()
        .filter(|s| s.starts_with("trade") || s.starts_with("again"))
        .collect();
    assert_eq!(trades, ["trade 1", "again 1", "trade 2", "again 2"]);
    lab.actions();
    lab.pass(Millis::seconds(2));
    assert_eq!(lab.actions(), [Action::Close(SocketId(1))]);
    assert!(lab.connection.is_live());
    assert_eq!(lab.said(), [""; 0]);
}

#[test]
fn a_successor_that_fails_leaves_the_old_socket_in_place() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(10), BEAT);
    assert_eq!(lab.opens(), [2]);
    lab.gone(2, broken());
    assert!(lab.connection.is_live());
    lab.chatter(1, Millis::seconds(5), BEAT);
    assert_eq!(lab.opens(), [3]);
    assert!(lab.connection.is_live());
}

#[test]
fn a_restart_notice_and_old_age_bring_a_successor_first() {
    let ack = r#"{"result":null,"id":1}"#;
    let mut lab = Lab::new("binance", "BTCUSDT");
    lab.opened(1);
    lab.text(1, ack);
    lab.actions();
    lab.text(1, r#"{"e":"serverShutdown","E":1}"#);
    assert!(lab.said().contains(&"leaving 1 Notice".to_owned()));
    assert_eq!(lab.opens(), [2]);
    lab.opened(2);
    lab.text(2, ack);
    lab.said();
    let trade = |id: i64| {
        format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#)
    };
    let mut id = 0;
    while lab.now < Millis::hours(21) {
        id += 1;
        lab.pass(Millis::seconds(30));
        lab.text(2, &trade(id));
    }
    assert!(lab.said().iter().all(|said| said.starts_with("trade")));
    while lab.opens().is_empty() {
        id += 1;
        lab.pass(Millis::seconds(30));
        lab.text(2, &trade(id));
    }
    assert!(lab.said().contains(&"leaving 2 Age".to_owned()));
    assert!(
        lab.now > Millis::hours(21) && lab.now < Millis::hours(23),
        "{:?}",
        lab.now
    );
    assert!(lab.connection.is_live());
}
