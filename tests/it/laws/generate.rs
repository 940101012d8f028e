//! Random designs from a seed: any kinds of the catalogue, branching and with cycles, with random parameters, policies and
//! interventions. What the checks refuse on the way is kept too.

use super::values;
use tailboard::base::{Finding, Ratio, Rng, Span};
use tailboard::design::{Action, Design, Extra, Intervention, LinkSpec, Node, RunSpec, WaitSpec, WarmUp, checks};
use tailboard::kinds::{KINDS, Meta, Outs, Param, Spec, Value};
use tailboard::run::Run;

/// A run is as long as so many events last, but no longer than [`LONGEST`].
pub const MOST_EVENTS: u64 = 12_000;
const LONGEST: Span = Span::from_secs(2);

/// A design that passes its checks, and what was refused on the way to it.
pub struct Made {
    pub design: Design,
    pub refused: Vec<(Design, Vec<Finding>)>,
}

pub fn design(seed: u64) -> Made {
    let mut rng = Rng::seeded(seed);
    // Half of the designs are tame, so that more than the edges is seen.
    let wild = [0.0, 0.0, 0.0, 0.05, 0.2, 0.5][rng.below(6) as usize];
    let run = RunSpec { length: LONGEST, warm_up: WarmUp::Auto };
    let made = Made { design: Design { seed, run, ..Design::default() }, refused: Vec::new() };
    let mut maker = Maker { rng, wild, made };
    maker.add_nodes();
    maker.add_links();
    maker.set_parameters();
    maker.order_calls();
    maker.shorten();
    maker.add_interventions();
    maker.shorten();
    maker.made
}

struct Maker {
    rng: Rng,
    wild: f64,
    made: Made,
}

impl Maker {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n.max(1) as u32) as usize
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// Do it, unless the checks refuse what comes of it.
    fn change(&mut self, change: impl FnOnce(&mut Design)) {
        let mut design = self.made.design.clone();
        change(&mut design);
        let findings = checks::check(&design);
        if checks::is_runnable(&findings) {
            self.made.design = design;
        } else {
            self.made.refused.push((design, findings));
        }
    }

    fn names(&self) -> Vec<String> {
        self.made.design.nodes.keys().cloned().collect()
    }

    fn meta(&self, node: &str) -> &'static Meta {
        self.made.design.nodes[node].kind.meta()
    }

    // ---- the graph

    fn add_node(&mut self, key: &str) -> String {
        let name = format!("{key}{}", self.made.design.nodes.len());
        let kind = Spec::new(key).expect("in the catalogue");
        self.change(|design| {
            design.nodes.insert(name.clone(), Node { kind, at: None, label: String::new() });
        });
        name
    }

    fn add_nodes(&mut self) {
        self.add_node("client");
        for _ in 0..1 + self.below(7) {
            let key = KINDS[self.below(KINDS.len())].key;
            self.add_node(key);
        }
    }

    fn add_link(&mut self, from: &str, to: &str) {
        let mut link = LinkSpec::new(from, to);
        let count = self.made.design.links.len();
        if self.made.design.link(&link.name()).is_some() {
            link.name = Some(format!("link{count}"));
        }
        self.change(|design| design.links.push(link));
    }

    /// Whether one more link can lead out of a node.
    fn can_call(&self, node: &str) -> bool {
        let used = self.made.design.links.iter().any(|link| link.from == node);
        match self.meta(node).outs {
            Outs::None => false,
            Outs::One => !used,
            Outs::Some | Outs::Any => true,
        }
    }

    fn add_links(&mut self) {
        // Somebody calls each node, if anybody can: mostly one that is called itself.
        let mut reached: Vec<String> = self.names().into_iter().filter(|name| !self.meta(name).accepts_calls).collect();
        let mut others: Vec<String> = self.names().into_iter().filter(|name| self.meta(name).accepts_calls).collect();
        while !others.is_empty() {
            let name = others.swap_remove(self.below(others.len()));
            let callers: Vec<String> = reached.iter().filter(|name| self.can_call(name)).cloned().collect();
            if !callers.is_empty() {
                let caller = self.pick(&callers).clone();
                self.add_link(&caller, &name);
            }
            reached.push(name);
        }
        // What must lead somewhere does.
        for name in self.names() {
            if self.meta(&name).outs == Outs::Some && !self.made.design.links.iter().any(|link| link.from == name) {
                let key = *self.pick(&["service", "worker"]);
                let end = self.add_node(key);
                self.add_link(&name, &end);
            }
        }
        // More of them, also back to where calls come from: less often than they come, or it would never end.
        for _ in 0..self.below(5) {
            let (names, last) = (self.names(), self.made.design.links.len());
            let (from, to) = (self.pick(&names).clone(), self.pick(&names).clone());
            if self.can_call(&from) && self.meta(&to).accepts_calls {
                self.add_link(&from, &to);
                if self.made.design.links.len() == last {
                    let link = LinkSpec { calls: 0.3, name: Some(format!("back{last}")), ..LinkSpec::new(&from, &to) };
                    self.change(|design| design.links.push(link));
                }
            }
        }
    }

    /// In which order, after what, and how many of a step to wait for.
    fn order_calls(&mut self) {
        for i in 0..self.made.design.links.len() {
            if self.rng.chance(0.4) {
                let step = 1 + self.below(3) as u16;
                self.change(|design| design.links[i].step = step);
            }
            let links = &self.made.design.links;
            let siblings = links.iter().filter(|link| link.from == links[i].from && link.name() != links[i].name());
            let siblings: Vec<(String, u16)> = siblings.map(|link| (link.name(), link.step)).collect();
            if !siblings.is_empty() && self.rng.chance(0.3) {
                let (name, step) = self.pick(&siblings).clone();
                let missed = self.rng.chance(0.5);
                self.change(|design| {
                    let link = &mut design.links[i];
                    link.step = link.step.max(step.saturating_add(1));
                    *(if missed { &mut link.when.after_miss } else { &mut link.when.after_failure }) = Some(name);
                });
            }
            if self.rng.chance(0.2) {
                let wait = *self.pick(&[WaitSpec::First, WaitSpec::Of(1), WaitSpec::Of(2), WaitSpec::Choose]);
                let (from, step) = (self.made.design.links[i].from.clone(), self.made.design.links[i].step);
                self.change(|design| {
                    let step = design.links.iter_mut().filter(|link| link.from == from && link.step == step);
                    step.for_each(|link| link.wait = wait);
                });
            }
        }
    }

    // ---- parameters

    /// Parameters of a node or link, by name.
    fn parameters(&self, target: &str) -> Vec<Param> {
        let mut found = Vec::new();
        let mut note = |param: &Param, _: &mut dyn Value| found.push(*param);
        match self.made.design.nodes.get(target) {
            Some(node) => node.kind.clone().visit(&mut note),
            None => LinkSpec::default().visit(&mut note),
        }
        found
    }

    fn set_parameters(&mut self) {
        for name in self.names() {
            for param in self.parameters(&name) {
                if self.rng.chance(0.25) {
                    self.set(&name, param.name);
                }
            }
        }
        for link in self.made.design.links.clone() {
            for param in self.parameters(&link.name()) {
                if self.rng.chance(0.12) {
                    self.set(&link.name(), param.name);
                }
            }
        }
    }

    fn set(&mut self, target: &str, param: &str) {
        let mut design = self.made.design.clone();
        let text = self.text(&mut design, target, param);
        if let Some(text) = text {
            self.change(|old| set_text(old, target, param, &text));
        }
    }

    /// A random value of a parameter.
    fn text(&mut self, design: &mut Design, target: &str, wanted: &str) -> Option<String> {
        let (rng, wild, mut text) = (&mut self.rng, self.wild, None);
        let mut visit = |param: &Param, value: &mut dyn Value| {
            if param.name == wanted {
                values::change(rng, param, value, wild);
                text = Some(value.text());
            }
        };
        match design.nodes.get_mut(target) {
            Some(node) => node.kind.visit(&mut visit),
            None => design.links.iter_mut().find(|link| link.name() == target)?.visit(&mut visit),
        }
        text
    }

    // ---- what is done to it

    fn add_interventions(&mut self) {
        let length = self.made.design.run.length.0;
        for _ in 0..*self.pick(&[0, 0, 1, 2, 4, 7]) {
            let Some(action) = self.action() else { continue };
            let at = Span(length / 40 * self.below(40) as u64);
            let lasting = self.rng.chance(0.7).then(|| Span(length / 40 * self.below(20) as u64));
            let ramp = lasting.filter(|_| self.rng.chance(0.2)).map(|lasting| Span(lasting.0 / 2));
            self.change(|design| design.timeline.push(Intervention { at, lasting, ramp, action }));
        }
    }

    fn action(&mut self) -> Option<Action> {
        let names = self.names();
        let node = self.pick(&names).clone();
        let links: Vec<String> = self.made.design.links.iter().map(LinkSpec::name).collect();
        if links.is_empty() {
            return None;
        }
        let link = self.pick(&links).clone();
        let replica = format!("{node}#{}", self.below(4));
        // A node, one of its replicas, or a link.
        let any = self.pick(&[&node, &node, &replica, &link]).to_string();
        let factor = *self.pick(&[0.0, 0.2, 1.0, 3.0, 50.0, if self.wild > 0.0 { 1e6 } else { 10.0 }]);
        let share = Ratio(*self.pick(&[0.0, 0.1, 0.5, 1.0]));
        Some(match self.below(16) {
            0 | 1 => {
                let target = self.pick(&[&node, &link]).to_string();
                let live: Vec<Param> = self.parameters(&target).into_iter().filter(|param| param.live).collect();
                let param = live.get(self.below(live.len()))?.name;
                let text = self.text(&mut self.made.design.clone(), &target, param)?;
                Action::Set(format!("{target}.{param}"), text)
            }
            2 | 3 => Action::Kill(any),
            4 => Action::Restart(any),
            5 => Action::Slow(any, factor),
            6 => Action::Fail(any, share),
            7 => Action::Lose(link, share),
            8 => Action::Delay(link, Extra::Both(Span::from_millis(20))),
            9 => {
                let other = self.pick(&names).clone();
                let both = [(vec![node.clone()], vec![other]), (vec![format!("{node}#0")], vec![format!("{node}#1")])];
                let (a, b) = self.pick(&both).clone();
                Action::Partition(a, b)
            }
            10 => Action::Hold(link),
            11 => Action::Freeze(any),
            12 => Action::Flush(node),
            13 => Action::Pause(node),
            14 => Action::Spike(names.into_iter().find(|name| name.starts_with("client"))?, factor),
            _ => Action::Heal(any),
        })
    }

    /// No longer than a bounded number of events lasts.
    fn shorten(&mut self) {
        let Ok(mut run) = Run::new(&self.made.design) else { return };
        if !run.advance_events(run.length(), MOST_EVENTS) {
            let length = Span(run.now().0.max(1));
            self.change(|design| design.run.length = length);
        }
    }
}

/// Set a parameter that is known to take this text.
fn set_text(design: &mut Design, target: &str, wanted: &str, text: &str) {
    let mut visit = |param: &Param, value: &mut dyn Value| {
        if param.name == wanted {
            let _ = value.set(text);
        }
    };
    match design.nodes.get_mut(target) {
        Some(node) => node.kind.visit(&mut visit),
        None => {
            if let Some(link) = design.links.iter_mut().find(|link| link.name() == target) {
                link.visit(&mut visit);
            }
        }
    }
}
