//! Cases and faults: files.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &["faults/title-with-escapes.ron"];
