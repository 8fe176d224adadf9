//! A validator killed after any record carries on as if nothing had happened.

use foretell_core::hotkey::Hotkey;
use foretell_core::series::Unit;
use proptest::prelude::*;

use crate::market::Market;
use crate::miners::{Style, Vandalism};
use crate::validator::{Validator, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_prefix_of_the_journal_leads_to_the_same_head(
        seed: u64,
        acts in prop::collection::vec(prop::sample::select(&Vandalism::ALL[..]), 1..4),
    ) {
        let styles = [(1, Style::Seer(0.5)), (2, Style::Vandal(acts))];
        let world = World {
            market: Market::new(Unit::LogPrice, seed, 3),
            miners: styles.map(|(n, style)| (Hotkey([n; 32]), style)).into(),
        };
        let end = world.played();
        prop_assert!(end.book.open_rounds().is_empty());

        let mut written = Validator::new(&world);
        loop {
            let mut restarted = written.restarted();
            prop_assert_eq!(restarted.head, written.head);
            prop_assert_eq!(restarted.book.wants(written.now), written.book.wants(written.now));
            prop_assert_eq!(restarted.book.voids_on_start(restarted.now), []);
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
    let styles = [(1, Style::Seer(0.5)), (2, Style::Seer(0.8))];
    let world = World {
        market: Market::new(Unit::Value, 1, 250),
        miners: styles.map(|(n, style)| (Hotkey([n; 32]), style)).into(),
    };
    let mut written = Validator::new(&world);
    while written.book.reference_track().rounds() < 245 {
        assert!(written.step());
    }
    let mut restarted = written.restarted();
    assert_eq!(restarted.book.weights(), written.book.weights());
    assert_eq!(restarted.book.weights().miners.len(), 2);
    written.finish();
    restarted.finish();
    assert_eq!(restarted.head, written.head);
}
