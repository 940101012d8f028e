//! The engine with a ten-line toy: a source and a single server.

mod policies;
mod trace;

use super::*;
use crate::base::{ClassId, LinkId, NodeId, Rng, Sampler, Span, Time};
use std::collections::VecDeque;

#[derive(Clone)]
enum Toy {
    /// Poisson arrivals of this mean distance over the first link.
    Source { gap: f64, rng: Rng },
    /// One server, first come first served.
    Server { work: Sampler, rng: Rng, queue: VecDeque<CallId>, busy: bool },
    /// Calls its links, then answers.
    Relay,
    /// Answers each call after this time; the first calls with this failure.
    Answer { after: Span, failures: u64, reason: Reason },
    /// Never answers but who leaves.
    Hold,
    /// Passes calls on by itself, and counts those that are out.
    Forward { out: u32 },
}

impl Behaviour for Toy {
    type Patch = ();

    fn start(&mut self, ctx: &mut Ctx) {
        if let Toy::Source { .. } = self {
            ctx.timer(Span::ZERO, 0);
        }
    }

    fn on_timer(&mut self, ctx: &mut Ctx, _: u64) {
        let Toy::Source { gap, rng } = self else { return };
        let link = ctx.outs()[0];
        ctx.offered(ClassId(0));
        let now = ctx.now();
        let request = Request {
            class: ClassId(0),
            priority: 0,
            operation: Operation::Read,
            tenant: 0,
            key: 0,
            request: 1000,
            response: 1000,
            intended: now,
            deadline: Time::NEVER,
        };
        ctx.send_root(link, 0, Route::ANY, request);
        ctx.timer(Span::from_nanos_f64(*gap * rng.exp1()), 0);
    }

    fn on_call(&mut self, ctx: &mut Ctx, id: CallId) {
        match self {
            Toy::Source { .. } => ctx.reply(id, Reply::failed(Reason::NoRoute)),
            Toy::Relay => {
                if let Steps::Done(reply) = ctx.run_steps(id) {
                    ctx.reply(id, reply);
                }
            }
            Toy::Server { work, rng, queue, busy } => {
                if *busy {
                    queue.push_back(id);
                } else {
                    *busy = true;
                    ctx.call_timer(id, work.draw(rng), 0);
                }
            }
            Toy::Answer { after, .. } => ctx.call_timer(id, *after, 0),
            Toy::Hold => {}
            Toy::Forward { out } => {
                *out += 1;
                let (link, route, request) = (ctx.outs()[0], Route::onward(ctx.call(id)), ctx.call(id).asks);
                ctx.send(id, link, 0, route, request);
            }
        }
    }

    fn on_call_timer(&mut self, ctx: &mut Ctx, id: CallId, _: u8) {
        if let Toy::Answer { failures, reason, .. } = self {
            let fails = *failures > 0;
            *failures = failures.saturating_sub(1);
            return ctx.reply(id, if fails { Reply::failed(*reason) } else { Reply::OK });
        }
        let Toy::Server { work, rng, queue, busy } = self else { return };
        ctx.reply(id, Reply::OK);
        *busy = false;
        if let Some(next) = queue.pop_front() {
            *busy = true;
            let waited = ctx.now().since(ctx.call(next).arrived).0;
            ctx.call_mut(next).queue_ns = waited;
            ctx.call_timer(next, work.draw(rng), 0);
        }
    }

    fn on_reply(&mut self, ctx: &mut Ctx, child: &Child) {
        match self {
            Toy::Forward { out } => {
                *out -= 1;
                ctx.reply(child.parent, child.reply);
            }
            _ => ctx.root_done(child, Span::MAX),
        }
    }

    fn on_steps_done(&mut self, ctx: &mut Ctx, id: CallId, reply: Reply) {
        ctx.reply(id, reply);
    }

    fn on_cancel(&mut self, ctx: &mut Ctx, id: CallId) {
        if let Toy::Hold = self {
            ctx.reply(id, Reply::failed(Reason::Cancelled));
        }
    }

    fn on_control(&mut self, ctx: &mut Ctx, control: Control) {
        if let Control::Fault(Fault::Kill, _) = control {
            for id in ctx.served_here() {
                ctx.reply(id, Reply::failed(Reason::Refused));
            }
        }
    }

    fn retune(&mut self, _: &mut Ctx, _: &()) {}
}

fn server(mean: Span) -> Toy {
    Toy::Server { work: Sampler::Exponential(mean.0 as f64), rng: Rng::seeded(2), queue: VecDeque::new(), busy: false }
}

/// A source, then a chain of nodes, all linked with `config`.
fn chain(gap: Span, tail: Vec<Toy>, config: LinkConfig) -> Sim<Toy> {
    let configs = vec![config; tail.len()];
    chain_of(gap, tail, &configs)
}

/// The same, each link with settings of its own.
fn chain_of(gap: Span, tail: Vec<Toy>, configs: &[LinkConfig]) -> Sim<Toy> {
    let mut plan = Plan { classes: vec!["all".into()], seed: 1, ..Plan::default() };
    let mut toys = vec![Toy::Source { gap: gap.0 as f64, rng: Rng::seeded(1) }];
    toys.extend(tail);
    for i in 0..toys.len() {
        let mut node = NodePlan { name: format!("n{i}"), ..NodePlan::default() };
        if let Some(config) = configs.get(i) {
            let link = LinkId(i as u32);
            node.outs = vec![link];
            node.uses = vec![LinkUse {
                link,
                when: When::default(),
                calls: 1.0,
                spread: None,
                weight: 1.0,
                asynchronous: config.mode == Mode::Async,
            }];
            node.steps = vec![StepGroup::new(0..1, Wait::All, &node.uses)];
            plan.links.push(LinkPlan {
                name: format!("n{i}->n{}", i + 1),
                from: NodeId(i as u32),
                to: NodeId(i as u32 + 1),
                weight: 1.0,
                mark: 0,
                when: When::default(),
                config: config.clone(),
            });
        }
        plan.nodes.push(node);
    }
    Sim::new(plan, toys)
}

fn conserved(sim: &mut Sim<Toy>) {
    assert_eq!(sim.imbalance(), None);
}

#[test]
fn a_single_server_queues_as_theory_says() {
    let mut sim = chain(Span::from_millis(10), vec![server(Span::from_millis(5))], LinkConfig::default());
    sim.run_until(Time(20_000_000_000_000));
    conserved(&mut sim);
    let tally = sim.class_tally(ClassId(0));
    assert!(tally.counts.offered > 1_990_000, "{}", tally.counts.offered);
    let mean = tally.latency.mean().unwrap() / 1e6;
    assert!((mean / 10.0 - 1.0).abs() < 0.02, "mean {mean} ms, theory 10 ms");
}

#[test]
fn a_timeout_frees_the_caller_but_not_the_callee() {
    // The server takes 50 ms of a request every 10 ms; callers leave after 20 ms.
    let config = LinkConfig { timeout: Some(Span::from_millis(20)), ..LinkConfig::default() };
    let mut sim = chain(Span::from_millis(10), vec![server(Span::from_millis(50))], config);
    sim.run_until(Time(10_000_000_000));
    conserved(&mut sim);
    let link = sim.link_tally(LinkId(0)).clone();
    let timeouts = link.counts.failed[Reason::Timeout as usize];
    assert!(timeouts > 900, "{timeouts}");
    assert!(sim.count_at(NodeId(1)) > 500, "abandoned work still waits at the callee");
    assert_eq!(sim.count_on(LinkId(0)) as usize, link.in_flight() as usize);
}

#[test]
fn retries_latency_and_loss_are_conserved_and_slices_change_nothing() {
    let config = LinkConfig {
        latency: Sampler::Exponential(1e6),
        latency_back: Sampler::Constant(Span::from_millis(1)),
        loss: 0.05,
        timeout: Some(Span::from_millis(15)),
        retry: Some(Retry { attempts: 3, backoff: Default::default(), budget: None }),
        hedge: Some(Hedge { after: Span::from_millis(8), copies: 1 }),
        cancel: true,
        pool: Some(Pool { size: 20, acquire_timeout: Some(Span::from_millis(5)), connect: Span::from_millis(1) }),
        ..LinkConfig::default()
    };
    let build = || chain(Span::from_millis(40), vec![Toy::Relay, server(Span::from_millis(3))], config.clone());
    let (mut whole, mut sliced) = (build(), build());
    whole.run_until(Time(60_000_000_000));
    let mut rng = Rng::seeded(9);
    while sliced.now() < whole.now() {
        let to = sliced.now() + Span(u64::from(rng.below(200_000_000)));
        sliced.run_until(to.min(whole.now()));
        conserved(&mut sliced);
    }
    assert_eq!(whole.events(), sliced.events());
    for sim in [&mut whole, &mut sliced] {
        conserved(sim);
        let link = sim.link_tally(LinkId(0));
        assert!(link.counts.retries > 20 && link.counts.hedges > 100, "{:?}", link.counts);
    }
    assert_eq!(whole.class_tally(ClassId(0)).latency, sliced.class_tally(ClassId(0)).latency);
}
