//! What must hold at every instant of a run: limits, timeouts, conservation. The bounds are read from the design alone, the loosest of
//! what file and timeline say, and held against calls counted one by one.

use super::held::Verdict;
use std::collections::BTreeMap;
use tailboard::base::{LinkId, NodeId, Span, Time};
use tailboard::design::{Action, Design, LinkSpec, ModeSpec, Node, set_parameter};
use tailboard::engine::{Hop, Meter, Sim};
use tailboard::kinds::params::magnitude;
use tailboard::kinds::{Param, State, Value};
use tailboard::run::Run;

/// Calls in flight that are looked at for each event, on average: what looking costs.
const LOOKS: usize = 40;

pub fn hold(design: &Design) -> Verdict {
    let mut run = Run::new(design).map_err(|findings| format!("{findings:?}"))?;
    run.trace(1);
    let mut watch = Watch::new(design, &run);
    let mut over = false;
    while !over {
        let stride = 1 + run.sim().in_flight() / LOOKS;
        over = run.advance_events(run.length(), stride as u64);
        watch.look(run.sim())?;
        for journey in run.take_journeys() {
            watch.journey(&journey.hops, run.now())?;
        }
    }
    let open: Vec<Vec<Hop>> = run.sim().journeys().map(|journey| journey.hops.clone()).collect();
    open.iter().try_for_each(|hops| watch.journey(hops, run.now()))?;
    balanced(run.sim())
}

fn balanced(sim: &Sim<State>) -> Verdict {
    sim.imbalance().map_or(Ok(()), |imbalance| Err(format!("unbalanced {imbalance}")))
}

fn must(holds: bool, said: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(said()) }
}

/// What a link allows at most.
struct LinkLimits {
    name: String,
    timeout: Option<Span>,
    deadline: Option<Span>,
    bulkhead: Option<u32>,
    pool: Option<u32>,
    /// Of a queue's link, for each replica of the consumer.
    prefetch: Option<u32>,
}

/// What a node allows at most.
struct NodeLimits {
    name: String,
    /// For each replica.
    queue: Option<f64>,
    allowance: Option<Allowance>,
    /// Most replicas there were so far.
    copies: usize,
}

/// Of a rate limiter: between any two instants no more passes than `burst` and `rate` times what lies between them.
struct Allowance {
    rate: f64,
    burst: f64,
    links: Vec<LinkId>,
    /// The least that was ever left over: passed until then, less `rate` times that instant.
    least: f64,
}

struct Watch {
    links: Vec<LinkLimits>,
    nodes: Vec<NodeLimits>,
    looks: u64,
}

/// The largest of what is said, if nothing says that there is no bound.
fn loosest<T: Ord>(said: impl Iterator<Item = Option<T>>) -> Option<T> {
    said.collect::<Option<Vec<T>>>()?.into_iter().max()
}

/// A link as the file says, and as each intervention makes it.
fn variants(design: &Design, name: &str) -> Vec<LinkSpec> {
    let sets = design.timeline.iter().filter_map(|intervention| match &intervention.action {
        Action::Set(path, text) if path.rsplit_once('.').is_some_and(|(target, _)| target == name) => {
            let mut changed = design.clone();
            set_parameter(&mut changed, path, text).ok()?;
            changed.link(name).cloned()
        }
        _ => None,
    });
    design.link(name).cloned().into_iter().chain(sets).collect()
}

/// What a parameter of a node ever is.
fn texts(design: &Design, node: &str, wanted: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut note = |param: &Param, value: &mut dyn Value| {
        if param.name == wanted {
            texts.push(value.text());
        }
    };
    design.nodes[node].kind.clone().visit(&mut note);
    for intervention in &design.timeline {
        if let Action::Set(path, text) = &intervention.action
            && path.rsplit_once('.') == Some((node, wanted))
        {
            let mut changed = design.clone();
            if set_parameter(&mut changed, path, text).is_ok() {
                changed.nodes[node].kind.clone().visit(&mut note);
            }
        }
    }
    texts
}

/// The largest number that a parameter of a node ever is, if it has it and is never without a bound.
fn largest(design: &Design, node: &str, param: &str) -> Option<f64> {
    let texts = texts(design, node, param);
    let number = |text: &String| magnitude(text.trim_start_matches("Some(").trim_end_matches(')'));
    texts.iter().map(number).collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

impl Watch {
    fn new(design: &Design, run: &Run) -> Watch {
        let plan = run.sim().plan();
        let links = plan.links.iter().map(|link| {
            let variants = variants(design, &link.name);
            let caller = &plan.nodes[link.from.index()].name;
            let copies = variants.iter().any(|link| link.hedge.is_some());
            let caller_key = design.nodes[caller].kind.meta().key;
            LinkLimits {
                name: link.name.clone(),
                timeout: loosest(variants.iter().map(|link| link.timeout)),
                // Whose operation an attempt belongs to is known only where the caller waits for each by itself.
                deadline: loosest(variants.iter().map(|link| link.deadline)).filter(|_| {
                    let alone = |link: &LinkSpec| link.calls <= 1.0 && link.mode == ModeSpec::Sync;
                    variants.iter().all(alone) && !["queue", "cache"].contains(&caller_key)
                }),
                bulkhead: loosest(variants.iter().map(|link| link.bulkhead)),
                pool: loosest(variants.iter().map(|link| link.pool.map(|pool| pool.size))),
                prefetch: largest(design, caller, "prefetch")
                    .filter(|_| caller_key == "queue" && !copies && !killed_or_forgotten(design, caller))
                    .filter(|_| !chooses_itself(&design.nodes[&plan.nodes[link.to.index()].name]))
                    .map(|n| n as u32),
            }
        });
        let nodes = plan.nodes.iter().map(|node| NodeLimits {
            name: node.name.clone(),
            // Where all are admitted at once, the limit counts those beyond the cores.
            queue: largest(design, &node.name, "queue_limit").filter(|_| !admits_all(design, &node.name)),
            allowance: allowance(design, &node.name, &node.outs),
            copies: 1,
        });
        Watch { links: links.collect(), nodes: nodes.collect(), looks: 0 }
    }

    fn look(&mut self, sim: &Sim<State>) -> Verdict {
        self.looks += 1;
        if self.looks.is_multiple_of(64) {
            balanced(sim)?;
        }
        self.look_at_links(sim)?;
        for i in 0..self.nodes.len() {
            self.look_at_node(sim, NodeId(i as u32))?;
        }
        Ok(())
    }

    fn look_at_links(&self, sim: &Sim<State>) -> Verdict {
        // Attempts and connections of each replica of the caller; attempts at each replica of the callee.
        let mut from: BTreeMap<(LinkId, u16), (u32, u32)> = BTreeMap::new();
        let mut to: BTreeMap<(LinkId, u16), u32> = BTreeMap::new();
        for call in sim.calls().filter(|call| call.is_awaited()) {
            let of_caller = from.entry((call.link, call.origin)).or_default();
            of_caller.0 += 1;
            of_caller.1 += u32::from(call.is_connected());
            *to.entry((call.link, call.replica)).or_default() += 1;
        }
        let within = |n: u32, most: Option<u32>| most.is_none_or(|most| n <= most);
        for ((link, replica), (attempts, connections)) in from {
            let limits = &self.links[link.index()];
            let of = || format!("of replica {replica} on {}", limits.name);
            must(within(attempts, limits.bulkhead), || format!("{attempts} attempts {}: over its bulkhead", of()))?;
            must(within(connections, limits.pool), || format!("{connections} connections {}: over its pool", of()))?;
        }
        for ((link, replica), messages) in to {
            let limits = &self.links[link.index()];
            let told = || format!("{messages} messages for replica {replica} on {}: over the prefetch", limits.name);
            must(within(messages, limits.prefetch), told)?;
        }
        Ok(())
    }

    fn look_at_node(&mut self, sim: &Sim<State>, id: NodeId) -> Verdict {
        let (node, meters) = (&mut self.nodes[id.index()], sim.meters(id));
        node.copies = node.copies.max(sim.replicas(id).len());
        for (used, there) in [(Meter::Busy, Meter::SlotCapacity), (Meter::Cores, Meter::CoreCapacity)] {
            let (used, there) = (meters.level(used), meters.level(there));
            must(there == 0 || used <= there, || format!("{used} busy of {there} at {}", node.name))?;
        }
        if let Some(limit) = node.queue {
            let (queue, most) = (meters.level(Meter::Queue), limit * node.copies as f64);
            must(f64::from(queue) <= most, || format!("{queue} wait at {}, where {most} may", node.name))?;
        }
        if let Some(allowance) = &mut node.allowance {
            let passed = |link: &LinkId| {
                let counts = sim.link_counts(*link);
                counts.sent - counts.retries - counts.hedges
            };
            let passed: u64 = allowance.links.iter().map(passed).sum();
            let over = passed as f64 - allowance.rate * sim.now().as_secs();
            allowance.least = allowance.least.min(over);
            let told = || format!("{} lets {:.2} calls pass at once", node.name, over - allowance.least);
            must(over - allowance.least <= allowance.burst + 1e-6, told)?;
        }
        Ok(())
    }

    /// No attempt lasts longer than its timeout, no operation longer than its deadline.
    fn journey(&self, hops: &[Hop], now: Time) -> Verdict {
        let lasts = |hop: &Hop| hop.settled.min(now).since(hop.sent);
        let mut operations: BTreeMap<(u16, LinkId), (Time, Time)> = BTreeMap::new();
        for hop in hops {
            let limits = &self.links[hop.link.index()];
            let told = || format!("an attempt on {} lasts {}", limits.name, lasts(hop));
            must(limits.timeout.is_none_or(|most| lasts(hop) <= most), told)?;
            if let Some(parent) = hop.parent {
                let end = hop.settled.min(now);
                let operation = operations.entry((parent, hop.link)).or_insert((hop.sent, end));
                operation.1 = operation.1.max(end);
            }
        }
        for ((_, link), (begin, end)) in operations {
            let limits = &self.links[link.index()];
            let told = || format!("an operation on {} lasts {}", limits.name, end.since(begin));
            must(limits.deadline.is_none_or(|most| end.since(begin) <= most), told)?;
        }
        Ok(())
    }
}

fn admits_all(design: &Design, node: &str) -> bool {
    let all = ["ProcessorSharing", "PreemptivePriority"];
    texts(design, node, "discipline").iter().any(|text| all.contains(&text.as_str()))
}

/// Stores choose the replica of a call themselves, whichever it was sent to.
fn chooses_itself(node: &Node) -> bool {
    ["database", "sharded_store"].contains(&node.kind.meta().key)
}

/// A queue that is killed forgets who has what.
fn killed_or_forgotten(design: &Design, node: &str) -> bool {
    let kills = |action: &Action| matches!(action, Action::Kill(target) | Action::Restart(target) if target == node);
    design.timeline.iter().any(|intervention| kills(&intervention.action))
}

fn allowance(design: &Design, name: &str, links: &[LinkId]) -> Option<Allowance> {
    let of_name = |action: &Action| action.targets().iter().any(|target| target.split('#').next() == Some(name));
    let changed = design.timeline.iter().any(|intervention| of_name(&intervention.action));
    let kind = &design.nodes[name].kind;
    if kind.meta().key != "rate_limiter" || changed {
        return None;
    }
    let number = |param: &str| largest(design, name, param);
    let (rate, burst) = (number("rate")?, number("burst")?);
    let is = |param: &str, text: &str| texts(design, name, param).iter().all(|other| other == text);
    if !is("per_tenant", "false") {
        return None;
    }
    let burst = match () {
        () if is("algorithm", "TokenBucket") || is("algorithm", "LeakyBucket") => burst.max(1.0),
        // A window that ends and one that begins; and what is weighted anew as a window slides.
        () => 2.0 * rate * number("window")?,
    };
    Some(Allowance { rate, burst, links: links.to_vec(), least: 0.0 })
}
