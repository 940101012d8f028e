//! What is kept of journeys is what happened.

use super::*;

const MS: u64 = 1_000_000;

fn at(ms: u64) -> Time {
    Time(ms * MS)
}

fn takes(there: u64, back: u64) -> LinkConfig {
    LinkConfig {
        latency: Sampler::Constant(Span::from_millis(there)),
        latency_back: Sampler::Constant(Span::from_millis(back)),
        ..LinkConfig::default()
    }
}

fn answer(after: u64, failures: u64) -> Toy {
    Toy::Answer { after: Span::from_millis(after), failures, reason: Reason::Error }
}

/// A single request over these links.
fn once(tail: Vec<Toy>, configs: &[LinkConfig]) -> Sim<Toy> {
    let mut sim = chain_of(Span::from_secs(1_000_000), tail, configs);
    sim.trace(1);
    sim
}

fn passage(left: u64, arrives: u64) -> Passage {
    Passage { left: at(left), arrives: at(arrives) }
}

#[test]
fn a_journey_is_kept_with_its_times() {
    let mut sim = once(vec![Toy::Relay, answer(10, 0)], &[takes(1, 2), takes(3, 4)]);
    sim.run_until(at(2));
    // The second request was sent at 1 ms and takes 3.
    let under_way: Vec<_> = sim.hops().filter_map(|(_, hop)| hop.leg(sim.now())).collect();
    assert_eq!(under_way, [(Leg::AtCallee, 1.0), (Leg::There, 1.0 / 3.0)]);
    sim.run_until(at(16));
    let under_way: Vec<_> = sim.hops().filter_map(|(_, hop)| hop.leg(sim.now())).collect();
    assert_eq!(under_way, [(Leg::AtCallee, 1.0), (Leg::Back, 0.5)]);
    sim.run_until(at(100));
    let journeys = sim.take_journeys();
    assert_eq!(journeys.len(), 1);
    let [first, second] = journeys[0].hops.as_slice() else { panic!("{journeys:?}") };
    assert_eq!(
        (first.sent, first.request, first.reply, first.settled),
        (at(0), passage(0, 1), passage(18, 20), at(20))
    );
    assert_eq!((second.sent, second.request, second.reply), (at(1), passage(1, 4), passage(14, 18)));
    assert_eq!((first.parent, second.parent, second.outcome), (None, Some(0), Ok(())));
    assert_eq!((journeys[0].begin(), journeys[0].end()), (at(0), at(20)));
    assert_eq!(sim.hops().count(), 0, "nothing is kept of what is over");
}

#[test]
fn retries_and_what_was_given_up_are_of_one_journey() {
    let backoff = crate::parts::backoff::Backoff { base: Span::from_millis(100), ..Default::default() };
    let config = LinkConfig {
        timeout: Some(Span::from_millis(5)),
        retry: Some(Retry { attempts: 2, backoff, budget: None }),
        ..takes(1, 1)
    };
    let mut sim = once(vec![answer(20, 0)], &[config]);
    sim.run_until(at(1_000));
    let journeys = sim.take_journeys();
    assert_eq!(journeys.len(), 1, "{journeys:?}");
    let hops = &journeys[0].hops;
    assert_eq!(hops.iter().map(|hop| hop.attempt).collect::<Vec<_>>(), [1, 2]);
    for hop in hops {
        assert_eq!(hop.outcome, Err(Reason::Timeout));
        assert_eq!(hop.settled.since(hop.sent), Span::from_millis(5));
        // The callee went on with it.
        assert_eq!(hop.reply.left.since(hop.sent), Span::from_millis(21));
    }
}

#[test]
fn a_lost_message_arrives_never_and_a_failure_is_one_on_its_way_back() {
    let lossy = LinkConfig { loss: 1.0, timeout: Some(Span::from_millis(9)), ..takes(1, 1) };
    let mut sim = once(vec![answer(20, 0)], &[lossy]);
    sim.run_until(at(100));
    let journeys = sim.take_journeys();
    let hop = journeys[0].hops[0];
    assert_eq!((hop.request.left, hop.request.arrives, hop.settled), (at(0), Time::NEVER, at(9)));
    assert!((0..10).all(|ms| hop.leg(at(ms)).is_none()));

    let mut sim = once(vec![answer(5, 1)], &[takes(2, 2)]);
    sim.run_until(at(8));
    let (_, hop) = sim.hops().next().expect("a reply on its way");
    assert_eq!((hop.leg(at(8)), hop.outcome), (Some((Leg::Back, 0.5)), Err(Reason::Error)));
}

#[test]
fn what_nobody_waits_for_belongs_to_the_call_that_caused_it() {
    let asynchronous = LinkConfig { mode: Mode::Async, ..takes(5, 5) };
    let mut sim = once(vec![Toy::Relay, answer(1, 0)], &[takes(1, 1), asynchronous]);
    sim.run_until(at(100));
    let journeys = sim.take_journeys();
    assert_eq!(journeys.len(), 1);
    let hops = &journeys[0].hops;
    assert_eq!((hops.len(), hops[1].parent), (2, Some(0)));
    assert_eq!((hops[0].settled, hops[1].request), (at(2), passage(1, 6)));
}

#[test]
fn the_sample_stays_small_and_all_of_it_ends() {
    // A million seconds of work for each request: they pile up.
    let build = |every: u64| {
        let mut sim = chain(Span::from_millis(1), vec![Toy::Hold], takes(1, 1));
        sim.trace(every);
        sim.run_until(Time(30_000_000_000));
        sim
    };
    let sim = build(1);
    assert!(sim.traced_every() == 10, "one in {}", sim.traced_every());
    let kept = sim.hops().count() as f64;
    assert!(kept <= MOST_SHOWN as f64 && (kept - sim.in_flight() as f64 / 10.0).abs() < 5.0 * kept.sqrt(), "{kept}");
    let mut sim = build(10);
    sim.trace(0);
    assert_eq!(sim.hops().count(), 0);
    sim.run_until(Time(31_000_000_000));
    assert!(sim.take_journeys().is_empty());
}
