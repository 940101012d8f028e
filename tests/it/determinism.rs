//! The same seed gives the same report, bit for bit: optimised or not, whatever the order of the lines, in one go or in
//! slices.

use crate::scenarios::{files, load};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tailboard::base::{Time, hash};
use tailboard::cli::export;
use tailboard::design::{Design, set_parameter};
use tailboard::run::{Run, judge};
use tailboard::scenario;

/// Everything a run writes, as one text.
fn written(design: &Design, slices: u64) -> String {
    let mut run = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}"));
    for slice in 1..=slices {
        run.advance(Time((u128::from(run.length().0) * u128::from(slice) / u128::from(slices)) as u64));
    }
    let report = run.report();
    let verdicts = judge(design, run.recorder(), &report);
    export::json(&report, &verdicts, &[]).expect("a report") + &export::csv(run.recorder()).expect("a series")
}

/// Every scenario, the long ones shortened: this runs unoptimised too.
fn designs() -> Vec<(String, Design)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let all = files(&folder)
        .into_iter()
        .chain(files(&folder.join("kinds")).into_iter().map(|(k, p)| (format!("kinds/{k}"), p)));
    all.map(|(name, path)| {
        let mut design = load(&path);
        if name == "millions_of_requests" {
            set_parameter(&mut design, "people.rate", "100k/s").expect("a rate");
        }
        (name, design)
    })
    .collect()
}

#[test]
fn the_same_seed_gives_the_same_report_in_slices_too() {
    for (name, design) in designs() {
        let whole = written(&design, 1);
        assert!(whole == written(&design, 1), "{name}: twice the same");
        assert!(whole == written(&design, 7), "{name}: in seven slices");
        let other = Design { seed: design.seed + 1, ..design.clone() };
        assert!(whole != written(&other, 1), "{name}: another seed is another run");
    }
}

#[test]
fn the_order_of_lines_changes_nothing() {
    for (name, design) in designs() {
        let mut shuffled = design.clone();
        shuffled.links.reverse();
        let text = scenario::write_str(&shuffled).expect("a text");
        // Nodes are written in the order of their names: turn them round in the text.
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.iter().position(|line| line.trim() == "nodes: {").expect("nodes") + 1;
        let last = first + lines[first..].iter().position(|line| *line == "    },").expect("the end of the nodes");
        let mut nodes: Vec<Vec<&str>> = Vec::new();
        for line in &lines[first..last] {
            if line.starts_with("        \"") {
                nodes.push(Vec::new());
            }
            nodes.last_mut().expect("a node").push(line);
        }
        assert_eq!(nodes.len(), design.nodes.len(), "{name}");
        nodes.reverse();
        let turned = [&lines[..first], &nodes.concat(), &lines[last..]].concat().join("\n");
        let read = scenario::read_str(&turned);
        let read = read.design.unwrap_or_else(|| panic!("{name}: {turned}"));
        assert!(written(&design, 1) == written(&read, 1), "{name}");
    }
}

/// The digests were written by one build and are read by every other: debug and release, here and elsewhere.
#[test]
fn every_build_computes_the_same_numbers() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/digests.txt");
    let mut digests = String::new();
    for (name, design) in designs() {
        let text = written(&design, 1);
        let digest = text.bytes().fold(0u64, |digest, byte| hash::mix2(digest, u64::from(byte)));
        let _ = writeln!(digests, "{name} {digest:016x}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &digests).expect("the fixture can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the fixture");
    assert_eq!(digests, golden, "if this change is meant, run with UPDATE=1 and say why in the commit");
}
