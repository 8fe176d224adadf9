//! Price files, and the series of bars that one holds.
//!
//! ```text
//!  .csv ─────▶ csv ──────┐ each cell checked        order, step and gaps checked
//!                        ├──────────────────▶ bars ───────────▶ grid ──────────▶ PriceSeries
//!  .parquet ─▶ parquet ──┘ columns by name                                                 several: joined, where they agree
//! ```

mod columns;
mod csv;
mod csv_line;
mod error;
mod file;
mod grid;
mod joined;
mod parquet;
mod rows;
mod series;

#[cfg(test)]
mod tests;

pub use error::{BarFault, CellFault, PriceFileError, PriceSeriesError};
pub use file::{parse_csv, read, write_csv};
pub use grid::Gap;
pub use joined::{JoinedPrices, read_all};
pub use series::PriceSeries;
