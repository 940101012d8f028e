//! Expectations must speak of figures that there are.

use super::flow::settings;
use super::{vacuous, with_suggestion};
use crate::base::{Finding, Subject};
use crate::design::{
    Action, Amount, Design, Expectation, Figure, LinkSpec, MetricPath, Node, Of, figures, figures_of, unit_of,
};
use crate::engine::{REASONS, Role, Unit};
use crate::kinds::KINDS;

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    for (i, expectation) in design.expect.iter().enumerate() {
        let subject = Subject::of(["expect", &i.to_string()]);
        if expectation.at_least.is_none() && expectation.at_most.is_none() {
            let finding = Finding::error("no-bound", subject.clone(), "it expects nothing");
            findings.push(finding.with_remedy("add `at_least` or `at_most`"));
        }
        let before = findings.len();
        for (param, text) in [("that", Some(&expectation.that)), ("times", expectation.times.as_ref())] {
            let Some(text) = text else { continue };
            match MetricPath::parse(text) {
                Err(problem) => findings.push(Finding::error("bad-figure", subject.then(param), problem)),
                Ok(path) => check_path(design, &path, &subject.then(param), findings),
            }
        }
        // Nobody knows the unit of a figure that there is not.
        if findings.len() == before {
            check_bounds(expectation, &subject, findings);
        }
    }
}

/// The bounds must be measured in what the figure is measured in, and leave something between them.
fn check_bounds(expectation: &Expectation, subject: &Subject, findings: &mut Vec<Finding>) {
    let unit = unit_of(&expectation.that);
    let (least, most) = (&expectation.at_least, &expectation.at_most);
    for (param, amount) in [("at_least", least), ("at_most", most)] {
        let Some(amount) = amount else { continue };
        let problem = if expectation.times.is_some() { amount.problem_as_factor() } else { amount.problem(unit) };
        if let Some(problem) = problem {
            findings.push(Finding::error("bad-amount", subject.then(param), problem));
        }
    }
    if let Some(times) = &expectation.times
        && unit_of(times) != unit
    {
        let message = format!("`{}` and `{times}` are not measured in the same unit", expectation.that);
        findings.push(Finding::error("bad-amount", subject.then("times"), message));
    }
    let value = |amount: &Option<Amount>| amount.as_ref().map(|amount| amount.value);
    if value(least).zip(value(most)).is_some_and(|(least, most)| least > most) {
        let message = "at_least is above at_most: nothing lies between them";
        findings.push(Finding::error("bad-amount", subject.then("at_least"), message));
    }
}

fn check_path(design: &Design, path: &MetricPath, subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some((_, until)) = path.window
        && until > design.run.length
    {
        let message = format!("the window ends at {until}, after the end of the run");
        findings.push(Finding::error("bad-figure", subject.clone(), message));
    }
    let name = path.subject.as_deref();
    let Some((what, known)) = known_of(design, name) else {
        let name = name.unwrap_or_default();
        let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
        let classes = design.classes();
        let names = design.nodes.keys().chain(&links).chain(&classes).map(String::as_str);
        let message = format!("there is no node, link or class `{name}`");
        let finding = Finding::error("bad-figure", subject.clone(), message);
        findings.push(match of_all(name, &path.figure) {
            Some(meant) => {
                finding.with_remedy(format!("did you mean `{meant}`? Without a subject it is of all requests"))
            }
            None => with_suggestion(finding, name, names),
        });
        return;
    };
    if let Some(problem) = subject_problem(design, path) {
        findings.push(Finding::error("bad-figure", subject.clone(), problem));
        return;
    }
    let name = path.figure.as_str();
    let figure = known.iter().find(|figure| figure.name == name);
    // Failures of single copies are not counted.
    let is_copy = path.subject.as_deref().is_some_and(|subject| is_copy(design, subject));
    let is_reason = !is_copy && REASONS.iter().any(|reason| reason.figure() == name);
    if figure.is_none() && !is_reason {
        let message = format!("{what} has no figure `{name}`");
        let of_nodes = figures().any(|figure| figure.name == name);
        let remedy = match meant_of(name, &known) {
            // A subject alone.
            _ if path.subject.is_none() && known_of(design, Some(name)).is_some() => {
                let known = own_figures(design, Some(name));
                let figure = known.iter().find(|figure| figure.unit == Unit::Share).or(known.first());
                format!("name a figure of it, as in `{name}.{}`", figure.map_or("throughput", |figure| figure.name))
            }
            _ if path.subject.is_none() && of_nodes => {
                let has = |node: &str| {
                    vacuous::problem(design, &MetricPath { subject: Some(node.to_owned()), ..path.clone() })
                };
                let node = design.nodes.keys().find(|node| has(node).is_none());
                format!("name the node or link that it is of, as in `{}.{name}`", node.map_or("db", String::as_str))
            }
            Some(meant) => format!("did you mean `{meant}`? `tailboard explain figures` lists all"),
            None => {
                let own = own_figures(design, path.subject.as_deref());
                let mut names: Vec<&str> = own.iter().map(|figure| figure.name).collect();
                names.extend((!is_copy).then_some("failed_<reason>"));
                format!("{what} has {}", names.join(", "))
            }
        };
        findings.push(Finding::error("bad-figure", subject.clone(), message).with_remedy(remedy));
    } else if path.window.is_some() && figure.is_some_and(|figure| !figure.by_window) {
        let message = format!("`{name}` is known of the whole run only: there are no windows of it here");
        let kept = over_time(design, path.subject.as_deref());
        let remedy = format!("leave out the times, or use one of {}", kept.join(", "));
        findings.push(Finding::error("bad-figure", subject.clone(), message).with_remedy(remedy));
    } else if let Some((message, remedy)) = vacuous::problem(design, path) {
        findings.push(Finding::error("bad-figure", subject.clone(), message).with_remedy(remedy));
    }
}

/// What a subject is, and the figures that there are of it; none where there is no such subject. Of a node these are the
/// figures of every kind: which of them its own kind has is told by itself.
fn known_of(design: &Design, subject: Option<&str>) -> Option<(&'static str, Vec<Figure>)> {
    Some(match subject {
        None => ("a request", figures_of(Of::Requests)),
        Some(name) if design.nodes.contains_key(name) => {
            let mut all: Vec<Figure> = Vec::new();
            for figure in KINDS.iter().flat_map(|meta| figures_of(Of::Node(meta))) {
                if all.iter().all(|other| other.name != figure.name) {
                    all.push(figure);
                }
            }
            ("a node", all)
        }
        Some(name) if design.link(name).is_some() => ("a link", figures_of(Of::Link)),
        Some(name) if design.classes().iter().any(|class| class == name) => ("a class", figures_of(Of::Requests)),
        Some(name) if copy(design, name).is_some() => ("a replica or shard", figures_of(Of::Copy)),
        Some(_) => return None,
    })
}

/// The node of `redis#3`, and which of its copies that is.
fn copy<'a>(design: &'a Design, subject: &str) -> Option<(&'a Node, usize)> {
    let (name, copy) = subject.rsplit_once('#')?;
    Some((design.nodes.get(name)?, copy.parse().ok()?))
}

fn is_copy(design: &Design, subject: &str) -> bool {
    !design.nodes.contains_key(subject) && design.link(subject).is_none() && copy(design, subject).is_some()
}

/// Why there is no such replica or shard, if there is none.
fn subject_problem(design: &Design, path: &MetricPath) -> Option<String> {
    let subject = path.subject.as_deref().filter(|subject| !design.nodes.contains_key(*subject))?;
    let (node, number) = copy(design, subject)?;
    let Some(copies) = node.kind.meta().copies else {
        return Some(format!("`{subject}`: {} has no replicas or shards", node.kind.meta().one()));
    };
    let count = settings(&node.kind).get(copies.count).and_then(|text| text.parse::<usize>().ok())?;
    let changes = design.nodes.values().any(|node| node.kind.meta().role == Role::Scaler)
        || design.timeline.iter().any(|intervention| matches!(intervention.action, Action::Set(..)));
    let missing = number >= count && !changes || number >= MOST_COPIES;
    missing.then(|| match count {
        0 | 1 => format!("there is no `{subject}`: it has one {}, #0", copies.one),
        count => format!("there is no `{subject}`: it has {count}, #0 to #{}", count - 1),
    })
}

/// Copies of a node that are told apart.
const MOST_COPIES: usize = 10_000;

/// Names of figures in other tools (k6, Grafana, Locust, AsyncFlow), with those that mean the same here, best first.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("error_rate errors error_share failure_rate failed fail_rate http_req_failed 5xx", &["failed_share"]),
    ("availability success_rate success_share success uptime slo sli", &["good_share", "failed_share"]),
    ("latency average avg response_time duration http_req_duration rtt", &["mean"]),
    ("median", &["p50"]),
    ("p999 p99_9", &["p99.9"]),
    ("rps qps tps http_reqs requests request_rate req_rate requests_per_second", &["throughput", "attempts"]),
    ("cpu cpu_usage cpu_load cpu_utilization cpu_utilisation cores", &["core_utilization"]),
    ("pods replicas instances workers capacity servers", &["replicas", "slots"]),
    ("load usage saturation utilisation", &["utilization"]),
    ("hit_rate hits_share cache_hit_ratio cache_hits", &["hit_ratio"]),
    ("queue_length queue_depth queue_size backlog depth pending waiting", &["queue"]),
    ("lag consumer_lag age", &["lag_mean"]),
    ("wait wait_time queue_time mean_wait_time", &["mean_wait"]),
    ("service_time", &["mean_service"]),
    ("in_flight inflight concurrency connections active", &["busy"]),
    ("late slo_violations deadline_misses", &["late_share"]),
    ("stale staleness", &["stale_share"]),
    ("max_latency maximum peak", &["max"]),
    ("timeouts timeout timeout_rate", &["failed_timeout"]),
    ("throttled rate_limited 429", &["failed_rate_limited"]),
    ("calls incoming", &["arrivals", "attempts", "offered"]),
];

/// Names under which other tools have the figures of all requests: `latency.p99`.
const ALL_REQUESTS: &[&str] =
    &["latency", "duration", "response_time", "http_req_duration", "request", "requests", "total", "all", "overall"];

/// The figure of all requests that is meant by a subject that is none, in either order.
fn of_all(subject: &str, figure: &str) -> Option<&'static str> {
    let is_all = |name: &str| ALL_REQUESTS.contains(&name.to_lowercase().as_str());
    let name = if is_all(subject) { figure } else { Some(subject).filter(|_| is_all(figure))? };
    meant_of(name, &figures_of(Of::Requests))
}

/// What is wrong with a figure, with what to do, in a line.
pub fn problem(design: &Design, path: &MetricPath) -> Option<String> {
    let mut findings = Vec::new();
    check_path(design, path, &Subject::default(), &mut findings);
    let finding = findings.into_iter().next()?;
    Some(finding.remedy.map_or(finding.message.clone(), |remedy| format!("{}; {remedy}", finding.message)))
}

/// The figures that a subject has: of a node, those of its kind.
fn own_figures(design: &Design, subject: Option<&str>) -> Vec<Figure> {
    let node = subject.and_then(|name| design.nodes.get(name)).map(|node| figures_of(Of::Node(node.kind.meta())));
    node.or_else(|| Some(known_of(design, subject)?.1)).unwrap_or_default()
}

/// The figures of a subject that are known over time.
pub fn over_time(design: &Design, subject: Option<&str>) -> Vec<&'static str> {
    let known = own_figures(design, subject);
    known.iter().filter(|figure| figure.by_window).map(|figure| figure.name).collect()
}

/// The figure that is meant by a name that is none.
fn meant_of(name: &str, known: &[Figure]) -> Option<&'static str> {
    let lower = name.to_lowercase().replace([' ', '-'], "_");
    let bare = ["latency_", "duration_", "response_time_"].iter().find_map(|prefix| lower.strip_prefix(prefix));
    let bare = bare.or_else(|| lower.strip_suffix("_latency")).unwrap_or(&lower);
    let is_known = |meant: &&&'static str| {
        known.iter().any(|figure| figure.name == **meant) || meant.starts_with("failed_") && **meant != "failed_share"
    };
    let elsewhere = ELSEWHERE.iter().find(|(names, _)| names.split(' ').any(|other| other == bare || other == lower));
    if let Some(meant) = elsewhere.and_then(|(_, meant)| meant.iter().find(is_known)) {
        return Some(*meant);
    }
    if let Some(figure) = known.iter().find(|figure| figure.name == bare) {
        return Some(figure.name);
    }
    let names: Vec<&'static str> = known.iter().map(|figure| figure.name).collect();
    crate::base::ron::did_you_mean(&lower, &names)
}

/// The path with the figure that was meant, where it names one that there is not.
pub fn meant(design: &Design, text: &str) -> Option<String> {
    let path = MetricPath::parse(text).ok()?;
    let window = text.split_once('@').map_or(String::new(), |(_, window)| format!(" @ {}", window.trim()));
    let Some((_, known)) = known_of(design, path.subject.as_deref()) else {
        return of_all(path.subject.as_deref()?, &path.figure).map(|meant| format!("{meant}{window}"));
    };
    let meant = meant_of(&path.figure, &known)?;
    let subject = path.subject.map_or(String::new(), |subject| format!("{subject}."));
    Some(format!("{subject}{meant}{window}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_its_subject_or_with_one_too_many_is_told() {
        let design = super::super::testing::design(
            r#""u": (kind: client()), "api": (kind: service()), "db": (kind: database())"#,
            r#"(from: "u", to: "api"), (from: "api", to: "db")"#,
            "",
        );
        for (text, part) in [
            ("p99.99", "a request has no figure `p99.99`; did you mean `p99.9`?"),
            ("api.p99.99", "a node has no figure `p99.99`; did you mean `p99.9`?"),
            ("latency.p99", "did you mean `p99`? Without a subject it is of all requests"),
            ("p99.latency", "did you mean `p99`?"),
            ("queue", "name the node or link that it is of, as in `api.queue`"),
            ("api", "name a figure of it, as in `api.failed_share`"),
            ("api#0", "name a figure of it, as in `api#0.share`"),
            ("stale_reads", "as in `db.stale_reads`"),
            ("foo", "a request has offered"),
        ] {
            let path = MetricPath::parse(text).expect("a path");
            let told = problem(&design, &path).unwrap_or_default();
            assert!(told.contains(part), "{text}: {told}");
        }
        assert_eq!(meant(&design, "latency.p99 @ 1s..2s"), Some("p99 @ 1s..2s".to_owned()));
        assert!(over_time(&design, None).contains(&"p99") && !over_time(&design, Some("api")).contains(&"p99"));
    }

    #[test]
    fn names_of_other_tools_are_understood() {
        let design = super::super::testing::design(r#""a": (kind: service())"#, "", "");
        let of_node = known_of(&design, Some("a")).expect("there").1;
        for (name, of_request, of_a_node) in [
            ("error_rate", Some("failed_share"), Some("failed_share")),
            ("latency_p99", Some("p99"), Some("p99")),
            ("p95_latency", Some("p95"), Some("p95")),
            ("cpu", None, Some("core_utilization")),
            ("availability", Some("good_share"), Some("failed_share")),
            ("RPS", Some("throughput"), Some("throughput")),
            ("queue-depth", None, Some("queue")),
            ("p999", Some("p99.9"), Some("p99.9")),
            ("through_put", Some("throughput"), Some("throughput")),
            ("zzzzzzzz", None, None),
        ] {
            assert_eq!(
                (meant_of(name, &figures_of(Of::Requests)), meant_of(name, &of_node)),
                (of_request, of_a_node),
                "{name}"
            );
        }
        assert!(meant_of("pods", &of_node).is_some());
        // Each name stands once, and leads somewhere.
        let mut names: Vec<&str> = ELSEWHERE.iter().flat_map(|(names, _)| names.split(' ')).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for name in names {
            let lists = [figures_of(Of::Requests), of_node.clone(), figures_of(Of::Link)];
            assert!(lists.iter().any(|known| meant_of(name, known).is_some()), "{name}");
        }
    }
}
