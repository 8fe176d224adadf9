//! Whether this machine's clock can be believed. Every reading is an argument: nothing here reads a clock or asks anybody.
//!
//! What follows from the time is durable: a round that wasn't opened in its window is void for everybody. So a time is believed
//! only if it goes on from the last one that was, or if others agree with it:
//!
//! | the reading | is believed |
//! |---|---|
//! | disagrees with most of the venues and the chain | not before they agree, whatever it is |
//! | is before the last record of the journal, or from before there was this program | never |
//! | goes on from the last that was believed, by a clock that nobody sets | yes |
//! | is the first, or jumped, and venues or the chain agree | yes |
//! | the same, and nobody answers | if it is at most a day after the last record, or jumped by at most five minutes |
//! | the same, and there is nobody to ask: prices from a file, a ledger of one's own | the same, or once it has lasted for ten minutes |

use std::fmt;

use foretell_cli::time_text::format_time;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::clock_comparison::{ClockReading, ClockTolerance, ClockVerdict};

/// How far a validator's clock may be from others': further, and miners refuse its requests.
pub const VALIDATOR_CLOCK_TOLERANCE: ClockTolerance = ClockTolerance {
    behind: Millis::seconds(10),
    ahead: Millis::seconds(2),
};
/// A clock that moves by more than this against one that nobody sets was set, or stood still.
const STEP: Millis = Millis::seconds(2);
/// The longest time since the last record that is believed where nobody answers: longer, and the clock may be years ahead.
const MAX_UNCONFIRMED_GAP: Millis = Millis::days(1);
/// The furthest that a running validator's clock may jump where nobody answers.
const MAX_UNCONFIRMED_STEP: Millis = Millis::minutes(5);
/// Where there is nobody to ask, a jump that has lasted for this long is meant.
const CONFIRMED_BY_LASTING: Millis = Millis::minutes(10);
/// 2024-01-01: there was no such program before. Clocks without a battery begin years earlier.
const EARLIEST: UnixMillis = UnixMillis::literal(1_704_067_200_000);
/// How long others' agreement counts, and when they are asked again after they disagreed or were silent.
const AGREED_FOR: Millis = Millis::minutes(10);
const ASK_AGAIN: Millis = Millis::seconds(10);

/// The time by both clocks of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockInstant {
    /// The time of day.
    pub wall: UnixMillis,
    /// Time since the process began, by a clock that nobody sets.
    pub steady: Millis,
}

/// What is believed of a clock, and why.
#[derive(Debug, Clone)]
pub struct ClockTrust {
    has_sources: bool,
    believed: Option<ClockInstant>,
    /// Since when a jump lasts that nobody confirms.
    doubted: Option<ClockInstant>,
    verdict: Option<(ClockVerdict, ClockInstant)>,
}

/// What is to be done with a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockDecision {
    /// It is the time.
    Believe,
    /// Others are to be asked first.
    Ask,
    /// Nothing durable may follow from it.
    Wait(ClockDoubt),
}

/// Why a reading is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockDoubt {
    /// Others have another time.
    Disagrees(ClockReading),
    /// It is before the last record of the journal, of this time.
    BeforeLastRecord(UnixMillis),
    /// It is from before there was this program.
    BeforeProgram,
    /// It is this far from where it should be, and nobody confirms it.
    Unconfirmed(Millis),
}

impl ClockInstant {
    /// How far the time of day moved against the steady clock from `self` to `later`, in either direction.
    fn step_to(self, later: Self) -> Millis {
        let step = (later.wall - self.wall).get() - (later.steady.get() - self.steady.get());
        Millis::saturating(step.saturating_abs())
    }
}

impl ClockTrust {
    /// Nothing is believed yet; `has_sources` says whether there is anybody to ask.
    pub const fn new(has_sources: bool) -> Self {
        Self {
            has_sources,
            believed: None,
            doubted: None,
            verdict: None,
        }
    }

    /// What others said when they were asked at `at`. Silence takes back no disagreement, as long as the clock isn't set.
    pub fn note_verdict(&mut self, verdict: ClockVerdict, at: ClockInstant) {
        match &mut self.verdict {
            Some((ClockVerdict::Disagree(_), before))
                if verdict == ClockVerdict::Unknown && before.step_to(at) <= STEP =>
            {
                *before = at;
            }
            noted => *noted = Some((verdict, at)),
        }
    }

    /// Whether others are to be asked (again) now.
    pub fn is_to_ask(&self, now: ClockInstant) -> bool {
        let lasts = match &self.verdict {
            None => Millis::literal(0),
            Some((ClockVerdict::Agree(_), _)) => AGREED_FOR,
            Some((ClockVerdict::Disagree(_) | ClockVerdict::Unknown, _)) => ASK_AGAIN,
        };
        let is_over = |(_, at): &(ClockVerdict, ClockInstant)| {
            at.step_to(now) > STEP || now.steady.get() - at.steady.get() >= lasts.get()
        };
        self.has_sources && self.verdict.as_ref().is_none_or(is_over)
    }

    /// Whether `now` is the time, in a journal whose last record is of `last_record`; `None` if nothing was recorded yet.
    pub fn decide(&mut self, now: ClockInstant, last_record: Option<UnixMillis>) -> ClockDecision {
        // What was said of a clock that has been set since is said of another time.
        let verdict = self.verdict.as_ref();
        let verdict = verdict.filter(|(_, at)| at.step_to(now) <= STEP);
        let verdict = verdict.map(|(verdict, _)| verdict.clone());
        if let Some(ClockVerdict::Disagree(reading)) = verdict {
            return ClockDecision::Wait(ClockDoubt::Disagrees(reading));
        }
        if now.wall < EARLIEST {
            return ClockDecision::Wait(ClockDoubt::BeforeProgram);
        }
        if let Some(last) = last_record.filter(|last| now.wall < *last) {
            return ClockDecision::Wait(ClockDoubt::BeforeLastRecord(last));
        }
        let goes_on = self.believed.is_some_and(|at| at.step_to(now) <= STEP);
        let confirmed = goes_on || matches!(verdict, Some(ClockVerdict::Agree(_)));
        if !confirmed {
            if self.has_sources && verdict.is_none() {
                return ClockDecision::Ask;
            }
            let (jump, most) = match self.believed {
                Some(at) => (at.step_to(now), MAX_UNCONFIRMED_STEP),
                None => {
                    let gap = last_record.map(|last| now.wall - last);
                    (gap.unwrap_or_default(), MAX_UNCONFIRMED_GAP)
                }
            };
            if jump > most && !self.has_lasted(now) {
                return ClockDecision::Wait(ClockDoubt::Unconfirmed(jump));
            }
        }
        self.believed = Some(now);
        self.doubted = None;
        ClockDecision::Believe
    }

    /// Whether the clock has gone on from a jump for so long that it is meant. Where there are others, only they confirm it.
    fn has_lasted(&mut self, now: ClockInstant) -> bool {
        let doubted = self.doubted.filter(|since| since.step_to(now) <= STEP);
        let since = *self.doubted.insert(doubted.unwrap_or(now));
        !self.has_sources && now.steady.get() - since.steady.get() >= CONFIRMED_BY_LASTING.get()
    }
}

/// In words, with what to do about it.
impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WAITS: &str = "nothing is recorded before";
        const CURE: &str = "set it (chrony, systemd-timesyncd)";
        match self {
            Self::Disagrees(reading) => {
                write!(
                    f,
                    "this machine's clock is {reading}: {CURE}; {WAITS} it is right"
                )
            }
            Self::BeforeLastRecord(last) => write!(
                f,
                "this machine's clock is before the journal's last record, of {}: {CURE}; {WAITS} then",
                format_time(*last)
            ),
            Self::BeforeProgram => {
                write!(
                    f,
                    "this machine's clock is years behind: {CURE}; {WAITS} it is right"
                )
            }
            Self::Unconfirmed(jump) => write!(
                f,
                "this machine's clock is {} h from where it was last, and nobody confirms it: check it and the network; {WAITS} \
                 somebody does",
                jump.get() / 3_600_000
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;
    use foretell_feed::clock_comparison::ClockDifference;

    use super::*;

    const START: UnixMillis = UnixMillis::saturating(MONDAY.get() + 86_400_000);

    /// A clock that nobody sets is at `seconds`, and the time of day is off by `wrong`.
    fn at(seconds: i64, wrong: Millis) -> ClockInstant {
        let steady = Millis::seconds(seconds);
        ClockInstant {
            wall: START + steady + wrong,
            steady,
        }
    }

    fn right(seconds: i64) -> ClockInstant {
        at(seconds, Millis::literal(0))
    }

    /// What a source whose clock is right says of such a reading.
    fn verdict(now: ClockInstant) -> ClockVerdict {
        let truth = START + now.steady;
        let second = UnixMillis::saturating(truth.get() - truth.get().rem_euclid(1000));
        let ahead = ClockDifference::from_whole_seconds(second, now.wall, now.wall);
        let source = "kraken".into();
        ClockVerdict::new(&[ClockReading { source, ahead }], VALIDATOR_CLOCK_TOLERANCE)
    }

    /// A validator with a source that answers at once when it is asked, and the last record that it made.
    struct Validator {
        trust: ClockTrust,
        last_record: Option<UnixMillis>,
        online: bool,
    }

    impl Validator {
        fn started(last_record: Option<UnixMillis>, has_sources: bool) -> Self {
            Self {
                trust: ClockTrust::new(has_sources),
                last_record,
                online: true,
            }
        }

        /// Whether a turn at this reading does anything; if so, it makes a record.
        fn turn(&mut self, now: ClockInstant) -> bool {
            if self.trust.is_to_ask(now) {
                let said = match self.online {
                    true => verdict(now),
                    false => ClockVerdict::Unknown,
                };
                self.trust.note_verdict(said, now);
            }
            match self.trust.decide(now, self.last_record) {
                ClockDecision::Believe => {
                    self.last_record = Some(now.wall);
                    true
                }
                ClockDecision::Wait(_) => false,
                ClockDecision::Ask => panic!("it was asked"),
            }
        }
    }

    const WRONG: [Millis; 8] = [
        Millis::days(12_500),
        Millis::days(30),
        Millis::hours(1),
        Millis::seconds(30),
        Millis::seconds(-30),
        Millis::hours(-1),
        Millis::days(-400),
        Millis::days(-19_000),
    ];

    #[test]
    fn a_start_with_a_wrong_clock_does_nothing_and_the_next_goes_on() {
        for wrong in WRONG {
            for last_record in [None, Some(START)] {
                let mut validator = Validator::started(last_record, true);
                for second in 10..30 {
                    assert!(!validator.turn(at(second, wrong)), "{wrong}");
                }
                let mut again = Validator::started(validator.last_record, true);
                assert!(again.turn(right(40)), "{wrong}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_wrong_for_a_while_is_waited_out() {
        for wrong in WRONG {
            let mut validator = Validator::started(Some(START), true);
            assert!(validator.turn(right(10)));
            for second in 11..31 {
                assert!(!validator.turn(at(second, wrong)), "{wrong}");
            }
            assert!(validator.turn(right(31)), "{wrong}");
            assert_eq!(validator.last_record, Some(right(31).wall));
        }
    }

    #[test]
    fn silence_takes_back_no_disagreement_and_a_clock_that_is_right_again_needs_no_answer() {
        let hour = Millis::hours(1);
        let mut validator = Validator::started(Some(START), true);
        assert!(validator.turn(right(0)));
        assert!(!validator.turn(at(60, hour)));
        validator.online = false;
        assert!((2..100).all(|n| !validator.turn(at(60 * n, hour))));
        assert!(validator.turn(right(6_000)));
        let mut started = Validator::started(Some(START), true);
        assert!(!started.turn(at(0, hour)));
        started.online = false;
        assert!((1..100).all(|n| !started.turn(at(60 * n, hour))));
    }

    #[test]
    fn a_clock_that_drifts_off_is_found_out() {
        let mut validator = Validator::started(Some(START), true);
        let drifted = |n: i64| at(60 * n, Millis::saturating(100 * n));
        let turns = (0..120).take_while(|n| validator.turn(drifted(*n)));
        // It is 2 s ahead after 20 minutes; others are asked every 10.
        assert_eq!(turns.count(), 30);
    }

    #[test]
    fn a_gap_that_others_confirm_is_downtime() {
        let month = Millis::days(30);
        let mut validator = Validator::started(Some(START - month), true);
        assert!(validator.turn(right(0)));
        // A machine that slept: both clocks differ, and others agree with the time of day.
        let asleep = ClockInstant {
            steady: Millis::seconds(10),
            ..right(86_400)
        };
        assert!(validator.trust.is_to_ask(asleep));
        assert_eq!(validator.trust.decide(asleep, None), ClockDecision::Ask);
    }

    #[test]
    fn without_an_answer_a_usual_gap_is_believed_and_a_long_one_is_not() {
        let start = |gap: Option<Millis>, has_sources| {
            let mut validator = Validator::started(gap.map(|gap| START - gap), has_sources);
            validator.online = false;
            validator
        };
        for has_sources in [true, false] {
            assert!(start(None, has_sources).turn(right(0)));
            assert!(start(Some(Millis::hours(20)), has_sources).turn(right(0)));
            assert!(!start(Some(Millis::days(2)), has_sources).turn(right(0)));
            assert!(!start(Some(Millis::days(-2)), has_sources).turn(right(0)));
            let mut running = start(Some(Millis::literal(0)), has_sources);
            assert!(running.turn(right(0)));
            assert!(!running.turn(at(1, Millis::hours(1))));
            assert!(running.turn(at(2, Millis::minutes(4))));
        }
        // Where others could answer, they are waited for; where there is nobody, it is enough that the clock goes on.
        let mut offline = start(Some(Millis::days(2)), true);
        assert!((0..1_000).all(|n| !offline.turn(right(60 * n))));
        offline.online = true;
        assert!(offline.turn(right(60_000)));
        let mut alone = start(Some(Millis::days(2)), false);
        let waited = (0..100).take_while(|n| !alone.turn(right(60 * n))).count();
        assert_eq!(waited, 10);
    }

    #[test]
    fn a_doubt_says_what_is_wrong_and_what_to_do() {
        let ClockVerdict::Disagree(reading) = verdict(at(10, Millis::days(30))) else {
            panic!("30 days is too far");
        };
        let doubts = [
            ClockDoubt::Disagrees(reading),
            ClockDoubt::BeforeLastRecord(START),
            ClockDoubt::BeforeProgram,
            ClockDoubt::Unconfirmed(Millis::days(2)),
        ];
        assert_eq!(
            doubts.map(|doubt| doubt.to_string()),
            [
                "this machine's clock is 30 days 0 h ahead of kraken: set it (chrony, systemd-timesyncd); nothing is recorded \
                 before it is right",
                "this machine's clock is before the journal's last record, of 2024-01-02T00:00:00Z: set it (chrony, \
                 systemd-timesyncd); nothing is recorded before then",
                "this machine's clock is years behind: set it (chrony, systemd-timesyncd); nothing is recorded before it is right",
                "this machine's clock is 48 h from where it was last, and nobody confirms it: check it and the network; nothing is \
                 recorded before somebody does",
            ]
        );
    }
}
