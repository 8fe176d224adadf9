//! Some rows of a forecasts file, decoded.

use std::ops::Range;

use foretell_core::forecast::Kind;
use foretell_core::time::UnixMillis;
use polars_buffer::Buffer;

use crate::error::Row;

/// Consecutive forecasts of a file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// All values, one forecast after the other, where they were decoded.
    pub(super) values: Buffer<f64>,
    pub(super) heads: Vec<Head>,
    /// Names of miners and owners, each once.
    pub(super) names: Vec<String>,
}

/// All of a forecast but its values.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) row: Row,
    pub(super) origin: UnixMillis,
    /// Place in [`Batch::names`].
    pub(super) miner: usize,
    /// Place in [`Batch::names`].
    pub(super) owner: Option<usize>,
    pub(super) kind: Kind,
    pub(super) k: usize,
    /// Place in [`Batch::values`].
    pub(super) values: Range<usize>,
}
