//! `check`: everything that is wrong with files.

use super::{GOOD, WRONG_INPUT, print, say};
use crate::scenario::{self, source};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Say what is wrong with scenario files.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  tailboard check scenarios/*.ron\n  cat design.ron | tailboard check -")]
pub struct Args {
    /// Scenario files; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub fn main(args: &Args) -> u8 {
    let mut wrong = false;
    for file in &args.files {
        let source = match source::load(file) {
            Ok(source) => source,
            Err(error) => {
                say(&format!("error: {error}\n"));
                wrong = true;
                continue;
            }
        };
        let scenario = scenario::read_str(&source.text);
        say(&scenario.drawn(&source.name, &source.text, std::io::stderr().is_terminal()));
        wrong |= scenario.is_wrong();
        if let Some(design) = scenario.design {
            let line = format!(
                "{}: fine: {} nodes, {} links, {} expectations\n",
                source.name,
                design.nodes.len(),
                design.links.len(),
                design.expect.len()
            );
            wrong |= print(&line, GOOD) != GOOD;
        }
    }
    if wrong { WRONG_INPUT } else { GOOD }
}
