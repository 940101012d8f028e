//! `explain`: the manual of a kind, generated from it.

use super::{GOOD, WRONG_INPUT, print};
use crate::base::ron;
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
        eprintln!("error: there is no kind `{}`{hint}\nkinds: {}", args.kind, keys.join(", "));
        return WRONG_INPUT;
    };
    print(&text(&spec));
    GOOD
}

/// The manual as text.
pub fn text(spec: &Spec) -> String {
    let meta = spec.meta();
    let mut text =
        format!("{} (`{}`)\n{}\n\n{}\n\nParameters\n", meta.title, meta.key, meta.summary, wrap(meta.help, 100));
    spec.clone().visit(&mut |param: &Param, value: &mut dyn Value| {
        let live = if param.live { "" } else { " (fixed while running)" };
        let range = param.range.map_or(String::new(), |(min, max)| format!("; from {min} to {max}"));
        text += &format!("\n  {}: {}{live}\n", param.name, value.text());
        text += &indent(&wrap(&format!("{}{range}", param.help), 92));
        text += &format!("      for example {}\n", param.examples.join("  or  "));
    });
    if !meta.signals.is_empty() {
        let names: Vec<&str> = meta.signals.iter().map(|signal| crate::engine::SIGNALS[*signal as usize].1).collect();
        text += &format!("\nCounts besides calls: {}\n", names.join(", "));
    }
    text
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

/// Break lines between words.
fn wrap(text: &str, width: usize) -> String {
    let paragraph = |line: &str| {
        let (mut out, mut column) = (String::new(), 0);
        for word in line.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push('\n');
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out += word;
            column += length;
        }
        out
    };
    text.lines().map(paragraph).collect::<Vec<_>>().join("\n")
}
