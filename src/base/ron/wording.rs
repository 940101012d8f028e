//! Mistakes in words: what is wrong, what was expected, what may have been meant.

use super::Problem;
use super::edits::Edits;
use super::error::{Error, Inner, Kind, Step, StepKind};
use super::tree::{Tree, Value, quote};

/// The name that was probably meant, if one is near.
pub fn did_you_mean<'n>(written: &str, possible: &[&'n str]) -> Option<&'n str> {
    let lower = written.to_lowercase();
    let singular = lower.strip_suffix("ies").map_or_else(|| lower.clone(), |stem| format!("{stem}y"));
    // A third of the letters may be wrong: enough for a slip or an ending, too little to turn one word into another.
    let allowed = (written.chars().count() / 3).max(1);
    possible
        .iter()
        .map(|name| {
            let distance = |written: &str| strsim::osa_distance(written, &name.to_lowercase());
            (distance(&lower).min(distance(&singular)), *name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// All of them: the one that is looked for must not be among those left out.
fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    shown.join(", ")
}

pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => format!("`{name}`"),
        names => format!("one of {}", listed(names)),
    }
}

fn suggestion(written: &str, possible: &[&str], what: &str) -> String {
    let list = match possible {
        [] => format!("no {what} is possible here"),
        [only] => format!("the only possible {what} is `{only}`"),
        names => format!("possible {what}s: {}", listed(names)),
    };
    match did_you_mean(written, possible) {
        Some(meant) => format!("did you mean `{meant}`? ({list})"),
        None => list,
    }
}

/// What a path leads to: "`replicas`", "item 3 of `links`", "the file".
fn subject(steps: &[Step]) -> String {
    match steps {
        [] => "the file".to_owned(),
        [first, outer @ ..] if matches!(first.kind, StepKind::Item | StepKind::Slot) => {
            let position = first.name.parse::<usize>().map_or(1, |index| index + 1);
            match outer {
                [] => format!("item {position}"),
                outer => format!("item {position} of {}", subject(outer)),
            }
        }
        [first, ..] => format!("`{}`", quote(&first.name)),
    }
}

fn find(tree: &Tree, id: u32) -> Option<&Tree> {
    if tree.id == id {
        return Some(tree);
    }
    tree.children().find_map(|child| find(child, id))
}

/// The mistake as the user is told of it; `None` if it only follows from one told already.
pub(super) fn problem(root: &Tree, edits: &Edits, error: &Error) -> Option<Problem> {
    let error = error.inner();
    if error.stand_in.is_some() {
        return None;
    }
    let tree = error.node.and_then(|id| find(root, id)).unwrap_or(root);
    if follows(tree, edits, error) {
        return None;
    }
    let mut problem = Problem::syntax(error.place.clone().unwrap_or_else(|| tree.anchor()), "", "");
    problem.path = error.steps.iter().rev().map(|step| step.name.clone()).collect();
    let subject = subject(&error.steps);
    say(&mut problem, tree, &subject, &error.kind);
    Some(problem)
}

/// Is the mistake but a consequence of what was left out or made up?
fn follows(tree: &Tree, edits: &Edits, error: &Inner) -> bool {
    match &error.kind {
        Kind::Broken => true,
        // What is wrong with it may be what could not be read.
        Kind::Type { .. } => tree.damaged,
        Kind::Missing(name) => {
            // The field may be what could not be read, or be there under a misspelt name.
            tree.damaged
                || tree.parts().any(|(written, _, value)| {
                    (value.value == Value::Broken || edits.is_removed(value))
                        && (written == *name || did_you_mean(&written, &[name]).is_some())
                })
        }
        Kind::Custom(_) | Kind::Length { .. } | Kind::Value { .. } => tree.is_composite() && edits.touches(tree),
        _ => false,
    }
}

fn say(problem: &mut Problem, tree: &Tree, subject: &str, kind: &Kind) {
    match kind {
        Kind::Broken => {}
        Kind::Custom(text) => {
            problem.code = "wrong-value";
            let (what, expected) = text.split_once(": expected ").unwrap_or((text, ""));
            problem.message = format!("{subject}: {what}");
            problem.label = if expected.is_empty() { what.to_owned() } else { format!("expected {expected}") };
        }
        Kind::Written { name, as_here } => {
            problem.code = "wrong-type";
            problem.message = format!("{subject}: `{name}` is written in another way here");
            problem.label = format!("expected `{as_here}`");
            problem.help = Some(format!("write `{as_here}`"));
        }
        Kind::Type { expected } | Kind::Value { expected } => {
            let number = expected.starts_with("a whole number from") && matches!(tree.value, Value::Number(_));
            problem.code = if number { "out-of-range" } else { "wrong-type" };
            problem.message = match tree.value {
                // What is written is the name; what lacks is what it should hold.
                Value::Name(ref name) if !expected.starts_with("one of") && !expected.contains("quotes") => {
                    format!("{subject} should be {expected}, not just `{}`", quote(&name.text))
                }
                _ => format!("{subject} should be {expected}, not {}", tree.describe()),
            };
            problem.label = format!("expected {expected}");
            problem.help = match &tree.value {
                Value::Name(name) if expected.contains("quotes") => {
                    Some(format!("write it in quotes: \"{}\"", quote(&name.text)))
                }
                Value::Str(text) if expected.starts_with("one of") || expected.contains("number") => {
                    Some(format!("write it without the quotes: {}", quote(text)))
                        .filter(|_| expected.contains(&format!("`{text}`")) || text.parse::<f64>().is_ok())
                }
                _ => None,
            };
        }
        Kind::Length { found, expected } => {
            problem.code = "wrong-length";
            problem.message = format!("{subject} should be {expected}, not {found}");
            problem.label = format!("expected {expected}");
        }
        Kind::UnknownField { name, possible } => {
            problem.code = "unknown-field";
            problem.message = format!("there is no field `{}` here", quote(name));
            problem.label = "not a known field".to_owned();
            problem.help = Some(suggestion(name, possible, "field"));
        }
        Kind::UnknownName { name, possible } => {
            problem.code = "unknown-name";
            problem.message = format!("{subject} cannot be `{}`", quote(name));
            problem.label = "not a known name".to_owned();
            problem.help = Some(suggestion(name, possible, "name"));
        }
        Kind::Missing(name) => {
            problem.code = "missing-field";
            problem.message = format!("{subject} lacks the field `{name}`");
            problem.label = format!("expected `{name}: …` in here");
        }
        Kind::Duplicate(name) => {
            problem.code = "duplicate-field";
            problem.message = format!("{subject} is `{name}`, which is there already");
            problem.label = "again here".to_owned();
        }
        Kind::NotAlone(name) => {
            problem.code = "wrong-type";
            problem.message = format!("`{}` holds nothing", quote(name));
            problem.label = "expected the name alone".to_owned();
            problem.help = Some("leave out the parentheses".to_owned());
        }
    }
}
