//! `new`: a scenario file to start from.

use super::{GOOD, print};

/// Client, service, cache and database, with comments.
pub const STARTER: &str = include_str!("../../assets/starter.ron");

pub fn main() -> u8 {
    print(STARTER, GOOD)
}
