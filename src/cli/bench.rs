//! `bench`: how fast this machine simulates five fixed designs.

use super::{DEFAULT_SCENARIO, GOOD, WRONG_INPUT, print, say};
use crate::base::{Span, Time};
use crate::design::Design;
use crate::run::Run;
use crate::scenario;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::time::Duration;

/// Measure how fast this machine simulates: requests and events per second of the clock on the wall, with the full
/// statistics of a report.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tailboard bench --only url_shortener --seconds 5")]
pub struct Args {
    /// Measure each design for about so long.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only designs whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// A design to measure.
pub struct Subject {
    pub name: &'static str,
    /// Requests per second on one core that we want to reach.
    pub target: f64,
    pub text: String,
}

/// The five designs.
pub fn subjects() -> [Subject; 5] {
    let subject = |name, target, text: &str| Subject { name, target, text: text.to_owned() };
    [
        subject("single_station", 10e6, SINGLE_STATION),
        Subject { name: "eight_services", target: 4e6, text: network(8, "0ms") },
        Subject { name: "thousand_services", target: 1.5e6, text: network(1_000, "35ms") },
        subject("url_shortener", 2e6, DEFAULT_SCENARIO),
        subject("millions_of_requests", 1e6, include_str!("../../scenarios/millions_of_requests.ron")),
    ]
}

const SINGLE_STATION: &str = r#"(
    run: (length: "1h", warm_up: "1s"),
    nodes: {
        "source": (kind: client(rate: "800/s", keys: Uniform(keys: 1))),
        "station": (kind: service(replicas: 1, slots: 1, cores: 1, work: Exponential("1ms"), queue_limit: None)),
    },
    links: [(from: "source", to: "station")],
)"#;

/// Source, balancer, services of 4 slots, a cache with 80 % hits, a database of one slot for each service. The latency
/// keeps requests in flight.
fn network(services: u32, latency: &str) -> String {
    let rate = 1_400 * services;
    format!(
        r#"(
    run: (length: "1h", warm_up: "1s"),
    nodes: {{
        "source": (kind: client(rate: "{rate}/s", keys: Uniform(keys: 1000))),
        "balancer": (kind: load_balancer(balance: RoundRobin)),
        "service": (kind: service(replicas: {services}, slots: 4, cores: 4, work: Exponential("2ms"), queue_limit: None)),
        "cache": (kind: cache(policy: Lru, capacity: Entries(800))),
        "db": (kind: database(connections: {services}, read: Exponential("2.5ms"), queue_limit: None)),
    }},
    links: [
        (from: "source", to: "balancer", latency: Exponential("{latency}")),
        (from: "balancer", to: "service"),
        (from: "service", to: "cache"),
        (from: "cache", to: "db"),
    ],
)"#
    )
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub requests: u64,
    pub events: u64,
    pub took: Duration,
    /// Simulated.
    pub simulated: Span,
}

impl Measured {
    pub fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }
}

/// Run a design for about so long by the wall clock, after a start that is not measured.
///
/// # Errors
/// If the design is wrong.
pub fn measure(design: &Design, seconds: f64) -> Result<Measured, String> {
    let mut run =
        Run::new(design).map_err(|findings| findings.iter().map(|f| f.message.clone()).collect::<String>())?;
    // Slices of simulated time that take about a hundredth of a second each.
    let mut slice = Span::from_millis(1);
    let advance = |run: &mut Run, until: Time| {
        #[expect(clippy::disallowed_methods, reason = "a benchmark is about the clock on the wall")]
        let begun = std::time::Instant::now();
        run.advance(until);
        begun.elapsed()
    };
    let mut warm = Duration::ZERO;
    while warm.as_secs_f64() < seconds / 4.0 && run.now() < run.length() {
        let until = run.now() + slice;
        let took = advance(&mut run, until);
        warm += took;
        if took < Duration::from_millis(5) {
            slice = Span(slice.0 * 2);
        }
    }
    let (requests, events, from) = (run.requests(), run.events(), run.now());
    let mut took = Duration::ZERO;
    while took.as_secs_f64() < seconds && run.now() < run.length() {
        let until = run.now() + slice;
        took += advance(&mut run, until);
    }
    Ok(Measured {
        requests: run.requests() - requests,
        events: run.events() - events,
        took,
        simulated: run.now().since(from),
    })
}

/// A subject as a design, simulated without an end.
///
/// # Errors
/// If it cannot be read, which a test excludes.
pub fn design(subject: &Subject) -> Result<Design, String> {
    let scenario = scenario::read_str(&subject.text);
    let mut design = scenario.design.ok_or_else(|| format!("{}: {:?}", subject.name, scenario.diagnostics))?;
    design.run.length = Span::from_secs(100 * 86_400);
    Ok(design)
}

pub fn main(args: &Args) -> u8 {
    if !(0.01..=600.0).contains(&args.seconds) {
        say(&format!("error: `--seconds {}`: expected 0.01 to 600\n", args.seconds));
        return WRONG_INPUT;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["design", "requests/s", "events/s", "ns/event", "target", "times real time"]);
    for subject in subjects().iter().filter(|subject| subject.name.contains(&args.only)) {
        let measured = match design(subject).and_then(|design| measure(&design, args.seconds)) {
            Ok(measured) => measured,
            Err(problem) => {
                say(&format!("error: {problem}\n"));
                return WRONG_INPUT;
            }
        };
        let seconds = measured.took.as_secs_f64();
        table.add_row([
            subject.name.to_owned(),
            format!("{:.2} M", measured.requests_per_second() / 1e6),
            format!("{:.2} M", measured.events as f64 / seconds / 1e6),
            format!("{:.1}", seconds * 1e9 / measured.events as f64),
            format!("{:.1} M", subject.target / 1e6),
            format!("{:.1}", measured.simulated.as_secs() / seconds),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    print(&format!("{table}\n"), GOOD)
}
