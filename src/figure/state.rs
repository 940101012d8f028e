//! What the timeline does to a design at an instant, in words.

use super::axis::text;
use crate::base::Time;
use crate::design::{Action, Design, Extra, Intervention};
use crate::engine::Unit;

/// What is done at that instant, the latest last. What has been healed, or is over, is gone.
pub fn active(design: &Design, at: Time) -> Vec<&Intervention> {
    let mut order: Vec<&Intervention> = design.timeline.iter().collect();
    order.sort_by_key(|intervention| intervention.at);
    let mut active: Vec<&Intervention> = Vec::new();
    for intervention in order.into_iter().filter(|intervention| intervention.at.0 <= at.0) {
        if let Action::Heal(target) = &intervention.action {
            active.retain(|other| !other.action.targets().contains(&target.as_str()));
        }
        let lasts = intervention.lasting.is_none_or(|lasting| (intervention.at + lasting).0 > at.0);
        let is_state = !matches!(intervention.action, Action::Heal(_) | Action::Flush(_) | Action::Set(..));
        if lasts && is_state {
            active.push(intervention);
        }
    }
    active
}

/// In a few words, without the target.
pub fn brief(action: &Action) -> String {
    match action {
        Action::Set(path, value) => {
            let parameter = path.rsplit_once('.').map_or(path.as_str(), |(_, parameter)| parameter);
            format!("{parameter} = {value}")
        }
        Action::Kill(_) => "killed".to_owned(),
        Action::Restart(_) => "restarting".to_owned(),
        Action::Slow(_, factor) => format!("slow ×{factor}"),
        Action::Fail(_, share) => format!("errors {}", text(share.0, Unit::Share)),
        Action::Lose(_, share) => format!("loses {}", text(share.0, Unit::Share)),
        Action::Delay(_, Extra::Both(span)) => format!("+{span} each way"),
        Action::Delay(_, Extra::There(span)) => format!("+{span} there"),
        Action::Delay(_, Extra::Back(span)) => format!("+{span} back"),
        Action::Partition(..) => "cut off".to_owned(),
        Action::Hold(_) => "held".to_owned(),
        Action::Freeze(_) => "frozen".to_owned(),
        Action::Flush(_) => "flushed".to_owned(),
        Action::Pause(_) => "paused".to_owned(),
        Action::Spike(_, factor) => format!("traffic ×{factor}"),
        Action::Heal(_) => "healed".to_owned(),
    }
}

/// In words, with its targets.
pub fn sentence(action: &Action) -> String {
    match action {
        Action::Partition(a, b) => format!("{} cut off from {}", a.join(", "), b.join(", ")),
        other => format!("{} {}", other.targets().join(", "), brief(other)),
    }
}

/// What is done to a node, or to its replicas.
pub fn of_node(active: &[&Intervention], name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for intervention in active {
        for target in intervention.action.targets() {
            let replica = target.strip_prefix(name).and_then(|rest| rest.strip_prefix('#'));
            if target == name {
                words.push(brief(&intervention.action));
            } else if let Some(replica) = replica {
                words.push(format!("#{replica} {}", brief(&intervention.action)));
            }
        }
    }
    words.dedup();
    words
}

/// Whether nothing passes over a link from one node to another.
pub fn is_broken(active: &[&Intervention], link: &str, from: &str, to: &str) -> bool {
    active.iter().any(|intervention| match &intervention.action {
        Action::Hold(target) => target == link,
        Action::Lose(target, share) => target == link && share.0 >= 1.0,
        Action::Partition(a, b) => {
            let has = |side: &[String], name: &str| side.iter().any(|other| other == name);
            has(a, from) && has(b, to) || has(b, from) && has(a, to)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Ratio, Span};

    #[test]
    fn what_is_over_or_healed_is_gone() {
        let of = |at: u64, lasting: Option<u64>, action: Action| Intervention {
            at: Span::from_secs(at),
            lasting: lasting.map(Span::from_secs),
            ramp: None,
            action,
        };
        let design = Design {
            timeline: vec![
                of(10, Some(5), Action::Kill("db".to_owned())),
                of(5, None, Action::Slow("api".to_owned(), 3.0)),
                of(20, None, Action::Heal("api".to_owned())),
                of(21, None, Action::Lose("api->db".to_owned(), Ratio(1.0))),
            ],
            ..Design::default()
        };
        let at = |second: u64| active(&design, Time(second * 1_000_000_000));
        assert_eq!(of_node(&at(12), "db"), ["killed"]);
        assert_eq!(of_node(&at(12), "api"), ["slow ×3"]);
        assert!(of_node(&at(15), "db").is_empty() && of_node(&at(20), "api").is_empty());
        assert!(is_broken(&at(22), "api->db", "api", "db") && !is_broken(&at(20), "api->db", "api", "db"));
    }
}
