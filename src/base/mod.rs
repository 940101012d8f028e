//! Vocabulary shared by everything: time, quantities with units, distributions, random streams, findings. Uses nothing
//! else of ours.

pub mod dist;
pub mod finding;
pub mod hash;
pub mod histogram;
pub mod ids;
pub mod maths;
pub mod plain;
pub mod rng;
pub mod ron;
pub mod short;
pub mod time;
pub mod units;

pub use dist::{Dist, Sampler};
pub use finding::{Finding, Severity, Subject};
pub use histogram::Histogram;
pub use ids::{ClassId, LinkId, NodeId};
pub use rng::{Rng, Streams};
pub use time::{Span, Time};
pub use units::{Bytes, Rate, Ratio};
