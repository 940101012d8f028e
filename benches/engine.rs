//! How fast the engine is: the five designs of `tailboard bench`, and for four of them a hand-written loop in the same
//! run, so that their ratio means something on any machine.

mod yardstick;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tailboard::base::Time;
use tailboard::cli::bench::{design, subjects};
use tailboard::run::Run;

/// Requests of one measurement.
const REQUESTS: u64 = 200_000;

/// Simulated until so many requests were issued, from a state in which the first transient is over.
fn warm(text: &tailboard::cli::bench::Subject) -> Run {
    let mut run = Run::new(&design(text).expect("a design")).unwrap_or_else(|findings| panic!("{findings:?}"));
    let mut until = 1_000_000;
    while run.requests() < REQUESTS {
        until *= 2;
        run.advance(Time(until));
    }
    run
}

/// Go on for so many requests.
fn go_on(run: &mut Run) {
    let (from, begun) = (run.requests(), run.now());
    let slice = begun.0 / 64;
    while run.requests() < from + REQUESTS {
        let until = run.now() + tailboard::base::Span(slice.max(1));
        run.advance(until);
    }
}

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("requests");
    group.throughput(Throughput::Elements(REQUESTS)).sample_size(10);
    for subject in subjects() {
        let mut run = warm(&subject);
        group.bench_function(subject.name, |bencher| bencher.iter(|| go_on(&mut run)));
    }
    group.bench_function("single_station/by_hand", |b| b.iter(|| yardstick::single_station(REQUESTS)));
    group.bench_function("eight_services/by_hand", |b| b.iter(|| yardstick::network(8, 0.0, REQUESTS)));
    group.bench_function("thousand_services/by_hand", |b| {
        b.iter_batched(|| (), |()| yardstick::network(1_000, 35e6, 4 * REQUESTS), BatchSize::LargeInput);
    });
    group.bench_function("url_shortener/by_hand", |b| b.iter(|| yardstick::url_shortener(REQUESTS)));
    group.finish();
}

/// Side by side, turn by turn, so that both see the same machine.
fn ratios(_: &mut Criterion) {
    type Hand = fn(u64) -> u64;
    let by_hand: [(&str, Hand); 4] = [
        ("single_station", yardstick::single_station),
        ("eight_services", |n| yardstick::network(8, 0.0, n)),
        ("thousand_services", |n| yardstick::network(1_000, 35e6, n)),
        ("url_shortener", yardstick::url_shortener),
    ];
    for (subject, (name, hand)) in subjects().iter().zip(by_hand) {
        assert_eq!(subject.name, name);
        let mut run = warm(subject);
        let (mut engine, mut loops) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let (before, begun) = (run.requests(), now());
            (0..5).for_each(|_| go_on(&mut run));
            engine.push((run.requests() - before) as f64 / begun.elapsed().as_secs_f64());
            let begun = now();
            hand(5 * REQUESTS);
            loops.push((5 * REQUESTS) as f64 / begun.elapsed().as_secs_f64());
        }
        let best = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
        let (engine, loops) = (best(&engine), best(&loops));
        println!(
            "{name}: engine {:.2} M requests/s, by hand {:.2} M requests/s, ratio {:.2} (at least 0.5)",
            engine / 1e6,
            loops / 1e6,
            engine / loops
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is about the clock on the wall")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

criterion_group!(benches, engine, ratios);
criterion_main!(benches);
