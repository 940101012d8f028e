//! Saving as an edit of the text that was read: what did not change stays to the byte, with its comments, its order and its
//! spelling. Three trees are walked together: the text as a person wrote it, what it says as this program would write it,
//! and what is to be said from now on. The result is read back before it is used.

use super::print::Printer;
use super::read::write_str;
use crate::base::ron::{self, Entry, Field, Tree, Value};
use crate::design::Design;
use std::collections::BTreeMap;
use std::ops::Range;

/// Lists are aligned exactly if the table for that has no more cells than this, and else from both ends.
const MOST_CELLS: usize = 1_000_000;

/// A text that says what a design is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    /// What did not change is as it was; if not, all of it was written anew.
    pub is_kept: bool,
}

/// The text changed as little as it takes to say this design. Written anew where that cannot be done: where the text
/// cannot be read, or is of a shape that this knows no way to change.
///
/// # Errors
/// If the design cannot be written so that it can be read again.
pub fn edit_str(text: &str, design: &Design) -> Result<Edited, String> {
    if let Some(text) = edited(text, design).filter(|text| says(text, design)) {
        return Ok(Edited { text, is_kept: true });
    }
    let text = write_str(design)? + "\n";
    match ron::read::<Design>(&text).problems.first() {
        Some(problem) => Err(format!("it could not be read again: {}", problem.message)),
        None => Ok(Edited { text, is_kept: false }),
    }
}

fn says(text: &str, design: &Design) -> bool {
    ron::read::<Design>(text).into_result().is_ok_and(|read| read == *design)
}

fn edited(text: &str, design: &Design) -> Option<String> {
    let old: Design = ron::read(text).into_result().ok()?;
    let (before, after) = (ron::to_text(&old).ok()?, ron::to_text(design).ok()?);
    let mut editing = Editing { text, before: &before, after: &after, section: None, edits: Vec::new() };
    let tree = ron::parse(text);
    editing.value(&tree, &ron::parse(&before), &ron::parse(&after));
    // Something else in place of everything is no edit.
    if editing.edits.iter().any(|(span, _)| *span == tree.span) { None } else { editing.applied() }
}

/// The elements of a group as they stand in the text, and which of them stay.
struct Elements<'a> {
    group: &'a Tree,
    spans: Vec<Range<usize>>,
    stays: Vec<bool>,
}

impl<'a> Elements<'a> {
    fn new(group: &'a Tree) -> Elements<'a> {
        let spans: Vec<Range<usize>> = match &group.value {
            Value::Fields { fields, .. } => fields.iter().map(|f| f.name.span.start..f.value.span.end).collect(),
            Value::Map(entries) => entries.iter().map(|e| e.key.span.start..e.value.span.end).collect(),
            Value::List(items) => items.iter().map(|item| item.span.clone()).collect(),
            _ => Vec::new(),
        };
        Elements { group, stays: vec![true; spans.len()], spans }
    }
}

struct Editing<'t> {
    text: &'t str,
    before: &'t str,
    after: &'t str,
    /// The section of the file that is looked at; none before the first.
    section: Option<String>,
    edits: Vec<(Range<usize>, String)>,
}

impl Editing<'_> {
    fn applied(mut self) -> Option<String> {
        // Those at one place stay in the order in which they were made.
        self.edits.sort_by_key(|(span, _)| span.start);
        let (mut out, mut at) = (String::with_capacity(self.text.len()), 0);
        for (span, new) in &self.edits {
            out += self.text.get(at..span.start)?;
            out += new;
            at = span.end;
        }
        out += self.text.get(at..)?;
        Some(out)
    }

    fn is_same(&self, before: &Tree, after: &Tree) -> bool {
        self.before[before.span.clone()] == self.after[after.span.clone()]
    }

    fn replace(&mut self, span: Range<usize>, text: impl Into<String>) {
        self.edits.push((span, text.into()));
    }

    /// A value as it is written where nothing else was.
    fn printed(&self, after: &Tree, indent: usize) -> String {
        Printer { source: self.after, in_links: self.section.as_deref() == Some("links") }.print(after, indent)
    }

    /// Make what stands at `here` say `after` instead of `before`.
    fn value(&mut self, here: &Tree, before: &Tree, after: &Tree) {
        if self.is_same(before, after) {
            return;
        }
        let is_named = before.name().map(|n| &n.text) == after.name().map(|n| &n.text);
        let is_mine = here.name().is_none_or(|name| before.name().is_some_and(|other| other.text == name.text));
        match (&here.value, &before.value, &after.value) {
            (Value::Fields { .. }, Value::Fields { fields: old, .. }, Value::Fields { fields: new, .. })
                if is_named && is_mine =>
            {
                self.fields(here, old, new);
            }
            (Value::Map(_), Value::Map(old), Value::Map(new)) => self.map(here, old, new),
            (Value::List(items), Value::List(old), Value::List(new)) if items.len() == old.len() => {
                self.list(here, items, old, new);
            }
            (Value::Tuple { items, .. }, Value::Tuple { items: old, .. }, Value::Tuple { items: new, .. })
                if is_named && is_mine && items.len() == old.len() && old.len() == new.len() =>
            {
                for ((here, old), new) in items.iter().zip(old).zip(new) {
                    self.value(here, old, new);
                }
            }
            // Brackets that add nothing: `service((…))`, `Some(…)`.
            (Value::Tuple { items, .. }, ..)
                if items.len() == 1 && is_named && (is_mine || here.name().is_some_and(|name| name.text == "Some")) =>
            {
                self.value(&items[0], before, after);
            }
            _ => self.instead(here, after),
        }
    }

    fn instead(&mut self, here: &Tree, after: &Tree) {
        let mut printed = self.printed(after, self.indent_at(here.span.start));
        // Who writes whole numbers gets whole numbers.
        if !self.text[here.span.clone()].contains('.')
            && let Some(whole) = printed.strip_suffix(".0")
            && here.name().is_none()
        {
            printed = whole.to_owned();
        }
        self.replace(here.span.clone(), printed);
    }

    fn fields(&mut self, here: &Tree, old: &[Field], new: &[Field]) {
        let Value::Fields { fields, .. } = &here.value else { return };
        fn find(fields: &[Field], name: &str) -> Option<usize> {
            fields.iter().position(|field| field.name.text == name)
        }
        let mut elements = Elements::new(here);
        for (i, field) in fields.iter().enumerate() {
            let name = &field.name.text;
            elements.stays[i] = find(new, name).is_some() || find(old, name).is_none();
        }
        let is_top = self.section.is_none();
        let (mut after, mut come) = (None, Vec::new());
        for field in new {
            let name = &field.name.text;
            if is_top {
                self.section = Some(name.clone());
            }
            let (before, present) = (find(old, name).map(|i| &old[i].value), find(fields, name));
            match (present, before) {
                (Some(i), Some(before)) => self.value(&fields[i].value, before, &field.value),
                (Some(i), None) => self.instead(&fields[i].value, &field.value),
                (None, Some(before)) if self.is_same(before, &field.value) => {}
                (None, _) => {
                    let indent = self.indent_of(&elements);
                    come.push(format!("{name}: {}", self.printed(&field.value, indent)));
                }
            }
            if present.is_some() {
                self.insert(&elements, after, std::mem::take(&mut come));
                after = present;
            }
        }
        self.insert(&elements, after, come);
        self.remove(&elements);
    }

    fn map(&mut self, here: &Tree, old: &[Entry], new: &[Entry]) {
        let Value::Map(entries) = &here.value else { return };
        fn keyed(entries: &[Entry]) -> BTreeMap<String, &Entry> {
            entries.iter().map(|entry| (entry.key.key_text(), entry)).collect()
        }
        let (old, new) = (keyed(old), keyed(new));
        let gone: Vec<&Entry> =
            old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, entry)| *entry).collect();
        let mut come: Vec<&Entry> =
            new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, entry)| *entry).collect();
        // One that has another name from now on is the same otherwise, or the only one.
        let is_only = gone.len() == 1 && come.len() == 1;
        let mut renamed: Vec<(&Entry, &Entry)> = Vec::new();
        for entry in gone {
            let same = come.iter().position(|other| is_only || self.is_same(&entry.value, &other.value));
            renamed.extend(same.map(|i| (entry, come.remove(i))));
        }
        let mut elements = Elements::new(here);
        for (i, entry) in entries.iter().enumerate() {
            let key = entry.key.key_text();
            let other = renamed.iter().find(|(before, _)| before.key.key_text() == key).map(|(_, after)| *after);
            match (old.get(&key), other.or_else(|| new.get(&key).copied())) {
                (Some(before), Some(after)) => {
                    if other.is_some() {
                        let name = self.after[after.key.span.clone()].to_owned();
                        self.replace(entry.key.span.clone(), name);
                    }
                    self.value(&entry.value, &before.value, &after.value);
                }
                _ => elements.stays[i] = false,
            }
        }
        let indent = self.indent_of(&elements);
        let texts = come
            .iter()
            .map(|entry| format!("{}: {}", &self.after[entry.key.span.clone()], self.printed(&entry.value, indent)));
        let texts: Vec<String> = texts.collect();
        let last = elements.stays.iter().rposition(|stays| *stays);
        self.insert(&elements, last, texts);
        self.remove(&elements);
    }

    fn list(&mut self, here: &Tree, items: &[Tree], old: &[Tree], new: &[Tree]) {
        let whole = |source: &str, item: &Tree| source[item.span.clone()].to_owned();
        let head = |source: &str, item: &Tree| match &item.value {
            Value::Fields { fields, .. } => {
                let end = fields.get(1).or(fields.first()).map_or(item.span.end, |field| field.value.span.end);
                source[item.span.start..end].to_owned()
            }
            _ => source[item.span.clone()].to_owned(),
        };
        let keys = |of: &dyn Fn(&str, &Tree) -> String| {
            let keys = |source: &str, items: &[Tree]| items.iter().map(|item| of(source, item)).collect::<Vec<_>>();
            (keys(self.before, old), keys(self.after, new))
        };
        let ((old_whole, new_whole), (old_head, new_head)) = (keys(&whole), keys(&head));
        // Equal ones first, then those about the same thing, then what is left, where it is as many.
        let mut pairs = Vec::new();
        for (a, b) in gaps(aligned(&old_whole, &new_whole), (old.len(), new.len()), &mut pairs) {
            let (i, j) = (a.start, b.start);
            let inner: Vec<(usize, usize)> = aligned(&old_head[a.clone()], &new_head[b.clone()]);
            let inner = inner.into_iter().map(|(p, q)| (p + i, q + j)).collect();
            for (a, b) in gaps_within(inner, (a, b), &mut pairs) {
                if a.len() == b.len() {
                    pairs.extend(a.zip(b));
                }
            }
        }
        pairs.sort_unstable();
        let mut elements = Elements::new(here);
        for (i, stays) in elements.stays.iter_mut().enumerate() {
            *stays = pairs.binary_search_by_key(&i, |(i, _)| *i).is_ok();
        }
        let indent = self.indent_of(&elements);
        let (mut after, mut next) = (None, 0);
        for &(i, j) in pairs.iter().chain(&[(old.len(), new.len())]) {
            let come = new[next..j].iter().map(|item| self.printed(item, indent)).collect();
            self.insert(&elements, after, come);
            if j < new.len() {
                self.value(&items[i], &old[i], &new[j]);
            }
            (after, next) = (Some(i), j + 1);
        }
        self.remove(&elements);
    }

    /// The first place from here on that is neither blank nor comment.
    fn skipped(&self, mut at: usize) -> usize {
        loop {
            let rest = &self.text[at..];
            let blank = rest.len() - rest.trim_start().len();
            at += blank;
            let rest = &rest[blank..];
            if rest.starts_with("//") {
                at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let (mut depth, mut i) = (0, 0);
                while i < rest.len() {
                    match &rest.as_bytes()[i..] {
                        [b'/', b'*', ..] => (depth, i) = (depth + 1, i + 2),
                        [b'*', b'/', ..] => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                at += i;
            } else {
                return at;
            }
        }
    }

    /// The end of the comma that follows, if one does.
    fn comma_after(&self, end: usize) -> Option<usize> {
        let at = self.skipped(end);
        self.text[at..].starts_with(',').then_some(at + 1)
    }

    /// The end of the line, if nothing but a comment follows on it.
    fn line_end(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let line = rest.split('\n').next().unwrap_or_default();
        let is_rest = line.trim().is_empty() || line.trim_start().starts_with("//");
        (is_rest && line.len() < rest.len()).then_some(at + line.trim_end_matches('\r').len())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// How far the line of this place is indented.
    fn indent_at(&self, at: usize) -> usize {
        let start = self.line_start(at);
        self.text[start..].chars().take_while(|c| *c == ' ' || *c == '\t').count()
    }

    /// How far the elements of a group are indented.
    fn indent_of(&self, elements: &Elements) -> usize {
        let first = elements.spans.iter().find(|span| self.begins_line(span.start));
        let inside = || self.indent_at(elements.group.span.start) + 4;
        first.map_or_else(inside, |span| self.indent_at(span.start))
    }

    fn begins_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }

    /// Put new elements after one that stays, or before all that do.
    fn insert(&mut self, elements: &Elements, after: Option<usize>, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let after = after
            .and_then(|last| (0..=last.min(elements.stays.len().wrapping_sub(1))).rev().find(|&i| elements.stays[i]));
        let indent = self.indent_of(elements);
        let lines =
            |texts: &[String]| -> String { texts.iter().map(|text| format!("\n{:indent$}{text},", "")).collect() };
        if let Some(i) = after {
            let end = elements.spans[i].end;
            let comma = self.comma_after(end);
            match (comma, self.line_end(comma.unwrap_or(end))) {
                (Some(_), Some(line)) => self.replace(line..line, lines(&texts)),
                (None, Some(line)) => {
                    self.replace(end..end, ",");
                    self.replace(line..line, lines(&texts));
                }
                (Some(comma), None) => self.replace(comma..comma, format!(" {},", texts.join(", "))),
                (None, None) => self.replace(end..end, format!(", {}", texts.join(", "))),
            }
        } else if let Some(first) = elements.stays.iter().position(|stays| *stays) {
            let start = elements.spans[first].start;
            let between = if self.begins_line(start) { format!(",\n{:indent$}", "") } else { ", ".to_owned() };
            let text = texts.join(&between) + &between;
            self.replace(start..start, text);
        } else {
            let close = elements.group.span.end - 1;
            if self.begins_line(close) {
                let start = self.line_start(close);
                let text: String = texts.iter().map(|text| format!("{:indent$}{text},\n", "")).collect();
                self.replace(start..start, text);
            } else if self.begins_line(elements.group.span.start) || self.indent_at(close) <= 4 {
                let outside = self.indent_at(elements.group.span.start);
                self.replace(close..close, format!("{}\n{:outside$}", lines(&texts), ""));
            } else {
                self.replace(close..close, texts.join(", "));
            }
        }
    }

    /// Take out the elements that do not stay: with their lines, where they have lines of their own.
    fn remove(&mut self, elements: &Elements) {
        for (i, span) in elements.spans.iter().enumerate().filter(|(i, _)| !elements.stays[*i]) {
            let comma = self.comma_after(span.end);
            let end = comma.unwrap_or(span.end);
            let line = self.line_end(end).filter(|_| self.begins_line(span.start));
            let before = i.checked_sub(1).map(|before| elements.spans[before].end).filter(|_| elements.stays[i - 1]);
            // After the last of them no comma is left behind, where that is easily seen.
            let joined = before.filter(|&before| {
                let between = &self.text[before..span.start];
                let is_free = !self.edits.iter().any(|(edit, _)| (before..=span.end).contains(&edit.start));
                comma.is_none() && !between.contains('\n') && between.trim() == "," && is_free
            });
            let span = match (line, joined) {
                (Some(line), _) => {
                    let newline = self.text[line..].find('\n').map_or(self.text.len(), |newline| line + newline + 1);
                    self.line_start(span.start)..newline
                }
                (None, Some(before)) => before..span.end,
                (None, None) => {
                    let blanks = self.text[end..].chars().take_while(|c| *c == ' ').count();
                    span.start..end + if comma.is_some() { blanks } else { 0 }
                }
            };
            self.replace(span, "");
        }
    }
}

type Pair = (usize, usize);
type Gap = (Range<usize>, Range<usize>);

/// A longest common subsequence: positions of equal elements in both, in order.
fn aligned(old: &[String], new: &[String]) -> Vec<Pair> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = (old.len() - start).min(new.len() - start);
    let end = (0..rest).take_while(|i| old[old.len() - 1 - i] == new[new.len() - 1 - i]).count();
    let (a, b) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let mut pairs: Vec<Pair> = (0..start).map(|i| (i, i)).collect();
    if a.len() * b.len() <= MOST_CELLS {
        let columns = b.len() + 1;
        let mut best = vec![0u32; (a.len() + 1) * columns];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                best[i * columns + j] = if a[i] == b[j] {
                    best[(i + 1) * columns + j + 1] + 1
                } else {
                    best[(i + 1) * columns + j].max(best[i * columns + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            if a[i] == b[j] {
                pairs.push((start + i, start + j));
                (i, j) = (i + 1, j + 1);
            } else if best[(i + 1) * columns + j] >= best[i * columns + j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    pairs.extend((0..end).rev().map(|i| (old.len() - 1 - i, new.len() - 1 - i)));
    pairs
}

/// What lies between pairs in both lists; the pairs are added to `all`.
fn gaps(pairs: Vec<Pair>, (old, new): (usize, usize), all: &mut Vec<Pair>) -> Vec<Gap> {
    gaps_within(pairs, (0..old, 0..new), all)
}

fn gaps_within(pairs: Vec<Pair>, (old, new): Gap, all: &mut Vec<Pair>) -> Vec<Gap> {
    let (mut gaps, mut at) = (Vec::new(), (old.start, new.start));
    for &(i, j) in pairs.iter().chain(&[(old.end, new.end)]) {
        gaps.push((at.0..i, at.1..j));
        at = (i + 1, j + 1);
    }
    all.extend(pairs);
    gaps
}
