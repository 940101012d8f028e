//! Values as a person would write them: on a line where that is short enough, and without what is so by default.

use crate::base::ron::{self, Field, Tree, Value};
use crate::design::LinkSpec;
use crate::kinds::Spec;

/// Longer lines are broken.
const WIDTH: usize = 116;
const INDENT: usize = 4;

pub struct Printer<'t> {
    /// Where the values stand.
    pub source: &'t str,
    /// What is printed is a link, or in one.
    pub in_links: bool,
}

impl Printer<'_> {
    /// A value whose further lines are indented by more than `indent`.
    pub fn print(&self, tree: &Tree, indent: usize) -> String {
        let line = self.line(tree);
        if line.chars().count() + indent <= WIDTH || !tree.is_composite() {
            return line;
        }
        let inner = indent + INDENT;
        let (open, close) = self.brackets(tree);
        let parts = self.parts(tree, &|tree| self.print(tree, inner));
        let lines: String = parts.iter().map(|part| format!("\n{:inner$}{part},", "")).collect();
        format!("{open}{lines}\n{:indent$}{close}", "")
    }

    fn line(&self, tree: &Tree) -> String {
        if !tree.is_composite() {
            return self.source[tree.span.clone()].to_owned();
        }
        let (open, close) = self.brackets(tree);
        let parts = self.parts(tree, &|tree| self.line(tree)).join(", ");
        let blank = if matches!(tree.value, Value::Map(_)) && !parts.is_empty() { " " } else { "" };
        format!("{open}{blank}{parts}{blank}{close}")
    }

    fn brackets(&self, tree: &Tree) -> (String, char) {
        match &tree.value {
            Value::List(_) => ("[".to_owned(), ']'),
            Value::Map(_) => ("{".to_owned(), '}'),
            _ => (tree.name().map_or(String::new(), |name| name.text.clone()) + "(", ')'),
        }
    }

    fn parts(&self, tree: &Tree, print: &dyn Fn(&Tree) -> String) -> Vec<String> {
        match &tree.value {
            Value::List(items) => items.iter().map(print).collect(),
            // Places on the board are whole pixels mostly.
            Value::Tuple { name: None, items } => items.iter().map(|item| whole(print(item))).collect(),
            Value::Tuple { items, .. } => items.iter().map(print).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| format!("{}: {}", print(&entry.key), print(&entry.value))).collect()
            }
            Value::Fields { fields, .. } => {
                let usual = self.usual(tree);
                let said =
                    fields.iter().filter(|field| !usual.as_ref().is_some_and(|usual| usual.has(self.source, field)));
                said.map(|field| format!("{}: {}", field.name.text, print(&field.value))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What need not be said of a node's kind, or of a link.
    fn usual(&self, tree: &Tree) -> Option<Usual> {
        let Value::Fields { name, fields } = &tree.value else { return None };
        let is_link = || self.in_links && fields.first().is_some_and(|field| field.name.text == "from");
        let text = match name {
            Some(name) => ron::to_text(&Spec::new(&name.text)?),
            None if is_link() => ron::to_text(&LinkSpec::default()),
            None => return None,
        };
        let text = text.ok()?;
        Some(Usual { tree: ron::parse(&text), text })
    }
}

struct Usual {
    tree: Tree,
    text: String,
}

impl Usual {
    fn has(&self, source: &str, field: &Field) -> bool {
        let Value::Fields { fields, .. } = &self.tree.value else { return false };
        let same = fields.iter().find(|other| other.name.text == field.name.text);
        same.is_some_and(|other| self.text[other.value.span.clone()] == source[field.value.span.clone()])
    }
}

fn whole(number: String) -> String {
    let stripped = number.strip_suffix(".0").filter(|rest| rest.parse::<i64>().is_ok());
    stripped.map(str::to_owned).unwrap_or(number)
}
