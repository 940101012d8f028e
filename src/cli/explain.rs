//! `explain`: the manual of a kind, generated from it.

use super::columns::{WIDTH, wrap};
use super::{GOOD, WRONG_INPUT, print, say};
use crate::base::units::{Bandwidth, Quantity};
use crate::base::{Bytes, Rate, Ratio, Span, ron};
use crate::kinds::{KINDS, Param, Spec, Value};

/// The manual of a kind.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tailboard explain load_balancer")]
pub struct Args {
    /// A kind, as `tailboard kinds` lists them.
    kind: String,
}

pub fn main(args: &Args) -> u8 {
    let Some(spec) = Spec::new(&args.kind) else {
        let keys: Vec<&str> = KINDS.iter().map(|meta| meta.key).collect();
        let hint = ron::did_you_mean(&args.kind, &keys).map_or(String::new(), |key| format!("; did you mean `{key}`?"));
        let list = wrap(&format!("kinds: {}", keys.join(", ")), WIDTH);
        say(&format!("error: there is no kind `{}`{hint}\n{list}\n", args.kind));
        return WRONG_INPUT;
    };
    print(&text(&spec), GOOD)
}

/// The manual as text.
pub fn text(spec: &Spec) -> String {
    let meta = spec.meta();
    let (summary, help) = (wrap(meta.summary, WIDTH), wrap(meta.help, WIDTH));
    let mut text = format!("{} (`{}`)\n{summary}\n\n{help}\n\nParameters\n", meta.title, meta.key);
    spec.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
        let live = if param.live { "" } else { " (fixed while running)" };
        text += &format!("\n{}\n", indented(2, &format!("{}: {}{live}", param.name, value.text())));
        let range = param.range.map_or(String::new(), |(min, max)| range(param, &value.text(), min, max));
        text += &format!("{}\n", indented(6, &format!("{}{range}", param.help)));
        for (name, help) in param.parts {
            text += &format!("{}\n", indented(10, &format!("{name}: {help}")));
        }
        text += &format!("{}\n", indented(6, &format!("for example {}", param.examples.join("  or  "))));
    });
    if !meta.signals.is_empty() {
        let names: Vec<&str> = meta.signals.iter().map(|signal| crate::engine::SIGNALS[*signal as usize].1).collect();
        text += &format!("\n{}\n", wrap(&format!("Counts besides calls: {}", names.join(", ")), WIDTH));
    }
    text
}

/// A range as a sentence, its ends as they would stand in a file: the unit is that of the value, or of an example where
/// there is no value.
fn range(param: &Param, value: &str, min: f64, max: f64) -> String {
    let quantity = std::iter::once(value).chain(param.examples.iter().copied()).find_map(|text| {
        let text = text.trim_start_matches("Some(").trim_end_matches(')');
        text.strip_prefix('"')?.strip_suffix('"')
    });
    let text = |number: f64| match quantity {
        Some(like) if Span::parse(like).is_ok() => Quantity::text(&Span((number * 1e9).round() as u64)),
        Some(like) if Rate::parse(like).is_ok() => Quantity::text(&Rate(number)),
        Some(like) if Ratio::parse(like).is_ok() => Quantity::text(&Ratio(number)),
        Some(like) if Bytes::parse(like).is_ok() => Quantity::text(&Bytes(number as u64)),
        Some(like) if Bandwidth::parse(like).is_ok() => Quantity::text(&Bandwidth(number)),
        _ => number.to_string(),
    };
    format!(" From {} to {}.", text(min), text(max))
}

/// Wrapped, each line with so many blanks before it.
fn indented(blanks: usize, text: &str) -> String {
    let lines: Vec<String> = wrap(text, WIDTH - blanks).lines().map(|line| format!("{:blanks$}{line}", "")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manual_fits_and_its_ranges_have_units() {
        for meta in KINDS {
            let text = text(&Spec::new(meta.key).expect("in the catalogue"));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && !line.contains(".;"), "{}: {line}", meta.key);
            }
        }
        let cache = text(&Spec::new("cache").expect("in the catalogue"));
        assert!(cache.contains("Entries expire after this time. From 1us to "), "{cache}");
    }
}
