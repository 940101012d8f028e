//! `explain`: manuals, generated from what they are about: kinds, links with their policies, the timeline, figures,
//! distributions, files.

mod lookup;
mod terms;

use super::columns::{WIDTH, wrap};
use super::{GOOD, WRONG_INPUT, kinds, print, say};
use crate::base::{Dist, Span, ron};
use crate::design::{Action, Design, Figure, Intervention, LinkSpec, Of, figures_of};
use crate::engine::{NODE_MEASURES, REASONS, Unit};
use crate::kinds::products::product_named;
use crate::kinds::{KINDS, Param, Spec, Value};

/// The manual of a kind, of links and their policies, the timeline, figures, distributions or the file format.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tailboard explain                list every topic\n  tailboard explain load_balancer  a kind\n  tailboard explain retry          a policy of links\n  tailboard explain Delay          an intervention\n  tailboard explain redis          what stands for a product"
)]
pub struct Args {
    /// A topic; without one they are listed.
    topic: Option<String>,
}

pub fn main(args: &Args) -> u8 {
    let Some(topic) = &args.topic else { return print(&overview(), GOOD) };
    if let Some(text) = topic_text(topic) {
        return print(&text, GOOD);
    }
    let hint =
        ron::did_you_mean(topic, &lookup::names()).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    let list = "`tailboard explain` lists every topic";
    say(&format!("error: there is no topic `{topic}`{hint}\n{list}\n"));
    WRONG_INPUT
}

/// The policies and other settings of a link, as they are visited.
fn link_params() -> Vec<(Param, String)> {
    let mut params = Vec::new();
    LinkSpec::default().visit(&mut |param: &Param, value: &mut dyn Value| params.push((*param, value.text())));
    params
}

fn distributions() -> &'static [&'static str] {
    ron::slot::<Dist>(&[]).names
}

/// What there is to be explained, by what it is.
fn topics() -> Vec<(&'static str, Vec<&'static str>)> {
    let link = std::iter::once("link").chain(link_params().into_iter().map(|(param, _)| param.name));
    let timeline = std::iter::once("timeline").chain(Action::PARTS.iter().map(|(name, ..)| *name));
    vec![
        ("Kinds of node", KINDS.iter().map(|meta| meta.key).collect()),
        ("Links and their policies", link.collect()),
        ("Interventions", timeline.collect()),
        ("Figures, for expectations and plots", vec!["figures"]),
        ("Distributions of times", std::iter::once("distributions").chain(distributions().iter().copied()).collect()),
        ("The file", vec!["scenario"]),
    ]
}

fn overview() -> String {
    let mut text = "Manuals: `tailboard explain TOPIC`\n".to_owned();
    for (what, names) in topics() {
        text += &format!("\n{what}\n{}\n", indented(2, &names.join(", ")));
    }
    text += "\nEvery parameter, option, figure and reason of failure is a topic too, and so are terms of the field\n\
             and many products: `tailboard explain prefetch`, `tailboard explain p99`, `tailboard explain Zipf`,\n\
             `tailboard explain \"circuit breaker\"`, `tailboard explain redis`.\n";
    text
}

/// The manual of a topic, if there is one.
pub fn topic_text(topic: &str) -> Option<String> {
    let bare = lookup::bare(topic);
    let kind = KINDS.iter().find(|meta| lookup::bare(meta.key) == bare.trim_end_matches('s'));
    if let Some(spec) = kind.and_then(|meta| Spec::new(meta.key)) {
        return Some(text(&spec));
    }
    let lower = topic.to_lowercase();
    match lower.as_str() {
        "link" | "links" | "policies" | "policy" => return Some(link()),
        "timeline" | "interventions" | "faults" => return Some(timeline()),
        "figures" | "figure" | "metrics" | "expectations" | "expect" => return Some(all_figures()),
        "distributions" | "distribution" => return Some(all_distributions()),
        "scenario" | "file" | "design" => return Some(scenario()),
        _ => {}
    }
    lookup::all_about(topic)
        .or_else(|| lookup::all_about(topic.strip_suffix('s')?))
        .or_else(|| product_named(topic).map(kinds::product))
}

/// The manual of a kind.
pub fn text(spec: &Spec) -> String {
    let meta = spec.meta();
    let (summary, help) = (wrap(meta.summary, WIDTH), wrap(meta.help, WIDTH));
    let mut text = format!("{} (`{}`)\n{summary}\n\n{help}\n", meta.title, meta.key);
    let mut params = Vec::new();
    spec.clone().visit(&mut |param: &Param, value: &mut dyn Value| params.push((*param, value.text())));
    text += &in_sections(params);
    if !meta.measures.is_empty() {
        text += "\nFigures besides those of every node\n";
        for measure in meta.measures {
            text += &format!("\n{}\n{}\n", indented(2, measure.name), indented(6, measure.help));
        }
    }
    text
}

/// Parameters by what they are about, those that matter first ahead.
fn in_sections(mut params: Vec<(Param, String)>) -> String {
    params.sort_by_key(|(param, _)| param.rank());
    let mut text = String::new();
    let mut last = None;
    for (param, value) in &params {
        if last.replace(param.section) != Some(param.section) {
            text += &format!("\nParameters: {}\n", param.section.title().to_lowercase());
        }
        text += &section(param, value);
    }
    text
}

/// A parameter: its default, what it does, its range, parts and examples.
fn section(param: &Param, value: &str) -> String {
    let live = if param.live { "" } else { " (fixed while running)" };
    let mut text = format!("\n{}\n", indented(2, &format!("{}: {value}{live}", param.name)));
    let range = param.range_text(value).map_or(String::new(), |range| format!(" From {range}."));
    text += &format!("{}\n", indented(6, &format!("{}{range}", param.help)));
    for (name, help) in param.parts {
        text += &format!("{}\n", indented(10, &format!("{name}: {help}")));
    }
    text + &format!("{}\n", indented(6, &format!("for example {}", param.examples.join("  or  "))))
}

fn link() -> String {
    let intro = "A link from A to B means that A calls B. A service or worker makes its calls in the order of their steps; \
                 links of one step are called in parallel. Policies apply in this order, from the caller's side inwards: \
                 fallback, deadline, retry, hedge, breaker, bulkhead, timeout, pool, network. So every attempt counts for the \
                 breaker, and a retry never outlives the deadline. In a file: `(from: \"api\", to: \"db\", timeout: \"1s\")`; a \
                 `name` of its own is needed where two links join the same nodes.";
    format!("Link (`links`)\n{}\n{}", wrap(intro, WIDTH), in_sections(link_params()))
}

fn timeline() -> String {
    let intro = "Interventions: what is done to a running design, and when. Targets are nodes (`\"db\"`), one replica (`\"db#0\"`, \
                 from 0) or links (`\"api->db\"`). They lie on top of each other: the latest that is still on counts, and when it \
                 ends what lies below shows again. In a file: `(at: \"20s\", lasting: \"10s\", do: Kill(\"db#0\"))`.";
    let mut text = format!("Timeline (`timeline`)\n{}\n", wrap(intro, WIDTH));
    for (name, help) in Intervention::PARTS {
        text += &format!("\n{}\n{}\n", indented(2, name), indented(6, help));
    }
    Action::PARTS.iter().for_each(|action| text += &action_section(action));
    text
}

fn action_section((name, example, help): &(&str, &str, &str)) -> String {
    format!("\n{}\n{}\n{}\n", indented(2, name), indented(6, help), indented(6, &format!("for example {example}")))
}

fn all_figures() -> String {
    let intro = "A figure is named by its subject (a node, link or class; none is all requests) and its name, perhaps with a \
                 stretch of time: `p99`, `db.utilization`, `api->db.failed_share`, `read.p99 @ 10s..20s`. An expectation bounds \
                 it: `(that: \"p99\", at_most: \"200ms\")`. Levels of a kind (`messages`, `replicas`) are looked at when a window of the \
                 recording ends, up to a thousand times in a run; single replicas and shards 32 times, so that a stretch of time is cut to \
                 whole thirty-seconds of the run for them.";
    let mut text = format!("Figures\n{}\n", wrap(intro, WIDTH));
    let list = |known: Vec<Figure>| {
        let lines = known.into_iter().map(|figure| {
            let rate = figure.unit == Unit::PerSecond && !figure.help.contains("per second");
            let rate = if rate { " Per second." } else { "" };
            let whole = if figure.by_window { "" } else { " Of the whole run only." };
            format!("{}\n", indented(2, &format!("{}: {}{rate}{whole}", figure.name, figure.help)))
        });
        lines.collect::<String>()
    };
    let node: Vec<Figure> = NODE_MEASURES.iter().copied().flatten().map(Figure::of_node).collect();
    let general = [
        ("Of all requests, and of a class", figures_of(Of::Requests)),
        ("Of a node that takes calls", node),
        ("Of a replica or shard, such as `api#0`", figures_of(Of::Copy)),
        ("Of a link", figures_of(Of::Link)),
    ];
    for (what, known) in general {
        text += &format!("\n{what}\n{}", list(known));
    }
    text += "\nShare of requests, calls or attempts that fail for a reason\n";
    for reason in REASONS {
        text += &format!("{}\n", indented(2, &format!("{}: {}", reason.figure(), reason.help())));
    }
    for meta in KINDS.iter().filter(|meta| !meta.measures.is_empty()) {
        text += &format!("\nOf {}\n{}", meta.one(), list(meta.measures.iter().map(Figure::of_node).collect()));
    }
    text
}

fn all_distributions() -> String {
    let intro = "Where a time is wanted a distribution may stand. A bare time is a constant: `work: \"5ms\"`.";
    let mut text = format!("Distributions\n{}\n", wrap(intro, WIDTH));
    distributions().iter().for_each(|name| text += &distribution(name));
    text
}

fn distribution(name: &str) -> String {
    let help = |part: &str| Dist::PARTS.iter().find(|(name, _)| *name == part).map_or("", |(_, help)| *help);
    let example =
        Dist::with_mean(name, Span::from_millis(10)).and_then(|dist| ron::to_text(&dist).ok()).unwrap_or_default();
    let example = example.replace(':', ": ").replace(',', ", ");
    let mut text = format!("\n{}\n{}\n", indented(2, name), indented(6, help(name)));
    for field in ron::slot::<Dist>(&[name]).fields {
        text += &format!("{}\n", indented(10, &format!("{field}: {}", help(field))));
    }
    text + &format!("{}\n", indented(6, &format!("for example {example}")))
}

fn scenario() -> String {
    let intro = "A scenario is a text in RON: fields in ( ), tables in { }, lists in [ ], comments after //. Times, rates, sizes and \
                 shares have units: \"2ms\", \"10k/s\", \"64 KiB\", \"5%\". `tailboard new` prints one to start from, `tailboard check` says \
                 all that is wrong with one. Its sections, all of which may be left out:";
    let mut text = format!("Scenario\n{}\n", wrap(intro, WIDTH));
    for (name, help) in Design::PARTS {
        text += &format!("\n{}\n{}\n", indented(2, name), indented(6, help));
    }
    text
}

/// Wrapped, each line with so many blanks before it.
fn indented(blanks: usize, text: &str) -> String {
    let lines: Vec<String> = wrap(text, WIDTH - blanks).lines().map(|line| format!("{:blanks$}{line}", "")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::figures;

    #[test]
    fn every_manual_fits_and_its_ranges_have_units() {
        let names: Vec<&str> = topics().into_iter().flat_map(|(_, names)| names).collect();
        for name in names.into_iter().chain(figures().map(|figure| figure.name)).chain(["redis", "prefetch"]) {
            let text = topic_text(name).unwrap_or_else(|| panic!("`{name}` has no manual"));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && !line.contains(".;"), "{name}: {line}");
            }
        }
        assert!(overview().lines().all(|line| line.chars().count() <= WIDTH));
        let cache = text(&Spec::new("cache").expect("in the catalogue"));
        let words: Vec<&str> = cache.split_whitespace().collect();
        assert!(words.join(" ").contains(" From 1us to "), "{cache}");
        assert_eq!(topic_text("teapot"), None);
    }

    /// What matters first of a kind stands ahead, and each section once.
    #[test]
    fn parameters_stand_by_what_they_are_about() {
        let service = text(&Spec::new("service").expect("in the catalogue"));
        let at = |part: &str| service.find(part).unwrap_or_else(|| panic!("{part}: {service}"));
        let order = [
            "\nParameters: capacity\n",
            "  replicas: ",
            "\nParameters: time\n",
            "  wait: ",
            "  work_by_class: ",
            "\nParameters: queue\n",
            "  queue_limit: ",
            "  discipline: ",
            "\nParameters: reliability\n",
            "\nParameters: advanced\n",
        ];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{service}");
        assert_eq!(service.matches("\nParameters: capacity\n").count(), 1);
        for meta in KINDS {
            let mut leads = 0;
            let mut spec = Spec::new(meta.key).expect("in the catalogue");
            spec.visit(&mut |param: &Param, _: &mut dyn Value| leads += usize::from(param.leads));
            assert!((1..=8).contains(&leads), "{}: {leads}", meta.key);
        }
        // Policies stand in the order in which they apply.
        let link = topic_text("link").expect("a manual");
        let at = |part: &str| link.find(part).unwrap_or_else(|| panic!("{part}: {link}"));
        let order = [
            "  fallback: ",
            "  deadline: ",
            "  retry: ",
            "  hedge: ",
            "  breaker: ",
            "  bulkhead: ",
            "  timeout: ",
            "  pool: ",
        ];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{link}");
    }

    /// What a type has, each once, in the order of the type.
    #[test]
    fn the_lists_are_those_of_the_types() {
        let names = |list: &[(&'static str, &'static str)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(Design::PARTS), ron::slot::<Design>(&[]).fields);
        assert_eq!(names(Intervention::PARTS), ron::slot::<Intervention>(&[]).fields);
        let actions: Vec<&str> = Action::PARTS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(actions, ron::slot::<Action>(&[]).names);
        for (name, example, help) in Action::PARTS {
            let read = ron::read::<Action>(example).into_result();
            assert!(read.is_ok() && example.starts_with(name) && help.ends_with('.'), "{example}: {read:?}");
        }
        for name in distributions() {
            let manual = distribution(name);
            let fields = ron::slot::<Dist>(&[name]).fields;
            let helps =
                fields.iter().all(|field| Dist::PARTS.iter().any(|(part, help)| part == field && help.ends_with('.')));
            assert!(helps && manual.contains(&format!("for example {name}(")), "{manual}");
        }
    }
}
