//! The door, asked over real sockets by hand-written HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Extension;
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::btauth::signed_headers;
use crate::keypair::Keypair;

const ROUTE: &str = "/v1/commit";
const SECOND: u64 = 1_000_000_000;

/// A service behind a door, which counts who got in.
struct House {
    address: SocketAddr,
    admitted: Arc<AtomicUsize>,
}

/// A request as it goes over the wire.
#[derive(Clone)]
struct Letter {
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

impl House {
    async fn open(callers: Callers) -> Self {
        let admitted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&admitted);
        let answer = move |Extension(Caller(caller)): Extension<Caller>, body: String| async move {
            count.fetch_add(1, Ordering::Relaxed);
            format!("{caller} said {} bytes", body.len())
        };
        let routes = Router::new().route(ROUTE, post(answer));
        let door = behind_door(routes, miner().hotkey(), callers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, door).into_future());
        Self { address, admitted }
    }

    /// Status and body of the answer to `letter`.
    async fn answer(&self, letter: &Letter) -> (u16, String) {
        let Letter {
            path,
            headers,
            body,
        } = letter;
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: miner\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

impl Letter {
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
    let house = House::open(Callers::Anyone).await;
    let answer = house.answer(&Letter::honest(b"{}")).await;
    let expected = format!("{} said 2 bytes", validator().hotkey());
    assert_eq!(answer, (200, expected));
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_stays_out_and_is_told_why() {
    let house = House::open(Callers::Anyone).await;
    let honest = Letter::honest(b"{}");
    let tampered = Letter {
        body: b"[]".to_vec(),
        ..honest.clone()
    };
    let elsewhere = Letter {
        path: "/v1/commit?twice",
        ..honest.clone()
    };
    let unsigned = Letter {
        headers: Vec::new(),
        ..honest.clone()
    };
    let other_receiver = Letter::signed(b"{}", &Keypair::derived(2, "miner"), system_nanos());
    let stale = Letter::signed(b"{}", &miner(), system_nanos() - 20 * SECOND);
    let future = Letter::signed(b"{}", &miner(), system_nanos() + 20 * SECOND);
    let bad_signature = "signature does not verify";
    let not_fresh = "request is not fresh: check both clocks";
    for (letter, why) in [
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
        assert_eq!(house.answer(&letter).await, (401, why.into()));
    }
    assert_eq!(house.admitted.load(Ordering::Relaxed), 0);

    assert_eq!(house.answer(&honest).await.0, 200);
    let replayed = (401, "request was seen before".into());
    assert_eq!(house.answer(&honest).await, replayed);
    assert_eq!(house.admitted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn strangers_are_told_that_they_are() {
    let only_other = Callers::Only([Keypair::derived(2, "validator").hotkey()].into());
    let house = House::open(only_other).await;
    let (status, why) = house.answer(&Letter::honest(b"{}")).await;
    assert_eq!(status, 403);
    assert!(why.starts_with(&validator().hotkey().to_string()), "{why}");
    assert_eq!(house.admitted.load(Ordering::Relaxed), 0);

    let house = House::open(Callers::Only([validator().hotkey()].into())).await;
    assert_eq!(house.answer(&Letter::honest(b"{}")).await.0, 200);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let house = House::open(Callers::Anyone).await;
    let longest = vec![b' '; MAX_REQUEST_BYTES];
    assert_eq!(house.answer(&Letter::honest(&longest)).await.0, 200);
    let longer = vec![b' '; MAX_REQUEST_BYTES + 1];
    let (status, why) = house.answer(&Letter::honest(&longer)).await;
    assert_eq!(status, 413);
    assert!(why.contains("longer than 65536 bytes"), "{why}");
    assert_eq!(house.admitted.load(Ordering::Relaxed), 1);
}
