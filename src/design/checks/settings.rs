//! Settings of nodes that can do nothing where they are: each is set, and the run would be the same without it.

use super::flow::{Flow, settings};
use super::silent::deadlines;
use crate::base::{Finding, Span, Subject};
use crate::design::{Action, Design, LinkSpec, OperationSpec, Target};
use crate::kinds::{Group, Spec};
use crate::parts::waiting::{ADAPTIVE_LENGTH, Discipline};
use std::collections::{BTreeMap, BTreeSet};

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let Some(flow) = Flow::of(design) else { return };
    let with_deadline = deadlines(&flow);
    for (name, node) in &design.nodes {
        // Where nothing comes yet, what will come is not known.
        if flow.at(name) == 0 && node.kind.meta().group != Group::Control {
            continue;
        }
        let mut told = Told { flow: &flow, name, now: settings(&node.kind), plain: BTreeMap::new(), said: Vec::new() };
        told.plain = Spec::new(node.kind.meta().key).map(|kind| settings(&kind)).unwrap_or_default();
        match &node.kind {
            Spec::Client(client) => client_settings(&mut told, client.tenants.0 == 1, node.kind.think().is_some()),
            Spec::Service(_) => service_settings(&mut told, &node.kind, &with_deadline),
            Spec::Cache(cache) => cache_settings(&mut told, cache.capacity.bytes()),
            Spec::Database(_) => database_settings(&mut told),
            Spec::Queue(_) => queue_settings(&mut told),
            Spec::RateLimiter(_) => limiter_settings(&mut told),
            Spec::LoadBalancer(_) => balancer_settings(&mut told),
            Spec::Autoscaler(_)
                if told.now["min"] == told.now["max"] && !told.may_change("min") && !told.may_change("max") =>
            {
                let message = format!("`{name}` never scales: `min` and `max` are both {}", told.now["max"]);
                findings.push(Finding::warning("never-scales", Subject::of(["nodes", name, "kind", "max"]), message));
            }
            Spec::ShardedStore(_) if !told.is("strategy", "Range") => {
                told.idle(&["keys"], "only ranges of keys go by the number of keys: `strategy: Range`");
            }
            _ => {}
        }
        class_settings(&mut told, &node.kind);
        for (param, message) in told.said {
            let subject = Subject::of(["nodes", name, "kind", param]);
            findings.push(Finding::warning("idle-setting", subject, format!("`{param}` of `{name}`: {message}")));
        }
    }
    check_frozen(design, findings);
}

/// A node with its settings, and what is to be said of them.
struct Told<'a> {
    flow: &'a Flow<'a>,
    name: &'a str,
    now: BTreeMap<&'static str, String>,
    /// The defaults of its kind.
    plain: BTreeMap<&'static str, String>,
    said: Vec<(&'static str, String)>,
}

impl Told<'_> {
    fn is(&self, param: &str, name: &str) -> bool {
        self.now.get(param).is_some_and(|text| {
            let text = text.strip_prefix("Some(").unwrap_or(text);
            text.split(['(', ')']).next() == Some(name)
        })
    }

    fn is_changed(&self, param: &str) -> bool {
        self.now.get(param) != self.plain.get(param) || self.flow.is_set(self.name, param)
    }

    /// What decides whether another setting acts must not change while it runs.
    fn may_change(&self, param: &str) -> bool {
        self.flow.is_set(self.name, param)
    }

    fn say(&mut self, param: &'static str, message: impl Into<String>) {
        self.said.push((param, message.into()));
    }

    /// These do nothing, where they are set.
    fn idle(&mut self, params: &[&'static str], why: &str) {
        for param in params {
            if self.is_changed(param) && !self.said.iter().any(|(told, _)| told == param) {
                self.say(param, format!("it does nothing: {why}"));
            }
        }
    }

    /// Whether nothing that comes here writes, as far as can be told.
    fn only_reads(&self) -> bool {
        let written = |link: &LinkSpec| matches!(link.operation, Some(OperationSpec::Write | OperationSpec::Delete));
        self.flow.at(self.name) & self.flow.writes() == 0 && !self.flow.design.links.iter().any(written)
    }

    /// Whether all classes that come here are equally urgent.
    fn is_level(&self) -> bool {
        let names = self.flow.names(self.flow.at(self.name));
        let mut priorities = BTreeSet::new();
        for node in self.flow.design.nodes.values() {
            if let Spec::Client(client) = &node.kind {
                let here = client.classes.iter().filter(|(class, _)| names.contains(&class.as_str()));
                priorities.extend(here.map(|(_, class)| class.priority));
            }
        }
        priorities.len() == 1
    }
}

/// Tenants of all clients together.
fn tenants(flow: &Flow) -> u64 {
    let clients = flow.design.nodes.iter().filter_map(|(name, node)| match &node.kind {
        Spec::Client(_) if flow.is_set(name, "tenants") => Some(2),
        Spec::Client(client) => Some(client.tenants.0),
        _ => None,
    });
    clients.fold(0, u64::saturating_add)
}

/// Parameters that name classes which never come.
fn class_settings(told: &mut Told, kind: &Spec) {
    let here = told.flow.names(told.flow.at(told.name));
    for (param, class) in kind.speaks_of() {
        if !here.is_empty() && told.flow.classes.contains(&class) && !here.contains(&class.as_str()) {
            told.say(param, format!("no call of class `{class}` comes here"));
        }
    }
}

fn client_settings(told: &mut Told, one_tenant: bool, is_closed: bool) {
    if one_tenant && !told.may_change("tenants") {
        told.idle(&["tenant_skew"], "there is one tenant");
    }
    if is_closed && !told.may_change("arrivals") {
        told.idle(&["rate", "shape"], "in a closed loop users ask as fast as they get answers and think");
    }
}

fn service_settings(told: &mut Told, kind: &Spec, with_deadline: &BTreeSet<&str>) {
    let Spec::Service(service) = kind else { return };
    let no_queue = service.queue_limit == Some(0) && !told.may_change("queue_limit");
    let discipline = service.discipline;
    let name = format!("{discipline:?}");
    match discipline {
        Discipline::Priority | Discipline::PreemptivePriority if told.is_level() => {
            told.say(
                "discipline",
                format!("all classes that come here have one priority, so that {name} tells none apart"),
            );
        }
        Discipline::EarliestDeadline if !with_deadline.contains(told.name) => {
            let why =
                "no call comes with a deadline: set one on the client, and `propagate_deadline` on the links to here";
            told.say("discipline", format!("{name} is first in, first out here: {why}"));
        }
        Discipline::WeightedFair if told.flow.at(told.name).count_ones() == 1 && tenants(told.flow) == 1 => {
            told.say("discipline", format!("{name} is first in, first out here: one class of one tenant is one flow"));
        }
        Discipline::AdaptiveLifo
            if service.queue_limit.is_some_and(|most| u64::from(most) <= ADAPTIVE_LENGTH as u64) =>
        {
            let message =
                format!("{name} is first in, first out here: it turns round when more than {ADAPTIVE_LENGTH} wait");
            told.say("discipline", message);
        }
        Discipline::Fifo | Discipline::ProcessorSharing | Discipline::PreemptivePriority => {}
        _ if no_queue => told.say("discipline", "nothing waits here, with a `queue_limit` of 0"),
        _ => {}
    }
    if no_queue && !discipline.admits_all() {
        told.idle(&["codel", "max_wait"], "nothing waits here, with a `queue_limit` of 0");
    }
    if service.codel.is_some() && matches!(discipline, Discipline::Lifo | Discipline::AdaptiveLifo) && !no_queue {
        let message = format!(
            "controlled delay goes by the wait of the call that is served next, with {name} the newest: a queue may stand \
             behind it and nothing is shed. Bound the wait of the others by `max_wait`"
        );
        told.say("codel", message);
    }
    if !with_deadline.contains(told.name) {
        told.idle(&["drop_expired"], "no call comes here with a deadline");
    }
    runtime_settings(told, kind);
    let here = told.flow.names(told.flow.at(told.name));
    if here.iter().all(|class| service.work_by_class.contains_key(*class)) && !told.may_change("work_by_class") {
        told.idle(&["work"], "`work_by_class` has a time for every class that comes here");
    }
    let nothing = |dist: &crate::base::Dist| dist.as_constant() == Some(Span::ZERO);
    if service.pauses.as_ref().is_some_and(|pauses| nothing(&pauses.lasting)) {
        told.say("pauses", "a pause of 0 stops nothing");
    }
    if service.breakdowns.as_ref().is_some_and(|breakdowns| nothing(&breakdowns.down)) {
        told.say("breakdowns", "a failure that is repaired after 0 stops nothing");
    }
}

/// What the run-time or the discipline leaves without use.
fn runtime_settings(told: &mut Told, kind: &Spec) {
    let Spec::Service(service) = kind else { return };
    let (discipline, admits_all) = (service.discipline, service.discipline.admits_all());
    let may_change = ["slots", "processes"].into_iter().any(|param| told.may_change(param));
    if told.is("runtime", "Serverless") && !told.may_change("processes") {
        told.idle(&["cores"], "every instance has a core of its own: `slots` limits the instances");
    }
    if told.is("runtime", "Threads") && admits_all {
        told.idle(&["processes"], &format!("{discipline:?} admits every call at once, to all cores"));
    }
    if told.is("runtime", "GlobalLock") && admits_all {
        told.say("runtime", format!("{discipline:?} says who has the core: `switch_interval` does nothing"));
    }
    if !admits_all && !may_change && service.slots == 1 && service.processes == 1 {
        told.idle(&["contention", "coherency"], "with one slot there is never another call in progress");
    }
}

/// The smallest response that may come to a node, in bytes.
fn smallest_response(told: &Told) -> Option<u64> {
    let here = told.flow.names(told.flow.at(told.name));
    let clients = told.flow.design.nodes.iter().filter_map(|(name, node)| match &node.kind {
        Spec::Client(client) => Some((name, client)),
        _ => None,
    });
    let mut smallest: Option<u64> = None;
    for (name, client) in clients {
        for (_, class) in client.classes.iter().filter(|(class, _)| here.contains(&class.as_str())) {
            if class.size_cv > 0.0 || told.flow.is_set(name, "classes") {
                return None;
            }
            smallest = Some(smallest.map_or(class.response.0, |other| other.min(class.response.0)));
        }
    }
    smallest
}

fn cache_settings(told: &mut Told, bytes: Option<u64>) {
    if let (Some(bytes), Some(smallest)) = (bytes, smallest_response(told))
        && bytes < smallest
        && !told.may_change("capacity")
    {
        let message = format!(
            "no response fits into {}: the smallest has {}, so that nothing is ever kept",
            crate::base::units::Bytes(bytes),
            crate::base::units::Bytes(smallest)
        );
        told.say("capacity", message);
    }
    let store = told.flow.outs(told.name).first().map(|&i| told.flow.design.links[i].to.as_str());
    let Some(store) = store else {
        let params = ["negative_ttl", "writes", "write_delay", "single_flight", "early_refresh"];
        return told.idle(&params, "there is no store behind this cache (no link from it)");
    };
    if told.is("ttl", "None") && !told.may_change("ttl") {
        told.idle(&["ttl_jitter", "early_refresh"], "without a `ttl` nothing expires");
    }
    if !told.flow.can_miss(store) {
        told.idle(&["negative_ttl"], &format!("`{store}` has every key: it never reports a miss"));
    }
    if !told.is("writes", "Behind") && !told.may_change("writes") {
        told.idle(&["write_delay"], "only `writes: Behind` delays writes");
    }
    if told.only_reads() {
        told.idle(&["writes", "write_delay"], "no call writes");
    }
}

fn database_settings(told: &mut Told) {
    if told.only_reads() {
        told.idle(&["row_locks"], "no call writes");
    }
    if told.now["replicas"] == "1" {
        told.idle(&["lag", "reads_from", "failover", "on_partition"], "there is one copy: set `replicas`");
    }
    if told.is("replication", "Quorum") {
        told.idle(&["lag", "reads_from", "failover", "row_locks"], "a quorum has no primary");
    } else {
        told.idle(&["write_there", "write_back", "read_there", "read_back"], "only `replication: Quorum(..)` uses it");
    }
}

fn queue_settings(told: &mut Told) {
    if told.is("delivery", "AtMostOnce") && !told.may_change("delivery") {
        let params = ["max_deliveries", "redelivery_delay"];
        told.idle(&params, "AtMostOnce delivers every message once");
    }
    if told.is("order", "Priority") && told.is_level() {
        told.say("order", "all classes that come here have one priority, so that it is first in, first out");
    }
}

fn limiter_settings(told: &mut Told) {
    if told.may_change("algorithm") {
        return;
    }
    if told.is("algorithm", "FixedWindow") || told.is("algorithm", "SlidingWindow") {
        told.idle(&["burst"], "a window has no bucket");
    } else {
        told.idle(&["window"], "a bucket has no window");
    }
    if told.is("per_tenant", "true") && tenants(told.flow) == 1 {
        told.idle(&["per_tenant"], "there is one tenant: set `tenants` of the client");
    }
}

fn balancer_settings(told: &mut Told) {
    if told.may_change("balance") {
        return;
    }
    let blind = ["RoundRobin", "Weighted", "Random", "IpHash"].into_iter().find(|name| told.is("balance", name));
    if let Some(balance) = blind {
        told.idle(&["stale"], &format!("{balance} does not look at the load of its targets"));
    }
    if told.now["balance"].replace(' ', "").contains("choices:1,") {
        told.say("balance", "the better of one that is drawn is that one: it is Random");
        told.idle(&["stale"], "with one choice there are no loads to compare");
    }
    if told.is("balance", "IpHash") && tenants(told.flow) == 1 {
        told.say(
            "balance",
            "IpHash sends all calls of a tenant to one target, and there is one tenant: the others get nothing",
        );
    }
}

/// Probes see crashes and cut links; what hangs goes on being called.
fn check_frozen(design: &Design, findings: &mut Vec<Finding>) {
    for (i, intervention) in design.timeline.iter().enumerate() {
        let Action::Freeze(target) = &intervention.action else { continue };
        let Some(Target::Node(node) | Target::Replica(node, _)) = Target::find(design, target) else { continue };
        for link in design.links.iter().filter(|link| link.to == node) {
            let Some(Spec::LoadBalancer(balancer)) = design.nodes.get(&link.from).map(|node| &node.kind) else {
                continue;
            };
            let ejects = balancer.ejection.is_some() && (link.timeout.is_some() || link.deadline.is_some());
            if balancer.health_check.is_some() && !ejects {
                let message = format!(
                    "the health check of `{}` does not see that `{target}` is frozen: probes find crashes and cut links, \
                     so that calls go on being sent there",
                    link.from
                );
                let subject = Subject::of(["timeline", &i.to_string(), "do"]);
                let remedy = format!("set a `timeout` on `{}` and `ejection` on `{}`", link.name(), link.from);
                findings.push(Finding::warning("unseen-freeze", subject, message).with_remedy(remedy));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;

    /// Nodes and links, the parameter that is told, and a part of what is said; nothing of the same with the other nodes.
    fn one(nodes: &str, links: &str, param: &str, part: &str) {
        let said = told(nodes, links, "");
        let found = said.iter().any(|said| {
            said.starts_with("warning idle-setting") && said.contains(&format!(".{param}:")) && said.contains(part)
        });
        assert!(found && said.len() == 1, "{nodes}: {param}: {said:#?}");
    }

    #[test]
    fn a_cache_below_every_response_is_told() {
        let nodes = |memory: &str, more: &str| {
            format!(
                r#""u": (kind: client(classes: {{ "r": (response: "10 kB"), "s": (response: "6 kB"{more}) }})),
                "c": (kind: cache(capacity: Memory("{memory}"))), "d": (kind: database())"#
            )
        };
        let links = r#"(from: "u", to: "c"), (from: "c", to: "d")"#;
        one(&nodes("5 kB", ""), links, "capacity", "no response fits into 5 kB: the smallest has 6 kB");
        assert_eq!(told(&nodes("6 kB", ""), links, ""), [""; 0]);
        assert_eq!(told(&nodes("5 kB", ", size_cv: 1"), links, ""), [""; 0]);
    }

    #[test]
    fn settings_of_services_that_do_nothing_are_told() {
        let links = r#"(from: "u", to: "a")"#;
        // The default number of cores is said by nobody.
        for sound in ["runtime: EventLoop", "runtime: EventLoop, cores: 8, processes: 8", "cores: 8"] {
            assert_eq!(told(&format!(r#""u": (kind: client()), "a": (kind: service({sound}))"#), links, ""), [""; 0]);
        }
        for (service, param, part) in [
            ("discipline: Priority", "discipline", "one priority"),
            ("discipline: PreemptivePriority", "discipline", "one priority"),
            ("discipline: EarliestDeadline", "discipline", "no call comes with a deadline"),
            ("discipline: WeightedFair", "discipline", "is one flow"),
            ("discipline: AdaptiveLifo, queue_limit: 16", "discipline", "more than 16 wait"),
            ("discipline: Lifo, queue_limit: 0", "discipline", "nothing waits"),
            (r#"max_wait: "1s", queue_limit: 0"#, "max_wait", "nothing waits"),
            ("drop_expired: false", "drop_expired", "no call comes here with a deadline"),
            (r#"runtime: Serverless(cold_start: "1s", keep_alive: "1s"), cores: 2"#, "cores", "a core of its own"),
            ("discipline: ProcessorSharing, processes: 4", "processes", "admits every call at once"),
            (
                r#"discipline: ProcessorSharing, runtime: GlobalLock(switch_interval: "5ms")"#,
                "runtime",
                "`switch_interval` does nothing",
            ),
            ("slots: 1, contention: 0.5", "contention", "one slot"),
            (r#"work: "1ms", work_by_class: { "request": "2ms" }"#, "work", "every class that comes here"),
            (r#"codel: (target: "1ms", interval: "9ms"), queue_limit: 0"#, "codel", "nothing waits"),
            (r#"codel: (target: "5ms", interval: "100ms"), discipline: AdaptiveLifo"#, "codel", "nothing is shed"),
            (r#"pauses: (every: "1s", lasting: "0s")"#, "pauses", "stops nothing"),
            (r#"breakdowns: (up: "1s", down: "0s", lose: true)"#, "breakdowns", "stops nothing"),
        ] {
            one(&format!(r#""u": (kind: client()), "a": (kind: service({service}))"#), links, param, part);
        }
        let two = r#""u": (kind: client(deadline: "1s", tenants: 2, classes: { "x": (), "y": (priority: 1) })),"#;
        for good in ["Priority", "PreemptivePriority", "EarliestDeadline", "WeightedFair", "AdaptiveLifo", "Lifo"] {
            let nodes = format!(r#"{two} "a": (kind: service(discipline: {good}))"#);
            assert_eq!(told(&nodes, r#"(from: "u", to: "a", propagate_deadline: true)"#, ""), [""; 0], "{good}");
        }
        let nodes = format!(r#"{two} "a": (kind: service(work_by_class: {{ "y": "1ms" }})), "b": (kind: service())"#);
        let links = r#"(from: "u", to: "a", when: (classes: ["x"])), (from: "u", to: "b")"#;
        one(&nodes, links, "work_by_class", "no call of class `y` comes here");
    }

    #[test]
    fn settings_of_other_kinds_that_do_nothing_are_told() {
        let straight = r#"(from: "u", to: "n")"#;
        let client = r#""u": (kind: client()),"#;
        for (kind, links, param, part) in [
            ("cache(ttl_jitter: 0.5)", r#"(from: "n", to: "d")"#, "ttl_jitter", "nothing expires"),
            ("cache(early_refresh: 1)", r#"(from: "n", to: "d")"#, "early_refresh", "nothing expires"),
            (r#"cache(negative_ttl: "1s")"#, r#"(from: "n", to: "d")"#, "negative_ttl", "never reports a miss"),
            (r#"cache(write_delay: "9s")"#, r#"(from: "n", to: "d")"#, "write_delay", "Behind"),
            (r#"database(lag: "1s")"#, "", "lag", "one copy"),
            ("database(reads_from: Any)", "", "reads_from", "one copy"),
            (r#"database(failover: "1s")"#, "", "failover", "one copy"),
            (r#"database(replicas: 3, replication: Quorum(r: 2, w: 2), lag: "1s")"#, "", "lag", "no primary"),
            (r#"database(write_there: "1s")"#, "", "write_there", "Quorum"),
            (r#"sharded_store(keys: 10)"#, "", "keys", "Range"),
            (r#"queue(delivery: AtMostOnce, max_deliveries: 2)"#, r#"(from: "n", to: "w")"#, "max_deliveries", "once"),
            ("queue(order: Priority)", r#"(from: "n", to: "w")"#, "order", "one priority"),
            (r#"rate_limiter(window: "9s")"#, r#"(from: "n", to: "d")"#, "window", "bucket"),
            ("rate_limiter(algorithm: FixedWindow, burst: 3)", r#"(from: "n", to: "d")"#, "burst", "no bucket"),
            ("rate_limiter(per_tenant: true)", r#"(from: "n", to: "d")"#, "per_tenant", "one tenant"),
            (r#"load_balancer(stale: "1s")"#, r#"(from: "n", to: "d")"#, "stale", "RoundRobin"),
            ("cache(writes: Around)", r#"(from: "n", to: "d")"#, "writes", "no call writes"),
            ("database(row_locks: true)", "", "row_locks", "no call writes"),
            (
                "load_balancer(balance: PowerOfChoices(choices: 1, replacement: false))",
                r#"(from: "n", to: "d")"#,
                "balance",
                "it is Random",
            ),
            ("load_balancer(balance: IpHash)", r#"(from: "n", to: "d")"#, "balance", "one tenant"),
        ] {
            let callee = match links {
                "" => String::new(),
                links => format!(
                    r#", "{}": (kind: {})"#,
                    if links.contains("\"w\"") { "w" } else { "d" },
                    if links.contains("\"w\"") { "worker()" } else { "database()" }
                ),
            };
            let links = if links.is_empty() { straight.to_owned() } else { format!("{straight}, {links}") };
            one(&format!(r#"{client} "n": (kind: {kind}){callee}"#), &links, param, part);
        }
        let scaler = r#""u": (kind: client()), "a": (kind: service()), "s": (kind: autoscaler(min: 2, max: 2))"#;
        let said = told(scaler, r#"(from: "u", to: "a"), (from: "s", to: "a")"#, "");
        assert_eq!(said, ["warning never-scales nodes.s.kind.max: `s` never scales: `min` and `max` are both 2"]);
        for (client, param) in [
            ("tenant_skew: 1", "tenant_skew"),
            (r#"rate: "9/s", arrivals: Closed(users: 1, think: "1s")"#, "rate"),
            (r#"shape: Step(at: "1s", to: 2), arrivals: Closed(users: 1, think: "1s")"#, "shape"),
        ] {
            let nodes = format!(r#""u": (kind: client({client})), "n": (kind: service())"#);
            one(&nodes, straight, param, "does nothing");
        }
        let nodes = r#""u": (kind: client()), "a": (kind: service()), "k": (kind: cache(single_flight: true))"#;
        let links = r#"(from: "u", to: "a"), (from: "a", to: "k"), (from: "a", to: "k", name: "fill", operation: Write, step: 2)"#;
        one(nodes, links, "single_flight", "no store behind");
    }

    #[test]
    fn a_frozen_replica_that_no_probe_sees_is_told() {
        let nodes = |balancer: &str| {
            format!(
                r#""u": (kind: client()), "l": (kind: load_balancer({balancer})), "a": (kind: service(replicas: 2))"#
            )
        };
        let links = |link: &str| format!(r#"(from: "u", to: "l"), (from: "l", to: "a"{link})"#);
        let freeze = r#"(at: "1s", do: Freeze("a#1"))"#;
        let said = told(&nodes("health_check: ()"), &links(""), freeze);
        assert!(said.len() == 1 && said[0].starts_with("warning unseen-freeze timeline.0.do"), "{said:#?}");
        let seen = told(&nodes("health_check: (), ejection: ()"), &links(r#", timeout: "1s""#), freeze);
        assert!(!seen.iter().any(|said| said.contains("unseen-freeze")), "{seen:#?}");
    }
}
