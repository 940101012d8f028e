//! The same seed gives the same report, bit for bit: optimised or not, whatever the order of the lines, in one go or in
//! slices.

use crate::scenarios::{files, load};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tailboard::base::{Rng, Time, hash};
use tailboard::design::{Design, set_parameter};
use tailboard::export;
use tailboard::run::{Run, judge};
use tailboard::scenario;

/// Everything a run writes, as one text; watched, if it goes on in slices.
fn written(design: &Design, slices: u64) -> String {
    let mut run = Run::new(design).unwrap_or_else(|findings| panic!("{findings:?}"));
    for slice in 1..=slices {
        if slices > 1 {
            // To be watched changes nothing.
            run.trace([1, 1, 0, 5, 100, 2, 1][slice as usize % 7]);
        }
        run.advance(Time((u128::from(run.length().0) * u128::from(slice) / u128::from(slices)) as u64));
    }
    let report = run.report();
    let verdicts = judge(design, run.recorder());
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

/// By Fisher and Yates.
fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i as u32 + 1) as usize);
    }
}

/// Lines of a written scenario, with the entries of every struct and map in another order. What has no name, as in a
/// tuple or a list, stays where it is.
fn shuffled(lines: &[&str], rng: &mut Rng) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut entries: Vec<Vec<String>> = Vec::new();
    let mut rest = lines;
    while let Some((head, after)) = rest.split_first() {
        // An entry is one line, or what lies between an opening and a closing bracket.
        let inner = after.iter().take_while(|line| indent(line) > indent(head)).count();
        let mut entry = vec![(*head).to_owned()];
        entry.extend(shuffled(&after[..inner], rng));
        rest = &after[inner..];
        if inner > 0 {
            entry.push(rest[0].to_owned());
            rest = &rest[1..];
        }
        entries.push(entry);
    }
    let is_named = |entry: &Vec<String>| {
        entry[0].trim_start().split_once(": ").is_some_and(|(name, _)| {
            name.starts_with('"') && name.ends_with('"') || name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
    };
    if entries.iter().all(is_named) {
        shuffle(&mut entries, rng);
    }
    entries.concat()
}

#[test]
fn the_order_of_lines_changes_nothing() {
    for (name, design) in designs() {
        let as_written = written(&design, 1);
        for seed in 0..3 {
            let mut rng = Rng::seeded(seed);
            let mut other = design.clone();
            shuffle(&mut other.links, &mut rng);
            let text = scenario::write_str(&other).expect("a text");
            let turned = shuffled(&text.lines().collect::<Vec<_>>(), &mut rng).join("\n");
            assert!(turned != text && turned.len() == text.trim_end().len(), "{name}: {turned}");
            let read = scenario::read_str(&turned).design.unwrap_or_else(|| panic!("{name}: {turned}"));
            assert!(as_written == written(&read, 1), "{name}, shuffled with seed {seed}: {turned}");
        }
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
