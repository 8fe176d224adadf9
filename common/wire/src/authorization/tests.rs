//! Authorization over real sockets, with hand-written HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Extension;
use axum::routing::post;
use foretell_keys::keypair::Keypair;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::btauth::signed_headers;
use crate::request_body::MAX_REQUEST_BYTES;
use crate::test_clock::system_nanos;

const ROUTE: &str = "/v1/commit";
const SECOND: u64 = 1_000_000_000;

/// A service that requires authorization, and counts who got in.
struct TestService {
    address: SocketAddr,
    authorized: Arc<AtomicUsize>,
}

/// A request as it goes over the wire.
#[derive(Clone)]
struct RawRequest {
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn miner() -> Keypair {
    Keypair::derived(1, "miner")
}

fn validator() -> Keypair {
    Keypair::derived(1, "validator")
}

impl TestService {
    async fn open(callers: Callers) -> Self {
        let authorized = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&authorized);
        let answer = move |Extension(Caller(caller)): Extension<Caller>, body: String| async move {
            count.fetch_add(1, Ordering::Relaxed);
            format!("{caller} sent {} bytes", body.len())
        };
        let routes = Router::new().route(ROUTE, post(answer));
        let routes = require_authorization(routes, miner().hotkey(), callers, system_nanos);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self {
            address,
            authorized,
        }
    }

    /// Status and body of the answer to `raw_request`.
    async fn answer(&self, raw_request: &RawRequest) -> (u16, String) {
        self.answer_to_part(raw_request, raw_request.body.len())
            .await
    }

    /// The answer where only the body's first bytes are sent.
    async fn answer_to_part(&self, raw_request: &RawRequest, sent: usize) -> (u16, String) {
        let RawRequest {
            path,
            headers,
            body,
        } = raw_request;
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: miner\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..sent]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

impl RawRequest {
    fn signed(body: &[u8], receiver: &Keypair, nonce: u64) -> Self {
        let request = SignedRequest {
            method: "POST",
            path: ROUTE,
            body,
        };
        Self {
            path: ROUTE,
            headers: signed_headers(&validator(), &receiver.hotkey(), &request, nonce).to_vec(),
            body: body.to_vec(),
        }
    }

    /// What an honest validator sends now.
    fn honest(body: &[u8]) -> Self {
        Self::signed(body, &miner(), system_nanos())
    }
}

#[tokio::test]
async fn a_signed_request_gets_in_under_the_name_of_its_sender() {
    let service = TestService::open(Callers::anyone()).await;
    let answer = service.answer(&RawRequest::honest(b"{}")).await;
    let expected = format!("{} sent 2 bytes", validator().hotkey());
    assert_eq!(answer, (200, expected));
}

#[tokio::test]
async fn a_request_that_is_not_signed_as_it_should_be_is_refused_with_the_reason() {
    let service = TestService::open(Callers::anyone()).await;
    let honest = RawRequest::honest(b"{}");
    let tampered = RawRequest {
        body: b"[]".to_vec(),
        ..honest.clone()
    };
    let elsewhere = RawRequest {
        path: "/v1/commit?twice",
        ..honest.clone()
    };
    let unsigned = RawRequest {
        headers: Vec::new(),
        ..honest.clone()
    };
    let other_receiver = RawRequest::signed(b"{}", &Keypair::derived(2, "miner"), system_nanos());
    let stale = RawRequest::signed(b"{}", &miner(), system_nanos() - 20 * SECOND);
    let future = RawRequest::signed(b"{}", &miner(), system_nanos() + 20 * SECOND);
    let bad_signature = "signature does not verify";
    let not_fresh = "request is not fresh: check both clocks";
    for (raw_request, why) in [
        (
            unsigned,
            "header x-bittensor-version is missing or malformed",
        ),
        (other_receiver, "request is for another receiver"),
        (stale, not_fresh),
        (future, not_fresh),
        (tampered, bad_signature),
        (elsewhere, bad_signature),
    ] {
        assert_eq!(service.answer(&raw_request).await, (401, why.into()));
    }
    assert_eq!(service.authorized.load(Ordering::Relaxed), 0);

    assert_eq!(service.answer(&honest).await.0, 200);
    let replayed = (401, "request was seen before".into());
    assert_eq!(service.answer(&honest).await, replayed);
    assert_eq!(service.authorized.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn callers_that_are_not_allowed_get_403_with_the_reason() {
    let only_other = Callers::only([Keypair::derived(2, "validator").hotkey()]);
    let service = TestService::open(only_other).await;
    let (status, why) = service.answer(&RawRequest::honest(b"{}")).await;
    assert_eq!(status, 403);
    assert!(why.starts_with(&validator().hotkey().to_string()), "{why}");
    assert_eq!(service.authorized.load(Ordering::Relaxed), 0);

    let service = TestService::open(Callers::only([validator().hotkey()])).await;
    assert_eq!(service.answer(&RawRequest::honest(b"{}")).await.0, 200);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let service = TestService::open(Callers::anyone()).await;
    let longest = vec![b' '; MAX_REQUEST_BYTES];
    assert_eq!(service.answer(&RawRequest::honest(&longest)).await.0, 200);
    let longer = vec![b' '; MAX_REQUEST_BYTES + 1];
    let (status, why) = service.answer(&RawRequest::honest(&longer)).await;
    assert_eq!(status, 413);
    assert!(why.contains("longer than 65536 bytes"), "{why}");
    assert_eq!(service.authorized.load(Ordering::Relaxed), 1);
}

/// Who it says it is decides, before anything of its body is waited for.
#[tokio::test]
async fn a_stranger_is_refused_before_its_body_is_there() {
    let other = Keypair::derived(2, "validator").hotkey();
    let service = TestService::open(Callers::only([other])).await;
    let honest = RawRequest::honest(b"0123456789");
    let unsigned = RawRequest {
        headers: Vec::new(),
        ..honest.clone()
    };
    assert_eq!(service.answer_to_part(&honest, 1).await.0, 403);
    assert_eq!(service.answer_to_part(&unsigned, 1).await.0, 401);
}

#[tokio::test]
async fn until_it_is_known_who_may_call_callers_are_told_to_try_again() {
    let callers = Callers::not_yet_known();
    let service = TestService::open(callers.clone()).await;
    let (status, why) = service.answer(&RawRequest::honest(b"{}")).await;
    assert_eq!(status, 503);
    assert!(why.ends_with("try again"), "{why}");
    callers.replace([validator().hotkey()].into());
    assert_eq!(service.answer(&RawRequest::honest(b"{}")).await.0, 200);
}

/// What the older protocol's callers name in their headers is held against the list in the same way.
#[tokio::test]
async fn a_dendrite_that_is_a_stranger_is_refused_before_its_body_is_there() {
    let service = TestService::open(Callers::only([])).await;
    let headers = [
        (
            "bt_header_dendrite_hotkey",
            validator().hotkey().to_string(),
        ),
        ("bt_header_axon_hotkey", miner().hotkey().to_string()),
        ("bt_header_dendrite_nonce", system_nanos().to_string()),
        (
            "bt_header_dendrite_signature",
            format!("0x{}", "00".repeat(64)),
        ),
    ];
    let request = RawRequest {
        path: "/ForecastCommit",
        headers: headers.to_vec(),
        body: b"0123456789".to_vec(),
    };
    assert_eq!(service.answer_to_part(&request, 1).await.0, 403);
}
