use super::*;

fn targets(n: u64) -> Vec<Target> {
    (0..n).map(|i| Target::new(i, 1.0)).collect()
}

fn counts(balance: Balance, targets: &mut [Target], picks: u32) -> Vec<u32> {
    let (mut picker, mut rng) = (Picker::new(balance), Rng::seeded(6));
    picker.refresh(targets);
    let mut counts = vec![0; targets.len()];
    for i in 0..picks {
        if let Some(target) = picker.pick(targets, Time(u64::from(i)), u64::from(i), i, &mut rng) {
            counts[target] += 1;
        }
    }
    counts
}

#[test]
fn each_way_of_balancing_spreads_as_it_should() {
    let ways = [
        Balance::RoundRobin,
        Balance::Random,
        Balance::Weighted,
        Balance::LeastConnections,
        Balance::PowerOfChoices { choices: 2, replacement: false },
        Balance::PeakEwma { decay: Span::from_secs(1) },
        Balance::IpHash,
        Balance::ConsistentHash { virtual_nodes: 200, bound: 1.25 },
    ];
    for balance in ways {
        let counts = counts(balance, &mut targets(5), 10_000);
        assert!(counts.iter().all(|n| (1_400..2_600).contains(n)), "{balance:?}: {counts:?}");
    }
    let mut weighted = [Target::new(0, 1.0), Target::new(1, 3.0)];
    assert_eq!(counts(Balance::Weighted, &mut weighted, 400), [100, 300]);
}

#[test]
fn what_is_not_usable_is_not_picked() {
    let mut targets = targets(4);
    targets[2].usable = false;
    for balance in
        [Balance::RoundRobin, Balance::LeastConnections, Balance::ConsistentHash { virtual_nodes: 50, bound: 2.0 }]
    {
        assert_eq!(counts(balance, &mut targets, 1_000)[2], 0, "{balance:?}");
    }
}

#[test]
fn the_least_loaded_wins() {
    let mut targets = targets(3);
    for (target, load) in targets.iter_mut().zip([4, 1, 2]) {
        (target.load, target.seen) = (load, load);
    }
    assert_eq!(counts(Balance::LeastConnections, &mut targets, 100), [0, 100, 0]);
    let best = Balance::PowerOfChoices { choices: 3, replacement: false };
    assert_eq!(counts(best, &mut targets, 100), [0, 100, 0]);
}

/// A target more in the middle of the list takes keys from the others; no key moves between those.
#[test]
fn consistent_hashing_goes_by_identity() {
    let balance = Balance::ConsistentHash { virtual_nodes: 100, bound: f64::INFINITY };
    let pick = |identities: &[u64]| {
        let (mut picker, mut rng) = (Picker::new(balance), Rng::seeded(6));
        let mut targets: Vec<Target> = identities.iter().map(|i| Target::new(*i, 1.0)).collect();
        picker.refresh(&targets);
        let picks = (0..2_000).filter_map(|key| picker.pick(&mut targets, Time(0), key, 0, &mut rng));
        picks.map(|i| identities[i]).collect::<Vec<u64>>()
    };
    let moved: Vec<(u64, u64)> =
        pick(&[1, 2, 3]).into_iter().zip(pick(&[1, 9, 2, 3])).filter(|(before, after)| before != after).collect();
    assert!((300..=700).contains(&moved.len()), "{}", moved.len());
    assert!(moved.iter().all(|(_, after)| *after == 9));
}

/// Two targets of three answer; the third keeps its calls and is left alone.
#[test]
fn peak_ewma_avoids_who_has_answered_nothing_yet() {
    let decay = Span::from_secs(10);
    let (mut picker, mut rng) = (Picker::new(Balance::PeakEwma { decay }), Rng::seeded(6));
    let mut targets = targets(3);
    picker.refresh(&targets);
    for i in 0..1_000 {
        let now = Time(i * 10_000_000);
        let picked = picker.pick(&mut targets, now, 0, 0, &mut rng).expect("somebody");
        if picked == 2 {
            targets[2].seen += 1;
        } else {
            picker.learn(&mut targets[picked], Span::from_millis(5), now);
        }
    }
    assert!(targets[2].seen <= 2, "{}", targets[2].seen);
}

/// A balancer whose information is old goes by what it has seen, not by what is.
#[test]
fn every_way_that_looks_at_the_load_sees_the_old_one() {
    let ways = [
        Balance::LeastConnections,
        Balance::PowerOfChoices { choices: 2, replacement: false },
        Balance::PeakEwma { decay: Span::from_secs(1) },
        Balance::ConsistentHash { virtual_nodes: 100, bound: 1.0 },
    ];
    for balance in ways {
        let mut targets = targets(2);
        for (target, (load, seen)) in targets.iter_mut().zip([(50, 2), (0, 10)]) {
            (target.load, target.seen, target.ewma) = (load, seen, 1e6);
        }
        assert_eq!(counts(balance, &mut targets, 100), [100, 0], "{balance:?}");
    }
}
