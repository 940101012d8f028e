//! Scenario files: getting hold of them, and saying what is wrong with them.

pub mod diagnose;
mod foreign;
pub mod picture;
mod read;
pub mod source;

pub use read::{Scenario, read_str, write_str};
