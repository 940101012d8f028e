//! A program that is killed in the middle of its work loses two seconds of it at most, and damages no file.

#![expect(clippy::disallowed_methods, reason = "it is about the wall clock")]

use super::files::Files;
use super::headless::Headless;
use crate::base::{Rng, Severity, hash};
use crate::design::Design;
use crate::scenario;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the test below that it is the program to be killed, and where its files are.
const FOLDER: &str = "TAILBOARD_TEST_FOLDER";
const LOST: Duration = Duration::from_secs(2);

fn digest(design: &Design) -> u64 {
    hash::name(&scenario::write_str(design).expect("a design that can be written"))
}

fn button(pos: Pos2, pressed: bool) -> Event {
    Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE }
}

fn key(key: Key, modifiers: Modifiers) -> Vec<Event> {
    let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
    vec![event(true), event(false)]
}

/// The program: cards are dragged about for seconds, inserted, deleted, saved and undone, and what is on the board is told
/// whenever it is another.
#[test]
#[ignore = "killed by the test below"]
fn the_program() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let design = scenario::read_str(include_str!("../../scenarios/kinds/cache.ron")).drawing.expect("a design");
    let files = Files::new(Some(folder.join("design.ron")), None, Some(&folder.join("state")));
    let mut window = Headless::with_files(design, files, vec2(1440.0, 900.0));
    let mut rng = Rng::seeded(u64::from(std::process::id()));
    let mut told = 0;
    let mut last = Instant::now();
    let mut frame = |window: &mut Headless, events: Vec<Event>| {
        std::thread::sleep(Duration::from_millis(16));
        // By the clock of those who lose their work, however slow the machine is.
        let passed = last.elapsed();
        last += passed;
        window.frame(passed.as_secs_f64(), events);
        let now = digest(window.app.editor.shown());
        if now != told {
            told = now;
            // Its reader is there until this is killed.
            writeln!(std::io::stdout(), "edit {now}").expect("a reader");
        }
    };
    // It begins with a drag, so that there is work to lose however little it gets done.
    let mut choice = 0;
    loop {
        match std::mem::replace(&mut choice, rng.below(6)) {
            0..3 => {
                let names: Vec<String> = window.app.editor.design().nodes.keys().cloned().collect();
                let card = window.app.targets.card(&names[rng.below(names.len() as u32) as usize]).expect("a card");
                let from = window.app.view.to_screen((card.center().x, card.center().y));
                let mut at = from;
                frame(&mut window, vec![Event::PointerMoved(at)]);
                frame(&mut window, vec![button(at, true)]);
                // Longer than what may be lost, as somebody does who tries where a card looks best.
                for _ in 0..100 + rng.below(300) {
                    at = from + vec2(rng.below(200) as f32 - 100.0, rng.below(200) as f32 - 100.0);
                    frame(&mut window, vec![Event::PointerMoved(at)]);
                }
                frame(&mut window, vec![button(at, false)]);
            }
            3 => {
                window
                    .app
                    .editor
                    .insert("service", (rng.below(900) as f32, rng.below(500) as f32), None)
                    .expect("a kind");
                frame(&mut window, Vec::new());
            }
            4 => frame(&mut window, key(Key::S, Modifiers::COMMAND)),
            _ => frame(&mut window, key(Key::Z, Modifiers::COMMAND)),
        }
        for _ in 0..rng.below(30) {
            frame(&mut window, Vec::new());
        }
    }
}

/// Kill it after a while, and look at what is left.
fn killed_after(life: Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "whiteboard::crash::the_program", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a program");
    let lines = BufReader::new(program.stdout.take().expect("its output")).lines();
    let reader = std::thread::spawn(move || {
        let edit = |line: std::io::Result<String>| {
            let digest = line.ok()?.strip_prefix("edit ")?.parse::<u64>().ok()?;
            Some((Instant::now(), digest))
        };
        lines.filter_map(edit).collect::<Vec<_>>()
    });
    std::thread::sleep(life);
    let killed = Instant::now();
    program.kill().expect("it was there");
    program.wait().expect("it is gone");
    let edits = reader.join().expect("what it told");
    assert!(edits.len() > 20, "it did next to nothing: {} edits in {life:?}", edits.len());
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        let scenario = scenario::read_str(&text);
        // A card that nothing calls yet is no damage.
        let damage: Vec<_> = scenario.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(damage.is_empty(), "{} is damaged: {damage:?}", path.display());
        Some(digest(&scenario.drawing.expect("a design")))
    };
    let saved = read(&folder.path().join("design.ron"));
    let left = Files::new(None, None, Some(&folder.path().join("state"))).left_over();
    // Where all was in the file, there is no journal.
    let kept = left.as_ref().map(digest).or(saved).unwrap_or(edits[0].1);
    let last = edits.iter().rposition(|(_, digest)| *digest == kept).expect("what is kept was once on the board");
    if let Some((first_lost, _)) = edits.get(last + 1) {
        let lost = killed.saturating_duration_since(*first_lost);
        assert!(lost <= LOST, "{lost:?} of work was lost after {life:?}");
    }
}

#[test]
fn a_kill_loses_two_seconds_at_most() {
    let mut rng = Rng::seeded(4);
    let lives: Vec<Duration> = (0..10).map(|_| Duration::from_millis(2_500 + u64::from(rng.below(5_000)))).collect();
    println!("{lives:?}");
    // A few at a time, so that each has a processor to itself.
    for pair in lives.chunks(2) {
        std::thread::scope(|scope| pair.iter().for_each(|life| drop(scope.spawn(|| killed_after(*life)))));
    }
}

/// The program on a system that has no thread for it: what it shows is told.
#[test]
#[ignore = "started by the test below"]
fn the_program_without_threads() {
    if std::env::var_os("RUST_MIN_STACK").is_none() {
        return;
    }
    let design = scenario::read_str(include_str!("../../scenarios/kinds/cache.ron")).drawing.expect("a design");
    let mut window = Headless::new(design, vec2(1440.0, 900.0));
    window.app.say("done", 0.0);
    window.frame(0.1, key(Key::S, Modifiers::COMMAND));
    window.frame(0.1, Vec::new());
    println!("shown: {}", window.app.unstarted.clone().unwrap_or_default());
}

#[test]
fn a_window_whose_thread_cannot_be_made_says_so() {
    let program = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "whiteboard::crash::the_program_without_threads", "--ignored", "--nocapture"])
        // More than there are addresses.
        .env("RUST_MIN_STACK", (1u64 << 48).to_string())
        .output()
        .expect("a program");
    let said = String::from_utf8_lossy(&program.stdout).into_owned();
    assert!(said.contains("shown: the system has no thread for the run"), "{said}");
    assert!(program.status.success(), "{said}");
}
