//! Inputs from public reports of people who run such systems (`tests/fixtures/cases`, each with its source and what must
//! come out in its head), and inputs that once brought out a fault (`tests/fixtures/faults`). One file for each area; a test
//! compares their lists with the folders, so that no fixture lies unused.

mod files;
mod live;
mod pace;
mod picking;
mod queues;
mod silence;
mod statistics;

use std::path::PathBuf;
use tailboard::design::Design;
use tailboard::metrics::Report;
use tailboard::run::Run;
use tailboard::scenario;

/// Cases that need a feature which is not there yet, each with that feature.
const WAITING: &[(&str, &str)] = &[
    ("cases/budget_floor.ron", "a retry budget with a least number of retries"),
    ("cases/hung_replica.ron", "health checks that wait in the line of the replica and time out"),
    ("cases/killed_in_mid_work.ron", "a bound on how long a replica that is taken away may finish"),
    ("cases/long_lived_connections.ron", "balancing by connection"),
    ("cases/stale_while_revalidate.ron", "stale-while-revalidate of a cache"),
];

/// What the tests of each area use.
const HELD: &[&[&str]] = &[
    files::FIXTURES,
    live::FIXTURES,
    pace::FIXTURES,
    picking::FIXTURES,
    queues::FIXTURES,
    silence::FIXTURES,
    statistics::FIXTURES,
];

#[test]
fn every_fixture_is_held_by_a_test_or_waits_for_a_feature() {
    let listed = HELD.iter().copied().flatten().copied().chain(WAITING.iter().map(|(name, _)| *name));
    let mut listed: Vec<String> = listed.map(str::to_owned).collect();
    listed.sort();
    let mut present = Vec::new();
    for folder in ["cases", "cases/foreign", "faults"] {
        for entry in std::fs::read_dir(path(folder)).expect("a folder") {
            let entry = entry.expect("readable");
            if entry.file_type().expect("a type").is_file() {
                present.push(format!("{folder}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    present.sort();
    assert_eq!(listed, present);
}

/// The path of a fixture such as `cases/next_upstream.ron`.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The text of a fixture.
pub fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The design of a fixture.
pub fn design(name: &str) -> Design {
    let text = text(name);
    let read = scenario::read_str(&text);
    let drawn = read.drawn(name, &text, false);
    read.design.unwrap_or_else(|| panic!("{drawn}"))
}

/// What a fixture's run comes to.
pub fn report(name: &str) -> Report {
    Run::new(&design(name)).unwrap_or_else(|findings| panic!("{name}: {findings:?}")).finish()
}

/// What `check` says of a fixture.
pub fn said(name: &str) -> String {
    let text = text(name);
    scenario::read_str(&text).drawn(name, &text, false)
}
