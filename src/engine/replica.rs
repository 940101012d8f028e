//! The replicas or shards of a node, as they look from outside.

/// What a replica is doing, in the order in which a display tells of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    #[default]
    Running,
    Starting,
    /// It takes longer than usual, or some of its answers are errors.
    Degraded,
    /// Its work stands still, and will go on.
    Paused,
    /// It takes no new calls, and goes when it is empty.
    Draining,
    /// Down by itself, not by order.
    Broken,
    Killed,
}

impl Stage {
    pub const ALL: [Stage; 7] = [
        Stage::Running,
        Stage::Starting,
        Stage::Degraded,
        Stage::Paused,
        Stage::Draining,
        Stage::Broken,
        Stage::Killed,
    ];
}

/// A replica as it looks from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplicaState {
    pub up: bool,
    /// Whether its node means it to take calls: not while it starts or drains. A crash does not change that.
    pub serving: bool,
    pub slow: f64,
    pub fail: f64,
    /// Its process stands still: what it hears it takes up later.
    pub frozen: bool,
}

impl Default for ReplicaState {
    fn default() -> Self {
        ReplicaState { up: true, serving: true, slow: 1.0, fail: 0.0, frozen: false }
    }
}

/// What a replica has done since the beginning: calls that ended there, how long they held a slot and were worked on, and how
/// long it was there to take any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaLoad {
    pub calls: u64,
    pub held_ns: u64,
    pub worked_ns: u64,
    pub up_ns: u64,
}
