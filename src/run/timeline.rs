//! Interventions become patches, each with its time. Those that act on the same thing lie on top of each other: the
//! latest that is still on counts, and when it ends, what lies below shows again.

use super::link_config;
use crate::base::{LinkId, NodeId, Span, Time};
use crate::design::{Action, Design, Intervention, Target, parameter_text, set_parameter};
use crate::engine::{Control, Fault, Patch, Place, Plan};
use crate::kinds::Spec;
use crate::kinds::params::{magnitude, texts_like};
use std::collections::BTreeMap;

/// Steps of a ramp: fine enough to look smooth in windows of a few hundred.
const RAMP_STEPS: u64 = 20;

/// What everything on the timeline does, by time.
pub fn patches(design: &Design, plan: &Plan) -> Vec<(Time, Patch<Spec>)> {
    let mut score = Score {
        design,
        present: design.clone(),
        plan,
        agenda: BTreeMap::new(),
        noted: 0,
        settings: Vec::new(),
        layers: Vec::new(),
        partitions: Vec::new(),
        patches: Vec::new(),
    };
    for (i, intervention) in design.timeline.iter().enumerate() {
        score.note(Time(intervention.at.0), Entry::Begin(i));
    }
    while let Some(((at, _), entry)) = score.agenda.pop_first() {
        match entry {
            Entry::Begin(i) => score.begin(at, i, &design.timeline[i]),
            Entry::Turn(layer) => score.turn(at, layer),
            Entry::Set(setting) => score.set(at, setting),
            Entry::End(id) => score.end(at, id),
            Entry::ComeBack(place) => score.clear(at, place, &COME_BACK),
        }
    }
    score.patches
}

/// What a fault turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knob {
    Dead,
    Frozen,
    Slow,
    Fail,
    Lose,
    DelayThere,
    DelayBack,
    Cut,
    Held,
    Paused,
    Traffic,
}

const KNOBS: [Knob; 11] = [
    Knob::Dead,
    Knob::Frozen,
    Knob::Slow,
    Knob::Fail,
    Knob::Lose,
    Knob::DelayThere,
    Knob::DelayBack,
    Knob::Cut,
    Knob::Held,
    Knob::Paused,
    Knob::Traffic,
];

/// What a restart ends, of a node and of a link.
const COME_BACK: [Knob; 2] = [Knob::Dead, Knob::Cut];

impl Knob {
    fn at_rest(self) -> f64 {
        if matches!(self, Knob::Slow | Knob::Traffic) { 1.0 } else { 0.0 }
    }

    /// What the same does to a link.
    fn of_link(self) -> Knob {
        match self {
            Knob::Dead => Knob::Cut,
            Knob::Fail => Knob::Lose,
            Knob::Frozen => Knob::Held,
            other => other,
        }
    }

    fn patch(self, place: Place, value: f64) -> Option<Patch<Spec>> {
        let on = value > 0.0;
        let fault = match self {
            Knob::Dead => [Fault::Restart, Fault::Kill][usize::from(on)],
            Knob::Frozen => [Fault::Thaw, Fault::Freeze][usize::from(on)],
            Knob::Cut => [Fault::Mend, Fault::Cut][usize::from(on)],
            Knob::Held => [Fault::Unhold, Fault::Hold][usize::from(on)],
            Knob::Slow => Fault::Slow(value),
            Knob::Fail => Fault::Fail(value),
            Knob::Lose => Fault::Lose(value),
            Knob::DelayThere => Fault::DelayThere(Span::from_secs_f64(value)),
            Knob::DelayBack => Fault::DelayBack(Span::from_secs_f64(value)),
            Knob::Paused | Knob::Traffic => {
                let Place::Node(node) = place else { return None };
                let control = if self == Knob::Paused { Control::Pause(on) } else { Control::Spike(value) };
                return Some(Patch::Control(node, control));
            }
        };
        Some(Patch::Fault(place, fault))
    }
}

/// A knob turned by an intervention, whose number it bears.
#[derive(Clone, Copy)]
struct Layer {
    id: usize,
    knob: Knob,
    place: Place,
    value: f64,
}

impl Layer {
    fn covers(&self, knob: Knob, place: Place) -> bool {
        let within = matches!(place, Place::Replica(node, _) if self.place == Place::Node(node));
        self.knob == knob && (self.place == place || within)
    }
}

/// A parameter set by an intervention, whose number it bears.
struct Setting {
    id: usize,
    path: String,
    text: String,
}

/// Something to be done at a time.
enum Entry {
    Begin(usize),
    Turn(Layer),
    Set(Setting),
    End(usize),
    /// Whatever had killed it, it is started again.
    ComeBack(Place),
}

/// The number of a layer that no intervention ends.
const FOR_GOOD: usize = usize::MAX;

/// The timeline, being read from beginning to end.
struct Score<'a> {
    /// What the file says, and the same with the parameters that are set at present.
    design: &'a Design,
    present: Design,
    plan: &'a Plan,
    /// By time, and in the order in which they were noted.
    agenda: BTreeMap<(Time, usize), Entry>,
    noted: usize,
    /// The latest on top.
    settings: Vec<Setting>,
    layers: Vec<Layer>,
    /// Replicas of a node that are cut off from each other: intervention, node, a bit for each replica of either side.
    partitions: Vec<(usize, NodeId, u64, u64)>,
    patches: Vec<(Time, Patch<Spec>)>,
}

impl Score<'_> {
    fn note(&mut self, at: Time, entry: Entry) {
        self.noted += 1;
        self.agenda.insert((at, self.noted), entry);
    }

    fn begin(&mut self, at: Time, id: usize, intervention: &Intervention) {
        let ramp = intervention.ramp.unwrap_or(Span::ZERO);
        let end = intervention.lasting.map(|lasting| at + lasting);
        match &intervention.action {
            Action::Set(path, text) => self.begin_setting(at, id, path, text, ramp),
            Action::Slow(target, factor) => self.begin_fault(at, id, (Knob::Slow, target), *factor, ramp),
            Action::Fail(target, share) => self.begin_fault(at, id, (Knob::Fail, target), share.0, ramp),
            Action::Lose(target, share) => self.begin_fault(at, id, (Knob::Lose, target), share.0, ramp),
            Action::Delay(target, extra) => {
                let ways = [(extra.there(), Knob::DelayThere), (extra.back(), Knob::DelayBack)];
                for (span, knob) in ways.into_iter().filter_map(|(span, knob)| Some((span?, knob))) {
                    self.begin_fault(at, id, (knob, target), span.as_secs(), ramp);
                }
            }
            Action::Spike(target, factor) => self.begin_fault(at, id, (Knob::Traffic, target), *factor, ramp),
            Action::Kill(target) => self.begin_fault(at, id, (Knob::Dead, target), 1.0, Span::ZERO),
            Action::Hold(target) => self.begin_fault(at, id, (Knob::Held, target), 1.0, Span::ZERO),
            Action::Freeze(target) => self.begin_fault(at, id, (Knob::Frozen, target), 1.0, Span::ZERO),
            Action::Pause(target) => self.begin_fault(at, id, (Knob::Paused, target), 1.0, Span::ZERO),
            Action::Partition(a, b) => self.begin_partition(at, id, a, b),
            Action::Restart(target) => {
                let Some(place) = self.find(target) else { return };
                self.begin_fault(at, id, (Knob::Dead, target), 1.0, Span::ZERO);
                return match end {
                    Some(end) => self.note(end, Entry::ComeBack(place)),
                    None => self.clear(at, place, &COME_BACK),
                };
            }
            Action::Flush(target) => {
                if let Some(Place::Node(node)) = self.find(target) {
                    self.patches.push((at, Patch::Control(node, Control::Flush)));
                }
                return;
            }
            Action::Heal(target) => {
                let Some(place) = self.find(target) else { return };
                return self.clear(at, place, &KNOBS);
            }
        }
        if let Some(end) = end {
            self.note(end, Entry::End(id));
        }
    }

    // ---- faults

    fn begin_fault(&mut self, at: Time, id: usize, (knob, target): (Knob, &str), value: f64, ramp: Span) {
        let Some(place) = self.find(target) else { return };
        let knob = if matches!(place, Place::Link(_)) { knob.of_link() } else { knob };
        let from = self.value(knob, place);
        for (t, value) in steps((from, value), at, ramp).into_iter().chain([(at + ramp, value)]) {
            let layer = Layer { id, knob, place, value };
            // At once, so that what is done at one instant is done in the order of the file.
            if t == at { self.turn(at, layer) } else { self.note(t, Entry::Turn(layer)) }
        }
    }

    fn turn(&mut self, at: Time, layer: Layer) {
        self.change(at, layer.knob, layer.place, |layers| {
            match layers
                .iter_mut()
                .find(|other| (other.id, other.knob, other.place) == (layer.id, layer.knob, layer.place))
            {
                Some(before) => before.value = layer.value,
                None => layers.push(layer),
            }
        });
    }

    fn end(&mut self, at: Time, id: usize) {
        let ended: Vec<Layer> = self.layers.iter().filter(|layer| layer.id == id).copied().collect();
        for layer in ended {
            self.change(at, layer.knob, layer.place, |layers| {
                layers.retain(|other| (other.id, other.knob, other.place) != (id, layer.knob, layer.place));
            });
        }
        self.mend(at, |partition| partition.0 == id);
        if let Some(i) = self.settings.iter().position(|setting| setting.id == id) {
            let path = self.settings.remove(i).path;
            self.show_setting(at, &path);
        }
    }

    /// End every fault of a place.
    fn clear(&mut self, at: Time, place: Place, knobs: &[Knob]) {
        let within = |layer: &Layer| {
            let inside = matches!(layer.place, Place::Replica(node, _) if place == Place::Node(node));
            layer.place == place || inside
        };
        // A ramp that is under way ends where it is.
        self.agenda
            .retain(|_, entry| !matches!(entry, Entry::Turn(layer) if knobs.contains(&layer.knob) && within(layer)));
        for &knob in knobs {
            self.change(at, knob, place, |layers| {
                layers.retain(|layer| layer.knob != knob || !within(layer));
                // A replica of a node whose fault goes on.
                if layers.iter().any(|layer| layer.covers(knob, place)) {
                    layers.push(Layer { id: FOR_GOOD, knob, place, value: knob.at_rest() });
                }
            });
        }
        match place {
            Place::Node(node) if knobs.len() == KNOBS.len() => {
                self.mend(at, |partition| partition.1 == node);
                self.reconnect(at, node);
            }
            Place::Replica(node, replica) if knobs.len() == KNOBS.len() => self.rejoin(at, node, replica),
            _ => {}
        }
    }

    /// Let one replica hear the others again; those who are cut off beside it stay so.
    fn rejoin(&mut self, at: Time, node: NodeId, replica: u16) {
        let bit = 1u64.checked_shl(replica.into()).unwrap_or(0);
        for partition in &mut self.partitions {
            let (_, of, a, b) = *partition;
            if of != node || (a | b) & bit == 0 {
                continue;
            }
            (partition.2, partition.3) = (a & !bit, b & !bit);
            // First what is left of it, so that at no instant everybody hears everybody.
            if partition.2 != 0 && partition.3 != 0 {
                self.patches.push((at, Patch::Control(node, Control::Part(partition.2, partition.3))));
            }
            self.patches.push((at, Patch::Control(node, Control::Join(a, b))));
        }
        self.partitions.retain(|(_, _, a, b)| *a != 0 && *b != 0);
    }

    /// End the cuts that partitions made on the links of a node. A link that was cut by itself stays cut.
    fn reconnect(&mut self, at: Time, node: NodeId) {
        let (plan, timeline) = (self.plan, &self.design.timeline);
        let is_cut = |layer: &Layer| {
            let of_node = matches!(layer.place, Place::Link(link)
                if [plan.links[link.index()].from, plan.links[link.index()].to].contains(&node));
            let by = timeline.get(layer.id).map(|intervention| &intervention.action);
            layer.knob == Knob::Cut && of_node && matches!(by, Some(Action::Partition(..)))
        };
        let cut: Vec<Layer> = self.layers.iter().filter(|layer| is_cut(layer)).copied().collect();
        for layer in cut {
            self.change(at, Knob::Cut, layer.place, |layers| {
                layers.retain(|other| (other.id, other.knob, other.place) != (layer.id, Knob::Cut, layer.place));
            });
        }
    }

    /// What a knob stands at: the latest layer that covers the place.
    fn value(&self, knob: Knob, place: Place) -> f64 {
        let top = self.layers.iter().rev().find(|layer| layer.covers(knob, place));
        top.map_or(knob.at_rest(), |layer| layer.value)
    }

    /// Change the layers of a knob, and say what is different then. What is done to a node is done to all its replicas,
    /// so that those that stand otherwise are turned once more.
    fn change(&mut self, at: Time, knob: Knob, place: Place, change: impl FnOnce(&mut Vec<Layer>)) {
        let whole = if let Place::Replica(node, _) = place { Place::Node(node) } else { place };
        let mut places = vec![whole, place];
        places.extend(self.layers.iter().filter(|layer| layer.knob == knob).map(|layer| layer.place));
        let mut replicas = Vec::new();
        for place in places {
            let inside = matches!(place, Place::Replica(node, _) if whole == Place::Node(node));
            if inside && !replicas.contains(&place) {
                replicas.push(place);
            }
        }
        let before: Vec<f64> = replicas.iter().map(|replica| self.value(knob, *replica)).collect();
        let before_all = self.value(knob, whole);
        change(&mut self.layers);
        let after_all = self.value(knob, whole);
        if after_all != before_all {
            self.patches.extend(knob.patch(whole, after_all).map(|patch| (at, patch)));
        }
        for (replica, before) in replicas.into_iter().zip(before) {
            let shown = if after_all == before_all { before } else { after_all };
            let after = self.value(knob, replica);
            if after != shown {
                self.patches.extend(knob.patch(replica, after).map(|patch| (at, patch)));
            }
        }
    }

    /// Cut every link between the two sets; the replicas of a node are told who no longer hears whom.
    fn begin_partition(&mut self, at: Time, id: usize, a: &[String], b: &[String]) {
        let side = |names: &[String], node: NodeId| names.iter().any(|name| self.find(name) == Some(Place::Node(node)));
        let across = |from, to| side(a, from) && side(b, to) || side(b, from) && side(a, to);
        let links = self.plan.links.iter().enumerate();
        let cut: Vec<usize> = links.filter(|(_, link)| across(link.from, link.to)).map(|(i, _)| i).collect();
        let mask = |names: &[String], node: NodeId| {
            let replicas = names.iter().filter_map(|name| match self.find(name) {
                Some(Place::Replica(of, replica)) if of == node => 1u64.checked_shl(replica.into()),
                _ => None,
            });
            replicas.fold(0, |mask, bit| mask | bit)
        };
        let nodes = (0..self.plan.nodes.len() as u32).map(NodeId);
        let sides =
            nodes.map(|node| (id, node, mask(a, node), mask(b, node))).filter(|(_, _, a, b)| *a != 0 && *b != 0);
        let sides: Vec<(usize, NodeId, u64, u64)> = sides.collect();
        for link in cut {
            self.turn(at, Layer { id, knob: Knob::Cut, place: Place::Link(LinkId(link as u32)), value: 1.0 });
        }
        for partition in sides {
            let (_, node, a, b) = partition;
            self.patches.push((at, Patch::Control(node, Control::Part(a, b))));
            self.partitions.push(partition);
        }
    }

    fn mend(&mut self, at: Time, which: impl Fn(&(usize, NodeId, u64, u64)) -> bool) {
        for partition in self.partitions.extract_if(.., |partition| which(partition)) {
            let (_, node, a, b) = partition;
            self.patches.push((at, Patch::Control(node, Control::Join(a, b))));
        }
    }

    // ---- parameters

    fn begin_setting(&mut self, at: Time, id: usize, path: &str, text: &str, ramp: Span) {
        let setting = |text: String| Setting { id, path: path.to_owned(), text };
        let mut goal = self.present.clone();
        let (Some(old), Ok(_)) = (parameter_text(&self.present, path), set_parameter(&mut goal, path, text)) else {
            return;
        };
        let Some(new) = parameter_text(&goal, path) else { return };
        if !ramp.is_zero()
            && let (Some(from), Some(to)) = (magnitude(&old), magnitude(&new))
        {
            for (t, number) in steps((from, to), at, ramp) {
                let fits = |text: &String| set_parameter(&mut goal.clone(), path, text).is_ok();
                if let Some(text) = texts_like(&new, number).into_iter().find(fits) {
                    self.note(t, Entry::Set(setting(text)));
                }
            }
        }
        self.note(at + ramp, Entry::Set(setting(text.to_owned())));
    }

    fn set(&mut self, at: Time, setting: Setting) {
        let path = setting.path.clone();
        match self.settings.iter_mut().find(|other| other.id == setting.id) {
            Some(before) => before.text = setting.text,
            None => self.settings.push(setting),
        }
        self.show_setting(at, &path);
    }

    fn show_setting(&mut self, at: Time, path: &str) {
        let top = self.settings.iter().rev().find(|setting| setting.path == path).map(|setting| setting.text.clone());
        let Some(text) = top.or_else(|| parameter_text(self.design, path)) else { return };
        if set_parameter(&mut self.present, path, &text).is_ok() {
            self.patches.extend(patch_of(&self.present, self.plan, path).map(|patch| (at, patch)));
        }
    }

    // ---- places

    fn find(&self, target: &str) -> Option<Place> {
        Some(match Target::find(self.design, target)? {
            Target::Node(name) => Place::Node(node_of(self.plan, name)?),
            Target::Replica(name, replica) => Place::Replica(node_of(self.plan, name)?, replica),
            Target::Link(name) => Place::Link(link_of(self.plan, name)?),
        })
    }
}

/// The values that a number takes on its way to the last, and when: in each step the mean of what a straight line has there, so
/// that as much comes in all.
fn steps((from, to): (f64, f64), at: Time, ramp: Span) -> Vec<(Time, f64)> {
    if ramp.is_zero() {
        return Vec::new();
    }
    let step = |i: u64| {
        let share = (i as f64 + 0.5) / RAMP_STEPS as f64;
        (at + Span(ramp.0 / RAMP_STEPS * i), from + (to - from) * share)
    };
    (0..RAMP_STEPS).map(step).collect()
}

fn node_of(plan: &Plan, name: &str) -> Option<NodeId> {
    plan.nodes.iter().position(|node| node.name == name).map(|i| NodeId(i as u32))
}

fn link_of(plan: &Plan, name: &str) -> Option<LinkId> {
    plan.links.iter().position(|link| link.name == name).map(|i| LinkId(i as u32))
}

/// The patch that brings a node or link to what the design says of it.
fn patch_of(design: &Design, plan: &Plan, path: &str) -> Option<Patch<Spec>> {
    let (target, _) = path.rsplit_once('.')?;
    if let Some(node) = design.nodes.get(target) {
        return Some(Patch::Retune(node_of(plan, target)?, node.kind.clone()));
    }
    Some(Patch::RetuneLink(link_of(plan, target)?, Box::new(link_config(design.link(target)?))))
}

#[cfg(test)]
mod tests;
