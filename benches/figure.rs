//! How long a picture of sixty nodes with plots takes: under 300 ms to SVG, and under a second to PNG at twice the size,
//! on one core.

use criterion::{Criterion, criterion_group, criterion_main};
use std::fmt::Write as _;
use tailboard::base::ron;
use tailboard::design::Design;
use tailboard::figure::{self, Look, Shown};
use tailboard::run::{Basis, Run, frame};

/// A client, a balancer, eight gateways, thirty services and twenty stores; a hundred links.
fn sixty_nodes() -> Design {
    let mut nodes = "\"users\": (kind: client(rate: \"2k/s\")), \"edge\": (kind: load_balancer()),".to_owned();
    let mut links = "(from: \"users\", to: \"edge\", latency: \"10ms\"),".to_owned();
    for i in 0..8 {
        let _ = write!(nodes, "\"gateway_{i}\": (kind: service(replicas: 3)),");
        let _ = write!(links, "(from: \"edge\", to: \"gateway_{i}\"),");
    }
    for i in 0..30 {
        let _ = write!(nodes, "\"service_{i:02}\": (kind: service(slots: 8)),");
        for gateway in [i % 8, (i * 5 + 3) % 8] {
            let _ = write!(
                links,
                "(name: \"{gateway}_{i}\", from: \"gateway_{gateway}\", to: \"service_{i:02}\", timeout: \"200ms\"),"
            );
        }
    }
    for i in 0..20 {
        let kind = ["database()", "cache()", "sharded_store()"][i % 3];
        let _ = write!(nodes, "\"store_{i:02}\": (kind: {kind}),");
        for service in [i, (i * 7 + 11) % 30] {
            let _ = write!(
                links,
                "(name: \"{service}_{i}_{kind}\", from: \"service_{service:02}\", to: \"store_{i:02}\"),"
            );
        }
    }
    let text = format!("(title: \"Sixty nodes\", run: (length: \"10s\"), nodes: {{{nodes}}}, links: [{links}])");
    ron::read::<Design>(&text).into_result().unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn pictures(criterion: &mut Criterion) {
    let design = sixty_nodes();
    let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
    run.approach(run.length(), Run::advance);
    let report = run.report();
    let frame = frame(&mut run, &design, Basis::Report(&report));
    let series = run.recorder().series();
    let shown = Shown { design: &design, frame: &frame, report: &report, series, asked: &[], verdicts: None };
    let mut group = criterion.benchmark_group("sixty_nodes");
    group.sample_size(10);
    group.bench_function("svg", |bencher| {
        bencher.iter(|| figure::svg(&figure::scene(&shown, &Look::default()), "", None));
    });
    group.bench_function("png_at_twice_the_size", |bencher| {
        bencher.iter(|| figure::png(&figure::scene(&shown, &Look::default()), "", None, 2.0));
    });
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
