//! Random sequences of inputs: the invariants of a connection hold after each.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Open,
    Ack,
    Trade,
    Heartbeat,
    Garbage,
    Bytes,
    Break,
    Refuse(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..200_000_i64).prop_map(Step::Wait),
        Just(Step::Open),
        Just(Step::Ack),
        Just(Step::Trade),
        Just(Step::Heartbeat),
        Just(Step::Garbage),
        Just(Step::Bytes),
        Just(Step::Break),
        prop_oneof![Just(429), Just(451), Just(500)].prop_map(Step::Refuse),
        Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// After any inputs, at most two sockets are open beside those that drain, and each was opened once and closed or
    /// lost once. With a venue that works from then on, the connection is live again within the longest wait.
    #[test]
    fn it_recovers_from_anything(steps in steps()) {
        let ack = r#"{"result":null,"id":1}"#;
        let mut harness = Harness::new("binance", "BTCUSDT");
        let mut id = 0;
        let mut open: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
        for step in steps {
            for action in harness.actions() {
                match action {
                    ConnectionAction::Open(socket) => prop_assert!(open.insert(socket.0)),
                    ConnectionAction::Close(socket) => prop_assert!(open.remove(&socket.0)),
                    ConnectionAction::Send(socket, _) | ConnectionAction::Ping(socket) => prop_assert!(open.contains(&socket.0)),
                }
            }
            prop_assert!(open.len() <= 3, "{:?}", open);
            let last = open.last().copied().unwrap_or(0);
            match step {
                Step::Wait(span) => harness.advance(Millis::saturating(span)),
                Step::Open => harness.opened(last),
                Step::Ack => harness.text(last, ack),
                Step::Trade => {
                    id += 1;
                    harness.text(last, &format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#));
                }
                Step::Heartbeat => harness.input(ConnectionInput::Control(SocketId(last))),
                Step::Garbage => harness.text(last, "{"),
                Step::Bytes => harness.input(ConnectionInput::Bytes(SocketId(last))),
                Step::Break if open.remove(&last) => harness.closed(last, broken()),
                Step::Refuse(status) if open.remove(&last) => {
                    harness.closed(last, DisconnectReason::HttpStatus { status, retry_after: None });
                }
                Step::Break | Step::Refuse(_) => {}
                Step::Restart => harness.text(last, r#"{"e":"serverShutdown","E":1}"#),
            }
        }
        // From now on the venue works.
        let deadline = harness.now + Millis::minutes(25);
        while !harness.connection.is_live() && harness.now < deadline {
            for action in harness.actions() {
                match action {
                    ConnectionAction::Open(SocketId(socket)) => {
                        harness.opened(socket);
                        harness.text(socket, ack);
                    }
                    ConnectionAction::Send(SocketId(socket), _) => harness.text(socket, ack),
                    _ => {}
                }
            }
            harness.advance(SECOND);
        }
        prop_assert!(harness.connection.is_live());
    }
}
