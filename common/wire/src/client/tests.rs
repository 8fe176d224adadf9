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

use super::transport::MAX_REASON_CHARS;
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
        Err(MinerRequestError::InvalidAnswer { why, .. }) => why,
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
async fn an_invalid_answer_is_quoted_without_an_address() {
    let address = answering("rubbish").await;
    let reason = why(commitment_from(address, PATIENT).await);
    assert!(reason.starts_with("not the JSON of /v1/commit"), "{reason}");

    let long = "x".repeat(3_000);
    let address = answering((StatusCode::SERVICE_UNAVAILABLE, long)).await;
    let expected = format!("status 503: {}", "x".repeat(MAX_REASON_CHARS));
    assert_eq!(why(commitment_from(address, PATIENT).await), expected);

    // A redirection would let a miner point the validator at any address.
    let address = answering((StatusCode::FOUND, [("location", "http://127.0.0.1:1/")])).await;
    let reason = why(commitment_from(address, PATIENT).await);
    assert_eq!(reason.trim(), "status 302:");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_cap() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n",
        "HTTP/1.1 500 No\r\n\r\n",
    ] {
        let (address, cut) = peer(move |mut stream| async move {
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 1024]).await?;
            }
        })
        .await;
        let reason = why(commitment_from(address, PATIENT).await);
        assert_eq!(reason, "answer longer than 4096 bytes");
        assert!(cut.await.unwrap());
    }
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
