//! The subnet that a miner is registered on, if it is on any.

use std::sync::Arc;

#[cfg(not(feature = "subtensor"))]
use foretell_chain::local::LocalChain;
use foretell_chain::network::{NotBuiltIn, Place};
#[cfg(feature = "subtensor")]
use foretell_chain::subtensor::{Subtensor, connection::Connection};

/// A subnet of the real chain.
#[cfg(feature = "subtensor")]
pub fn subtensor(place: &Place) -> Result<Arc<Subtensor>, NotBuiltIn> {
    let connection = Connection::new(place.network.url());
    Ok(Arc::new(Subtensor::new(connection, place.netuid)))
}

/// A program without the client of the real chain says how to build one with it.
#[cfg(not(feature = "subtensor"))]
pub fn subtensor(_place: &Place) -> Result<Arc<LocalChain>, NotBuiltIn> {
    Err(NotBuiltIn {
        package: env!("CARGO_PKG_NAME"),
    })
}
