//! Tailboard: the system-design whiteboard that runs.

pub mod base;
pub mod cli;
pub mod design;
pub mod editor;
pub mod engine;
pub mod export;
pub mod figure;
pub mod kinds;
pub mod metrics;
pub mod parts;
pub mod run;
pub mod scenario;
#[cfg(feature = "whiteboard")]
pub mod whiteboard;
