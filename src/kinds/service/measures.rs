//! What a service measures, and a worker too.

use crate::engine::{Counter, NodeMeasure, Unit};

pub const STARTED: Counter = Counter(0);
pub const STOPPED: Counter = Counter(1);

/// What both measure.
pub const REPLICAS: NodeMeasure = NodeMeasure::level("replicas", 0, Unit::Number, "Replicas that run.");
pub const STARTS: NodeMeasure = NodeMeasure::counted("started", STARTED, "Instances or replicas that are started.");
pub const STOPS: NodeMeasure = NodeMeasure::counted("stopped", STOPPED, "Instances or replicas that are stopped.");

pub const MEASURES: &[NodeMeasure] = &[REPLICAS, STARTS, STOPS];
