//! The thread of a run: whatever is done to it by hand can be repeated without it, and nothing else changes a number.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tailboard::base::{Ratio, Span, Time};
use tailboard::design::{Action, Design, Intervention, RunSpec, WarmUp, set_parameter};
use tailboard::run::{Basis, Change, Run, Runner, Snapshot, Speed, change, frame, run};
use tailboard::scenario;

/// What a test waits at most: a run here takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(60);

const DESIGN: &str = r#"(
    run: (length: "4s"),
    seed: 3,
    nodes: {
        "people": (kind: client(rate: "400/s", arrivals: Constant, keys: Zipf(keys: 10_000, exponent: 1.0))),
        "balancer": (kind: load_balancer(balance: LeastConnections)),
        "api": (kind: service(replicas: 3, slots: 8, work: LogNormal(mean: "10ms", cv: 1.0))),
        "cache": (kind: cache(capacity: Entries(1_000))),
        "db": (kind: database(replicas: 2, connections: 4, read: LogNormal(mean: "4ms", cv: 1.0))),
    },
    links: [
        (from: "people", to: "balancer", latency: "5ms", timeout: "300ms"),
        (from: "balancer", to: "api", latency: "1ms"),
        (from: "api", to: "cache", latency: "1ms", timeout: "100ms", retry: (attempts: 2)),
        (from: "cache", to: "db", latency: "1ms", timeout: "80ms"),
    ],
)"#;

fn design() -> Design {
    scenario::read_str(DESIGN).design.expect("a design")
}

fn with(design: &Design, settings: &[(&str, &str)]) -> Arc<Design> {
    let mut design = design.clone();
    settings.iter().for_each(|(path, text)| assert!(set_parameter(&mut design, path, text).is_ok(), "{path}={text}"));
    Arc::new(design)
}

/// A runner and somebody who looks whenever there is something new.
struct Watched {
    runner: Runner,
    news: Receiver<()>,
}

impl Watched {
    fn start(design: Design) -> Watched {
        let (tell, news) = mpsc::channel();
        let wake = move || {
            let _ = tell.send(());
        };
        Watched { runner: Runner::start(Arc::new(design), wake).expect("it can be run"), news }
    }

    /// The first snapshot of which something holds.
    fn until(&self, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        loop {
            let snapshot = self.runner.latest();
            if holds(&snapshot) {
                return snapshot;
            }
            let told = self.news.recv_timeout(PATIENCE);
            assert!(told.is_ok(), "{what}: still at {} with {:?}", snapshot.now.as_secs(), snapshot.problem);
        }
    }

    fn until_time(&self, seconds: f64) -> Arc<Snapshot> {
        self.until("time", |snapshot| snapshot.replaying.is_none() && snapshot.now.as_secs() >= seconds)
    }

    /// As fast as it goes to the end.
    fn end(&self) -> Arc<Snapshot> {
        self.runner.set_speed(Speed::Fastest);
        self.runner.play();
        self.until("the end", |snapshot| snapshot.over)
    }
}

/// Saved, read again, and run without a thread.
fn replayed(design: &Design) -> tailboard::metrics::Report {
    let text = scenario::write_str(design).expect("a text");
    let read = scenario::read_str(&text).design.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(read, *design, "{text}");
    run(&read).unwrap_or_else(|findings| panic!("{findings:?}"))
}

#[test]
fn what_is_done_by_hand_replays_to_the_same_report() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    // At the very beginning, paused.
    runner.intervene(Action::Slow("db".into(), 2.0), None, None);
    runner.set_speed(Speed::Times(8.0));
    runner.play();
    watched.until_time(0.4);
    runner.intervene(Action::Kill("cache".into()), Some(Span::from_millis(500)), None);
    // Between two events of one instant, and twice at the same instant.
    runner.step();
    runner.step();
    runner.set("api.slots", "2");
    runner.intervene(Action::Spike("people".into(), 1.5), Some(Span::from_secs(2)), Some(Span::from_secs(1)));
    watched.until("four", |snapshot| snapshot.interventions.len() == 4 && !snapshot.playing);
    runner.set_speed(Speed::Times(0.5));
    runner.play();
    let slow = watched.until("a little later", |snapshot| snapshot.playing);
    watched.until_time(slow.now.as_secs() + 0.02);
    runner.intervene(Action::Lose("api->cache".into(), Ratio(0.2)), None, None);
    runner.set_speed(Speed::Times(8.0));
    watched.until_time(2.5);
    runner.intervene(Action::Heal("db".into()), None, None);
    let end = watched.end();
    assert_eq!(end.interventions.len(), 6);
    assert_eq!(end.problem, None);
    assert!(end.interventions.is_sorted_by_key(|done| done.at));
    assert_eq!(end.design.timeline, *end.interventions);
    let (lived, read) = (&*end.report, replayed(&end.design));
    assert_eq!(*lived, read);
    assert_ne!(lived.total, run(&design()).expect("fine").total, "what was done had an effect");
    assert!(lived.warm_up == 0.0, "no steady state is claimed");
}

#[test]
fn a_heal_by_hand_takes_back_what_the_timeline_was_still_to_do() {
    let mut before = design();
    let kill = Action::Kill("cache".into());
    before.timeline.push(Intervention {
        at: Span::from_millis(500),
        lasting: Some(Span::from_secs(2)),
        ramp: None,
        action: kill,
    });
    let watched = Watched::start(before);
    watched.runner.set_speed(Speed::Times(8.0));
    watched.runner.play();
    watched.until_time(0.7);
    watched.runner.intervene(Action::Heal("cache".into()), None, None);
    let end = watched.end();
    assert_eq!(*end.report, replayed(&end.design));
    assert_eq!((end.design.timeline.len(), end.interventions.len()), (2, 1));
}

#[test]
fn pauses_speeds_steps_and_looks_change_nothing() {
    let expected = run(&design()).expect("fine");
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.play();
    for (i, speed) in [0.5, 3.0, 0.001, 20.0, f64::NAN, 7.0].into_iter().enumerate() {
        runner.set_speed(Speed::Times(speed));
        runner.play();
        for _ in 0..3 {
            assert!(watched.news.recv_timeout(PATIENCE).is_ok());
        }
        runner.pause();
        let rests = watched.until("a pause", |snapshot| !snapshot.playing);
        for _ in 0..=i {
            runner.step();
        }
        let stepped = watched.until("steps", |snapshot| snapshot.events == rests.events + i as u64 + 1);
        assert!(stepped.now >= rests.now);
    }
    let end = watched.end();
    assert_eq!(*end.report, expected);
    assert_eq!(end.recorder.series().ends.last().copied(), Some(Time(end.length.0)));
    assert_eq!((end.now, end.reached), (end.length, 0.0));
}

#[test]
fn edits_of_live_parameters_act_at_once_and_can_be_repeated() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(8.0));
    runner.play();
    watched.until_time(0.5);
    runner.replace(with(&design(), &[("api.slots", "1"), ("people->balancer.timeout", "200ms")]));
    watched.until("the edit", |snapshot| snapshot.design.timeline.len() == 2);
    watched.until_time(1.0);
    runner.replace(with(&design(), &[("api.slots", "4"), ("people->balancer.timeout", "200ms")]));
    let edited = watched.until("the second edit", |snapshot| snapshot.design.timeline.len() == 3);
    assert!(edited.replaying.is_none() && edited.interventions.is_empty());
    let set = Action::Set("api.slots".into(), "4".into());
    assert_eq!(edited.design.timeline.last().map(|last| &last.action), Some(&set));
    assert!(edited.design.nodes["api"].kind == design().nodes["api"].kind, "the run began otherwise");
    let end = watched.end();
    assert_eq!(*end.report, replayed(&end.design));
    // What is edited afterwards counts from the beginning; the result is that of the drawing.
    let after = with(&design(), &[("api.slots", "2")]);
    runner.replace(Arc::clone(&after));
    let again = watched.until("the result", |snapshot| snapshot.over && snapshot.design == after);
    assert_eq!(*again.report, run(&after).expect("fine"));
}

#[test]
fn what_only_looks_different_is_the_same_run() {
    let watched = Watched::start(design());
    watched.runner.set_speed(Speed::Times(8.0));
    watched.runner.play();
    let before = watched.until_time(0.5);
    let mut moved = design();
    moved.title = "Moved".into();
    moved.nodes.get_mut("api").expect("a node").at = Some((3.0, 4.0));
    moved.links.reverse();
    watched.runner.replace(Arc::new(moved.clone()));
    let after = watched.until("the title", |snapshot| snapshot.design.title == "Moved");
    assert!(after.replaying.is_none() && after.events >= before.events && after.now >= before.now);
    assert_eq!(*watched.end().report, run(&moved).expect("fine"));
}

#[test]
fn another_drawing_is_simulated_anew_up_to_this_instant() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(8.0));
    runner.play();
    watched.until_time(0.3);
    runner.intervene(Action::Slow("db".into(), 3.0), None, None);
    watched.until_time(1.0);
    runner.pause();
    let before = watched.until("a pause", |snapshot| !snapshot.playing);
    let mut other = design();
    other.links.retain(|link| link.to != "cache");
    other.links.iter_mut().filter(|link| link.from == "cache").for_each(|link| link.from = "api".into());
    other.nodes.remove("cache");
    runner.replace(Arc::new(other));
    // At the instant that the picture shows, even if the new run is not there yet.
    runner.intervene(Action::Kill("db".into()), Some(Span::from_millis(100)), None);
    let after = watched.until("the other drawing", |s| s.replaying.is_none() && s.design.nodes.len() == 4);
    // A nanosecond later, if the kill shows already.
    let further = after.now.0 - before.now.0;
    assert!(further <= 1 && !after.playing, "the picture goes on where it was, not {further} ns later");
    assert_eq!(after.frame.nodes.len(), 4);
    assert!(after.frame.links.iter().any(|link| link.name == "api->db" && link.rate > 0.0));
    let end = watched.end();
    assert_eq!(end.design.timeline, *end.interventions, "what was done by hand is done again");
    assert_eq!(end.interventions.len(), 2);
    assert!(Time(end.interventions[1].at.0) > before.now);
    assert_eq!(*end.report, replayed(&end.design));
}

#[test]
fn what_is_undone_has_not_happened() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(8.0));
    runner.play();
    watched.until_time(0.3);
    runner.intervene(Action::Kill("db".into()), None, None);
    let done = watched.until("the kill", |snapshot| snapshot.interventions.len() == 1);
    let mut saved = design();
    // Something else is edited before the window has put it there: it stays done.
    saved.notes = "A note.".into();
    runner.replace(Arc::new(saved.clone()));
    let kept = watched.until("the note", |snapshot| !snapshot.design.notes.is_empty());
    assert_eq!((kept.design.timeline.len(), kept.replaying), (1, None));
    saved.timeline.extend(done.interventions.iter().cloned());
    runner.replace(Arc::new(saved.clone()));
    watched.until_time(0.8);
    let kept = runner.latest();
    assert_eq!((&kept.design.timeline, kept.replaying), (&saved.timeline, None), "taken over, not done twice");
    saved.timeline.clear();
    runner.replace(Arc::new(saved.clone()));
    let undone =
        watched.until("undone", |snapshot| snapshot.design.timeline.is_empty() && snapshot.replaying.is_none());
    assert!(undone.now >= kept.now);
    assert_eq!(*watched.end().report, run(&saved).expect("fine"));
}

#[test]
fn a_drawing_that_cannot_be_run_holds_the_run_until_it_can() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(8.0));
    runner.play();
    watched.until_time(0.3);
    let mut broken = design();
    broken.links[1].to = "nobody".into();
    runner.replace(Arc::new(broken));
    let held = watched.until("the problem", |snapshot| snapshot.problem.is_some());
    assert!(held.problem.as_deref().is_some_and(|problem| problem.contains("nobody")), "{:?}", held.problem);
    runner.set_speed(Speed::Times(9.0));
    let still = watched.until("the speed", |snapshot| snapshot.speed == Speed::Times(9.0));
    assert_eq!((still.now, still.reached, still.playing), (held.now, 0.0, true));
    assert_eq!(still.problem, held.problem, "another command does not mend it");
    runner.replace(Arc::new(design()));
    assert_eq!(*watched.end().report, run(&design()).expect("fine"));
}

#[test]
fn what_cannot_be_done_is_said_and_not_done() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    let told = |wanted: &str| {
        watched.until(wanted, |snapshot| snapshot.problem.as_deref().is_some_and(|problem| problem.contains(wanted)))
    };
    runner.intervene(Action::Kill("nobody".into()), None, None);
    told("nobody");
    runner.set("api.slots", "many");
    told("slots");
    runner.set("api->cache.calls", "2");
    told("not a live parameter");
    runner.set_length(Span::ZERO);
    told("longer than 0");
    runner.set_speed(Speed::Fastest);
    watched.until("no problem", |snapshot| snapshot.problem.is_none());
    let end = watched.end();
    runner.intervene(Action::Kill("db".into()), None, None);
    assert!(told("the run is over").interventions.is_empty());
    assert_eq!(*end.report, run(&design()).expect("fine"));
}

#[test]
fn a_restart_begins_anew_with_the_seed_and_length_asked_for() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.intervene(Action::Kill("db".into()), None, None);
    watched.end();
    runner.restart(Some(11));
    let begun = watched.until("a restart", |snapshot| snapshot.number == 1);
    assert!(begun.playing && begun.interventions.is_empty() && begun.design.timeline.is_empty());
    let end = watched.end();
    let wanted = Design { seed: 11, ..design() };
    assert_eq!(*end.report, run(&wanted).expect("fine"));
    runner.set_length(Span::from_secs(6));
    let longer = watched.until("the length", |snapshot| snapshot.over && snapshot.length == Time(6_000_000_000));
    let mut wanted = wanted;
    wanted.run.length = Span::from_secs(6);
    assert_eq!(*longer.report, run(&wanted).expect("fine"));
    // A design with a seed of its own.
    runner.replace(Arc::new(Design { seed: 5, ..wanted }));
    assert_eq!(watched.until("the seed", |snapshot| snapshot.over && snapshot.seed == 5).report.seed, 5);
}

#[test]
fn slow_motion_is_as_slow_as_it_says_and_dots_move() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(0.02));
    runner.play();
    let mut seen = Vec::new();
    for _ in 0..40 {
        assert!(watched.news.recv_timeout(PATIENCE).is_ok());
        seen.push(runner.latest());
    }
    let last = &seen[39];
    assert!(last.reached > 0.0 && last.reached < 0.0201, "{}", last.reached);
    let moving = |snapshot: &Snapshot| snapshot.frame.tokens.iter().any(|token| token.way > 0.0 && token.way < 1.0);
    assert!(seen.iter().filter(|snapshot| moving(snapshot)).count() > 20);
    assert!(seen.windows(2).all(|two| two[0].now <= two[1].now));
}

#[test]
fn journeys_are_of_this_run_and_no_more_than_can_be_followed() {
    let watched =
        Watched::start(Design { run: RunSpec { length: Span::from_secs(100_000), ..design().run }, ..design() });
    watched.runner.set_speed(Speed::Times(2.0));
    watched.runner.play();
    let snapshot = watched.until("journeys", |snapshot| snapshot.journeys_ended > 50);
    for journey in snapshot.journeys.iter() {
        assert!(journey.end() <= snapshot.now && journey.begin() < journey.end(), "{journey:?}");
        // Five milliseconds there and as many back, and at least one each way behind the balancer.
        assert!(
            journey.end().since(journey.begin()) >= Span::from_millis(12) && journey.hops.len() >= 2,
            "{journey:?}"
        );
    }
    // At full speed hundreds of thousands of requests are made in a second.
    watched.runner.set_speed(Speed::Fastest);
    let before = watched.until("a sample", |snapshot| snapshot.frame.sampling >= 100);
    let after = watched.until("a while", |snapshot| snapshot.requests > before.requests + 500_000);
    let (ended, requests) = (after.journeys_ended - before.journeys_ended, after.requests - before.requests);
    assert!(ended > 0 && ended <= requests / 50, "{ended} of {requests}");
    assert!(after.journeys.len() <= 512);
    // Another run has journeys of its own, and the count goes on.
    watched.runner.set_speed(Speed::Times(1.0));
    watched.runner.restart(None);
    let anew = watched.until("a restart", |snapshot| {
        snapshot.number > after.number
            && snapshot.journeys_ended > after.journeys_ended + 5
            && snapshot.now.as_secs() > 1.0
    });
    let last = anew.journeys.last().expect("a journey");
    assert!(last.end() <= anew.now, "{} of {}", last.end().as_secs(), anew.now.as_secs());
}

#[test]
fn commands_are_heard_at_full_speed_and_the_thread_ends_with_its_handle() {
    let heavy = with(&design(), &[("people.rate", "200k/s"), ("api.slots", "10000"), ("db.connections", "1000")]);
    let heavy =
        Design { run: tailboard::design::RunSpec { length: Span::from_secs(3600), ..heavy.run }, ..(*heavy).clone() };
    let held = Arc::new(());
    let alive: Weak<()> = Arc::downgrade(&held);
    let runner = Runner::start(Arc::new(heavy), move || drop(Arc::clone(&held))).expect("fine");
    runner.set_speed(Speed::Fastest);
    runner.play();
    std::thread::sleep(Duration::from_millis(300));
    runner.pause();
    // Ten times what is promised: the machine may have other things to do.
    std::thread::sleep(Duration::from_millis(150));
    let rests = runner.latest();
    assert!(rests.requests > 0 && !rests.playing);
    runner.play();
    drop(runner);
    assert!(alive.upgrade().is_none());
}

#[test]
fn a_design_that_cannot_be_run_is_not_started() {
    let mut broken = design();
    broken.links[1].to = "nobody".into();
    assert!(Runner::start(Arc::new(broken), || ()).is_err_and(|findings| !findings.is_empty()));
}

#[test]
fn changes_are_told_apart() {
    let old = design();
    let live = |settings: &[(&str, &str)]| {
        Change::Live(settings.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    };
    for (new, wanted) in [
        (with(&old, &[]), Change::Cosmetic),
        (with(&old, &[("api.slots", "9")]), live(&[("api.slots", "9")])),
        (with(&old, &[("people->balancer.timeout", "2s")]), live(&[("people->balancer.timeout", "\"2s\"")])),
        (with(&old, &[("api->cache.calls", "2")]), Change::Structural),
        (with(&old, &[("api.slots", "9"), ("api->cache.calls", "2")]), Change::Structural),
        (Arc::new(Design { seed: 4, ..old.clone() }), Change::Structural),
    ] {
        let changed = change(&old, &new);
        let some = |texts: &Change| matches!(texts, Change::Live(settings) if settings.len() == 1);
        assert!(changed == wanted || some(&changed) && some(&wanted), "{changed:?}, not {wanted:?}");
    }
}

/// An hour has windows of four seconds: nobody waits so long for a rate, and less so in slow motion.
#[test]
fn figures_do_not_wait_for_the_end_of_a_window() {
    let mut long = design();
    long.run.length = Span::from_secs(3600);
    let mut run = Run::new(&long).expect("fine");
    run.advance(Time(1_000_000_000));
    let before = run.recorder().series().clone();
    let shown = frame(&mut run, &long, Basis::Recent);
    let api = shown.nodes.iter().find(|node| node.name == "api").expect("a node");
    assert!((api.rate - 400.0).abs() < 20.0 && api.p50.is_some(), "{api:?}");
    let link = shown.links.iter().find(|link| link.name == "balancer->api").expect("a link");
    assert!((link.rate - 400.0).abs() < 20.0, "{link:?}");
    let people = shown.nodes.iter().find(|node| node.name == "people").expect("a node");
    assert!(people.p50.is_some_and(|p50| p50 > 0.01), "{people:?}");
    let after = run.recorder().series();
    assert!(before.ends.is_empty() && after.ends.is_empty() && after.nodes.is_empty() && after.classes.is_empty());
    assert!(after.links.is_empty());
}

/// A slider drags a parameter along at every frame, for ever.
#[test]
fn a_knob_can_be_turned_as_often_as_anybody_likes() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.set_speed(Speed::Times(0.5));
    runner.play();
    watched.until_time(0.05);
    for i in 0..400 {
        runner.replace(with(&design(), &[("api.slots", &format!("{}", 10 + i % 7))]));
        if i % 3 == 0 {
            assert!(watched.news.recv_timeout(PATIENCE).is_ok());
        }
    }
    let end = watched.end();
    assert!(end.design.timeline.len() <= 250, "{}", end.design.timeline.len());
    assert_eq!(*end.report, replayed(&end.design));
    runner.pause();
    runner.restart(None);
    for i in 0..260 {
        runner.set("api.slots", format!("{}", 10 + i % 7));
    }
    let full = watched.until("the limit", |snapshot| snapshot.number == 1 && snapshot.problem.is_some());
    assert_eq!(full.interventions.len(), 250);
    assert_eq!(*watched.end().report, replayed(&full.design));
}

/// The plots of an hour begin at once, and are those of the whole run at its end.
#[test]
fn windows_begin_small_and_are_merged_until_they_are_as_ever() {
    let hour = with(&design(), &[("people.rate", "1/s")]);
    let mut design = Design { run: RunSpec { length: Span::from_secs(3_600), ..hour.run }, ..(*hour).clone() };
    for warm in [None, Some(Span::from_secs(300))] {
        design.run.warm_up = warm.map_or(design.run.warm_up, WarmUp::For);
        let mut whole = Run::new(&design).expect("it can be run");
        let mut small = Run::new(&design).expect("it can be run").with_small_windows();
        whole.advance(Time(3_600_000_000_000));
        let most = whole.recorder().series().ends.len();
        assert!(whole.recorder().series().ends[0].as_secs() > 1.0);
        small.advance(Time(200_000_000));
        assert!(small.recorder().series().ends[0].as_secs() < 0.15, "{:?}", small.recorder().series().ends);
        // Copies follow, however many windows have been merged meanwhile.
        let mut copy = small.recorder().clone();
        for second in (1..=3_600).step_by(7) {
            small.advance(Time(second * 1_000_000_000));
            let series = small.recorder().series();
            assert!(series.ends.len() <= most && series.ends.is_sorted(), "{second}");
            assert!(second < 100 || series.ends.len() > most / 3, "{second}: {} windows", series.ends.len());
            let counted: u64 = series.classes.iter().map(|row| row.counts.offered).sum();
            copy.follow(small.recorder());
            let copied: u64 = copy.series().classes.iter().map(|row| row.counts.offered).sum();
            assert!(counted == copied && counted + 8 >= second, "{second}: {counted}, {copied}");
            assert_eq!(copy.series().ends, series.ends);
        }
        small.advance(Time(3_600_000_000_000));
        let (a, b) = (whole.recorder().series(), small.recorder().series());
        assert_eq!((&a.ends, &a.segment_ends), (&b.ends, &b.segment_ends));
        assert!(a.classes == b.classes && a.nodes == b.nodes && a.links == b.links);
        assert_eq!(whole.report(), small.report());
    }
}

/// What is done while the run rests can be seen at once.
#[test]
fn what_is_done_at_a_pause_is_seen() {
    let watched = Watched::start(design());
    let runner = &watched.runner;
    runner.play();
    watched.until("some way", |snapshot| snapshot.now > Time(100_000_000));
    runner.pause();
    let before = watched.until("a pause", |snapshot| !snapshot.playing);
    runner.intervene(Action::Kill("db".to_owned()), None, None);
    let after = watched.until("the kill", |snapshot| !snapshot.interventions.is_empty());
    let node = after.frame.nodes.iter().find(|node| node.name == "db").expect("a database");
    assert!(node.copies.iter().all(|copy| copy.stage == tailboard::engine::Stage::Killed), "{:?}", node.copies);
    let at = after.interventions[0].at.0;
    assert!(after.frame.at.0 >= at && after.now.0 <= before.now.0 + 2 && !after.playing, "{at} {:?}", after.now);
}
