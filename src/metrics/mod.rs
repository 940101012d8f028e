//! From what the engine counts to series and a report.

pub mod frame;
mod recorder;
mod report;
pub mod steady;
mod warnings;

pub use frame::{CopyFrame, Frame, LinkFrame, Moment, NodeFrame, Token};
pub use recorder::{ClassRow, LinkRow, NodeRow, Recorder, Series, WarmUpRule};
pub use report::{ClassReport, Estimate, Latency, LinkReport, NodeReport, Report, Warning};
