//! The forecast service: it owns history and model, and has the newest forecast of each round.
//!
//! There are two: [`live`](super::live_forecast_service) goes by the machine's clock, keeps forecasts standing ahead of
//! their rounds, and refits in the background; in a [`replay`](super::replay_forecast_service) time is what each request
//! says, and a forecast depends on nothing else.

use std::fmt;
use std::sync::Arc;

use foretell_cli::clock::system_now;
use tokio_util::sync::CancellationToken;

use super::candle_client::CandleClient;
use super::data_folder::DataFolder;
use super::forecast_error::ForecastSetupError;
use super::forecast_request::ForecastServiceHandle;
use super::live_forecast_service::LiveForecastService;
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
    /// A service and the handle to it, which has no forecast until it [runs](Self::run).
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        folder: Arc<DataFolder>,
    ) -> Result<(Self, ForecastServiceHandle), ForecastSetupError> {
        Ok(match config.serve.clock {
            ClockConfig::System => {
                let own = Arc::clone(&folder);
                let (service, standing) =
                    LiveForecastService::open(config, model, candles, own, system_now)?;
                let handle = ForecastServiceHandle::live(standing, config.series.grid.step, folder);
                (Self::Live(Box::new(service)), handle)
            }
            ClockConfig::Request => {
                let (handle, requests) = ForecastServiceHandle::replay(folder);
                let service = ReplayForecastService::new(config, model, candles, requests);
                (Self::Replay(Box::new(service)), handle)
            }
        })
    }

    /// Has forecasts until `stop`.
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
