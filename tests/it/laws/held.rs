//! The laws: what must hold of every design that passes its checks.
#![expect(clippy::type_complexity, reason = "tables of laws and of what they compare")]

use super::generate::MOST_EVENTS;
use super::instants;
use tailboard::base::{ClassId, Dist, LinkId, NodeId, Rng, Severity, Span, Time};
use tailboard::design::{
    Action, Design, FallbackSpec, HedgeSpec, Intervention, LinkSpec, ModeSpec, PoolSpec, RetrySpec, set_parameter,
};
use tailboard::export;
use tailboard::kinds::{Param, Value};
use tailboard::metrics::{Estimate, Latency, Report};
use tailboard::parts::breaker::BreakerConfig;
use tailboard::run::{Run, judge};
use tailboard::scenario;

/// Nothing, or what is wrong.
pub type Verdict = Result<(), String>;

/// Every law with its name.
pub const LAWS: &[(&str, fn(&Design) -> Verdict)] = &[
    ("a design that is written is read as the same", is_read_as_written),
    ("a run ends", ends),
    ("limits, timeouts and counts hold at every instant", instants::hold),
    ("a report adds up", adds_up),
    ("the same seed gives the same bytes", is_determined),
    ("the order in the file changes nothing", has_no_order),
    ("nothing is changed before the first intervention", has_no_foresight),
    ("a policy that cannot act changes nothing", idle_policies_are_idle),
    ("when traffic stops all comes to rest", comes_to_rest),
];

fn started(design: &Design) -> Result<Run, String> {
    Run::new(design).map_err(|findings| format!("refused: {findings:?}"))
}

fn must(holds: bool, said: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(said()) }
}

/// Every finding says in words what is wrong, at a place that there is.
pub fn findings_name_their_places(design: &Design) -> Verdict {
    let text = scenario::write_str(design)?;
    let read = scenario::read_str(&text);
    must(read.is_wrong(), || "read without an error".to_owned())?;
    for diagnostic in &read.diagnostics {
        let (span, said) = (diagnostic.span.clone().unwrap_or_default(), &diagnostic.message);
        must(!said.is_empty(), || format!("says {said:?}"))?;
        // Errors of parameters and interventions are narrower than the whole file.
        let vague = diagnostic.severity == Severity::Error && span.len() + 2 >= text.trim().len();
        must(!span.is_empty() && !vague, || format!("no place: {said}"))?;
    }
    Ok(())
}

fn is_read_as_written(design: &Design) -> Verdict {
    let text = scenario::write_str(design)?;
    must(scenario::read_str(&text).design.as_ref() == Some(design), || "another design is read".to_owned())
}

/// Events of one instant that no request explains.
const MOST_AT_ONCE: u64 = 40_000;
/// Events a second that a replica may cause on its own account: one each microsecond.
const MOST_UNASKED: f64 = 1e6;

/// No instant goes on for ever, and nothing happens without end where nobody asks for anything.
fn ends(design: &Design) -> Verdict {
    let mut run = started(design)?;
    while !run.is_over() {
        let (at, requests) = (run.now(), run.requests());
        let done = run.advance_events(run.length(), MOST_AT_ONCE);
        let stuck = !done && run.now() == at && run.requests() == requests;
        must(!stuck, || format!("more than {MOST_AT_ONCE} events at {at:?}"))?;
    }
    let mut calm = design.clone();
    let callers: Vec<String> = calm.nodes.keys().filter(|name| name.starts_with("client")).cloned().collect();
    calm.timeline.retain(|intervention| !intervention.action.targets().iter().any(|name| of_any(name, &callers)));
    callers.iter().for_each(|name| remove_node(&mut calm, name));
    let Ok(mut run) = Run::new(&calm) else { return Ok(()) };
    let done = run.advance_events(run.length(), MOST_AT_ONCE);
    let copies: usize = (0..calm.nodes.len()).map(|i| run.sim().replicas(NodeId(i as u32)).len() + 1).sum();
    let most = 1_000.0 + run.now().as_secs() * MOST_UNASKED * copies as f64;
    must(done || run.events() as f64 <= most, || format!("{} events within {:?}, unasked", run.events(), run.now()))
}

fn of_any(target: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        target == name || target.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['#', '-']))
    })
}

/// Take a node away, with its links and what is done to them.
pub fn remove_node(design: &mut Design, name: &str) {
    let links: Vec<String> =
        design.links.iter().filter(|link| link.from == name || link.to == name).map(LinkSpec::name).collect();
    links.iter().for_each(|link| remove_link(design, link));
    design.nodes.remove(name);
    let is_its = |target: &str| target.split('#').next() == Some(name);
    design.timeline.retain(|intervention| !intervention.action.targets().into_iter().any(is_its));
}

/// Take a link away, with what is done to it and conditions that speak of it.
pub fn remove_link(design: &mut Design, name: &str) {
    let to = design.link(name).map(|link| link.to.clone()).unwrap_or_default();
    design.links.retain(|link| link.name() != name);
    design.timeline.retain(|intervention| !intervention.action.targets().contains(&name));
    for link in &mut design.links {
        for after in [&mut link.when.after_miss, &mut link.when.after_failure] {
            if after.as_ref().is_some_and(|other| other == name || *other == to) {
                *after = None;
            }
        }
    }
}

// ---- the report

/// Sums agree, percentiles are in order, every figure is a number, nothing is more than fully used.
fn adds_up(design: &Design) -> Verdict {
    let mut run = started(design)?;
    run.advance(run.length());
    let report = run.report();
    for (name, figures) in latencies(&report) {
        in_order(figures).map_err(|said| format!("{name}: {said}"))?;
    }
    let said = format!("{report:?}");
    let odd = ["NaN", ": inf", "(inf", ": -inf", "(-inf"].iter().find_map(|odd| said.find(odd));
    must(odd.is_none(), || format!("not a number: {}", &said[odd.unwrap_or(0).saturating_sub(60)..][..80]))?;
    let csv = export::csv(run.recorder())?;
    let odd = csv.lines().find(|line| line.ends_with(",NaN") || line.ends_with(",inf") || line.ends_with(",-inf"));
    must(odd.is_none(), || format!("not a number: {odd:?}"))?;
    counts_agree(&report)?;
    windows_are_filled_once(&run)
}

fn latencies(report: &Report) -> Vec<(String, &Latency)> {
    let mut all = vec![("total".to_owned(), &report.total.latency)];
    all.extend(report.classes.iter().map(|(name, class)| (name.clone(), &class.latency)));
    all.extend(report.links.iter().map(|(name, link)| (name.clone(), &link.latency)));
    for (name, node) in &report.nodes {
        all.extend(
            [("latency", &node.latency), ("wait", &node.wait), ("lag", &node.lag)]
                .map(|(what, figures)| (format!("{name} {what}"), figures)),
        );
    }
    all
}

fn in_order(figures: &Latency) -> Verdict {
    let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
    let mut last = 0.0;
    for (name, _, estimate) in figures.percentiles() {
        must(estimate.is_some() == (figures.count > 0), || {
            format!("{} observations, {name} {estimate:?}", figures.count)
        })?;
        let Some(value) = value(estimate) else { continue };
        must(value >= last, || format!("{name} {value} below {last}"))?;
        last = value;
    }
    let (Some(max), Some(mean)) = (figures.max, value(figures.mean)) else { return Ok(()) };
    must(last <= max, || format!("p99.9 {last} above max {max}"))?;
    must(mean <= max * (1.0 + 1e-12), || format!("mean {mean} above max {max}"))
}

fn counts_agree(report: &Report) -> Verdict {
    for (name, node) in &report.nodes {
        must(node.latency.count == node.succeeded, || format!("{} latencies of {name}", node.latency.count))?;
        must(node.wait.count == node.succeeded, || format!("{} waits of {name}", node.wait.count))?;
        for share in [node.utilization.map(|figure| figure.value), node.core_utilization, node.waited_share] {
            must(share.is_none_or(|share| share <= 1.0 + 1e-9), || format!("{share:?} of {name} is more than all"))?;
        }
    }
    for (name, link) in &report.links {
        must(link.latency.count == link.succeeded, || format!("{} latencies of {name}", link.latency.count))?;
        let ended = link.succeeded + link.failed.values().sum::<u64>();
        must(report.warm_up > 0.0 || link.attempts == ended + link.in_flight, || format!("attempts of {name}"))?;
    }
    for (name, class) in &report.classes {
        must(class.latency.count == class.good + class.late, || {
            format!("{} latencies of {name}", class.latency.count)
        })?;
        let ended = class.good + class.late + class.failed.values().sum::<u64>();
        must(report.warm_up > 0.0 || class.offered == ended + class.in_flight, || format!("requests of {name}"))?;
    }
    Ok(())
}

/// In no window more is busy than there is.
fn windows_are_filled_once(run: &Run) -> Verdict {
    let (series, plan) = (run.recorder().series(), run.recorder().plan());
    for (i, row) in series.nodes.iter().enumerate() {
        let name = &plan.nodes[i % plan.nodes.len()].name;
        let [_, busy, cores, slots, core_capacity] = row.areas;
        for (used, there) in [(busy, slots), (cores, core_capacity)] {
            let told = || format!("{used} ns busy of {there} at {name} in window {}", i / plan.nodes.len());
            must(there == 0 || used <= there, told)?;
        }
    }
    Ok(())
}

// ---- the same run

/// Everything that a run writes.
fn written(mut run: Run, design: &Design) -> Result<String, String> {
    run.advance(run.length());
    let report = run.report();
    Ok(export::json(&report, &judge(design, run.recorder()), &[])? + &export::csv(run.recorder())?)
}

/// The first line in which two texts differ.
fn same(one: &str, other: &str) -> Verdict {
    let differ = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    must(one == other, || differ.map_or("one is longer".to_owned(), |(one, other)| format!("{one} | {other}")))
}

fn is_determined(design: &Design) -> Verdict {
    let whole = written(started(design)?, design)?;
    let mut sliced = started(design)?;
    let mut rng = Rng::seeded(design.seed);
    while !sliced.is_over() {
        sliced.trace(u64::from(rng.below(3)));
        let until = Time(sliced.now().0 + 1 + u64::from(rng.below(1 + (design.run.length.0 / 3).min(1 << 31) as u32)));
        if rng.chance(0.5) {
            sliced.advance(until);
        } else {
            sliced.advance_events(until, 1 + u64::from(rng.below(2_000)));
        }
    }
    same(&whole, &written(sliced, design)?).map_err(|said| format!("in slices: {said}"))
}

fn has_no_order(design: &Design) -> Verdict {
    let mut turned = design.clone();
    turned.links.reverse();
    let mut rng = Rng::seeded(design.seed);
    for i in (1..turned.links.len()).rev() {
        turned.links.swap(i, rng.below(i as u32 + 1) as usize);
    }
    same(&written(started(design)?, design)?, &written(started(&turned)?, &turned)?)
}

/// What was counted so far, and everything that windows which are over hold.
fn so_far(run: &Run) -> Result<String, String> {
    let (sim, plan) = (run.sim(), run.sim().plan());
    let mut text = export::csv(run.recorder())?;
    (0..plan.classes.len()).for_each(|i| text += &format!("\n{:?}", sim.class_counts(ClassId(i as u8))));
    (0..plan.links.len()).for_each(|i| text += &format!("\n{:?}", sim.link_counts(LinkId(i as u32))));
    (0..plan.nodes.len()).for_each(|i| text += &format!("\n{:?}", sim.node_counts(NodeId(i as u32))));
    Ok(text + &format!("\n{} events, {} in flight", sim.events(), sim.in_flight()))
}

fn has_no_foresight(design: &Design) -> Verdict {
    let first = design.timeline.iter().map(|intervention| intervention.at).min();
    let Some(first) = first.filter(|at| !at.is_zero()) else { return Ok(()) };
    let (mut with, mut without) = (started(design)?, started(&Design { timeline: Vec::new(), ..design.clone() })?);
    with.advance(Time(first.0 - 1));
    without.advance(Time(first.0 - 1));
    same(&so_far(&with)?, &so_far(&without)?)
}

// ---- idle policies

const HOUR: Span = Span::from_secs(3_600);

/// A policy of a link that cannot act, by its name; [some](FOR_FAILURES) cannot where nothing fails.
const IDLE: &[(&str, fn(&mut LinkSpec))] = &[
    ("timeout", |link| link.timeout = link.timeout.or(Some(HOUR))),
    // A deadline that the callee learns of orders its queue.
    ("deadline", |link| link.deadline = link.deadline.or((!link.propagate_deadline).then_some(HOUR))),
    ("hedge", |link| link.hedge = link.hedge.or(Some(HedgeSpec { after: HOUR, copies: 1 }))),
    ("bulkhead", |link| link.bulkhead = link.bulkhead.or(Some(1_000_000))),
    ("pool", |link| link.pool = link.pool.or(Some(PoolSpec { size: 1_000_000, ..PoolSpec::default() }))),
    ("breaker", |link| {
        let shut = BreakerConfig { window: 1_000_000, minimum_calls: 1_000_000, ..BreakerConfig::default() };
        link.breaker = link.breaker.or(Some(shut));
    }),
    ("retry", |link| link.retry = link.retry.clone().or(Some(RetrySpec::default()))),
    ("fallback", |link| link.fallback = link.fallback.or(Some(FallbackSpec::default()))),
];

/// Act where something fails.
const FOR_FAILURES: [&str; 2] = ["retry", "fallback"];

/// Whether an operation on a link may have failed: an attempt, or what its policies refuse before there is one.
fn may_fail(run: &Run, design: &Design, link: &LinkSpec) -> bool {
    let (sim, name) = (run.sim(), link.name());
    let attempts = sim
        .plan()
        .links
        .iter()
        .position(|other| other.name == name)
        .is_none_or(|id| sim.link_counts(LinkId(id as u32)).failed.iter().any(|n| *n > 0));
    let refuses = link.deadline.is_some() || link.breaker.is_some() || link.bulkhead.is_some() || link.pool.is_some();
    let requests =
        (0..sim.plan().classes.len()).any(|id| sim.class_counts(ClassId(id as u8)).failed.iter().any(|n| *n > 0));
    let is_set = |intervention: &Intervention| matches!(&intervention.action, Action::Set(path, _) if path.rsplit_once('.').is_some_and(|(target, _)| target == name));
    attempts || refuses || requests || design.timeline.iter().any(is_set)
}

/// Calls that end at the very same instant are handled in an order that a policy may change. Here none do: what is constant is
/// drawn, and requests come one by one.
fn without_ties(design: &Design) -> Design {
    let mut design = design.clone();
    let mut draw = |param: &Param, value: &mut dyn Value| {
        let (text, slot) = (value.text(), value.slot(&[]));
        let constant = slot.bare && slot.names.contains(&"Exponential") && text.starts_with('"');
        if constant && text != "\"0s\"" {
            let _ = value.set(&format!("Exponential({text})"));
        }
        if param.name == "arrivals" {
            let _ = value.set("Poisson");
        }
    };
    design.nodes.values_mut().for_each(|node| node.kind.visit(&mut draw));
    design.links.iter_mut().for_each(|link| link.visit(&mut draw));
    // What a node sends without waiting comes at the instant at which it goes on.
    let instant = design.links.iter_mut().filter(|link| link.mode == ModeSpec::Async && link.latency == Dist::ZERO);
    instant.for_each(|link| link.latency = Dist::with_mean("Exponential", Span::from_micros(1)).unwrap_or(Dist::ZERO));
    design
}

/// Whether something stands still for a while: what goes on afterwards does so at one instant.
fn pauses(design: &Design) -> bool {
    let mut found = design
        .timeline
        .iter()
        .any(|intervention| matches!(intervention.action, Action::Freeze(_) | Action::Pause(_) | Action::Hold(_)));
    for node in design.nodes.values() {
        node.kind.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
            found |= ["pauses", "breakdowns"].contains(&param.name) && value.text() != "None";
        });
    }
    found
}

fn idle_policies_are_idle(design: &Design) -> Verdict {
    if pauses(design) {
        return Ok(());
    }
    let design = &without_ties(design);
    let Ok(mut plain) = Run::new(design) else { return Ok(()) };
    // Traffic of other arrivals may be very much more.
    if !plain.advance_events(plain.length(), 20 * MOST_EVENTS) {
        return Ok(());
    }
    for (name, add) in IDLE {
        let mut changed = design.clone();
        for link in &mut changed.links {
            // One that the timeline sets acts then, also on what began before.
            let path = format!("{}.{name}", link.name());
            let is_set =
                |intervention: &Intervention| matches!(&intervention.action, Action::Set(other, _) if *other == path);
            // A call that nobody waits for is forgotten when it is lost, unless it has a deadline.
            let is_awaited = *name == "deadline" && link.mode == ModeSpec::Async;
            let fails = FOR_FAILURES.contains(name) && may_fail(&plain, design, link);
            let acts = is_awaited || fails || design.timeline.iter().any(is_set);
            if !acts {
                add(link);
            }
        }
        // Not what the checks have a word to say about: a policy that something depends on.
        let Ok(mut run) = Run::new(&changed) else { continue };
        run.advance(run.length());
        noticed(&plain, &run).map_or(Ok(()), |said| Err(format!("{name}: {said}")))?;
    }
    Ok(())
}

/// The first window in which users notice a difference.
fn noticed(one: &Run, other: &Run) -> Option<String> {
    let (one, other) = (one.recorder().series(), other.recorder().series());
    if one.classes.len() != other.classes.len() {
        return Some("other windows".to_owned());
    }
    let (was, is) = one.classes.iter().zip(&other.classes).find(|(was, is)| was != is)?;
    Some(format!("{was:?} | {is:?}"))
}

// ---- the end

/// When traffic stops and every fault is healed, everything is answered; unless it waits for what was lost.
fn comes_to_rest(design: &Design) -> Verdict {
    let Some(design) = stopped(design) else { return Ok(()) };
    let Ok(mut run) = Run::new(&design) else { return Ok(()) };
    if !run.advance_events(run.length(), 60_000) {
        return Ok(());
    }
    let sim = run.sim();
    let left: Vec<String> = sim
        .calls()
        .map(|call| {
            format!("{}{}", sim.plan().links[call.link.index()].name, if call.is_lost() { " (lost)" } else { "" })
        })
        .collect();
    must(left.is_empty() && sim.operations() == 0, || {
        format!("{} calls and {} operations are left: {:?}", left.len(), sim.operations(), &left[..left.len().min(8)])
    })
}

/// The design with no traffic after its run, and time to come to rest. None where something may wait for ever.
fn stopped(design: &Design) -> Option<Design> {
    let mut design = design.clone();
    let end = design.run.length;
    let waits = |link: &LinkSpec| link.timeout.is_none() && link.deadline.is_none();
    // What is lost is missed for ever without a timeout, and calls in a circle may wait for each other.
    if design.links.iter().any(waits) {
        return None;
    }
    for name in design.nodes.keys().cloned().collect::<Vec<String>>() {
        if name.starts_with("client") {
            let mut arrivals = String::new();
            design.nodes[&name].kind.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
                if param.name == "arrivals" {
                    arrivals = value.text();
                }
            });
            if arrivals.starts_with("Closed") {
                set_parameter(&mut design, &format!("{name}.arrivals"), "Poisson").ok()?;
            }
            set_parameter(&mut design, &format!("{name}.shape"), &format!("Step(at: \"{end}\", to: 0)")).ok()?;
        }
    }
    let heal = |target: String| Intervention { at: end, lasting: None, ramp: None, action: Action::Heal(target) };
    design.timeline.retain(|intervention| intervention.at < end);
    for intervention in &mut design.timeline {
        if matches!(intervention.action, Action::Set(..) | Action::Restart(_)) {
            intervention.lasting = Some(end.saturating_sub(intervention.at));
        }
    }
    let nodes =
        design.nodes.iter().filter(|(_, node)| !node.kind.meta().controls.is_empty()).map(|(name, _)| name.clone());
    let targets: Vec<String> = nodes.chain(design.links.iter().map(LinkSpec::name)).collect();
    design.timeline.extend(targets.into_iter().map(heal));
    design.run.length = end + Span::from_secs(1_000);
    Some(design)
}
