//! Calendar bins: the slots of a weekday, of a Saturday and of a Sunday (UTC).

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const DAY: Millis = Millis::days(1);
/// Time is not resolved finer than this.
const MIN_SLOT: Millis = Millis::minutes(5);

/// Kinds of day: weekdays, Saturdays and Sundays.
pub const DAY_TYPES: usize = 3;

/// Bins of time, a slot of one kind of day each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredBins")]
pub struct CalendarBins {
    slot: Millis,
    slots_per_day: usize,
}

/// Bins as a model file holds them.
#[derive(Deserialize)]
struct StoredBins {
    slot: Millis,
    slots_per_day: usize,
}

/// The error of a slot that no day is cut into, or of another number of them than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{slots_per_day} slots of {slot} are no calendar: train the model again")]
pub struct CalendarBinsError {
    slot: Millis,
    slots_per_day: usize,
}

impl TryFrom<StoredBins> for CalendarBins {
    type Error = CalendarBinsError;

    fn try_from(stored: StoredBins) -> Result<Self, CalendarBinsError> {
        let StoredBins {
            slot,
            slots_per_day,
        } = stored;
        let read = Self {
            slot,
            slots_per_day,
        };
        (read == Self::for_step(slot))
            .then_some(read)
            .ok_or(CalendarBinsError {
                slot,
                slots_per_day,
            })
    }
}

impl CalendarBins {
    /// The bins of a series with this step.
    pub fn for_step(step: Millis) -> Self {
        let slot = step.max(MIN_SLOT).min(DAY);
        Self {
            slot,
            slots_per_day: DAY.get().unsigned_abs().div_ceil(slot.get().unsigned_abs()) as usize,
        }
    }

    /// Number of slots of a day.
    pub const fn slots_per_day(&self) -> usize {
        self.slots_per_day
    }

    /// Number of whole slots in `span`.
    pub const fn slots_in(&self, span: Millis) -> usize {
        (span.get() / self.slot.get()).unsigned_abs() as usize
    }

    /// Number of bins; those of a weekday come first, then Saturday's.
    pub const fn bin_count(&self) -> usize {
        DAY_TYPES * self.slots_per_day
    }

    /// The bin of the step that opens at `open_time`.
    pub fn bin(&self, open_time: UnixMillis) -> usize {
        let day = open_time.get().div_euclid(DAY.get());
        self.first_bin(day) + self.slot_at(open_time.get() - day * DAY.get())
    }

    /// The bins of the steps that open at these times; which kind of day it is, is asked once for each run of one day.
    pub fn bins_at<'a>(&self, open_times: &'a [UnixMillis]) -> impl Iterator<Item = usize> + 'a {
        let calendar = *self;
        let (mut today, mut first_bin) = (0..0, 0);
        open_times.iter().map(move |open_time| {
            if !today.contains(&open_time.get()) {
                let day = open_time.get().div_euclid(DAY.get());
                today = day * DAY.get()..(day + 1) * DAY.get();
                first_bin = calendar.first_bin(day);
            }
            first_bin + calendar.slot_at(open_time.get() - today.start)
        })
    }

    /// The first bin of a day, counted from 1970-01-01.
    fn first_bin(&self, day: i64) -> usize {
        // That was a Thursday; 0 is Monday.
        let weekday = (day + 3).rem_euclid(7);
        let day_type = usize::try_from(weekday - 4).unwrap_or(0);
        day_type * self.slots_per_day
    }

    /// The slot this long after midnight.
    const fn slot_at(&self, after_midnight: i64) -> usize {
        // A day has fewer milliseconds than 2³², whose division costs a fraction of that of longer numbers.
        (after_midnight as u32 / self.slot.get() as u32) as usize
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    #[test]
    fn only_the_bins_of_a_step_are_read() {
        let bins = CalendarBins::for_step(Millis::minutes(7));
        let text = serde_json::to_string(&bins).unwrap();
        assert_eq!(serde_json::from_str::<CalendarBins>(&text).unwrap(), bins);
        for (slot, slots_per_day) in [(0, 1), (-300_000, 288), (1, 86_400_000), (300_000, 1)] {
            let text = format!(r#"{{"slot":{slot},"slots_per_day":{slots_per_day}}}"#);
            let error = serde_json::from_str::<CalendarBins>(&text).unwrap_err();
            assert!(
                error.to_string().contains("train the model again"),
                "{error}"
            );
        }
    }

    #[test]
    fn weekdays_share_their_bins_and_each_day_of_the_weekend_has_its_own() {
        let calendar = CalendarBins::for_step(Millis::hours(1));
        assert_eq!((calendar.slots_per_day(), calendar.bin_count()), (24, 72));
        let at = |day, hour| calendar.bin(MONDAY + Millis::days(day) + Millis::hours(hour));
        assert_eq!([at(0, 5), at(4, 5), at(5, 5), at(6, 5)], [5, 5, 29, 53]);
        assert_eq!(at(-1, 23), 71);
        assert_eq!(calendar.slots_in(Millis::minutes(150)), 2);
    }

    #[test]
    fn the_bins_of_many_times_are_those_of_each() {
        let calendar = CalendarBins::for_step(Millis::minutes(5));
        let days = [0, 0, 3, 1, -2].map(|day| MONDAY + Millis::days(day));
        let times: Vec<UnixMillis> = days
            .into_iter()
            .flat_map(|day| (0..300).map(move |i| day + Millis::minutes(5).times(i)))
            .chain([UnixMillis::literal(-1), UnixMillis::EPOCH])
            .collect();
        let each: Vec<usize> = times.iter().map(|time| calendar.bin(*time)).collect();
        assert_eq!(calendar.bins_at(&times).collect::<Vec<_>>(), each);
    }

    #[test]
    fn no_slot_is_finer_than_five_minutes_nor_longer_than_a_day() {
        assert_eq!(
            CalendarBins::for_step(Millis::literal(1_000)).slots_per_day(),
            288
        );
        assert_eq!(
            CalendarBins::for_step(Millis::days(3)).bin_count(),
            DAY_TYPES
        );
    }
}
