//! The times that are alike: the slots of a weekday, of a Saturday and of a Sunday (UTC).

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

const DAY: Millis = Millis::days(1);
/// Time is not resolved finer than this.
const FINEST_SLOT: Millis = Millis::minutes(5);

/// Weekdays, Saturdays and Sundays.
pub const KINDS: usize = 3;

/// Cells of time, a slot of one kind of day each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    slot: Millis,
    slots: usize,
}

impl Calendar {
    /// The cells of a series with this step.
    pub fn of(step: Millis) -> Self {
        let slot = step.max(FINEST_SLOT).min(DAY);
        Self {
            slot,
            slots: DAY.0.unsigned_abs().div_ceil(slot.0.unsigned_abs()) as usize,
        }
    }

    /// Slots of a day.
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// Whole slots in `span`.
    pub const fn slots_in(&self, span: Millis) -> usize {
        (span.0 / self.slot.0).unsigned_abs() as usize
    }

    /// Number of cells; those of a weekday come first, then Saturday's.
    pub const fn cells(&self) -> usize {
        KINDS * self.slots
    }

    /// The cell of the step that opens at `opened`.
    pub fn cell(&self, opened: UnixMillis) -> usize {
        let day = opened.0.div_euclid(DAY.0);
        self.first_cell(day) + self.slot_at(opened.0 - day * DAY.0)
    }

    /// The cells of the steps that open at these times; which kind of day it is, is asked once for each run of one day.
    pub fn cells_at<'a>(&self, opened: &'a [UnixMillis]) -> impl Iterator<Item = usize> + 'a {
        let calendar = *self;
        let (mut today, mut first_cell) = (0..0, 0);
        opened.iter().map(move |opened| {
            if !today.contains(&opened.0) {
                let day = opened.0.div_euclid(DAY.0);
                today = day * DAY.0..(day + 1) * DAY.0;
                first_cell = calendar.first_cell(day);
            }
            first_cell + calendar.slot_at(opened.0 - today.start)
        })
    }

    /// The first cell of a day, counted from 1970-01-01.
    fn first_cell(&self, day: i64) -> usize {
        // That was a Thursday; 0 is Monday.
        let weekday = (day + 3).rem_euclid(7);
        let kind = usize::try_from(weekday - 4).unwrap_or(0);
        kind * self.slots
    }

    /// The slot this long after midnight.
    const fn slot_at(&self, after_midnight: i64) -> usize {
        // A day has fewer milliseconds than 2³², whose division costs a fraction of that of longer numbers.
        (after_midnight as u32 / self.slot.0 as u32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 2024-01-01T00:00:00Z.
    const MONDAY: UnixMillis = UnixMillis(1_704_067_200_000);

    #[test]
    fn weekdays_share_their_cells_and_each_day_of_the_weekend_has_its_own() {
        let calendar = Calendar::of(Millis::hours(1));
        assert_eq!((calendar.slots(), calendar.cells()), (24, 72));
        let at = |day, hour| calendar.cell(MONDAY + Millis::days(day) + Millis::hours(hour));
        assert_eq!([at(0, 5), at(4, 5), at(5, 5), at(6, 5)], [5, 5, 29, 53]);
        assert_eq!(at(-1, 23), 71);
        assert_eq!(calendar.slots_in(Millis::minutes(150)), 2);
    }

    #[test]
    fn the_cells_of_many_times_are_those_of_each() {
        let calendar = Calendar::of(Millis::minutes(5));
        let days = [0, 0, 3, 1, -2].map(|day| MONDAY + Millis::days(day));
        let times: Vec<UnixMillis> = days
            .into_iter()
            .flat_map(|day| (0..300).map(move |i| day + Millis::minutes(5).times(i)))
            .chain([UnixMillis(-1), UnixMillis(0)])
            .collect();
        let each: Vec<usize> = times.iter().map(|time| calendar.cell(*time)).collect();
        assert_eq!(calendar.cells_at(&times).collect::<Vec<_>>(), each);
    }

    #[test]
    fn no_slot_is_finer_than_five_minutes_nor_longer_than_a_day() {
        assert_eq!(Calendar::of(Millis(1_000)).slots(), 288);
        assert_eq!(Calendar::of(Millis::days(3)).cells(), KINDS);
    }
}
