//! Scenario files: getting hold of them, and saying what is wrong with them.

pub mod diagnose;
mod edit;
mod foreign;
pub mod picture;
mod print;
mod read;
pub mod source;

pub use edit::{Edited, edit_str};
pub use read::{Scenario, read_str, write_str};
