//! Weights that nobody can read until a drand round is out, and that the chain then sets by itself.

use foretell_chain::chain::Chain;
use foretell_chain::submission::{PreparedWeights, SubmissionStatus};
use foretell_chain::subtensor::runtime::StorageKey;
use foretell_core::hotkey::Uid;
use foretell_core::time::{Millis, UnixMillis};
use foretell_testkit::{DRAND_RANDOMNESS, DRAND_ROUND, DRAND_SIGNATURE, subtensor_node_url};
use serde_json::Value as Json;
use subxt::dynamic::Value;

use super::subnet::{TestSubnet, signer, weights};

#[tokio::test(flavor = "multi_thread")]
async fn committed_weights_reveal_themselves_on_the_runtime() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 20).await;
    for role in ["first", "a", "b"] {
        subnet.fund_and_register(role).await;
    }
    subnet.stake("first", 1_000).await;
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    let (name, argument) = ("sudo_set_commit_reveal_weights_enabled", "enabled");
    subnet.set_flag(name, argument, true).await;

    let view = [(2, 65_535), (3, 21_845)];
    let prepared = for_round(&subnet, &view).await;
    subnet.chain.submit(&prepared).await.unwrap();
    let status = subnet.chain.wait_for(&prepared).await.unwrap();
    assert!(
        matches!(status, SubmissionStatus::Succeeded(_)),
        "{status:?}"
    );
    eprintln!("committed: {}", &prepared.text[prepared.text.len() - 120..]);
    assert_eq!(subnet.chain.weights(Uid(1)).await.unwrap(), []);

    store_drand_pulse(&subnet).await;
    // The epoch after the commitment's.
    for _ in 0..2 {
        subnet.advance_to_last_block_of_epoch().await;
        subnet.make_blocks(1).await;
    }
    let revealed = subnet.chain.weights(Uid(1)).await.unwrap();
    eprintln!("revealed: {revealed:?}");
    let expected = view.map(|(uid, value)| (Uid(uid), value));
    assert_eq!(revealed, expected);
}

/// Weights that reveal themselves in round 1,000: signed as if it were the time for that.
async fn for_round(subnet: &TestSubnet, view: &[(u16, u16)]) -> PreparedWeights {
    let mut now = UnixMillis::literal(1_692_803_367_000);
    // The second time corrects what the first had wrong; the third what blocks that passed meanwhile did.
    for _ in 0..3 {
        let prepared = subnet
            .chain
            .prepare(&weights(view), &signer("first"), now)
            .await
            .unwrap();
        let text: Json = serde_json::from_str(&prepared.text).unwrap();
        assert_eq!(text["weights_call"], "crv3");
        let round = text["reveal_round"].as_i64().unwrap();
        if round == DRAND_ROUND.cast_signed() {
            return prepared;
        }
        now = now + Millis::seconds(3 * (DRAND_ROUND.cast_signed() - round));
    }
    panic!("no commitment for round {DRAND_ROUND}");
}

async fn store_drand_pulse(subnet: &TestSubnet) {
    let head = subnet.chain.head().await.unwrap();
    let storage_key = StorageKey::in_pallet("Drand", "Pulses", [Value::u128(DRAND_ROUND.into())]);
    let key = head.runtime.key(&storage_key).unwrap();
    let (randomness, signature) = (hex::decode(DRAND_RANDOMNESS), hex::decode(DRAND_SIGNATURE));
    let mut pulse = DRAND_ROUND.to_le_bytes().to_vec();
    for part in [randomness.unwrap(), signature.unwrap()] {
        // A compact length below 64.
        pulse.push(u8::try_from(part.len()).unwrap() << 2);
        pulse.extend(part);
    }
    subnet.set_storage(&key, &pulse).await;
}
