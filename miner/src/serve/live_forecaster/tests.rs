//! The forecaster on a virtual clock, with a scripted venue: answers come late, lack bars, or don't come.

mod log_lines;
mod virtual_miner;

use foretell_core::testing::{MONDAY, STEP};
use foretell_core::time::{Millis, UnixMillis};

use self::log_lines::log_lines_of;
use self::virtual_miner::{VenueScript, VirtualMiner, price_time};
use super::*;

/// The round that tests look at.
const ORIGIN: UnixMillis = MONDAY;

fn before(span: Millis) -> UnixMillis {
    ORIGIN - span
}

const fn seconds(n: i64) -> Millis {
    Millis::seconds(n)
}

/// A miner that has run for a while on a venue that answers at once.
fn warm() -> VirtualMiner {
    let mut miner = VirtualMiner::without_history(before(Millis::hours(1)));
    miner.run_until(before(STEP));
    assert!(miner.current(ORIGIN).is_ok());
    miner
}

#[test]
fn a_venue_that_turns_slow_or_away_costs_no_commitment() {
    for turns_at in [290, 200, 100, 60, 45, 30, 22, 20, 18] {
        for script in [
            VenueScript::slow(8),
            VenueScript::slow(9),
            VenueScript::slow(8).without_the_newest_bar(),
            VenueScript::slow(5).without_the_newest_bar(),
            VenueScript::slow(3_600),
            VenueScript::away(),
        ] {
            let mut miner = warm();
            miner.run_until(before(seconds(turns_at)));
            miner.script = script;
            // A forecast stands at every moment, and so at the one when a validator asks.
            miner.run_until_and(ORIGIN + seconds(60), |miner| {
                let next = next_origin(miner.now, STEP);
                let text = miner.current(next);
                assert!(text.is_ok(), "{script:?} from T - {turns_at} s: {text:?}");
            });
        }
    }
}

#[test]
fn a_bar_that_is_late_for_a_whole_step_is_made_of_its_minutes() {
    let mut miner = warm();
    miner.run_until(before(STEP - seconds(1)));
    miner.script = VenueScript::slow(0).without_the_newest_bar();
    miner.run_until(before(seconds(22)));
    miner.script = VenueScript::slow(8).without_the_newest_bar();
    miner.run_until(before(seconds(15)));
    let text = miner.current(ORIGIN).unwrap();
    assert_eq!(price_time(&text), before(seconds(60)));
}

#[test]
fn a_forecast_is_made_anew_from_newer_minutes_until_it_is_final() {
    let mut miner = warm();
    for (at, newest) in [
        (290, 300),
        (200, 240),
        (150, 180),
        (90, 120),
        (30, 60),
        (15, 60),
    ] {
        miner.run_until(before(seconds(at)));
        let made_of = price_time(&miner.current(ORIGIN).unwrap());
        assert_eq!(made_of, before(seconds(newest)), "at T - {at} s");
    }
}

#[test]
fn a_final_forecast_stays_and_a_missing_one_is_still_made() {
    // What comes after T − 17 s changes nothing.
    let mut miner = warm();
    miner.run_until(before(seconds(119)));
    miner.script = VenueScript::stopped_at(before(seconds(120)));
    miner.run_until(before(FINAL_LEAD));
    miner.script = VenueScript::slow(0);
    let text = miner.current(ORIGIN).unwrap();
    assert_eq!(price_time(&text), before(seconds(120)));
    miner.run_until_and(ORIGIN, |miner| {
        assert_eq!(miner.current(ORIGIN).unwrap(), text);
    });
    // Where there was none, the first prices make one.
    let mut miner = VirtualMiner::without_history(before(seconds(40)));
    miner.script = VenueScript::away();
    miner.run_until(before(seconds(14)));
    assert!(miner.current(ORIGIN).is_err());
    miner.script = VenueScript::slow(1);
    miner.run_until(before(seconds(6)));
    assert!(miner.current(ORIGIN).is_ok());
}

#[test]
fn a_restart_forecasts_from_what_it_kept_before_the_venue_has_answered() {
    // Bars up to 10 minutes before; the venue never answers.
    let start = before(seconds(17));
    for stored_model in [true, false] {
        let mut miner = VirtualMiner::with_history(start, before(STEP.times(2)), stored_model);
        miner.script = VenueScript::slow(3_600);
        miner.run_until(start + seconds(1));
        let text = miner.current(ORIGIN).unwrap();
        assert_eq!(price_time(&text), before(STEP.times(2)));
    }
}

#[test]
fn without_prices_it_says_so_at_once() {
    let mut miner = VirtualMiner::without_history(before(seconds(60)));
    miner.script = VenueScript::slow(3_600);
    let why = |miner: &VirtualMiner| miner.current(ORIGIN).unwrap_err().to_string();
    miner.run_until(before(seconds(60)));
    assert_eq!(why(&miner), "starting: no prices have been read yet");
    // The request's own deadline ends the wait.
    miner.run_until(before(seconds(45)));
    assert_eq!(
        why(&miner),
        "no fresh prices: replay answered status 500 at http://venue"
    );
}

#[test]
fn prices_that_are_too_old_make_no_forecast_until_newer_ones_come() {
    let mut miner = warm();
    miner.script = VenueScript::away();
    // The newest price is of T − 300 s: good for 8 steps from there.
    let last_good = before(STEP) + STEP.times(MAX_STALE_STEPS);
    miner.run_until_and(last_good - Millis::literal(1), |miner| {
        assert!(miner.current(next_origin(miner.now, STEP)).is_ok());
    });
    miner.run_until(last_good + seconds(1));
    let next = next_origin(miner.now, STEP);
    let why = miner.current(next).unwrap_err().to_string();
    assert!(
        why.starts_with("no fresh prices: replay answered status 500"),
        "{why}"
    );
    // One that answers, but with nothing new.
    miner.script = VenueScript::stopped_at(before(STEP));
    miner.run_until(last_good + seconds(60));
    let why = miner.current(next).unwrap_err().to_string();
    assert!(why.contains("check the venue and prices.symbol"), "{why}");
    miner.script = VenueScript::slow(1);
    miner.run_until(last_good + seconds(70));
    assert!(miner.current(next).is_ok());
}

#[test]
fn a_long_fit_and_a_full_history_hold_up_nothing() {
    let mut miner = warm();
    miner.fit_takes = Millis::hours(2);
    // A fit is due each hour.
    miner.run_until_and(ORIGIN + Millis::hours(4), |miner| {
        let next = next_origin(miner.now, STEP);
        let age = next - price_time(&miner.current(next).unwrap());
        let late = miner.now - floor(miner.now, STEP) > seconds(10);
        assert!(!late || age <= STEP, "{age} at {}", miner.now);
    });
    assert!(miner.fits > 2);
}

#[test]
fn the_venue_is_asked_no_more_than_it_must_be() {
    let mut miner = warm();
    let asked = |miner: &mut VirtualMiner| {
        let before = miner.asked;
        miner.run_until(miner.now + Millis::hours(1));
        miner.asked - before
    };
    // A request for each bar and each minute, when it has closed.
    let needed = asked(&mut miner);
    assert!((72..=84).contains(&needed), "{needed}");
    // Two at most every five seconds while it has nothing new.
    miner.script = VenueScript::stopped_at(miner.now);
    let in_vain = asked(&mut miner);
    assert!((720..=1_440 + 60).contains(&in_vain), "{in_vain}");
}

#[test]
fn trouble_is_told_once_and_its_end_with_how_long_it_lasted() {
    let lines = log_lines_of(|| {
        let mut miner = VirtualMiner::without_history(before(Millis::hours(2)));
        miner.script = VenueScript::away();
        miner.run_until(ORIGIN);
        miner.script = VenueScript::slow(0);
        miner.run_until(ORIGIN + Millis::hours(1));
    });
    let told = |of: &str| {
        let lines = lines.iter().filter(|line| line.contains(of));
        lines.cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        told("prices: "),
        [
            "WARN prices: no fresh prices: replay answered status 500",
            "WARN next round: not ready: no fresh prices: replay answered status 500",
            "INFO prices: all is well again after 2h 5s"
        ]
    );
    assert_eq!(
        told("next round: ")[1..],
        ["INFO next round: all is well again after 2h 5s"]
    );
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told_of_and_tried_again() {
    let mut miner = warm();
    assert!(miner.folder.writable().is_ok());
    miner.remove_folder();
    miner
        .folder
        .note(Some(&std::io::Error::from(std::io::ErrorKind::StorageFull)));
    miner.run_until(before(seconds(200)));
    assert!(miner.folder.writable().is_err());
    miner.restore_folder();
    miner.run_until(before(seconds(180)));
    assert!(miner.folder.writable().is_ok());
}

#[test]
fn a_clock_that_leaps_ahead_and_back_leaves_forecasts_and_history_as_they_were() {
    let mut miner = warm();
    miner.run_until(before(seconds(200)));
    miner.skewed_by = Millis::days(30);
    miner.run_until(before(seconds(180)));
    miner.skewed_by = Millis::literal(0);
    miner.run_until(before(seconds(15)));
    assert_eq!(
        price_time(&miner.current(ORIGIN).unwrap()),
        before(seconds(60))
    );
}
