//! Random designs are held against laws. `TAILBOARD_SEED=7` repeats the design of that seed, `DESIGNS=5000` chooses how many are
//! tried. What fails is made as small as it can be and written as a scenario.

mod found;
mod generate;
mod held;
mod instants;
mod shrink;
mod values;

use held::{LAWS, Verdict};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;
use tailboard::design::{Design, Node};
use tailboard::kinds::{KINDS, Param, Spec, Value};
use tailboard::run::Run;
use tailboard::scenario;

/// Failures of different sorts that are collected before the rest is left untried.
const MOST_FAILURES: usize = 12;
/// Seconds after which a design is taken to hang.
const PATIENCE: u32 = 120;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

thread_local! {
    /// A panic is caught and told of by its law.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A verdict, also where there is a panic.
fn judged(judge: impl FnOnce() -> Verdict) -> Verdict {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let verdict = catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panics: {}", text.unwrap_or("?")))
    });
    QUIET.set(false);
    verdict
}

/// Ends the program, with the seed, when a design takes far too long: a loop that no event ends cannot be left otherwise.
fn watch(at: &Arc<AtomicU64>) {
    let at = Arc::downgrade(at);
    std::thread::spawn(move || {
        let (mut last, mut ticks) = (u64::MAX, 0);
        while let Some(now) = at.upgrade().map(|at| at.load(Ordering::Relaxed)) {
            ticks = if now == last { ticks + 1 } else { 0 };
            last = now;
            if ticks > PATIENCE {
                // Not by a macro, whose output would be held back.
                let law = LAWS.get((now & 0xFF) as usize).map_or("none: it is being made", |(name, _)| name);
                let _ = writeln!(std::io::stderr(), "TAILBOARD_SEED={} hangs in law: {law}", now >> 8);
                std::process::exit(101);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
}

/// What is wrong, without its numbers: failures of one sort are told once.
fn sort_of(said: &str) -> String {
    said.chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

/// Hold the designs of these seeds against every law.
fn hold(seeds: impl Iterator<Item = u64>) {
    let at = Arc::new(AtomicU64::new(0));
    watch(&at);
    let mut failures: BTreeMap<(&str, String), (u64, String)> = BTreeMap::new();
    let (mut tried, mut refused) = (0, 0);
    for seed in seeds {
        at.store(seed << 8 | 0xFF, Ordering::Relaxed);
        let mut made = None;
        let verdict = judged(|| {
            made = Some(generate::design(seed));
            Ok(())
        });
        let Some(made) = made else {
            failures.insert(("a design can be made", String::new()), (seed, format!("{verdict:?}")));
            continue;
        };
        (tried, refused) = (tried + 1, refused + made.refused.len());
        for (design, _) in &made.refused {
            if let Err(said) = judged(|| held::findings_name_their_places(design)) {
                let text = scenario::write_str(design).unwrap_or_default();
                failures
                    .entry(("what is refused is told with its place", sort_of(&said)))
                    .or_insert((seed, said + "\n" + &text));
            }
        }
        for (number, (name, law)) in LAWS.iter().enumerate() {
            at.store(seed << 8 | number as u64, Ordering::Relaxed);
            let Err(said) = judged(|| law(&made.design)) else { continue };
            let sort = (*name, sort_of(&said));
            if let Entry::Vacant(failure) = failures.entry(sort.clone()) {
                let small = shrink::smallest(&made.design, |design| {
                    judged(|| law(design)).is_err_and(|other| sort_of(&other) == sort.1)
                });
                let said = judged(|| law(&small)).err().unwrap_or(said);
                failure.insert((seed, said + "\n" + &scenario::write_str(&small).unwrap_or_default()));
            }
        }
        if failures.len() >= MOST_FAILURES {
            break;
        }
    }
    println!("{tried} designs, {refused} others refused");
    let told: Vec<String> =
        failures.iter().map(|((law, _), (seed, said))| format!("TAILBOARD_SEED={seed}: {law}: {said}")).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn seeds(count: u64) -> Box<dyn Iterator<Item = u64>> {
    match from_environment("TAILBOARD_SEED") {
        Some(seed) => Box::new(seed..seed + from_environment("DESIGNS").unwrap_or(1)),
        None => Box::new(0..from_environment("DESIGNS").unwrap_or(count)),
    }
}

#[test]
fn two_hundred_designs_obey_the_laws() {
    hold(seeds(200));
}

#[test]
#[ignore = "takes a quarter of an hour: for a change of the engine"]
fn ten_thousand_designs_obey_the_laws() {
    hold(seeds(10_000));
}

/// Also what no design that is drawn at random would have.
#[test]
fn what_is_beyond_a_range_is_refused() {
    for meta in KINDS {
        let mut spec = Spec::new(meta.key).expect("in the catalogue");
        let mut params: Vec<(Param, String)> = Vec::new();
        spec.visit(&mut |param: &Param, value: &mut dyn Value| params.push((*param, value.text())));
        for (param, _) in params {
            let Some((min, max)) = param.range else { continue };
            for beyond in [min - 1.0, max * 1.001 + 1.0, -max, f64::NAN, f64::INFINITY] {
                let mut design = Design::default();
                let mut changed = spec.clone();
                let mut set = false;
                changed.visit(&mut |other: &Param, value: &mut dyn Value| {
                    if other.name == param.name {
                        let before = value.text();
                        values::set_number(value, beyond);
                        set = value.text() != before;
                    }
                });
                let node = Node { kind: changed, at: None, label: String::new() };
                design.nodes.insert("node".to_owned(), node);
                assert!(!set || Run::new(&design).is_err(), "{}.{} = {beyond}", meta.key, param.name);
            }
        }
    }
}
