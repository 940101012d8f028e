//! Scenario files: getting hold of them, and saying what is wrong with them.

pub mod diagnose;
pub mod source;
