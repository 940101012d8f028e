//! A cache beside a service: who asks it, whether anything fills it, and whether the store is asked all the same.

use super::flow::{Classes, Flow, walks};
use crate::base::{Finding, Subject};
use crate::design::{Design, LinkSpec, OperationSpec};
use crate::engine::Role;
use crate::kinds::Spec;

/// A service that asks a cache beside it, and what is missing from cache-aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// The link to the cache.
    pub ask: LinkSpec,
    /// The link to the store: of those that are used whatever the cache answers the first, or one that waits for a miss.
    pub store: Option<LinkSpec>,
    /// Whether the store is asked after a miss only.
    pub after_miss: bool,
    /// Whether some link writes to the cache.
    pub is_filled: bool,
    /// The classes that read through cache and store, and those that write.
    pub reads: Vec<String>,
    pub writes: Vec<String>,
}

/// Every service that asks a cache beside it.
pub fn asides(design: &Design) -> Vec<Aside> {
    let Some(flow) = Flow::of(design) else { return Vec::new() };
    let beside = |name: &str, kind: &Spec| kind.meta().role == Role::Cache && flow.outs(name).is_empty();
    let caches = design.nodes.iter().filter(|(name, node)| beside(name, &node.kind));
    caches.flat_map(|(name, _)| of_cache(&flow, name)).collect()
}

fn reads_key(link: &LinkSpec) -> bool {
    !matches!(link.operation, Some(OperationSpec::Write | OperationSpec::Delete))
}

/// What a node may get, or would get if a client were there.
fn expected(flow: &Flow, node: &str) -> Classes {
    let all = (1u128 << flow.classes.len()) - 1;
    if flow.at(node) == 0 { all as Classes } else { flow.at(node) }
}

fn of_cache(flow: &Flow, cache: &str) -> Vec<Aside> {
    let (design, writes) = (flow.design, flow.writes());
    let ins = || flow.ins(cache).iter().map(|&i| &design.links[i]);
    let carries = |link: &LinkSpec| expected(flow, &link.from) & flow.of_classes(link);
    let is_filled = ins().any(|link| match link.operation {
        Some(operation) => operation == OperationSpec::Write,
        None => carries(link) & writes != 0,
    });
    let mut asides = Vec::new();
    for ask in
        ins().filter(|link| reads_key(link) && link.when.after_miss.is_none() && link.when.after_failure.is_none())
    {
        let reads = carries(ask) & !writes;
        let Some(caller) = design.nodes.get(&ask.from).filter(|_| reads != 0) else { continue };
        let stores = flow.outs(&ask.from).iter().map(|&i| &design.links[i]).filter(|link| {
            let keeps = design.nodes.get(&link.to).map(|node| node.kind.meta());
            keeps.is_some_and(|meta| meta.role == Role::Store)
                && walks(&caller.kind)
                && reads_key(link)
                && carries(link) & reads != 0
        });
        let of_ask = |link: &&LinkSpec| {
            let other = link.when.after_miss.as_ref().and_then(|other| flow.sibling(link, other));
            other.is_some_and(|other| other.name() == ask.name())
        };
        let free = |link: &&LinkSpec| link.when.after_miss.is_none() && link.when.after_failure.is_none();
        let conditional = stores.clone().find(of_ask);
        let store = conditional.or_else(|| stores.clone().find(free));
        let through = store.map_or(0, carries);
        asides.push(Aside {
            ask: ask.clone(),
            after_miss: conditional.is_some(),
            store: store.cloned(),
            is_filled,
            reads: names(flow, reads & through),
            writes: names(flow, through & writes),
        });
    }
    asides
}

fn names(flow: &Flow, classes: Classes) -> Vec<String> {
    flow.names(classes).into_iter().map(str::to_owned).collect()
}

pub fn check(design: &Design, findings: &mut Vec<Finding>) {
    let mut told: Vec<&str> = Vec::new();
    let asides = asides(design);
    for aside in &asides {
        let (caller, cache) = (aside.ask.from.as_str(), aside.ask.to.as_str());
        if aside.is_filled && (aside.store.is_none() || aside.after_miss) || told.contains(&cache) {
            continue;
        }
        told.push(cache);
        let (code, message, remedy) = match &aside.store {
            None => (
                "never-filled",
                format!(
                    "nothing fills `{cache}`: no store is behind it, and no link writes to it, so that every read misses"
                ),
                format!("draw a link from `{cache}` to its store, or one from `{caller}` with `operation: Write`"),
            ),
            Some(_) if aside.after_miss => (
                "never-filled",
                format!(
                    "nothing fills `{cache}`: `{caller}` asks it first and never writes to it, so that every read misses"
                ),
                "add a later link to it with `operation: Write` and the same condition".to_owned(),
            ),
            Some(store) => {
                let store = &store.to;
                let nothing = if aside.is_filled { "" } else { "; nothing fills it either" };
                (
                    if aside.is_filled { "asked-anyway" } else { "never-filled" },
                    format!(
                        "`{caller}` calls `{cache}` and `{store}` on every request, so that the cache saves nothing{nothing}"
                    ),
                    format!(
                        "cache-aside: call `{store}` in a later step `when: (after_miss: \"{cache}\")`, and then fill the cache"
                    ),
                )
            }
        };
        findings.push(Finding::warning(code, Subject::of(["nodes", cache]), message).with_remedy(remedy));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::told;

    const NODES: &str =
        r#""u": (kind: client()), "a": (kind: service()), "k": (kind: cache()), "d": (kind: database())"#;

    fn codes(links: &str) -> Vec<String> {
        let said = told(NODES, &format!(r#"(from: "u", to: "a"), {links}"#), "");
        said.iter().map(|said| said.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_cache_beside_a_service_is_asked_first_and_filled() {
        assert_eq!(codes(r#"(from: "a", to: "k"), (from: "a", to: "d")"#), ["warning never-filled nodes.k"]);
        assert_eq!(
            codes(r#"(from: "a", to: "k"), (from: "a", to: "d", step: 2, when: (after_miss: "k"))"#),
            ["warning never-filled nodes.k"]
        );
        let filled = r#"(from: "a", to: "k", name: "fill", step: 3, operation: Write, when: (after_miss: "k"))"#;
        assert_eq!(
            codes(&format!(
                r#"(from: "a", to: "k"), (from: "a", to: "d", step: 2, when: (after_miss: "k")), {filled}"#
            )),
            [""; 0]
        );
        assert_eq!(
            codes(&format!(r#"(from: "a", to: "k"), (from: "a", to: "d", step: 2), {filled}"#)),
            ["warning asked-anyway nodes.k"]
        );
        // In the path it fetches by itself.
        assert_eq!(codes(r#"(from: "a", to: "k"), (from: "k", to: "d")"#), [""; 0]);
    }
}
