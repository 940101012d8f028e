//! A picture of a run is run again, to the same report; one that is cut, foreign or hostile is refused in a line, within a
//! second of the processor and 100 MB.

use crate::memory::limited;
use png::chunk::{ChunkType, IDAT, IEND, iTXt};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tailboard::design::{Design, set_parameter};
use tailboard::export::{as_run, carried};
use tailboard::run::{Run, judge};
use tailboard::scenario::picture::{Carried, Provenance, Summary, embed_png, embed_svg, extract};
use tailboard::scenario::{self, source};

const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2\" height=\"2\"><rect width=\"2\" height=\"2\"/></svg>";

/// A small thing to run.
const SCENARIO: &str = "(nodes: { \"c\": (kind: client(rate: \"10/s\")), \"s\": (kind: service()) },
    links: [(from: \"c\", to: \"s\")])";

/// Two by two pixels, with more chunks before and behind them.
fn png_with(size: u32, before: &[(ChunkType, &[u8])], behind: &[(ChunkType, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, size, size).write_header().expect("a header");
    for (kind, data) in before {
        writer.write_chunk(*kind, data).expect("a chunk");
    }
    // Black, of whatever size, as zlib writes five bytes: too few is no matter, since pixels are never decoded.
    writer.write_chunk(IDAT, b"\x78\x01\x63\x60\x60\x00\x00\x00\x03\x00\x01").expect("pixels");
    for (kind, data) in behind {
        writer.write_chunk(*kind, data).expect("a chunk");
    }
    writer.write_chunk(IEND, b"").expect("an end");
    std::mem::forget(writer); // It would write a second end.
    bytes
}

fn png() -> Vec<u8> {
    png_with(2, &[], &[])
}

fn carrying(scenario: &str) -> Carried {
    let provenance = Provenance { tool: "0.1.0".to_owned(), seed: 1, summary: Summary::default() };
    Carried { scenario: scenario.to_owned(), provenance }
}

/// The document as it is written.
fn document(scenario: &str) -> String {
    let svg = embed_svg(SVG, &carrying(scenario)).expect("whole");
    let (_, rest) = svg.split_once("picture\">").expect("ours");
    rest.split_once("</tailboard>").expect("ours").0.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// An `iTXt` chunk with our key.
fn text_chunk(compressed: bool, text: &[u8]) -> Vec<u8> {
    let mut body = b"tailboard\0".to_vec();
    body.extend_from_slice(&[u8::from(compressed), 0, 0, 0]);
    body.extend_from_slice(text);
    body
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn with_text(compressed: bool, text: &[u8]) -> Vec<u8> {
    png_with(2, &[(iTXt, &text_chunk(compressed, text))], &[])
}

/// A picture with something else in it than a scenario that can be run.
fn in_svg(inner: &str) -> Vec<u8> {
    SVG.replace("<rect", &format!("<metadata><tailboard>{inner}</tailboard></metadata><rect")).into_bytes()
}

fn hostile_pngs() -> Vec<(&'static str, Vec<u8>)> {
    let good = embed_png(&png(), &carrying(SCENARIO)).expect("whole");
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let ours = text_chunk(false, document(SCENARIO).as_bytes());
    let empty: Vec<(ChunkType, &[u8])> = vec![(ChunkType(*b"teSt"), b""); 500_000];
    let texts: Vec<(ChunkType, &[u8])> = vec![(iTXt, b"k\0\0\0\0\0"); 500_000];
    // The first chunk behind the header is ours: its length, its type, its text.
    let (length, kind, text) = (33, 37, 60);
    vec![
        ("foreign.png", png()),
        ("cut_in_the_text.png", good[..80].to_vec()),
        ("cut_in_the_pixels.png", good[..good.len() - 15].to_vec()),
        ("cut_after_the_signature.png", good[..8].to_vec()),
        ("line_ends_changed.png", [b"\x89PNG\n\x1a\n", &good[8..]].concat()),
        ("wrong_checksum.png", changed(text, b"~")),
        ("wrong_type.png", changed(kind, b"ITXT")),
        ("length_of_4_gb.png", changed(length, b"\xff\xff\xff\xff")),
        ("length_too_short.png", changed(length, b"\0\0\0\x0b")),
        ("no_header.png", [&good[..8], &good[33..]].concat()),
        ("text_too_short.png", png_with(2, &[(iTXt, b"tailboard\0\x01")], &[])),
        ("unknown_compression.png", png_with(2, &[(iTXt, b"tailboard\0\x01\x07\0\0zz")], &[])),
        ("not_compressed_at_all.png", with_text(true, b"{\"format\":1}")),
        ("bomb.png", with_text(true, &deflated(&vec![b' '; 1 << 30]))),
        ("bomb_of_json.png", with_text(true, &deflated("[".repeat(16 << 20).as_bytes()))),
        ("not_utf8.png", with_text(false, b"{\"format\":1,\"scenario\":\"\xff\"}")),
        ("not_json.png", with_text(false, b"(nodes: {})")),
        ("no_provenance.png", with_text(true, &deflated(b"{\"format\":1,\"scenario\":\"()\"}"))),
        ("two_scenarios.png", png_with(2, &[(iTXt, &ours)], &[(iTXt, &ours)])),
        ("newer.png", with_text(false, document(SCENARIO).replace("\"format\":1", "\"format\":2").as_bytes())),
        ("huge_dimensions.png", png_with(10_000, &[], &[])),
        ("half_a_million_chunks.png", png_with(2, &empty, &[])),
        ("half_a_million_texts.png", png_with(2, &texts, &[])),
        ("long_text.png", with_text(false, &vec![b'"'; (16 << 20) - 100])),
    ]
}

fn hostile_svgs() -> Vec<(&'static str, Vec<u8>)> {
    let good = embed_svg(SVG, &carrying(SCENARIO)).expect("whole");
    let mut entities = "<!DOCTYPE svg [<!ENTITY l0 \"lol\">".to_owned();
    for i in 1..10 {
        let _ = write!(entities, "<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10));
    }
    entities += "]>";
    let laughing = |picture: Vec<u8>| [entities.as_bytes(), &picture].concat();
    vec![
        ("foreign.svg", SVG.into()),
        ("cut_in_a_tag.svg", good[..30].into()),
        ("cut_in_the_text.svg", good[..150].into()),
        ("cut_before_the_end.svg", good[..good.len() - 6].into()),
        ("crossed_tags.svg", good.replace("</svg>", "</g>").into()),
        ("laughs_elsewhere.svg", laughing(SVG.replace("<rect", "<text>&l9;</text><rect").into())),
        ("laughs_in_the_scenario.svg", laughing(in_svg("&l9;"))),
        ("nested.svg", format!("<svg>{}", "<g>".repeat(5_000_000)).into()),
        ("element_in_the_scenario.svg", in_svg("{<g/>}")),
        ("two_scenarios.svg", good.replace("<rect", "<metadata><tailboard>{}</tailboard></metadata><rect").into()),
        ("newer.svg", good.replace("\"format\":1", "\"format\":99").into()),
        ("nothing_in_it.svg", in_svg("")),
        ("scenario_at_another_place.svg", SVG.replace("<rect", "<g><tailboard>{}</tailboard></g><rect").into()),
        ("not_utf8.svg", [b"<svg>\xff", SVG.as_bytes()].concat()),
    ]
}

/// What is wrong with the scenario, not with the picture.
fn bad_scenarios() -> Vec<(&'static str, Vec<u8>)> {
    let wrong = SCENARIO.replace("10/s", "10");
    vec![
        ("bad_scenario.png", embed_png(&png(), &carrying(&wrong)).expect("whole")),
        ("bad_scenario.svg", embed_svg(SVG, &carrying(&wrong)).expect("whole").into()),
        ("scenario_of_a_newer_version.png", embed_png(&png(), &carrying("(version: 9)")).expect("whole")),
        (
            "eight_million_values.png",
            embed_png(&png(), &carrying(&format!("[{}", "0,".repeat(8_000_000)))).expect("whole"),
        ),
        ("empty_scenario.png", embed_png(&png(), &carrying("\n")).expect("whole")),
    ]
}

fn others() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()),
        ("cat.gif", b"GIF89a\x01\0\x01\0".to_vec()),
        ("shrunk.png", b"RIFF\x24\0\0\0WEBPVP8 ".to_vec()),
        ("page.html", b"<html><svg/></html>".to_vec()),
    ]
}

/// `tailboard check`, with as much memory and time as a hostile picture may take.
fn check(folder: &Path, name: &str) -> Output {
    limited(100, Some(1), &["check", name]).current_dir(folder).output().expect("the program runs")
}

/// The messages are in `tests/fixtures/bad_pictures.txt`; `UPDATE=1` writes them anew.
#[test]
fn every_bad_picture_gets_its_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = String::new();
    for (name, bytes) in [hostile_pngs(), hostile_svgs(), bad_scenarios(), others()].concat() {
        std::fs::write(folder.path().join(name), bytes).expect("room");
        let output = check(folder.path(), name);
        let message = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{name}: {:?}\n{message}", output.status);
        let _ = writeln!(said, "{}", message.trim_end());
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad_pictures.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, &said).expect("writable");
    }
    assert_eq!(said, std::fs::read_to_string(golden).unwrap_or_default());
}

#[test]
fn a_picture_of_200_mb_is_refused_by_its_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("enormous.png");
    std::fs::write(&path, png()).expect("room");
    std::fs::File::options().write(true).open(&path).and_then(|file| file.set_len(200 << 20)).expect("a sparse file");
    let output = check(folder.path(), "enormous.png");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && message.contains("16 MiB"), "{message}");
}

/// A scenario with comments, run with and without changes: from each picture the text comes back, and from the text the
/// report.
#[test]
fn a_picture_is_run_again_to_the_same_report() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds/cache.ron");
    let text = source::load(&path).expect("a file").text;
    let run = |design: &Design| {
        let mut run = Run::new(design).expect("fine");
        run.advance(run.length());
        let report = run.report();
        let verdicts = judge(design, run.recorder());
        (report, verdicts)
    };
    let plain = scenario::read_str(&text).design.expect("fine");
    let mut changed = Design { seed: 99, ..plain.clone() };
    set_parameter(&mut changed, "cache.capacity", "Entries(50)").expect("a parameter");
    let changes = ["--seed 99".to_owned(), "--set\ncache.capacity=Entries(50)".to_owned()];
    for (design, changes) in [(&plain, &changes[..0]), (&changed, &changes[..])] {
        let (report, verdicts) = run(design);
        let as_run = as_run(&text, design, changes, &["p99 @ 2min..3min <= 1s".to_owned()]).expect("shallow");
        if changes.is_empty() {
            assert_eq!(as_run, text, "to the byte");
        } else {
            let head = "// As it was run, with --seed 99 --set cache.capacity=Entries(50).\n\
                        // Left out, because the run ends before: p99 @ 2min..3min <= 1s\n(";
            assert!(as_run.starts_with(head), "{as_run}");
        }
        let carried = carried(as_run, &report, &verdicts);
        assert_eq!(carried.provenance.seed, design.seed);
        let png = embed_png(&png(), &carried).expect("whole");
        let svg = embed_svg(SVG, &carried).expect("whole").into_bytes();
        for picture in [png, svg] {
            let back = extract(&picture).expect("whole").expect("a scenario");
            assert_eq!(back, carried);
            let again = scenario::read_str(&back.scenario).design.expect("fine");
            assert_eq!(&again, design);
            assert_eq!(run(&again).0, report);
        }
    }
}

#[test]
fn every_verb_reads_a_picture_by_its_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = include_str!("../../scenarios/kinds/worker.ron");
    let carried = carrying(scenario);
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("room");
        path
    };
    let stdout = |args: &[&str], input: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tailboard"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        child.stdin.take().expect("a pipe").write_all(input).expect("read");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let plain = stdout(&["run", &write("worker.ron", scenario.as_bytes()).to_string_lossy()], b"");
    let png = embed_png(&png(), &carried).expect("whole");
    let svg = embed_svg(SVG, &carried).expect("whole");
    // The names are of no matter.
    for path in [write("out.txt", &png), write("out.png", svg.as_bytes())] {
        let path = path.to_string_lossy();
        assert_eq!(stdout(&["run", &path], b""), plain);
        let said = stdout(&["check", &path], b"");
        assert!(said.starts_with(&format!("{path} (scenario): fine: ")), "{said}");
        assert!(said.contains("\n    drawn by Tailboard 0.1.0 after 0 s with seed 1: 0 requests"), "{said}");
    }
    assert_eq!(stdout(&["run", "-"], &png), plain);
}

/// By the command line, as a person would: a picture of a changed run, and the run of the picture.
#[test]
fn a_picture_of_a_run_is_run_to_the_same_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tailboard")).args(args).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (png, svg) = (place("out.png"), place("out.svg"));
    let changed = ["scenarios/kinds/cache.ron", "--seed", "5", "--set", "cache.capacity=Entries(2000)", "--json", "-"];
    let report = run(&[&["run"], &changed[..], &["--png", &png, "--svg", &svg, "--at", "2s"]].concat());
    for picture in [&png, &svg] {
        assert_eq!(run(&["run", picture, "--json", "-"]), report, "{picture}");
        // And a picture of the picture carries the same to the byte.
        let again = place("again.svg");
        run(&["figure", picture, "--svg", &again]);
        let carried = |path: &str| extract(&std::fs::read(path).expect("a file")).expect("whole").expect("a scenario");
        assert_eq!(carried(&again), carried(picture));
    }
}

/// Two runs side by side: whoever reads the picture is told whose scenarios to take instead.
#[test]
fn a_picture_of_two_runs_says_that_it_carries_neither() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (png, svg) = (place("both.png"), place("both.svg"));
    let program = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_tailboard")).args(args).output().expect("it runs");
    let pair = ["figure", "scenarios/kinds/cache.ron", "scenarios/kinds/worker.ron", "--png", &png, "--svg", &svg];
    assert_eq!(program(&pair).status.code(), Some(0));
    let title = |file: &str| {
        scenario::read_str(&source::load(Path::new(file)).expect("a file").text).design.expect("fine").title
    };
    let wanted = format!("“{}” and “{}”", title(pair[1]), title(pair[2]));
    for picture in [&png, &svg] {
        let output = program(&["run", picture]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && stderr.contains(&wanted) && stderr.contains("their files"),
            "{stderr}"
        );
    }
    // Whoever wrote them: nothing that a terminal would obey.
    let hostile = tailboard::scenario::picture::embed_pair_svg(SVG, &["a\u{1b}[2J".to_owned(), "b".repeat(999)]);
    let error = extract(hostile.expect("whole").as_bytes()).expect_err("no scenario").to_string();
    assert!(error.contains("“a[2J” and") && !error.contains('\u{1b}') && error.len() < 300, "{error}");
}
