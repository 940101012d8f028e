//! Reusable mechanisms with no engine in them.

pub mod backoff;
pub mod breaker;
pub mod bucket;
pub mod evict;
pub mod picker;
pub mod popularity;
pub mod processor;
pub mod ring;
pub mod sketch;
pub mod versions;
pub mod waiting;
