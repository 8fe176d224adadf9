//! A season on a made-up market of calm and lively hours.

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, Unit};
use foretell_core::time::{Millis, UnixMillis};

use crate::attack::Attack;
use crate::chance::normal;
use crate::findings::Findings;
use crate::luck::{Habit, Luck};
use crate::market::Market;
use crate::population::{Class, HONEST_SELF, POPULATION};
use crate::season::{PayPolicy, Plan, Start, Variant};

const STEP: Millis = Millis::minutes(5);
const FIRST: UnixMillis = UnixMillis(1_704_067_200_000);

fn bars(count: u64) -> Vec<Bar> {
    let mut price = 100.0;
    (0..count)
        .map(|i| {
            let lively = if i % 288 < 100 { 2.0 } else { 1.0 };
            let open = price;
            price *= libm::exp(1e-3 * lively * normal(7, 1, i));
            let of = |x: f64| Price::new(x).unwrap();
            Bar {
                open_time: FIRST + STEP.times(i as i64),
                open: of(open),
                high: of(open.max(price) * 1.0002),
                low: of(open.min(price) * 0.9998),
                close: of(price),
                volume: 1.0,
            }
        })
        .collect()
}

fn market(bars: &[Bar]) -> Market {
    let series = Series {
        id: "BTC/USD".parse().unwrap(),
        grid: Grid {
            step: STEP,
            horizon: 100,
        },
        unit: Unit::LogPrice,
    };
    Market::new(series, bars, RulesVersion::V1Replay.rules())
}

#[test]
fn nobody_learns_from_the_future() {
    let all = bars(50 * 288);
    let now = 45 * 288;
    let (knowing, blind) = (market(&all), market(&all[..now]));
    for forecaster in POPULATION.iter().chain([&HONEST_SELF]) {
        let scales = |market: &Market| {
            let ready = forecaster.learn(market, now, now, 1);
            ready.scales(market, now)
        };
        assert_eq!(scales(&knowing), scales(&blind), "{}", forecaster.name);
    }
}

#[test]
fn luck_needs_a_record_and_is_less_often_eligible_the_more_is_asked_of_it() {
    let market = market(&bars(60 * 288));
    let span = (FIRST + Millis::days(10), FIRST + Millis::days(59));
    let rules = RulesVersion::V1Replay.rules();
    for habit in Habit::ALL {
        let by_z = Luck::of(habit, &market, span, &rules, &[0.0, 1.0, 9.0]);
        let shares = by_z.iter().map(|luck| {
            assert_eq!(luck.seasons, 20);
            assert_eq!(luck.eligible[0], (5, 0.0), "240 rounds are not settled");
            luck.eligible[3].1
        });
        let shares: Vec<f64> = shares.collect();
        assert!(shares.is_sorted_by(|a, b| a >= b), "{habit:?} {shares:?}");
        assert_eq!(shares[2], 0.0);
    }
    let eligible = |habit| Luck::of(habit, &market, span, &rules, &[0.0])[0].eligible[1].1;
    assert!(eligible(Habit::DailyGuess) > 0.0);
}

#[test]
fn a_season_is_the_same_twice_and_pays_nobody_for_the_reference() {
    let rules = RulesVersion::V1Replay.rules();
    let named = |names: &[&str]| -> Vec<Attack> {
        let all = Attack::all().into_iter();
        all.filter(|attack| names.contains(&attack.name().as_str()))
            .collect()
    };
    let plan = Plan {
        rules,
        round_every: Millis::hours(1),
        days: 14,
        attacks: named(&["honest", "late", "nan", "exact-x2", "exact-x5-one-coldkey"]),
        variants: vec![Variant {
            name: "evidence".into(),
            policy: PayPolicy::Evidence(rules.evidence, rules.fit, rules.pay),
        }],
    };
    let market = market(&bars(60 * 288));
    let start = Start::new(&market, &plan, FIRST + Millis::days(45));
    let play = |seed| {
        Findings::of(
            "evidence",
            &plan.attacks,
            &[vec![start.play(&market, &plan, seed).remove(0)]],
        )
    };
    let findings = play(1);
    assert_eq!(findings, play(1));
    let gain = |name: &str| findings.attacks.iter().find(|f| f.attack == name).unwrap();
    assert!(gain("honest").share > 0.0, "{findings:?}");
    assert_eq!(gain("late").share, 0.0);
    assert_eq!(gain("nan").share, 0.0);
    for copies in ["exact-x2", "exact-x5-one-coldkey"] {
        assert!(gain(copies).gain.abs() < 1e-9, "{:?}", gain(copies));
    }
    for checkpoint in &findings.checkpoints {
        assert_eq!(checkpoint.eligible[&Class::None], 0.0, "{checkpoint:?}");
    }
}
