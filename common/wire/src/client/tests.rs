//! Over real sockets: what a miner may answer, and when it is cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Extension, Json, Router};
use foretell_core::hash::Hex;
use foretell_core::round::Receipt;
use foretell_core::testing::{MONDAY, STEP, btc_usd};
use foretell_core::time::UnixMillis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::answer_memory::AnswerMemory;
use super::transport::{MAX_HEAD_BYTES, MAX_SAID_CHARS};
use super::*;
use crate::authorization::require_authorization;
use crate::callers::{Caller, Callers};
use crate::messages::DELAY_HEADER;
use crate::test_clock::system_nanos;

/// Longer than any of these tests takes.
const PATIENT: Duration = Duration::from_secs(20);
/// A deadline that a peer is meant to miss.
const SHORT: Duration = Duration::from_millis(200);
const PAYLOAD: &str = r#"{"kind":"quantiles","k":1,"values":[1.0]}"#;

fn miner() -> Keypair {
    Keypair::derived(1, "miner")
}

fn client() -> MinerClient {
    MinerClient::new(Keypair::derived(1, "validator"), system_nanos).unwrap()
}

fn commit_request() -> CommitRequest {
    CommitRequest::new(&btc_usd(1), MONDAY, MONDAY, MONDAY)
}

fn reveal_request() -> RevealRequest {
    RevealRequest {
        round: commit_request().round,
        receipt: Receipt {
            commitment: Hex([1; 32]),
            arrival: UnixMillis::EPOCH,
            signature: Hex([2; 64]),
        },
    }
}

fn committed(signer: &Keypair, caller: &Hotkey, request: &CommitRequest) -> CommitResponse {
    let commitment = Hex([1; 32]);
    let text = answer_text(&request.round, caller, &commitment);
    CommitResponse {
        commitment,
        signature: signer.sign(text.as_bytes()),
    }
}

async fn served(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    address
}

/// A service that answers every request for a commitment with `answer`.
async fn answering(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> SocketAddr {
    let route = post(move || async move { answer });
    served(Router::new().route(COMMIT_ROUTE, route)).await
}

/// A peer that reads a request and then does what `answer` does with the connection; its task gives whether the
/// connection was cut.
async fn peer<F>(
    answer: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, tokio::task::JoinHandle<bool>)
where
    F: Future<Output = std::io::Result<()>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 4096]).await.unwrap();
        assert!(read > 0);
        answer(stream).await.is_err()
    });
    (address, task)
}

async fn commitment_from(
    address: SocketAddr,
    deadline: Duration,
) -> Result<VerifiedAnswer<CommitResponse>, MinerRequestError> {
    client()
        .request_commitment(&miner().hotkey(), address, &commit_request(), deadline)
        .await
}

fn why(answered: Result<VerifiedAnswer<CommitResponse>, MinerRequestError>) -> String {
    match answered {
        Err(error @ MinerRequestError::InvalidAnswer { .. }) => {
            assert!(!error.is_transient());
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Status, `Retry-After` in seconds, and what a miner says that refuses; whether it is to be asked again.
fn refusal(
    answered: Result<VerifiedAnswer<CommitResponse>, MinerRequestError>,
) -> (u16, Option<u64>, String, bool) {
    let again = answered
        .as_ref()
        .is_err_and(MinerRequestError::is_transient);
    match answered {
        Err(MinerRequestError::Refused {
            status,
            retry_after,
            said,
            ..
        }) => (status, retry_after.map(|wait| wait.as_secs()), said, again),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_honest_miner_that_requires_authorization_gives_verified_answers() {
    let commit = |Extension(Caller(caller)): Extension<Caller>,
                  Json(request): Json<CommitRequest>| async move {
        Json(committed(&miner(), &caller, &request))
    };
    let reveal = |Extension(Caller(caller)): Extension<Caller>,
                  Json(request): Json<RevealRequest>| async move {
        let text = reveal_text(&request.round, &caller, PAYLOAD.as_bytes());
        Json(RevealResponse {
            nonce: Hex([3; 32]),
            payload: PAYLOAD.to_owned(),
            signature: miner().sign(text.as_bytes()),
        })
    };
    let routes = Router::new()
        .route(COMMIT_ROUTE, post(commit))
        .route(REVEAL_ROUTE, post(reveal));
    let routes = require_authorization(routes, miner().hotkey(), Callers::anyone(), system_nanos);
    let address = served(routes).await;

    let answered = commitment_from(address, PATIENT).await.unwrap();
    let own = client().key().hotkey();
    let expected = committed(&miner(), &own, &commit_request());
    assert_eq!(answered.answer, expected);
    let revealed = client()
        .request_reveal(&miner().hotkey(), address, &reveal_request(), PATIENT)
        .await
        .unwrap();
    assert_eq!(revealed.answer.payload, PAYLOAD);
    assert_eq!(revealed.declared_delay, DeclaredDelay::Millis(0));
}

#[tokio::test]
async fn round_after_round_goes_over_one_connection() {
    let commit = |Extension(Caller(caller)): Extension<Caller>,
                  Json(request): Json<CommitRequest>| async move {
        Json(committed(&miner(), &caller, &request))
    };
    let routes = Router::new().route(COMMIT_ROUTE, post(commit));
    let routes = require_authorization(routes, miner().hotkey(), Callers::anyone(), system_nanos);
    let connections = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&connections);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    tokio::spawn(axum::serve(listener, routes).into_future());
    let client = client();
    for _ in 0..100 {
        let (hotkey, request) = (miner().hotkey(), commit_request());
        let answered = client.request_commitment(&hotkey, address, &request, PATIENT);
        answered.await.unwrap();
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_that_the_miner_did_not_sign_is_no_answer() {
    let own = client().key().hotkey();
    let request = commit_request();
    let mut other_round = request.clone();
    other_round.round.origin = other_round.round.origin + STEP;
    for forged in [
        committed(&Keypair::derived(2, "miner"), &own, &request),
        committed(&miner(), &miner().hotkey(), &request),
        committed(&miner(), &own, &other_round),
    ] {
        let answered = commitment_from(answering(Json(forged)).await, PATIENT).await;
        assert!(
            matches!(answered, Err(MinerRequestError::BadSignature)),
            "{answered:?}"
        );
    }

    let unsigned = RevealResponse {
        nonce: Hex([3; 32]),
        payload: PAYLOAD.to_owned(),
        signature: Hex([0; 64]),
    };
    let route = post(|| async { Json(unsigned) });
    let address = served(Router::new().route(REVEAL_ROUTE, route)).await;
    let answered = client()
        .request_reveal(&miner().hotkey(), address, &reveal_request(), PATIENT)
        .await;
    assert!(
        matches!(answered, Err(MinerRequestError::BadSignature)),
        "{answered:?}"
    );
}

#[tokio::test]
async fn an_invalid_answer_is_described_and_not_quoted() {
    let address = answering("rubbish").await;
    let reason = why(commitment_from(address, PATIENT).await);
    assert_eq!(
        reason,
        "not the JSON of the route: no JSON, at line 1 column 1"
    );
    let foreign = format!(r#"{{"commitment": "{}"}}"#, "x".repeat(3_000));
    let reason = why(commitment_from(answering(foreign).await, PATIENT).await);
    assert!(!reason.contains("xx") && reason.len() < 120, "{reason}");
}

#[tokio::test]
async fn a_refusal_says_whether_to_ask_again_and_little_of_what_it_is_told() {
    let long = "x".repeat(30_000) + "\u{1b}[2J";
    for (status, again) in [
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (425, true),
        (429, true),
        (500, false),
        (502, false),
        (503, true),
        (504, false),
    ] {
        let code = StatusCode::from_u16(status).unwrap();
        let address = answering((code, [("retry-after", "3")], long.clone())).await;
        let expected = (status, Some(3), "x".repeat(MAX_SAID_CHARS), again);
        assert_eq!(refusal(commitment_from(address, PATIENT).await), expected);
    }
    let address = answering((StatusCode::IM_A_TEAPOT, "\u{1b}[2J\r\nno\u{7}")).await;
    let expected = (418, None, "[2Jno".to_owned(), false);
    assert_eq!(refusal(commitment_from(address, PATIENT).await), expected);
}

/// A redirection would let a miner point the validator at any address.
#[tokio::test]
async fn no_redirection_is_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = format!("http://{}/", elsewhere.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        let code = StatusCode::from_u16(status).unwrap();
        let address = answering((code, [("location", location.clone())])).await;
        let (found, ..) = refusal(commitment_from(address, PATIENT).await);
        assert_eq!(found, status);
    }
    let asked = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(asked.is_err(), "the other address was asked");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_cap() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
    ] {
        let (address, cut) = peer(move |mut stream| async move {
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 1024]).await?;
            }
        })
        .await;
        match commitment_from(address, PATIENT).await {
            // A length that is none is no HTTP.
            Err(MinerRequestError::Unreachable(_)) => {
                assert!(head.contains("18446744073709551615"));
            }
            answered => assert_eq!(why(answered), "longer than 4096 bytes"),
        }
        assert!(cut.await.unwrap());
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut() {
    for (line, lines) in [
        (format!("x: {}\r\n", "y".repeat(MAX_HEAD_BYTES)), 1),
        (format!("x: {}\r\n", "y".repeat(500)), 1_000_000),
    ] {
        let (address, cut) = peer(move |mut stream| async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            for _ in 0..lines {
                stream.write_all(line.as_bytes()).await?;
            }
            // Until the client hangs up.
            stream.write_all(b"content-length: 2\r\n\r\n{}").await?;
            while stream.read(&mut [0]).await? > 0 {}
            Err(std::io::ErrorKind::ConnectionAborted.into())
        })
        .await;
        let answered = commitment_from(address, PATIENT).await;
        let too_long = AnswerFault::TooLong(MAX_HEAD_BYTES);
        assert!(
            match &answered {
                Err(MinerRequestError::Unreachable(_)) => true,
                Err(MinerRequestError::InvalidAnswer { why, .. }) => *why == too_long,
                _ => false,
            },
            "{answered:?}"
        );
        assert!(cut.await.unwrap());
    }
    // Longer keys and signatures than today's have room.
    let own = client().key().hotkey();
    let answer = Json(committed(&miner(), &own, &commit_request()));
    let address = answering(([("x-key", "k".repeat(MAX_HEAD_BYTES - 1_024))], answer)).await;
    commitment_from(address, PATIENT).await.unwrap();
}

/// A forecast of the largest K has its room; a miner that holds such room and sends slowly is cut.
#[tokio::test]
async fn a_long_payload_is_read_whole() {
    let payload = format!("[{}]", "1.25,".repeat(600_000));
    let answer = {
        let own = client().key().hotkey();
        let text = reveal_text(&reveal_request().round, &own, payload.as_bytes());
        RevealResponse {
            nonce: Hex([3; 32]),
            signature: miner().sign(text.as_bytes()),
            payload: payload.clone(),
        }
    };
    let route = post(move || async move { Json(answer) });
    let address = served(Router::new().route(REVEAL_ROUTE, route)).await;
    let revealed = client()
        .request_reveal(&miner().hotkey(), address, &reveal_request(), PATIENT)
        .await
        .unwrap();
    assert!(revealed.answer.payload == payload);
    assert!(AnswerMemory::LARGE_ANSWER_TIME < PATIENT);
}

/// A timer that starts again with every read would let this peer take 20 ms for each of some 300 bytes.
#[tokio::test]
async fn a_peer_that_drips_is_cut_at_the_total_deadline() {
    let own = client().key().hotkey();
    let answer = committed(&miner(), &own, &commit_request());
    let body = serde_json::to_string(&answer).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    for (at_once, dripping) in [(head.clone(), body.clone()), (String::new(), head + &body)] {
        let (address, cut) = peer(move |mut stream| async move {
            stream.set_nodelay(true)?;
            stream.write_all(at_once.as_bytes()).await?;
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            for byte in dripping.bytes() {
                pace.tick().await;
                stream.write_all(&[byte]).await?;
            }
            Ok(())
        })
        .await;
        let answered = commitment_from(address, SHORT).await;
        assert!(
            matches!(answered, Err(MinerRequestError::TimedOut(SHORT))),
            "{answered:?}"
        );
        assert!(cut.await.unwrap());
    }
}

#[tokio::test]
async fn silence_times_out_and_a_missing_peer_is_unreachable() {
    let (address, _) = peer(|mut stream| async move {
        // Until the client hangs up.
        stream.read(&mut [0]).await.map(drop)
    })
    .await;
    let answered = commitment_from(address, SHORT).await;
    assert!(matches!(answered, Err(MinerRequestError::TimedOut(SHORT))));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let answered = commitment_from(nobody, PATIENT).await;
    assert!(matches!(answered, Err(MinerRequestError::Unreachable(_))));

    let (address, _) = peer(|mut stream| async move {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{";
        stream.write_all(half.as_bytes()).await
    })
    .await;
    let answered = commitment_from(address, PATIENT).await;
    assert!(matches!(answered, Err(MinerRequestError::Unreachable(_))));
}

#[tokio::test]
async fn a_declared_delay_is_read_with_any_answer() {
    let own = client().key().hotkey();
    let answer = Json(committed(&miner(), &own, &commit_request()));
    for (declared, expected) in [
        ("3000", DeclaredDelay::Millis(3000)),
        ("0", DeclaredDelay::Millis(0)),
        ("never", DeclaredDelay::Never),
        ("soon", DeclaredDelay::Millis(0)),
        ("-1", DeclaredDelay::Millis(0)),
    ] {
        let late = move |response: Response| ([(DELAY_HEADER, declared)], response).into_response();
        let signed = answer.clone();
        let route = post(move || async move { late(signed.into_response()) });
        let address = served(Router::new().route(COMMIT_ROUTE, route)).await;
        let answered = commitment_from(address, PATIENT).await.unwrap();
        assert_eq!(answered.declared_delay, expected, "{declared}");

        let route = post(move || async move { late("rubbish".into_response()) });
        let address = served(Router::new().route(COMMIT_ROUTE, route)).await;
        let Err(MinerRequestError::InvalidAnswer { declared_delay, .. }) =
            commitment_from(address, PATIENT).await
        else {
            panic!("rubbish is no answer");
        };
        assert_eq!(declared_delay, expected, "{declared}");
    }
    let answered = commitment_from(answering(answer).await, PATIENT)
        .await
        .unwrap();
    assert_eq!(answered.declared_delay, DeclaredDelay::Millis(0));
}
