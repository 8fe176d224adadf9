//! The names that venues give to the spacings of candles.

use foretell_core::time::Millis;

use super::error::VenueError;
use super::traits::CandleQuery;

/// The venue's name of a query's spacing, from its table `steps`.
pub(super) fn step_name(
    venue: &'static str,
    query: &CandleQuery<'_>,
    steps: &[(Millis, &'static str)],
) -> Result<&'static str, VenueError> {
    let known = steps.iter().find(|(step, _)| *step == query.step);
    known.map(|(_, name)| *name).ok_or(VenueError::Step {
        venue,
        step: query.step,
    })
}

/// The spacing with this name in `steps`.
pub(super) fn step_from_name(name: &str, steps: &[(Millis, &'static str)]) -> Option<Millis> {
    let known = steps.iter().find(|(_, known)| *known == name);
    known.map(|(step, _)| *step)
}
