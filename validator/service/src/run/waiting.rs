//! What rounds wait for that should have gone on already.

use foretell_cli::time_text::format_time;
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};

/// A round that settles this late is nothing unusual: the first attempt at a price may miss.
const USUAL_DELAY: Millis = Millis::minutes(5);

/// What the rounds wait for whose prices should be there at `now`, in a line; `None` if none does.
pub(super) fn what_rounds_wait_for(state: &SeriesState, now: UnixMillis) -> Option<String> {
    let genesis = state.genesis();
    let delay = genesis.rules.rules().timing.settles_after + USUAL_DELAY;
    let ended = |origin: UnixMillis| origin + genesis.series.grid.span();
    let overdue = state.open_rounds().iter();
    let overdue = overdue
        .filter(|(origin, round)| round.settlement().is_none() && now > ended(**origin) + delay);
    let mut origins = overdue.map(|(origin, _)| *origin);
    let first = origins.next()?;
    let more = match origins.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let prices = state.prices()?;
    let missing = prices.undecided_count(ended(first));
    let oldest = prices.undecided(ended(first)).next();
    let what = match oldest {
        Some(oldest) => format!(
            "{missing} prices, the oldest of {}: each is tried for a day, then it is a gap",
            format_time(oldest)
        ),
        None => "its turn".to_owned(),
    };
    Some(format!(
        "the round of {}{more} waits for {what}",
        format_time(first)
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use foretell_core::journal::{Genesis, PriceOrigin, Record};
    use foretell_core::miss::MissReason;
    use foretell_core::rules::RulesVersion;
    use foretell_core::testing::{MONDAY, STEP, btc_usd, hotkey, replay_genesis};

    use super::*;

    #[test]
    fn a_round_whose_prices_are_overdue_says_how_many_it_lacks() {
        let every = Millis::minutes(30);
        let mut state = SeriesState::new(Genesis {
            rules: RulesVersion::V1,
            prices: PriceOrigin::Venues { since: MONDAY },
            ..replay_genesis(btc_usd(2), MONDAY, 9, every)
        });
        let miner = hotkey(1);
        for n in 0..2 {
            let round = MONDAY + every.times(n);
            let opened = state.open(round, vec![miner], &BTreeMap::new()).unwrap();
            state.apply(&opened).unwrap();
            let miss = MissReason::Silent;
            state.apply(&Record::Missed { round, miner, miss }).unwrap();
        }
        let settles = MONDAY + STEP.times(2) + Millis::minutes(2);
        assert_eq!(
            what_rounds_wait_for(&state, settles + Millis::minutes(5)),
            None
        );
        assert_eq!(
            what_rounds_wait_for(&state, settles + Millis::minutes(6)).as_deref(),
            Some(
                "the round of 2024-01-01T00:00:00Z waits for 10 prices, the oldest of 2024-01-01T00:01:00Z: each is tried for a \
                 day, then it is a gap"
            )
        );
        let later = what_rounds_wait_for(&state, settles + Millis::hours(1)).unwrap();
        assert!(
            later.starts_with("the round of 2024-01-01T00:00:00Z and 1 more waits"),
            "{later}"
        );
    }
}
