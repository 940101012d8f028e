//! `scenarios/README.md` and its pictures are written from the scenarios: `UPDATE=1 cargo test gallery`.

use crate::figure::{Finished, scenarios};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tailboard::base::short;
use tailboard::engine::Unit;
use tailboard::figure::{self, Look};

/// What pictures may take in all.
const MOST_BYTES: usize = 4_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn figure_of(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => short::seconds(value),
        Unit::Share => short::percent(value),
        Unit::PerSecond => short::rate(value),
        Unit::Number => short::number(value),
    }
}

fn section(name: &str, finished: &Finished) -> String {
    let design = &finished.design;
    let mut text = format!("## {}\n\n{}\n\n", design.title, design.question);
    let _ = writeln!(text, "[![{}](pictures/{name}.svg)](pictures/{name}.svg)\n", design.title);
    for verdict in &finished.verdicts {
        let value = verdict.value.map_or("nothing".to_owned(), |value| figure_of(verdict.unit, value));
        let mark = if verdict.holds { "holds" } else { "fails" };
        let _ = writeln!(text, "- `{}` {mark}: {value}. {}", verdict.expectation, verdict.why);
    }
    let _ = writeln!(text, "\n{}\n\nThe file: [`{name}.ron`]({name}.ron).\n", design.notes.trim());
    text
}

#[test]
fn the_gallery_is_up_to_date() {
    let mut page = "# Scenarios\n\nWritten by `UPDATE=1 cargo test gallery`. Where a scenario has a timeline, its picture shows the state shortly after the\nfirst intervention; otherwise averages of the run.\n\n".to_owned();
    let update = std::env::var_os("UPDATE").is_some();
    let (mut stale, mut bytes) = (Vec::new(), 0);
    let pictures = folder().join("pictures");
    if update {
        std::fs::create_dir_all(&pictures).expect("a folder");
    }
    let mut check = |path: PathBuf, text: &str| {
        if update {
            std::fs::write(&path, text).expect("a file that can be written");
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
            stale.push(path.display().to_string());
        }
    };
    for (name, finished) in scenarios() {
        page += &section(name, finished);
        let scene = figure::scene(&finished.shown(), &Look::default());
        let svg = figure::svg(&scene, &finished.design.title, None);
        bytes += svg.len();
        check(pictures.join(format!("{name}.svg")), &svg);
    }
    check(folder().join("README.md"), &(page.trim_end().to_owned() + "\n"));
    assert!(stale.is_empty(), "out of date, run UPDATE=1 cargo test gallery and look at them: {stale:#?}");
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of pictures");
    for entry in std::fs::read_dir(&pictures).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(scenarios().iter().any(|(other, _)| *other == name), "{} is of no scenario", path.display());
    }
}
