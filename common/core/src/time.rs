//! Instants and spans, in whole milliseconds. Nothing here reads a clock.
//!
//! Both have a range, so that no arithmetic on them can overflow: what would leave it stays at its end. A number from
//! outside (a request, a file, a node's answer, a configuration) comes in by `try_from` or serde, which refuse one
//! outside the range.

use std::fmt;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// 0000-01-01T00:00:00.000Z, in milliseconds since 1970.
const FIRST_INSTANT: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, in milliseconds since 1970.
const LAST_INSTANT: i64 = 253_402_300_799_999;
/// Twice the time from the first instant to the last: any two differences of instants can be added.
const LONGEST_SPAN: i64 = 2 * (LAST_INSTANT - FIRST_INSTANT);

/// An instant: milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct UnixMillis(i64);

/// A span of time in milliseconds, at most 20,000 years either way; negative spans point into the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Millis(i64);

/// A number of milliseconds that is no [`UnixMillis`] or no [`Millis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeRangeError {
    /// Milliseconds since 1970 of an instant before the year 0000 or after 9999.
    #[error(
        "{0} is an instant outside the years 0000 to 9999; write unix milliseconds, such as 1704067200000"
    )]
    Instant(i64),
    /// Milliseconds of a span that is longer than any two instants are apart.
    #[error("{0} ms is a span of more than 20,000 years; write milliseconds, such as 300000")]
    Span(i64),
    /// A span that has to lead on, such as a step, and doesn't.
    #[error("{0} ms is no step: write a number of milliseconds above zero, such as 300000")]
    NotAbove(i64),
}

impl UnixMillis {
    /// The first instant of the year 0000.
    pub const MIN: Self = Self(FIRST_INSTANT);
    /// The last instant of the year 9999.
    pub const MAX: Self = Self(LAST_INSTANT);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant of a number that stands in the code, in milliseconds since 1970.
    ///
    /// # Panics
    /// If the number is outside the range: a number that isn't written in the code goes through `try_from`, or through
    /// [`saturating`](Self::saturating).
    pub const fn literal(millis: i64) -> Self {
        assert!(
            FIRST_INSTANT <= millis && millis <= LAST_INSTANT,
            "an instant outside the years 0000 to 9999"
        );
        Self(millis)
    }

    /// The instant of milliseconds since 1970 that were reckoned, or the end of the range that is nearest to it.
    pub const fn saturating(millis: i64) -> Self {
        Self(clamped(millis, FIRST_INSTANT, LAST_INSTANT))
    }

    /// Milliseconds since 1970.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The last multiple of `step` since 1970 that isn't after this instant; the instant itself if `step` isn't above zero.
    #[must_use]
    pub const fn floor(self, step: Millis) -> Self {
        Self::saturating(self.0 - self.past_step(step).0)
    }

    /// The first multiple of `step` since 1970 that isn't before this instant; the instant itself if `step` isn't above zero.
    #[must_use]
    pub const fn ceil(self, step: Millis) -> Self {
        match self.past_step(step) {
            Millis(0) => self,
            Millis(past) => Self::saturating(self.0 - past + step.0),
        }
    }

    /// The time since the last multiple of `step` since 1970; zero if `step` isn't above zero.
    pub const fn past_step(self, step: Millis) -> Millis {
        match step.0 {
            1.. => Millis(self.0.rem_euclid(step.0)),
            _ => Millis(0),
        }
    }
}

impl Millis {
    /// The longest span into the past.
    pub const MIN: Self = Self(-LONGEST_SPAN);
    /// The longest span into the future.
    pub const MAX: Self = Self(LONGEST_SPAN);
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The span of a number of milliseconds that stands in the code.
    ///
    /// # Panics
    /// If the number is outside the range: a number that isn't written in the code goes through `try_from`, or through
    /// [`saturating`](Self::saturating).
    pub const fn literal(millis: i64) -> Self {
        assert!(
            -LONGEST_SPAN <= millis && millis <= LONGEST_SPAN,
            "a span of more than 20,000 years"
        );
        Self(millis)
    }

    /// The span of milliseconds that were reckoned, or the end of the range that is nearest to it.
    pub const fn saturating(millis: i64) -> Self {
        Self(clamped(millis, -LONGEST_SPAN, LONGEST_SPAN))
    }

    /// The span of `n` seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(1_000).times(n)
    }

    /// The span of `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(60_000).times(n)
    }

    /// The span of `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(3_600_000).times(n)
    }

    /// The span of `n` days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self(86_400_000).times(n)
    }

    /// Milliseconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This span taken `n` times.
    #[must_use]
    pub const fn times(self, n: i64) -> Self {
        Self::saturating(self.0.saturating_mul(n))
    }

    /// How often `step` fits into this span, rounded down: below zero for a span into the past, and 0 if `step` isn't
    /// above zero.
    pub const fn whole(self, step: Self) -> i64 {
        match step.0 {
            1.. => self.0.div_euclid(step.0),
            _ => 0,
        }
    }
}

const fn clamped(millis: i64, least: i64, most: i64) -> i64 {
    if millis < least {
        least
    } else if millis > most {
        most
    } else {
        millis
    }
}

impl TryFrom<i64> for UnixMillis {
    type Error = TimeRangeError;

    fn try_from(millis: i64) -> Result<Self, TimeRangeError> {
        let instant = Self::saturating(millis);
        if instant.0 == millis {
            Ok(instant)
        } else {
            Err(TimeRangeError::Instant(millis))
        }
    }
}

impl TryFrom<i64> for Millis {
    type Error = TimeRangeError;

    fn try_from(millis: i64) -> Result<Self, TimeRangeError> {
        let span = Self::saturating(millis);
        if span.0 == millis {
            Ok(span)
        } else {
            Err(TimeRangeError::Span(millis))
        }
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        Self::try_from(millis).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        Self::try_from(millis).map_err(serde::de::Error::custom)
    }
}

/// Reads a span that has to be above zero, such as a step: for serde's `deserialize_with`.
///
/// # Errors
/// The number is no span, or isn't above zero.
pub fn deserialize_step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    let span = Millis::deserialize(deserializer)?;
    if span > Millis::ZERO {
        Ok(span)
    } else {
        Err(serde::de::Error::custom(TimeRangeError::NotAbove(span.0)))
    }
}

// Sums and differences of two numbers within these ranges are far from the ends of an i64.

impl Add<Millis> for UnixMillis {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self::saturating(self.0 + span.0)
    }
}

impl Sub<Millis> for UnixMillis {
    type Output = Self;
    fn sub(self, span: Millis) -> Self {
        Self::saturating(self.0 - span.0)
    }
}

impl Sub for UnixMillis {
    type Output = Millis;
    fn sub(self, earlier: Self) -> Millis {
        Millis(self.0 - earlier.0)
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::saturating(self.0 + other.0)
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::saturating(self.0 - other.0)
    }
}

impl Neg for Millis {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any number, the ends of the range and of i64 among them more often than chance would have it.
    fn any_number() -> impl Strategy<Value = i64> {
        let ends = [
            i64::MIN,
            i64::MAX,
            0,
            FIRST_INSTANT,
            LAST_INSTANT,
            LONGEST_SPAN,
        ];
        let near = (0..ends.len(), -1i64..=1).prop_map(move |(i, off)| ends[i].saturating_add(off));
        prop_oneof![any::<i64>(), near, -1_000_000_000_000i64..2_000_000_000_000]
    }

    proptest! {
        #[test]
        fn no_number_panics_and_no_result_leaves_the_range(a in any_number(), b in any_number(), n in any_number()) {
            let instants = [UnixMillis::saturating(a), UnixMillis::saturating(b)];
            let spans = [
                Millis::saturating(a), Millis::saturating(b), Millis::seconds(n), Millis::minutes(n), Millis::hours(n),
                Millis::days(n), instants[0] - instants[1],
            ];
            for x in spans {
                prop_assert!((Millis::MIN..=Millis::MAX).contains(&x));
                for y in spans {
                    for z in [x + y, x - y, -x, x.times(n)] {
                        prop_assert!((Millis::MIN..=Millis::MAX).contains(&z));
                    }
                    x.whole(y);
                }
                for t in instants {
                    for u in [t, t + x, t - x, t.floor(x), t.ceil(x)] {
                        prop_assert!((UnixMillis::MIN..=UnixMillis::MAX).contains(&u));
                    }
                }
            }
        }

        #[test]
        fn inside_the_range_the_arithmetic_is_that_of_whole_numbers(
            t in -1_000_000_000_000i64..=100_000_000_000_000,
            span in -1_000_000_000_000i64..=1_000_000_000_000,
            step in 1i64..=1_000_000_000_000,
        ) {
            let (instant, every) = (UnixMillis::literal(t), Millis::literal(step));
            prop_assert_eq!((instant + Millis::literal(span)).get(), t + span);
            prop_assert_eq!((instant - Millis::literal(span)).get(), t - span);
            prop_assert_eq!((instant + Millis::literal(span)) - instant, Millis::literal(span));
            let (floor, ceil) = (instant.floor(every), instant.ceil(every));
            prop_assert!(floor <= instant && instant <= ceil && ceil - floor <= every);
            prop_assert_eq!((floor.get() % step, ceil.get() % step), (0, 0));
            prop_assert_eq!(Millis::literal(t).whole(every), floor.get() / step);
            prop_assert_eq!(instant.past_step(every), instant - floor);
        }

        #[test]
        fn a_number_is_read_and_written_as_it_is_or_refused(n in any_number()) {
            let text = n.to_string();
            let in_range = (FIRST_INSTANT..=LAST_INSTANT).contains(&n);
            let instant = serde_json::from_str::<UnixMillis>(&text);
            prop_assert_eq!(instant.as_ref().ok().copied(), UnixMillis::try_from(n).ok());
            prop_assert_eq!(instant.is_ok(), in_range);
            if let Ok(instant) = instant {
                prop_assert_eq!(serde_json::to_string(&instant).unwrap(), text.clone());
            }
            let span = serde_json::from_str::<Millis>(&text);
            prop_assert_eq!(span.is_ok(), (-LONGEST_SPAN..=LONGEST_SPAN).contains(&n));
            if let Ok(span) = span {
                prop_assert_eq!(serde_json::to_string(&span).unwrap(), text);
            }
        }
    }

    #[test]
    fn a_number_outside_the_range_is_refused_with_what_to_write() {
        let error = serde_json::from_str::<UnixMillis>("1704067200000000").unwrap_err();
        let expected = "1704067200000000 is an instant outside the years 0000 to 9999; write unix milliseconds";
        assert!(error.to_string().starts_with(expected), "{error}");
        let error = serde_json::from_str::<Millis>("9223372036854775807").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a span of more than 20,000 years"),
            "{error}"
        );
    }

    #[test]
    fn a_step_that_is_not_above_zero_leaves_an_instant_where_it_is() {
        let t = UnixMillis::literal(7);
        for step in [Millis::ZERO, Millis::literal(-5), Millis::MIN] {
            assert_eq!((t.floor(step), t.ceil(step)), (t, t));
            assert_eq!(Millis::MAX.whole(step), 0);
        }
    }
}
