//! Whatever happens, and in whatever order, a connection keeps its promises.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Fate {
    Wait(i64),
    Open,
    Ack,
    Trade,
    Beat,
    Garbage,
    Bytes,
    Break,
    TurnAway(u16),
    Restart,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        (1..200_000_i64).prop_map(Fate::Wait),
        Just(Fate::Open),
        Just(Fate::Ack),
        Just(Fate::Trade),
        Just(Fate::Beat),
        Just(Fate::Garbage),
        Just(Fate::Bytes),
        Just(Fate::Break),
        prop_oneof![Just(429), Just(451), Just(500)].prop_map(Fate::TurnAway),
        Just(Fate::Restart),
    ];
    prop::collection::vec(fate, 1..200)
}

proptest! {
    /// Whatever happens, at most two sockets are wanted at once beside those that drain, each is opened once and closed
    /// or gone once, and given an honest venue the connection is live again within the longest wait.
    #[test]
    fn it_recovers_from_anything(fates in fates()) {
        let ack = r#"{"result":null,"id":1}"#;
        let mut lab = Lab::new("binance", "BTCUSDT");
        let mut id = 0;
        let mut open: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
        for fate in fates {
            for action in lab.actions() {
                match action {
                    Action::Open(socket) => prop_assert!(open.insert(socket.0)),
                    Action::Close(socket) => prop_assert!(open.remove(&socket.0)),
                    Action::Send(socket, _) | Action::Ping(socket) => prop_assert!(open.contains(&socket.0)),
                }
            }
            prop_assert!(open.len() <= 3, "{:?}", open);
            let last = open.last().copied().unwrap_or(0);
            match fate {
                Fate::Wait(span) => lab.pass(Millis(span)),
                Fate::Open => lab.opened(last),
                Fate::Ack => lab.text(last, ack),
                Fate::Trade => {
                    id += 1;
                    lab.text(last, &format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#));
                }
                Fate::Beat => lab.input(Input::Control(SocketId(last))),
                Fate::Garbage => lab.text(last, "{"),
                Fate::Bytes => lab.input(Input::Bytes(SocketId(last))),
                Fate::Break if open.remove(&last) => lab.gone(last, broken()),
                Fate::TurnAway(status) if open.remove(&last) => {
                    lab.gone(last, Loss::Status { status, retry_after: None });
                }
                Fate::Break | Fate::TurnAway(_) => {}
                Fate::Restart => lab.text(last, r#"{"e":"serverShutdown","E":1}"#),
            }
        }
        // From now on the venue is honest.
        let deadline = lab.now + Millis::minutes(25);
        while !lab.connection.is_live() && lab.now < deadline {
            for action in lab.actions() {
                match action {
                    Action::Open(SocketId(socket)) => {
                        lab.opened(socket);
                        lab.text(socket, ack);
                    }
                    Action::Send(SocketId(socket), _) => lab.text(socket, ack),
                    _ => {}
                }
            }
            lab.pass(SECOND);
        }
        prop_assert!(lab.connection.is_live());
    }
}
