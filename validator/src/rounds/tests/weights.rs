//! Who is paid, and that nobody is paid twice.

use std::collections::BTreeMap;

use foretell_chain::metagraph::Block;
use foretell_core::hotkey::Uid;
use foretell_core::score::{Score, Tally};
use foretell_core::weigh::Snapshot;

use super::world::{FIRST, Fuse, KilledRounds, TEMPO, World, charter, hotkey, key};
use super::*;
use crate::rounds::weights::Standing;

/// Enough rounds to have evidence.
const ROUNDS: i64 = 250;

fn score(scaled_crps: f64) -> Score {
    Score {
        scaled_crps,
        tally: Tally::default(),
    }
}

/// A world whose validator has scored many rounds, in which `skilled` did equally well.
fn seasoned(skilled: &[&str]) -> World {
    let charter = charter(ROUNDS);
    let good: BTreeMap<Hotkey, Score> = skilled
        .iter()
        .map(|role| (hotkey(role), score(0.4)))
        .collect();
    let rounds = (0..ROUNDS).flat_map(|n| {
        let round = FIRST + charter.round_every.times(n);
        let opened = Record::Opened {
            round,
            asked: good.keys().copied().collect(),
            owners: BTreeMap::new(),
            pool: Vec::new(),
        };
        let scored = Record::Scored {
            round,
            reference: score(0.5),
            consensus: Some(score(0.4)),
            trials: None,
            miners: good.clone(),
            missed: Vec::new(),
            credits: good.keys().map(|miner| (*miner, 0.01)).collect(),
            fit: Snapshot::default(),
        };
        [opened, scored]
    });
    let mut head = Head::EMPTY;
    let records = [Record::Began(charter.clone())].into_iter().chain(rounds);
    let entries = records.map(|record| head.append(charter.end, record));
    World::resumed(store_of(entries.collect()), None)
}

/// A validator in this world, at the first block of the second epoch.
async fn resumed(world: &World, fuse: &Fuse) -> KilledRounds {
    let rounds = world.validator(charter(ROUNDS), fuse).await.unwrap();
    rounds.chain.advance_to(Block(TEMPO.into()));
    rounds
}

async fn set_weights(rounds: &mut KilledRounds) -> Result<Standing, RoundsError> {
    let (now, tempo) = (charter(ROUNDS).end, u64::from(TEMPO));
    rounds.set_weights(now, Block(tempo), tempo).await
}

/// The weights on chain of a validator that has seen `skilled`.
async fn weights(skilled: &[&str]) -> Vec<(Uid, u16)> {
    let world = seasoned(skilled);
    let mut rounds = resumed(&world, &Fuse::endless()).await;
    set_weights(&mut rounds).await.unwrap();
    assert_eq!(rounds.book().times_weighed(), 1);
    world.weights()
}

/// Uids: owner 0, validator 1, steady 2, moody 3, idle 4.
#[tokio::test]
async fn the_skilled_are_paid_by_the_uid_that_they_have_now() {
    // Equal shares: only ratios count, and the chain's scale gives the largest all of it.
    let half = u16::MAX;
    assert_eq!(weights(&[]).await, [(Uid(0), half)]);
    assert_eq!(weights(&["steady"]).await, [(Uid(2), half)]);
    let both = [(Uid(2), half), (Uid(4), half)];
    assert_eq!(weights(&["idle", "steady"]).await, both);
}

#[tokio::test]
async fn the_share_of_a_miner_that_has_left_burns() {
    let half = u16::MAX;
    let burnt = [(Uid(0), half), (Uid(2), half)];
    assert_eq!(weights(&["steady", "gone"]).await, burnt);
    assert_eq!(weights(&["gone"]).await, [(Uid(0), half)]);
}

/// The chain refuses weights that name a uid twice.
#[tokio::test]
async fn an_owner_that_mines_has_one_weight_for_what_it_earns_and_what_burns() {
    let half = u16::MAX;
    let expected = [(Uid(0), half), (Uid(2), half)];
    assert_eq!(weights(&["owner", "steady"]).await, expected);
    // Two thirds and one third; the chain's scale gives the largest all of it.
    let expected = [(Uid(0), u16::MAX), (Uid(2), u16::MAX.div_ceil(2))];
    assert_eq!(weights(&["owner", "steady", "gone"]).await, expected);
}

#[tokio::test]
async fn weights_wait_for_their_interval() {
    let world = seasoned(&["steady"]);
    let mut rounds = resumed(&world, &Fuse::endless()).await;
    let (now, tempo) = (charter(ROUNDS).end, u64::from(TEMPO));
    let head = *rounds.head();
    let early = Block(tempo - 1);
    let standing = rounds.set_weights(now, early, tempo).await.unwrap();
    assert_eq!(standing, Standing::DueAt(Block(tempo)));
    assert_eq!(standing.to_string(), "due again at block 100");
    assert_eq!((*rounds.head(), world.inclusions()), (head, 0));
    set_weights(&mut rounds).await.unwrap();
    let head = *rounds.head();
    set_weights(&mut rounds).await.unwrap();
    assert_eq!((*rounds.head(), world.inclusions()), (head, 1));
}

#[tokio::test]
async fn a_validator_without_a_uid_is_told_to_register() {
    let world = seasoned(&["steady"]);
    let mut rounds = resumed(&world, &Fuse::endless()).await;
    rounds.key = key("stranger");
    let stranger = hotkey("stranger");
    let error = set_weights(&mut rounds).await.unwrap_err();
    assert!(matches!(error, RoundsError::NotRegistered(who) if who == stranger));
    assert_eq!(
        error.to_string(),
        format!("validator {stranger} is not registered on this subnet: register it first")
    );
    assert_eq!(world.inclusions(), 0);
}

#[tokio::test]
async fn signed_weights_are_looked_for_before_they_are_sent() {
    let world = seasoned(&["steady"]);
    let fresh = Fuse::endless();
    let mut rounds = resumed(&world, &fresh).await;
    let before = world.ledger();
    set_weights(&mut rounds).await.unwrap();
    // Two points for each of two records and a submission.
    assert_eq!(fresh.points(), 6);

    let signed = world.0.store.entries().unwrap().len() - 1;
    let after = world.ledger();
    for (ledger, points) in [(&after, 2), (&before, 4)] {
        let world = World::resumed(world.0.store.cut_after(signed), Some(ledger));
        let fuse = Fuse::endless();
        let mut again = resumed(&world, &fuse).await;
        assert!(again.book().unconfirmed().is_some());
        set_weights(&mut again).await.unwrap();
        assert_eq!(fuse.points(), points);
        assert_eq!(again.head(), rounds.head());
        assert_eq!(world.inclusions(), 1);
        assert_eq!(world.ledger(), after);
    }
}
