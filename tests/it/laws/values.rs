//! Random values of parameters, at, inside and beyond the edges of their ranges. What a parameter may be is asked of itself (its
//! examples, its range, its form), so that a new one needs nothing here.

use tailboard::base::Rng;
use tailboard::kinds::{Form, Param, Value};

/// Bare numbers that something may stumble over: small, at the edges of whole numbers, far too large, none at all.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1e-9",
    "-1",
    "64",
    "65",
    "255",
    "256",
    "1000",
    "65535",
    "65536",
    "4294967295",
    "1e300",
];
/// Times likewise; a span in a file is a quarter of what fits at most.
const TIMES: [&str; 12] = ["0s", "1ns", "2ns", "1us", "100us", "1ms", "7ms", "100ms", "1s", "1h", "50000d", "100000d"];
const RATES: [&str; 8] = ["0/s", "0.000001/s", "1/h", "1/s", "50/s", "1k/s", "1G/s", "2G/s"];
const SIZES: [&str; 6] = ["0 B", "1 B", "1 kB", "1 MB", "1 TB", "10 TB"];
const SPEEDS: [&str; 5] = ["0 bit/s", "1 bit/s", "10 kbit/s", "1 Gbit/s", "2000000 GB/s"];
const SHARES: [&str; 7] = ["\"0%\"", "\"1%\"", "0.5", "\"99%\"", "1", "1.0000001", "-0.1"];

fn one<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.below(of.len() as u32) as usize]
}

/// Let a value be another one: an example, and with a chance of `wild` something at or beyond an edge.
pub fn change(rng: &mut Rng, param: &Param, value: &mut dyn Value, wild: f64) {
    if !param.examples.is_empty() && rng.chance(0.6) {
        // An example of a parameter always fits it.
        let _ = value.set(one(rng, param.examples));
    }
    if let Some((min, max)) = param.range
        && rng.chance(wild / 2.0)
    {
        let edges = [min, max, min - 1.0, min * 0.999 - 1e-9, max * 1.001 + 1e-9, max + 1.0];
        return set_number(value, edges[rng.below(6) as usize]);
    }
    for _ in 0..1 + rng.below(2) {
        let form = Form::of(value);
        let mut places = Vec::new();
        leaves(&form, &mut Vec::new(), &mut places);
        let place = &places[rng.below(places.len() as u32) as usize];
        let leaf = place.iter().fold(&form, |form, &i| &form.parts()[i]);
        let texts = texts(rng, leaf, param, wild);
        // What cannot be read is refused by the reader, which has tests of its own.
        let _ = texts.into_iter().any(|text| value.set(&form.with(place, &text).text()).is_ok());
    }
}

/// The ways to everything in a form that has a text of its own, or a name that can be another.
fn leaves(form: &Form, place: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if form.parts().is_empty() || !form.choices().is_empty() {
        found.push(place.clone());
    }
    for (i, part) in form.parts().iter().enumerate() {
        place.push(i);
        leaves(part, place, found);
        place.pop();
    }
}

/// What to try in place of this part, best first.
fn texts(rng: &mut Rng, leaf: &Form, param: &Param, wild: f64) -> Vec<String> {
    let text = leaf.text();
    let choices = leaf.choices();
    if leaf.slot.optional && rng.chance(0.2) {
        return vec!["None".to_owned()];
    }
    if !choices.is_empty() && rng.chance(0.7) {
        return leaf.chosen(choices[rng.below(choices.len() as u32) as usize], param);
    }
    if leaf.is_off() {
        return leaf.switched_on(param).into_iter().chain(["\"20ms\"".to_owned(), "5".to_owned()]).collect();
    }
    if rng.chance(wild) {
        return vec![wild_text(rng, &text)];
    }
    vec![scaled(&text, [0.1, 0.3, 0.7, 1.5, 2.0, 5.0][rng.below(6) as usize])]
}

/// A quantity of the same sort, at or beyond an edge.
fn wild_text(rng: &mut Rng, text: &str) -> String {
    let quoted = |text: &str| format!("\"{text}\"");
    let unit: String = text.chars().filter(|c| c.is_alphabetic() || matches!(c, '/' | '%')).collect();
    match unit.as_str() {
        "%" => one(rng, &SHARES).to_owned(),
        "" => one(rng, &NUMBERS).to_owned(),
        unit if unit.contains("bit") || unit.ends_with("B/s") => quoted(one(rng, &SPEEDS)),
        unit if unit.contains('/') => quoted(one(rng, &RATES)),
        unit if unit.ends_with('B') => quoted(one(rng, &SIZES)),
        unit if unit.ends_with(['s', 'h', 'n', 'd']) => quoted(one(rng, &TIMES)),
        _ => one(rng, &NUMBERS).to_owned(),
    }
}

/// The same in another size: `"3ms"` is `"6ms"`, twice as large.
fn scaled(text: &str, factor: f64) -> String {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let len = text[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len() - start);
    let (number, rest) = text[start..].split_at(len);
    let Ok(value) = number.parse::<f64>() else { return text.to_owned() };
    let whole = !number.contains('.') && rest.is_empty();
    let value = if whole { (value * factor).ceil() } else { value * factor };
    format!("{}{value}{rest}", &text[..start])
}

/// Let a value be this number, in the unit that it has.
pub fn set_number(value: &mut dyn Value, number: f64) {
    let whole = format!("{number:.0}");
    let texts =
        [format!("{number}"), format!("\"{number}s\""), format!("\"{number}/s\""), format!("\"{whole} B\""), whole];
    let _ = texts.iter().any(|text| value.set(text).is_ok());
}
