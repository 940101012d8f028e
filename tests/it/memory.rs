//! Memory grows with calls in flight and keys held, never with requests simulated; and a recording has a bound.

use std::fmt::Write as _;
use std::process::Command;
use tailboard::base::{Time, ron};
use tailboard::design::Design;
use tailboard::run::Run;

/// The program, with so many megabytes of memory, and so many seconds of the processor where they are limited.
pub fn limited(megabytes: u32, seconds: Option<u32>, args: &[&str]) -> Command {
    // With the window in it, the program itself takes more addresses than that: its data is limited then.
    let space = if cfg!(feature = "whiteboard") { "-d" } else { "-v" };
    let time = seconds.map_or(String::new(), |seconds| format!("ulimit -t {seconds} && "));
    let command = match cfg!(target_os = "linux") {
        true => format!("ulimit {space} {megabytes}000 && {time}exec \"$@\""),
        false => "exec \"$@\"".to_owned(),
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", &command, "sh", env!("CARGO_BIN_EXE_tailboard")]).args(args);
    shell
}

/// 36 million requests, with keys of a million.
#[test]
fn an_hour_at_ten_thousand_requests_per_second_stays_below_200_mb() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hour.ron");
    let text = "(title: \"hour\", run: (length: \"1h\"), nodes: {
            \"source\": (kind: client(rate: \"10k/s\", keys: Zipf(keys: 1_000_000, exponent: 1.0))),
            \"balancer\": (kind: load_balancer(balance: RoundRobin)),
            \"service\": (kind: service(replicas: 8, slots: 4, cores: 4, work: Exponential(\"2ms\"))),
            \"cache\": (kind: cache(policy: Lru, capacity: Entries(100_000))),
            \"db\": (kind: database(connections: 16, read: Exponential(\"2.5ms\"))),
        }, links: [
            (from: \"source\", to: \"balancer\"), (from: \"balancer\", to: \"service\"),
            (from: \"service\", to: \"cache\", timeout: \"500ms\"), (from: \"cache\", to: \"db\"),
        ])";
    std::fs::write(&path, text).expect("room");
    let output =
        limited(200, None, &["run", "--json", "-", &path.to_string_lossy()]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{:?}\n{said}", output.status);
}

/// A row of services behind a client, and further links ahead.
fn row(services: usize, links: usize, length: u64) -> Design {
    let mut text =
        format!("(title: \"row\", run: (length: \"{length}s\"), nodes: {{ \"c\": (kind: client(rate: \"200/s\")),");
    (0..services).for_each(|i| _ = write!(text, "\"s{i}\": (kind: service(slots: 64, work: Exponential(\"100us\"))),"));
    text += "}, links: [(from: \"c\", to: \"s0\"),";
    let pairs = (1..).flat_map(|ahead| (0..services.saturating_sub(ahead)).map(move |i| (i, i + ahead)));
    for (i, j) in pairs.take(links - 1) {
        let _ = write!(text, "(from: \"s{i}\", to: \"s{j}\", latency: \"1ms\", when: (probability: 0.9)),");
    }
    text += "])";
    ron::read::<Design>(&text).into_result().unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A hundred thousand rows of windows, and the histograms of 32 segments, however long the run and however large the design.
#[test]
fn a_recording_has_a_bound() {
    let megabytes = |services: usize, links: usize, length: u64| {
        let mut run = Run::new(&row(services, links, length)).expect("a sound design");
        run.advance(Time::NEVER);
        let (windows, segments) = run.recorder().series().bytes();
        (windows as f64 / 1e6, segments as f64 / 1e6)
    };
    let (short, long, large) = (megabytes(10, 12, 60), megabytes(10, 12, 1_200), megabytes(499, 1_000, 60));
    for (windows, segments) in [short, long, large] {
        assert!(windows < 32.0 && segments < 64.0, "{short:?}, {long:?}, {large:?} MB");
    }
    // Twenty times the requests only fill histograms.
    assert!(long.0 < 1.25 * short.0, "{short:?}, {long:?} MB");
    assert!(large.0 > 2.0 * short.0 && large.1 > short.1, "{short:?}, {large:?} MB: it is measured");
}
