//! A value as a form: what can be chosen and typed in it, down to its parts. The same for every parameter, because what may
//! stand where is asked of its type.

use super::params::{Param, Value};
use crate::base::ron::{self, Slot, Tree};
use crate::base::{Dist, Span};

/// A value, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Its name in what it is part of: of a field, a key as it is written, or a position.
    pub name: String,
    pub slot: Slot,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// As it stands in a file; empty where it is left out.
    Text(String),
    /// `Name(field: value)` or `(field: value)`
    Fields(String, Vec<Form>),
    /// `Name(value)`
    Items(String, Vec<Form>),
    /// `{ key: value }`
    Table(Vec<Form>),
}

impl Form {
    pub fn of(value: &dyn Value) -> Form {
        let text = value.text();
        Builder { text: &text, value }.form(String::new(), &ron::parse(&text), &mut Vec::new())
    }

    /// As it stands in a file.
    pub fn text(&self) -> String {
        let joined = |parts: &[Form], named: bool| {
            let parts = parts.iter().map(|part| (part, part.text())).filter(|(_, text)| !text.is_empty());
            let part = |(part, text): (&Form, String)| if named { format!("{}: {text}", part.name) } else { text };
            parts.map(part).collect::<Vec<String>>().join(", ")
        };
        match &self.body {
            Body::Text(text) => text.clone(),
            Body::Fields(name, parts) => format!("{name}({})", joined(parts, true)),
            Body::Items(name, parts) => format!("{name}({})", joined(parts, false)),
            Body::Table(parts) => format!("{{{}}}", joined(parts, true)),
        }
    }

    /// The same with one of its parts written anew; the place is the way down to it.
    #[must_use]
    pub fn with(&self, place: &[usize], text: &str) -> Form {
        let Some((i, deeper)) = place.split_first() else {
            return Form { body: Body::Text(text.to_owned()), ..self.clone() };
        };
        let mut form = self.clone();
        if let Body::Fields(_, parts) | Body::Items(_, parts) | Body::Table(parts) = &mut form.body
            && let Some(part) = parts.get_mut(*i)
        {
            *part = part.with(deeper, text);
        }
        form
    }

    /// The same with one more entry in its table.
    #[must_use]
    pub fn with_entry(&self, key: &str, text: &str) -> Form {
        let mut form = self.clone();
        if let Body::Table(parts) = &mut form.body {
            let body = Body::Text(text.to_owned());
            parts.push(Form { name: format!("{key:?}"), slot: Slot::default(), body });
        }
        form
    }

    pub fn parts(&self) -> &[Form] {
        match &self.body {
            Body::Text(_) => &[],
            Body::Fields(_, parts) | Body::Items(_, parts) | Body::Table(parts) => parts,
        }
    }

    /// It may be there or not, and if it is it has parts or a name.
    pub fn can_be_off(&self) -> bool {
        self.slot.optional && (!self.slot.fields.is_empty() || !self.slot.names.is_empty())
    }

    pub fn is_off(&self) -> bool {
        matches!(&self.body, Body::Text(text) if text.is_empty() || (self.slot.optional && text == NONE))
    }

    /// True or false.
    pub fn is_switch(&self) -> bool {
        self.slot.names == ["true", "false"]
    }

    /// Its text is typed as a whole: there are no names, or it is none of them.
    pub fn is_typed(&self) -> bool {
        matches!(&self.body, Body::Text(text) if !self.can_be_off() && !self.slot.names.contains(&text.as_str()))
            || self.choice() == BARE
    }

    /// What can be chosen, if anything.
    pub fn choices(&self) -> Vec<&'static str> {
        let bare = self.slot.bare.then_some(BARE);
        bare.into_iter().chain(self.slot.names.iter().copied()).collect()
    }

    /// Which of them it is.
    pub fn choice(&self) -> &str {
        match &self.body {
            Body::Text(text) if self.slot.names.contains(&text.as_str()) => text,
            Body::Fields(name, _) | Body::Items(name, _) => name,
            Body::Text(_) if self.slot.bare && !self.is_off() => BARE,
            Body::Text(_) | Body::Table(_) => "",
        }
    }

    /// Texts to try, best first, for the name that was chosen instead of what is here.
    pub fn chosen(&self, name: &str, param: &Param) -> Vec<String> {
        let now = ron::read::<Dist>(&self.text()).into_result().ok();
        let mean = now.and_then(|dist| dist.mean()).filter(|mean| mean.is_finite() && *mean > 0.0);
        let mean = mean.map_or(Span::from_millis(10), Span::from_nanos_f64);
        let dist = match name {
            BARE => Some(Dist::constant(mean)),
            name => Dist::with_mean(name, mean),
        };
        let dist = dist.filter(|_| self.slot.bare).map(|dist| dist.text());
        let examples = param.examples.iter().filter(|text| text.starts_with(&format!("{name}(")));
        std::iter::once(name.to_owned()).chain(dist).chain(examples.map(|text| (*text).to_owned())).collect()
    }

    /// Texts to try, best first, to turn it on.
    pub fn switched_on(&self, param: &Param) -> Vec<String> {
        match self.slot.fields.is_empty() {
            true => self.choices().iter().flat_map(|name| self.chosen(name, param)).collect(),
            false => {
                let examples = param.examples.iter().filter(|text| text.starts_with('('));
                std::iter::once("()".to_owned()).chain(examples.map(|text| (*text).to_owned())).collect()
            }
        }
    }
}

/// What stands for nothing.
pub const NONE: &str = "None";
/// What a bare value is called among the distributions.
const BARE: &str = "Constant";

struct Builder<'a> {
    text: &'a str,
    value: &'a dyn Value,
}

impl Builder<'_> {
    fn form(&self, name: String, tree: &Tree, path: &mut Vec<String>) -> Form {
        let slot = self.slot(path);
        let depth = path.len();
        let body = match &tree.value {
            ron::Value::Fields { name, fields } => {
                path.extend(name.iter().map(|name| name.text.clone()));
                let known = self.slot(path).fields;
                let written = |wanted: &str| fields.iter().find(|field| field.name.text == wanted);
                // All that there could be, also what was left out.
                let names: Vec<&str> = match known.is_empty() {
                    true => fields.iter().map(|field| field.name.text.as_str()).collect(),
                    false => known.to_vec(),
                };
                let parts = names.into_iter().map(|part| match written(part) {
                    Some(field) => self.part(part.to_owned(), part, &field.value, path),
                    None => {
                        path.push(part.to_owned());
                        let slot = self.slot(path);
                        path.pop();
                        Form { name: part.to_owned(), slot, body: Body::Text(String::new()) }
                    }
                });
                Body::Fields(name.as_ref().map_or(String::new(), |name| name.text.clone()), parts.collect())
            }
            ron::Value::Tuple { name: Some(name), items } => {
                path.push(name.text.clone());
                let part = |(i, tree)| self.part(format!("{i}"), &format!("{i}"), tree, path);
                Body::Items(name.text.clone(), items.iter().enumerate().map(part).collect())
            }
            ron::Value::Map(entries) => {
                let part = |entry: &ron::Entry| {
                    let key = self.text[entry.key.span.clone()].to_owned();
                    self.part(key, &entry.key.key_text(), &entry.value, path)
                };
                Body::Table(entries.iter().map(part).collect())
            }
            _ => Body::Text(self.text[tree.span.clone()].to_owned()),
        };
        path.truncate(depth);
        Form { name, slot, body }
    }

    fn part(&self, name: String, step: &str, tree: &Tree, path: &mut Vec<String>) -> Form {
        path.push(step.to_owned());
        let form = self.form(name, tree, path);
        path.pop();
        form
    }

    fn slot(&self, path: &[String]) -> Slot {
        self.value.slot(&path.iter().map(String::as_str).collect::<Vec<&str>>())
    }
}
