//! The engine: an event queue, calls, links with their policies, and `Sim`, which runs a plan. It knows no kind (it is
//! generic over [`Behaviour`]), reads no clock, file, environment or global random source, and allocates nothing per
//! event once warm.

mod call;
mod core;
mod ctx;
mod deadline;
mod event;
mod fault;
mod lane;
pub mod link;
mod measure;
mod meter;
mod op;
mod outcome;
mod plan;
mod policy;
mod pool;
mod replica;
mod role;
mod sending;
mod sim;
mod steps;
mod tally;
#[cfg(test)]
mod tests;
mod trace;

pub use call::{ANY_REPLICA, Call, CallId, Leg};
pub use ctx::{Again, Aim, Child, Ctx, Request, Route, Steps};
pub use event::EventQueue;
pub use fault::{Fault, Patch, Place};
pub use link::{Fallback, Hedge, LinkConfig, Mode, Pool, Retry, When, WhenAfter};
pub use measure::{
    CLASS_MEASURES, COPY_MEASURES, Gauge, How, LINK_MEASURES, Measure, NODE_MEASURES, NodeMeasure, Stat, Times, Unit,
    failed_for, named,
};
pub use meter::{METERS, Meter, Meters};
pub use outcome::{Operation, Outcome, REASONS, Reason, Reply};
pub use plan::{LinkPlan, LinkUse, MAX_AFTER, MAX_CLASSES, NodePlan, Plan, StepGroup, Wait};
pub use replica::{ReplicaLoad, ReplicaState, Stage};
pub use role::{Copies, NodeKind, Role};
pub use sim::{Behaviour, Control, Sim};
pub use tally::{
    ClassCounts, ClassTally, CopyCounts, Counter, Counts, Failures, Guarding, LinkCounts, LinkTally, MOST_COUNTERS,
    NodeCounts, NodeTally,
};
pub use trace::{Hop, Journey, MOST_SHOWN, Passage, is_in, next_every, previous_every};
