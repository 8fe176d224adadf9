//! A full subnet: who leaves for a newcomer, here and there.

use foretell_chain::block::Block;
use foretell_chain::pruning::{PruneCandidate, pruned_uid};
use foretell_core::hotkey::Uid;
use foretell_testkit::subtensor_node_url;

use super::subnet::{TestSubnet, key};

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_replaces_whom_the_local_ledger_would() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 10).await;
    subnet
        .set("sudo_set_immunity_period", "immunity_period", 5)
        .await;
    let mut registered = vec![Block::FIRST];
    for role in ["first", "a", "b", "c"] {
        if role == "c" {
            // The runtime takes only a number above that of those who are there; c fills the last place.
            let (name, argument) = ("sudo_set_max_allowed_uids", "max_allowed_uids");
            subnet.set(name, argument, 5).await;
        }
        subnet.fund_and_register(role).await;
        registered.push(subnet.block().await);
    }
    subnet.stake("first", 1_000).await;
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    // a (2) and c (4) earn, b (3) doesn't.
    subnet
        .set_weights("first", &[(2, 65_535), (4, 20_000)])
        .await
        .unwrap();
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;

    subnet.make_blocks(6).await;
    let metagraph = subnet.metagraph().await;
    let candidates = metagraph.neurons.iter().zip(&registered).skip(1);
    let candidates = candidates.map(|(neuron, registered)| PruneCandidate {
        uid: neuron.uid,
        // A subnet that was never started is issued nothing: what it would be paid by stands for what it is paid.
        emission: u64::from(neuron.incentive) + u64::from(neuron.dividend),
        registered: *registered,
    });
    let expected = pruned_uid(candidates, metagraph.block, 5).unwrap();
    assert_eq!(expected, Uid(3));
    let newcomer = subnet.fund_and_register("newcomer").await;
    eprintln!("the runtime replaced uid {}", newcomer.0);
    assert_eq!(newcomer, expected);
    let after = subnet.metagraph().await;
    assert_eq!(after.neurons.len(), 5);
    assert!(after.neuron(key("b").hotkey()).is_none());
    let taken = after.neuron(key("newcomer").hotkey()).unwrap();
    assert_eq!((taken.incentive, taken.axon), (0, None));
}
