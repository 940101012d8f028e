//! Every name that a file can hold or a report can show, with everything that bears it: `window` is a part of a breaker and
//! a parameter of a rate limiter, `slots` a parameter and a figure.

use super::terms::TERMS;
use super::{action_section, distribution, distributions, indented, link_params, section, topics};
use crate::cli::columns::{WIDTH, wrap};
use crate::design::{Action, Design, Figure, Intervention, Of, figures, figures_of};
use crate::engine::{NODE_MEASURES, REASONS};
use crate::kinds::{KINDS, Param, Spec, Value};

/// Letters and digits alone, in lower case: `Circuit breaker` and `circuit_breaker` are the same.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || *c == '.').flat_map(char::to_lowercase).collect()
}

/// What is said of a name by everything that bears it, in the order of the manual.
pub(super) fn all_about(topic: &str) -> Option<String> {
    let wanted = bare(topic);
    let own = about(&wanted);
    let term = TERMS.iter().find(|term| term.names.split(' ').any(|name| name == wanted));
    let note = term.filter(|term| !term.note.is_empty()).map(|term| format!("{}\n", wrap(term.note, WIDTH)));
    let others = term.into_iter().flat_map(|term| term.topics.iter()).map(|topic| {
        // A kind or a section of the manual is referred to as a whole.
        let whole = Spec::new(topic).map(|spec| format!("{}\n{}\n", refer(topic), indented(6, spec.meta().summary)));
        whole.unwrap_or_else(|| about(&bare(topic)).join("\n"))
    });
    let parts: Vec<String> = note.into_iter().chain(own).chain(others).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Every name that has an answer, for suggestions.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = topics().into_iter().flat_map(|(_, names)| names).collect();
    names.extend(figures().map(|figure| figure.name));
    names.extend(REASONS.iter().map(|reason| reason.name()));
    names.extend(Design::PARTS.iter().chain(Intervention::PARTS).map(|(name, _)| *name));
    for (_, param, _) in params() {
        names.push(param.name);
        names.extend(param.parts.iter().map(|(name, _)| *name));
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn refer(topic: &str) -> String {
    format!("More: `tailboard explain {topic}`")
}

/// Every parameter of links and kinds, by what has it, with its default.
fn params() -> Vec<(&'static str, Param, String)> {
    let mut all: Vec<_> = link_params().into_iter().map(|(param, value)| ("link", param, value)).collect();
    for meta in KINDS {
        if let Some(mut spec) = Spec::new(meta.key) {
            spec.visit(&mut |param: &Param, value: &mut dyn Value| all.push((meta.key, *param, value.text())));
        }
    }
    all
}

fn about(wanted: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is = |name: &str| bare(name) == wanted;
    let params = params();
    for (owner, param, value) in params.iter().filter(|(_, param, _)| is(param.name)) {
        let head = match *owner {
            "link" => "A setting of links; all of them and their order: `tailboard explain link`".to_owned(),
            key => format!("A parameter of {key}: `tailboard explain {key}`"),
        };
        found.push(format!("{head}\n{}", section(param, value)));
    }
    if let Some(action) = Action::PARTS.iter().find(|(name, ..)| is(name)) {
        found.push(format!("An intervention; all of them: `tailboard explain timeline`\n{}", action_section(action)));
    }
    if let Some(name) = distributions().iter().find(|name| is(name)) {
        let head = "A distribution of times; all of them: `tailboard explain distributions`";
        found.push(format!("{head}\n{}", distribution(name)));
    }
    found.extend(figure(wanted));
    for (section, parts, manual) in
        [("the file", Design::PARTS, "scenario"), ("an intervention", Intervention::PARTS, "timeline")]
    {
        if let Some((name, help)) = parts.iter().find(|(name, _)| is(name)) {
            found.push(format!("Of {section}: `tailboard explain {manual}`\n\n  {name}\n{}\n", indented(6, help)));
        }
    }
    // Parts of parameters: an option or a field. The same part of several kinds is told once.
    let mut told: Vec<(&str, &str)> = Vec::new();
    for (owner, param, _) in &params {
        for &(name, help) in param.parts.iter().filter(|(name, _)| is(name)) {
            if told.contains(&(param.name, help)) {
                continue;
            }
            told.push((param.name, help));
            let of = if *owner == "link" { "links" } else { owner };
            let head = format!("In `{}` of {of}: `tailboard explain {}`", param.name, param.name);
            found.push(format!("{head}\n\n  {name}\n{}\n", indented(6, help)));
        }
    }
    found
}

/// A figure, with all that have it; or a reason for which calls fail.
fn figure(wanted: &str) -> Vec<String> {
    let mut found: Vec<(&'static str, &'static str, Vec<String>)> = Vec::new();
    let mut note = |known: Vec<Figure>, whose: &str| {
        for figure in known.into_iter().filter(|figure| bare(figure.name) == wanted) {
            match found.iter_mut().find(|(_, help, _)| *help == figure.help) {
                Some((_, _, all)) => all.push(whose.to_owned()),
                None => found.push((figure.name, figure.help, vec![whose.to_owned()])),
            }
        }
    };
    note(figures_of(Of::Requests), "classes");
    note(NODE_MEASURES.iter().copied().flatten().map(Figure::of_node).collect(), "nodes");
    for meta in KINDS {
        note(meta.measures.iter().map(Figure::of_node).collect(), &format!("nodes of the kind {}", meta.key));
    }
    note(figures_of(Of::Copy), "replicas and shards");
    note(figures_of(Of::Link), "links");
    let mut found: Vec<String> = found
        .into_iter()
        .map(|(name, help, of)| {
            let head = format!("A figure of {}; all of them: `tailboard explain figures`", of.join(", "));
            format!("{}\n\n  {name}\n{}\n", wrap(&head, WIDTH), indented(6, help))
        })
        .collect();
    let reason = wanted.strip_prefix("failed").unwrap_or(wanted);
    if let Some(reason) = REASONS.iter().find(|known| bare(known.name()) == reason) {
        let head = "A figure of classes, nodes and links; all of them: `tailboard explain figures`";
        let help = format!(
            "Share of requests, calls or attempts that fail for the reason `{}`. {}",
            reason.name(),
            reason.help()
        );
        found.push(format!("{head}\n\n  {}\n{}\n", reason.figure(), indented(6, &help)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::topic_text;
    use super::*;

    /// What `explain` promises: whatever stands in a file or a report has an answer.
    #[test]
    fn every_name_is_explained() {
        let failed = REASONS.iter().map(|reason| reason.figure().to_owned());
        let names = names().into_iter().map(str::to_owned).chain(failed);
        for name in
            names.chain(["Circuit breaker", "circuit_breaker", "token bucket", "Zipf", "Fifo"].map(str::to_owned))
        {
            let text = topic_text(&name).unwrap_or_else(|| panic!("`{name}` is not explained"));
            for line in text.lines() {
                assert!(line.chars().count() <= super::super::WIDTH, "{name}: {line}");
            }
        }
    }

    #[test]
    fn all_that_bear_a_name_are_told() {
        for (name, parts) in [
            ("slots", ["parameter of service", "parameter of sharded_store", "figure of nodes"].as_slice()),
            ("window", &["In `breaker` of links", "parameter of rate_limiter"]),
            ("lasting", &["Of an intervention", "In `pauses` of service", "In `ejection` of load_balancer"]),
            ("timeout", &["A setting of links", "failed_timeout"]),
            ("hits", &["of nodes of the kind cache"]),
            ("Exponential", &["A distribution of times", "In `retry` of links"]),
            ("wait", &["A setting of links", "parameter of worker"]),
        ] {
            let text = topic_text(name).expect("it is explained");
            for part in parts {
                assert!(text.contains(part), "{name} lacks `{part}`:\n{text}");
            }
        }
    }

    #[test]
    fn terms_of_the_field_lead_somewhere() {
        let mut seen: Vec<&str> = TERMS.iter().flat_map(|term| term.names.split(' ')).collect();
        for term in TERMS {
            assert!(!term.note.is_empty() || !term.topics.is_empty(), "{}", term.names);
            for topic in term.topics {
                assert!(Spec::new(topic).is_some() || !about(&bare(topic)).is_empty(), "{}: {topic}", term.names);
            }
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn terms_are_found_as_people_write_them() {
        for name in
            ["GIL", "load balancers", "Consistent hashing", "poison message", "Little's law", "429", "sticky sessions"]
        {
            assert!(topic_text(name).is_some(), "{name}");
        }
        assert!(topic_text("load balancer").is_some_and(|text| text.starts_with("Load balancer (`load_balancer`)")));
    }
}
