//! Known weaknesses of the older policies, each shown, and shown not to be one of `evidence`.

use std::collections::BTreeMap;

use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::score::{Reference, RoundScorer};
use foretell_core::series::Unit;
use foretell_core::settle::Settlement;
use foretell_core::testing::{btc_usd, hotkey, price, replay_genesis};
use foretell_core::time::{Millis, UnixMillis};

use super::*;

const HORIZON: usize = 4;
const ANCHOR: f64 = 30_000.0;

/// More rounds than any test plays.
fn genesis() -> Genesis {
    replay_genesis(
        btc_usd(HORIZON),
        UnixMillis::EPOCH,
        1_000,
        Millis::minutes(30),
    )
}

/// How far the price has gone at each step of round `i`, in USD: small, and to both sides.
fn moved(i: usize) -> [f64; HORIZON] {
    std::array::from_fn(|step| 20.0 * ((i * 7 + step * 3) % 11) as f64 - 100.0)
}

/// A miner's forecast of round `i`: rows of K prices, or `None` for silence.
type ForecastFn = Box<dyn Fn(usize) -> Option<Vec<f64>>>;

/// Off by this many USD at every step.
fn off_by(usd: f64) -> ForecastFn {
    Box::new(move |i| Some(moved(i).iter().map(|m| ANCHOR + m + usd).collect()))
}

/// The same prices in every round.
fn always(price: f64) -> ForecastFn {
    Box::new(move |_| Some(vec![price; HORIZON]))
}

/// Three values around what happens, this many USD apart.
fn narrow(usd: f64) -> ForecastFn {
    Box::new(move |i| {
        let row = |m: &f64| [-usd, 0.0, usd].map(|d| ANCHOR + m + d);
        Some(moved(i).iter().flat_map(row).collect())
    })
}

fn silent() -> ForecastFn {
    Box::new(|_| None)
}

fn play(policy: &mut dyn Policy, rounds: usize, miners: &[(u8, ForecastFn)]) {
    let genesis = genesis();
    let rules = genesis.rules.rules();
    let reference = Reference::new(&rules.score);
    for i in 0..rounds {
        let settlement = Settlement {
            anchor: Some(price(ANCHOR)),
            volatility: Some(15.0),
            closes: moved(i).iter().map(|m| Some(price(ANCHOR + m))).collect(),
        };
        let forecasts: BTreeMap<Hotkey, Forecast> = miners
            .iter()
            .filter_map(|(n, forecaster)| {
                let values = forecaster(i)?;
                let forecast =
                    Forecast::quantiles(Unit::LogPrice, HORIZON, values.len() / HORIZON, values);
                Some((hotkey(*n), forecast.unwrap()))
            })
            .collect();
        let scorer = RoundScorer::new(&genesis.series, &settlement, &reference, &rules);
        let score = |forecast| scorer.as_ref().unwrap().score(forecast);
        let scored = forecasts
            .iter()
            .map(|(key, forecast)| (*key, score(forecast)))
            .collect();
        policy.add_round(&SettledRound {
            origin: UnixMillis::EPOCH + genesis.round_every.times(i as i64),
            settlement: &settlement,
            scorer: scorer.as_ref(),
            forecasts: &forecasts,
            scored: &scored,
            owners: &BTreeMap::new(),
        });
    }
    policy.finish();
}

fn taoshi_after(rounds: usize, miners: &[(u8, ForecastFn)]) -> TaoshiPolicy {
    let mut policy = TaoshiPolicy::new(taoshi::TaoshiConfig::default(), true);
    play(&mut policy, rounds, miners);
    policy
}

fn evidence_after(rounds: usize, miners: &[(u8, ForecastFn)]) -> EvidencePolicy {
    let mut policy = EvidencePolicy::new(genesis());
    play(&mut policy, rounds, miners);
    assert_eq!(policy.failure(), None);
    policy
}

fn increments_after(rounds: usize, miners: &[(u8, ForecastFn)]) -> BTreeMap<Hotkey, f64> {
    let mut policy = SynthIncrementsPolicy::new(synth_increments::SynthIncrementsConfig::default());
    play(&mut policy, rounds, miners);
    let standings = policy.standings().into_iter();
    standings
        .map(|(key, standing)| (key, standing.share))
        .collect()
}

fn three() -> Vec<(u8, ForecastFn)> {
    vec![(1, off_by(10.0)), (2, off_by(20.0)), (3, off_by(80.0))]
}

fn with(mut miners: Vec<(u8, ForecastFn)>, n: u8, forecaster: ForecastFn) -> Vec<(u8, ForecastFn)> {
    miners.push((n, forecaster));
    miners
}

/// The shares of miners 1, 2 and 3 of the first round.
fn shares_of_three(policy: &TaoshiPolicy) -> [f64; 3] {
    [1, 2, 3].map(|n| policy.details()[0].shares[&hotkey(n)])
}

#[test]
fn one_absurd_forecast_flattens_taoshi() {
    let honest = taoshi_after(1, &three());
    assert_eq!(shares_of_three(&honest), [0.5385, 0.4615, 0.0]);
    let flattened = taoshi_after(1, &with(three(), 4, always(1e9)));
    assert_eq!(shares_of_three(&flattened), [0.3333; 3]);
}

#[test]
fn one_overflow_loses_taoshi_the_round() {
    let spoilt = taoshi_after(3, &with(three(), 4, always(1e300)));
    assert_eq!(spoilt.round_counts(), RoundCounts { scored: 0, void: 3 });
}

#[test]
fn an_absurd_forecast_changes_nothing_for_others_under_evidence() {
    let honest = evidence_after(300, &three());
    for absurd in [1e9, 1e300] {
        let disturbed = evidence_after(300, &with(three(), 4, always(absurd)));
        assert_eq!(disturbed.round_counts().scored, 300);
        for n in [1, 2, 3] {
            let evidence = |policy: &EvidencePolicy| policy.state().evidence()[&hotkey(n)];
            assert_eq!(evidence(&disturbed), evidence(&honest));
            let share = |policy: &EvidencePolicy| policy.standings()[&hotkey(n)].share;
            assert!((share(&disturbed) - share(&honest)).abs() < 1e-12);
        }
        assert_eq!(disturbed.standings()[&hotkey(4)].share, 0.0);
    }
}

/// Two similar miners have equal shares; four clones of one of them take four fifths.
#[test]
fn k_clones_take_k_shares_of_increments() {
    let two = vec![(1, off_by(10.0)), (2, off_by(-10.0))];
    let shares = increments_after(20, &two);
    assert!((shares[&hotkey(1)] - 0.5).abs() < 0.05, "{shares:?}");
    let clones = (3..6).fold(two, |miners, n| with(miners, n, off_by(10.0)));
    let shares = increments_after(20, &clones);
    let clones: f64 = [1, 3, 4, 5].iter().map(|n| shares[&hotkey(*n)]).sum();
    assert!((clones - 0.8).abs() < 0.05, "{shares:?}");
}

/// The same clones under `evidence`: nobody's share changes, and the original's is split between them.
#[test]
fn clones_take_one_share_of_evidence() {
    let apart = || vec![(1, narrow(3.0)), (2, narrow(4.0))];
    let alone = evidence_after(300, &apart()).standings();
    let clones = (3..6).fold(apart(), |miners, n| with(miners, n, narrow(3.0)));
    let cloned = evidence_after(300, &clones).standings();
    let share = |standings: &BTreeMap<Hotkey, PolicyStanding>, n: u8| standings[&hotkey(n)].share;
    assert!(
        share(&alone, 1) > 0.1 && share(&alone, 2) > 0.1,
        "{alone:?}"
    );
    let together: f64 = [1, 3, 4, 5].iter().map(|n| share(&cloned, *n)).sum();
    assert!((together - share(&alone, 1)).abs() < 1e-9, "{cloned:?}");
    assert!((share(&cloned, 2) - share(&alone, 2)).abs() < 1e-9);
    assert!((share(&cloned, 3) - together / 4.0).abs() < 1e-12);
}

/// Bad in most rounds: not answering there costs less than answering under `increments`. Under `evidence` a bad forecast
/// costs what it is worse by, a miss always the same, and anybody may send the reference instead.
#[test]
fn silence_pays_under_increments() {
    let bad = |i: usize| !i.is_multiple_of(3);
    let always_answers = || -> ForecastFn {
        Box::new(move |i| off_by(0.0)(i).filter(|_| !bad(i)).or_else(|| zigzag()(i)))
    };
    let silent: ForecastFn = Box::new(move |i| off_by(0.0)(i).filter(|_| !bad(i)));
    let sum = |forecaster: ForecastFn| {
        let miners = vec![
            (1, off_by(0.0)),
            (2, wobble(1.0)),
            (3, wobble(2.0)),
            (4, forecaster),
        ];
        let mut policy =
            SynthIncrementsPolicy::new(synth_increments::SynthIncrementsConfig::default());
        play(&mut policy, 30, &miners);
        policy.sums()[&hotkey(4)]
    };
    assert!(sum(silent) < sum(always_answers()));
    let always_silent = vec![(1, always_answers()), (2, self::silent())];
    let evidence = evidence_after(30, &always_silent);
    assert!(
        !evidence.standings().contains_key(&hotkey(2)),
        "no record begins before the first answer"
    );
}

/// Right, but for steps that go up and down by this many USD.
fn wobble(usd: f64) -> ForecastFn {
    Box::new(move |i| {
        let sign = |step: usize| if step.is_multiple_of(2) { usd } else { -usd };
        Some(
            moved(i)
                .iter()
                .zip(0..)
                .map(|(m, step)| ANCHOR + m + sign(step))
                .collect(),
        )
    })
}

fn zigzag() -> ForecastFn {
    wobble(500.0)
}
