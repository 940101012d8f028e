//! From what the engine counts to series and a report.

mod estimate;
pub mod frame;
mod heavy;
mod limits;
mod reading;
mod recorder;
mod report;
pub mod steady;
mod stretch;
mod stuck;
mod warnings;

pub use estimate::{Estimate, Hottest, Latency};
pub use frame::{CopyFrame, Frame, LinkFrame, Moment, NodeFrame, Token};
pub use heavy::HeavyTail;
pub use reading::{Reading, Subject};
pub use recorder::{ClassRow, LinkRow, NodeRow, Recorder, Series, WarmUpRule};
pub use report::{ClassReport, LinkReport, NodeReport, Report, Warning};
pub use stretch::Stretch;
