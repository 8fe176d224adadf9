//! The whole service: what it is set up from, and its life from listening to the last answer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::hotkey::Hotkey;
use foretell_core::time::UnixMillis;
use foretell_feed::rest::{RestClient, RestError};
use foretell_keys::keypair::Keypair;
use foretell_wire::callers::Callers;
use foretell_wire::http_server::{self, ServerLimits};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::asked_rounds::AskedRounds;
use super::candle_client::CandleClient;
use super::data_folder::DataFolder;
use super::forecast_error::ForecastSetupError;
use super::forecast_service::ForecastService;
use super::metrics::MinerMetrics;
use super::outcome_log::OutcomeLog;
use super::payload_store::PayloadStore;
use super::routes::{ServeState, router};
use crate::config::{MinerConfig, MinerConfigError};
use crate::models::{self, AnyModel, UnknownModel};

/// Deadline of one request to the venue.
const VENUE_DEADLINE: Duration = Duration::from_secs(10);

/// Why the service can't start or stopped.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The configuration names no usable venue.
    #[error(transparent)]
    Config(#[from] MinerConfigError),
    /// The configuration names no model that exists.
    #[error(transparent)]
    Model(#[from] UnknownModel),
    /// The address is taken or not ours.
    #[error(
        "can't listen on {address}: is another process using it? choose another in serve.listen"
    )]
    Listen {
        /// The configured address, `serve.listen`.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The data directory can't be created or read.
    #[error("can't use data directory {path}: check serve.data")]
    Data {
        /// Path of the directory, `serve.data`.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// Configured price files or the model file can't be used.
    #[error(transparent)]
    Setup(#[from] ForecastSetupError),
    /// The venue's HTTP client can't be set up.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The HTTP server ended with an error.
    #[error("the HTTP server stopped")]
    Server(#[source] io::Error),
    /// The task of the forecast service panicked: the model has a bug.
    #[error("a task of the miner panicked")]
    Task(#[from] tokio::task::JoinError),
}

/// A miner that listens but does not serve yet.
#[derive(Debug)]
pub struct MinerService {
    listener: TcpListener,
    address: SocketAddr,
    hotkey: Hotkey,
    forecast_service: ForecastService,
    routes: axum::Router,
}

impl MinerService {
    /// Binds the address and sets up everything that can fail.
    pub async fn bind(
        config: MinerConfig,
        key: Keypair,
        callers: Callers,
    ) -> Result<Self, ServeError> {
        let model = models::by_name(&config.model.name)?;
        Self::with_model(config, key, callers, model, system_now).await
    }

    /// [`bind`](Self::bind), with a model that is already made, and a clock that windows go by.
    pub(super) async fn with_model(
        config: MinerConfig,
        key: Keypair,
        callers: Callers,
        model: Arc<dyn AnyModel>,
        now: fn() -> UnixMillis,
    ) -> Result<Self, ServeError> {
        let (venue, host) = config.venue()?;
        let data_folder =
            DataFolder::create(&config.serve.data).map_err(|source| ServeError::Data {
                path: config.serve.data.display().to_string(),
                source,
            })?;
        let rest = RestClient::new(VENUE_DEADLINE)?;
        let address = config.serve.listen;
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let hotkey = key.hotkey();
        let folder = &config.serve.data;
        let payloads = Arc::new(PayloadStore::new(folder.clone()));
        let outcomes = Arc::new(OutcomeLog::new(folder));
        let asked = AskedRounds::open(folder, &config.series.grid);
        let asked = asked.map_err(|source| ServeError::Data {
            path: folder.display().to_string(),
            source,
        })?;
        let candles = CandleClient {
            rest,
            venue,
            host,
            symbol: config.prices.symbol.clone(),
        };
        let (forecast_service, forecasts) =
            ForecastService::open(&config, model, candles, Arc::new(data_folder))?;
        let state = ServeState {
            key,
            series: config.series,
            clock: config.serve.clock,
            now,
            payloads,
            asked: Arc::new(asked),
            outcomes,
            metrics: MinerMetrics::default(),
            forecasts,
            callers,
        };
        Ok(Self {
            listener,
            address,
            hotkey,
            forecast_service,
            routes: router(state),
        })
    }

    /// The address that it listens at, with the port that it got.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The hotkey that signs its answers.
    pub const fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// Serves until `stop` completes or the model panics, then finishes the requests under way.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let stopping = CancellationToken::new();
        let service_gone = stopping.clone().drop_guard();
        let forecast_service = self.forecast_service.run(stopping.clone());
        let forecast_service = tokio::spawn(async move {
            // Without the forecast service the server would go on refusing for ever.
            let _service_gone = service_gone;
            forecast_service.await;
        });
        let guard = stopping.clone().drop_guard();
        let stop = async move {
            tokio::select! {
                () = stop => {}
                () = stopping.cancelled() => {}
            }
        };
        let served =
            http_server::serve(self.listener, self.routes, ServerLimits::default(), stop).await;
        drop(guard);
        forecast_service.await?;
        served.map_err(ServeError::Server)
    }
}
