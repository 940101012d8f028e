//! A worker: consumes messages from a queue, a few at a time.

use super::kind::{Checker, Group, Handle, Kind, Meta, Outs};
use super::params::{Param, Section, Visitor};
use super::service::{self, Service, measures};
use crate::base::{Dist, Ratio, Span};
use crate::engine::{CallId, Control, Copies, Ctx, NodeMeasure, Reply, Role, Stage, Unit};
use serde::{Deserialize, Serialize};

/// The parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    pub replicas: u16,
    pub concurrency: u32,
    pub cores: u32,
    pub work: Dist,
    pub wait: Dist,
    pub error_share: Ratio,
    pub poison_share: Ratio,
    pub start_up: Span,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            replicas: 1,
            concurrency: 4,
            cores: 4,
            work: Dist::exponential(Span::from_millis(10)),
            wait: Dist::ZERO,
            error_share: Ratio(0.0),
            poison_share: Ratio(0.0),
            start_up: Span::ZERO,
        }
    }
}

impl Spec {
    /// A worker is a service that is handed no more than it asked for.
    fn service(&self) -> service::Spec {
        service::Spec {
            replicas: self.replicas,
            slots: self.concurrency,
            cores: self.cores,
            work: self.work.clone(),
            wait: self.wait.clone(),
            queue_limit: None,
            error_share: self.error_share,
            poison_share: self.poison_share,
            start_up: self.start_up,
            ..service::Spec::default()
        }
    }
}

/// A running worker.
#[derive(Clone)]
pub struct Worker {
    service: Service,
    paused: bool,
}

impl Kind for Worker {
    type Spec = Spec;

    const META: Meta = Meta {
        key: "worker",
        title: "Worker",
        group: Group::Messaging,
        summary: "Consumes messages from a queue, several at a time.",
        help: HELP,
        role: Role::Service,
        copies: Some(Copies {
            one: "replica",
            count: "replicas",
            places: "slots",
            places_param: "concurrency",
            has_cores: true,
        }),
        waiting_room: None,
        chances: &[],
        accepts_calls: true,
        outs: Outs::Any,
        measures: &[
            measures::REPLICAS,
            NodeMeasure::level("paused", 1, Unit::Number, "1 while the worker is paused."),
            measures::STARTS,
            measures::STOPS,
        ],
        controls: &[Handle::Kill, Handle::Freeze, Handle::Slow, Handle::Fail, Handle::Scale, Handle::Pause],
    };

    fn params(spec: &mut Spec, v: &mut dyn Visitor) {
        v.visit(
            &Param::new("replicas", "Number of replicas.", &["2", "5"])
                .leads(Section::Capacity)
                .range(1.0, 10_000.0)
                .live(),
            &mut spec.replicas,
        );
        v.visit(
            &Param::new("concurrency", "Concurrency limit: messages that each replica works on at once.", &["1"])
                .leads(Section::Capacity)
                .range(1.0, 1e6)
                .live(),
            &mut spec.concurrency,
        );
        v.visit(
            &Param::new("cores", "CPU cores of each replica.", &["1"]).within(Section::Capacity).range(1.0, 1e6).live(),
            &mut spec.cores,
        );
        v.visit(
            &Param::new("work", "CPU time of a message.", &["\"20ms\""]).leads(Section::Time).live(),
            &mut spec.work,
        );
        v.visit(
            &Param::new("wait", "I/O wait for something that is not drawn: holds the slot, not a core.", &["\"20ms\""])
                .within(Section::Time)
                .live(),
            &mut spec.wait,
        );
        v.visit(
            &Param::new("error_share", "Share of attempts that fail; the queue redelivers the message.", &["\"20%\""])
                .within(Section::Reliability)
                .range(0.0, 1.0)
                .live(),
            &mut spec.error_share,
        );
        v.visit(
            &Param::new("poison_share", "Poison messages: share of keys whose messages always fail.", &["\"20%\""])
                .within(Section::Reliability)
                .range(0.0, 1.0)
                .live(),
            &mut spec.poison_share,
        );
        v.visit(
            &Param::new("start_up", "Start-up time of a new replica until it takes messages.", &["\"2s\""])
                .within(Section::Time)
                .range(0.0, 1e5)
                .live(),
            &mut spec.start_up,
        );
    }

    fn check(spec: &Spec, checker: &mut Checker) {
        checker.dist("work", &spec.work);
        checker.dist("wait", &spec.wait);
        let most = spec.concurrency.max(spec.cores);
        checker.places("concurrency", most.into(), spec.replicas.into());
    }

    fn takes_time(spec: &Spec) -> bool {
        Service::takes_time(&spec.service())
    }

    fn start(spec: &Spec, ctx: &mut Ctx) -> Worker {
        Worker { service: Service::start(&spec.service(), ctx), paused: false }
    }

    fn retune(&mut self, spec: &Spec, ctx: &mut Ctx) {
        self.service.retune(&spec.service(), ctx);
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        self.service.on_call(ctx, id);
    }

    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, token: u8) {
        self.service.on_call_timer(ctx, id, token);
    }

    fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        self.service.on_steps_done(ctx, id, reply);
    }

    fn on_timer(&mut self, ctx: &mut Ctx, token: u64) {
        self.service.on_timer(ctx, token);
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        self.service.on_cancel(ctx, id);
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        if let Control::Pause(paused) = control {
            // Queues hand nothing to a replica that is not up; what it has begun it finishes.
            self.paused = paused;
            self.service.close(ctx, paused);
        } else {
            self.service.on_control(ctx, control);
        }
    }

    fn gauges(&self) -> Vec<f64> {
        let mut levels = self.service.gauges();
        levels.push(f64::from(u8::from(self.paused)));
        levels
    }

    fn stages(&self) -> Vec<Option<Stage>> {
        self.service.stages()
    }
}

const HELP: &str = "\
A worker consumes messages from a queue: draw a link from the queue to it. Each replica handles `concurrency` messages at \
once on its `cores`, calls the nodes that its links lead to, and acknowledges a message by its answer. `work` uses a core, \
`wait` does not. A new replica takes `start_up`. `error_share` of the attempts fail; poison messages, those of \
`poison_share` of the keys, always fail until the queue gives them up.

Not modelled: the polling interval of consumers that pull; batches.";
