//! A fake node: JSON-RPC over a WebSocket, the metadata of a real runtime, and the local ledger for its state.
//!
//! It knows the questions that our client asks, and no others. Extrinsics are decoded by the runtime's own metadata, wait in a
//! pool, and go into the next block if their nonce is the account's next and their era isn't over.

mod extrinsic;
mod hashes;
mod runtime_spec;
mod state;
mod storage;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use foretell_chain::block::Block;
use foretell_chain::ledger::Ledger;
use foretell_core::hotkey::Uid;
use foretell_keys::keypair::Keypair;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

pub use self::runtime_spec::RuntimeSpec;
pub use self::storage::NETUID;

use self::hashes::hex;
use self::state::FakeNodeState;

/// A node; clones are the same one.
#[derive(Clone)]
pub struct FakeNode(Arc<Mutex<FakeNodeState>>);

impl FakeNode {
    /// A node with this ledger, on this runtime; where it listens.
    pub async fn start(
        ledger: Ledger,
        validator: Keypair,
        spec: RuntimeSpec,
    ) -> (Self, SocketAddr) {
        let state = FakeNodeState::new(ledger, validator, spec);
        let node = Self(Arc::new(Mutex::new(state)));
        let address = node.listen().await;
        (node, address)
    }

    /// Listens at one more address.
    pub async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve_connection(stream));
            }
        });
        address
    }

    /// Makes it a node of another chain: that of this first block.
    pub fn set_genesis(&self, genesis: [u8; 32]) {
        self.0.lock().unwrap().genesis = hex(&genesis);
    }

    /// Makes a block.
    pub fn make_block(&self) {
        self.0.lock().unwrap().make_block();
    }

    /// Makes a block that holds another program's weights, signed with the validator's key.
    pub fn include_foreign_weights(&self) {
        self.0.lock().unwrap().include_foreign_weights();
    }

    /// Loses all that waits for a block.
    pub fn clear_pool(&self) {
        self.0.lock().unwrap().pool.clear();
    }

    /// Changes the runtime, from the next block on.
    pub fn upgrade_runtime(&self, spec: RuntimeSpec) {
        self.0.lock().unwrap().set_runtime(spec);
    }

    /// How many extrinsics went into blocks, whatever came of them.
    pub fn included_extrinsics(&self) -> usize {
        let blocks = &self.0.lock().unwrap().blocks;
        blocks.iter().map(|block| block.extrinsics.len()).sum()
    }

    /// How many extrinsics ever came in, repetitions included.
    pub fn received_extrinsics(&self) -> usize {
        self.0.lock().unwrap().received
    }

    /// The weights that the validator, uid 1, has on the chain.
    pub fn weights(&self) -> Vec<(Uid, u16)> {
        self.0.lock().unwrap().head().ledger.weights(Uid(1))
    }

    /// The number of the newest block.
    pub fn block(&self) -> Block {
        self.0.lock().unwrap().head().ledger.block()
    }

    async fn serve_connection(self, stream: TcpStream) {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let request: Value = serde_json::from_str(&text).unwrap();
            let method = request["method"].as_str().unwrap();
            let answer = self
                .0
                .lock()
                .unwrap()
                .handle_request(method, &request["params"]);
            let (key, value) = match answer {
                Ok(result) => ("result", result),
                Err(message) => (
                    "error",
                    json!({"code": 1010, "message": "Invalid Transaction", "data": message}),
                ),
            };
            let answer = json!({"jsonrpc": "2.0", "id": request["id"], key: value});
            if socket
                .send(Message::text(answer.to_string()))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}
