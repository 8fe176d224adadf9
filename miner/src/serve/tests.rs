//! The whole service over signed HTTP, with a test venue behind it.

mod harness;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use foretell_core::forecast::Forecast;
use foretell_core::hash::Hex;
use foretell_core::series::{Grid, Unit};
use foretell_core::signed_text::commitment;
use foretell_core::time::Millis;
use foretell_data::prices::{PriceSeries, write_csv};
use foretell_wire::messages::{CommitRequest, RevealResponse};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::harness::{
    K, LIVE_STEP, ORIGIN, TIMEOUT, TestMiner, TestValidator, TestVenue, config, key, live_origin,
    request, series, service, step,
};
use super::miner_service::ServeError;
use crate::config::{ClockConfig, MinerConfig};
use crate::models::{FittedModel, Model, ModelError};
use crate::price_history::PriceHistory;

#[tokio::test]
async fn a_commitment_binds_the_miner_to_the_forecast_that_it_reveals() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let validator = TestValidator::new(1);
    let request = request(ORIGIN);
    let committed = validator.commitment(&miner, &request).await.unwrap();
    let reveal = validator.receipt(&request, committed.commitment);
    let revealed = validator.reveal(&miner, &reveal).await.unwrap();
    let RevealResponse { nonce, payload, .. } = &revealed;
    let bound = commitment(
        &request.round,
        &validator.hotkey(),
        &key().hotkey(),
        nonce,
        payload.as_bytes(),
    );
    assert_eq!(bound, committed.commitment);
    let forecast = Forecast::parse(payload.as_bytes(), &series(Millis::minutes(5))).unwrap();
    assert_eq!(forecast.k(), K);

    assert_eq!(validator.commitment(&miner, &request).await, Ok(committed));
    assert_eq!(
        validator.reveal(&miner, &reveal).await,
        Ok(revealed.clone())
    );

    // Another validator gets the same forecast, hidden behind another nonce.
    let other = TestValidator::new(2);
    let to_other = other.commitment(&miner, &request).await.unwrap();
    assert_ne!(to_other.commitment, bound);
    let reveal = other.receipt(&request, to_other.commitment);
    let other_revealed = other.reveal(&miner, &reveal).await.unwrap();
    assert_eq!(other_revealed.payload, *payload);
    assert_ne!(other_revealed.nonce, *nonce);
    miner.stop().await;
}

#[tokio::test]
async fn a_restarted_miner_gives_the_same_answers() {
    let (venue, host) = TestVenue::well_behaved().open().await;
    let folder = tempfile::tempdir().unwrap();
    let validator = TestValidator::new(1);
    let request = request(ORIGIN);
    let miner = TestMiner::start(config(&host, folder.path())).await;
    let committed = validator.commitment(&miner, &request).await.unwrap();
    let reveal = validator.receipt(&request, committed.commitment);
    miner.stop().await;

    // The payload is on disk: neither the venue nor the model is needed again.
    venue.up.store(false, Ordering::Relaxed);
    let mut config = config(&host, folder.path());
    config.model.name = "random-walk".into();
    let miner = TestMiner::start(config).await;
    let again = validator.commitment(&miner, &request).await;
    assert_eq!(again.as_ref(), Ok(&committed));
    let revealed = validator.reveal(&miner, &reveal).await.unwrap();
    let bound = commitment(
        &request.round,
        &validator.hotkey(),
        &key().hotkey(),
        &revealed.nonce,
        revealed.payload.as_bytes(),
    );
    assert_eq!(bound, committed.commitment);
    miner.stop().await;
}

#[tokio::test]
async fn a_request_that_is_repeated_before_it_is_answered_gets_the_one_answer() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let (validator, request) = (TestValidator::new(1), request(ORIGIN));
    let ask = || validator.commitment(&miner, &request);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let first = a.unwrap();
    for other in [b, c, d] {
        assert_eq!(other.unwrap(), first);
    }
    miner.stop().await;
}

#[tokio::test]
async fn requests_for_anything_else_are_refused_with_the_reason() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let validator = TestValidator::new(1);
    let changed = |change: fn(&mut CommitRequest)| {
        let mut request = request(ORIGIN);
        change(&mut request);
        request
    };
    let served = "status 400: this miner forecasts 4 steps of 300 s of BTC/USD";
    for (request, expected) in [
        (changed(|r| r.series = "ETH/USD".parse().unwrap()), served),
        (
            changed(|r| r.round.series = "ETH/USD".parse().unwrap()),
            served,
        ),
        (changed(|r| r.horizon = 5), served),
        (changed(|r| r.step_s = 60), served),
        (
            changed(|r| r.round.origin = r.round.origin + Millis::literal(1)),
            "status 400: 1704067200001 is not on the grid of 300 s",
        ),
        (
            changed(|r| r.round_time_ms = r.round.origin + Millis::seconds(1)),
            "status 400: BTC/USD@1704067200000 has begun: it is 1704067201000",
        ),
    ] {
        let answer = validator.commitment(&miner, &request).await;
        assert_eq!(answer.unwrap_err(), expected);
    }
    // Two minutes before the round nobody gets a forecast, and nothing is bound.
    let early = changed(|r| r.round_time_ms = r.round.origin - Millis::minutes(2));
    let answer = validator.commitment(&miner, &early).await;
    let expected =
        "425: BTC/USD@1704067200000 takes commitments from 1704067185000 on: it is 1704067080000";
    let why = answer.unwrap_err();
    assert!(why.ends_with(expected), "{why}");
    let furthest = changed(|r| r.round_time_ms = r.round.origin - Millis::seconds(17));
    assert!(validator.commitment(&miner, &furthest).await.is_ok());
    miner.stop().await;
}

#[tokio::test]
async fn only_a_receipt_for_the_commitment_opens_it() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let (validator, other) = (TestValidator::new(1), TestValidator::new(2));
    let request = request(ORIGIN);

    let early = validator.receipt(&request, Hex([1; 32]));
    let unknown = "status 404: no commitment was given in this round";
    let answer = validator.reveal(&miner, &early).await;
    assert_eq!(answer.unwrap_err(), unknown);

    let committed = validator.commitment(&miner, &request).await.unwrap();
    let honest = validator.receipt(&request, committed.commitment);
    let forged = other.receipt(&request, committed.commitment);
    let mut backdated = honest.clone();
    backdated.receipt.arrival = backdated.receipt.arrival - Millis::literal(1);
    for receipt in [&early, &forged, &backdated] {
        let answer = validator.reveal(&miner, receipt).await;
        assert_eq!(
            answer.unwrap_err(),
            "status 403: the receipt is not the caller's for this commitment"
        );
    }
    // Nor does one validator's receipt open the commitment to another.
    assert_eq!(other.reveal(&miner, &honest).await.unwrap_err(), unknown);
    other.commitment(&miner, &request).await.unwrap();
    assert_eq!(
        other.reveal(&miner, &honest).await.unwrap_err(),
        "status 403: the receipt is not the caller's for this commitment"
    );
    assert!(validator.reveal(&miner, &honest).await.is_ok());
    miner.stop().await;
}

#[tokio::test]
async fn validators_that_are_not_on_the_list_are_refused() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (validator, other) = (TestValidator::new(1), TestValidator::new(2));
    let (miner, _folder) = TestMiner::fresh(|data| {
        let mut config = config(&host, data);
        config.serve.validators = Some(vec![validator.hotkey()]);
        config
    })
    .await;
    let answer = other.commitment(&miner, &request(ORIGIN)).await;
    let refused = format!("status 403: {} is not among", other.hotkey());
    assert!(answer.unwrap_err().starts_with(&refused));
    assert!(validator.commitment(&miner, &request(ORIGIN)).await.is_ok());
    miner.stop().await;
}

#[tokio::test]
async fn a_miner_without_prices_says_so_and_recovers_with_its_venue() {
    let (venue, host) = TestVenue::well_behaved().open().await;
    venue.up.store(false, Ordering::Relaxed);
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let validator = TestValidator::new(1);
    let answer = validator.commitment(&miner, &request(ORIGIN)).await;
    let why = answer.unwrap_err();
    let expected = "status 503: no fresh prices: replay answered status 500 at http://";
    assert!(why.starts_with(expected), "{why}");
    venue.up.store(true, Ordering::Relaxed);
    assert!(validator.commitment(&miner, &request(ORIGIN)).await.is_ok());
    miner.stop().await;

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let answer = validator.commitment(&miner, &request(ORIGIN)).await;
    let why = answer.unwrap_err();
    let expected = "status 503: no fresh prices: replay can't be reached at http://";
    assert!(why.starts_with(expected), "{why}");
    miner.stop().await;
}

#[tokio::test]
async fn the_future_changes_no_forecast() {
    let validator = TestValidator::new(1);
    let mut payloads = Vec::new();
    for venue in [
        TestVenue::well_behaved(),
        TestVenue {
            returns_future_bars: true,
            ..TestVenue::well_behaved()
        },
        TestVenue {
            returns_future_bars: true,
            fork: Some(ORIGIN),
            ..TestVenue::well_behaved()
        },
    ] {
        let (_, host) = venue.open().await;
        let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
        payloads.push(validator.payload(&miner, ORIGIN).await);
        miner.stop().await;
    }
    assert_eq!(payloads[1], payloads[0]);
    assert_eq!(payloads[2], payloads[0]);

    // The last bar before the origin does: the comparison above compares something.
    let fork = Some(ORIGIN - Millis::minutes(5));
    let (_, host) = TestVenue {
        fork,
        ..TestVenue::well_behaved()
    }
    .open()
    .await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    assert_ne!(validator.payload(&miner, ORIGIN).await, payloads[0]);
    miner.stop().await;
}

/// `har` learns from its window, so that its forecasts depend on the window that it was fitted on.
fn har(host: &str, data: &Path) -> MinerConfig {
    let mut config = config(host, data);
    config.model.name = "har".into();
    config.model.history_days = 3;
    config
}

#[tokio::test]
async fn a_forecast_does_not_depend_on_what_was_asked_before() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let validator = TestValidator::new(1);
    // Three hours, a fit due each hour.
    let (in_order, _folder) = TestMiner::fresh(|data| har(&host, data)).await;
    let mut payloads = Vec::new();
    for n in 0..36 {
        payloads.push(validator.payload(&in_order, step(n)).await);
    }
    in_order.stop().await;

    let (backwards, _folder) = TestMiner::fresh(|data| har(&host, data)).await;
    for n in [35, 20, 7, 0, 12] {
        let payload = validator.payload(&backwards, step(n)).await;
        assert_eq!(payload, payloads[n as usize], "origin {n}");
    }
    backwards.stop().await;
}

#[tokio::test]
async fn health_needs_no_signature() {
    let (venue, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    assert_eq!(miner.get("/healthz").await, (200, "ok".into()));
    let ready = "ready: forecasts follow the requests' time";
    assert_eq!(miner.get("/readyz").await, (200, ready.into()));
    miner.stop().await;

    let (miner, _folder) = TestMiner::fresh(|data| live(&host, data)).await;
    assert_eq!(miner.readiness().await, (200, "ready".into()));
    miner.stop().await;
    venue.up.store(false, Ordering::Relaxed);
    let (miner, _folder) = TestMiner::fresh(|data| live(&host, data)).await;
    assert_eq!(miner.get("/healthz").await, (200, "ok".into()));
    let (status, why) = miner.readiness().await;
    assert_eq!(status, 503);
    assert!(
        why.starts_with("no fresh prices: replay answered status 500"),
        "{why}"
    );
    miner.stop().await;
}

/// A miner that goes by the machine's clock, with a round every hour.
fn live(host: &str, data: &Path) -> MinerConfig {
    let mut config = config(host, data);
    config.series = series(LIVE_STEP);
    config.serve.clock = ClockConfig::System;
    config
}

#[tokio::test]
async fn a_live_miner_forecasts_what_comes_next_and_nothing_else() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let (miner, _folder) = TestMiner::fresh(|data| live(&host, data)).await;
    let validator = TestValidator::new(1);
    let series = series(LIVE_STEP);
    let round = |n: i64| {
        let origin = live_origin(n);
        // A live miner ignores the time in the request.
        CommitRequest::new(&series, origin, origin, origin)
    };
    for (n, expected) in [
        (-1000, "has begun"),
        (0, "has begun"),
        (2, "takes commitments from"),
        (1000, "takes commitments from"),
    ] {
        let answer = validator.commitment(&miner, &round(n)).await;
        let why = answer.unwrap_err();
        assert!(why.contains(expected), "{n}: {why}");
    }
    assert_eq!(miner.readiness().await.0, 200);
    let request = round(1);
    let committed = validator.commitment(&miner, &request).await.unwrap();
    let reveal = validator.receipt(&request, committed.commitment);
    let answer = validator.reveal(&miner, &reveal).await;
    let expected = format!("status 400: {} has not begun: ask after T", request.round);
    assert_eq!(answer.unwrap_err(), expected);
    miner.stop().await;
}

#[tokio::test]
async fn a_live_miner_waits_for_no_venue() {
    let venue = TestVenue {
        gate: Semaphore::const_new(0),
        ..TestVenue::well_behaved()
    };
    let (venue, host) = venue.open().await;
    let validator = TestValidator::new(1);
    let folder = tempfile::tempdir().unwrap();
    let mut config = live(&host, folder.path());
    let request = |n| {
        let origin = live_origin(n);
        CommitRequest::new(&series(LIVE_STEP), origin, origin, origin)
    };
    // Without prices the answer is no, at once, and so is that of `/readyz`.
    let miner = TestMiner::start(config.clone()).await;
    let answer = validator.commitment(&miner, &request(1)).await;
    let why = "starting: no prices have been read yet";
    assert_eq!(answer.unwrap_err(), format!("status 503: {why}"));
    assert_eq!(miner.get("/readyz").await, (503, why.into()));
    miner.stop().await;

    // Prices on disk, up to now, make a forecast.
    let bars = (-1_440..0)
        .map(|n| venue.bar(live_origin(n).get()))
        .collect();
    let file = folder.path().join("prices.csv");
    write_csv(
        &file,
        &PriceSeries::from_bars(Unit::LogPrice, bars).unwrap(),
    )
    .unwrap();
    config.prices.files = vec![file];
    let miner = TestMiner::start(config).await;
    assert_eq!(miner.readiness().await, (200, "ready".into()));
    assert!(validator.commitment(&miner, &request(1)).await.is_ok());
    miner.stop().await;
}

#[tokio::test]
async fn a_miner_that_cannot_keep_payloads_is_not_ready() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let validator = TestValidator::new(1);
    let (miner, folder) = TestMiner::fresh(|data| config(&host, data)).await;
    assert_eq!(miner.readiness().await.0, 200);
    std::fs::remove_dir_all(folder.path()).unwrap();
    let answer = validator.commitment(&miner, &request(ORIGIN)).await;
    assert!(answer.unwrap_err().starts_with("status 50"));
    let (status, why) = miner.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(why.starts_with("the miner can't keep payloads: "), "{why}");
    std::fs::create_dir(folder.path()).unwrap();
    assert!(validator.commitment(&miner, &request(ORIGIN)).await.is_ok());
    assert_eq!(miner.get("/readyz").await.0, 200);
    miner.stop().await;
}

#[tokio::test]
async fn a_miner_that_is_asked_to_stop_answers_what_is_under_way() {
    let venue = TestVenue {
        gate: Semaphore::const_new(0),
        ..TestVenue::well_behaved()
    };
    let (venue, host) = venue.open().await;
    let (miner, _folder) = TestMiner::fresh(|data| config(&host, data)).await;
    let validator = TestValidator::new(1);
    let request = request(ORIGIN);
    let stopping = async {
        // The request is with the miner, which waits for the venue.
        while venue.requests.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        miner.ask_to_stop();
        venue.gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(validator.commitment(&miner, &request), stopping);
    assert!(answer.is_ok(), "{answer:?}");
    miner.stop().await;
}

/// A model with a bug.
struct Panicking;

/// It never gets this far.
#[derive(Serialize, Deserialize)]
struct UnreachableFit;

impl Model for Panicking {
    type Fitted = UnreachableFit;

    fn name(&self) -> &str {
        "panicking"
    }

    fn fit(&self, _: &PriceHistory, _: &Grid, _: u64) -> Result<UnreachableFit, ModelError> {
        panic!("this test's model panics")
    }
}

impl FittedModel for UnreachableFit {
    fn forecast(&self, _: &PriceHistory, _: usize) -> Result<Forecast, ModelError> {
        panic!("this test's model panics")
    }
}

#[tokio::test]
async fn a_model_that_panics_takes_the_miner_down() {
    let (_, host) = TestVenue::well_behaved().open().await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(&host, folder.path());
    let miner = TestMiner::serving(service(config, Arc::new(Panicking)).await);
    let answer = TestValidator::new(1)
        .commitment(&miner, &request(ORIGIN))
        .await;
    assert_eq!(answer.unwrap_err(), "status 503: the miner is stopping");
    let ended = tokio::time::timeout(TIMEOUT, miner.served).await;
    let ended = ended.unwrap().unwrap();
    assert!(matches!(ended, Err(ServeError::Task(_))), "{ended:?}");
}
