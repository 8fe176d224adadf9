//! Bonds while validators change their minds: the runtime's memory beside the ledger's.

use std::collections::BTreeMap;

use foretell_chain::chain::Chain;
use foretell_chain::subtensor::runtime::StorageKey;
use foretell_core::hotkey::Uid;
use foretell_testkit::subtensor_node_url;
use subxt::dynamic::Value;

use super::ledger_replica::LedgerReplica;
use super::subnet::TestSubnet;

/// The epochs: one validator (1) that shifts from miner 3 to miner 4 step by step, and a smaller one (2) that was there
/// before it, and wavers once.
const SHIFTING: [&[(u16, u16)]; 5] = [
    &[(3, 65_535), (4, 0)],
    &[(3, 50_000), (4, 15_535)],
    &[(3, 20_000), (4, 45_000), (5, 500)],
    &[(4, 65_535), (5, 1_000)],
    &[(4, 65_535)],
];
const STEADY: [&[(u16, u16)]; 5] = [
    &[(4, 65_535), (3, 3_000)],
    &[(4, 65_535), (3, 3_000)],
    &[(4, 65_535), (3, 3_000), (5, 9_000)],
    &[(4, 65_535), (3, 3_000)],
    &[(4, 65_535), (3, 3_000)],
];
/// Units of u16 by which a share may differ: the runtime computes in fixed point.
const TOLERANCE: u16 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn bonds_of_yuma_2_are_the_runtimes() {
    compare_bonds(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bonds_of_yuma_3_are_the_runtimes() {
    let switches = [("sudo_set_yuma3_enabled", "enabled")];
    compare_bonds(&switches).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bonds_of_yuma_3_with_liquid_alpha_are_the_runtimes() {
    let switches = [
        ("sudo_set_yuma3_enabled", "enabled"),
        ("sudo_set_liquid_alpha_enabled", "enabled"),
    ];
    compare_bonds(&switches).await;
}

async fn compare_bonds(switches: &[(&'static str, &'static str)]) {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 10).await;
    for role in ["first", "second", "a", "b", "c"] {
        subnet.fund_and_register(role).await;
    }
    subnet.stake("first", 1_000).await;
    subnet.stake("second", 700).await;
    for (switch, argument) in switches {
        subnet.set_flag(switch, argument, true).await;
    }
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    let rules = subnet.chain.hyperparameters().await.unwrap();
    eprintln!("{:?}", rules.bonds);

    let mut replica = LedgerReplica::from_metagraph(&subnet.metagraph().await, rules);
    let (mut furthest_pay, mut furthest_bond) = (0, 0);
    for (epoch, (shifting, steady)) in SHIFTING.into_iter().zip(STEADY).enumerate() {
        for (role, view) in [("first", shifting), ("second", steady)] {
            subnet.set_weights(role, view).await.unwrap();
            replica.set_weights(role, view);
        }
        let (real, local) = replica.epoch(&subnet).await;
        eprintln!("epoch {epoch}: runtime {real:?}, ledger {local:?}");
        for (uid, (real, local)) in real.iter().zip(&local).enumerate() {
            let off = real.0.abs_diff(local.0).max(real.1.abs_diff(local.1));
            furthest_pay = furthest_pay.max(off);
            assert!(
                off <= TOLERANCE,
                "epoch {epoch}, uid {uid}: {real:?}, {local:?}"
            );
        }
        for uid in [Uid(0), Uid(1), Uid(2)] {
            let real = bonds(&subnet, uid).await;
            let local = map(replica.ledger.bonds(uid));
            eprintln!("epoch {epoch}, bonds of {uid:?}: runtime {real:?}, ledger {local:?}");
            for target in real.keys().chain(local.keys()) {
                let held = |bonds: &BTreeMap<u16, u16>| bonds.get(target).copied().unwrap_or(0);
                let off = held(&real).abs_diff(held(&local));
                furthest_bond = furthest_bond.max(off);
                assert!(
                    off <= TOLERANCE,
                    "epoch {epoch}: {uid:?} in {target}: {real:?}, {local:?}"
                );
            }
        }
    }
    eprintln!("at most {furthest_pay} (pay) and {furthest_bond} (bonds) units of u16 apart");
}

/// What a validator holds in each miner, as the runtime stores it.
async fn bonds(subnet: &TestSubnet, uid: Uid) -> BTreeMap<u16, u16> {
    let keys = [subnet.netuid, uid.0].map(|key| Value::u128(key.into()));
    let head = subnet.chain.head().await.unwrap();
    let mut read = head
        .read(vec![StorageKey::new("Bonds", keys)])
        .await
        .unwrap();
    let held: Vec<(u16, u16)> = read.next_value().unwrap();
    held.into_iter().filter(|(_, bond)| *bond > 0).collect()
}

fn map(held: Vec<(Uid, u16)>) -> BTreeMap<u16, u16> {
    held.into_iter().map(|(uid, bond)| (uid.0, bond)).collect()
}
