//! Every misbehaviour of an exchange once: the connection is given up or replaced as it should be, and recovers.

use std::time::Duration;

use foretell_feed::venue;
use foretell_testkit::ScriptStep;

use super::client::{assert_recovers, client_of_script};

#[tokio::test]
async fn a_cut_connection_is_replaced() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("lost 1 connection broke").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn a_stalled_connection_is_silence() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::Stall,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("lost 1 not a byte for 500 ms").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn heartbeats_without_trades_open_the_next_connection_first() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("leaving 1 Quiet").await;
    let notes = assert_recovers(client).await;
    assert!(
        !notes.iter().any(|note| note.starts_with("lost")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn trades_twice_count_once() {
    let twice = [
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendTrade(1, "50000", 0),
    ];
    let script = [
        vec![ScriptStep::AcknowledgeSubscriptions],
        twice.to_vec(),
        vec![ScriptStep::Disconnect],
    ]
    .concat();
    let (_exchange, mut client) = client_of_script("coinbase_exchange", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("again 1").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn trades_out_of_order_are_all_read_and_the_gap_is_noted() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendTrade(4, "50003", 0),
        ScriptStep::SendTrade(2, "50001", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("binance", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("missed 2").await;
    client.wait_for("trade 4 ").await;
    client.wait_for("trade 2 ").await;
    assert_recovers(client).await;
}

/// A price is passed on as the venue sends it; that it is absurd is found at settlement, among other venues.
#[tokio::test]
async fn prices_of_a_wrong_scale_are_passed_on_and_end_no_connection() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "5000050", 0),
        ScriptStep::SendText(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":-1,"qty":0.5,"ord_type":"market","trade_id":2,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        ScriptStep::SendTrade(3, "50000", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 at 5000050 ").await;
    client.wait_for("fault malformed").await;
    client.wait_for("trade 3 ").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn a_half_open_socket_is_given_up() {
    let (_exchange, mut client) = client_of_script("kraken", vec![ScriptStep::HalfOpen]).await;
    client.wait_for("lost 1 no connection within 1000 ms").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn statuses_429_and_451_are_honoured() {
    for (status, retry_after, least) in [(429, Some(1), 1_000), (451, None, 300)] {
        let (_exchange, mut client) = client_of_script(
            "okx",
            vec![ScriptStep::RejectHandshake(status, retry_after)],
        )
        .await;
        client
            .wait_for(&format!("lost 1 the venue answered status {status}"))
            .await;
        let turned_away = tokio::time::Instant::now();
        client.wait_for("live").await;
        assert!(
            turned_away.elapsed() >= Duration::from_millis(least),
            "{status}"
        );
        client.stop().await;
    }
}

#[tokio::test]
async fn an_ignored_subscription_is_noticed() {
    let (_exchange, mut client) = client_of_script(
        "kraken",
        vec![
            ScriptStep::IgnoreSubscriptions,
            ScriptStep::SendHeartbeats(60_000),
        ],
    )
    .await;
    client
        .wait_for("lost 1 trade BTC/USD was not acknowledged within 400 ms")
        .await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn a_rejected_subscription_ends_the_connection_with_its_reason() {
    for venue in venue::ALL {
        let name = venue.name();
        let (_exchange, mut client) = client_of_script(
            name,
            vec![
                ScriptStep::RejectSubscriptions,
                ScriptStep::SendHeartbeats(60_000),
            ],
        )
        .await;
        let lost = client.wait_for("lost 1 subscription refused").await;
        assert!(lost.contains("check the venue's pairs"), "{name}: {lost}");
        assert_recovers(client).await;
    }
}

#[tokio::test]
async fn a_restart_notice_opens_the_next_connection_first() {
    for name in ["binance", "bitfinex", "bitstamp", "okx"] {
        let script = vec![
            ScriptStep::AcknowledgeSubscriptions,
            ScriptStep::SendRestartNotice,
            ScriptStep::SendHeartbeats(60_000),
        ];
        let (_exchange, mut client) = client_of_script(name, script).await;
        client.wait_for("leaving 1 Notice").await;
        let notes = assert_recovers(client).await;
        assert!(
            !notes.iter().any(|note| note.starts_with("lost")),
            "{name}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn a_frame_that_never_ends_counts_as_silence() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendSlowly,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 ").await;
    client
        .wait_for("lost 1 no message, heartbeat or pong for 500 ms")
        .await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn malformed_frames_and_unknown_markets_kill_nothing() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendText("{"),
        ScriptStep::SendText("nonsense"),
        ScriptStep::SendText(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","side":"sell","price":1,"qty":1,"ord_type":"market","trade_id":1,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        ScriptStep::SendTrade(2, "50000", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("fault not_json").await;
    client.wait_for("fault not_json").await;
    client.wait_for("unknown market").await;
    client.wait_for("trade 2 ").await;
    let notes = client.stop().await;
    assert!(
        !notes.iter().any(|note| note.starts_with("lost")),
        "{notes:?}"
    );
}
