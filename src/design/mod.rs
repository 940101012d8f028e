//! The document: what a person draws. It may be wrong at any time; [`check`](checks::check) says how.

mod board;
pub mod checks;
mod document;
mod expectation;
mod link;
mod set;
mod timeline;

pub use board::{BoardFrame, Sticky};
pub use document::{Design, Node, RunSpec, VERSION, WarmUp};
pub use expectation::{Amount, Expectation, Figure, MetricPath, Of, figures, figures_of, unit_of};
pub use link::{
    Backoff, FallbackSpec, HedgeSpec, KeysSpec, LinkSpec, ModeSpec, OperationSpec, PoolSpec, RetrySpec, WaitSpec,
    WhenSpec,
};
pub use set::{loosely, parameter_text, set_loosely, set_parameter};
pub use timeline::{Action, Extra, Intervention, Target};
