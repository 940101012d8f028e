//! The smallest design that still breaks a law.

use super::held::{remove_link, remove_node};
use tailboard::design::{Design, LinkSpec, checks};
use tailboard::kinds::{Param, Spec, Value};

/// Tries at most, for each design that breaks a law.
const MOST_TRIES: usize = 600;

/// Take away what can be taken away while `fails` holds.
pub fn smallest(design: &Design, fails: impl Fn(&Design) -> bool) -> Design {
    let (mut small, mut tries) = (design.clone(), 0);
    loop {
        let smaller = candidates(&small).into_iter().find(|candidate| {
            tries += 1;
            tries < MOST_TRIES && checks::is_runnable(&checks::check(candidate)) && fails(candidate)
        });
        match smaller {
            Some(smaller) => small = smaller,
            None => return small,
        }
    }
}

/// Designs with one thing less, those that lack most first.
fn candidates(design: &Design) -> Vec<Design> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Design)| {
        let mut changed = design.clone();
        change(&mut changed);
        if changed != *design {
            all.push(changed);
        }
    };
    add(&|design| design.timeline.clear());
    add(&|design| design.run.length.0 /= 2);
    for name in design.nodes.keys() {
        add(&|design| remove_node(design, name));
    }
    for i in 0..design.timeline.len() {
        add(&|design| drop(design.timeline.remove(i)));
    }
    for link in &design.links {
        add(&|design| remove_link(design, &link.name()));
    }
    for i in 0..design.links.len() {
        let LinkSpec { from, to, name, .. } = design.links[i].clone();
        let plain = LinkSpec { name, ..LinkSpec::new(&from, &to) };
        add(&|design| design.links[i] = plain.clone());
    }
    for (name, node) in &design.nodes {
        let plain = Spec::new(node.kind.meta().key).expect("in the catalogue");
        add(&|design| design.nodes.get_mut(name).expect("there").kind = plain.clone());
        for (param, text) in parameters(&mut |visitor| plain.clone().visit(visitor)) {
            add(&|design| design.nodes.get_mut(name).expect("there").kind.visit(&mut setter(param, &text)));
        }
    }
    for i in 0..design.links.len() {
        for (param, text) in parameters(&mut |visitor| LinkSpec::default().visit(visitor)) {
            add(&|design| design.links[i].visit(&mut setter(param, &text)));
        }
    }
    all
}

/// Parameters with their texts.
fn parameters(visit: &mut dyn FnMut(&mut dyn tailboard::kinds::Visitor)) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    visit(&mut |param: &Param, value: &mut dyn Value| all.push((param.name, value.text())));
    all
}

/// Sets one parameter.
fn setter<'t>(wanted: &'t str, text: &'t str) -> impl FnMut(&Param, &mut dyn Value) + use<'t> {
    move |param, value| {
        if param.name == wanted {
            let _ = value.set(text);
        }
    }
}
