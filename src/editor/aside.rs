//! Cache-aside: what makes of a service with a link to a cache and one to a store that the cache is asked first, the store
//! after a miss, and the cache filled with what the store answered. A write goes to the store, and then throws the key
//! out of the cache.

use super::edit::{Edit, apply};
use super::{names, wiring};
use crate::design::checks::aside::{Aside, asides};
use crate::design::{Design, LinkSpec, ModeSpec, OperationSpec, WhenSpec};

/// The edit that makes cache-aside of what a service does with a cache, if it does not do so yet.
pub fn of_cache(design: &Design, caller: &str, cache: &str) -> Option<Edit> {
    let aside = asides(design).into_iter().find(|aside| aside.ask.from == caller && aside.ask.to == cache)?;
    edit(design, &aside)
}

/// The same, for the first service that asks this cache in another way.
pub fn of_any_caller(design: &Design, cache: &str) -> Option<Edit> {
    let mut found = asides(design).into_iter().filter(|aside| aside.ask.to == cache);
    found.find_map(|aside| edit(design, &aside))
}

/// A new link, and where it joins a service that has a link to a cache and one to a store by now, cache-aside.
pub fn connect(design: &Design, from: &str, to: &str) -> Edit {
    with_aside(design, Edit::add_link(wiring::new_link(design, from, to)))
}

/// What adds one link, with what makes cache-aside of it.
pub fn with_aside(design: &Design, link: Edit) -> Edit {
    let Edit::Add { links, .. } = &link else { return link };
    let [LinkSpec { from, to, .. }] = links.as_slice() else { return link };
    let aside = apply(design, &link).ok().and_then(|edited| {
        let new = |aside: &Aside| aside.ask.to == *to || aside.store.as_ref().is_some_and(|store| store.to == *to);
        let found = asides(&edited.design).into_iter().find(|aside| aside.ask.from == *from && new(aside))?;
        // One that was half made by hand is left as it is.
        edit(&edited.design, &found).filter(|_| !found.after_miss && !found.is_filled)
    });
    match aside {
        Some(aside) => Edit::All(vec![link, aside]),
        None => link,
    }
}

fn edit(design: &Design, aside: &Aside) -> Option<Edit> {
    let store = aside.store.as_ref()?;
    if aside.after_miss && aside.is_filled {
        return None;
    }
    let ask = &aside.ask;
    let splits = !aside.writes.is_empty();
    let reads = if splits { aside.reads.clone() } else { ask.when.classes.clone() };
    let condition = WhenSpec { classes: reads.clone(), after_miss: Some(ask.to.clone()), ..WhenSpec::default() };
    let mut edits = Vec::new();
    let mut later = store.step;
    if !aside.after_miss {
        if splits {
            edits.push(set(ask, "when", &WhenSpec { classes: reads, ..ask.when.clone() }));
        }
        later = store.step.max(ask.step.saturating_add(1));
        let classes = if splits { condition.classes.clone() } else { store.when.classes.clone() };
        edits.push(set(store, "step", &later));
        edits.push(set(
            store,
            "when",
            &WhenSpec { classes, after_miss: condition.after_miss.clone(), ..store.when.clone() },
        ));
        edits.push(set(store, "wait", &wait(design, &ask.from, later, &store.name())));
    }
    let mut taken = Vec::new();
    let mut name = |wanted: String| {
        let name =
            names::fresh(&wanted, |name| wiring::is_taken(design, name) || taken.iter().any(|other| other == name));
        taken.push(name.clone());
        Some(name)
    };
    let of_cache = |step: u16| LinkSpec {
        step,
        latency: ask.latency.clone(),
        latency_back: None,
        mode: ModeSpec::Async,
        wait: wait(design, &ask.from, step, ""),
        ..LinkSpec::new(&ask.from, &ask.to)
    };
    let mut links = Vec::new();
    if !aside.is_filled || splits {
        links.push(LinkSpec {
            name: name(format!("fill {}", ask.to)),
            when: condition,
            operation: Some(OperationSpec::Write),
            ..of_cache(later.saturating_add(1))
        });
    }
    if splits && !aside.after_miss {
        let writes = WhenSpec { classes: aside.writes.clone(), ..WhenSpec::default() };
        let write = name(format!("write {}", store.to));
        links.push(LinkSpec { name: write, when: writes.clone(), ..store.clone() });
        links.push(LinkSpec {
            name: name(format!("invalidate {}", ask.to)),
            when: writes,
            operation: Some(OperationSpec::Delete),
            ..of_cache(store.step.saturating_add(1))
        });
    }
    edits.extend(links.into_iter().map(Edit::add_link));
    Some(Edit::All(edits))
}

fn set<T: serde::Serialize + serde::de::DeserializeOwned>(link: &LinkSpec, param: &str, value: &T) -> Edit {
    let text = crate::kinds::Value::text(value);
    Edit::Set { targets: vec![link.name()], param: param.to_owned(), text }
}

/// Links of one step wait in one way.
fn wait(design: &Design, from: &str, step: u16, but: &str) -> crate::design::WaitSpec {
    let others = design.links.iter().filter(|link| link.from == from && link.step == step && link.name() != but);
    others.map(|link| link.wait).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(client: &str, links: &str) -> Design {
        let text = format!(
            r#"(nodes: {{
                "u": (kind: client(rate: "200/s", keys: Uniform(keys: 100){client})), "api": (kind: service()),
                "cache": (kind: cache()), "db": (kind: database()),
            }}, links: [(from: "u", to: "api"){links}])"#
        );
        crate::base::ron::read(&text).into_result().unwrap_or_else(|e| panic!("{e:?}"))
    }

    #[test]
    fn the_second_arrow_makes_cache_aside() {
        for (first, second) in [("cache", "db"), ("db", "cache")] {
            let before = design("", &format!(r#", (from: "api", to: "{first}")"#));
            let after = apply(&before, &connect(&before, "api", second)).expect("an edit").design;
            assert_eq!(crate::design::checks::check(&after), [], "{first} first");
            let steps = |name: &str| after.link(name).map(|link| (link.step, link.when.after_miss.clone()));
            assert_eq!(steps("api->cache"), Some((1, None)));
            assert_eq!(steps("api->db"), Some((2, Some("cache".to_owned()))));
            assert_eq!(steps("fill cache"), Some((3, Some("cache".to_owned()))));
        }
        // A service with one store has nothing to ask first.
        let plain = design("", "");
        assert!(matches!(connect(&plain, "api", "db"), Edit::Add { .. }));
    }

    #[test]
    fn writes_go_to_the_store_and_throw_the_key_out() {
        let before = design(
            r#", classes: { "read": (weight: 9), "write": (write: true) }"#,
            r#", (from: "api", to: "cache"), (from: "api", to: "db")"#,
        );
        let after = apply(&before, &of_cache(&before, "api", "cache").expect("a remedy")).expect("an edit").design;
        assert_eq!(crate::design::checks::check(&after), []);
        let classes = |name: &str| after.link(name).map(|link| (link.step, link.when.classes.join(" ")));
        for (name, step, class) in [
            ("api->cache", 1, "read"),
            ("api->db", 2, "read"),
            ("fill cache", 3, "read"),
            ("write db", 1, "write"),
            ("invalidate cache", 2, "write"),
        ] {
            assert_eq!(classes(name), Some((step, class.to_owned())), "{name}");
        }
        assert_eq!(of_cache(&after, "api", "cache"), None, "it is made");
    }
}
