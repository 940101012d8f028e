//! Cycles in which a call causes, on average, at least one more of its own kind: they never come to rest. And closed loops
//! of users who do not think.

use crate::base::{Dist, Finding, Subject};
use crate::design::{Design, LinkSpec, ModeSpec, WaitSpec};
use crate::engine::Role;
use crate::kinds::{LEAST_CYCLE_FAILED, Outs};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A call that comes back less often than this ends after a while, as in a network with feedback. The rest is rounding.
const ENDLESS: f64 = 1.0 - 1e-9;

/// Beyond so many ways through nodes that call each other round about it is told once that they do so without end, and not
/// for every cycle.
const MOST_LED_PAST: usize = 1_000_000;

/// Calls per call, from node to node.
type Gains = BTreeMap<usize, BTreeMap<usize, f64>>;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let classes: Vec<Option<String>> = match design.classes() {
        none if none.is_empty() => vec![None],
        classes => classes.into_iter().map(Some).collect(),
    };
    let mut told = BTreeSet::new();
    for class in &classes {
        let graph = Graph::of(design, gains_of_links(design, class.as_deref()));
        for part in graph.rounds() {
            for (node, gain) in endless(&graph, &part) {
                let Some(cycle) = graph.cycle_through(node, &part) else { continue };
                if told.insert(cycle.clone()) {
                    findings.push(finding(design, &cycle, gain));
                }
            }
        }
    }
    for name in design.nodes.keys() {
        if let Some(problem) = restless(design, name) {
            let subject = Subject::of(["nodes", name, "kind", "arrivals"]);
            findings.push(Finding::hint("restless", subject, problem).with_remedy("let the users think"));
        }
    }
}

/// What is to be known of a closed loop without a pause: where a request fails at once, its user asks again as soon as a
/// client lets it.
pub(super) fn restless(design: &Design, name: &str) -> Option<String> {
    let think = design.nodes.get(name)?.kind.think()?;
    // A shape without a closed mean takes some time.
    let nanos = |dist: &Dist| dist.mean().unwrap_or(f64::INFINITY);
    // What the caller's own side refuses never sees the network.
    let way = |link: &LinkSpec| {
        let refuses = link.breaker.is_some() || link.bulkhead.is_some() || link.pool.is_some();
        let way = || nanos(&link.latency) + nanos(link.latency_back.as_ref().unwrap_or(&link.latency));
        if refuses || link.mode == ModeSpec::Async { 0.0 } else { way() }
    };
    let ways = design.links.iter().filter(|link| link.from == name).map(way);
    let pause = nanos(think) + ways.reduce(f64::min).unwrap_or(f64::INFINITY);
    (pause < LEAST_CYCLE_FAILED.0 as f64).then(|| {
        format!(
            "users do not think: each whose request fails at once asks again after {LEAST_CYCLE_FAILED}, up to {} times a second",
            1_000_000_000 / LEAST_CYCLE_FAILED.0
        )
    })
}

/// The links that calls of a class may use, with the calls over each that one call causes at most: on average, and where
/// every condition holds that is not a probability.
fn gains_of_links(design: &Design, class: Option<&str>) -> Vec<(usize, f64)> {
    let meta = |name: &str| design.nodes.get(name).map(|node| node.kind.meta());
    let is_used = |link: &LinkSpec| {
        // A link that cannot be is told of by another check.
        let calls = meta(&link.from).is_some_and(|meta| meta.outs != Outs::None);
        let accepts = meta(&link.to).is_some_and(|meta| meta.accepts_calls);
        let of_class = class
            .is_none_or(|class| link.when.classes.is_empty() || link.when.classes.iter().any(|other| other == class));
        link.from != link.to && calls && accepts && of_class
    };
    let walks = |name: &str| meta(name).is_some_and(|meta| meta.role == Role::Service);
    let by_weight = |link: &LinkSpec| {
        if walks(&link.from) || meta(&link.from).is_some_and(|meta| meta.role == Role::Balancer) {
            link.weight
        } else {
            1.0
        }
    };
    // Who walks no steps passes each call on to one of its links: a queue to any that has room, which may always be the same.
    let hands_out = |name: &str| meta(name).is_some_and(|meta| meta.role == Role::Broker);
    let choice = |link: &LinkSpec| {
        let passes = !walks(&link.from) && !hands_out(&link.from);
        passes.then_some(0).or((link.wait == WaitSpec::Choose).then_some(link.step))
    };
    let mut totals: BTreeMap<(&str, u16), f64> = BTreeMap::new();
    let used: Vec<(usize, &LinkSpec)> = design.links.iter().enumerate().filter(|(_, link)| is_used(link)).collect();
    for (_, link) in &used {
        if let Some(step) = choice(link) {
            *totals.entry((&link.from, step)).or_default() += by_weight(link);
        }
    }
    let gain = |(i, link): (usize, &LinkSpec)| {
        let share = choice(link).map_or(1.0, |step| by_weight(link) / totals[&(link.from.as_str(), step)]);
        let calls = if walks(&link.from) { link.calls * link.when.probability.0 } else { 1.0 };
        (i, calls * if share.is_finite() { share } else { 1.0 })
    };
    used.into_iter().map(gain).filter(|(_, gain)| *gain > 0.0).collect()
}

/// The nodes by number, in the order of their names, and what leads from each to others.
struct Graph {
    /// Link, the node that it leads to, and calls over it for each call; in the order of the file.
    outs: Vec<Vec<(usize, usize, f64)>>,
}

impl Graph {
    fn of(design: &Design, links: Vec<(usize, f64)>) -> Graph {
        let numbers: BTreeMap<&str, usize> =
            design.nodes.keys().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let mut outs = vec![Vec::new(); numbers.len()];
        for (i, gain) in links {
            let link = &design.links[i];
            if let (Some(&from), Some(&to)) = (numbers.get(link.from.as_str()), numbers.get(link.to.as_str())) {
                outs[from].push((i, to, gain));
            }
        }
        Graph { outs }
    }

    /// The sets of nodes of which each is reached from each: whatever comes back, comes back within one of them. By
    /// Tarjan's algorithm, without recursion.
    fn rounds(&self) -> Vec<BTreeSet<usize>> {
        const NEW: usize = usize::MAX;
        let n = self.outs.len();
        let (mut number, mut low, mut is_open) = (vec![NEW; n], vec![0; n], vec![false; n]);
        let (mut open, mut rounds, mut count) = (Vec::new(), Vec::new(), 0);
        for start in 0..n {
            let mut path: Vec<(usize, usize)> = if number[start] == NEW { vec![(start, 0)] } else { Vec::new() };
            while let Some((at, next)) = path.pop() {
                if next == 0 {
                    (number[at], low[at], is_open[at]) = (count, count, true);
                    count += 1;
                    open.push(at);
                } else {
                    // Back from where it went last.
                    let (_, to, _) = self.outs[at][next - 1];
                    low[at] = if is_open[to] { low[at].min(low[to]) } else { low[at] };
                }
                if let Some(&(_, to, _)) = self.outs[at].get(next) {
                    path.push((at, next + 1));
                    if number[to] == NEW {
                        path.push((to, 0));
                    }
                } else if low[at] == number[at] {
                    let from = open.iter().rposition(|node| *node == at).unwrap_or(0);
                    let round: BTreeSet<usize> = open.drain(from..).collect();
                    round.iter().for_each(|&node| is_open[node] = false);
                    if round.len() > 1 {
                        rounds.push(round);
                    }
                }
            }
        }
        rounds
    }

    /// What leads from a node to others of a set.
    fn within<'a>(&'a self, node: usize, part: &'a BTreeSet<usize>) -> impl Iterator<Item = (usize, usize, f64)> + 'a {
        self.outs[node].iter().copied().filter(|(_, to, _)| part.contains(to))
    }

    /// The links of a shortest way from a node back to it, beginning with the first of them in the file.
    fn cycle_through(&self, node: usize, part: &BTreeSet<usize>) -> Option<Vec<usize>> {
        let mut came: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        let mut queue = VecDeque::from([node]);
        while let Some(here) = queue.pop_front().filter(|_| !came.contains_key(&node)) {
            for (link, to, _) in self.within(here, part) {
                came.entry(to).or_insert_with(|| {
                    queue.push_back(to);
                    (link, here)
                });
            }
        }
        let (mut cycle, mut at) = (Vec::new(), node);
        while cycle.is_empty() || at != node {
            let (link, from) = *came.get(&at)?;
            cycle.push(link);
            at = from;
        }
        cycle.reverse();
        let first = (0..cycle.len()).min_by_key(|&i| cycle[i]).unwrap_or(0);
        cycle.rotate_left(first);
        Some(cycle)
    }
}

/// Nodes of a set whose calls come back to them as often as they are made, or more, with how often.
fn endless(graph: &Graph, part: &BTreeSet<usize>) -> Vec<(usize, f64)> {
    let growth = growth(graph, part);
    if let Growth::Ends = growth {
        return Vec::new();
    }
    led_past(graph, part).unwrap_or_else(|| match growth {
        Growth::Endless(node) => vec![(node, 1.0)],
        _ => Vec::new(),
    })
}

enum Growth {
    Ends,
    /// Without end, most of all at this node.
    Endless(usize),
    /// Too close to tell.
    Open,
}

/// Whether calls become fewer from step to step: a weight for each node is sought that the calls of each node fall short
/// of (Collatz and Wielandt). Where there is one they end; where they exceed all weights, they do not.
fn growth(graph: &Graph, part: &BTreeSet<usize>) -> Growth {
    const ROUNDS: usize = 300;
    let nodes: Vec<usize> = part.iter().copied().collect();
    let number = |node: usize| nodes.binary_search(&node).unwrap_or(0);
    let links = nodes
        .iter()
        .enumerate()
        .flat_map(|(i, &node)| graph.within(node, part).map(move |(_, to, gain)| (i, to, gain)));
    let links: Vec<(usize, usize, f64)> = links.map(|(from, to, gain)| (from, number(to), gain)).collect();
    let mut weights = vec![1.0; nodes.len()];
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0; nodes.len()];
        links.iter().for_each(|&(from, to, gain)| sums[from] += gain * weights[to]);
        let ratio = |i: &usize| sums[*i] / weights[*i];
        let by_ratio = |a: &usize, b: &usize| ratio(a).total_cmp(&ratio(b));
        let (most, least) =
            ((0..nodes.len()).max_by(by_ratio).unwrap_or(0), (0..nodes.len()).min_by(by_ratio).unwrap_or(0));
        if ratio(&most) < ENDLESS {
            return Growth::Ends;
        }
        if ratio(&least) >= ENDLESS {
            return Growth::Endless(nodes[most]);
        }
        // With itself, so that what goes to and fro settles.
        let largest = sums.iter().zip(&weights).map(|(sum, weight)| sum + weight).fold(0.0, f64::max);
        weights.iter_mut().zip(sums).for_each(|(weight, sum)| *weight = ((sum + *weight) / largest).max(1e-100));
    }
    Growth::Open
}

/// One node after the other is left out, with its calls led past it; what leads back to itself then is all the ways round
/// together. None where that would take too long: many nodes, each of which calls many.
fn led_past(graph: &Graph, part: &BTreeSet<usize>) -> Option<Vec<(usize, f64)>> {
    let mut left = MOST_LED_PAST;
    let (mut outs, mut ins): (Gains, Gains) = Default::default();
    for &from in part {
        for (_, to, gain) in graph.within(from, part) {
            *outs.entry(from).or_default().entry(to).or_default() += gain;
            *ins.entry(to).or_default().entry(from).or_default() += gain;
        }
    }
    let mut found = Vec::new();
    // Those with few ways through them first: few are to be led past. Chains vanish without any.
    let mut waiting: BTreeSet<(usize, usize)> = BTreeSet::new();
    let ways = |outs: &Gains, ins: &Gains, node: usize| {
        let count = |gains: &Gains| gains.get(&node).map_or(0, BTreeMap::len);
        count(outs) * count(ins)
    };
    let mut keys: BTreeMap<usize, usize> = BTreeMap::new();
    for &node in part {
        keys.insert(node, ways(&outs, &ins, node));
        waiting.insert((keys[&node], node));
    }
    while let Some((_, node)) = waiting.pop_first() {
        let (mut out, mut into) = (outs.remove(&node).unwrap_or_default(), ins.remove(&node).unwrap_or_default());
        let own = out.remove(&node).unwrap_or(0.0);
        into.remove(&node);
        for (gains, others) in [(&mut ins, &out), (&mut outs, &into)] {
            for other in others.keys() {
                if let Some(gains) = gains.get_mut(other) {
                    gains.remove(&node);
                }
            }
        }
        if own >= ENDLESS {
            found.push((node, own));
        } else {
            left = left.checked_sub(into.len() * out.len())?;
            for (&from, &first) in &into {
                for (&to, &second) in &out {
                    let gain = first * second / (1.0 - own);
                    *outs.entry(from).or_default().entry(to).or_default() += gain;
                    *ins.entry(to).or_default().entry(from).or_default() += gain;
                }
            }
        }
        for &other in into.keys().chain(out.keys()) {
            let key = ways(&outs, &ins, other);
            waiting.remove(&(keys[&other], other));
            keys.insert(other, key);
            waiting.insert((key, other));
        }
    }
    Some(found)
}

fn finding(design: &Design, cycle: &[usize], gain: f64) -> Finding {
    let mut names: Vec<&str> = cycle.iter().map(|&i| design.links[i].from.as_str()).collect();
    names.push(names[0]);
    let often = if gain > 1.0 + 1e-6 { format!(" ({gain:.2} calls come back for each)") } else { String::new() };
    let message = format!("these call each other without end: {}{often}", names.join(" -> "));
    let last = cycle[cycle.len() - 1];
    Finding::error("cycle", Subject::of(["links", &last.to_string()]), message)
        .with_remedy("let fewer than one come back, with `calls` or a `when` with a probability")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(clients: &str, links: &str) -> Vec<String> {
        let node = |name: &str| format!("\"{name}\": (kind: service(work: \"0s\")),");
        let nodes: String = ["a", "b", "c"].map(node).concat();
        let text = format!("(nodes: {{ {clients} {nodes} \"lb\": (kind: load_balancer()) }}, links: [{links}])");
        let design: Design = crate::base::ron::read(&text).into_result().unwrap_or_else(|e| panic!("{e:?}"));
        let mut findings = Vec::new();
        check(&design, &mut findings);
        findings.into_iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
    }

    #[test]
    fn what_comes_back_as_often_as_it_goes_is_endless() {
        let open = r#""u": (kind: client(rate: "1/s")),"#;
        let cycle = |first: &str, second: &str| {
            told(open, &format!(r#"(from: "u", to: "a"), (from: "a", to: "b" {first}), (from: "b", to: "a" {second})"#))
        };
        let wanted = "links.2: these call each other without end: a -> b -> a";
        assert_eq!(cycle("", ""), [wanted]);
        assert_eq!(cycle("", ", mode: Async"), [wanted]);
        assert_eq!(
            cycle(", calls: 2", ", when: (probability: 0.99)"),
            [format!("{wanted} (1.98 calls come back for each)")]
        );
        assert_eq!(cycle(", calls: 2", ", calls: 0.4"), [""; 0]);
        assert_eq!(cycle(", when: (classes: [\"r\"])", ", when: (classes: [\"w\"])"), [""; 0]);
    }

    #[test]
    fn ways_round_add_up_and_a_balancer_shares() {
        let open = r#""u": (kind: client(rate: "1/s")),"#;
        let two = |calls: f64| {
            let calls = format!("calls: {calls}");
            told(
                open,
                &format!(
                    r#"(from: "a", to: "b", {calls}), (from: "a", to: "c", {calls}), (from: "b", to: "a"), (from: "c", to: "a")"#
                ),
            )
        };
        assert_eq!((two(0.4).len(), two(0.6).len()), (0, 1));
        let balanced = |calls: f64| {
            let calls = format!("calls: {calls}");
            told(
                open,
                &format!(
                    r#"(from: "lb", to: "a"), (from: "lb", to: "b"), (from: "a", to: "lb", {calls}), (from: "b", to: "lb", {calls})"#
                ),
            )
        };
        assert_eq!((balanced(0.9).len(), balanced(1.1).len()), (0, 1));
    }

    #[test]
    fn users_of_a_closed_loop_think_or_are_some_way_off() {
        let closed = |think: &str, link: &str| {
            let client = format!(r#""u": (kind: client(arrivals: Closed(users: 1, think: "{think}"))),"#);
            told(&client, &format!(r#"(from: "u", to: "a" {link})"#)).len()
        };
        assert_eq!(closed("0s", ""), 1);
        assert_eq!(closed("9us", ""), 1);
        assert_eq!(closed("10us", ""), 0);
        assert_eq!(closed("1ms", ""), 0);
        assert_eq!(closed("0s", r#", latency: "1ms""#), 0);
        assert_eq!(closed("0s", r#", latency: "1ms", bulkhead: 1"#), 1);
    }
}
