//! Setting a parameter by its path, from the command line, an intervention, or a sweep.

use super::{Design, LinkSpec};
use crate::base::ron::did_you_mean;
use crate::kinds::{Param, Value, Visitor};

/// Set a value from text, which may leave out the quotes of a quantity: `8ms` for `"8ms"`.
///
/// # Errors
/// If the text does not fit either way.
pub fn set_loosely(value: &mut dyn Value, text: &str) -> Result<(), String> {
    loosely(text, |text| value.set(text))
}

/// Do something with a text, or if that cannot be done with the same in quotes.
///
/// # Errors
/// If it can be done with neither.
pub fn loosely(text: &str, mut set: impl FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    set(text).or_else(|problem| {
        let quoted = set(&format!("{text:?}"));
        // What begins as a number and is none is meant as a quantity: what is wrong with it as that is worth saying.
        let quantity = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
        quoted.map_err(|said| if quantity && text.parse::<f64>().is_err() { said } else { problem })
    })
}

struct Setter<'a> {
    name: &'a str,
    text: &'a str,
    result: Option<Result<bool, String>>,
    names: Vec<&'static str>,
}

impl Visitor for Setter<'_> {
    fn visit(&mut self, param: &Param, value: &mut dyn Value) {
        self.names.push(param.name);
        if param.name == self.name {
            let set = set_loosely(value, self.text);
            self.result =
                Some(set.map_err(|e| format!("{}: {}", param.name, param.with_own_range(&e))).map(|()| param.live));
        }
    }
}

/// Set `path` (`node.param` or `link.param`) from text. Returns whether the parameter is live.
///
/// # Errors
/// If there is no such node, link or parameter (with the names there are), or the text does not fit it.
pub fn set_parameter(design: &mut Design, path: &str, text: &str) -> Result<bool, String> {
    let is_there = |design: &Design, target: &str| {
        design.nodes.contains_key(target) || design.links.iter().any(|link| link.name() == target)
    };
    // Names may have points in them: the longest name that there is.
    let points = path.rmatch_indices('.').map(|(at, _)| (&path[..at], &path[at + 1..]));
    let found = points.clone().find(|(target, _)| is_there(design, target)).or_else(|| path.rsplit_once('.'));
    let Some((target, name)) = found else {
        return Err(format!("`{path}` is not a parameter: expected node.param or from->to.param"));
    };
    let mut setter = Setter { name, text, result: None, names: Vec::new() };
    if let Some(node) = design.nodes.get_mut(target) {
        node.kind.visit(&mut setter);
    } else if let Some(link) = design.links.iter_mut().find(|link| link.name() == target) {
        link.visit(&mut setter);
    } else {
        let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
        let names: Vec<&str> = design.nodes.keys().chain(&links).map(String::as_str).collect();
        return Err(format!("there is no node or link `{target}`{}", hint(target, &names)));
    }
    let Setter { result, names, .. } = setter;
    result.unwrap_or_else(|| match name.split_once('.') {
        Some((outer, inner)) if names.contains(&outer) => {
            let (steps, closing) = (inner.replace('.', ": ("), ")".repeat(inner.matches('.').count() + 1));
            Err(format!("`{outer}` can only be set as a whole: write `{target}.{outer}=({steps}: {text}{closing}`"))
        }
        _ => Err(format!("`{target}` has no parameter `{name}`{}", hint(name, &names))),
    })
}

fn hint(written: &str, names: &[&str]) -> String {
    did_you_mean(written, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// The value of a parameter by its path, as a text.
pub fn parameter_text(design: &Design, path: &str) -> Option<String> {
    let (target, name) = path.rsplit_once('.')?;
    let mut text = None;
    let mut read = |param: &Param, value: &mut dyn Value| {
        if param.name == name {
            text = Some(value.text());
        }
    };
    if let Some(node) = design.nodes.get(target) {
        node.kind.clone().visit(&mut read);
    } else {
        design.link(target)?.clone().visit(&mut read);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ron;

    #[test]
    fn what_cannot_be_set_is_said_with_a_remedy() {
        let text = r#"(nodes: { "people": (kind: client()), "api": (kind: service()), "cache": (kind: cache()) },
            links: [(from: "people", to: "api"), (from: "api", to: "cache")])"#;
        let mut design: Design = ron::read(text).into_result().expect("fine");
        for (path, value, wanted) in [
            ("people.rate", "4k", "`4k` is not a rate: expected a rate such as \"10k/s\""),
            ("people.rat", "4k/s", "did you mean `rate`?"),
            ("peple.rate", "4k/s", "did you mean `people`?"),
            ("api.replicas", "many", "whole number"),
            ("cache.policy", "Lro", "did you mean `Lru`?"),
            ("api->cache.retry.attempts", "3", "write `api->cache.retry=(attempts: 3)`"),
            ("api->cache.retry.backoff.base", "1s", "write `api->cache.retry=(backoff: (base: 1s))`"),
        ] {
            let said = set_parameter(&mut design, path, value).expect_err(path);
            assert!(said.contains(wanted), "{path}={value}: {said}");
        }
        let said = set_parameter(&mut design, "zzzzzz.rate", "1/s").expect_err("no such node");
        assert!(!said.contains("did you mean"), "{said}");
        assert_eq!(set_parameter(&mut design, "people.rate", "4k/s"), Ok(true));
    }
}
