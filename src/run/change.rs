//! What the difference between two designs means for a run of the first.

use crate::design::{Design, LinkSpec};
use crate::kinds::{Param, Spec, Value, Visitor};
use std::collections::BTreeMap;

/// What becomes of a run when its design is edited. Timelines are not compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Nothing that a run depends on.
    Cosmetic,
    /// These live parameters, by path, with their new text.
    Live(Vec<(String, String)>),
    /// Something that only a new run can have.
    Structural,
}

/// From one design to another.
pub fn change(old: &Design, new: &Design) -> Change {
    let mut settings = Vec::new();
    let same = (old.seed, old.run) == (new.seed, new.run)
        && old.nodes.keys().eq(new.nodes.keys())
        && old.nodes.iter().zip(new.nodes.values()).all(|((name, old), new)| {
            live((name, &old.kind, &new.kind), |spec: &mut Spec, visitor| spec.visit(visitor), &mut settings)
        })
        && links(old, new, &mut settings);
    match same {
        false => Change::Structural,
        true if settings.is_empty() => Change::Cosmetic,
        true => Change::Live(settings),
    }
}

/// The order of links means nothing.
fn links(old: &Design, new: &Design, settings: &mut Vec<(String, String)>) -> bool {
    let by_name = |design: &Design| -> BTreeMap<String, LinkSpec> {
        design.links.iter().map(|link| (link.name(), link.clone())).collect()
    };
    let (olds, news) = (by_name(old), by_name(new));
    (olds.len(), news.len()) == (old.links.len(), new.links.len())
        && olds.keys().eq(news.keys())
        && olds.iter().zip(news.values()).all(|((name, old), new)| {
            live((name, old, new), |link: &mut LinkSpec, visitor| link.visit(visitor), settings)
        })
}

/// Whether two things are the same but for live parameters, which are noted.
fn live<T: Clone + PartialEq>(
    (name, old, new): (&str, &T, &T),
    visit: impl Fn(&mut T, &mut dyn Visitor),
    settings: &mut Vec<(String, String)>,
) -> bool {
    if old == new {
        return true;
    }
    let mut texts = BTreeMap::new();
    visit(&mut new.clone(), &mut |param: &Param, value: &mut dyn Value| {
        if param.live {
            texts.insert(param.name, value.text());
        }
    });
    let mut tuned = old.clone();
    visit(&mut tuned, &mut |param: &Param, value: &mut dyn Value| {
        if let Some(text) = texts.get(param.name).filter(|text| **text != value.text()) {
            // What cannot be set from its own text leaves a difference behind.
            let _ = value.set(text);
            settings.push((format!("{name}.{}", param.name), text.clone()));
        }
    });
    tuned == *new
}
