//! The forecast service: one task that owns history and model. It hands out payloads by round, each of them on disk
//! first.
//!
//! There are two: [`live`](super::live_forecast_service) goes by the machine's clock, and refits in the background; in
//! a [`replay`](super::replay_forecast_service) time is what each request says, and a forecast depends on nothing else.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::candle_client::CandleClient;
use super::forecast_error::ForecastSetupError;
use super::forecast_request::ForecastServiceHandle;
use super::live_forecast_service::LiveForecastService;
use super::payload_store::PayloadStore;
use super::replay_forecast_service::ReplayForecastService;
use crate::config::{ClockConfig, MinerConfig};
use crate::models::AnyModel;

/// Either forecast service.
pub enum ForecastService {
    /// Goes by the machine's clock.
    Live(Box<LiveForecastService>),
    /// Goes by the time in each request.
    Replay(Box<ReplayForecastService>),
}

impl ForecastService {
    /// A service and the handle to it; requests wait until it [runs](Self::run).
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        payloads: Arc<PayloadStore>,
    ) -> Result<(Self, ForecastServiceHandle), ForecastSetupError> {
        let (handle, requests) = ForecastServiceHandle::channel();
        let forecast_service = match config.serve.clock {
            ClockConfig::System => Self::Live(Box::new(LiveForecastService::open(
                config, model, candles, payloads, requests,
            )?)),
            ClockConfig::Request => Self::Replay(Box::new(ReplayForecastService::new(
                config, model, candles, payloads, requests,
            ))),
        };
        Ok((forecast_service, handle))
    }

    /// Answers requests until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        match self {
            Self::Live(forecast_service) => forecast_service.run(stop).await,
            Self::Replay(forecast_service) => forecast_service.run(stop).await,
        }
    }
}

impl fmt::Debug for ForecastService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForecastService").finish_non_exhaustive()
    }
}
