//! What nodes answer is held to limits before it is taken apart, and every error says whether it passes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foretell_core::error_kind::ErrorKind;
use foretell_core::hash::Hex;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use subxt::rpcs::rpc_params;
use subxt::utils::H256;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::super::connection::{NodeConnection, NodeError};
use super::super::error::{MAX_NEURONS, SubtensorError};
use super::super::runtime::{Runtime, RuntimeError, StorageKey};
use super::super::state::BlockState;
use super::super::{runtime_errors, subnet};
use super::{RUNTIMES, folder};
use crate::block::Block;
use crate::chain_error::ChainError;

/// A node that answers every request with what `answer` makes of its parameters: the rest of the JSON-RPC answer after its id.
async fn node(answer: impl Fn(&Value) -> String + Send + Sync + 'static) -> NodeConnection {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut socket = accept_async(stream).await.unwrap();
                while let Some(Ok(Message::Text(text))) = socket.next().await {
                    let request: Value = serde_json::from_str(&text).unwrap();
                    let (id, rest) = (&request["id"], answer(&request["params"]));
                    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);
                    if socket.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let deadline = Duration::from_secs(20);
    NodeConnection::new(format!("ws://{address}")).with_timeouts(deadline, Duration::from_millis(1))
}

async fn error_of(rest: String) -> NodeError {
    let node = node(move |_| rest.clone()).await;
    let answer = node.request::<u32>("chain_getHeader", rpc_params![]).await;
    answer.unwrap_err()
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    // The library closes the connection over which it comes.
    let error = error_of(format!(r#""result":"{}""#, "x".repeat(11 << 20))).await;
    assert!(matches!(error, NodeError::Disconnected { .. }), "{error}");
    let error = error_of(format!(r#""result":"{}""#, "x".repeat(9 << 20))).await;
    let text = error.to_string();
    assert!(text.contains("at most 8388608 are read"), "{text}");
}

#[tokio::test]
async fn a_nodes_own_words_are_few_and_printable_in_errors() {
    let long = format!(r"\u001b[31mno\n{}", "x".repeat(1 << 20));
    let malformed = error_of(format!(r#""result":"{long}""#)).await;
    assert_eq!(malformed.kind(), ErrorKind::Permanent, "{malformed}");
    let refused = error_of(format!(
        r#""error":{{"code":-32601,"message":"{long}","data":"{long}"}}"#
    ))
    .await;
    assert_eq!(refused.kind(), ErrorKind::Permanent);
    for error in [malformed, refused] {
        let text = error.to_string();
        assert!(text.chars().count() < 500, "{}", text.len());
        assert!(text.contains("[31mno") && text.contains("xxx…"), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

#[tokio::test]
async fn what_a_node_does_not_know_yet_may_come() {
    let error = error_of(r#""result":null"#.into()).await;
    assert!(matches!(error, NodeError::NothingKnown { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Transient);
}

/// The state of a node that gives every key the same stored value.
async fn read_metagraph(stored: String) -> Option<SubtensorError> {
    let folder = folder()?;
    let (spec, file, ..) = RUNTIMES[0];
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let runtime = Arc::new(Runtime::new(spec, 1, H256::zero(), &bytes).unwrap());
    let connection = node(move |parameters| {
        let keys = parameters[0].as_array().unwrap();
        let changes: Vec<String> = keys
            .iter()
            .chain([&Value::from("0x00")])
            .map(|key| format!(r#"[{key},"{stored}"]"#))
            .collect();
        format!(
            r#""result":[{{"block":"0x00","changes":[{}]}}]"#,
            changes.join(",")
        )
    })
    .await;
    let state = BlockState {
        connection: &connection,
        runtime,
        block: Block::FIRST,
        hash: H256::zero(),
    };
    subnet::metagraph(&state, 1).await.err()
}

#[tokio::test]
async fn a_subnet_of_more_neurons_than_any_has_is_not_read() {
    let count = MAX_NEURONS + 1;
    let stored = format!("0x{}", hex::encode(count.to_le_bytes()));
    let Some(error) = read_metagraph(stored).await else {
        return;
    };
    assert_eq!(error.kind(), ErrorKind::Permanent);
    let expected = "subnet 1 claims 4097 neurons, at most 4096 are read";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_stored_value_that_is_longer_than_any_is_not_decoded() {
    // Nine values of this length wouldn't fit into an answer: only the first is.
    let Some(folder) = folder() else { return };
    let (spec, file, ..) = RUNTIMES[0];
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let runtime = Arc::new(Runtime::new(spec, 1, H256::zero(), &bytes).unwrap());
    let connection = node(|parameters| {
        let stored = "00".repeat((2 << 20) + 1);
        let key = &parameters[0][0];
        format!(r#""result":[{{"block":"0x00","changes":[[{key},"0x{stored}"]]}}]"#)
    })
    .await;
    let state = BlockState {
        connection: &connection,
        runtime,
        block: Block::FIRST,
        hash: H256::zero(),
    };
    let key = StorageKey::new("TotalNetworks", []);
    let error = state.read(vec![key]).await.unwrap_err();
    assert!(
        matches!(error, SubtensorError::ValueTooLong { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Permanent);
}

#[test]
fn what_stays_until_somebody_acts_and_what_passes() {
    let url = || "ws://node".to_owned();
    let rejected = |code| NodeError::Rejected {
        method: "m",
        code,
        message: String::new(),
    };
    let passing: [SubtensorError; 6] = [
        NodeError::TimedOut {
            url: url(),
            method: "m",
            deadline: Duration::ZERO,
        }
        .into(),
        NodeError::BackingOff {
            url: url(),
            wait: Duration::ZERO,
        }
        .into(),
        // Internal error; a block that the node has forgotten; too busy.
        rejected(-32_603).into(),
        rejected(4_003).into(),
        rejected(-32_005).into(),
        SubtensorError::NotIncluded("0x00".into()),
    ];
    let staying: [SubtensorError; 8] = [
        rejected(-32_601).into(),
        rejected(-32_602).into(),
        SubtensorError::MissingValue("Axons".into()),
        RuntimeError::Unknown {
            spec_version: 1,
            what: "Axons".into(),
            why: String::new(),
        }
        .into(),
        SubtensorError::NoSubnet(1),
        SubtensorError::NoOwner(1),
        SubtensorError::UnknownWeightsCall(1),
        SubtensorError::OtherChain {
            url: url(),
            found: Hex([0; 32]),
            wanted: Hex([1; 32]),
        },
    ];
    let kinds = |errors: Vec<SubtensorError>| -> Vec<ErrorKind> {
        let errors = errors.into_iter().map(ChainError::from);
        errors.map(|error| error.kind()).collect()
    };
    assert_eq!(kinds(passing.into()), [ErrorKind::Transient; 6]);
    assert_eq!(kinds(staying.into()), [ErrorKind::Permanent; 8]);

    let refusal = |name| runtime_errors::refusal_by_name(name, "").kind();
    assert_eq!(refusal("SettingWeightsTooFast"), ErrorKind::Transient);
    assert_eq!(refusal("NeuronNoValidatorPermit"), ErrorKind::Permanent);
}
