//! When the price of each instant is asked for: which instants are due, when the next one is, which were tried.

use std::collections::BTreeMap;

use foretell_core::rules::MinuteRules;
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{MINUTE, SettledPrices};
use foretell_core::time::{Millis, UnixMillis};

/// Longest stretch of instants that one attempt asks for: a few pages of candles of every venue.
const MAX_SPAN: Millis = Millis::hours(4);
/// Pause after an attempt that reached no source.
const OFFLINE_PAUSE: Millis = Millis::seconds(60);

/// When each undecided instant was last tried. Not kept over a restart: then every overdue instant is tried at once.
#[derive(Debug, Default)]
pub struct SettlementSchedule {
    tried: BTreeMap<UnixMillis, UnixMillis>,
    not_before: Option<UnixMillis>,
}

/// What a schedule asks for at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueInstants {
    /// Instants to try now, oldest first, close enough together for one attempt.
    pub instants: Vec<UnixMillis>,
    /// When the next instant is due, after those.
    pub next: UnixMillis,
}

impl SettlementSchedule {
    /// What is due at `now` of the prices that are still to be decided.
    pub fn due(&self, prices: &SettledPrices, now: UnixMillis, rules: &MinuteRules) -> DueInstants {
        let mut instants: Vec<UnixMillis> = Vec::new();
        let mut next = now + MINUTE;
        // Up to a tick ahead, so that `next` knows of the instant that comes next.
        for instant in prices.undecided(now + prices.tick()) {
            if instants
                .first()
                .is_some_and(|first| instant > *first + MAX_SPAN)
            {
                // After this attempt comes the next, at once; a year without a validator is not to be held in memory.
                break;
            }
            match self.next_attempt_at(instant, rules) {
                Some(attempt) if attempt <= now => instants.push(instant),
                Some(attempt) => next = next.min(attempt),
                // The last attempt was made and decides it.
                None => {}
            }
        }
        if let Some(not_before) = self.not_before.filter(|t| *t > now) {
            return DueInstants {
                instants: Vec::new(),
                next: next.max(not_before),
            };
        }
        DueInstants { instants, next }
    }

    /// Notes that these instants were tried.
    pub fn note_attempt(&mut self, instants: &[UnixMillis], now: UnixMillis) {
        self.not_before = None;
        self.tried
            .extend(instants.iter().map(|instant| (*instant, now)));
        // A decided instant is not looked at again, and the last attempt at one is within a day.
        let day_ago = now - Millis::hours(25);
        self.tried.retain(|_, tried| *tried > day_ago);
    }

    /// Notes that an attempt reached no source: it doesn't count, and the next comes after a pause.
    pub fn note_offline(&mut self, now: UnixMillis) {
        self.not_before = Some(now + OFFLINE_PAUSE);
    }

    /// Whether an attempt at `now` is the last one for this instant.
    pub fn is_last(instant: UnixMillis, now: UnixMillis, rules: &MinuteRules) -> bool {
        next_attempt(instant - MINUTE, Some(now), rules).is_none()
    }

    fn next_attempt_at(&self, instant: UnixMillis, rules: &MinuteRules) -> Option<UnixMillis> {
        let last = self.tried.get(&instant).copied();
        next_attempt(instant - MINUTE, last, rules)
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::rules::RulesVersion;

    use super::*;

    fn at(minutes: i64) -> UnixMillis {
        UnixMillis::EPOCH + MINUTE.times(minutes)
    }

    fn rules() -> MinuteRules {
        RulesVersion::V1.rules().minute
    }

    fn minutes(instants: &[UnixMillis]) -> Vec<i64> {
        instants.iter().map(|t| t.get() / MINUTE.get()).collect()
    }

    #[test]
    fn a_minute_is_due_two_minutes_after_its_start() {
        let prices = SettledPrices::new(at(0), MINUTE);
        let schedule = SettlementSchedule::default();
        let due = schedule.due(&prices, at(1), &rules());
        assert_eq!((due.instants, due.next), (vec![], at(2)));
        let due = schedule.due(&prices, at(3), &rules());
        assert_eq!((minutes(&due.instants), due.next), (vec![1, 2], at(4)));
    }

    #[test]
    fn a_tried_instant_waits_for_its_next_attempt() {
        let mut prices = SettledPrices::new(at(0), MINUTE);
        let mut schedule = SettlementSchedule::default();
        schedule.note_attempt(&[at(1), at(2)], at(3));
        prices.insert(at(2), None);
        let due = schedule.due(&prices, at(3), &rules());
        assert_eq!((due.instants, due.next), (vec![], at(4)));
        // The minute from 0 to 1 is tried again 5 minutes after its start.
        let due = schedule.due(&prices, at(5), &rules());
        assert_eq!(minutes(&due.instants), [1, 3, 4]);
    }

    #[test]
    fn after_an_outage_instants_are_asked_for_oldest_first_in_stretches() {
        let prices = SettledPrices::new(at(0), MINUTE);
        let due = SettlementSchedule::default().due(&prices, at(3 * 1440), &rules());
        assert_eq!(due.instants.len(), 241);
        assert_eq!(due.instants[0], at(1));
        assert!(SettlementSchedule::is_last(at(1), at(3 * 1440), &rules()));
        assert!(!SettlementSchedule::is_last(
            at(3 * 1440 - 5),
            at(3 * 1440),
            &rules()
        ));
    }

    #[test]
    fn an_attempt_that_reached_no_source_does_not_count() {
        let prices = SettledPrices::new(at(0), MINUTE);
        let mut schedule = SettlementSchedule::default();
        schedule.note_offline(at(10));
        let due = schedule.due(&prices, at(10), &rules());
        assert_eq!((due.instants, due.next), (vec![], at(11)));
        assert_eq!(schedule.due(&prices, at(11), &rules()).instants.len(), 10);
    }
}
