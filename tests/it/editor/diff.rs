//! What lies between two designs.

use super::random::{Edits, nodes_of};
use super::{DESIGN, design};
use tailboard::design::{Design, LinkSpec, set_parameter};
use tailboard::editor::diff::Changed;
use tailboard::editor::{Diff, Edit, Reach, apply};
use tailboard::kinds::{KINDS, Param, Spec, Value};

fn reach(edit: &Edit) -> (Diff, Reach) {
    let before = design(DESIGN);
    let after = apply(&before, edit).unwrap_or_else(|e| panic!("{edit:?}: {e}")).design;
    let diff = Diff::between(&before, &after);
    let reach = diff.reach();
    (diff, reach)
}

fn set(target: &str, param: &str, text: &str) -> Edit {
    Edit::Set { targets: vec![target.to_owned()], param: param.to_owned(), text: text.to_owned() }
}

#[test]
fn how_far_a_change_reaches() {
    assert_eq!(reach(&Edit::All(vec![])), (Diff::default(), Reach::Nothing));
    for edit in [
        Edit::SetTitle("x".into()),
        Edit::Move(vec![("api".into(), (1.0, 2.0))]),
        Edit::SetLabel { node: "api".into(), label: "API".into() },
        Edit::RemoveExpectation(0),
    ] {
        assert_eq!(reach(&edit).1, Reach::Cosmetic, "{edit:?}");
    }
    assert_eq!(reach(&set("api", "slots", "9")).1, Reach::Live);
    assert_eq!(reach(&set("api->db", "timeout", "9ms")).1, Reach::Live);
    for edit in [
        set("api->db", "step", "3"),
        Edit::SetSeed(99),
        Edit::RemoveIntervention(0),
        Edit::Splice { node: "spare".into(), link: "limiter->api".into() },
        Edit::RenameNode { from: "api".into(), to: "web".into() },
    ] {
        assert_eq!(reach(&edit).1, Reach::Recompile, "{edit:?}");
    }
}

#[test]
fn what_is_different_is_named() {
    let (diff, _) = reach(&Edit::All(vec![
        Edit::Splice { node: "spare".into(), link: "limiter->api".into() },
        set("api", "slots", "9"),
        set("db", "read", "9ms"),
        Edit::Remove { nodes: vec!["cache".into()], links: vec![], heal: false },
    ]));
    assert_eq!(diff.removed_nodes, ["cache"]);
    assert_eq!(diff.added_links, ["limiter->spare", "spare->api"]);
    assert_eq!(diff.removed_links, ["api->cache", "limiter->api"]);
    assert!(diff.live_nodes.contains(&Changed { name: "api".into(), params: vec!["slots"] }), "{diff:?}");
    // The condition on the cache is gone.
    assert_eq!(diff.restarted_links, [Changed { name: "api->db".into(), params: vec!["when"] }]);
    assert_eq!(diff.removed_interventions.len(), 2);
}

#[test]
fn an_intervention_by_hand_is_told_apart() {
    let before = design(DESIGN);
    let strike = before.timeline[0].clone();
    let (diff, reach) = reach(&Edit::AddIntervention(strike.clone()));
    assert_eq!((&diff.added_interventions[..], reach), (&[strike.clone()][..], Reach::Recompile));
    assert!(diff.is_only_interventions());
    let both = Edit::All(vec![Edit::AddIntervention(strike), Edit::SetSeed(5)]);
    assert!(!self::reach(&both).0.is_only_interventions());
    assert!(!self::reach(&Edit::SetTitle("x".into())).0.is_only_interventions());
}

/// Every example of every parameter of every kind, and of links: reported by name, and live where the parameter is.
#[test]
fn every_parameter_is_seen() {
    let mut seen = 0;
    let mut look = |target: &str, base: &Design, param: &Param| {
        for example in param.examples {
            let mut after = base.clone();
            let live = set_parameter(&mut after, &format!("{target}.{}", param.name), example);
            assert_eq!(live, Ok(param.live), "{target}.{} = {example}", param.name);
            let diff = Diff::between(base, &after);
            let changed = Changed { name: target.to_owned(), params: vec![param.name] };
            let lists = [&diff.live_nodes, &diff.live_links, &diff.restarted_nodes, &diff.restarted_links];
            let wanted = lists.map(|list| list.contains(&changed));
            let node = usize::from(target == "a->it");
            let expected = if param.live { node } else { 2 + node };
            assert!((0..4).all(|i| wanted[i] == (i == expected)), "{target}.{} = {example}: {diff:?}", param.name);
            assert_eq!(diff.reach(), if param.live { Reach::Live } else { Reach::Recompile });
            let kept = diff.kept_nodes(&after).contains(&"it");
            assert_eq!(kept, param.live || node == 1);
            seen += 1;
        }
    };
    for meta in KINDS {
        let text = format!(r#"(nodes: {{ "a": (kind: service()), "it": (kind: {}()) }})"#, meta.key);
        let mut params: Vec<Param> = Vec::new();
        let mut spec = Spec::new(meta.key).unwrap_or_else(|| panic!("{}", meta.key));
        spec.visit(&mut |param: &Param, _: &mut dyn Value| params.push(*param));
        let mut base = design(&text);
        params.iter().for_each(|param| look("it", &base, param));
        if meta.key == "service" {
            base.links.push(LinkSpec::new("a", "it"));
            let mut params: Vec<Param> = Vec::new();
            base.links[0].visit(&mut |param: &Param, _: &mut dyn Value| params.push(*param));
            params.iter().for_each(|param| look("a->it", &base, param));
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn another_kind_of_the_same_name_is_a_replacement() {
    let before = design(DESIGN);
    let mut after = before.clone();
    if let (Some(node), Some(kind)) = (after.nodes.get_mut("cache"), Spec::new("database")) {
        node.kind = kind;
    }
    let diff = Diff::between(&before, &after);
    assert_eq!((diff.replaced_nodes.clone(), diff.reach()), (vec!["cache".to_owned()], Reach::Recompile));
    assert!(!diff.kept_nodes(&after).contains(&"cache") && diff.kept_nodes(&after).len() == 5);
}

/// Take over from the later design only what a diff names: it must be all there is.
fn patched(before: &Design, after: &Design, diff: &Diff) -> Design {
    let mut made = before.clone();
    diff.removed_nodes.iter().for_each(|name| drop(made.nodes.remove(name)));
    for name in diff.added_nodes.iter().chain(&diff.replaced_nodes) {
        made.nodes.insert(name.clone(), after.nodes[name].clone());
    }
    for name in &diff.redrawn {
        let (mine, theirs) = (made.nodes.get_mut(name).unwrap_or_else(|| panic!("{name}")), &after.nodes[name]);
        (mine.at, mine.label) = (theirs.at, theirs.label.clone());
    }
    for changed in diff.live_nodes.iter().chain(&diff.restarted_nodes) {
        for param in &changed.params {
            let mut text = None;
            after.nodes[&changed.name].kind.clone().visit(&mut |other: &Param, value: &mut dyn Value| {
                if other.name == *param {
                    text = Some(value.text());
                }
            });
            let set = made.nodes.get_mut(&changed.name).map(|node| node.kind.set(param, &text.unwrap_or_default()));
            assert_eq!(set, Some(Ok(())));
        }
    }
    made.links.retain(|link| !diff.removed_links.contains(&link.name()));
    let theirs = |name: &str| after.links.iter().find(|link| link.name() == name);
    for name in &diff.added_links {
        made.links.extend(theirs(name).cloned());
    }
    let changed = diff.live_links.iter().chain(&diff.restarted_links).map(|changed| &changed.name);
    for name in changed.chain(&diff.rewired_links) {
        let mine = made.links.iter_mut().find(|link| link.name() == *name);
        mine.into_iter().zip(theirs(name)).for_each(|(mine, theirs)| *mine = theirs.clone());
    }
    made.timeline.retain(|item| !diff.removed_interventions.contains(item));
    made.timeline.extend(diff.added_interventions.clone());
    made
}

#[test]
fn a_diff_names_all_there_is() {
    for seed in 0..60 {
        println!("seed {seed}");
        let before = design(DESIGN);
        let mut edits = Edits::seeded(seed);
        let mut after = before.clone();
        for _ in 0..8 {
            let edit = edits.next(&after);
            after = apply(&after, &edit).map_or(after, |edited| edited.design);
        }
        let diff = Diff::between(&before, &after);
        let mut made = patched(&before, &after, &diff);
        let sorted = |design: &Design| {
            let mut links = design.links.clone();
            links.sort_by_key(LinkSpec::name);
            links
        };
        assert_eq!(nodes_of(&made), nodes_of(&after), "{diff:?}");
        assert_eq!(sorted(&made), sorted(&after), "{diff:?}");
        let text = |design: &Design| {
            let mut items: Vec<String> = design.timeline.iter().map(|item| format!("{item:?}")).collect();
            items.sort();
            items
        };
        assert_eq!(text(&made), text(&after));
        let words = |design: &Design| (design.title.clone(), design.question.clone(), design.notes.clone());
        assert_eq!(diff.words, words(&before) != words(&after));
        assert_eq!((diff.seed, diff.run), (before.seed != after.seed, before.run != after.run));
        assert_eq!(diff.expectations, before.expect != after.expect);
        made.clone_from(&after);
        assert_eq!(Diff::between(&made, &after).reach(), Reach::Nothing);
    }
}
