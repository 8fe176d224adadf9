//! Our chain code against the real subtensor runtime, on the node that `FORETELL_SUBTENSOR_WS` names.

mod bonds;
mod commit_reveal;
mod ledger_replica;
mod pruning;
mod refusals;
mod registration;
mod sdk_reads;
mod subnet;

use foretell_chain::chain::Chain;
use foretell_chain::submission::SubmissionStatus;
use foretell_core::hotkey::Uid;
use foretell_testkit::subtensor_node_url;

use self::ledger_replica::LedgerReplica;
use self::subnet::{TestSubnet, key, signer};

/// A validator's weights, by uid.
type WeightsRow = &'static [(u16, u16)];

/// Three validators (1, 2, 3) with unequal stakes and unequal weights for four miners (4 to 7); the third gives weight to a miner that the others give none.
const STAKES: [(&str, u64); 3] = [("first", 1000), ("second", 600), ("third", 200)];
const WEIGHTS: [(&str, WeightsRow); 3] = [
    ("first", &[(4, 65_535), (5, 30_000), (6, 1_000)]),
    ("second", &[(4, 50_000), (5, 65_535), (6, 2_000)]),
    ("third", &[(7, 65_535), (4, 100)]),
];

/// The real chain and the local ledger, asked the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_runtime_pays_is_what_the_local_ledger_pays() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 40).await;
    for (uid, role) in (1..).zip(["first", "second", "third", "a", "b", "c", "d"]) {
        assert_eq!(subnet.fund_and_register(role).await, Uid(uid));
    }
    for (role, tao) in STAKES {
        subnet.stake(role, tao).await;
    }
    let axon = "203.0.113.5:8091".parse().unwrap();
    subnet.chain.serve_axon(&signer("a"), axon).await.unwrap();
    // Permits come with the first epoch.
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;

    let metagraph = subnet.metagraph().await;
    assert_eq!(metagraph.owner, Uid(0));
    assert_eq!(metagraph.neurons.len(), 8);
    assert_eq!(
        metagraph.neuron(key("a").hotkey()).unwrap().axon,
        Some(axon)
    );
    for uid in [1, 2, 3] {
        assert!(metagraph.neurons[uid].permit, "uid {uid} has no permit");
    }
    let rules = subnet.chain.hyperparameters().await.unwrap();
    eprintln!("{rules:?}");
    assert_eq!(rules.tempo.get(), 40);
    assert_eq!(rules.weights_rate_limit, 0);

    for (role, view) in WEIGHTS {
        let status = subnet.set_weights(role, view).await.unwrap();
        assert!(
            matches!(status, SubmissionStatus::Succeeded(_)),
            "{role}: {status:?}"
        );
        let uid = subnet
            .metagraph()
            .await
            .neuron(key(role).hotkey())
            .unwrap()
            .uid;
        let read: Vec<(u16, u16)> = subnet
            .chain
            .weights(uid)
            .await
            .unwrap()
            .into_iter()
            .map(|(uid, value)| (uid.0, value))
            .collect();
        assert_eq!(read, view);
    }

    let mut ledger = LedgerReplica::from_metagraph(&subnet.metagraph().await, rules);
    for (role, view) in WEIGHTS {
        ledger.set_weights(role, view);
    }
    for epoch in 1..=3 {
        let (real, local) = ledger.epoch(&subnet).await;
        eprintln!("epoch {epoch}: runtime {real:?}, ledger {local:?}");
        for ((uid, real), local) in real.iter().enumerate().zip(&local) {
            assert!(
                real.0.abs_diff(local.0) <= 2 && real.1.abs_diff(local.1) <= 2,
                "epoch {epoch}, uid {uid}: the runtime says {real:?}, the ledger {local:?}"
            );
        }
        assert!(real.iter().any(|(incentive, _)| *incentive > 0));
    }
}
