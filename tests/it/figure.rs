//! Pictures, judged by their primitives: nothing lies on anything else, and nothing leaves its place.

use crate::scenarios::{files, load};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use tailboard::base::{Rng, Time, ron};
use tailboard::design::Design;
use tailboard::engine::{Leg, Stage};
use tailboard::figure::scene::{Item, Owner, Rect, Scene, Shape};
use tailboard::figure::{self, Background, Detail, Lens, Look, Parts, Shown, ThemeName};
use tailboard::metrics::{Frame, NodeFrame, Report, Series};
use tailboard::run::{Basis, Run, Verdict, frame, judge};

/// A run that is over, with its state at an instant or, without one, on average.
pub struct Finished {
    pub design: Design,
    pub frame: Frame,
    pub report: Report,
    pub series: Series,
    pub verdicts: Vec<Verdict>,
}

impl Finished {
    pub fn new(design: Design, at: Option<Time>) -> Finished {
        let mut run = Run::new(&design).unwrap_or_else(|findings| panic!("{findings:?}"));
        let instant = at.map(|at| {
            run.approach(at, Run::advance);
            frame(&mut run, &design, Basis::Recent)
        });
        run.approach(run.length(), Run::advance);
        let report = run.report();
        let frame = instant.unwrap_or_else(|| frame(&mut run, &design, Basis::Report(&report)));
        let verdicts = judge(&design, run.recorder());
        Finished { frame, report, series: run.recorder().series().clone(), verdicts, design }
    }

    pub fn shown(&self) -> Shown<'_> {
        Shown {
            design: &self.design,
            frame: &self.frame,
            report: &self.report,
            series: &self.series,
            asked: &[],
            verdicts: Some((self.verdicts.iter().filter(|verdict| verdict.holds).count(), self.verdicts.len())),
        }
    }

    fn scene(&self, look: &Look) -> Scene {
        figure::scene(&self.shown(), look)
    }
}

/// When the picture of a scenario is taken: where something is done to it, a sixteenth of the run after that, so that
/// all figures are from the time since.
pub fn instant(design: &Design) -> Option<Time> {
    let first = design.timeline.iter().map(|intervention| intervention.at).min()?;
    Some(Time(first.0 + design.run.length.0 / 16))
}

/// Every scenario, run once for all tests.
pub fn scenarios() -> &'static [(String, Finished)] {
    static ALL: OnceLock<Vec<(String, Finished)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let finished = |(name, path): (String, std::path::PathBuf)| {
            let design = load(&path);
            let at = instant(&design);
            (name, Finished::new(design, at))
        };
        files(&folder).into_iter().map(finished).collect()
    })
}

fn design(text: &str) -> Design {
    ron::read::<Design>(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

/// A design of services with that many nodes, some of them where a careless hand put them.
fn random(seed: u64) -> Design {
    let mut rng = Rng::seeded(seed);
    let n = 2 + rng.below(24);
    let (mut nodes, mut links) = (String::new(), String::new());
    let placed = rng.below(3);
    for i in 1..n {
        let kind = ["service(replicas: 3)", "cache()", "database()", "load_balancer()", "sharded_store()"];
        // What cannot call others is not called upon to.
        let kind = if i < n / 2 { kind[[0, 3][rng.below(2) as usize]] } else { kind[[0, 2, 4][rng.below(3) as usize]] };
        let at = match placed {
            0 => String::new(),
            1 if rng.below(2) == 0 => String::new(),
            _ => format!(", at: ({}, {})", rng.below(1_200), rng.below(700)),
        };
        let name =
            if rng.below(8) == 0 { format!("a_name_of_forty_characters_for_a_node_{i:02}") } else { format!("n{i}") };
        let _ = write!(nodes, "\"{name}\": (kind: {kind}{at}),");
    }
    let names: Vec<&str> = nodes.split('"').skip(1).step_by(2).collect();
    for i in 0..names.len() {
        let callers = (i as u32).min(n / 2 - 1);
        let from = if callers == 0 { "users" } else { names[rng.below(callers) as usize] };
        let probability = if i % 3 == 0 { ", when: (probability: 0.5)" } else { "" };
        let _ = write!(links, "(from: \"{from}\", to: \"{}\", step: {}{probability}),", names[i], 1 + rng.below(2));
    }
    let around =
        names[..names.len().div_ceil(3)].iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    let extras = format!(
        "frames: [(title: \"A zone of {seed}\", nodes: [{around}])], stickies: [(text: \"Free\"), (text: \"What is written on the board, in several lines\", at: (300, 100))]"
    );
    let text = format!(
        "(title: \"{seed}\", run: (length: \"300ms\", warm_up: \"0s\"), nodes: {{\"users\": (kind: client(rate: \"500/s\")), {nodes}}}, links: [{links}], {extras})"
    );
    design(&text)
}

fn texts<'a>(scene: &'a Scene) -> Vec<(&'a Item, &'a str)> {
    let text = |item: &'a Item| match &item.shape {
        Shape::Text(label) => Some((item, label.text.as_str())),
        _ => None,
    };
    scene.items.iter().filter_map(text).collect()
}

fn all_of<'a>(scene: &'a Scene, slot: &str) -> Vec<(&'a Owner, Rect)> {
    scene.items.iter().filter(|item| item.slot == slot).map(|item| (&item.owner, item.bounds())).collect()
}

/// No card, label, queue or text lies on another; every text is in its card, and everything on the page.
fn assert_tidy(scene: &Scene, what: &str) {
    let mut cards = all_of(scene, "card");
    cards.extend(all_of(scene, "note"));
    let labels = all_of(scene, "label-ground");
    for (i, (a, one)) in cards.iter().enumerate() {
        for (b, other) in &cards[..i] {
            assert!(!one.grown(3.0).overlaps(other), "{what}: {a:?} on {b:?}");
        }
    }
    let steps = all_of(scene, "step");
    let queues = all_of(scene, "queue");
    for (i, (a, one)) in labels.iter().enumerate() {
        for (b, other) in labels[..i].iter().chain(&cards).chain(&steps).chain(&queues) {
            assert!(!one.overlaps(other), "{what}: the label of {a:?} on {b:?}");
        }
    }
    let texts = texts(scene);
    for (i, (item, words)) in texts.iter().enumerate() {
        for (other, others) in &texts[..i] {
            assert!(!item.bounds().overlaps(&other.bounds()), "{what}: `{words}` on `{others}`");
        }
        let outside = ["queue-length", "badge-text"];
        if matches!(item.owner, Owner::Node(_)) && !outside.contains(&item.slot) {
            let card = cards.iter().find(|(owner, _)| **owner == item.owner).expect("a card");
            assert!(card.1.grown(-4.0).contains(&item.bounds()), "{what}: `{words}` leaves {:?}", item.owner);
        }
    }
    let page = Rect::new(0.0, 0.0, scene.width, scene.height).grown(-4.0);
    for item in &scene.items {
        assert!(page.contains(&item.bounds()), "{what}: {item:?} leaves the page");
    }
}

#[test]
fn nothing_overlaps_in_any_scenario() {
    for (name, finished) in scenarios() {
        for lens in [Lens::Load, Lens::Latency, Lens::Errors, Lens::Queue, Lens::None] {
            assert_tidy(&finished.scene(&Look { lens, ..Look::default() }), name);
        }
    }
}

#[test]
fn nothing_overlaps_in_random_designs() {
    for seed in 0..200 {
        let finished = Finished::new(random(seed), None);
        assert_tidy(&finished.scene(&Look::default()), &format!("seed {seed}"));
        let detail = Detail::ALL[seed as usize % Detail::ALL.len()];
        assert_tidy(&finished.scene(&Look { detail, ..Look::default() }), &format!("seed {seed}, {detail:?}"));
    }
}

/// The nearer one is the more is told, and nothing moves when one zooms.
#[test]
fn details_come_and_go_in_place() {
    for (name, finished) in scenarios() {
        let look = |detail| Look { detail, parts: Parts::Board, ..Look::default() };
        let scenes = Detail::ALL.map(|detail| finished.scene(&look(detail)));
        let places = |scene: &Scene| {
            let cards: Vec<Rect> = all_of(scene, "card").into_iter().map(|(_, rect)| rect).collect();
            let origin = cards[0];
            let place =
                |card: &Rect| [card.x - origin.x, card.y - origin.y, card.w, card.h].map(|v| (v * 100.0).round());
            cards.iter().map(place).collect::<Vec<_>>()
        };
        let on_board = |scene: &Scene| {
            texts(scene).iter().filter(|(item, _)| matches!(item.owner, Owner::Node(_) | Owner::Link(_))).count()
        };
        for (detail, scene) in Detail::ALL.into_iter().zip(&scenes) {
            assert_tidy(scene, &format!("{name}, {detail:?}"));
            assert_eq!(places(scene), places(&scenes[0]), "{name}, {detail:?}");
        }
        assert_eq!(on_board(&scenes[0]), 0, "{name}");
        assert!(scenes.windows(2).all(|pair| on_board(&pair[0]) <= on_board(&pair[1])), "{name}");
        assert!(on_board(&scenes[1]) > 0 && on_board(&scenes[2]) < on_board(&scenes[3]), "{name}");
    }
}

#[test]
fn extremes_are_tidy_too() {
    let users = "\"users\": (kind: client(rate: \"300/s\"))";
    let run = "run: (length: \"2s\", warm_up: \"0s\")";
    for (name, text) in [
        (
            "one node",
            format!("({run}, nodes: {{{users}, \"a\": (kind: service())}}, links: [(from: \"users\", to: \"a\")])"),
        ),
        (
            "no traffic",
            format!(
                "({run}, nodes: {{\"users\": (kind: client(rate: \"0/s\")), \"a\": (kind: service())}}, links: [(from: \"users\", to: \"a\")])"
            ),
        ),
        (
            "total failure",
            format!(
                "({run}, nodes: {{{users}, \"a\": (kind: service(replicas: 200))}}, links: [(from: \"users\", to: \"a\")], timeline: [(at: \"0s\", do: Kill(\"a\")), (at: \"0s\", do: Slow(\"a\", 3.0)), (at: \"1s\", do: Hold(\"users->a\"))])"
            ),
        ),
        (
            "a cycle",
            format!(
                "({run}, nodes: {{{users}, \"a\": (kind: service()), \"b\": (kind: service())}}, links: [(from: \"users\", to: \"a\"), (from: \"a\", to: \"b\", mode: Async, when: (probability: 0.3)), (from: \"b\", to: \"a\", mode: Async, when: (probability: 0.3))])"
            ),
        ),
    ] {
        let finished = Finished::new(design(&text), None);
        let scene = finished.scene(&Look::default());
        assert_tidy(&scene, name);
        assert!(figure::svg(&scene, name, None).ends_with("</svg>\n"));
    }
}

/// A legend explains what there is, and nothing else.
#[test]
fn the_legend_is_about_this_picture() {
    let says = |scene: &Scene, words: &str| {
        texts(scene).iter().any(|(item, text)| item.owner == Owner::Legend && text.contains(words))
    };
    let of = |name: &str| &scenarios().iter().find(|(other, _)| other == name).expect("a scenario").1;
    let storm = of("retry_storm").scene(&Look::default());
    for words in ["hollow: a retry", "10 % or more fail", "time out", "share of calls that fail"] {
        assert!(says(&storm, words), "{words}");
    }
    let calm = of("five_balancers").scene(&Look::default());
    for words in ["fail", "time out", "stale", "cache", "retry", "without waiting"] {
        assert!(!says(&calm, words), "{words}");
    }
    assert!(says(&of("news_feed").scene(&Look { lens: Lens::Errors, ..Look::default() }), "share of failures from"));
    let clean = of("news_feed").scene(&Look { lens: Lens::None, parts: Parts::Board, ..Look::default() });
    assert!(!texts(&clean).iter().any(|(_, text)| text.contains("p99") || text.contains("/s")));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (name, path) = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds")).remove(3);
    let bytes = || {
        let finished = Finished::new(load(&path), Some(Time(20_000_000_000)));
        let scene = finished.scene(&Look { theme: ThemeName::Dark, ..Look::default() });
        (figure::svg(&scene, &name, None), figure::png(&scene, &name, None, 1.0).expect("a picture"))
    };
    assert!(bytes() == bytes());
}

/// The parts, the ground and the size that are asked for are what is drawn.
#[test]
fn looks_do_what_they_say() {
    let (name, finished) = &scenarios()[0];
    let scene = |look: Look| finished.scene(&look);
    let has = |scene: &Scene, wanted: fn(&Owner) -> bool| scene.items.iter().any(|item| wanted(&item.owner));
    let board = scene(Look { parts: Parts::Board, ..Look::default() });
    assert!(
        has(&board, |owner| matches!(owner, Owner::Node(_))) && !has(&board, |owner| matches!(owner, Owner::Plot(_)))
    );
    let plots = scene(Look { parts: Parts::Plots, ..Look::default() });
    assert!(
        !has(&plots, |owner| matches!(owner, Owner::Node(_))) && has(&plots, |owner| matches!(owner, Owner::Plot(_)))
    );
    assert_eq!(scene(Look { background: Background::None, ..Look::default() }).background, None);
    let white = scene(Look { background: Background::White, theme: ThemeName::Dark, ..Look::default() });
    assert_eq!(white.background.map(|color| (color.0, color.1, color.2)), Some((255, 255, 255)));
    let sized = figure::svg(&board, name, Some((400, 300)));
    assert!(sized.contains("width=\"400\" height=\"300\"") && sized.contains("scale("));
    assert!(figure::png(&board, name, Some((16_000, 16_000)), 8.0).is_err());
}

/// Two runs side by side are compared on the same axes.
#[test]
fn a_pair_has_common_axes() {
    let (a, b) = (&scenarios()[0].1, &scenarios()[1].1);
    let scene = figure::pair(&a.shown(), &b.shown(), &Look::default());
    assert_tidy(&scene, "a pair");
    let ticks: Vec<(f64, &str)> = texts(&scene)
        .into_iter()
        .filter(|(item, _)| item.slot == "tick" && item.owner == Owner::Plot(0))
        .map(|(item, text)| (item.bounds().x, text))
        .collect();
    let side = |left: bool| {
        let middle = a.scene(&Look::default()).width;
        ticks.iter().filter(move |(x, _)| (*x < middle) == left).map(|(_, text)| *text).collect::<Vec<_>>()
    };
    let levels = |side: Vec<&str>| {
        side.into_iter()
            .filter(|text| text.ends_with("ms") || text.ends_with(" s"))
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(!levels(side(true)).is_empty());
    assert_eq!(levels(side(true)), levels(side(false)));
}

/// Dots are calls that are really on the way, and a frame of an instant tells what the meters say then.
#[test]
fn a_frame_is_about_its_instant() {
    let text = "(run: (length: \"10s\", warm_up: \"0s\"), nodes: {\"users\": (kind: client(rate: \"200/s\")), \"a\": (kind: service(slots: 1, cores: 1, work: \"20ms\", queue_limit: None))}, links: [(from: \"users\", to: \"a\", latency: \"100ms\")])";
    let design = design(text);
    let mut run = Run::new(&design).expect("it runs");
    run.trace(1);
    run.advance(Time(5_000_000_000));
    let frame = frame(&mut run, &design, Basis::Recent);
    assert_eq!((frame.at, frame.sampling), (Time(5_000_000_000), 1));
    // 200 a second arrive after a tenth of a second; fifty are done.
    let a = &frame.nodes[0];
    assert!((a.queue - 735.0).abs() < 100.0, "{}", a.queue);
    assert_eq!((a.busy, a.slots), (1.0, 1.0));
    assert!((a.rate - 200.0).abs() < 60.0, "{}", a.rate);
    let there: Vec<f64> = frame.tokens.iter().filter(|token| token.leg == Leg::There).map(|token| token.way).collect();
    assert!((there.len() as f64 - 20.0).abs() < 15.0 && there.iter().all(|way| *way < 1.0), "{there:?}");
    let here = frame.tokens.iter().filter(|token| token.leg == Leg::AtCallee).count() as f64;
    assert_eq!(here, a.queue + a.busy);
}

/// The state of a node at an instant.
fn at(text: &str, seconds: f64, node: &str) -> NodeFrame {
    let finished = Finished::new(design(text), Some(Time((seconds * 1e9) as u64)));
    finished.frame.nodes.into_iter().find(|other| other.name == node).expect("a node")
}

fn stages(text: &str, seconds: f64) -> Vec<Stage> {
    at(text, seconds, "a").copies.iter().map(|copy| copy.stage).collect()
}

/// What has been done to replicas, and what has happened to them, is seen on each of them.
#[test]
fn replicas_are_shown_at_their_stages() {
    use Stage::{Broken, Degraded, Draining, Killed, Paused, Running, Starting};
    let with = |service: &str, timeline: &str| {
        format!(
            "(run: (length: \"20s\", warm_up: \"0s\"), nodes: {{\"users\": (kind: client(rate: \"20/s\")), \"a\": (kind: service({service}))}}, links: [(from: \"users\", to: \"a\")], timeline: [{timeline}])"
        )
    };
    let struck =
        "(at: \"1s\", do: Freeze(\"a#0\")), (at: \"1s\", do: Kill(\"a#1\")), (at: \"1s\", do: Slow(\"a#2\", 2.0))";
    assert_eq!(stages(&with("replicas: 4", struck), 2.0), [Paused, Killed, Degraded, Running]);
    let more = "(at: \"1s\", do: Set(\"a.replicas\", \"3\"))";
    assert_eq!(stages(&with("replicas: 2, start_up: \"10s\"", more), 2.0), [Running, Running, Starting]);
    let fewer = "(at: \"5s\", do: Set(\"a.replicas\", \"1\"))";
    let slow = with("replicas: 2, slots: 50, cores: 50, work: \"4s\"", fewer);
    assert_eq!(stages(&slow, 5.5), [Running, Draining]);
    let frail = with("breakdowns: Some((up: \"1s\", down: \"1h\", lose: true))", "");
    assert_eq!(stages(&frail, 2.0), [Broken]);
    // Nobody did it, so that no badge of the timeline tells.
    let scene = Finished::new(design(&frail), Some(Time(2_000_000_000))).scene(&Look::default());
    let badges: Vec<&str> =
        texts(&scene).into_iter().filter(|(item, _)| item.slot == "badge-text").map(|(_, text)| text).collect();
    assert!(badges.contains(&"broken down"), "{badges:?}");
    let legend = |words: &str| texts(&scene).iter().any(|(item, text)| item.owner == Owner::Legend && *text == words);
    assert!(legend("a replica broken down by chance") && !legend("a killed replica") && !legend("a running replica"));
}

/// Where not all badges fit, the last one says how many more there are.
#[test]
fn no_badge_is_lost_in_silence() {
    let strikes = ["Freeze(\"a#0\")", "Kill(\"a#1\")", "Slow(\"a#2\", 2.0)", "Fail(\"a#3\", \"50%\")", "Kill(\"a#4\")"];
    for n in 1..=strikes.len() {
        let timeline: String = strikes[..n].iter().map(|strike| format!("(at: \"1s\", do: {strike}),")).collect();
        let text = format!(
            "(run: (length: \"3s\", warm_up: \"0s\"), nodes: {{\"users\": (kind: client(rate: \"20/s\")), \"a\": (kind: service(replicas: 200))}}, links: [(from: \"users\", to: \"a\")], timeline: [{timeline}])"
        );
        let finished = Finished::new(design(&text), Some(Time(2_000_000_000)));
        for detail in [Detail::Glance, Detail::Full] {
            let scene = finished.scene(&Look { detail, ..Look::default() });
            assert_tidy(&scene, &format!("{n} badges, {detail:?}"));
            let of_a = |item: &Item| item.slot == "badge-text" && item.owner == Owner::Node("a".into());
            let words: Vec<&str> =
                texts(&scene).into_iter().filter(|(item, _)| of_a(item)).map(|(_, text)| text).collect();
            let more =
                words.last().and_then(|last| last.strip_prefix('+')).map_or(0, |more| more.parse().expect("a number"));
            let told = words.len() - usize::from(more > 0);
            assert_eq!(told + more, n, "{words:?}");
        }
    }
}

/// Every shard has a bar, as high as its share of the calls.
#[test]
fn shards_are_shown_one_by_one() {
    let (_, finished) = scenarios().iter().find(|(name, _)| name == "hot_shard").expect("a scenario");
    let node = |name: &str| finished.frame.nodes.iter().find(|node| node.name == name).expect("a node");
    let shares: Vec<f64> = node("skewed").copies.iter().map(|copy| copy.share).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && shares.len() == 8, "{shares:?}");
    let hottest = shares.iter().copied().fold(0.0, f64::max);
    assert_eq!(node("skewed").level("shards"), Some(8.0));
    let scene = finished.scene(&Look::default());
    let bars: Vec<f64> = (all_of(&scene, "shard").iter())
        .filter(|(owner, _)| **owner == Owner::Node("skewed".into()))
        .map(|(_, bar)| bar.h)
        .collect();
    assert_eq!(bars.len(), 8);
    for (bar, share) in bars.iter().zip(&shares) {
        assert!((bar - (12.0 * share / hottest).max(1.0)).abs() < 1e-9, "{bars:?} for {shares:?}");
    }
}

/// Characters that the font does not have are named, wherever they are written.
#[test]
fn characters_that_would_be_boxes_are_named() {
    let of = |title: &str, label: &str| {
        let text = format!(
            "(title: \"{title}\", run: (length: \"1s\", warm_up: \"0s\"), nodes: {{\"users\": (kind: client(rate: \"20/s\"), label: \"{label}\"), \"a\": (kind: service())}}, links: [(from: \"users\", to: \"a\")])"
        );
        figure::missing(&Finished::new(design(&text), None).scene(&Look::default())).into_iter().collect::<String>()
    };
    assert_eq!(of("Größe, размер, μέγεθος", "users"), "");
    assert_eq!(of("大小 🙂", "مقاس"), "اسقم大小🙂");
}
