//! Our chain code against the real subtensor runtime, on the node that `FORETELL_SUBTENSOR_WS` names.

mod commit_reveal;
mod departure;
mod refusals;
mod sdk_reads;
mod subnet;

use foretell_chain::chain::{Chain, Fate};
use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::{Block, Hyperparameters, Metagraph};
use foretell_chain::weights::SignedWeights;
use foretell_core::hotkey::{Hotkey, Uid};

use self::subnet::{Subnet, key, node, signer, weights};

/// A validator's weights, by uid.
type Row = &'static [(u16, u16)];

/// Three validators (1, 2, 3) with unequal stakes and unequal views of four miners (4 to 7); the third is a liar.
const STAKES: [(&str, u64); 3] = [("first", 1000), ("second", 600), ("third", 200)];
const VIEWS: [(&str, Row); 3] = [
    ("first", &[(4, 65_535), (5, 30_000), (6, 1_000)]),
    ("second", &[(4, 50_000), (5, 65_535), (6, 2_000)]),
    ("third", &[(7, 65_535), (4, 100)]),
];

/// The real chain and the local ledger, asked the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_runtime_pays_is_what_the_local_ledger_pays() {
    let Some(url) = node("what_the_runtime_pays_is_what_the_local_ledger_pays") else {
        return;
    };
    let subnet = Subnet::new(url, "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 40).await;
    for (uid, role) in (1..).zip(["first", "second", "third", "a", "b", "c", "d"]) {
        assert_eq!(subnet.join(role).await, Uid(uid));
    }
    for (role, tao) in STAKES {
        subnet.stake(role, tao).await;
    }
    let axon = "203.0.113.5:8091".parse().unwrap();
    subnet.chain.serve_axon(&signer("a"), axon).await.unwrap();
    // Permits come with the first epoch.
    subnet.before_epoch().await;
    subnet.new_blocks(1).await;

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

    for (role, view) in VIEWS {
        let fate = subnet.set_weights(role, view).await.unwrap();
        assert!(matches!(fate, Fate::Set(_)), "{role}: {fate:?}");
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

    let mut ledger = Twin::of(&subnet.metagraph().await, rules);
    for epoch in 1..=3 {
        subnet.before_epoch().await;
        let before = subnet.metagraph().await;
        subnet.new_blocks(1).await;
        let after = subnet.metagraph().await;
        let local = ledger.epoch(&before);
        let real: Vec<(u16, u16)> = after
            .neurons
            .iter()
            .map(|n| (n.incentive, n.dividend))
            .collect();
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

/// The local ledger with the same people, stakes and weights.
struct Twin {
    ledger: Ledger,
    tempo: u64,
}

impl Twin {
    fn of(metagraph: &Metagraph, rules: Hyperparameters) -> Self {
        let tempo = u64::from(rules.tempo.get());
        let hotkeys: Vec<Hotkey> = metagraph.neurons.iter().map(|n| n.hotkey).collect();
        let mut ledger = Ledger::genesis(rules, hotkeys[0], hotkeys[0]);
        for (uid, hotkey) in (1..).zip(&hotkeys[1..]) {
            assert_eq!(ledger.register(*hotkey, *hotkey), Ok(Uid(uid)));
        }
        let mut twin = Self { ledger, tempo };
        twin.take_stakes(metagraph);
        for (role, view) in VIEWS {
            let view = weights(view);
            let hotkey = key(role).hotkey();
            let sign = |bytes: &[u8]| key(role).sign(bytes).0;
            let signed = SignedWeights::sign(hotkey, view.uids, view.values, 0, 1, sign);
            twin.ledger.submit(&signed).unwrap();
        }
        twin
    }

    /// Gives everybody the stake that the real chain counted with.
    fn take_stakes(&mut self, metagraph: &Metagraph) {
        let held = self.ledger.metagraph();
        for (real, held) in metagraph.neurons.iter().zip(held.neurons) {
            let more = real.stake - held.stake;
            self.ledger.stake(real.hotkey, more).unwrap();
        }
    }

    fn epoch(&mut self, before: &Metagraph) -> Vec<(u16, u16)> {
        self.take_stakes(before);
        let next = Block(self.ledger.block().0 / self.tempo * self.tempo + self.tempo);
        self.ledger.advance_to(next);
        let neurons = self.ledger.metagraph().neurons;
        neurons.iter().map(|n| (n.incentive, n.dividend)).collect()
    }
}
