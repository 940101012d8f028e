//! The parameters of a database: what they are, what is said of each, and what of them does not go together.

use crate::base::{Dist, Ratio, Sampler, Span};
use crate::kinds::kind::Checker;
use crate::kinds::params::{Param, Section, Visitor};
use crate::parts::versions::MOST_REPLICAS;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub replication: Replication,
    pub replicas: u16,
    pub lag: Dist,
    pub reads_from: ReadsFrom,
    pub failover: Option<Span>,
    pub on_partition: OnPartition,
    pub connections: u32,
    pub queue_limit: Option<u32>,
    pub read: Dist,
    pub write: Dist,
    pub row_locks: bool,
    pub missing: Ratio,
    pub write_there: Dist,
    pub write_back: Dist,
    pub read_there: Dist,
    pub read_back: Dist,
}

/// How copies are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Replication {
    /// The primary answers a write at once; replicas follow after their lag.
    #[default]
    Async,
    /// The primary answers when so many replicas have the write.
    Sync { acks: u16 },
    /// No primary: any replica coordinates; a write waits for `w` acknowledgements, a read for `r` answers.
    Quorum { r: u16, w: u16 },
}

impl Replication {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Async", "Asynchronous: the primary acknowledges a write at once; replicas follow after the lag."),
        ("Sync", "Synchronous: the primary acknowledges a write when `acks` replicas have it."),
        ("Quorum", "Leaderless quorum: a write waits for `w` acknowledgements, a read for `r` answers."),
        ("acks", "Replicas that must have the write, besides the primary."),
        ("r", "Answers that a read waits for."),
        ("w", "Acknowledgements that a write waits for."),
    ];
}

/// Who answers reads where there is a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReadsFrom {
    #[default]
    Primary,
    /// The replicas that are not the primary, in turn.
    Replicas,
    /// All, in turn.
    Any,
}

impl ReadsFrom {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Primary", "The primary: never stale."),
        ("Replicas", "The other replicas, in turn (read replicas)."),
        ("Any", "All replicas, in turn."),
    ];
}

/// What those do who cannot reach the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnPartition {
    /// Consistency: refuse.
    #[default]
    Refuse,
    /// Availability: answer with what one has.
    ServeStale,
}

impl OnPartition {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Refuse", "CP: a primary without a majority is fenced; a replica without the primary refuses reads."),
        ("ServeStale", "AP: both sides serve what they have and accept writes."),
    ];
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            replication: Replication::Async,
            replicas: 1,
            lag: Dist::exponential(Span::from_millis(20)),
            reads_from: ReadsFrom::Primary,
            failover: None,
            on_partition: OnPartition::Refuse,
            connections: 20,
            queue_limit: Some(500),
            read: Dist::exponential(Span::from_millis(4)),
            write: Dist::exponential(Span::from_millis(8)),
            row_locks: false,
            missing: Ratio(0.0),
            write_there: Dist::exponential(Span::from_millis(1)),
            write_back: Dist::exponential(Span::from_millis(1)),
            read_there: Dist::exponential(Span::from_millis(1)),
            read_back: Dist::exponential(Span::from_millis(1)),
        }
    }
}

/// Every parameter once.
pub fn visit(spec: &mut Spec, v: &mut dyn Visitor) {
    copy_params(spec, v);
    work_params(spec, v);
}

pub fn check(spec: &Spec, checker: &mut Checker) {
    checker.places("connections", spec.connections.into(), spec.replicas.into());
    let dists = [
        ("lag", &spec.lag),
        ("read", &spec.read),
        ("write", &spec.write),
        ("write_there", &spec.write_there),
        ("write_back", &spec.write_back),
        ("read_there", &spec.read_there),
        ("read_back", &spec.read_back),
    ];
    for (name, dist) in dists {
        checker.dist(name, dist);
    }
    let n = spec.replicas;
    match spec.replication {
        Replication::Quorum { r, w } if r == 0 || w == 0 || r > n || w > n => {
            checker.error("replication", format!("r and w are numbers from 1 to the {n} replicas"));
        }
        Replication::Sync { acks } if acks >= n => {
            checker.error("replication", format!("acks is at most {}: the other replicas", n.saturating_sub(1)));
        }
        _ => {}
    }
}

fn copy_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new("replication", "Replication mode.", &["Sync(acks: 1)", "Quorum(r: 2, w: 2)"])
            .leads(Section::Data)
            .parts(Replication::PARTS),
        &mut spec.replication,
    );
    v.visit(
        &Param::new("replicas", "Number of copies, the primary included.", &["5"])
            .leads(Section::Capacity)
            .range(1.0, MOST_REPLICAS as f64),
        &mut spec.replicas,
    );
    v.visit(
        &Param::new("lag", "Replication lag: from a write at the primary until a replica has it.", &["\"200ms\""])
            .within(Section::Data)
            .live(),
        &mut spec.lag,
    );
    v.visit(
        &Param::new("reads_from", "Which copies serve reads, where there is a primary.", &["Replicas", "Any"])
            .leads(Section::Data)
            .parts(ReadsFrom::PARTS)
            .live(),
        &mut spec.reads_from,
    );
    v.visit(
        &Param::new(
            "failover",
            "Failover time: from the loss of the primary until a replica is promoted. None: never.",
            &["\"1s\""],
        )
        .leads(Section::Reliability)
        .live(),
        &mut spec.failover,
    );
    v.visit(
        &Param::new(
            "on_partition",
            "Behaviour of replicas that a partition cuts off: consistent (CP) or available (AP).",
            &["ServeStale"],
        )
        .within(Section::Reliability)
        .parts(OnPartition::PARTS)
        .live(),
        &mut spec.on_partition,
    );
    for (name, help, dist) in [
        ("write_there", "Quorum: network delay of a write to a replica.", &mut spec.write_there),
        ("write_back", "Quorum: network delay of its acknowledgement.", &mut spec.write_back),
        ("read_there", "Quorum: network delay of a read to a replica.", &mut spec.read_there),
        ("read_back", "Quorum: network delay of its answer.", &mut spec.read_back),
    ] {
        v.visit(&Param::new(name, help, &["\"7ms\""]).within(Section::Time).live(), dist);
    }
}

fn work_params(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new("connections", "Concurrency limit: connections that each replica serves at once.", &["1"])
            .leads(Section::Capacity)
            .range(1.0, 1e6)
            .live(),
        &mut spec.connections,
    );
    v.visit(
        &Param::new(
            "queue_limit",
            "Queue limit of each replica: more calls are rejected. None: no limit. 0: no call waits.",
            &["1"],
        )
        .within(Section::Queue)
        .range(0.0, 1e9)
        .live(),
        &mut spec.queue_limit,
    );
    v.visit(&Param::new("read", "Service time of a read.", &["\"9ms\""]).leads(Section::Time).live(), &mut spec.read);
    v.visit(
        &Param::new("write", "Service time of a write or delete.", &["\"20ms\""]).leads(Section::Time).live(),
        &mut spec.write,
    );
    v.visit(
        &Param::new(
            "row_locks",
            "Row locks: writes of one key are serialised while they hold their connections. Only with a primary.",
            &["true"],
        )
        .within(Section::Data),
        &mut spec.row_locks,
    );
    v.visit(
        &Param::new(
            "missing",
            "Missing keys: share of keys that do not exist until they are written; a read of one is a miss.",
            &["\"30%\""],
        )
        .within(Section::Data)
        .range(0.0, 1.0)
        .live(),
        &mut spec.missing,
    );
}

/// What is drawn from.
#[derive(Clone)]
pub(super) struct Delays {
    pub read: Sampler,
    pub write: Sampler,
    pub lag: Sampler,
    /// Quorum, one way each: write, acknowledgement, read, answer (W, A, R and S of Bailis et al., PVLDB 2012).
    pub w: Sampler,
    pub a: Sampler,
    pub r: Sampler,
    pub s: Sampler,
}

impl Delays {
    pub fn of(spec: &Spec) -> Delays {
        Delays {
            read: spec.read.sampler(),
            write: spec.write.sampler(),
            lag: spec.lag.sampler(),
            w: spec.write_there.sampler(),
            a: spec.write_back.sampler(),
            r: spec.read_there.sampler(),
            s: spec.read_back.sampler(),
        }
    }
}
