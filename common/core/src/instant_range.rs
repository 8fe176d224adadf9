//! Instants that come from outside as numbers: only those that can be unix milliseconds are taken.
//!
//! A number in another unit names an instant too, of 1970 or of the year 50000, and everything computed from it would be
//! wrong without a word. So the range is narrow, and what is outside is called what it looks like.

use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;

use crate::time::UnixMillis;

/// 1900-01-01 to 2099-12-31, in unix milliseconds.
const TAKEN: RangeInclusive<i64> = -2_208_988_800_000..=4_102_444_799_999;
/// Nothing so near to 1970 (four months) is taken: seconds and days of our time are numbers of this size.
const NEAR_1970: RangeInclusive<i64> = -10_000_000_000..=10_000_000_000;
/// 2000-01-01 to 2099-12-31, in unix seconds: where the number of another unit is looked for.
const OUR_SECONDS: RangeInclusive<i64> = 946_684_800..=4_102_444_799;
/// The same in days since 1970.
const OUR_DAYS: RangeInclusive<i64> = 10_957..=47_481;
/// The same as dates written in digits, YYYYMMDD.
const OUR_DATES: RangeInclusive<i64> = 20_000_101..=20_991_231;

/// A number that isn't taken for unix milliseconds. Its text ends a sentence such as "found 1704067200, …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct ImplausibleInstant {
    /// The number, as it was given.
    pub number: i64,
}

impl UnixMillis {
    /// The instant that a number from outside means: between 1900 and 2100, and not within four months of 1970-01-01, where
    /// the numbers of other units end up.
    ///
    /// # Errors
    /// Any other number; the message says what it looks like.
    pub fn from_outside(number: i64) -> Result<Self, ImplausibleInstant> {
        if TAKEN.contains(&number) && !NEAR_1970.contains(&number) {
            Ok(Self::saturating(number))
        } else {
            Err(ImplausibleInstant { number })
        }
    }
}

impl fmt::Display for ImplausibleInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        let looks_like = if OUR_SECONDS.contains(&number) {
            "which looks like seconds"
        } else if OUR_SECONDS.contains(&(number / 1_000_000)) {
            "which looks like microseconds"
        } else if OUR_SECONDS.contains(&(number / 1_000_000_000)) {
            "which looks like nanoseconds"
        } else if OUR_DAYS.contains(&number) {
            "which looks like days"
        } else if OUR_DATES.contains(&number) {
            "which looks like a date"
        } else if NEAR_1970.contains(&number) {
            "which would be early in 1970"
        } else {
            "which isn't between 1900 and 2100"
        };
        write!(
            f,
            "{looks_like}; write unix milliseconds such as 1704067200000"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MONDAY;

    #[test]
    fn numbers_in_other_units_are_called_what_they_look_like() {
        let millis = MONDAY.get();
        for (number, word) in [
            (millis / 1000, "seconds"),
            (millis * 1000, "microseconds"),
            (millis * 1_000_000, "nanoseconds"),
            (millis / 86_400_000, "days"),
            (20_240_101, "a date"),
            (0, "early in 1970"),
            (-5, "early in 1970"),
            (i64::MAX, "between 1900 and 2100"),
            (i64::MIN, "between 1900 and 2100"),
            (4_102_444_800_000, "between 1900 and 2100"),
        ] {
            let message = UnixMillis::from_outside(number).unwrap_err().to_string();
            assert!(message.contains(word), "{number}: {message}");
            assert!(message.contains("write unix milliseconds"), "{message}");
        }
    }

    #[test]
    fn series_of_any_age_that_can_be_told_apart_are_taken() {
        // 1950-01-01, 1990-01-01, 2024-01-01, 2099-12-31.
        for number in [
            -631_152_000_000,
            631_152_000_000,
            MONDAY.get(),
            4_102_444_799_999,
        ] {
            assert_eq!(
                UnixMillis::from_outside(number),
                Ok(UnixMillis::saturating(number))
            );
        }
    }
}
