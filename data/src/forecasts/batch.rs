//! Some rows of a forecasts file, decoded.

use std::ops::Range;

use foretell_core::forecast::ForecastKind;
use foretell_core::time::UnixMillis;
use polars_buffer::Buffer;

use crate::file_position::RowPosition;

/// Consecutive forecasts of a file: a row group of Parquet, or some forecasts of CSV.
#[derive(Debug, Default)]
pub(super) struct ForecastBatch {
    /// All values, one forecast after the other, where they were decoded.
    pub(super) values: Buffer<f64>,
    pub(super) headers: Vec<ForecastHeader>,
    /// Names of miners and owners, each once.
    pub(super) names: Vec<String>,
}

/// All of a forecast but its values, for which it has a place in the batch.
#[derive(Debug, Clone)]
pub(super) struct ForecastHeader {
    pub(super) row: RowPosition,
    pub(super) origin: UnixMillis,
    /// Place in [`ForecastBatch::names`].
    pub(super) miner: usize,
    /// Place in [`ForecastBatch::names`].
    pub(super) owner: Option<usize>,
    pub(super) kind: ForecastKind,
    pub(super) k: usize,
    /// The first step that has another number of values than K.
    pub(super) uneven: Option<UnevenStep>,
    /// Place in [`ForecastBatch::values`].
    pub(super) values: Range<usize>,
}

/// A step of a forecast that has another number of values than its first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnevenStep {
    /// The step, from 1.
    pub step: usize,
    /// How many values it has.
    pub found: usize,
}
