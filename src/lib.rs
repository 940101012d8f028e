//! Tailboard: the system-design whiteboard that runs.

pub mod base;
