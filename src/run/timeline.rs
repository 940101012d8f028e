//! Interventions become patches, each with its time; those that last are undone, those with a ramp come in steps.

use super::link_config;
use crate::base::{LinkId, NodeId, Span, Time};
use crate::design::{Action, Design, Intervention, Target, set_parameter};
use crate::engine::{Control, Fault, Patch, Place, Plan, Sim};
use crate::kinds::params::magnitude;
use crate::kinds::{Param, Spec, State, Value};

/// Steps of a ramp: fine enough to look smooth in windows of a few hundred.
const RAMP_STEPS: u64 = 20;

/// Schedule everything on the timeline.
pub fn schedule(design: &Design, sim: &mut Sim<State>) {
    // Settings build on each other: what a `Set` leaves is what the next one starts from.
    let mut present = design.clone();
    let mut interventions: Vec<&Intervention> = design.timeline.iter().collect();
    interventions.sort_by_key(|intervention| intervention.at);
    for intervention in interventions {
        let plan = sim.plan().clone();
        let mut patches = Vec::new();
        apply(&mut present, &plan, intervention, &mut patches);
        for (at, patch) in patches {
            sim.schedule(at, patch);
        }
    }
}

type Patches = Vec<(Time, Patch<Spec>)>;

fn apply(present: &mut Design, plan: &Plan, intervention: &Intervention, patches: &mut Patches) {
    let at = Time(intervention.at.0);
    let end = intervention.lasting.map(|lasting| at + lasting);
    let ramp = intervention.ramp.unwrap_or(Span::ZERO);
    let places = Places { design: present, plan };
    match &intervention.action {
        Action::Set(path, value) => set(present, plan, path, value, (at, end, ramp), patches),
        Action::Slow(target, factor) => {
            places.ramped(target, (1.0, *factor), (at, end, ramp), &Fault::Slow, patches);
        }
        Action::Fail(target, share) => {
            places.ramped(target, (0.0, share.0), (at, end, ramp), &Fault::Fail, patches);
        }
        Action::Lose(target, share) => {
            places.ramped(target, (0.0, share.0), (at, end, ramp), &Fault::Lose, patches);
        }
        Action::Delay(target, span) => {
            let fault = |secs: f64| Fault::Delay(Span::from_secs_f64(secs));
            places.ramped(target, (0.0, span.as_secs()), (at, end, ramp), &fault, patches);
        }
        Action::Spike(target, factor) => {
            for (t, value) in steps((1.0, *factor), (at, end, ramp)) {
                places.control(target, t, Control::Spike(value), patches);
            }
        }
        Action::Kill(target) => places.paired(target, (at, end), Fault::Kill, Fault::Restart, patches),
        Action::Restart(target) => {
            let back = Some(end.unwrap_or(at));
            places.paired(target, (at, back), Fault::Kill, Fault::Restart, patches);
        }
        Action::Hold(target) => places.paired(target, (at, end), Fault::Hold, Fault::Unhold, patches),
        Action::Freeze(target) => places.paired(target, (at, end), Fault::Freeze, Fault::Thaw, patches),
        Action::Flush(target) => places.control(target, at, Control::Flush, patches),
        Action::Pause(target) => {
            places.control(target, at, Control::Pause(true), patches);
            if let Some(end) = end {
                places.control(target, end, Control::Pause(false), patches);
            }
        }
        Action::Partition(a, b) => places.partition(a, b, (at, end), patches),
        Action::Heal(target) => {
            if let Some(place) = places.find(target) {
                let link = [Fault::Lose(0.0), Fault::Delay(Span::ZERO), Fault::Mend, Fault::Unhold];
                let node = [Fault::Restart, Fault::Slow(1.0), Fault::Fail(0.0), Fault::Thaw];
                let faults = if matches!(place, Place::Link(_)) { link } else { node };
                patches.extend(faults.map(|fault| (at, Patch::Fault(place, fault))));
            }
        }
    }
}

/// The values that a number takes, and when: up over the ramp, and back at the end.
fn steps((from, to): (f64, f64), (at, end, ramp): (Time, Option<Time>, Span)) -> Vec<(Time, f64)> {
    let mut steps = Vec::new();
    if ramp.is_zero() {
        steps.push((at, to));
    } else {
        for i in 1..=RAMP_STEPS {
            let share = i as f64 / RAMP_STEPS as f64;
            steps.push((at + Span(ramp.0 / RAMP_STEPS * (i - 1)), from + (to - from) * share));
        }
    }
    steps.extend(end.map(|end| (end, from)));
    steps
}

/// Finds nodes and links of the plan by their names.
struct Places<'a> {
    design: &'a Design,
    plan: &'a Plan,
}

impl Places<'_> {
    fn node(&self, name: &str) -> Option<NodeId> {
        self.plan.nodes.iter().position(|node| node.name == name).map(|i| NodeId(i as u32))
    }

    fn find(&self, target: &str) -> Option<Place> {
        Some(match Target::find(self.design, target)? {
            Target::Node(name) => Place::Node(self.node(name)?),
            Target::Replica(name, replica) => Place::Replica(self.node(name)?, replica),
            Target::Link(name) => {
                Place::Link(LinkId(self.plan.links.iter().position(|link| link.name == name)? as u32))
            }
        })
    }

    fn ramped(
        &self,
        target: &str,
        range: (f64, f64),
        when: (Time, Option<Time>, Span),
        fault: &dyn Fn(f64) -> Fault,
        patches: &mut Patches,
    ) {
        let Some(place) = self.find(target) else { return };
        patches.extend(steps(range, when).into_iter().map(|(at, value)| (at, Patch::Fault(place, fault(value)))));
    }

    fn paired(
        &self,
        target: &str,
        (at, end): (Time, Option<Time>),
        begin: Fault,
        finish: Fault,
        patches: &mut Patches,
    ) {
        let Some(place) = self.find(target) else { return };
        patches.push((at, Patch::Fault(place, begin)));
        patches.extend(end.map(|end| (end, Patch::Fault(place, finish))));
    }

    fn control(&self, target: &str, at: Time, control: Control, patches: &mut Patches) {
        if let Some(node) = self.node(target) {
            patches.push((at, Patch::Control(node, control)));
        }
    }

    /// Cut every link between the two sets; replicas of one node are told to stop hearing each other.
    fn partition(&self, a: &[String], b: &[String], (at, end): (Time, Option<Time>), patches: &mut Patches) {
        let side = |names: &[String], node: NodeId| {
            names.iter().any(|name| matches!(self.find(name), Some(Place::Node(other)) if other == node))
        };
        for (i, link) in self.plan.links.iter().enumerate() {
            let across = side(a, link.from) && side(b, link.to) || side(b, link.from) && side(a, link.to);
            if across {
                let place = Place::Link(LinkId(i as u32));
                patches.push((at, Patch::Fault(place, Fault::Cut)));
                patches.extend(end.map(|end| (end, Patch::Fault(place, Fault::Mend))));
            }
        }
        let mut isolated: std::collections::BTreeMap<NodeId, u64> = std::collections::BTreeMap::new();
        for name in a {
            if let Some(Place::Replica(node, replica)) = self.find(name) {
                *isolated.entry(node).or_default() |= 1 << (replica % 64);
            }
        }
        for (node, mask) in isolated {
            patches.push((at, Patch::Control(node, Control::Isolate(mask))));
            patches.extend(end.map(|end| (end, Patch::Control(node, Control::Isolate(0)))));
        }
    }
}

/// Change a parameter, by steps if there is a ramp and it is a number, and back at the end.
fn set(
    present: &mut Design,
    plan: &Plan,
    path: &str,
    value: &str,
    (at, end, ramp): (Time, Option<Time>, Span),
    patches: &mut Patches,
) {
    let before = present.clone();
    let (Some(old), Ok(_)) = (text_of(present, path), set_parameter(present, path, value)) else { return };
    let Some(new) = text_of(present, path) else { return };
    if !ramp.is_zero()
        && let (Some(from), Some(to)) = (magnitude(&old), magnitude(&new))
    {
        let mut between = before.clone();
        for (t, number) in steps((from, to), (at, None, ramp)) {
            // In the parameter's own unit where it has one: try seconds, rates, bytes, and plain numbers.
            let forms = [format!("{number}"), format!("{number}s"), format!("{number}/s"), format!("{number:.0} B")];
            let whole = format!("{number:.0}");
            let fits = forms.iter().chain([&whole]).any(|form| set_parameter(&mut between, path, form).is_ok());
            if fits {
                patches.extend(patch_of(&between, plan, path).map(|patch| (t, patch)));
            }
        }
    }
    patches.extend(patch_of(present, plan, path).map(|patch| (at + ramp, patch)));
    if let Some(end) = end {
        patches.extend(patch_of(&before, plan, path).map(|patch| (end, patch)));
        *present = before;
    }
}

/// The patch that brings a node or link to what the design says of it.
fn patch_of(design: &Design, plan: &Plan, path: &str) -> Option<Patch<Spec>> {
    let (target, _) = path.rsplit_once('.')?;
    if let Some(node) = design.nodes.get(target) {
        let id = plan.nodes.iter().position(|node| node.name == target)?;
        return Some(Patch::Retune(NodeId(id as u32), node.kind.clone()));
    }
    let id = plan.links.iter().position(|link| link.name == target)?;
    Some(Patch::RetuneLink(LinkId(id as u32), Box::new(link_config(design.link(target)?))))
}

fn text_of(design: &Design, path: &str) -> Option<String> {
    let (target, name) = path.rsplit_once('.')?;
    let mut text = None;
    let mut read = |param: &Param, value: &mut dyn Value| {
        if param.name == name {
            text = Some(value.text());
        }
    };
    if let Some(node) = design.nodes.get(target) {
        node.kind.clone().visit(&mut read);
    } else {
        design.link(target)?.clone().visit(&mut read);
    }
    text
}
