//! The instants of a replay: everything that happens, happens at an origin or at a last target.

use std::collections::BTreeSet;
use std::ops::{Bound, RangeInclusive};

use foretell_chain::block::Block;
use foretell_core::journal::Genesis;
use foretell_core::time::UnixMillis;

/// The origins that a genesis allows, oldest first.
pub fn origins(genesis: &Genesis) -> impl Iterator<Item = UnixMillis> + '_ {
    std::iter::successors(Some(genesis.first_origin), |origin| {
        Some(*origin + genesis.round_every)
    })
    .take_while(|origin| *origin < genesis.end_origin)
}

/// The event queue: each origin, and each end of a round that the prices reach.
pub fn instants(genesis: &Genesis, last_close: UnixMillis) -> BTreeSet<UnixMillis> {
    let span = genesis.series.grid.span();
    origins(genesis)
        .flat_map(|origin| [origin, origin + span])
        .filter(|instant| *instant <= last_close)
        .collect()
}

/// The blocks that a chain made at `genesis_time` can be at when the journal's last record is of the instant `done`.
///
/// Chain and journal go from instant to instant in turn, the chain first; after the last, the chain goes on to
/// the next epoch.
pub fn possible_blocks(
    instants: &BTreeSet<UnixMillis>,
    genesis_time: UnixMillis,
    done: UnixMillis,
    tempo: u64,
) -> RangeInclusive<Block> {
    let reached = Block::at(genesis_time, done);
    let later = (Bound::Excluded(done), Bound::Unbounded);
    let next = instants.range(later).next();
    let furthest = next.map_or_else(
        || next_epoch(reached, tempo),
        |next| Block::at(genesis_time, *next),
    );
    reached..=furthest
}

/// The first block after `block` at which an epoch ends.
pub fn next_epoch(block: Block, tempo: u64) -> Block {
    block.next_multiple_of(tempo)
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{STEP, btc_usd, replay_genesis};
    use foretell_core::time::Millis;

    use super::*;

    #[test]
    fn rounds_that_the_prices_do_not_reach_are_opened_but_never_settled() {
        let genesis = replay_genesis(btc_usd(3), UnixMillis::EPOCH, 2, STEP.times(2));
        let steps = |last: i64| -> Vec<i64> {
            instants(&genesis, UnixMillis::EPOCH + STEP.times(last))
                .into_iter()
                .map(|t| t.get() / STEP.get())
                .collect()
        };
        assert_eq!(steps(100), [0, 2, 3, 5]);
        assert_eq!(steps(4), [0, 2, 3]);
    }

    #[test]
    fn the_chain_is_at_most_one_instant_ahead_of_the_journal() {
        let at = |minutes| UnixMillis::EPOCH + Millis::minutes(minutes);
        let instants = BTreeSet::from([at(0), at(30), at(90)]);
        // A block is 12 s: 30 minutes are 150 blocks.
        let blocks = |done| possible_blocks(&instants, at(0), at(done), 360);
        assert_eq!(blocks(0), Block::FIRST..=Block::new(150));
        assert_eq!(blocks(30), Block::new(150)..=Block::new(450));
        assert_eq!(blocks(90), Block::new(450)..=Block::new(720));
    }
}
