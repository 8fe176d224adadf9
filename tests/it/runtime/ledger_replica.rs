//! The local ledger with the neurons, stakes and weights of a subnet of the real runtime.

use foretell_chain::chain::Chain;
use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::{Hyperparameters, Metagraph};
use foretell_chain::signed_weights::SignedWeights;
use foretell_core::hotkey::{Hotkey, Uid};

use super::subnet::{TestSubnet, key, weights};

/// Incentive and dividend of each uid.
pub type EpochPay = Vec<(u16, u16)>;

pub struct LedgerReplica {
    pub ledger: Ledger,
    nonce: u64,
}

impl LedgerReplica {
    /// The ledger with the neurons of this metagraph and their stakes, before any weights.
    pub fn from_metagraph(metagraph: &Metagraph, rules: Hyperparameters) -> Self {
        let hotkeys: Vec<Hotkey> = metagraph.neurons.iter().map(|n| n.hotkey).collect();
        let mut ledger = Ledger::genesis(rules, hotkeys[0], hotkeys[0].into());
        for (uid, hotkey) in (1..).zip(&hotkeys[1..]) {
            assert_eq!(ledger.register(*hotkey, (*hotkey).into()), Ok(Uid(uid)));
        }
        let mut replica = Self { ledger, nonce: 0 };
        replica.copy_stakes(metagraph);
        replica
    }

    pub fn set_weights(&mut self, role: &str, view: &[(u16, u16)]) {
        let view = weights(view);
        self.nonce += 1;
        let sign = |bytes: &[u8]| key(role).sign(bytes).0;
        let hotkey = key(role).hotkey();
        let signed = SignedWeights::sign(hotkey, view.uids, view.values, 0, self.nonce, sign);
        self.ledger.submit(&signed).unwrap();
    }

    /// Advances both to their next epoch; what the runtime pays, and what the ledger pays.
    pub async fn epoch(&mut self, subnet: &TestSubnet) -> (EpochPay, EpochPay) {
        subnet.advance_to_last_block_of_epoch().await;
        self.copy_stakes(&subnet.metagraph().await);
        subnet.make_blocks(1).await;
        let tempo = u64::from(self.ledger.hyperparameters().tempo.get());
        let next = self.ledger.block().next_multiple_of(tempo);
        self.ledger.advance_to(next);
        (
            pay(&subnet.chain.metagraph().await.unwrap()),
            pay(&self.ledger.metagraph()),
        )
    }

    /// Gives every neuron the stake that the real chain counts with.
    fn copy_stakes(&mut self, metagraph: &Metagraph) {
        let held = self.ledger.metagraph();
        for (real, held) in metagraph.neurons.iter().zip(held.neurons) {
            let more = real.stake - held.stake;
            self.ledger.stake(real.hotkey, more).unwrap();
        }
    }
}

fn pay(metagraph: &Metagraph) -> EpochPay {
    let neurons = metagraph.neurons.iter();
    neurons.map(|n| (n.incentive, n.dividend)).collect()
}
