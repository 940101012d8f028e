//! What a run is written as: one file per format.

mod csv;
mod json;

pub use csv::csv;
pub use json::json;
