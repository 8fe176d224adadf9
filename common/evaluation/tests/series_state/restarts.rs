//! A validator killed after any record carries on as if nothing had happened.

use foretell_core::series::Unit;
use foretell_core::testing::hotkey;
use proptest::prelude::*;

use crate::market::SyntheticMarket;
use crate::miners::{AdversaryAction, MinerBehaviour};
use crate::validator::{InMemoryValidator, TestNetwork};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_prefix_of_the_journal_leads_to_the_same_head(
        seed: u64,
        actions in prop::collection::vec(prop::sample::select(&AdversaryAction::ALL[..]), 1..4),
    ) {
        let behaviours = [(1, MinerBehaviour::Informed(0.5)), (2, MinerBehaviour::Adversary(actions))];
        let network = TestNetwork {
            market: SyntheticMarket::new(Unit::LogPrice, seed, 3),
            miners: behaviours.map(|(n, behaviour)| (hotkey(n), behaviour)).into(),
        };
        let end = network.run_to_end();
        prop_assert!(end.state.open_rounds().is_empty());

        let mut written = InMemoryValidator::new(&network);
        loop {
            let mut restarted = written.restarted();
            prop_assert_eq!(restarted.head, written.head);
            prop_assert_eq!(restarted.state.due_actions(written.now), written.state.due_actions(written.now));
            prop_assert_eq!(restarted.state.voids_on_start(restarted.now), []);
            restarted.finish();
            prop_assert_eq!(restarted.head, end.head);
            if !written.step() {
                break;
            }
        }
        prop_assert_eq!(written.head, end.head);
    }
}

#[test]
fn a_restart_after_a_long_time_still_knows_who_is_eligible() {
    let behaviours = [
        (1, MinerBehaviour::Informed(0.5)),
        (2, MinerBehaviour::Informed(0.8)),
    ];
    let network = TestNetwork {
        market: SyntheticMarket::new(Unit::Value, 1, 250),
        miners: behaviours
            .map(|(n, behaviour)| (hotkey(n), behaviour))
            .into(),
    };
    let mut written = InMemoryValidator::new(&network);
    while written.state.reference_track().rounds() < 245 {
        assert!(written.step());
    }
    let mut restarted = written.restarted();
    assert_eq!(restarted.state.weights(), written.state.weights());
    assert_eq!(restarted.state.weights().miners.len(), 2);
    written.finish();
    restarted.finish();
    assert_eq!(restarted.head, written.head);
}
