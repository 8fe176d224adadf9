//! What is stored on the chain, encoded as the runtime stores it.

use std::collections::HashMap;
use std::net::SocketAddr;

use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::Neuron;
use foretell_chain::subtensor::runtime::{Runtime, StorageKey};
use foretell_core::hotkey::Hotkey;
use subxt::dynamic::Value;
use subxt::ext::codec::Encode;

use super::hashes::hex;

/// The subnet of the fake node's ledger.
pub const NETUID: u16 = 7;

/// All that our client reads: keys and values, both in hex. `nonces` are the accounts' next ones, and `events` are the
/// encoded events of the block.
pub fn encoded_storage(
    runtime: &Runtime,
    ledger: &Ledger,
    nonces: &HashMap<Hotkey, u32>,
    events: &[u8],
) -> HashMap<String, String> {
    let graph = ledger.metagraph();
    let rules = ledger.hyperparameters();
    let neurons = &graph.neurons;
    let count = u16::try_from(neurons.len()).unwrap();
    let mut stored = HashMap::new();
    let mut put = |storage_key: StorageKey, bytes: Vec<u8>| {
        let key = runtime.key(&storage_key).unwrap();
        stored.insert(hex(&key), hex(&bytes));
    };
    let of_subnet = |entry| StorageKey::new(entry, [number(NETUID)]);
    let all = |field: fn(&Neuron) -> u64| -> Vec<u64> { neurons.iter().map(field).collect() };
    put(of_subnet("SubnetworkN"), count.encode());
    put(of_subnet("Tempo"), rules.tempo.get().encode());
    put(of_subnet("SubnetOwnerHotkey"), neurons[0].hotkey.0.encode());
    let permits: Vec<bool> = neurons.iter().map(|n| n.permit).collect();
    put(of_subnet("ValidatorPermit"), permits.encode());
    put(
        of_subnet("LastUpdate"),
        all(|n| n.last_update.get()).encode(),
    );
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
        let weights: Vec<(u16, u16)> = ledger
            .weights(neuron.uid)
            .into_iter()
            .map(|(uid, value)| (uid.0, value))
            .collect();
        put(
            StorageKey::new("Weights", [number(NETUID), number(uid)]),
            weights.encode(),
        );
    }
    for (account, nonce) in nonces {
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
        events.to_vec(),
    );
    stored
}

/// Block, version, address, port, kind of address, protocol, and two bytes that mean nothing yet.
fn axon_info(axon: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(axon) = axon else {
        panic!("{axon}: no miner here has such an address");
    };
    let ip = u128::from(u32::from(*axon.ip()));
    (0_u64, 1_u32, ip, axon.port(), 4_u8, 4_u8, 0_u8, 0_u8).encode()
}

fn number(value: u16) -> Value {
    Value::u128(value.into())
}
