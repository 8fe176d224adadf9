//! What a fake node knows, and what it answers.

use std::collections::{BTreeMap, HashMap};

use foretell_chain::block::Block;
use foretell_chain::ledger::Ledger;
use foretell_chain::refusal::ChainRefusal;
use foretell_chain::signed_weights::SignedWeights;
use foretell_chain::subtensor::runtime::Runtime;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_keys::keypair::Keypair;
use serde_json::{Value, json};
use subxt::ext::codec::{Compact, Encode};

use super::extrinsic::{DecodedCall, PendingExtrinsic};
use super::hashes::{hash_of, hex, number_of};
use super::runtime_spec::RuntimeSpec;
use super::storage::encoded_storage;

/// Events of an extrinsic: `System.ExtrinsicSuccess` and `System.ExtrinsicFailed`.
const SUCCESS: u8 = 0;
const FAILED: u8 = 1;

/// A node's blocks and pool.
pub struct FakeNodeState {
    spec: RuntimeSpec,
    runtime: Runtime,
    /// The hash of its first block.
    pub genesis: String,
    /// Every block so far, by number.
    pub blocks: Vec<BlockSnapshot>,
    /// What waits for a block, by its text in hex.
    pub pool: BTreeMap<String, PendingExtrinsic>,
    /// Whose weights the ledger takes: they are signed again in the ledger's own form.
    validator: Keypair,
    /// How many extrinsics ever came in, repetitions included.
    pub received: usize,
}

/// A block, and the chain's state after it.
#[derive(Clone)]
pub struct BlockSnapshot {
    /// Everything but nonces and events.
    pub ledger: Ledger,
    nonces: HashMap<Hotkey, u32>,
    /// In hex.
    pub extrinsics: Vec<String>,
    events: Vec<u8>,
}

impl BlockSnapshot {
    fn next_nonce(&self, account: Hotkey) -> u32 {
        self.nonces.get(&account).copied().unwrap_or(0)
    }
}

impl FakeNodeState {
    /// The node of this ledger, whose first block has no extrinsics.
    pub fn new(ledger: Ledger, validator: Keypair, spec: RuntimeSpec) -> Self {
        Self {
            runtime: spec.decode(),
            spec,
            genesis: hash_of(0),
            blocks: vec![BlockSnapshot {
                ledger,
                nonces: HashMap::new(),
                extrinsics: Vec::new(),
                events: vec![0],
            }],
            pool: BTreeMap::new(),
            validator,
            received: 0,
        }
    }

    /// Changes the runtime, from the next block on.
    pub fn set_runtime(&mut self, spec: RuntimeSpec) {
        self.runtime = spec.decode();
        self.spec = spec;
    }

    /// The newest block.
    pub fn head(&self) -> &BlockSnapshot {
        self.blocks.last().unwrap()
    }

    /// The result of a JSON-RPC method, or the words that it is refused with.
    pub fn handle_request(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
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
                let block = self.block_by_hash(&parameters[1]);
                let stored =
                    encoded_storage(&self.runtime, &block.ledger, &block.nonces, &block.events);
                let keys = parameters[0].as_array().unwrap().iter();
                let changes = keys.map(|key| json!([key, stored.get(key.as_str().unwrap())]));
                let changes: Vec<Value> = changes.collect();
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

    fn block_by_hash(&self, hash: &Value) -> &BlockSnapshot {
        &self.blocks[usize::try_from(number_of(hash)).unwrap()]
    }

    /// Takes an extrinsic into the pool, as a real pool does.
    fn submit_extrinsic(&mut self, text: &str) -> Result<(), String> {
        self.received += 1;
        let pending = PendingExtrinsic::decode(text, &self.runtime, self.newest())?;
        let next = self.head().next_nonce(pending.account);
        if pending.nonce < next {
            return Err("Transaction is outdated".into());
        }
        if pending.last < self.newest() {
            return Err("AncientBirthBlock".into());
        }
        self.pool.insert(text.to_owned(), pending);
        Ok(())
    }

    /// Makes a block of what is in the pool and may go into it.
    pub fn make_block(&mut self) {
        let mut next = self.head().clone();
        let block = next.ledger.block() + 1;
        next.ledger.advance_to(block);
        next.extrinsics.clear();
        let mut events = Vec::new();
        for (text, pending) in std::mem::take(&mut self.pool) {
            let nonce = next.nonces.entry(pending.account).or_default();
            if pending.nonce != *nonce || block.get() > pending.last {
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
                let signed =
                    SignedWeights::sign(hotkey, uids, values, *version_key, block.get(), sign);
                ledger.submit(&signed).map(drop)
            }
        }
    }

    /// Makes a block that holds weights for the owner alone, signed by the validator, and nothing else.
    pub fn include_foreign_weights(&mut self) {
        self.pool.clear();
        let account = self.validator.hotkey();
        let pending = PendingExtrinsic {
            account,
            nonce: self.head().next_nonce(account),
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
        let metadata = self.runtime.metadata();
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
}
