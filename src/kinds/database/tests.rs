//! What a database keeps to itself: nothing of calls that are gone.

use super::*;
use crate::base::Dist;
use crate::engine::{LinkConfig, Patch, Place, Sim};
use crate::kinds::testing::{NODE, at, sim};
use crate::kinds::{Spec as AnySpec, State};

fn database(sim: &Sim<State>) -> &Database {
    let State::Database(database) = sim.behaviour(NODE) else { panic!("a database") };
    database
}

/// Calls that waited for a quorum when their coordinator was killed are answered, and what was kept for them goes.
#[test]
fn of_killed_calls_nothing_is_kept() {
    let spec = Spec {
        replication: Replication::Quorum { r: 2, w: 2 },
        replicas: 3,
        connections: 1_000,
        read_there: Dist::constant(Span::from_secs(1)),
        ..Spec::default()
    };
    let mut sim = sim("client(rate: \"300/s\")", AnySpec::Database(spec), LinkConfig::default());
    for replica in 0..3 {
        sim.schedule(at(500), Patch::Fault(Place::Replica(NODE, replica), Fault::Kill));
    }
    sim.run_until(at(499));
    assert!(database(&sim).pending.len() > 100, "{}", database(&sim).pending.len());
    sim.run_until(at(501));
    assert_eq!(database(&sim).pending.len(), 0);
}

/// A frozen database serves nobody, so that those who give up waiting are never reached in its queue.
#[test]
fn those_who_gave_up_do_not_pile_up_in_a_queue() {
    let config = LinkConfig { timeout: Some(Span::from_millis(10)), cancel: true, ..LinkConfig::default() };
    let mut sim = sim("client(rate: \"5k/s\")", AnySpec::Database(Spec::default()), config);
    sim.schedule(at(100), Patch::Fault(Place::Node(NODE), Fault::Freeze));
    sim.run_until(at(2_000));
    // Its debug form shows every entry of the queue.
    let entries = format!("{:?}", database(&sim).stations[0]).matches("CallId").count();
    assert!((20..=250).contains(&entries), "{entries} entries where 50 wait");
}
