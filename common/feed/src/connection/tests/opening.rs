//! Opening, subscribing, and coming back after a loss.

use super::*;

#[test]
fn it_opens_subscribes_and_goes_live_once_every_topic_is_acknowledged() {
    let mut lab = Lab::new("bitfinex", "tBTCUSD");
    assert_eq!(lab.opens(), [1]);
    lab.opened(1);
    let sent = lab.actions();
    assert_eq!(sent.len(), 2);
    assert!(matches!(&sent[0], Action::Send(SocketId(1), text) if text.contains("98304")));
    lab.text(1, r#"{"event":"conf","status":"OK","flags":98304}"#);
    assert!(!lab.connection.is_live());
    lab.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":5,"symbol":"tETHUSD"}"#,
    );
    assert!(!lab.connection.is_live());
    lab.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":6,"symbol":"tBTCUSD"}"#,
    );
    assert!(lab.connection.is_live());
    assert_eq!(lab.said().last().unwrap(), "live 1");
}

#[test]
fn what_does_not_open_or_acknowledge_in_time_is_given_up() {
    let mut lab = Lab::new("kraken", "BTC/USD");
    lab.pass(Millis::seconds(10));
    assert_eq!(lab.said(), ["lost 1 no connection within 10000 ms"]);
    lab.pass(Millis::seconds(2));
    let opens = lab.opens();
    assert_eq!(opens, [1, 2]);
    lab.opened(2);
    // Heartbeats don't help: the subscription was ignored.
    lab.chatter(2, Millis::seconds(10), BEAT);
    let said = lab.said();
    assert_eq!(
        said.iter().find(|said| said.starts_with("lost")).unwrap(),
        "lost 2 trade BTC/USD was not acknowledged within 10000 ms"
    );
}

#[test]
fn a_refused_subscription_is_loud_and_not_hammered() {
    let mut lab = Lab::new("kraken", "XBT/USD");
    lab.opened(1);
    lab.text(1, r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD"}"#);
    let said = lab.said();
    let loss = "lost 1 subscription refused: Currency pair not supported XBT/USD; check the venue's pairs in the configuration";
    assert_eq!(said.last().unwrap(), loss);
    lab.actions();
    lab.pass(Millis::minutes(9));
    assert_eq!(lab.opens(), [0; 0]);
    lab.pass(Millis::minutes(2));
    assert_eq!(lab.opens()[0], 2);
}

#[test]
fn retries_are_jittered_bounded_and_quick_again_after_a_steady_minute() {
    let mut lab = Lab::new("kraken", "BTC/USD");
    let mut waits = Vec::new();
    for id in 1..=30 {
        lab.gone(id, broken());
        let lost = lab.now;
        lab.actions();
        while lab.opens().is_empty() {
            let next = lab.connection.next_tick(lab.now);
            lab.until(next.max(lab.now + Millis(1)));
        }
        waits.push(lab.now - lost);
    }
    assert!(waits[0] <= SECOND && waits[1] <= SECOND.times(2));
    assert!(waits.iter().all(|wait| *wait <= Millis::minutes(1)));
    assert!(waits[10..].iter().any(|wait| *wait > Millis::seconds(30)));
    assert!(waits[10..].iter().any(|wait| *wait < Millis::seconds(30)));
    // Live for less than a minute, it is no better.
    lab.opened(31);
    lab.text(31, ACK);
    lab.chatter(31, Millis::seconds(30), BEAT);
    assert!(lab.connection.backoff.after_loss(lab.now, Millis(0)) >= Millis(0));
    // After a minute it is.
    let mut lab = live();
    for _ in 0..10 {
        lab.connection.backoff.after_loss(lab.now, Millis(0));
    }
    lab.chatter(1, Millis::seconds(61), BEAT);
    lab.gone(1, broken());
    lab.actions();
    lab.pass(SECOND);
    assert_eq!(lab.opens(), [2]);
}

#[test]
fn a_venue_that_turns_us_away_is_left_alone_for_as_long_as_it_says() {
    for (status, retry_after, least) in [
        (429, Some(Millis::minutes(3)), Millis::minutes(3)),
        (503, Some(Millis::minutes(3)), Millis::minutes(3)),
        (418, None, Millis::minutes(10)),
        (451, None, Millis::minutes(10)),
        (403, None, Millis::minutes(10)),
    ] {
        let mut lab = Lab::new("kraken", "BTC/USD");
        lab.gone(
            1,
            Loss::Status {
                status,
                retry_after,
            },
        );
        let said = lab.said();
        assert!(said[0].contains(&status.to_string()), "{said:?}");
        assert_eq!(
            said[0].contains("region"),
            [403, 451].contains(&status),
            "{said:?}"
        );
        lab.actions();
        lab.pass(least - Millis(1));
        assert_eq!(lab.opens(), [0; 0], "{status}");
        lab.pass(Millis::seconds(2));
        assert_eq!(lab.opens(), [2], "{status}");
    }
}

#[test]
fn no_more_sockets_are_opened_than_the_venue_allows() {
    let terms = Terms {
        connects: Budget {
            count: 3,
            per: Millis::minutes(10),
        },
        ..venue::by_name("kraken").unwrap().terms()
    };
    let mut lab = Lab::with("kraken", "BTC/USD", terms);
    let mut opened = Vec::new();
    while lab.now < Millis::hours(1) {
        for id in lab.opens() {
            opened.push(lab.now);
            lab.gone(id, broken());
        }
        let next = lab.connection.next_tick(lab.now);
        lab.until(next.max(lab.now + Millis(1)));
    }
    assert!(opened.len() >= 15, "{opened:?}");
    for four in opened.windows(4) {
        assert!(four[3] - four[0] >= Millis::minutes(10), "{four:?}");
    }
}
