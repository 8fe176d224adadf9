//! The instants of a replay: everything that happens, happens at an origin or at a last target.

use std::collections::BTreeSet;

use foretell_core::journal::Charter;
use foretell_core::time::UnixMillis;

/// Origins of a charter, oldest first.
pub fn origins(charter: &Charter) -> impl Iterator<Item = UnixMillis> + '_ {
    std::iter::successors(Some(charter.first), |origin| {
        Some(*origin + charter.round_every)
    })
    .take_while(|origin| *origin < charter.end)
}

/// The event queue: each origin, and each end of a round that the prices reach.
pub fn instants(charter: &Charter, last_close: UnixMillis) -> BTreeSet<UnixMillis> {
    let span = charter.series.grid.span();
    origins(charter)
        .flat_map(|origin| [origin, origin + span])
        .filter(|instant| *instant <= last_close)
        .collect()
}

#[cfg(test)]
mod tests {
    use foretell_core::attest::Hex;
    use foretell_core::hotkey::Hotkey;
    use foretell_core::journal::PriceOrigin;
    use foretell_core::rules::RulesVersion;
    use foretell_core::series::{Grid, Series, Unit};
    use foretell_core::time::Millis;

    use super::*;

    #[test]
    fn rounds_that_the_prices_do_not_reach_are_opened_but_never_settled() {
        let step = Millis::minutes(5);
        let charter = Charter {
            series: Series {
                id: "BTC/USD".parse().unwrap(),
                grid: Grid { step, horizon: 3 },
                unit: Unit::LogPrice,
            },
            rules: RulesVersion::V1Replay,
            validator: Hotkey([0; 32]),
            first: UnixMillis(0),
            end: UnixMillis(0) + step.times(4),
            round_every: step.times(2),
            prices: PriceOrigin::Replay {
                sha256: Hex([0; 32]),
            },
        };
        let minutes = |last: i64| -> Vec<i64> {
            instants(&charter, UnixMillis(0) + step.times(last))
                .into_iter()
                .map(|t| t.0 / step.0)
                .collect()
        };
        assert_eq!(minutes(100), [0, 2, 3, 5]);
        assert_eq!(minutes(4), [0, 2, 3]);
    }
}
