//! The parameters of a message queue: what they are, and what is said of each.

use crate::base::Span;
use crate::base::units::Count;
use crate::kinds::params::{Param, Section, Visitor};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub capacity: Count,
    pub overflow: Overflow,
    pub delivery: Delivery,
    pub order: Order,
    pub prefetch: Option<u32>,
    pub visibility_timeout: Option<Span>,
    pub max_deliveries: u32,
    pub redelivery_delay: Span,
    pub delay: Span,
    pub retention: Option<Span>,
    pub durable: bool,
}

/// What happens to a message that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Overflow {
    /// The producer is told.
    #[default]
    Reject,
    /// The oldest message that is not with a consumer goes; by priority, the oldest of the least urgent.
    DropOldest,
    /// The producer waits until there is room.
    Block,
}

/// How often a message may be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "the names that the field uses")]
pub enum Delivery {
    /// Acknowledged when it is handed over: lost if the consumer fails.
    AtMostOnce,
    /// Acknowledged when it was handled: handled again if the acknowledgement does not come.
    #[default]
    AtLeastOnce,
    /// As at least once, to a consumer that recognises what it has handled.
    ExactlyOnce,
}

/// Which message goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Fifo,
    /// The most urgent class first.
    Priority,
}

impl Overflow {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("Reject", "Rejects the new message; the producer gets an error."),
        (
            "DropOldest",
            "Drops the oldest waiting message; with `order: Priority` the oldest of the least urgent class.",
        ),
        ("Block", "Blocks the producer until there is room."),
    ];
}

impl Delivery {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("AtMostOnce", "At most once: acknowledged on delivery; lost if the consumer fails."),
        ("AtLeastOnce", "At least once: acknowledged after processing; redelivered without an acknowledgement."),
        ("ExactlyOnce", "Exactly once: as at least once, with an idempotent consumer that recognises duplicates."),
    ];
}

impl Order {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] =
        &[("Fifo", "First in, first out."), ("Priority", "The most urgent class first.")];
}

impl Spec {
    /// Whether it notices that a delivery was lost on the way.
    pub fn notices_losses(&self) -> bool {
        self.visibility_timeout.is_some()
    }
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            capacity: Count(100_000),
            overflow: Overflow::Reject,
            delivery: Delivery::AtLeastOnce,
            order: Order::Fifo,
            prefetch: None,
            visibility_timeout: Some(Span::from_secs(30)),
            max_deliveries: 5,
            redelivery_delay: Span::ZERO,
            delay: Span::ZERO,
            retention: None,
            durable: true,
        }
    }
}

/// Every parameter once.
pub fn visit(spec: &mut Spec, v: &mut dyn Visitor) {
    v.visit(
        &Param::new("capacity", "Most messages in the queue, waiting or unacknowledged.", &["5"])
            .leads(Section::Capacity)
            .range(1.0, 1e9)
            .live(),
        &mut spec.capacity,
    );
    v.visit(
        &Param::new("overflow", "Overflow policy of a full queue.", &["DropOldest", "Block"])
            .leads(Section::Queue)
            .parts(Overflow::PARTS)
            .live(),
        &mut spec.overflow,
    );
    v.visit(
        &Param::new("delivery", "Delivery guarantee.", &["AtMostOnce", "ExactlyOnce"])
            .leads(Section::Reliability)
            .parts(Delivery::PARTS)
            .live(),
        &mut spec.delivery,
    );
    v.visit(
        &Param::new("order", "Order of delivery.", &["Priority"]).within(Section::Queue).parts(Order::PARTS),
        &mut spec.order,
    );
    v.visit(
        &Param::new(
            "prefetch",
            "Prefetch limit: unacknowledged messages of each consumer replica. None: as many as it handles at once. A higher \
             limit hides the latency of the link; a lower one throttles the consumer.",
            &["20"],
        ).leads(Section::Capacity)
            .range(1.0, 1e6)
            .live(),
        &mut spec.prefetch,
    );
    v.visit(
        &Param::new(
            "visibility_timeout",
            "Visibility timeout: an unacknowledged message is redelivered this time after its delivery. None: never.",
            &["\"8ms\""],
        )
        .leads(Section::Reliability)
        .range(1e-3, 1e6)
        .live(),
        &mut spec.visibility_timeout,
    );
    v.visit(
        &Param::new(
            "max_deliveries",
            "Maximum deliveries of a message; then it goes to the dead-letter queue.",
            &["1"],
        )
        .leads(Section::Reliability)
        .range(1.0, 1e6)
        .live(),
        &mut spec.max_deliveries,
    );
    v.visit(
        &Param::new("redelivery_delay", "Delay before a redelivery.", &["\"50ms\""]).within(Section::Time).live(),
        &mut spec.redelivery_delay,
    );
    v.visit(
        &Param::new("delay", "Delay before the first delivery.", &["\"20ms\""]).within(Section::Time).live(),
        &mut spec.delay,
    );
    v.visit(
        &Param::new(
            "retention",
            "Retention: messages older than this are dropped, unless they are with a consumer. None: they are kept.",
            &["\"5ms\""],
        )
        .within(Section::Queue)
        .live(),
        &mut spec.retention,
    );
    v.visit(
        &Param::new(
            "durable",
            "Durability: messages survive a kill of the queue. false: a kill loses them.",
            &["false"],
        )
        .within(Section::Reliability)
        .live(),
        &mut spec.durable,
    );
}
