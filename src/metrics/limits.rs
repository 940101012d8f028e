//! Which limit is reached: slots, cores, one copy, a connection pool, a bandwidth, a prefetch; and where calls are held by
//! what they wait for, which limit that is.

use super::estimate::Hottest;
use super::recorder::Recorder;
use super::report::{NodeReport, Report};
use super::stretch::Stretch;
use crate::base::short::{count, number, percent};
use crate::engine::{Guarding, LinkCounts, Role};

/// Slots or cores this busy are saturated.
pub(super) const SATURATED: f64 = 0.98;

/// Calls lost at a saturated node, as a share of all, from which its load is too much.
pub(super) const LOST: f64 = 0.001;

/// Callees of callees that are looked at: chains are shorter, and cycles end.
const DEPTH: usize = 8;

fn is_full(share: Option<f64>) -> bool {
    share.is_some_and(|share| share >= SATURATED)
}

/// What is known of a run when its limits are looked for.
pub(super) struct Limits<'a> {
    recorder: &'a Recorder,
    report: &'a Report,
    /// Of each link, after the warm-up.
    links: Vec<LinkCounts>,
    /// Length of the run after the warm-up.
    seconds: f64,
}

impl<'a> Limits<'a> {
    pub fn new(recorder: &'a Recorder, report: &'a Report, stretch: &Stretch) -> Limits<'a> {
        let links = (0..recorder.plan.links.len()).map(|link| recorder.link(link, stretch).counts).collect();
        Limits { recorder, report, links, seconds: stretch.seconds() }
    }

    fn name(&self, node: usize) -> &'a str {
        &self.recorder.plan.nodes[node].name
    }

    fn node(&self, node: usize) -> Option<&'a NodeReport> {
        self.report.nodes.get(self.name(node))
    }

    fn link_name(&self, link: usize) -> &'a str {
        &self.recorder.plan.links[link].name
    }

    fn outs(&self, node: usize) -> impl Iterator<Item = usize> + 'a {
        self.recorder.plan.nodes[node].outs.iter().map(|link| link.index())
    }

    fn target(&self, link: usize) -> usize {
        self.recorder.plan.links[link].to.index()
    }

    /// How busy a node is: its slots, its cores, or the busiest of its copies.
    pub fn busy(node: &NodeReport) -> Option<f64> {
        let average = node.utilization.map(|u| u.value).into_iter().chain(node.core_utilization);
        average.chain(Self::hottest(node).and_then(|hottest| hottest.utilization)).reduce(f64::max)
    }

    /// The busiest copy of a store. Replicas of services and workers come and go, so that how busy one of them was is not
    /// known from what all had on average.
    fn hottest(node: &NodeReport) -> Option<Hottest> {
        node.hottest.filter(|_| node.role == Some(Role::Store))
    }

    /// Calls that a node itself refused for one of these reasons: what its callees refused is theirs.
    pub fn refused(&self, i: usize, node: &NodeReport, reasons: &[&str]) -> u64 {
        let of = |reason: &&str| {
            let all = node.failed.get(*reason).copied().unwrap_or(0);
            let further =
                self.outs(i).filter_map(|link| self.report.links.get(self.link_name(link))?.failed.get(*reason));
            all.saturating_sub(further.sum())
        };
        reasons.iter().map(of).sum()
    }

    /// Whether all that came to a node would keep it busy all the time, if it refused none.
    pub fn is_offered_too_much(&self, i: usize, node: &NodeReport) -> bool {
        let refused = self.refused(i, node, &["queue_full", "shed"]) as f64 / node.arrived.max(1) as f64;
        let average = node.utilization.map(|u| u.value).into_iter().chain(node.core_utilization).reduce(f64::max);
        average.is_some_and(|busy| refused >= LOST && busy >= SATURATED * (1.0 - refused).max(0.0))
    }

    /// The mean number of attempts that wait for a connection, and how many connections there may be, where all are in use.
    fn full_pool(&self, link: usize) -> Option<(f64, f64)> {
        let [waiting, used, allowed] = self.links[link].pool_ns.map(|ns| ns as f64 / 1e9 / self.seconds);
        (allowed > 0.0 && used >= SATURATED * allowed && waiting >= 1.0).then_some((waiting, allowed))
    }

    /// The direction in which a link sends all the time.
    fn full_bandwidth(&self, link: usize) -> Option<&'static str> {
        let [there, back] = self.links[link].sending_ns.map(|ns| ns as f64 / 1e9 / self.seconds);
        let most = there.max(back);
        (most >= SATURATED).then_some(if there >= back { "requests" } else { "replies" })
    }

    fn rejected(&self, link: usize, by: Guarding) -> f64 {
        self.links[link].rejected[by as usize] as f64 / self.links[link].sent.max(1) as f64
    }

    /// What is full on a link, or behind it.
    fn behind(&self, link: usize, depth: usize) -> Option<String> {
        if let Some(what) = self.full_bandwidth(link) {
            return Some(format!("the bandwidth of `{}` is used up by {what}", self.link_name(link)));
        }
        let to = self.target(link);
        let node = self.node(to).filter(|_| depth < DEPTH)?;
        if is_full(Self::busy(node)) {
            return Some(format!("`{}` is at its limit: {}", self.name(to), self.limit_within(to, node, depth + 1)));
        }
        // A balancer works on nothing itself.
        let through = node.utilization.is_none() && node.role != Some(Role::Broker);
        self.outs(to).filter(|_| through).find_map(|link| self.behind(link, depth + 1))
    }

    /// Which of a node's limits is reached, and whether something else makes it so.
    pub fn limit(&self, i: usize, node: &NodeReport) -> String {
        self.limit_within(i, node, 0)
    }

    fn limit_within(&self, i: usize, node: &NodeReport, depth: usize) -> String {
        let number_of_slots = count(node.slots.round() as u64);
        let (slots, copy) = node.copies.map_or(("slots", "replica"), |copies| (copies.places, copies.one));
        if node.role == Some(Role::Broker) {
            return self.consumers(i);
        }
        let (cores, held) = (node.core_utilization, node.utilization.map(|u| u.value));
        // Stores have no cores of their own: their meters show how many of their slots work.
        let has_cores = node.copies.is_some_and(|copies| copies.has_cores);
        if is_full(cores) && has_cores {
            return format!("its cores are all busy ({})", percent(cores.unwrap_or(1.0)));
        }
        if !is_full(held) {
            if let Some(hottest) = Self::hottest(node).filter(|hottest| is_full(hottest.utilization)) {
                let busy = percent(hottest.utilization.unwrap_or(1.0));
                let share = percent(hottest.share);
                return format!("{copy} `{}#{}` is {busy} busy, with {share} of the calls", self.name(i), hottest.copy);
            }
            let busy = held.into_iter().chain(cores.filter(|_| has_cores)).reduce(f64::max);
            return match busy {
                Some(busy) if node.queue_max == 0 => {
                    format!("its {slots} ({number_of_slots}) are {} busy, and no call may wait for one", percent(busy))
                }
                Some(busy) => format!("more arrives than it passes on ({} of its {slots} are busy)", percent(busy)),
                None => "more arrives than it passes on".to_owned(),
            };
        }
        // Whether slots are held by work, or by calls of its own.
        let (work, others) = (node.mean_service.unwrap_or(0.0), node.mean_others.unwrap_or(0.0));
        let slowest = self.outs(i).filter_map(|link| {
            let report = self.report.links.get(self.link_name(link))?;
            Some((report.attempt_rate * report.latency.mean?.value, link))
        });
        let slowest = slowest.max_by(|(a, ..), (b, ..)| a.total_cmp(b)).map(|(_, link)| link);
        if let Some(link) = slowest.filter(|_| others > work) {
            let share = percent(others / (others + work));
            let name = self.link_name(link);
            let behind = self.behind(link, depth).map_or(String::new(), |behind| format!(" ({behind})"));
            let awaited = if self.full_pool(link).is_some() || self.rejected(link, Guarding::Pool) >= LOST {
                format!("a connection over `{name}`, whose connection pool is exhausted")
            } else {
                format!("an answer over `{name}`")
            };
            return format!(
                "its {slots} ({number_of_slots}) are all taken, {share} of the time by calls that wait for {awaited}{behind}"
            );
        }
        if node.role == Some(Role::Store) && cores.zip(held).is_some_and(|(cores, held)| cores < 0.5 * held) {
            let work = percent(cores.unwrap_or(0.0) / held.unwrap_or(1.0));
            return format!(
                "its {slots} ({number_of_slots}) are all taken, but only {work} of them work: the others are held by calls that wait for {}",
                self.without_work(node)
            );
        }
        let busy = if has_cores { String::new() } else { format!(" ({})", percent(held.unwrap_or(1.0))) };
        format!("its {slots} ({number_of_slots}) are all busy{busy}")
    }

    /// What those wait for that hold a connection of a database and do not work.
    fn without_work(&self, node: &NodeReport) -> &'static str {
        // In the queue they hold none; what they wait for after that is a lock.
        let throughput = node.succeeded as f64 / self.seconds;
        let queued = node.queue.value / throughput.max(1e-12);
        let locked = node.mean_wait.map_or(0.0, |wait| wait.value) - queued;
        let others = node.mean_others.unwrap_or(0.0);
        if locked > others && locked > 0.0 { "the row lock of a key" } else { "row locks or for replicas" }
    }

    /// Nodes that work, at the end of a link or behind balancers there.
    fn workers(&self, link: usize, depth: usize, found: &mut Vec<usize>) {
        let to = self.target(link);
        let Some(node) = self.node(to).filter(|_| depth < DEPTH && !found.contains(&to)) else { return };
        if Self::busy(node).is_some() {
            found.push(to);
        } else if node.role.is_some_and(Role::passes_on) {
            self.outs(to).for_each(|link| self.workers(link, depth + 1, found));
        }
    }

    fn consumers_of(&self, queue: usize) -> Vec<usize> {
        let mut found = Vec::new();
        self.outs(queue).for_each(|link| self.workers(link, 0, &mut found));
        found
    }

    /// Whether all consumers of a queue are busy all the time.
    pub fn consumers_are_full(&self, i: usize, node: &NodeReport) -> bool {
        let found = if node.role == Some(Role::Broker) { self.consumers_of(i) } else { Vec::new() };
        !found.is_empty() && found.iter().all(|&node| is_full(self.node(node).and_then(Self::busy)))
    }

    /// What keeps the consumers of a queue from taking more.
    fn consumers(&self, queue: usize) -> String {
        let found = self.consumers_of(queue);
        let busy = |node: usize| self.node(node).and_then(Self::busy).unwrap_or(0.0);
        let said: Vec<String> =
            found.iter().map(|&node| format!("`{}` is {} busy", self.name(node), percent(busy(node)))).collect();
        let said = said.join(", ");
        let handed: u64 =
            self.outs(queue).filter_map(|link| self.report.links.get(self.link_name(link))).map(|l| l.in_flight).sum();
        match found.iter().copied().min_by(|a, b| busy(*a).total_cmp(&busy(*b))) {
            Some(least) if busy(least) < SATURATED && handed == 0 => format!(
                "its consumers have slots to spare ({said}), but no message is with them: they are paused, down or cut off"
            ),
            Some(least) if busy(least) < SATURATED => format!(
                "its consumers have slots to spare ({said}), but are handed no more ({} with them): raise `prefetch`, or look at what they wait for",
                count(handed)
            ),
            Some(_) => {
                // Not they, but what they call.
                let held = found.iter().find_map(|&node| {
                    let report = self.node(node)?;
                    let by_others = report.mean_others.unwrap_or(0.0) > report.mean_service.unwrap_or(0.0);
                    by_others.then(|| format!(": of `{}`, {}", self.name(node), self.limit_within(node, report, 1)))
                });
                format!("its consumers are at their limit ({said}){}", held.unwrap_or_default())
            }
            None => "more arrives than it passes on".to_owned(),
        }
    }

    /// What holds or rejects attempts on the links themselves: pools, bulkheads, breakers, bandwidth.
    pub fn of_links(&self) -> Vec<(String, String)> {
        let mut told = Vec::new();
        for link in 0..self.links.len() {
            let mut tell = |message: String| told.push((self.link_name(link).to_owned(), message));
            let [breaker, bulkhead, pool] =
                [Guarding::Breaker, Guarding::Bulkhead, Guarding::Pool].map(|by| self.rejected(link, by));
            let behind = || self.behind(link, 0).map_or(String::new(), |behind| format!("; {behind}"));
            // Sizes may have been changed while running.
            if pool >= LOST {
                tell(format!(
                    "its connection pool is exhausted: {} of the attempts found no connection in time{}",
                    percent(pool),
                    behind()
                ));
            } else if let Some((waiting, allowed)) = self.full_pool(link) {
                tell(format!(
                    "its connection pool is full: all connections ({}) are in use, and {} attempts wait for one on average{}",
                    count(allowed.round() as u64),
                    number(waiting),
                    behind()
                ));
            }
            if bulkhead >= LOST {
                tell(format!("its bulkhead is full: {} of the attempts were rejected", percent(bulkhead)));
            }
            if breaker >= LOST {
                tell(format!("its circuit breaker was open: {} of the attempts were rejected", percent(breaker)));
            }
            if let Some(what) = self.full_bandwidth(link) {
                tell(format!(
                    "its bandwidth is used up by {what}: messages wait until those before them are sent. Raise `bandwidth`, or send less"
                ));
            }
        }
        told
    }
}
