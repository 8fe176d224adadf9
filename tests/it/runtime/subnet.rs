//! A fresh subnet on a node of the real runtime, whose sudo key is `//Alice`'s.

use std::sync::Arc;
use std::time::Duration;

use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::metagraph::Metagraph;
use foretell_chain::signer::Signer;
use foretell_chain::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use foretell_chain::subtensor::Subtensor;
use foretell_chain::subtensor::calls::Call;
use foretell_chain::subtensor::connection::NodeConnection;
use foretell_chain::subtensor::runtime::StorageKey;
use foretell_cli::clock::system_now;
use foretell_core::hotkey::Uid;
use foretell_keys::keypair::Keypair;
use serde_json::json;
use subxt::dynamic::Value;
use subxt::ext::scale_value::Composite;
use subxt::rpcs::rpc_params;
use tokio::sync::{Mutex, MutexGuard};

/// Rao in one TAO.
pub const TAO: u64 = 1_000_000_000;

/// The seed of `//Alice`, known to everybody.
const ALICE: &str = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

/// The node is one, and its sudo key is one: tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// A subnet of a test's own.
pub struct TestSubnet {
    pub chain: Arc<Subtensor>,
    pub netuid: u16,
    pub rpc: NodeConnection,
    url: String,
    alice: Signer,
    _turn: MutexGuard<'static, ()>,
}

/// The key of this role, the same in each run of a test.
pub fn key(role: &str) -> Keypair {
    Keypair::derived(7, role)
}

pub fn signer_of(key: Keypair) -> Signer {
    Signer::new(key.hotkey(), move |bytes| key.sign(bytes).0)
}

pub fn signer(role: &str) -> Signer {
    signer_of(key(role))
}

pub fn weights(parts: &[(u16, u16)]) -> UidWeights {
    UidWeights {
        uids: parts.iter().map(|(uid, _)| Uid(*uid)).collect(),
        values: parts.iter().map(|(_, value)| *value).collect(),
    }
}

impl TestSubnet {
    /// A subnet owned by the coldkey and hotkey of `owner`, ready for registrations and stake.
    pub async fn new(url: String, owner: &str) -> Self {
        let turn = TURN.lock().await;
        let mut seed = [0; 32];
        hex::decode_to_slice(ALICE, &mut seed).unwrap();
        let alice = signer_of(Keypair::from_seed(&seed));
        let node = Subtensor::new(connect_with_long_timeouts(&url), 0);
        let mut subnet = Self {
            chain: Arc::new(node),
            netuid: 0,
            rpc: connect_with_long_timeouts(&url),
            url,
            alice,
            _turn: turn,
        };
        subnet
            .sudo("sudo_set_network_rate_limit", &[("rate_limit", 0)])
            .await;
        subnet
            .sudo("sudo_set_tx_rate_limit", &[("tx_rate_limit", 0)])
            .await;
        // What a subnet costs doubles with each, and falls back within this many blocks.
        subnet
            .sudo("sudo_set_lock_reduction_interval", &[("interval", 1)])
            .await;
        subnet.fund(owner, 20_000).await;
        let register = call(
            "SubtensorModule",
            "register_network",
            vec![("hotkey", Value::from_bytes(key(owner).hotkey().0))],
        );
        let before = subnet.subnets().await;
        subnet
            .chain
            .submit_and_wait(&register, &signer(owner))
            .await
            .unwrap();
        let after = subnet.subnets().await;
        assert_eq!(after, before + 1);
        // Numbers are given in order; subnets 0 and 1 were there from the start.
        subnet.netuid = before;
        subnet.chain = Arc::new(Subtensor::new(
            connect_with_long_timeouts(&subnet.url),
            before,
        ));
        for (name, argument, value) in [
            ("sudo_set_subtoken_enabled", "subtoken_enabled", 1),
            (
                "sudo_set_network_registration_allowed",
                "registration_allowed",
                1,
            ),
        ] {
            let netuid = number(subnet.netuid);
            let flag = Value::bool(value == 1);
            subnet
                .sudo_values(name, vec![("netuid", netuid), (argument, flag)])
                .await;
        }
        for (name, argument, value) in [
            (
                "sudo_set_target_registrations_per_interval",
                "target_registrations_per_interval",
                100,
            ),
            (
                "sudo_set_max_registrations_per_block",
                "max_registrations_per_block",
                10,
            ),
            (
                "sudo_set_weights_set_rate_limit",
                "weights_set_rate_limit",
                0,
            ),
        ] {
            subnet.set(name, argument, value).await;
        }
        subnet
    }

    /// Sets a parameter of the whole chain.
    pub async fn set_globally(&self, name: &'static str, argument: &'static str, value: u64) {
        self.sudo(name, &[(argument, value)]).await;
    }

    /// Sets a parameter of this subnet.
    pub async fn set(&self, name: &'static str, argument: &'static str, value: u64) {
        let netuid = number(self.netuid);
        self.sudo_values(name, vec![("netuid", netuid), (argument, number(value))])
            .await;
    }

    /// Switches something of this subnet.
    pub async fn set_flag(&self, name: &'static str, argument: &'static str, on: bool) {
        let netuid = number(self.netuid);
        self.sudo_values(name, vec![("netuid", netuid), (argument, Value::bool(on))])
            .await;
    }

    async fn sudo(&self, name: &'static str, arguments: &[(&'static str, u64)]) {
        let arguments = arguments
            .iter()
            .map(|(name, value)| (*name, number(*value)));
        self.sudo_values(name, arguments.collect()).await;
    }

    async fn sudo_values(&self, name: &'static str, arguments: Vec<(&'static str, Value)>) {
        let call = sudo("AdminUtils", name, arguments);
        self.chain
            .submit_and_wait(&call, &self.alice)
            .await
            .unwrap();
    }

    /// Gives a role's coldkey TAO. Hotkey and coldkey of a role are one account here.
    pub async fn fund(&self, role: &str, tao: u64) {
        let transfer = call(
            "Balances",
            "transfer_keep_alive",
            vec![
                (
                    "dest",
                    Value::unnamed_variant("Id", [Value::from_bytes(key(role).hotkey().0)]),
                ),
                ("value", number(tao * TAO)),
            ],
        );
        self.chain
            .submit_and_wait(&transfer, &self.alice)
            .await
            .unwrap();
    }

    /// Registers a role, with TAO to stake.
    pub async fn fund_and_register(&self, role: &str) -> Uid {
        self.fund(role, 10_000).await;
        self.register(role).await
    }

    /// Registers a role that has TAO already.
    pub async fn register(&self, role: &str) -> Uid {
        let joined = self.chain.register(&signer(role), key(role).hotkey()).await;
        joined.unwrap_or_else(|error| panic!("{role}: {error}"))
    }

    pub async fn stake(&self, role: &str, tao: u64) {
        let hotkey = key(role).hotkey();
        let staked = self.chain.stake(&signer(role), hotkey, tao * TAO).await;
        staked.unwrap_or_else(|error| panic!("{role}: {error}"));
    }

    /// Sets weights, and waits until they are set.
    pub async fn set_weights(
        &self,
        role: &str,
        parts: &[(u16, u16)],
    ) -> Result<SubmissionStatus, ChainError> {
        let prepared = self.prepare(role, parts).await?;
        self.chain.submit(&prepared).await?;
        self.chain.wait_for(&prepared).await
    }

    pub async fn prepare(
        &self,
        role: &str,
        parts: &[(u16, u16)],
    ) -> Result<PreparedWeights, ChainError> {
        let signer = signer(role);
        self.chain
            .prepare(&weights(parts), &signer, system_now())
            .await
    }

    pub async fn metagraph(&self) -> Metagraph {
        self.chain.metagraph().await.unwrap()
    }

    pub async fn block(&self) -> Block {
        self.chain.block().await.unwrap()
    }

    /// Lets blocks pass until the next is the first of an epoch: `(block + netuid + 1) mod (tempo + 1) = 0`.
    pub async fn advance_to_last_block_of_epoch(&self) {
        let tempo = u64::from(self.metagraph().await.tempo.get());
        let block = self.block().await.get();
        let length = tempo + 1;
        let next = (block + u64::from(self.netuid) + 2) % length;
        self.make_blocks((length - next) % length).await;
    }

    /// Makes blocks.
    pub async fn make_blocks(&self, count: u64) {
        // A few at a time: a busy machine takes seconds for one.
        let mut left = count;
        while left > 0 {
            let some = left.min(5);
            let parameters = rpc_params![json!({ "count": some })];
            let _head: String = self.rpc.request("dev_newBlock", parameters).await.unwrap();
            left -= some;
        }
    }

    /// Plants a value in storage.
    pub async fn set_storage(&self, key: &[u8], value: &[u8]) {
        let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
        let parameters = rpc_params![json!([[hex(key), hex(value)]])];
        let _head: String = self
            .rpc
            .request("dev_setStorage", parameters)
            .await
            .unwrap();
    }

    async fn subnets(&self) -> u16 {
        let head = self.chain.head().await.unwrap();
        let storage_key = StorageKey::new("TotalNetworks", []);
        head.read(vec![storage_key])
            .await
            .unwrap()
            .next_value()
            .unwrap()
    }
}

/// A node makes its blocks when it is sent something, which takes long where the machine has other things to do.
fn connect_with_long_timeouts(url: &str) -> NodeConnection {
    NodeConnection::new(url).with_timeouts(Duration::from_secs(120), Duration::ZERO)
}

fn call(pallet: &'static str, name: &'static str, arguments: Vec<(&'static str, Value)>) -> Call {
    subxt::dynamic::tx(pallet, name, Composite::named(arguments))
}

/// The call, with the rights of the chain's root.
fn sudo(pallet: &str, name: &str, arguments: Vec<(&'static str, Value)>) -> Call {
    let inner = Value::unnamed_variant(pallet, [Value::named_variant(name, arguments)]);
    call("Sudo", "sudo", vec![("call", inner)])
}

fn number(value: impl Into<u128>) -> Value {
    Value::u128(value.into())
}
