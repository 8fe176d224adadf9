//! How many rounds of a series lie in a span of time: what the tests of significance count in.

use foretell_core::journal::Genesis;
use foretell_core::time::Millis;

/// Rounds that one horizon overlaps.
pub(super) fn horizon_rounds(genesis: &Genesis) -> usize {
    rounds_in(genesis, genesis.series.grid.span())
}

/// Rounds that begin within a span, rounded up.
pub(super) fn rounds_in(genesis: &Genesis, span: Millis) -> usize {
    (span.get() as usize).div_ceil(genesis.round_every.get().max(1) as usize)
}
