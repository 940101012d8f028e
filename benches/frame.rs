//! What a frame of the whiteboard costs the processor, without presenting it: ten nodes with four thousand calls on the
//! way under 2 ms, five hundred nodes with a thousand links and as many calls under 8 ms; and a thousand and a million
//! requests per second the same within 20 %. With `--minutes 30` it plays for so long instead, and tells the memory that
//! takes.

#![expect(clippy::disallowed_methods, reason = "it is about the wall clock")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tailboard::base::ron;
use tailboard::design::Design;
use tailboard::whiteboard::headless::{Cost, Headless};

fn design(text: &str) -> Design {
    ron::read::<Design>(text).into_result().unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Clients, and rows of services behind a balancer: so many nodes and links in all, with this rate and with links that take
/// so long.
fn nodes(count: usize, links: usize, rate: &str, latency: &str) -> Design {
    let mut nodes = format!("\"users\": (kind: client(rate: \"{rate}\"), at: (0, 0)),");
    let _ = write!(nodes, "\"edge\": (kind: load_balancer(), at: (260, 0)),");
    let mut wires = format!("(from: \"users\", to: \"edge\", latency: \"{latency}\"),");
    let columns = if count > 100 { 24 } else { 4 };
    let place = |i: usize| (520 + 260 * (i % columns), 120 * (i / columns));
    for i in 0..count - 2 {
        let (x, y) = place(i);
        let _ = write!(
            nodes,
            "\"service_{i:03}\": (kind: service(slots: 4000, cores: 64, work: \"10us\"), at: ({x}, {y})),"
        );
    }
    let _ = write!(wires, "(from: \"edge\", to: \"service_000\", latency: \"{latency}\"),");
    let mut made = 2;
    // From each to the next, then further ahead: no cycles.
    'all: for ahead in 1.. {
        for i in 0..count - 2 - ahead {
            if made == links {
                break 'all;
            }
            let rare = if ahead > 1 || i > 8 { ", when: (probability: 0.3)" } else { "" };
            let _ = write!(
                wires,
                "(name: \"l{made}\", from: \"service_{i:03}\", to: \"service_{:03}\", latency: \"{latency}\"{rare}),",
                i + ahead
            );
            made += 1;
        }
    }
    design(&format!("(title: \"bench\", run: (length: \"1h\"), nodes: {{{nodes}}}, links: [{wires}])"))
}

/// Four services that each call four others, far away, over three links each: so long, and so slow, that about four
/// thousand calls are on their way at once, and nearly each of them is a dot.
fn long_ways() -> Design {
    let mut nodes = String::from("\"users\": (kind: client(rate: \"135/s\"), at: (-600, 300)),");
    nodes += "\"edge\": (kind: load_balancer(), at: (-300, 300)),";
    let mut wires = String::from("(from: \"users\", to: \"edge\"),");
    for i in 0..4 {
        let kind = "service(slots: 4000, work: \"10us\")";
        let _ = write!(nodes, "\"near_{i}\": (kind: {kind}, at: (0, {})),", 200 * i);
        let _ = write!(nodes, "\"far_{i}\": (kind: {kind}, at: (1600, {})),", 200 * i);
        let _ = write!(wires, "(from: \"edge\", to: \"near_{i}\"),");
        for (j, k) in (0..4).flat_map(|j| (0..3).map(move |k| (j, k))) {
            let name = format!("{i}{j}{k}");
            let _ = write!(wires, "(name: \"{name}\", from: \"near_{i}\", to: \"far_{j}\", latency: \"1s\"),");
        }
    }
    design(&format!("(title: \"bench\", run: (length: \"1h\"), nodes: {{{nodes}}}, links: [{wires}])"))
}

/// The median time of a frame at the speed, once the run has filled; at a zoom, if not all of it is to be seen.
fn measure(name: &str, design: Design, speed: f64, zoom: Option<f32>) -> Duration {
    let mut window = Headless::new(design, egui::vec2(1440.0, 900.0));
    window.set_speed(speed);
    if let Some(zoom) = zoom {
        window.set_zoom(zoom);
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        window.frame(1.0 / 60.0, Vec::new());
    }
    let mut times = Vec::new();
    let mut last = Cost::default();
    for _ in 0..240 {
        let begin = Instant::now();
        last = window.frame(1.0 / 60.0, Vec::new());
        times.push(begin.elapsed());
        // The run goes on in its own thread meanwhile.
        std::thread::sleep(Duration::from_millis(4));
    }
    times.sort();
    let (median, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!(
        "{name:<44} median {:>6.2} ms, 95 % below {:>6.2} ms ({} dots, {} vertices, {:.1} s simulated)",
        median.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
        last.dots,
        last.vertices,
        window.simulated()
    );
    median
}

/// Memory that is held now, in MiB; none where the system does not tell it so.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Play for so many minutes, and tell once a minute how much memory that takes.
fn play(minutes: u64) {
    let mut window = Headless::new(nodes(10, 12, "4k/s", "20ms"), egui::vec2(1440.0, 900.0));
    window.set_speed(1.0);
    let began = Instant::now();
    for minute in 1..=minutes {
        while began.elapsed() < Duration::from_secs(60 * minute) {
            window.frame(1.0 / 60.0, Vec::new());
            std::thread::sleep(Duration::from_millis(15));
        }
        let memory = memory().map_or("unknown".to_owned(), |mib| format!("{mib:.1} MiB"));
        let (windows, segments) = window.recorded();
        // The run has one, the window another, and a third is kept to be brought up to date; segments are shared.
        let recorded = (3 * windows + segments) as f64 / (1 << 20) as f64;
        println!(
            "{minute:>3} min: {:.0} s simulated, {memory}, of which recordings {recorded:.1} MiB",
            window.simulated()
        );
    }
}

fn main() {
    let minutes = std::env::args().skip_while(|argument| argument != "--minutes").nth(1);
    if let Some(minutes) = minutes.and_then(|minutes| minutes.parse().ok()) {
        return play(minutes);
    }
    measure("10 nodes, 12 links, 4,000 calls", nodes(10, 12, "4k/s", "200ms"), 1.0, None);
    measure("10 nodes, 48 long links, 4,000 calls", long_ways(), 1.0, None);
    let many = || nodes(500, 1_000, "2k/s", "200ms");
    measure("500 nodes, 1,000 links, 4,000 calls", many(), 1.0, None);
    measure("the same so near that there are dots", many(), 1.0, Some(0.26));
    let few = measure("10 nodes, 1,000 requests per second", nodes(10, 12, "1k/s", "1ms"), 1.0, None);
    let many = measure("10 nodes, 1,000,000 requests per second", nodes(10, 12, "1M/s", "1ms"), 1.0, None);
    println!("a million requests against a thousand: {:.2} times", many.as_secs_f64() / few.as_secs_f64());
}
