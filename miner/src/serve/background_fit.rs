//! A fit that runs beside the service, on rayon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use foretell_core::series::Grid;
use foretell_core::time::UnixMillis;
use tokio::sync::oneshot;

use crate::models::{AnyFittedModel, AnyModel, ModelError};
use crate::price_history::PriceHistory;

/// A fit that is done, with the time up to which it has learnt; or the panic that ended it.
pub type FinishedFit = (
    UnixMillis,
    thread::Result<Result<Box<dyn AnyFittedModel>, ModelError>>,
);

/// A fit under way, whose end can be waited for.
pub struct BackgroundFit(oneshot::Receiver<FinishedFit>);

impl BackgroundFit {
    /// Starts to fit `model` on `known`, whose last bar closed at `at`.
    pub fn start(
        model: Arc<dyn AnyModel>,
        known: PriceHistory,
        grid: Grid,
        seed: u64,
        at: UnixMillis,
    ) -> Self {
        let (done, running) = oneshot::channel();
        rayon::spawn(move || {
            let fitted = catch_unwind(AssertUnwindSafe(|| model.fit(&known, &grid, seed)));
            // A service that is gone has no use for it.
            drop(done.send((at, fitted)));
        });
        Self(running)
    }

    /// Completes when the fit under way does, and takes it out; never without one.
    pub async fn finished(running: &mut Option<Self>) -> Option<FinishedFit> {
        match running {
            Some(Self(fit)) => {
                let done = fit.await.ok();
                *running = None;
                done
            }
            None => std::future::pending().await,
        }
    }
}
