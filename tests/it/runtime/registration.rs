//! What a registration costs, and who is replaced on a full subnet: the runtime beside the ledger.

use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::pruning::{PruneCandidate, pruned_uid};
use foretell_chain::registration_price::{PriceAdjustment, RegistrationPrice};
use foretell_chain::subtensor::runtime::StorageKey;
use foretell_core::hotkey::Uid;
use foretell_testkit::subtensor_node_url;
use subxt::dynamic::Value;
use subxt::ext::scale_decode::DecodeAsType;

use super::subnet::{TestSubnet, key};

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_costs_what_the_local_ledger_says() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    for (name, argument, value) in [
        ("sudo_set_adjustment_interval", "adjustment_interval", 20),
        (
            "sudo_set_adjustment_alpha",
            "adjustment_alpha",
            u64::MAX / 3,
        ),
        (
            "sudo_set_target_registrations_per_interval",
            "target_registrations_per_interval",
            2,
        ),
    ] {
        subnet.set(name, argument, value).await;
    }
    let rules = subnet.chain.hyperparameters().await.unwrap().registration;
    eprintln!("{rules:?}");
    assert!(matches!(
        rules.adjustment,
        PriceAdjustment::Intervals { interval: 20, .. }
    ));
    // From the beginning of an interval on.
    subnet.make_blocks(20).await;
    let begun = read::<u64>(&subnet, "LastAdjustmentBlock").await;
    let spent_before = read::<u64>(&subnet, "RAORecycledForRegistration").await;
    let mut registration_price = RegistrationPrice::new(price(&subnet).await, Block::new(begun));

    let mut seen = Vec::new();
    // Many in one interval, none in two, one in one, and then none.
    for (joining, blocks) in [
        (&["a", "b", "c", "d"][..], 20),
        (&[], 40),
        (&["e"], 20),
        (&[], 60),
    ] {
        for role in joining {
            let uid = subnet.fund_and_register(role).await;
            let block = registered(&subnet, uid).await;
            registration_price.pay(block, &rules);
            eprintln!("registered at {block}, now {}", subnet.block().await);
            seen.push(agree(&subnet, &registration_price).await);
        }
        for _ in 0..blocks / 10 {
            subnet.make_blocks(10).await;
            seen.push(agree(&subnet, &registration_price).await);
        }
    }
    let spent = read::<u64>(&subnet, "RAORecycledForRegistration").await - spent_before;
    eprintln!("prices {seen:?}; five registrations cost {spent}");
    assert_eq!(spent, registration_price.burned);
    let (first, highest) = (seen[0], *seen.iter().max().unwrap());
    assert!(highest > first && seen.last().unwrap() < &first);

    async fn agree(subnet: &TestSubnet, registration_price: &RegistrationPrice) -> u64 {
        let rules = subnet.chain.hyperparameters().await.unwrap().registration;
        let (block, real) = (subnet.block().await, price(subnet).await);
        assert_eq!(
            real,
            registration_price.at_block(block, &rules),
            "at block {block}"
        );
        real
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn immunity_spares_a_newcomer_and_whoever_left_pays_to_come_back() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 10).await;
    for role in ["first", "a", "b", "c"] {
        if role == "c" {
            subnet
                .set("sudo_set_max_allowed_uids", "max_allowed_uids", 5)
                .await;
        }
        subnet.fund_and_register(role).await;
    }
    subnet.stake("first", 1_000).await;
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    // a (2) and c (4) earn, b (3) doesn't.
    let view = [(2, 65_535), (4, 20_000)];
    subnet.set_weights("first", &view).await.unwrap();
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;

    // Everybody is immune: the least paid leaves all the same.
    set_immunity(&subnet, 4_096).await;
    let pruned = register_on_full_subnet(&subnet, "d").await;
    assert_eq!(pruned, Uid(3), "b");
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;

    // d, who isn't paid, is immune; the least paid of the others leaves.
    let since = subnet
        .block()
        .await
        .since(registered(&subnet, Uid(4)).await);
    set_immunity(&subnet, since).await;
    let pruned = register_on_full_subnet(&subnet, "e").await;
    assert_ne!(pruned, Uid(3), "d is new");
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;

    // d is immune no longer, e still is: b, coming back, gets the place that once was its own, at the price of the day.
    let since = subnet
        .block()
        .await
        .since(registered(&subnet, Uid(3)).await);
    set_immunity(&subnet, since).await;
    let (cost, spent) = (price(&subnet).await, "RAORecycledForRegistration");
    let before = read::<u64>(&subnet, spent).await;
    let pruned = register_on_full_subnet(&subnet, "b").await;
    assert_eq!(pruned, Uid(3), "d");
    let paid = read::<u64>(&subnet, spent).await - before;
    eprintln!("coming back cost {paid}");
    assert_eq!(paid, cost);
    let back = subnet.metagraph().await;
    let back = back.neuron(key("b").hotkey()).unwrap();
    assert_eq!((back.uid, back.incentive, back.axon), (Uid(3), 0, None));
}

async fn set_immunity(subnet: &TestSubnet, blocks: u64) {
    subnet
        .set("sudo_set_immunity_period", "immunity_period", blocks)
        .await;
}

/// Registers a role on a full subnet: whom the runtime replaced, which is whom the ledger would have.
async fn register_on_full_subnet(subnet: &TestSubnet, role: &str) -> Uid {
    let immunity_period = subnet
        .chain
        .hyperparameters()
        .await
        .unwrap()
        .immunity_period;
    subnet.fund(role, 10_000).await;
    let metagraph = subnet.metagraph().await;
    let mut candidates = Vec::new();
    for neuron in &metagraph.neurons[1..] {
        candidates.push(PruneCandidate {
            uid: neuron.uid,
            // A subnet that was never started is issued nothing: what it would be paid by stands for what it is paid.
            emission: u64::from(neuron.incentive) + u64::from(neuron.dividend),
            registered: registered(subnet, neuron.uid).await,
        });
    }
    // The registration is in the next block.
    let next = subnet.block().await + 1;
    eprintln!("at block {next} with immunity {immunity_period}: {candidates:?}");
    let expected = pruned_uid(candidates, next, immunity_period).unwrap();
    let found = subnet.register(role).await;
    assert_eq!(found, expected);
    found
}

async fn registered(subnet: &TestSubnet, uid: Uid) -> Block {
    let keys = [subnet.netuid, uid.0].map(|key| Value::u128(key.into()));
    Block::new(value(subnet, StorageKey::new("BlockAtRegistration", keys)).await)
}

async fn price(subnet: &TestSubnet) -> u64 {
    subnet.chain.registration_price().await.unwrap()
}

/// A value of this subnet.
async fn read<T: DecodeAsType>(subnet: &TestSubnet, entry: &'static str) -> T {
    value(
        subnet,
        StorageKey::new(entry, [Value::u128(subnet.netuid.into())]),
    )
    .await
}

async fn value<T: DecodeAsType>(subnet: &TestSubnet, storage_key: StorageKey) -> T {
    let head = subnet.chain.head().await.unwrap();
    head.read(vec![storage_key])
        .await
        .unwrap()
        .next_value()
        .unwrap()
}
