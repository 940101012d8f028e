//! Tailboard: the system-design whiteboard that runs.

pub mod base;
pub mod scenario;
