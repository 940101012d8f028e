//! What no longer moves at the end of a run: calls that wait for each other, and calls that nothing will ever answer.

use super::recorder::Recorder;
use super::report::Report;
use crate::base::Time;
use crate::base::short::{count, seconds};

/// Part of the run, one of so many, through which nothing must have been answered to speak of a deadlock.
const SHORTEST: u64 = 10;

impl Recorder {
    /// The warning that calls wait for ever, with the node that it is about.
    pub(super) fn stuck(&self, report: &Report) -> Option<(String, String)> {
        let (end, nodes) = (self.series.ends.last()?.0, &self.plan.nodes);
        let silent: Vec<Option<Time>> = (0..nodes.len()).map(|node| self.silent_since(report, node)).collect();
        let is_stuck = |node: usize| silent[node].is_some_and(|since| end - since.0 >= (end / SHORTEST).max(1));
        // Whom each node that no longer answers waits for.
        let waits: Vec<Vec<usize>> = (0..nodes.len())
            .map(|node| {
                let links = nodes[node].outs.iter().map(|link| &self.plan.links[link.index()]);
                let pending = links.filter(|link| report.links.get(&link.name).is_some_and(|link| link.in_flight > 0));
                pending.map(|link| link.to.index()).filter(|to| is_stuck(node) && is_stuck(*to)).collect()
            })
            .collect();
        let name = |node: usize| &nodes[node].name;
        let in_flight = |node: usize| report.nodes.get(name(node)).map_or(0, |node| node.in_flight);
        if let Some(cycle) = (0..nodes.len()).find_map(|node| cycle(&waits, node)) {
            let since = cycle.iter().filter_map(|node| silent[*node]).max()?;
            let chain: Vec<String> =
                cycle.iter().skip(1).chain(&cycle[..1]).map(|node| format!("`{}`", name(*node))).collect();
            let held: Vec<String> =
                cycle.iter().map(|node| format!("{} at `{}`", count(in_flight(*node)), name(*node))).collect();
            let message = format!(
                "deadlock: it waits for {}, and none of them has answered since {}. The calls in flight ({}) hold the slots that they wait for: use separate pools for nested calls, or a timeout",
                chain.join(", which waits for "),
                seconds(since.as_secs()),
                held.join(", ")
            );
            return Some((name(cycle[0]).clone(), message));
        }
        if !self.idle {
            return None;
        }
        // Nothing is scheduled: where the chains of waiting calls end.
        let ends = (0..nodes.len()).filter(|node| silent[*node].is_some() && waits[*node].is_empty());
        let held: Vec<String> = ends.map(|node| format!("{} at `{}`", count(in_flight(node)), name(node))).collect();
        let lost = self.plan.links.iter().filter_map(|link| {
            let (there, waiting) = (in_flight(link.to.index()), report.links.get(&link.name)?.in_flight);
            (waiting > 0 && there == 0).then(|| format!("{} on `{}`", count(waiting), link.name))
        });
        let waiting: Vec<String> = held.into_iter().chain(lost).collect();
        let since = self.silent_from(|w| self.is_busy(w));
        (!waiting.is_empty()).then(|| {
            let message = format!(
                "nothing happens after {}: calls wait for answers that never come ({}). A timeout would end them",
                seconds(since.as_secs()),
                waiting.join(", ")
            );
            ("run".to_owned(), message)
        })
    }

    /// Since when a node that serves calls has not answered any of those that it has; none if it has none.
    fn silent_since(&self, report: &Report, node: usize) -> Option<Time> {
        let n = self.plan.nodes.len();
        let report = report.nodes.get(&self.plan.nodes[node].name).filter(|node| node.in_flight > 0)?;
        debug_assert!(report.in_flight > 0);
        Some(self.silent_from(|w| {
            let counts = &self.series.nodes[w * n + node].counts;
            counts.succeeded + counts.failed.iter().sum::<u64>() > 0
        }))
    }

    /// The end of the last window of which something is true.
    fn silent_from(&self, is_true: impl Fn(usize) -> bool) -> Time {
        let last = (0..self.series.ends.len()).rev().find(|w| is_true(*w));
        last.map_or(Time::ZERO, |w| self.series.ends[w])
    }

    /// Whether any call arrived or was answered in a window.
    fn is_busy(&self, window: usize) -> bool {
        let (nodes, classes) = (self.plan.nodes.len(), self.plan.classes.len());
        let calls = &self.series.nodes[window * nodes..(window + 1) * nodes];
        let requests = &self.series.classes[window * classes..(window + 1) * classes];
        calls.iter().any(|row| row.counts.arrived + row.counts.succeeded + row.counts.failed.iter().sum::<u64>() > 0)
            || requests.iter().any(|row| row.counts.offered + row.counts.good + row.counts.late > 0)
    }
}

/// A cycle of waiting through a node, beginning there: by a search in depth that visits each node once.
fn cycle(waits: &[Vec<usize>], from: usize) -> Option<Vec<usize>> {
    let mut seen = vec![false; waits.len()];
    let mut path = vec![(from, 0)];
    while let Some((node, next)) = path.last_mut() {
        match waits[*node].get(*next) {
            None => {
                path.pop();
            }
            Some(&to) => {
                *next += 1;
                if to == from {
                    return Some(path.into_iter().map(|(node, _)| node).collect());
                }
                if !std::mem::replace(&mut seen[to], true) {
                    path.push((to, 0));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_found() {
        // 0 waits for 1; 1 for 2 and 3; 3 for 1.
        let waits = [vec![1], vec![2, 3], vec![], vec![1]];
        assert_eq!((cycle(&waits, 0), cycle(&waits, 1), cycle(&waits, 3)), (None, Some(vec![1, 3]), Some(vec![3, 1])));
        assert_eq!(cycle(&[vec![0]], 0), Some(vec![0]));
    }
}
