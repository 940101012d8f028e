//! What a run is written as: one file per format.

mod csv;
mod json;
pub mod output;
mod picture;

pub use csv::csv;
pub use json::json;
pub use picture::{as_run, carried, is_free};
