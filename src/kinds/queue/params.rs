//! The parameters of a message queue: what they are, and what is said of each.

use crate::base::Span;
use crate::base::units::Count;
use crate::kinds::params::{Param, Visitor};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub capacity: Count,
    pub overflow: Overflow,
    pub delivery: Delivery,
    pub order: Order,
    pub prefetch: u32,
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
    /// The oldest message that is not with a consumer goes, whatever its priority.
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
        ("Reject", "The producer is told."),
        ("DropOldest", "The oldest message that is not with a consumer goes."),
        ("Block", "The producer waits until there is room."),
    ];
}

impl Delivery {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] = &[
        ("AtMostOnce", "Acknowledged when it is handed over: lost if the consumer fails."),
        ("AtLeastOnce", "Acknowledged when it was handled: handled again if the acknowledgement does not come."),
        ("ExactlyOnce", "As at least once, to a consumer that recognises what it has handled."),
    ];
}

impl Order {
    /// What its parts are, in the words of the inspector and the manual.
    pub const PARTS: &[(&str, &str)] =
        &[("Fifo", "First in, first out."), ("Priority", "The most urgent class first.")];
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            capacity: Count(100_000),
            overflow: Overflow::Reject,
            delivery: Delivery::AtLeastOnce,
            order: Order::Fifo,
            prefetch: 1,
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
        &Param::new("capacity", "Messages kept, with consumers or waiting.", &["5"]).range(1.0, 1e9).live(),
        &mut spec.capacity,
    );
    v.visit(
        &Param::new(
            "overflow",
            "What happens when it is full: Reject, DropOldest or Block the producer.",
            &["DropOldest", "Block"],
        )
        .parts(Overflow::PARTS)
        .live(),
        &mut spec.overflow,
    );
    v.visit(
        &Param::new(
            "delivery",
            "AtMostOnce, AtLeastOnce, or ExactlyOnce (an idempotent consumer).",
            &["AtMostOnce", "ExactlyOnce"],
        )
        .parts(Delivery::PARTS)
        .live(),
        &mut spec.delivery,
    );
    v.visit(&Param::new("order", "Fifo, or Priority by class.", &["Priority"]).parts(Order::PARTS), &mut spec.order);
    v.visit(
        &Param::new("prefetch", "Unacknowledged messages each consumer replica may have.", &["20"])
            .range(1.0, 1e6)
            .live(),
        &mut spec.prefetch,
    );
    v.visit(
        &Param::new(
            "visibility_timeout",
            "Not acknowledged in this time, a message is delivered again. None waits for ever.",
            &["\"8ms\""],
        )
        .live(),
        &mut spec.visibility_timeout,
    );
    v.visit(
        &Param::new("max_deliveries", "After so many deliveries a message goes to the dead letters.", &["1"])
            .range(1.0, 1e6)
            .live(),
        &mut spec.max_deliveries,
    );
    v.visit(
        &Param::new("redelivery_delay", "How long a message rests before it is delivered again.", &["\"50ms\""]).live(),
        &mut spec.redelivery_delay,
    );
    v.visit(
        &Param::new("delay", "How long a new message rests before it is delivered.", &["\"20ms\""]).live(),
        &mut spec.delay,
    );
    v.visit(
        &Param::new("retention", "A message older than this is thrown away.", &["\"5ms\""]).live(),
        &mut spec.retention,
    );
    v.visit(
        &Param::new("durable", "Whether messages survive when the queue is killed.", &["false"]).live(),
        &mut spec.durable,
    );
}
