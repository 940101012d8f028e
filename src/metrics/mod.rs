//! From what the engine counts to series and a report.

mod recorder;
mod report;
pub mod steady;
mod warnings;

pub use recorder::{ClassRow, LinkRow, NodeRow, Recorder, Series, WarmUpRule};
pub use report::{ClassReport, Estimate, Latency, LinkReport, NodeReport, Report, Warning};
