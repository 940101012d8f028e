//! Setting a parameter by its path, from the command line, an intervention, or a sweep.

use super::Design;
use crate::kinds::{Param, Value, Visitor};

/// Set a value from text, which may leave out the quotes of a quantity: `8ms` for `"8ms"`.
///
/// # Errors
/// If the text does not fit either way.
pub fn set_loosely(value: &mut dyn Value, text: &str) -> Result<(), String> {
    value.set(text).or_else(|problem| {
        let quoted = format!("{text:?}");
        value.set(&quoted).map_err(|_| problem)
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
            self.result = Some(set.map_err(|e| format!("{}: {e}", param.name)).map(|()| param.live));
        }
    }
}

/// Set `path` (`node.param` or `link.param`) from text. Returns whether the parameter is live.
///
/// # Errors
/// If there is no such node, link or parameter (with the names there are), or the text does not fit it.
pub fn set_parameter(design: &mut Design, path: &str, text: &str) -> Result<bool, String> {
    let Some((target, name)) = path.rsplit_once('.') else {
        return Err(format!("`{path}` is not a parameter: expected node.param or from->to.param"));
    };
    let mut setter = Setter { name, text, result: None, names: Vec::new() };
    if let Some(node) = design.nodes.get_mut(target) {
        node.kind.visit(&mut setter);
    } else if let Some(link) = design.links.iter_mut().find(|link| link.name() == target) {
        link.visit(&mut setter);
    } else {
        let names = design.nodes.keys().cloned().chain(design.links.iter().map(super::LinkSpec::name));
        let best = names.min_by_key(|name| strsim::damerau_levenshtein(name, target));
        let hint = best.map_or(String::new(), |best| format!("; did you mean `{best}`?"));
        return Err(format!("there is no node or link `{target}`{hint}"));
    }
    let Setter { result, names, .. } = setter;
    result.unwrap_or_else(|| {
        let best = names.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let hint = best.map_or(String::new(), |best| format!("; did you mean `{best}`?"));
        Err(format!("`{target}` has no parameter `{name}`{hint}"))
    })
}
