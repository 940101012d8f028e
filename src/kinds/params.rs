//! The visitor by which a kind names each of its parameters once. Inspector, documentation, validation, `--set`, sweeps,
//! live changes and random test specs all come from it.

use crate::base::units::{Bandwidth, Quantity as _};
use crate::base::{Bytes, Dist, Rate, Ratio, Span, ron};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is said of a parameter, once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// The name of the field in a file.
    pub name: &'static str,
    /// One or two sentences: what it does, where it comes from.
    pub help: &'static str,
    /// Smallest and largest value allowed, in seconds, per second, bytes or plain numbers.
    pub range: Option<(f64, f64)>,
    /// Values other than the default that are worth trying, as they stand in a file. Each must be valid; the tests set
    /// every one of them and want to see the run change.
    pub examples: &'static [&'static str],
    /// Whether a change acts in a running simulation; otherwise it restarts the node.
    pub live: bool,
    /// What its parts do, by their names.
    pub parts: &'static [(&'static str, &'static str)],
    pub section: Section,
    /// One of the few of its section that matter first.
    pub leads: bool,
}

/// What a parameter is about: manuals and forms are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What comes: requests, keys, tenants.
    Load,
    /// Where calls go, and which.
    Calls,
    /// How much there is: copies, slots, cores, room.
    Capacity,
    /// How long things take.
    Time,
    /// What waits, and in which order.
    Queue,
    /// What is kept, and how old it may be.
    Data,
    /// What goes wrong, and what is done about it.
    Reliability,
    Network,
    Advanced,
}

impl Section {
    pub fn title(self) -> &'static str {
        match self {
            Section::Load => "Load",
            Section::Calls => "Calls",
            Section::Capacity => "Capacity",
            Section::Time => "Time",
            Section::Queue => "Queue",
            Section::Data => "Data",
            Section::Reliability => "Reliability",
            Section::Network => "Network",
            Section::Advanced => "Advanced",
        }
    }
}

impl Param {
    pub const fn new(name: &'static str, help: &'static str, examples: &'static [&'static str]) -> Param {
        Param { name, help, range: None, examples, live: false, parts: &[], section: Section::Advanced, leads: false }
    }

    #[must_use]
    pub const fn range(self, min: f64, max: f64) -> Param {
        Param { range: Some((min, max)), ..self }
    }

    #[must_use]
    pub const fn within(self, section: Section) -> Param {
        Param { section, ..self }
    }

    /// The same, ahead of the others of the section.
    #[must_use]
    pub const fn leads(self, section: Section) -> Param {
        Param { section, leads: true, ..self }
    }

    /// What parameters are ordered by in manuals and forms; within that, as they are declared.
    pub fn rank(&self) -> (Section, bool) {
        (self.section, !self.leads)
    }

    /// What its parts do: the fields of a group, and of the groups in it.
    #[must_use]
    pub const fn parts(self, parts: &'static [(&'static str, &'static str)]) -> Param {
        Param { parts, ..self }
    }

    /// What a part does.
    pub fn of_part(&self, name: &str) -> Option<&'static str> {
        self.parts.iter().chain(Dist::PARTS).find(|(part, _)| *part == name).map(|(_, help)| *help)
    }

    /// A number of the range as it would stand in a file. The unit is that of the value, or of an example where there is no
    /// value.
    pub fn in_its_unit(&self, value: &str, number: f64) -> String {
        let quantity = std::iter::once(value).chain(self.examples.iter().copied()).find_map(|text| {
            let text = text.trim_start_matches("Some(").trim_end_matches(')');
            text.strip_prefix('"')?.strip_suffix('"')
        });
        let quoted = |text: String| format!("\"{text}\"");
        match quantity {
            Some(like) if Span::parse(like).is_ok() => quoted(Span((number * 1e9).round() as u64).to_string()),
            Some(like) if Rate::parse(like).is_ok() => quoted(Rate(number).to_string()),
            Some(like) if Ratio::parse(like).is_ok() => quoted(Ratio(number).to_string()),
            Some(like) if Bytes::parse(like).is_ok() => quoted(Bytes(number as u64).to_string()),
            Some(like) if Bandwidth::parse(like).is_ok() => quoted(Bandwidth(number).to_string()),
            _ => number.to_string(),
        }
    }

    /// The range in words, in the unit of the value: "1us to 100s".
    pub fn range_text(&self, value: &str) -> Option<String> {
        let (min, max) = self.range?;
        let text = |number| self.in_its_unit(value, number).replace('"', "");
        Some(format!("{} to {}", text(min), text(max)))
    }

    /// A message about this parameter with its own range in place of that of the number's type.
    pub fn with_own_range(&self, message: &str) -> String {
        let Some((min, max)) = self.range else { return message.to_owned() };
        let of = |low: &str, high: &str| format!("a whole number from {low} to {high}");
        let types = [u64::from(u8::MAX), u64::from(u16::MAX), u64::from(u32::MAX)].map(|max| of("0", &max.to_string()));
        let own = of(&min.to_string(), &max.to_string());
        // The widest first, or the beginning of a number would do.
        types.iter().rev().fold(message.to_owned(), |message, of_type| message.replace(of_type.as_str(), &own))
    }

    /// A change acts at once.
    #[must_use]
    pub const fn live(self) -> Param {
        Param { live: true, ..self }
    }
}

/// A parameter's value, read and written as it stands in a file.
pub trait Value {
    fn text(&self) -> String;
    /// Set it from text, or say what is wrong.
    fn set(&mut self, text: &str) -> Result<(), String>;
    /// What may stand in it at a path of fields, names, keys and positions.
    fn slot(&self, path: &[&str]) -> ron::Slot;
}

impl<T: Serialize + DeserializeOwned> Value for T {
    fn text(&self) -> String {
        // What is nested too deep to be written could not have been read either.
        ron::to_text(self).unwrap_or_default()
    }

    fn set(&mut self, text: &str) -> Result<(), String> {
        let value = ron::read::<T>(text).into_result();
        *self = value.map_err(|problems| {
            let first = problems.into_iter().next();
            first.map_or_else(
                || format!("`{text}` cannot be read"),
                |problem| {
                    let help = problem.help.map_or(String::new(), |help| format!("; {help}"));
                    let message = problem.message.replacen("the file", "the value", 1);
                    // What is expected is often in the message already.
                    let expected = problem.label.strip_prefix("expected ").unwrap_or(&problem.label);
                    let label = if message.contains(expected) { String::new() } else { format!(": {}", problem.label) };
                    format!("{message}{label}{help}")
                },
            )
        })?;
        Ok(())
    }

    fn slot(&self, path: &[&str]) -> ron::Slot {
        ron::slot::<T>(path)
    }
}

/// Something that looks at, or changes, each parameter in turn.
pub trait Visitor {
    fn visit(&mut self, param: &Param, value: &mut dyn Value);
}

impl<F: FnMut(&Param, &mut dyn Value)> Visitor for F {
    fn visit(&mut self, param: &Param, value: &mut dyn Value) {
        self(param, value);
    }
}

/// A value as a number, for ranges: seconds, per second, bytes, or plain. `None` for what is not one number.
pub fn magnitude(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return Some(number);
    }
    let quoted = text.strip_prefix('"')?.strip_suffix('"')?;
    (Span::parse(quoted).map(Span::as_secs))
        .or_else(|_| Rate::parse(quoted).map(|rate| rate.0))
        .or_else(|_| Bytes::parse(quoted).map(|bytes| bytes.0 as f64))
        .or_else(|_| Bandwidth::parse(quoted).map(|bandwidth| bandwidth.0))
        .or_else(|_| Ratio::parse(quoted).map(|ratio| ratio.0))
        .ok()
}

/// A number as a value like another one: in its unit, as [`magnitude`] takes it. The first that the parameter takes is meant:
/// some are whole.
pub fn texts_like(other: &str, number: f64) -> Vec<String> {
    let whole = format!("{number:.0}");
    let Some(quoted) = other.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return vec![format!("{number}"), whole];
    };
    vec![match () {
        () if Span::parse(quoted).is_ok() => format!("\"{number}s\""),
        () if Rate::parse(quoted).is_ok() => format!("\"{number}/s\""),
        () if Bytes::parse(quoted).is_ok() => format!("\"{whole} B\""),
        () if Bandwidth::parse(quoted).is_ok() => format!("\"{number} B/s\""),
        () => format!("{number}"),
    }]
}

/// What is wrong with a value by its parameter's range, if anything.
pub fn out_of_range(param: &Param, value: &dyn Value) -> Option<String> {
    let (min, max) = param.range?;
    let text = value.text();
    let number = magnitude(&text)?;
    let outside = !(min..=max).contains(&number);
    outside.then(|| format!("`{}` is {text}: expected {}", param.name, param.range_text(&text).unwrap_or_default()))
}
