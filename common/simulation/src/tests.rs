//! Seasons on a made-up market of calm and lively hours.

use foretell_core::bar::Bar;
use foretell_core::rules::RulesVersion;
use foretell_core::testing::{MONDAY, STEP, btc_usd, price};
use foretell_core::time::Millis;

use crate::attack::Attack;
use crate::counter_rng::{SeedStream, normal};
use crate::forecasters::{HONEST_ATTACKER, HONEST_FORECASTERS, SkillClass};
use crate::historical_market::HistoricalMarket;
use crate::null_study::{NullStrategy, NullStudy};
use crate::season::{PayPolicy, PolicyVariant, SeasonStart, SimulationPlan};
use crate::summary::PolicySummary;

fn bars(count: u64) -> Vec<Bar> {
    let mut close = 100.0;
    (0..count)
        .map(|i| {
            let volatility = if i % 288 < 100 { 2.0 } else { 1.0 };
            let open = close;
            close *= libm::exp(1e-3 * volatility * normal(7, SeedStream::TestReturns, i));
            Bar {
                open_time: MONDAY + STEP.times(i as i64),
                open: price(open),
                high: price(open.max(close) * 1.0002),
                low: price(open.min(close) * 0.9998),
                close: price(close),
                volume: 1.0,
            }
        })
        .collect()
}

fn market(bars: &[Bar]) -> HistoricalMarket {
    HistoricalMarket::new(btc_usd(100), bars, RulesVersion::V1Replay.rules())
}

#[test]
fn no_forecaster_learns_from_the_future() {
    let all = bars(50 * 288);
    let now = 45 * 288;
    let (with_future, without) = (market(&all), market(&all[..now]));
    for forecaster in HONEST_FORECASTERS.iter().chain([&HONEST_ATTACKER]) {
        let scales = |market: &HistoricalMarket| {
            let trained = forecaster.fit(market, now, now, 0);
            trained.scales(market, now)
        };
        assert_eq!(
            scales(&with_future),
            scales(&without),
            "{}",
            forecaster.name
        );
    }
}

#[test]
fn strategies_without_skill_need_rounds_and_are_less_often_eligible_at_a_higher_z() {
    let market = market(&bars(60 * 288));
    let span = (MONDAY + Millis::days(10), MONDAY + Millis::days(59));
    let rules = RulesVersion::V1Replay.rules();
    for strategy in NullStrategy::ALL {
        let by_z = NullStudy::run(strategy, &market, span, &rules, &[0.0, 1.0, 9.0], &|| ());
        let shares = by_z.iter().map(|study| {
            assert_eq!(study.seasons, 20);
            assert_eq!(study.eligible[0], (5, 0.0), "240 rounds are not settled");
            study.eligible[3].1
        });
        let shares: Vec<f64> = shares.collect();
        assert!(
            shares.is_sorted_by(|a, b| a >= b),
            "{strategy:?} {shares:?}"
        );
        assert_eq!(shares[2], 0.0);
    }
    let eligible =
        |strategy| NullStudy::run(strategy, &market, span, &rules, &[0.0], &|| ())[0].eligible[1].1;
    assert!(eligible(NullStrategy::DailyGuess) > 0.0);
}

#[test]
fn a_season_is_the_same_twice_and_pays_nobody_for_the_reference() {
    let rules = RulesVersion::V1Replay.rules();
    let named = |names: &[&str]| -> Vec<Attack> {
        let all = Attack::all().into_iter();
        all.filter(|attack| names.contains(&attack.name().as_str()))
            .collect()
    };
    let plan = SimulationPlan {
        rules,
        round_every: Millis::hours(1),
        days: 14,
        attacks: named(&["honest", "late", "nan", "exact-x2", "exact-x5-one-coldkey"]),
        variants: vec![PolicyVariant {
            name: "evidence".into(),
            policy: PayPolicy::Evidence(rules.evidence, rules.fit, rules.pay),
        }],
    };
    let market = market(&bars(60 * 288));
    let start = SeasonStart::new(&market, &plan, MONDAY + Millis::days(45));
    let play = |seed| {
        PolicySummary::new(
            "evidence",
            &plan.attacks,
            &[vec![start.simulate(&market, &plan, seed).remove(0)]],
            1,
        )
    };
    let summary = play(1);
    assert_eq!(summary, play(1));
    let gain = |name: &str| summary.attacks.iter().find(|f| f.attack == name).unwrap();
    assert!(gain("honest").share > 0.0, "{summary:?}");
    assert_eq!(gain("late").share, 0.0);
    assert_eq!(gain("nan").share, 0.0);
    for copies in ["exact-x2", "exact-x5-one-coldkey"] {
        assert!(gain(copies).gain.abs() < 1e-9, "{:?}", gain(copies));
    }
    for day in &summary.checkpoints {
        assert_eq!(day.eligible[&SkillClass::None], 0.0, "{day:?}");
    }
}
