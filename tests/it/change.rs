//! What an edit means for a run: told apart by what may change while running, with settings that lead from one design to
//! the other, and the same numbers as a run of the other from the beginning.

use crate::catalogue::{kind_scenario, link_design, link_parameters, node_of, parameters, prepare, prepare_link};
use std::collections::BTreeSet;
use tailboard::base::Span;
use tailboard::design::{Action, Design, Intervention, set_parameter};
use tailboard::export;
use tailboard::kinds::{KINDS, Param};
use tailboard::run::{Change, Run, change};

/// Live parameters for which it makes a difference whether they are set when the run begins, or have been so: why.
const HAPPENED_BEFORE: &[(&str, &str)] = &[
    ("client.rate", "when the first request comes was drawn already, and is drawn again"),
    ("client.arrivals", "when the first request comes was drawn already, and is drawn again"),
    ("client.shape", "when the first request comes was drawn already, and is drawn again"),
    ("autoscaler.min", "it has had its first look, after which it rests"),
    ("sharded_store.shards", "the keys were there already, and move"),
];

/// A parameter of a node or link, and a design in which its examples mean something.
struct Case {
    /// As it stands in the tables: by kind, or as that of a link.
    title: String,
    param: Param,
    path: String,
    design: Design,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for meta in KINDS {
        let scenario = kind_scenario(meta.key);
        let node = node_of(&scenario, meta.key);
        for (param, _) in parameters(&scenario.nodes[&node].kind) {
            let title = format!("{}.{}", meta.key, param.name);
            let mut design = scenario.clone();
            prepare(&mut design, &node, &title);
            cases.push(Case { title, param, path: format!("{node}.{}", param.name), design });
        }
    }
    for param in link_parameters() {
        for link in ["api->db", "api->store"] {
            let mut design = link_design();
            prepare_link(&mut design, link, param.name);
            let title = format!("link.{}", param.name);
            cases.push(Case { title, param, path: format!("{link}.{}", param.name), design });
        }
    }
    cases
}

/// Each case with each of its examples that is another value than the design has.
fn edits() -> impl Iterator<Item = (Case, Design)> {
    cases().into_iter().flat_map(|case| {
        let of = |example: &&str| {
            let mut edited = case.design.clone();
            set_parameter(&mut edited, &case.path, example).unwrap_or_else(|e| panic!("{}={example}: {e}", case.path));
            (edited != case.design).then_some(edited)
        };
        let edited: Vec<Design> = case.param.examples.iter().filter_map(of).collect();
        assert!(!edited.is_empty(), "{} has no example that is another value", case.title);
        edited.into_iter().map(move |edited| {
            let Case { title, param, path, design } = &case;
            (Case { title: title.clone(), param: *param, path: path.clone(), design: design.clone() }, edited)
        })
    })
}

#[test]
fn every_parameter_is_live_or_structural_as_it_says() {
    for (case, edited) in edits() {
        let Case { title, param, path, design } = case;
        let change = change(&design, &edited);
        if !param.live {
            assert_eq!(change, Change::Structural, "{title}");
            continue;
        }
        let Change::Live(settings) = change else { panic!("{title} is live, and this is {change:?}") };
        assert!(matches!(settings.as_slice(), [(of, _)] if *of == path), "{title}: {settings:?}");
        let mut led = design.clone();
        for (path, text) in &settings {
            assert_eq!(set_parameter(&mut led, path, text), Ok(true), "{title}: {path} = {text}");
        }
        assert!(led == edited, "{title}: {settings:?} leads elsewhere");
    }
}

#[test]
fn live_edits_of_everything_at_once_lead_to_the_other_design() {
    let mut edited = link_design();
    let old = edited.clone();
    let mut wanted = BTreeSet::new();
    let of_nodes = ["users", "api", "store"].into_iter().flat_map(|node| {
        let all = parameters(&old.nodes[node].kind).into_iter();
        all.map(move |(param, _)| (format!("{node}.{}", param.name), param))
    });
    let of_link = link_parameters().into_iter().map(|param| (format!("api->db.{}", param.name), param));
    for (path, param) in of_nodes.chain(of_link).filter(|(_, param)| param.live) {
        let before = edited.clone();
        set_parameter(&mut edited, &path, param.examples[0]).unwrap_or_else(|e| panic!("{path}: {e}"));
        if edited != before {
            wanted.insert(path);
        }
    }
    let Change::Live(settings) = change(&old, &edited) else { panic!("all of them are live") };
    assert_eq!(settings.iter().map(|(path, _)| path.clone()).collect::<BTreeSet<_>>(), wanted);
    let mut led = old.clone();
    settings.iter().for_each(|(path, text)| assert_eq!(set_parameter(&mut led, path, text), Ok(true), "{path}"));
    assert!(led == edited);
    // With one that is not live among them, there is no way there but a new run.
    set_parameter(&mut edited, "api.runtime", "EventLoop").expect("a run-time");
    assert_eq!(change(&old, &edited), Change::Structural);
}

#[test]
fn what_a_run_does_not_depend_on_is_cosmetic() {
    let old = kind_scenario("cache");
    assert_eq!(change(&old, &old), Change::Cosmetic);
    let redrawn: [fn(&mut Design); 7] = [
        |design| "another".clone_into(&mut design.title),
        |design| "Why?".clone_into(&mut design.question),
        |design| "Because.".clone_into(&mut design.notes),
        |design| design.nodes.values_mut().for_each(|node| node.at = Some((1.0, 2.0))),
        |design| design.nodes.values_mut().for_each(|node| "x".clone_into(&mut node.label)),
        |design| design.expect.clear(),
        |design| design.links.reverse(),
    ];
    for redraw in redrawn {
        let mut new = old.clone();
        redraw(&mut new);
        assert!(new != old);
        assert_eq!(change(&old, &new), Change::Cosmetic, "{new:?}");
    }
    let rebuilt: [fn(&mut Design); 6] = [
        |design| design.seed += 1,
        |design| design.run.length = Span::from_secs(7),
        |design| design.nodes.extend([("new".to_owned(), design.nodes["cache"].clone())]),
        |design| drop(design.nodes.pop_last()),
        |design| drop(design.links.pop()),
        |design| design.links[0].name = Some("by another name".to_owned()),
    ];
    for rebuild in rebuilt {
        let mut new = old.clone();
        rebuild(&mut new);
        assert_eq!(change(&old, &new), Change::Structural, "{new:?}");
    }
}

/// Everything that a run of the design shows, with these things done when it begins.
fn shown(design: &Design, done: Vec<Action>) -> String {
    let mut design = design.clone();
    design.expect.clear();
    let at_once = |action| Intervention { at: Span::ZERO, lasting: None, ramp: None, action };
    design.timeline.extend(done.into_iter().map(at_once));
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.advance(run.length());
    let mut report = run.report();
    // To set something is an event too.
    report.events = 0;
    serde_json::to_string(&report).expect("a report") + &export::csv(run.recorder()).expect("a series")
}

#[test]
fn what_is_set_when_a_run_begins_is_as_if_it_had_been_so() {
    let mut different = BTreeSet::new();
    for (case, edited) in edits().filter(|(case, _)| case.param.live) {
        let Change::Live(settings) = change(&case.design, &edited) else { panic!("{} is live", case.title) };
        let sets = settings.into_iter().map(|(path, text)| Action::Set(path, text)).collect();
        // Something that does nothing, so that neither run is taken for a steady one.
        let nothing = Action::Heal(node_of(&edited, "client"));
        if shown(&case.design, sets) != shown(&edited, vec![nothing]) {
            different.insert(case.title);
        }
    }
    let told: BTreeSet<String> = HAPPENED_BEFORE.iter().map(|(title, _)| (*title).to_owned()).collect();
    assert_eq!(different, told, "what differs, and HAPPENED_BEFORE");
}
