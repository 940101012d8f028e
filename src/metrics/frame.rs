//! The state of a run at an instant, for display.

use crate::base::{Time, short};
use crate::engine::{Leg, NodeMeasure, Stage, Unit};

/// What a board shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The instant.
    pub at: Time,
    /// Rates, shares and percentiles are about the time since then; queues and dots about the instant, unless the frame
    /// is about the whole run.
    pub since: Time,
    /// The sparklines are about the time since then.
    pub history_since: Time,
    /// The figures are those of the report: queues are averages too.
    pub whole_run: bool,
    /// By name.
    pub nodes: Vec<NodeFrame>,
    /// In the order of the plan.
    pub links: Vec<LinkFrame>,
    pub tokens: Vec<Token>,
    /// One token stands for so many calls.
    pub sampling: u64,
}

/// A node. Rates are per second, times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFrame {
    pub name: String,
    /// Calls that arrive; at a client, requests that it issues.
    pub rate: f64,
    /// Share of those that ended, and the commonest reason; at a client, late answers are not counted.
    pub failed_share: f64,
    pub reason: Option<&'static str>,
    /// Where there are answers enough to claim them.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub queue: f64,
    pub queue_peak: u32,
    pub busy: f64,
    /// 0 where slots are not limited.
    pub slots: f64,
    /// Share of cores that are busy, where cores are limited.
    pub core_utilization: Option<f64>,
    /// What its kind measures and shows, where there was anything to measure.
    pub own: Vec<(&'static NodeMeasure, f64)>,
    /// What the kind shows of itself.
    pub levels: Vec<(&'static str, f64)>,
    /// Its replicas or shards at the instant, in their order.
    pub copies: Vec<CopyFrame>,
    pub history: Vec<Moment>,
}

impl NodeFrame {
    /// A level that the kind shows, by its name.
    pub fn level(&self, name: &str) -> Option<f64> {
        self.levels.iter().find(|(other, _)| *other == name).map(|(_, level)| *level)
    }

    /// What its kind measures and shows, in words: all but the first `skip`. A share or a time of 0 says nothing where there is
    /// one copy.
    pub fn own_words(&self, skip: usize, several: bool) -> Vec<(&'static str, String)> {
        let worth = self
            .own
            .iter()
            .skip(skip)
            .filter(|(measure, value)| *value > 0.0 || several && measure.unit() == Unit::Share);
        worth
            .map(|(measure, value)| {
                let words = match measure.unit() {
                    Unit::Share => format!("{} {}", short::percent(*value), measure.word),
                    Unit::Seconds => format!("{} {}", measure.word, short::seconds(*value)),
                    Unit::PerSecond => format!("{} {}", short::rate(*value), measure.word),
                    Unit::Number => format!("{} {}", short::number(*value), measure.word),
                };
                (measure.name, words)
            })
            .collect()
    }

    /// Share of slots that are busy, where slots are limited.
    pub fn slot_utilization(&self) -> Option<f64> {
        (self.slots > 0.0).then(|| self.busy / self.slots)
    }

    /// Share of slots or cores that are busy, whichever is more.
    pub fn utilization(&self) -> Option<f64> {
        match (self.slot_utilization(), self.core_utilization) {
            (Some(slots), Some(cores)) => Some(slots.max(cores)),
            (slots, cores) => slots.or(cores),
        }
    }
}

/// A replica or a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CopyFrame {
    pub stage: Stage,
    /// Of the calls that all shards have taken since the beginning, its share; 0 for replicas.
    pub share: f64,
}

/// A point of a sparkline: calls that arrived and calls that failed, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    pub rate: f64,
    pub failed: f64,
}

/// A link. Rates are per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkFrame {
    pub name: String,
    pub rate: f64,
    /// Shares of the attempts that ended.
    pub failed_share: f64,
    pub timeout_share: f64,
}

/// A call in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Position in the frame's links.
    pub link: usize,
    /// Position in the names of request classes.
    pub class: usize,
    pub leg: Leg,
    /// How much of the way it has behind it, between 0 and 1.
    pub way: f64,
    /// The same for all calls of a journey, and otherwise by chance: what tokens are sampled by.
    pub journey: u64,
    pub is_retry: bool,
    pub failed: bool,
}
