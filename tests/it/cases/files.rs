//! Cases and faults: outputs and inputs, interrupts, and designs so dense that drawing and checking them was slow.
#![expect(clippy::disallowed_methods, reason = "how long the program takes is of the clock on the wall")]

use super::{path, text};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tailboard::base::Rng;

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &["faults/title-with-escapes.ron"];

const SCENARIO: &str = "scenarios/kinds/worker.ron";

fn tailboard(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailboard"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> Output {
    tailboard(args).output().expect("the program runs")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whatever an output is called, it is not written over the scenario, nor over another output.
#[cfg(unix)]
#[test]
fn outputs_never_overwrite_what_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let scenario = fs::read(SCENARIO).expect("a scenario");
    fs::write(place("design.ron"), &scenario).expect("room");
    fs::create_dir(place("x")).expect("room");
    std::os::unix::fs::symlink("design.ron", place("soft.ron")).expect("a link");
    fs::hard_link(place("design.ron"), place("hard.ron")).expect("a link");
    let before = names(folder.path());
    let file = place("design.ron");
    for name in ["design.ron", "soft.ron", "hard.ron", "x/../design.ron", "./design.ron"] {
        for option in ["--json", "--csv", "--png", "--svg"] {
            let output = output(&["run", &file, option, &place(name)]);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name} {option}: {stderr}");
            assert!(stderr.contains("name another file") && stderr.contains(option), "{stderr}");
            assert!(output.stdout.is_empty(), "it is refused before the run");
            assert_eq!(fs::read(&file).expect("a file"), scenario, "{name} {option}");
        }
        let both = ["figure", SCENARIO, &file, "--svg", &place(name)];
        assert_eq!(output(&both).status.code(), Some(2), "{name}");
    }
    assert_eq!((fs::read(&file).expect("a file"), names(folder.path())), (scenario.clone(), before.clone()));
    // Two outputs with one file, that is there or not.
    for (one, other) in [("new", "x/../new"), ("design.ron", "hard.ron")] {
        let output = output(&["run", SCENARIO, "--json", &place(one), "--csv", &place(other)]);
        assert_eq!(output.status.code(), Some(2), "{one}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("the same place"), "{one}");
    }
    // Standard input and output may be that file too.
    let open = || fs::OpenOptions::new().read(true).append(true).open(&file).expect("a file");
    let code = |command: &mut Command| command.stderr(Stdio::null()).status().expect("the program runs").code();
    assert_eq!(code(tailboard(&["run", "-", "--json", &place("soft.ron")]).stdin(open())), Some(2));
    assert_eq!(code(tailboard(&["run", &file]).stdout(open())), Some(2));
    assert_eq!((fs::read(&file).expect("a file"), names(folder.path())), (scenario, before));
    // What may be read and written by all is no file of anybody's.
    let null = ["run", SCENARIO, "--json", "/dev/null", "--csv", "/dev/null"];
    assert_eq!(output(&null).status.code(), Some(0));
}

/// An output that fails is said with its name and what to do, and leaves what was there.
#[cfg(target_os = "linux")]
#[test]
fn failing_outputs_are_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::create_dir(place("folder")).expect("room");
    for (name, words) in [
        ("/dev/full".to_owned(), "make room"),
        (place("none/report"), "make the folder"),
        (place("folder"), "name a file in it"),
        ("/proc/report".to_owned(), "cannot be written"),
    ] {
        for option in ["--json", "--csv", "--png", "--svg"] {
            let output = output(&["run", SCENARIO, option, &name]);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
            assert!(stderr.contains(&name) && stderr.contains(words), "{stderr}");
            assert!(!stderr.contains("panicked") && stderr.lines().count() == 1, "{stderr}");
        }
    }
    assert_eq!(names(folder.path()), ["folder"]);
}

/// Start a run that would take years, and interrupt it when it is under way.
#[cfg(unix)]
fn interrupted(args: &[&str], folder: &Path) -> Output {
    let log = fs::File::create(folder.join("log")).expect("room");
    let mut run = tailboard(args).stdout(Stdio::piped()).stderr(log).spawn().expect("the program runs");
    // It watches for the signal as soon as it simulates.
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(run.try_wait().expect("a process").is_none(), "it ended by itself");
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let began = Instant::now();
    while run.try_wait().expect("a process").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut output = run.wait_with_output().expect("it ended");
    output.stderr = fs::read(folder.join("log")).expect("a log");
    output
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_reports_what_was_simulated() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let files = [place("report.json"), place("series.csv"), place("picture.svg")];
    let args = ["run", "scenarios/retry_storm.ron", "--for", "300d"];
    let outputs = ["--json", &files[0], "--csv", &files[1], "--svg", &files[2]];
    let output = interrupted(&[&args[..], &outputs].concat(), folder.path());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted at ") && stderr.contains("of 300d"), "{stderr}");
    assert!(stdout.contains("interrupted at ") && stdout.contains("goodput"), "{stdout}");
    let text = fs::read_to_string(&files[0]).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["warnings"][0]["code"], "interrupted");
    let length = report["length"].as_f64().expect("a number");
    assert!((1.0..300.0 * 86_400.0).contains(&length), "{length}");
    // Every call is still accounted for, and the series ends where the run does.
    let total = &report["total"];
    let number = |name: &str| total[name].as_u64().expect("a number");
    let failed: u64 = total["failed"].as_object().expect("a table").values().filter_map(|n| n.as_u64()).sum();
    assert_eq!(number("offered"), number("good") + number("late") + failed + number("in_flight"), "{total}");
    let series = fs::read_to_string(&files[1]).expect("a series");
    let last = series.lines().last().expect("a line").split(',').nth(1).expect("an end");
    assert_eq!(last.parse::<f64>().expect("a number"), length);
    // The picture can be run again, as what it shows.
    let picture = fs::read_to_string(&files[2]).expect("a picture");
    assert!(picture.contains("interrupted"));
    assert_eq!(self::output(&["check", &files[2]]).status.code(), Some(0));
}

/// An interrupted run of two is no picture, and what was there stays.
#[cfg(unix)]
#[test]
fn what_is_interrupted_before_it_can_be_drawn_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(place("old.svg"), "old").expect("room");
    let long = fs::read_to_string("scenarios/retry_storm.ron").expect("a scenario").replace("\"60s\"", "\"300d\"");
    assert!(long.contains("300d"));
    fs::write(place("long.ron"), long).expect("room");
    let output = interrupted(&["figure", &place("long.ron"), SCENARIO, "--svg", &place("old.svg")], folder.path());
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(place("old.svg")).expect("a file"), "old");
    assert_eq!(names(folder.path()), ["log", "long.ron", "old.svg"]);
}

/// Whatever a scenario is called, the terminal shows it and does nothing else.
#[test]
fn a_terminal_does_not_do_what_a_scenario_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let fixture = path("faults/title-with-escapes.ron").to_string_lossy().into_owned();
    // The same in every other place for words, raw and as an escape of the notation.
    let all = text("faults/title-with-escapes.ron")
        .replace(
            "kind: client()",
            "label: \"l\u{1b}[1m\", kind: client(classes: {\"c\\u{1b}[31m\\u{9b}1m\\u{202e}\": ()})",
        )
        .replace("\"a\"", "\"a\\u{1b}]0;x\\u{7}\u{9b}31m\"")
        .replace(
            "links: [",
            "stickies: [(text: \"s\u{1b}[1m\\r\")], frames: [(title: \"f\\u{1b}[1m\", nodes: [\"u\"])], links: [",
        )
        .replace("that: \"a.p99\"", "that: \"p99\"");
    let wrong = all
        .replace("kind: service()", "kind: service(\u{1b}[31m: 1, work: \"\u{1b}[2J\")")
        .replace("to: \"a", "to: \"b");
    let odd = "odd\u{1b}[2Jname\u{7}.ron";
    for (name, text) in [("all.ron", &all), ("wrong.ron", &wrong), (odd, &all)] {
        fs::write(place(name), text).expect("room");
    }
    let (all, wrong, odd) = (place("all.ron"), place("wrong.ron"), place(odd));
    let runs: &[&[&str]] = &[
        &["run", &fixture],
        &["run", &all],
        &["run", &all, "--csv", "-"],
        &["run", &all, "--json", "-"],
        &["run", &all, "--set", "x\u{1b}[31m.y=1"],
        &["run", &all, "--for", "\u{1b}[31m"],
        &["run", &all, "--json", "/none\u{1b}[31m/x"],
        &["run", &all, "--svg", "-", "--plot", "queue:a\u{1b}[31m"],
        &["figure", &all, "--svg", "-"],
        &["figure", &all, &fixture, "--svg", "-"],
        &["check", &fixture, &all, &wrong, &odd],
        &["check", &place("missing\u{1b}[2J.ron")],
        &["explain", "cache\u{1b}[31m"],
        &["run", &odd, "--png", &place("out.png")],
        &["check", &place("out.png")],
    ];
    for args in runs {
        let output = output(args);
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(bytes);
            let steers = |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{2066}');
            let bad = text.chars().find(steers);
            assert_eq!(bad, None, "{args:?}:\n{}", text.escape_debug());
        }
    }
    // A picture is XML, and a series can be taken apart.
    let svg = String::from_utf8(output(&["figure", &all, "--svg", "-"]).stdout).expect("text");
    assert!(svg.contains("aria-label"));
    fs::write(place("again.svg"), &svg).expect("room");
    assert_eq!(output(&["check", &place("again.svg")]).status.code(), Some(0));
    let csv = output(&["run", &all, "--csv", "-"]).stdout;
    let mut rows = csv::Reader::from_reader(csv.as_slice());
    assert!(rows.records().all(|row| row.is_ok_and(|row| row.len() == 6)));
}

/// Services, and what leads from which to which, as a scenario.
fn graph(nodes: usize, links: &[(usize, usize)], probability: f64) -> String {
    let mut text =
        "(version: 1, run: (length: \"1s\", warm_up: \"0s\"),\nnodes: {\n\"u\": (kind: client()),\n".to_owned();
    for i in 0..nodes {
        let _ = writeln!(text, "\"s{i:04}\": (kind: service(work: \"10us\")),");
    }
    text += "},\nlinks: [\n(from: \"u\", to: \"s0000\"),\n";
    for (from, to) in links {
        let _ = writeln!(text, "(from: \"s{from:04}\", to: \"s{to:04}\", when: (probability: {probability})),");
    }
    text + "])"
}

/// So many links by chance, no more than `each` from one service, and none that closes a cycle.
fn forwards(nodes: u32, links: usize, each: usize) -> Vec<(usize, usize)> {
    let mut rng = Rng::seeded(7);
    let mut found = std::collections::BTreeSet::new();
    let mut outs = vec![0; nodes as usize];
    while found.len() < links {
        let (a, b) = (rng.below(nodes) as usize, rng.below(nodes) as usize);
        if a < b && outs[a] < each && found.insert((a, b)) {
            outs[a] += 1;
        }
    }
    found.into_iter().collect()
}

/// The same in every direction.
fn all_ways(nodes: u32, links: usize, each: usize) -> Vec<(usize, usize)> {
    let mut rng = Rng::seeded(7);
    let mut found = std::collections::BTreeSet::new();
    let mut outs = vec![0; nodes as usize];
    while found.len() < links {
        let (a, b) = (rng.below(nodes) as usize, rng.below(nodes) as usize);
        if a != b && outs[a] < each && found.insert((a, b)) {
            outs[a] += 1;
        }
    }
    found.into_iter().collect()
}

/// Run the program; returns how long it took, and the most memory it had, in bytes.
#[cfg(target_os = "linux")]
fn measured(args: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut run = tailboard(args).stdout(Stdio::null()).spawn().expect("the program runs");
    let mut most = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(peak.unwrap_or(0) * 1024);
        if let Some(status) = run.try_wait().expect("a process") {
            assert_eq!(status.code(), Some(0), "{args:?}");
            return (began.elapsed(), most);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Where there are many links they are drawn in simpler ways: in bounded time and memory. The bounds are several times what
/// it takes, because tests run beside others, and lightly optimised.
#[cfg(target_os = "linux")]
#[test]
fn dense_drawings_and_long_texts_are_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let every: Vec<(usize, usize)> = (0..30).flat_map(|i| (i + 1..30).map(move |j| (i, j))).collect();
    let long =
        graph(1, &[], 1.0).replace("links:", &format!("stickies: [(text: \"{}\")], links:", "x".repeat(100_000)));
    let words = "word ".repeat(20_000);
    let title =
        graph(1, &[], 1.0).replace("(version: 1,", &format!("(version: 1, title: \"{words}\", question: \"{words}\","));
    for (name, text, seconds) in [
        ("dense", graph(30, &every, 0.01), 20),
        // At most 2 s and 5 s where it is fully optimised.
        ("many", graph(300, &forwards(300, 2_000, 50), 0.01), 6),
        ("most", graph(300, &forwards(300, 14_000, 60), 0.001), 8),
        ("cyclic", graph(300, &all_ways(300, 17_000, 64), 0.000_5), 8),
        ("long", long, 15),
        ("title", title, 15),
    ] {
        fs::write(place(name), text).expect("room");
        let (took, memory) = measured(&["figure", &place(name), "--svg", &place("out.svg")]);
        println!("{name}: {took:?}, {} MB", memory / 1_000_000);
        assert!(took < Duration::from_secs(seconds), "{name}: {took:?}");
        assert!(memory < 500_000_000, "{name}: {memory} bytes");
    }
    // At most 1 s where it is fully optimised.
    fs::write(place("large"), graph(1_000, &all_ways(1_000, 20_000, 64), 0.025)).expect("room");
    let (took, _) = measured(&["check", &place("large")]);
    println!("check: {took:?}");
    assert!(took < Duration::from_secs(3), "check: {took:?}");
}

/// So many cards and links fill a picture: no line of cards that no screen shows.
#[test]
fn a_dense_drawing_has_the_shape_of_a_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(place("in.ron"), graph(300, &all_ways(300, 17_000, 64), 0.000_5)).expect("room");
    let output = output(&["figure", &place("in.ron"), "--svg", &place("out.svg")]);
    assert_eq!(output.status.code(), Some(0));
    let svg = fs::read_to_string(place("out.svg")).expect("a picture");
    let size = |name: &str| -> f64 {
        let rest = svg.split_once(&format!(" {name}=\"")).expect("a size").1;
        rest.split('"').next().and_then(|text| text.parse().ok()).expect("a number")
    };
    let (width, height) = (size("width"), size("height"));
    assert!(width < 6.0 * height && height < 2.0 * width, "{width} by {height}");
}

/// Cycles of many services are found, and those that end are told from those that do not, in the time of a blink.
#[test]
fn dense_cycles_are_checked() {
    let mut rng = Rng::seeded(1);
    let links: Vec<(usize, usize)> = (0..1_000)
        .flat_map(|i| (0..20).map(move |k| (i, k)))
        .map(|(i, k)| (i, (i + 1 + k * 49 + rng.below(49) as usize) % 1_000))
        .filter(|(from, to)| from != to)
        .collect();
    let codes = |text: &str| -> Vec<&'static str> {
        let read = tailboard::scenario::read_str(text);
        read.diagnostics.iter().map(|diagnostic| diagnostic.code).filter(|code| *code == "cycle").collect()
    };
    for (probability, told) in [(0.025, 0), (0.049, 0), (0.051, 1), (1.0, 1)] {
        let text = graph(1_000, &links, probability);
        let began = Instant::now();
        assert_eq!(codes(&text).len(), told, "{probability}");
        println!("{probability}: {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(15), "{probability}: {:?}", began.elapsed());
    }
    // A ring of calls, where a node loses a little: what comes back is less by that, however long the way.
    let ring = |last: &str| {
        let links: Vec<(usize, usize)> = (0..500).map(|i| (i, (i + 1) % 500)).collect();
        graph(500, &links, 1.0)
            .replace("to: \"s0000\", when: (probability: 1)", &format!("to: \"s0000\", when: (probability: {last})"))
    };
    assert_eq!((codes(&ring("0.999")).len(), codes(&ring("1")).len()), (0, 1));
}
