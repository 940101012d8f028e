//! What the policies of links and the steps of itineraries promise, each where it is easily broken.

use super::*;
use crate::base::Ratio;
use crate::parts::backoff::{Backoff, Growth, Jitter};
use crate::parts::breaker::BreakerConfig;

const MS: u64 = 1_000_000;

fn at(ms: u64) -> Time {
    Time(ms * MS)
}

fn plain() -> LinkConfig {
    LinkConfig::default()
}

fn ok_after(ms: u64) -> Toy {
    failing_after(ms, 0, Reason::Error)
}

/// The first `failures` answers are failures.
fn failing_after(ms: u64, failures: u64, reason: Reason) -> Toy {
    Toy::Answer { after: Span::from_millis(ms), failures, reason }
}

fn retry(attempts: u16, base_ms: u64, jitter: Jitter) -> Option<Retry> {
    let base = Span::from_millis(base_ms);
    Some(Retry {
        attempts,
        backoff: Backoff { growth: Growth::Fixed, base, jitter, ..Backoff::default() },
        budget: None,
    })
}

fn hedge(after_ms: u64, copies: u8) -> Option<Hedge> {
    Some(Hedge { after: Span::from_millis(after_ms), copies })
}

fn failed(sim: &mut Sim<Toy>, link: u32, reason: Reason) -> u64 {
    sim.link_tally(LinkId(link)).counts.failed[reason as usize]
}

fn sent(sim: &mut Sim<Toy>, link: u32) -> u64 {
    sim.link_tally(LinkId(link)).counts.sent
}

fn retune(sim: &mut Sim<Toy>, ms: u64, config: &LinkConfig) {
    sim.schedule(at(ms), Patch::RetuneLink(LinkId(0), Box::new(config.clone())));
}

/// A use of the link to the leaf of this number.
fn use_of(leaf: u32) -> LinkUse {
    LinkUse {
        link: LinkId(leaf + 1),
        when: When::default(),
        calls: 1.0,
        spread: None,
        weight: 1.0,
        asynchronous: false,
    }
}

/// A source, a relay, and leaves that the relay calls in these steps.
fn star(gap: Span, leaves: Vec<(Toy, LinkConfig)>, steps: Vec<(Vec<LinkUse>, Wait)>) -> Sim<Toy> {
    let mut plan = Plan { classes: vec!["all".into()], seed: 1, ..Plan::default() };
    let mut toys = vec![Toy::Source { gap: gap.0 as f64, rng: Rng::seeded(1) }, Toy::Relay];
    let mut ends = vec![(0, 1, plain())];
    for (i, (toy, config)) in leaves.into_iter().enumerate() {
        toys.push(toy);
        ends.push((1, i as u32 + 2, config));
    }
    plan.nodes = (0..toys.len()).map(|i| NodePlan { name: format!("n{i}"), ..NodePlan::default() }).collect();
    for (i, (from, to, config)) in ends.into_iter().enumerate() {
        plan.nodes[from as usize].outs.push(LinkId(i as u32));
        let (name, from, to) = (format!("l{i}"), NodeId(from), NodeId(to));
        plan.links.push(LinkPlan { name, from, to, weight: 1.0, mark: 1 << i >> 1, when: When::default(), config });
    }
    let relay = &mut plan.nodes[1];
    for (uses, wait) in steps {
        let start = relay.uses.len() as u32;
        relay.uses.extend(uses);
        relay.steps.push(StepGroup::new(start..relay.uses.len() as u32, wait, &relay.uses));
    }
    Sim::new(plan, toys)
}

const ONCE: Span = Span::from_secs(1_000_000);

#[test]
fn a_call_that_is_too_late_to_be_sent_fails_and_keeps_nothing() {
    // The relay gets each call after its deadline, so that its own call fails on the spot.
    let late = LinkConfig {
        latency: Sampler::Constant(Span::from_millis(60)),
        deadline: Some(Span::from_millis(50)),
        ..plain()
    };
    for fallback in [None, Some(Fallback { after: Span::ZERO }), Some(Fallback { after: Span::from_millis(1) })] {
        let second = LinkConfig { fallback, ..plain() };
        let mut sim = chain_of(Span::from_millis(10), vec![Toy::Relay, ok_after(1)], &[late.clone(), second]);
        sim.run_until(at(10_000));
        conserved(&mut sim);
        assert_eq!(sent(&mut sim, 1), 0);
        assert!(sim.count_at(NodeId(1)) <= 2, "{} calls stay with the relay", sim.count_at(NodeId(1)));
        assert!(sim.operations() < 40, "{} operations", sim.operations());
    }
}

#[test]
fn a_breaker_takes_the_refusals_of_its_callee_for_what_they_are() {
    let breaker = Some(BreakerConfig { open_for: Span::from_secs(1), minimum_calls: 10, ..BreakerConfig::default() });
    for reason in [Reason::BreakerOpen, Reason::BulkheadFull] {
        let config = LinkConfig { breaker, ..plain() };
        let mut sim = chain(Span::from_millis(10), vec![failing_after(1, 6, reason)], config);
        // Being down opens it; then the trials are refused by the callee itself, the first time.
        sim.schedule(Time::ZERO, Patch::Fault(Place::Node(NodeId(1)), Fault::Kill));
        sim.schedule(at(500), Patch::Fault(Place::Node(NodeId(1)), Fault::Restart));
        sim.run_until(at(10_000));
        let refused = failed(&mut sim, 0, Reason::BreakerOpen);
        assert!(refused > 100);
        sim.run_until(at(20_000));
        conserved(&mut sim);
        assert_eq!(failed(&mut sim, 0, Reason::BreakerOpen), refused, "{reason:?}: it never closed");
    }
}

#[test]
fn copies_that_lose_say_nothing_to_the_breaker() {
    let breaker = Some(BreakerConfig { minimum_calls: 10, failure_share: Ratio(0.1), ..BreakerConfig::default() });
    let config = LinkConfig { breaker, hedge: hedge(1, 2), ..plain() };
    let mut sim = chain(Span::from_millis(10), vec![ok_after(20)], config);
    sim.run_until(at(10_000));
    conserved(&mut sim);
    assert!(failed(&mut sim, 0, Reason::Cancelled) > 1000);
    assert_eq!(failed(&mut sim, 0, Reason::BreakerOpen), 0);
}

#[test]
fn a_bulkhead_that_comes_and_goes_counts_right() {
    let with = LinkConfig { bulkhead: Some(20), ..plain() };
    let mut sim = chain(Span::from_millis(100), vec![ok_after(300)], with.clone());
    for i in 0..20 {
        retune(&mut sim, 1000 + 2000 * i, &plain());
        retune(&mut sim, 2000 + 2000 * i, &with);
    }
    sim.run_until(at(60_000));
    conserved(&mut sim);
    assert_eq!(failed(&mut sim, 0, Reason::BulkheadFull), 0);
    let (guards, there) = (&sim.core().links[0].guards, sim.count_on(LinkId(0)));
    assert_eq!(u64::from(guards[0].in_flight), there);
}

#[test]
fn a_pool_that_comes_goes_and_shrinks_counts_right() {
    let pool = |size| LinkConfig { pool: Some(Pool { size, acquire_timeout: None, connect: Span::ZERO }), ..plain() };
    let mut sim = chain(Span::from_millis(1), vec![ok_after(5)], pool(30));
    for i in 0..20 {
        retune(&mut sim, 100 + 20 * i, &plain());
        retune(&mut sim, 103 + 20 * i, &pool(30));
    }
    retune(&mut sim, 1_000, &pool(2));
    sim.run_until(at(1_020));
    for ms in 1_020..1_200 {
        sim.run_until(at(ms));
        assert!(sim.count_at(NodeId(1)) <= 2, "{} calls over two connections", sim.count_at(NodeId(1)));
        assert_eq!(sim.core().links[0].guards[0].connections, 2);
    }
    conserved(&mut sim);
}

#[test]
fn each_attempt_of_a_retry_may_have_copies() {
    let config = LinkConfig {
        hedge: hedge(10, 1),
        timeout: Some(Span::from_millis(50)),
        retry: retry(3, 50, Jitter::None),
        ..plain()
    };
    let mut sim = chain(ONCE, vec![ok_after(100)], config);
    sim.run_until(at(10_000));
    conserved(&mut sim);
    let counts = &sim.link_tally(LinkId(0)).counts;
    assert_eq!((counts.sent, counts.hedges, counts.retries), (6, 3, 2));
}

#[test]
fn the_hedge_of_an_earlier_attempt_does_not_copy_a_later_one() {
    // Fails after 5 ms, again from 7 to 12 ms: no attempt is as old as 10 ms.
    let config = LinkConfig { hedge: hedge(10, 1), retry: retry(3, 2, Jitter::None), ..plain() };
    let mut sim = chain(Span::from_millis(50), vec![failing_after(5, u64::MAX, Reason::Error)], config);
    sim.run_until(at(10_000));
    let counts = &sim.link_tally(LinkId(0)).counts;
    assert!(counts.retries > 300);
    assert_eq!(counts.hedges, 0);
}

#[test]
fn as_many_calls_and_attempts_as_can_be_asked_for() {
    let many = LinkUse { calls: 40_000.0, ..use_of(0) };
    let mut sim = star(ONCE, vec![(ok_after(1), plain())], vec![(vec![many, many], Wait::All)]);
    sim.run_until(at(1_000));
    conserved(&mut sim);
    assert_eq!((sent(&mut sim, 1), sim.class_tally(ClassId(0)).counts.good), (80_000, 1));

    let config = LinkConfig { hedge: hedge(1, 3), retry: retry(255, 1, Jitter::None), ..plain() };
    let mut sim = chain(ONCE, vec![failing_after(5, u64::MAX, Reason::Error)], config);
    sim.run_until(at(10_000));
    conserved(&mut sim);
    assert_eq!((sent(&mut sim, 0), sim.operations()), (255 * 4, 0));
}

#[test]
fn a_killed_process_tries_nothing_again() {
    for mode in [Mode::Sync, Mode::Async] {
        let config = LinkConfig { mode, retry: retry(50, 1000, Jitter::None), ..plain() };
        let leaf = failing_after(1, u64::MAX, Reason::Error);
        let mut sim = chain_of(Span::from_millis(20), vec![Toy::Relay, leaf], &[plain(), config]);
        sim.schedule(at(10_000), Patch::Fault(Place::Node(NodeId(1)), Fault::Kill));
        sim.run_until(at(10_010));
        let before = sent(&mut sim, 1);
        assert!(before > 1000);
        sim.run_until(at(30_000));
        conserved(&mut sim);
        assert_eq!((sent(&mut sim, 1), sim.operations()), (before, 0));
    }
}

#[test]
fn a_process_that_comes_back_has_its_connections_again() {
    let pool = Some(Pool { size: 2, acquire_timeout: None, connect: Span::from_millis(1) });
    let config = LinkConfig { pool, bulkhead: Some(5), ..plain() };
    let mut sim = chain_of(Span::from_millis(10), vec![Toy::Relay, Toy::Hold], &[plain(), config]);
    for ms in [1_000, 2_000] {
        sim.schedule(at(ms), Patch::Fault(Place::Replica(NodeId(1), 0), Fault::Kill));
        sim.schedule(at(ms + 500), Patch::Fault(Place::Replica(NodeId(1), 0), Fault::Restart));
    }
    sim.run_until(at(3_000));
    conserved(&mut sim);
    // What it had asked for before goes on there.
    assert_eq!((sim.count_at(NodeId(2)), sim.count_on(LinkId(1))), (6, 5));
}

#[test]
fn a_cancellation_passes_through_a_node_that_passes_calls_on() {
    let left = LinkConfig { timeout: Some(Span::from_millis(20)), cancel: true, ..plain() };
    for retry in [None, retry(2, 1, Jitter::None)] {
        let on = LinkConfig { cancel: true, retry, ..plain() };
        let mut sim = chain_of(Span::from_millis(5), vec![Toy::Forward { out: 0 }, Toy::Hold], &[left.clone(), on]);
        sim.run_until(at(10_000));
        conserved(&mut sim);
        assert!(sim.count_at(NodeId(2)) < 20, "{}", sim.count_at(NodeId(2)));
        assert!(matches!(sim.behaviour(NodeId(1)), Toy::Forward { out } if *out < 20));
        assert!(sim.operations() < 20);
    }
}

#[test]
fn who_no_longer_waits_for_a_connection_is_not_kept() {
    let acquire_timeout = Some(Span::from_millis(1));
    let config = LinkConfig { pool: Some(Pool { size: 1, acquire_timeout, connect: Span::ZERO }), ..plain() };
    let mut sim = chain(Span(100_000), vec![Toy::Hold], config);
    sim.run_until(at(2_000));
    let waiting = sim.core().links[0].guards[0].waiting.len();
    assert!(waiting <= 64, "{waiting} entries for some ten that wait");
}

#[test]
fn what_is_lost_with_nobody_waiting_is_not_kept() {
    for (retry, hedge, fallback) in [
        (retry(2, 1, Jitter::None), None, None),
        (None, hedge(1, 1), None),
        (None, None, Some(Fallback { after: Span::from_millis(1) })),
    ] {
        let config = LinkConfig { mode: Mode::Async, loss: 0.3, retry, hedge, fallback, ..plain() };
        let mut sim = chain_of(Span::from_millis(1), vec![Toy::Relay, ok_after(2)], &[plain(), config]);
        sim.run_until(at(2_000));
        conserved(&mut sim);
        assert!(failed(&mut sim, 1, Reason::Lost) > 500);
        assert!(sim.operations() < 30 && sim.in_flight() < 30, "{} {}", sim.operations(), sim.in_flight());
    }
}

#[test]
fn jitter_does_not_change_what_the_network_does() {
    let latency = |jitter| {
        let config = LinkConfig { latency: Sampler::Exponential(1e7), retry: retry(3, 50, jitter), ..plain() };
        let mut sim = chain(ONCE, vec![failing_after(1, 2, Reason::Error)], config);
        sim.run_until(at(10_000));
        let counts = &sim.link_tally(LinkId(0)).counts;
        assert_eq!((counts.sent, counts.succeeded), (3, 1));
        counts.latency_ns
    };
    assert_eq!(latency(Jitter::None), latency(Jitter::Full));
}

#[test]
fn the_failure_of_who_can_be_done_without_is_no_success() {
    let optional = LinkConfig { optional: true, ..plain() };
    for wait in [Wait::First, Wait::Of(2)] {
        let leaves = vec![(failing_after(1, u64::MAX, Reason::Error), optional.clone()), (ok_after(10), plain())];
        let mut sim = star(Span::from_millis(50), leaves, vec![(vec![use_of(0), use_of(1)], wait)]);
        sim.run_until(at(2_000));
        let counts = sim.class_tally(ClassId(0)).counts.clone();
        assert!(counts.good > 20);
        assert_eq!(counts.latency_ns, counts.good * 10 * MS, "{wait:?}");
    }
}

#[test]
fn a_failure_of_which_no_call_took_care_is_one() {
    let when = When { after: WhenAfter::Failure(1), ..When::default() };
    let care = LinkUse { when, calls: 1e-9, ..use_of(1) };
    let leaves = vec![(failing_after(1, u64::MAX, Reason::Error), plain()), (ok_after(1), plain())];
    let mut sim = star(Span::from_millis(50), leaves, vec![(vec![use_of(0)], Wait::All), (vec![care], Wait::All)]);
    sim.run_until(at(2_000));
    let counts = sim.class_tally(ClassId(0)).counts.clone();
    assert_eq!((counts.good, sent(&mut sim, 2)), (0, 0));
    assert!(counts.failed[Reason::Error as usize] > 20);
}

#[test]
fn one_is_chosen_for_all_calls_of_a_step_among_those_that_are_due() {
    let leaves = || vec![(ok_after(1), plain()), (ok_after(1), plain())];
    let again = || (vec![use_of(0)], Wait::Chosen);
    let mut sim =
        star(Span::from_millis(5), leaves(), vec![(vec![use_of(0), use_of(1)], Wait::Choose), again(), again()]);
    sim.run_until(at(10_000));
    let (thrice, once, all) = (sent(&mut sim, 1), sent(&mut sim, 2), sent(&mut sim, 0));
    assert!((thrice / 3 + once).abs_diff(all) <= 1, "{thrice}, {once} of {all}");
    assert!((0.4..0.6).contains(&(once as f64 / all as f64)), "{once} of {all}");

    let rarely = LinkUse { when: When { probability: 0.5, ..When::default() }, ..use_of(1) };
    let never = LinkUse { when: When { after: WhenAfter::Miss(1), ..When::default() }, ..use_of(1) };
    for (other, share) in [(rarely, 0.25), (never, 0.0)] {
        let mut sim = star(Span::from_millis(5), leaves(), vec![(vec![use_of(0), other], Wait::Choose)]);
        sim.run_until(at(10_000));
        let (one, two, all) = (sent(&mut sim, 1), sent(&mut sim, 2), sent(&mut sim, 0));
        assert_eq!(one + two, all, "one of them is always called");
        assert!((two as f64 / all as f64 - share).abs() < 0.05, "{two} of {all}");
    }
}
