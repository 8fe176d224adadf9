//! When the settlement of minute m is tried: m + 2, + 5, + 15, + 60 min, then hourly to m + 24 h. The first success is
//! final.

use crate::rules::MinuteRules;
use crate::time::UnixMillis;

/// The attempts to settle the minute that starts at `minute`, in order.
pub fn attempts(minute: UnixMillis, rules: &MinuteRules) -> impl Iterator<Item = UnixMillis> {
    let early = std::iter::once(rules.first_attempt).chain(rules.later_attempts);
    let [.., settled_down] = rules.later_attempts;
    let (every, last) = (rules.attempt_every, rules.last_attempt);
    let late = (1..).map(move |n| every.times(n));
    let late = late
        .skip_while(move |after| *after <= settled_down)
        .take_while(move |after| *after <= last);
    early.chain(late).map(move |after| minute + after)
}

/// When a minute is to be tried next, given when it was `last` tried (`None`: never); `None`: that was the last time.
///
/// Attempts that were missed, as by a process that was down, are not made up one by one: an overdue minute is tried
/// once, at once.
pub fn next_attempt(
    minute: UnixMillis,
    last: Option<UnixMillis>,
    rules: &MinuteRules,
) -> Option<UnixMillis> {
    attempts(minute, rules).find(|attempt| last.is_none_or(|last| *attempt > last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::testing::MONDAY;
    use crate::time::Millis;

    fn rules() -> MinuteRules {
        RulesVersion::V1.rules().minute
    }

    fn next(last_minutes: i64) -> Option<i64> {
        let last = MONDAY + Millis::minutes(last_minutes);
        next_attempt(MONDAY, Some(last), &rules()).map(|t| (t - MONDAY).get() / 60_000)
    }

    #[test]
    fn at_2_5_15_and_60_minutes_then_hourly_to_24_hours() {
        let minutes: Vec<i64> = attempts(MONDAY, &rules())
            .map(|t| (t - MONDAY).get() / 60_000)
            .collect();
        let hours = (2..=24).map(|hour| hour * 60);
        let expected: Vec<i64> = [2, 5, 15, 60].into_iter().chain(hours).collect();
        assert_eq!(minutes, expected);
    }

    #[test]
    fn the_next_attempt_follows_the_last_that_was_made() {
        assert_eq!(
            next_attempt(MONDAY, None, &rules()),
            Some(MONDAY + Millis::seconds(120))
        );
        assert_eq!(next(2), Some(5));
        assert_eq!(next(5), Some(15));
        assert_eq!(next(16), Some(60));
        assert_eq!(next(60), Some(120));
        assert_eq!(next(23 * 60), Some(24 * 60));
        assert_eq!(next(24 * 60), None);
        // Three days late, it had its one chance.
        assert_eq!(next(72 * 60), None);
    }
}
