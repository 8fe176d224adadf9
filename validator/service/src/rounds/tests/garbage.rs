//! Miners that answer with megabytes of rubbish cost the journal a few hundred bytes each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::Hyperparameters;
use foretell_cli::clock::system_nanos;
use foretell_core::hash::Hex;
use foretell_core::journal::{JournalEntry, Record};
use foretell_core::miss::MissReason;
use foretell_core::signed_text::{answer_text, commitment, reveal_text};
use foretell_core::testing::MONDAY;
use foretell_wire::client::MinerClient;
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, REVEAL_ROUTE, RevealRequest, RevealResponse,
};
use tokio::net::TcpListener;

use super::super::prices::RoundPrices;
use super::super::replay_miners::ReplayMiners;
use super::super::runner::{RoundRunner, RoundsDependencies};
use super::records;
use super::test_network::{genesis, hotkey, key, prices};
use crate::store::{JournalStore, MemoryStore};

const NONCE: Hex<32> = Hex([7; 32]);
/// What a terminal would obey, so that it shows if it is quoted anywhere.
const FOREIGN: &str = "\u{1b}[2Jforeign";

/// Four megabytes of it.
fn rubbish() -> String {
    FOREIGN.repeat((4 << 20) / FOREIGN.len())
}

async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    address
}

/// A miner that commits properly to this payload, and reveals it, `whole` or with megabytes behind it.
fn committed_to(name: &'static str, payload: String, whole: bool) -> Router {
    let validator = hotkey("validator");
    let own = payload.clone();
    let commit = move |Json(request): Json<CommitRequest>| async move {
        let miner = hotkey(name);
        let commitment = commitment(&request.round, &validator, &miner, &NONCE, own.as_bytes());
        let text = answer_text(&request.round, &validator, &commitment);
        let signature = key(name).sign(text.as_bytes());
        Json(CommitResponse {
            commitment,
            signature,
        })
    };
    let reveal = move |Json(request): Json<RevealRequest>| async move {
        let text = reveal_text(&request.round, &validator, payload.as_bytes());
        let signature = key(name).sign(text.as_bytes());
        let answer = RevealResponse {
            nonce: NONCE,
            payload,
            signature,
        };
        let text = serde_json::to_string(&answer).unwrap();
        match whole {
            true => text,
            false => format!("{text}{0}{0}", rubbish()),
        }
    };
    Router::new()
        .route(COMMIT_ROUTE, post(commit))
        .route(REVEAL_ROUTE, post(reveal))
}

#[tokio::test]
async fn miners_that_answer_megabytes_cost_the_journal_a_few_hundred_bytes_each() {
    let anything = |status| {
        let route = post(move || async move { (status, rubbish()) });
        Router::new().route(COMMIT_ROUTE, route)
    };
    let strange = format!(
        r#"{{"kind":"{FOREIGN}","k":1,"values":["{}"]}}"#,
        "x".repeat(1 << 20)
    );
    let miners = [
        ("garbage", anything(StatusCode::OK)),
        ("loud", anything(StatusCode::INTERNAL_SERVER_ERROR)),
        ("liar", committed_to("liar", "x".repeat(4 << 20), true)),
        ("strange", committed_to("strange", strange, true)),
        ("long", committed_to("long", "x".repeat(10), false)),
        ("small", committed_to("small", "rubbish".into(), true)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::genesis(
        Hyperparameters::default(),
        hotkey("owner"),
        hotkey("owner").into(),
    );
    ledger
        .register(hotkey("validator"), hotkey("validator").into())
        .unwrap();
    for (name, routes) in miners {
        ledger.register(hotkey(name), hotkey(name).into()).unwrap();
        ledger
            .serve_axon(hotkey(name), serve(routes).await)
            .unwrap();
    }
    let store = MemoryStore::default();
    let client = MinerClient::new(key("validator"), system_nanos).unwrap();
    let dependencies = RoundsDependencies {
        key: key("validator"),
        store: Arc::new(store.clone()),
        chain: Arc::new(
            LocalChain::open_or_create(folder.path().join("l.json"), || ledger).unwrap(),
        ),
        miners: ReplayMiners::new(client, Duration::from_secs(60)),
        prices: RoundPrices::Replay(prices()),
    };
    let mut runner = RoundRunner::resume(genesis(1), dependencies).await.unwrap();
    runner.run_due_actions(MONDAY).await.unwrap();

    let mut misses = Vec::new();
    let mut kept = 0;
    for record in records(&store) {
        if let Record::Missed { miner, miss, .. } = record {
            misses.push((miner, miss.to_string()));
        }
    }
    let why = |name: &str| {
        let miss = misses.iter().find(|(miner, _)| *miner == hotkey(name));
        miss.unwrap().1.clone()
    };
    assert_eq!(misses.len(), 6, "{misses:?}");
    assert_eq!(why("garbage"), "unusable answer: longer than 4096 bytes");
    assert_eq!(why("loud"), "unusable answer: status 500");
    assert_eq!(why("long"), "unusable answer: longer than 5242880 bytes");
    for name in ["liar", "small"] {
        let expected = "rejected: payload is not {\"kind\",\"k\",\"values\"} in JSON: no JSON, at line 1 column 1";
        assert_eq!(why(name), expected);
    }
    assert!(
        why("strange").ends_with("no JSON, at line 1 column 10"),
        "{}",
        why("strange")
    );

    let entries = store.entries().unwrap();
    for entry in &entries {
        let text = String::from_utf8_lossy(entry);
        assert!(!text.contains("foreign") && !text.contains("xx"), "{text}");
        let Ok(entry) = serde_json::from_slice::<JournalEntry>(entry) else {
            panic!("{text}");
        };
        if let Record::Missed {
            miss: MissReason::Rejected(rejected),
            ..
        } = entry.record
        {
            kept += rejected
                .kept()
                .map_or(0, |hash| store.payload(&hash).unwrap().len());
            if rejected.kept().is_none() {
                assert!(store.payload(&rejected.payload).is_err());
            }
        }
    }
    assert_eq!(kept, "rubbish".len(), "what is short is kept as evidence");
    let bytes: usize = entries.iter().map(Vec::len).sum();
    assert!(bytes < 10_000, "{bytes} bytes of journal");
}
