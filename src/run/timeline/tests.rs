//! What timelines do, patch by patch.

use super::*;
use crate::base::ron;
use crate::kinds::{Param, Value};
use crate::run::compile;

/// What the timeline does, a line for each patch: the second and what is done.
fn told(timeline: &str) -> Vec<String> {
    let text = format!(
        r#"(
        run: (length: "60s"),
        nodes: {{
            "users": (kind: client(rate: "10/s")),
            "api": (kind: service(replicas: 4, slots: 8)),
            "db": (kind: database(replicas: 3)),
        }},
        links: [(from: "users", to: "api", timeout: "1s"), (from: "api", to: "db", timeout: "1s")],
        timeline: [{timeline}],
    )"#
    );
    let reading = ron::read::<Design>(&text);
    let design = reading.value.unwrap_or_else(|| panic!("{:?}", reading.problems));
    let (plan, _) = compile::compile(&design);
    let name = |place: &Place| match place {
        Place::Node(node) => plan.nodes[node.index()].name.clone(),
        Place::Replica(node, replica) => format!("{}#{replica}", plan.nodes[node.index()].name),
        Place::Link(link) => plan.links[link.index()].name.clone(),
    };
    let line = |(at, patch): &(Time, Patch<Spec>)| match patch {
        Patch::Fault(place, fault) => format!("{} {} {fault:?}", at.as_secs(), name(place)),
        Patch::Control(node, control) => format!("{} {} {control:?}", at.as_secs(), name(&Place::Node(*node))),
        Patch::Retune(_, spec) => {
            let mut shown = String::new();
            spec.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
                if ["slots", "queue_limit"].contains(&param.name) {
                    shown += &format!(" {} {}", param.name, value.text());
                }
            });
            format!("{}{shown}", at.as_secs())
        }
        Patch::RetuneLink(_, config) => format!("{} timeout {:?}", at.as_secs(), config.timeout),
    };
    patches(&design, &plan).iter().map(line).collect()
}

#[test]
fn settings_that_overlap_do_not_undo_each_other() {
    let told = told(
        r#"(at: "1s", lasting: "9s", do: Set("api.slots", "1")), (at: "2s", lasting: "2s", do: Set("api.queue_limit", "7")),
        (at: "5s", do: Set("api.slots", "2"))"#,
    );
    let wanted = [
        "1 slots 1 queue_limit 1000",
        "2 slots 1 queue_limit 7",
        "4 slots 1 queue_limit 1000",
        "5 slots 2 queue_limit 1000",
        "10 slots 2 queue_limit 1000",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn faults_that_overlap_end_each_in_its_time() {
    let told = told(
        r#"(at: "1s", lasting: "20s", do: Kill("api#1")), (at: "2s", lasting: "3s", do: Kill("api")),
        (at: "6s", lasting: "4s", do: Slow("api", 2.0)), (at: "7s", lasting: "6s", do: Slow("api", 3.0))"#,
    );
    let wanted = [
        "1 api#1 Kill",
        "2 api Kill",
        "5 api Restart",
        "5 api#1 Kill",
        "6 api Slow(2.0)",
        "7 api Slow(3.0)",
        "13 api Slow(1.0)",
        "21 api#1 Restart",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_ramp_starts_from_what_is_there_and_what_it_hides_comes_back() {
    let told = told(
        r#"(at: "1s", do: Set("users->api.timeout", "2s")), (at: "2s", lasting: "30s", ramp: "20s", do: Set("users->api.timeout", "4s"))"#,
    );
    let span = |ms| format!("timeout {:?}", Some(Span::from_millis(ms)));
    assert_eq!(told.len(), 1 + 20 + 1 + 1);
    assert_eq!(told[0], format!("1 {}", span(2000)));
    assert_eq!(told[1], format!("2 {}", span(2050)));
    assert_eq!(told[21], format!("22 {}", span(4000)));
    assert_eq!(told[22], format!("32 {}", span(2000)));
}

#[test]
fn partitions_heal_one_by_one_and_a_restart_ends_a_kill() {
    let told = told(
        r#"(at: "1s", lasting: "5s", do: Partition(["users"], ["api"])), (at: "2s", lasting: "1s", do: Partition(["users", "db"], ["api"])),
        (at: "10s", lasting: "2s", do: Partition(["db#0"], ["db#1", "db#2"])), (at: "20s", do: Kill("api")), (at: "30s", do: Restart("api#2")),
        (at: "40s", do: Heal("api"))"#,
    );
    let wanted = [
        "1 users->api Cut",
        "2 api->db Cut",
        "3 api->db Mend",
        "6 users->api Mend",
        "10 db Part(1, 6)",
        "12 db Join(1, 6)",
        "20 api Kill",
        "30 api#2 Restart",
        "40 api Restart",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_heal_stops_a_ramp_and_ends_the_cuts_of_partitions_but_no_others() {
    let told = told(
        r#"(at: "5s", ramp: "20s", do: Slow("db", 21.0)), (at: "6s", do: Heal("db")), (at: "6s", do: Slow("db", 9.0)),
        (at: "30s", lasting: "20s", do: Partition(["users"], ["api"])), (at: "31s", do: Kill("users->api")),
        (at: "32s", do: Heal("api")), (at: "33s", do: Heal("users->api"))"#,
    );
    let wanted = ["5 db Slow(1.5)", "6 db Slow(1.0)", "6 db Slow(9.0)", "30 users->api Cut", "33 users->api Mend"];
    assert_eq!(told, wanted);
}

#[test]
fn a_replica_that_is_healed_hears_the_others_and_who_is_cut_off_beside_it_does_not() {
    let told = told(
        r#"(at: "10s", lasting: "10s", do: Partition(["db#0", "db#3"], ["db#1", "db#2"])), (at: "12s", do: Heal("db#0")),
        (at: "30s", lasting: "10s", do: Partition(["db#0"], ["db#1", "db#2"])), (at: "32s", do: Heal("db#0")),
        (at: "33s", do: Heal("db#0"))"#,
    );
    let wanted = [
        "10 db Part(9, 6)",
        "12 db Part(8, 6)",
        "12 db Join(9, 6)",
        "20 db Join(8, 6)",
        "30 db Part(1, 6)",
        "32 db Join(1, 6)",
    ];
    assert_eq!(told, wanted);
}

/// A ramp passes through what lies between, whatever the unit: half-way it is half-way.
#[test]
fn every_number_can_be_ramped() {
    let text = r#"(nodes: { "a": (kind: service()), "b": (kind: service()) }, links: [(from: "a", to: "b")])"#;
    let links = ron::read::<Design>(text).value.expect("a design");
    let node = |kind: Spec| {
        let mut design = links.clone();
        design.nodes.get_mut("a").expect("there").kind = kind;
        design
    };
    let mut designs = vec![(links.clone(), "a->b")];
    designs.extend(crate::kinds::KINDS.iter().filter_map(|meta| Some((node(Spec::new(meta.key)?), "a"))));
    let mut ramped = 0;
    for (design, target) in designs {
        let mut params = Vec::new();
        let mut note = |param: &Param, value: &mut dyn Value| params.push((*param, value.text()));
        match design.link(target) {
            Some(link) => link.clone().visit(&mut note),
            None => design.nodes[target].kind.clone().visit(&mut note),
        }
        for (param, default) in params.into_iter().filter(|(param, _)| param.live) {
            let path = format!("{target}.{}", param.name);
            for example in param.examples {
                let mut goal = design.clone();
                set_parameter(&mut goal, &path, example).expect("an example");
                let new = parameter_text(&goal, &path).expect("there");
                let (Some(from), Some(to)) = (magnitude(&default).or(Some(0.0)), magnitude(&new)) else { continue };
                let half = f64::midpoint(from, to);
                let fits = |text: &String| set_parameter(&mut goal.clone(), &path, text).is_ok();
                let text = texts_like(&new, half).into_iter().find(fits).unwrap_or_else(|| panic!("{path} {new}"));
                set_parameter(&mut goal, &path, &text).expect("it fits");
                let got = parameter_text(&goal, &path).and_then(|text| magnitude(&text)).expect("a number");
                let whole = text != texts_like(&new, half)[0] || new.contains('B');
                let near = if whole { 0.5 } else { 1e-9 + 1e-9 * half };
                assert!((got - half).abs() <= near, "{path}: {text} is {got}, not {half}");
                ramped += 1;
            }
        }
    }
    assert!(ramped > 60, "{ramped}");
}

#[test]
fn a_short_time_ramps_through_what_lies_between() {
    let timeouts: Vec<f64> = told(r#"(at: "1s", ramp: "1s", do: Set("users->api.timeout", "20ms"))"#)
        .iter()
        .map(|line| {
            let digits: String = line.chars().skip_while(|c| *c != '(').filter(char::is_ascii_digit).collect();
            digits.parse::<f64>().expect("nanoseconds") / 1e9
        })
        .collect();
    assert_eq!(timeouts.len(), 21);
    assert!(timeouts.windows(2).all(|pair| pair[1] < pair[0]) && timeouts[20] == 0.02, "{timeouts:?}");
}
