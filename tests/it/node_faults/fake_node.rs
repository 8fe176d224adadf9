//! A fake node: JSON-RPC over a WebSocket, the metadata of a real runtime, and the local ledger for its state.
//!
//! It knows the questions that our client asks, and no others. Extrinsics are decoded by the runtime's own metadata, wait in a
//! pool, and go into the next block if their nonce is the account's next and their era isn't over.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::Block;
use foretell_chain::refusal::ChainRefusal;
use foretell_chain::subtensor::runtime::{Runtime, StorageKey};
use foretell_chain::weights::SignedWeights;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_keys::keypair::Keypair;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use subxt::dynamic::Value;
use subxt::ext::codec::{Compact, Decode, Encode};
use subxt::ext::frame_decode::extrinsics::decode_extrinsic;
use subxt::utils::H256;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// The subnet.
pub const NETUID: u16 = 7;
/// Events of an extrinsic: `System.ExtrinsicSuccess` and `System.ExtrinsicFailed`.
const SUCCESS: u8 = 0;
const FAILED: u8 = 1;

/// A node; clones are the same one.
#[derive(Clone)]
pub struct FakeNode(Arc<Mutex<FakeNodeState>>);

struct FakeNodeState {
    spec: RuntimeSpec,
    genesis: String,
    blocks: Vec<BlockSnapshot>,
    pool: BTreeMap<String, PendingExtrinsic>,
    /// Whose weights the ledger takes: the double signs them again in the ledger's own form.
    validator: Keypair,
    /// How many extrinsics ever came in, repetitions included.
    received: usize,
}

struct RuntimeSpec {
    version: u32,
    metadata: Vec<u8>,
    runtime: Runtime,
}

#[derive(Clone)]
struct BlockSnapshot {
    ledger: Ledger,
    nonces: HashMap<Hotkey, u32>,
    extrinsics: Vec<String>,
    events: Vec<u8>,
}

/// An extrinsic in the pool.
struct PendingExtrinsic {
    account: Hotkey,
    nonce: u32,
    last: u64,
    call: DecodedCall,
}

/// What it asks for.
enum DecodedCall {
    Weights {
        uids: Vec<u16>,
        values: Vec<u16>,
        version_key: u64,
    },
    Axon(SocketAddr),
}

impl FakeNode {
    /// A node with this ledger, on the runtime of this number and metadata; where it listens.
    pub async fn start(
        ledger: Ledger,
        validator: Keypair,
        spec: (u32, Vec<u8>),
    ) -> (Self, SocketAddr) {
        let first = BlockSnapshot {
            ledger,
            nonces: HashMap::new(),
            extrinsics: Vec::new(),
            events: vec![0],
        };
        let state = FakeNodeState {
            spec: RuntimeSpec::new(spec),
            genesis: hash_of(0),
            blocks: vec![first],
            pool: BTreeMap::new(),
            validator,
            received: 0,
        };
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
    pub fn upgrade_runtime(&self, spec: (u32, Vec<u8>)) {
        self.0.lock().unwrap().spec = RuntimeSpec::new(spec);
    }

    /// How many weights of the validator went into blocks, whatever came of them.
    pub fn included_extrinsics(&self) -> usize {
        let state = self.0.lock().unwrap();
        state
            .blocks
            .iter()
            .map(|block| block.extrinsics.len())
            .sum()
    }

    /// How many extrinsics ever came in, repetitions included.
    pub fn received_extrinsics(&self) -> usize {
        self.0.lock().unwrap().received
    }

    /// The weights on chain.
    pub fn weights(&self) -> Vec<(Uid, u16)> {
        self.0.lock().unwrap().head().ledger.weights(Uid(1))
    }

    /// The block.
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
            let request: Json = serde_json::from_str(&text).unwrap();
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

impl RuntimeSpec {
    fn new((version, metadata): (u32, Vec<u8>)) -> Self {
        let runtime = Runtime::new(version, 1, H256::zero(), &metadata).unwrap();
        Self {
            version,
            metadata,
            runtime,
        }
    }
}

impl FakeNodeState {
    fn head(&self) -> &BlockSnapshot {
        self.blocks.last().unwrap()
    }

    fn handle_request(&mut self, method: &str, parameters: &Json) -> Result<Json, String> {
        Ok(match method {
            "chain_getBlockHash" if parameters[0] == 0 => json!(self.genesis),
            "chain_getBlockHash" => json!(hash_of(parameters[0].as_u64().unwrap_or(self.newest()))),
            "chain_getFinalizedHead" => json!(hash_of(self.newest())),
            "chain_getHeader" => json!({"number": format!("{:#x}", number_of(&parameters[0]))}),
            "state_getRuntimeVersion" => {
                json!({"specVersion": self.spec.version, "transactionVersion": 1})
            }
            "state_getMetadata" => json!(hex(&self.spec.metadata)),
            "chain_getBlock" => {
                let block = self.block_by_hash(&parameters[0]);
                json!({"block": {"extrinsics": block.extrinsics}})
            }
            "state_queryStorageAt" => {
                let stored = self.storage_at(self.block_by_hash(&parameters[1]));
                let keys = parameters[0].as_array().unwrap().iter();
                let changes = keys.map(|key| json!([key, stored.get(key.as_str().unwrap())]));
                let changes: Vec<Json> = changes.collect();
                json!([{"block": parameters[1], "changes": changes}])
            }
            "author_submitExtrinsic" => {
                self.submit_extrinsic(parameters[0].as_str().unwrap())?;
                json!(hash_of(0))
            }
            other => panic!("nobody asks a node for {other}"),
        })
    }

    fn newest(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    fn block_by_hash(&self, hash: &Json) -> &BlockSnapshot {
        &self.blocks[usize::try_from(number_of(hash)).unwrap()]
    }

    /// Takes an extrinsic into the pool, as a real pool does.
    fn submit_extrinsic(&mut self, text: &str) -> Result<(), String> {
        self.received += 1;
        let bytes = hex::decode(&text[2..]).unwrap();
        let metadata = self.spec.runtime.metadata();
        let read = decode_extrinsic(&mut &bytes[..], metadata, metadata.types());
        let read = read.map_err(|_| "Transaction has a bad signature".to_owned())?;
        let address = read.signature_payload().unwrap().address_range();
        let account = Hotkey(bytes[address][1..].try_into().unwrap());
        let extensions = read.transaction_extension_payload().unwrap();
        let extension = |name: &str| {
            let found = extensions.iter().find(|part| part.name() == name).unwrap();
            &bytes[found.range()]
        };
        let nonce = Compact::<u32>::decode(&mut extension("CheckNonce"))
            .unwrap()
            .0;
        let last = last_block(extension("CheckMortality"), self.newest());
        let next = self.head().nonces.get(&account).copied().unwrap_or(0);
        if nonce < next {
            return Err("Transaction is outdated".into());
        }
        if last < self.newest() {
            return Err("AncientBirthBlock".into());
        }
        let argument = |name: &str| {
            let found = read.call_data().find(|part| part.name() == name).unwrap();
            &bytes[found.range()]
        };
        let call = match read.call_name() {
            "set_weights" | "set_mechanism_weights" => DecodedCall::Weights {
                uids: Decode::decode(&mut argument("dests")).unwrap(),
                values: Decode::decode(&mut argument("weights")).unwrap(),
                version_key: Decode::decode(&mut argument("version_key")).unwrap(),
            },
            "serve_axon" => {
                let ip = u128::decode(&mut argument("ip")).unwrap();
                let port = u16::decode(&mut argument("port")).unwrap();
                let ip = Ipv4Addr::from(u32::try_from(ip).unwrap());
                DecodedCall::Axon(SocketAddr::new(ip.into(), port))
            }
            other => panic!("nobody sends a node {other}"),
        };
        let pending = PendingExtrinsic {
            account,
            nonce,
            last,
            call,
        };
        self.pool.insert(text.to_owned(), pending);
        Ok(())
    }

    fn make_block(&mut self) {
        let mut next = self.head().clone();
        let block = Block(next.ledger.block().0 + 1);
        next.ledger.advance_to(block);
        next.extrinsics.clear();
        let mut events = Vec::new();
        for (text, pending) in std::mem::take(&mut self.pool) {
            let nonce = next.nonces.entry(pending.account).or_default();
            if pending.nonce != *nonce || block.0 > pending.last {
                continue;
            }
            *nonce += 1;
            let outcome = self.apply(&mut next.ledger, &pending, block);
            let index = u32::try_from(next.extrinsics.len()).unwrap();
            events.push(self.event(index, outcome.err()));
            next.extrinsics.push(text);
        }
        let mut encoded = Compact(u32::try_from(events.len()).unwrap()).encode();
        encoded.extend(events.concat());
        next.events = encoded;
        self.blocks.push(next);
    }

    fn apply(
        &self,
        ledger: &mut Ledger,
        pending: &PendingExtrinsic,
        block: Block,
    ) -> Result<(), ChainRefusal> {
        match &pending.call {
            DecodedCall::Axon(axon) => ledger.serve_axon(pending.account, *axon),
            DecodedCall::Weights {
                uids,
                values,
                version_key,
            } => {
                let uids = uids.iter().copied().map(Uid).collect();
                let sign = |bytes: &[u8]| self.validator.sign(bytes).0;
                let (hotkey, values) = (pending.account, values.clone());
                let signed = SignedWeights::sign(hotkey, uids, values, *version_key, block.0, sign);
                ledger.submit(&signed).map(drop)
            }
        }
    }

    fn include_foreign_weights(&mut self) {
        self.pool.clear();
        let account = self.validator.hotkey();
        let pending = PendingExtrinsic {
            account,
            nonce: self.head().nonces.get(&account).copied().unwrap_or(0),
            last: u64::MAX,
            call: DecodedCall::Weights {
                uids: vec![0],
                values: vec![u16::MAX],
                version_key: 0,
            },
        };
        self.pool.insert("0x00".into(), pending);
        self.make_block();
    }

    /// One event: phase, pallet and variant, its fields, no topics.
    fn event(&self, index: u32, refusal: Option<ChainRefusal>) -> Vec<u8> {
        let metadata = self.spec.runtime.metadata();
        let system = metadata.pallet_by_name("System").unwrap().event_index();
        let mut event = vec![0];
        event.extend(index.encode());
        event.push(system);
        match refusal {
            None => event.push(SUCCESS),
            Some(refusal) => {
                let name = match refusal {
                    ChainRefusal::RateLimited { .. } => "SettingWeightsTooFast",
                    ChainRefusal::NoPermit { .. } => "NeuronNoValidatorPermit",
                    other => panic!("{other}"),
                };
                let pallet = metadata.pallet_by_name("SubtensorModule").unwrap();
                let mut errors = pallet.error_variants().unwrap().iter();
                let error = errors.find(|error| error.name == name).unwrap();
                // DispatchError::Module.
                event.extend([FAILED, 3, pallet.error_index(), error.index, 0, 0, 0]);
            }
        }
        // Weight, class, fee; no topics.
        event.extend([0; 5]);
        event
    }

    /// All that is stored after a block, by key.
    fn storage_at(&self, block: &BlockSnapshot) -> HashMap<String, String> {
        let graph = block.ledger.metagraph();
        let rules = block.ledger.hyperparameters();
        let neurons = &graph.neurons;
        let count = u16::try_from(neurons.len()).unwrap();
        let mut stored = HashMap::new();
        let mut put = |storage_key: StorageKey, bytes: Vec<u8>| {
            let key = self.spec.runtime.key(&storage_key).unwrap();
            stored.insert(hex(&key), hex(&bytes));
        };
        let of_subnet = |entry| StorageKey::new(entry, [number(NETUID)]);
        let all = |field: fn(&foretell_chain::metagraph::Neuron) -> u64| -> Vec<u64> {
            neurons.iter().map(field).collect()
        };
        put(of_subnet("SubnetworkN"), count.encode());
        put(of_subnet("Tempo"), rules.tempo.get().encode());
        put(of_subnet("SubnetOwnerHotkey"), neurons[0].hotkey.0.encode());
        let permits: Vec<bool> = neurons.iter().map(|n| n.permit).collect();
        put(of_subnet("ValidatorPermit"), permits.encode());
        put(of_subnet("LastUpdate"), all(|n| n.last_update.0).encode());
        put(
            of_subnet("WeightsSetRateLimit"),
            rules.weights_rate_limit.encode(),
        );
        put(
            of_subnet("MaxAllowedValidators"),
            rules.max_validators.encode(),
        );
        put(of_subnet("WeightsVersionKey"), rules.version_key.encode());
        put(of_subnet("MinAllowedWeights"), 1_u16.encode());
        put(of_subnet("CommitRevealWeightsEnabled"), false.encode());
        for neuron in neurons {
            let account = || Value::from_bytes(neuron.hotkey.0);
            let uid = neuron.uid.0;
            put(
                StorageKey::new("Keys", [number(NETUID), number(uid)]),
                neuron.hotkey.0.encode(),
            );
            put(
                StorageKey::new("Uids", [number(NETUID), account()]),
                uid.encode(),
            );
            put(
                StorageKey::new("Owner", [account()]),
                neuron.coldkey.0.encode(),
            );
            if let Some(axon) = neuron.axon {
                let storage_key = StorageKey::new("Axons", [number(NETUID), account()]);
                put(storage_key, axon_info(axon));
            }
            put(
                StorageKey::new("TotalHotkeyAlpha", [account(), number(NETUID)]),
                neuron.stake.encode(),
            );
            let weights: Vec<(u16, u16)> = block
                .ledger
                .weights(neuron.uid)
                .into_iter()
                .map(|(uid, value)| (uid.0, value))
                .collect();
            put(
                StorageKey::new("Weights", [number(NETUID), number(uid)]),
                weights.encode(),
            );
        }
        for (account, nonce) in &block.nonces {
            // Everything behind the nonce is zero.
            let mut info = nonce.encode();
            info.extend([0; 76]);
            put(
                StorageKey::in_pallet("System", "Account", [Value::from_bytes(account.0)]),
                info,
            );
        }
        put(
            StorageKey::in_pallet("System", "Events", []),
            block.events.clone(),
        );
        stored
    }
}

/// The last block of an era: two bytes that hold the logarithm of its period, and its phase (periods up to 4,096).
fn last_block(mut era: &[u8], now: u64) -> u64 {
    let encoded = u64::from(u16::decode(&mut era).unwrap());
    let period = 2 << (encoded % 16);
    let phase = encoded >> 4;
    let birth = (now.max(phase) - phase) / period * period + phase;
    birth + period - 1
}

/// Block, version, address, port, kind of address, protocol, and two places for what may come.
fn axon_info(axon: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(axon) = axon else {
        panic!("{axon}: no miner here has such an address");
    };
    let ip = u128::from(u32::from(*axon.ip()));
    (0_u64, 1_u32, ip, axon.port(), 4_u8, 4_u8, 0_u8, 0_u8).encode()
}

fn hash_of(number: u64) -> String {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    hex(&hash)
}

fn number_of(hash: &Json) -> u64 {
    let bytes = hex::decode(&hash.as_str().unwrap()[2..]).unwrap();
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn number(value: u16) -> Value {
    Value::u128(value.into())
}
