//! `miner serve`: answers validators over signed HTTP.
//!
//! ```text
//!  validator ──▶ door ──▶ routes ──▶ payloads (memory, disk) ── known? the same answer again
//!                             ├────▶ desk ──▶ history ◀── venue, price files
//!                             │        └────▶ fitted model ──▶ payload, on disk first
//!                             └────▶ outcomes (disk) ── how validators say that it went
//! ```

mod desk;
mod live;
mod metrics;
mod outcomes;
mod payload;
mod payloads;
mod replay;
mod routes;
mod source;
mod unfinished_bar;
mod warm_start;

#[cfg(test)]
mod tests;

pub use desk::{DeskError, OpenError};
pub use outcomes::{Outcomes, OutcomesError, Told};
pub use payloads::PayloadsError;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use foretell_core::hotkey::Hotkey;
use foretell_core::time::UnixMillis;
use foretell_feed::rest::{RestClient, RestError};
use foretell_wire::keypair::Keypair;
use foretell_wire::listen::{self, Limits};
use foretell_wire::server::Callers;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::desk::Desk;
use self::metrics::Metrics;
use self::payloads::Payloads;
use self::source::Source;
use crate::config::{ClockConfig, Config, ConfigError};
use crate::models::{self, AnyModel, UnknownModel};

/// Deadline of one request to the venue.
const VENUE_DEADLINE: Duration = Duration::from_secs(10);

/// Why the service can't start or stopped.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model.
    #[error(transparent)]
    Model(#[from] UnknownModel),
    /// The address is taken or not ours.
    #[error(
        "can't listen on {address}: is another process using it? choose another in serve.listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory.
    #[error("can't create data directory {path}: check serve.data")]
    Data {
        /// The directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// What the desk starts from.
    #[error(transparent)]
    Desk(#[from] OpenError),
    /// The venue's client.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The server broke.
    #[error("the HTTP server stopped")]
    Server(#[source] io::Error),
    /// A task of ours panicked.
    #[error("a task of the miner panicked")]
    Task(#[from] tokio::task::JoinError),
}

/// A miner that listens but does not serve yet.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    hotkey: Hotkey,
    desk: Desk,
    routes: axum::Router,
}

impl Service {
    /// Binds the address and sets up everything that can fail.
    pub async fn bind(config: Config, key: Keypair) -> Result<Self, ServeError> {
        let model = models::by_name(&config.model.name)?;
        Self::with_model(config, key, model).await
    }

    async fn with_model(
        config: Config,
        key: Keypair,
        model: Arc<dyn AnyModel>,
    ) -> Result<Self, ServeError> {
        let (venue, host) = config.venue()?;
        fs::create_dir_all(&config.serve.data).map_err(|source| ServeError::Data {
            path: config.serve.data.display().to_string(),
            source,
        })?;
        let rest = RestClient::new(VENUE_DEADLINE)?;
        let address = config.serve.listen;
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let hotkey = key.hotkey();
        let callers = match &config.serve.validators {
            Some(validators) => Callers::Only(validators.iter().copied().collect()),
            None => Callers::Anyone,
        };
        let folder = &config.serve.data;
        let payloads = Arc::new(Payloads::new(folder.clone()));
        let outcomes = Arc::new(Outcomes::new(folder));
        let source = Source {
            rest,
            venue,
            host,
            symbol: config.prices.symbol.clone(),
        };
        let (desk, forecasts) = Desk::open(&config, model, source, Arc::clone(&payloads))?;
        let state = routes::Miner {
            key,
            series: config.series,
            clock: config.serve.clock,
            payloads,
            outcomes,
            metrics: Metrics::default(),
            forecasts,
        };
        Ok(Self {
            listener,
            address,
            hotkey,
            desk,
            routes: routes::router(state, callers),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose answers it gives.
    pub const fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// Serves until `stop` completes or the model panics, then finishes the requests under way.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let stopping = CancellationToken::new();
        let desk_gone = stopping.clone().drop_guard();
        let desk = self.desk.run(stopping.clone());
        let desk = tokio::spawn(async move {
            // Without its desk the server would go on refusing for ever.
            let _desk_gone = desk_gone;
            desk.await;
        });
        let guard = stopping.clone().drop_guard();
        let stop = async move {
            tokio::select! {
                () = stop => {}
                () = stopping.cancelled() => {}
            }
        };
        let served = listen::serve(self.listener, self.routes, Limits::default(), stop).await;
        drop(guard);
        desk.await?;
        served.map_err(ServeError::Server)
    }
}

/// The machine's clock, read here and nowhere below.
fn system_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

impl ClockConfig {
    /// The time that a request made at `round_time` is answered at.
    fn now(self, round_time: UnixMillis) -> UnixMillis {
        match self {
            Self::System => system_now(),
            Self::Request => round_time,
        }
    }
}
