//! Where a design draws from a distribution of infinite variance.

use crate::base::ron::{self, Tree, Value as Said};
use crate::base::{LinkId, NodeId};
use crate::design::{Action, Design, LinkSpec, set_parameter};
use crate::engine::{Place, Plan};
use crate::kinds::{Param, Value};
use crate::metrics::HeavyTail;
use std::collections::BTreeMap;

/// All such places, in the order of the plan, then those that the timeline sets.
pub fn heavy_tails(design: &Design, plan: &Plan) -> Vec<HeavyTail> {
    let mut tails = tails_of(design, plan);
    for intervention in design.timeline.iter().filter(|intervention| intervention.at < design.run.length) {
        let Action::Set(path, text) = &intervention.action else { continue };
        // Most values have nothing of the kind: what is set is looked at in its place only if it may.
        let mut set = design.clone();
        if text.contains("Pareto") && set_parameter(&mut set, path, text).is_ok() {
            let new =
                |tail: &HeavyTail| !tails.iter().any(|other| (other.place, &other.param) == (tail.place, &tail.param));
            let added: Vec<HeavyTail> = tails_of(&set, plan).into_iter().filter(new).collect();
            tails.extend(added);
        }
    }
    tails
}

fn tails_of(design: &Design, plan: &Plan) -> Vec<HeavyTail> {
    let mut tails = Vec::new();
    let mut look = |place: Place, param: &Param, value: &dyn Value| {
        // Whoever loses patience late is served before: how long it would have waited is not what it waits.
        if param.name != "max_wait"
            && let Some(alpha) = pareto(&ron::parse(&value.text()))
        {
            tails.push(HeavyTail { place, param: param.name.to_owned(), alpha });
        }
    };
    for (i, node) in design.nodes.values().enumerate() {
        let place = Place::Node(NodeId(i as u32));
        node.kind.clone().visit(&mut |param: &Param, value: &mut dyn Value| look(place, param, value));
    }
    let by_name: BTreeMap<String, &LinkSpec> = design.links.iter().map(|link| (link.name(), link)).collect();
    for (i, planned) in plan.links.iter().enumerate() {
        let spec = by_name.get(&planned.name).map(|&link| link.clone());
        let mut visitor = |param: &Param, value: &mut dyn Value| look(Place::Link(LinkId(i as u32)), param, value);
        spec.into_iter().for_each(|mut link| link.visit(&mut visitor));
    }
    tails
}

/// The alpha of a Pareto distribution without a variance, wherever it stands in a value. What is clipped has one.
fn pareto(tree: &Tree) -> Option<f64> {
    let name = tree.name().map(|name| name.text.as_str());
    match &tree.value {
        _ if name == Some("Clipped") => None,
        Said::Fields { fields, .. } if name == Some("Pareto") => {
            let alpha = fields.iter().find(|field| field.name.text == "alpha")?;
            let Said::Number(alpha) = alpha.value.value else { return None };
            let alpha = match alpha {
                ron::Number::Integer(n) => n as f64,
                ron::Number::Float(x) => x,
            };
            (alpha <= 2.0).then_some(alpha)
        }
        Said::Fields { fields, .. } => fields.iter().find_map(|field| pareto(&field.value)),
        Said::Tuple { items, .. } | Said::List(items) => items.iter().find_map(pareto),
        Said::Map(entries) => entries.iter().find_map(|entry| pareto(&entry.value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heavy_tail_is_found_wherever_it_stands() {
        let found = |text: &str| pareto(&ron::parse(text));
        assert_eq!(found(r#"Pareto(min: "1ms", alpha: 1.5)"#), Some(1.5));
        assert_eq!(found(r#"Pareto(min: "1ms", alpha: 2)"#), Some(2.0));
        assert_eq!(found(r#"Pareto(min: "1ms", alpha: 2.1)"#), None);
        assert_eq!(found(r#"Mixture([(0.9, "1ms"), (0.1, Pareto(min: "1ms", alpha: 1.2))])"#), Some(1.2));
        assert_eq!(found(r#"Clipped(of: Pareto(min: "1ms", alpha: 1.2), min: "0s", max: "1s")"#), None);
        assert_eq!(found(r#"{"read": Pareto(min: "1ms", alpha: 1.1)}"#), Some(1.1));
        assert_eq!(found(r#"Closed(users: 4, think: Pareto(min: "1ms", alpha: 1.9))"#), Some(1.9));
        assert_eq!(found(r#""5ms""#), None);
    }
}
