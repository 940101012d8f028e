//! Every change of a design, as plain data, and what it makes of one.

use super::input::Point;
use super::names::{self, Dropped, Renames};
use super::wiring;
use crate::design::{BoardFrame, Design, Expectation, Intervention, LinkSpec, Node, RunSpec, set_parameter};
use std::collections::{BTreeMap, BTreeSet};

/// A change of a design. Nodes and links are given by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// New nodes and links; links may join what is new with what is there.
    Add {
        nodes: BTreeMap<String, Node>,
        links: Vec<LinkSpec>,
    },
    /// Remove these, with all links of the nodes. With `heal`, a node with one link in and one out leaves a link between
    /// its neighbours.
    Remove {
        nodes: Vec<String>,
        links: Vec<String>,
        heal: bool,
    },
    /// Take a node with one link in and one out from between its neighbours, which are joined. It stays.
    Extract {
        node: String,
    },
    /// Put a node into a link: what it joined leads through the node.
    Splice {
        node: String,
        link: String,
    },
    RenameNode {
        from: String,
        to: String,
    },
    /// `None` is the default: `from->to`.
    RenameLink {
        link: String,
        to: Option<String>,
    },
    /// The name shown; empty for the node's own.
    SetLabel {
        node: String,
        label: String,
    },
    /// Upper left corners.
    Move(Vec<(String, Point)>),
    /// Let a link lead from one node to another.
    Rewire {
        link: String,
        from: String,
        to: String,
    },
    /// Set a parameter of nodes or links from text, as `--set` does.
    Set {
        targets: Vec<String>,
        param: String,
        text: String,
    },
    AddIntervention(Intervention),
    SetIntervention(usize, Intervention),
    RemoveIntervention(usize),
    AddExpectation(Expectation),
    SetExpectation(usize, Expectation),
    RemoveExpectation(usize),
    SetTitle(String),
    SetQuestion(String),
    SetNotes(String),
    SetSeed(u64),
    SetRun(RunSpec),
    SetFrames(Vec<BoardFrame>),
    /// One after the other; all of them or none.
    All(Vec<Edit>),
}

/// What an edit has made.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    pub design: Design,
    /// By which names the nodes and links of before are known now.
    pub renames: Renames,
    pub dropped: Dropped,
}

impl Edit {
    /// A new link with these settings.
    pub fn add_link(link: LinkSpec) -> Edit {
        Edit::Add { nodes: BTreeMap::new(), links: vec![link] }
    }

    /// What a menu calls it, after "Undo".
    pub fn title(&self) -> &'static str {
        match self {
            Edit::Add { nodes, .. } if nodes.is_empty() => "link",
            Edit::Add { .. } => "add",
            Edit::Remove { .. } => "delete",
            Edit::Extract { .. } => "extract",
            Edit::Splice { .. } => "insert into link",
            Edit::RenameNode { .. } | Edit::RenameLink { .. } | Edit::SetLabel { .. } => "rename",
            Edit::Move(_) => "move",
            Edit::Rewire { .. } => "rewire",
            Edit::Set { .. } => "change setting",
            Edit::AddIntervention(_) => "add intervention",
            Edit::SetIntervention(..) => "change intervention",
            Edit::RemoveIntervention(_) => "remove intervention",
            Edit::AddExpectation(_) => "add expectation",
            Edit::SetExpectation(..) => "change expectation",
            Edit::RemoveExpectation(_) => "remove expectation",
            Edit::SetTitle(_) => "change title",
            Edit::SetQuestion(_) => "change question",
            Edit::SetNotes(_) => "change notes",
            Edit::SetSeed(_) => "change seed",
            Edit::SetRun(_) => "change run",
            Edit::SetFrames(_) => "change frames",
            Edit::All(edits) => edits.first().map_or("change", Edit::title),
        }
    }
}

/// Make the change.
///
/// # Errors
/// If it speaks of what is not there, or makes what cannot be: a sentence for the person. The design may still have
/// findings afterwards, as a drawing that is not finished has.
pub fn apply(design: &Design, edit: &Edit) -> Result<Edited, String> {
    let mut after = design.clone();
    let mut renames = Renames::new();
    if let Edit::All(edits) = edit {
        let mut dropped = Dropped::default();
        for edit in edits {
            let next = apply(&after, edit)?;
            compose(&mut renames, next.renames);
            dropped.interventions += next.dropped.interventions;
            dropped.expectations += next.dropped.expectations;
            after = next.design;
        }
        return Ok(Edited { design: after, renames, dropped });
    }
    change(&mut after, edit, &mut renames)?;
    let dropped = names::follow(design, &mut after, &renames);
    Ok(Edited { design: after, renames, dropped })
}

/// First these, then those.
fn compose(first: &mut Renames, then: Renames) {
    let made: BTreeSet<String> = first.values().flatten().cloned().collect();
    for new in first.values_mut() {
        if let Some(name) = new
            && let Some(next) = then.get(name)
        {
            new.clone_from(next);
        }
    }
    for (old, new) in then {
        if !made.contains(&old) {
            first.entry(old).or_insert(new);
        }
    }
}

fn change(design: &mut Design, edit: &Edit, renames: &mut Renames) -> Result<(), String> {
    match edit {
        Edit::Add { nodes, links } => add(design, nodes, links)?,
        Edit::Remove { nodes, links, heal } => remove(design, nodes, links, *heal, renames)?,
        Edit::Extract { node } => extract(design, node, renames)?,
        Edit::Splice { node, link } => splice(design, node, link, renames)?,
        Edit::RenameNode { from, to } => rename_node(design, from, to, renames)?,
        Edit::RenameLink { link, to } => rename_link(design, link, to.as_deref(), renames)?,
        Edit::SetLabel { node, label } => node_mut(design, node)?.label.clone_from(label),
        Edit::Move(places) => {
            for (name, at) in places {
                if !(at.0.abs() < 1e7 && at.1.abs() < 1e7) {
                    return Err("that is too far away: a position is two numbers below 10 million".to_owned());
                }
                node_mut(design, name)?.at = Some(*at);
            }
        }
        Edit::Rewire { link, from, to } => rewire(design, link, from, to, renames)?,
        Edit::Set { targets, param, text } => {
            for target in targets {
                set_parameter(design, &format!("{target}.{param}"), text)?;
            }
        }
        Edit::AddIntervention(intervention) => design.timeline.push(intervention.clone()),
        Edit::SetIntervention(i, intervention) => *item(&mut design.timeline, *i)? = intervention.clone(),
        Edit::RemoveIntervention(i) => {
            item(&mut design.timeline, *i)?;
            design.timeline.remove(*i);
        }
        Edit::AddExpectation(expectation) => design.expect.push(expectation.clone()),
        Edit::SetExpectation(i, expectation) => *item(&mut design.expect, *i)? = expectation.clone(),
        Edit::RemoveExpectation(i) => {
            item(&mut design.expect, *i)?;
            design.expect.remove(*i);
        }
        Edit::SetTitle(text) => design.title.clone_from(text),
        Edit::SetQuestion(text) => design.question.clone_from(text),
        Edit::SetNotes(text) => design.notes.clone_from(text),
        Edit::SetSeed(seed) => design.seed = *seed,
        Edit::SetRun(run) => design.run = *run,
        Edit::SetFrames(frames) => design.frames.clone_from(frames),
        Edit::All(_) => debug_assert!(false, "taken apart by `apply`"),
    }
    Ok(())
}

fn item<T>(list: &mut [T], i: usize) -> Result<&mut T, String> {
    list.get_mut(i).ok_or_else(|| format!("there is no number {}", i + 1))
}

fn node_mut<'a>(design: &'a mut Design, name: &str) -> Result<&'a mut Node, String> {
    design.nodes.get_mut(name).ok_or_else(|| format!("there is no node `{name}`"))
}

fn link_index(design: &Design, name: &str) -> Result<usize, String> {
    design.links.iter().position(|link| link.name() == name).ok_or_else(|| format!("there is no link `{name}`"))
}

fn add(design: &mut Design, nodes: &BTreeMap<String, Node>, links: &[LinkSpec]) -> Result<(), String> {
    let mut link_names: BTreeSet<String> = design.links.iter().map(LinkSpec::name).collect();
    for (name, node) in nodes {
        free_for_node(design, &link_names, name)?;
        design.nodes.insert(name.clone(), node.clone());
    }
    for link in links {
        for end in [&link.from, &link.to] {
            node_mut(design, end)?;
        }
        if let Some(problem) = wiring::problem(design, &link.from, &link.to, None) {
            return Err(problem);
        }
        let name = link.name();
        if design.nodes.contains_key(&name) || !link_names.insert(name.clone()) {
            return Err(format!("`{name}` is the name of something else already"));
        }
        design.links.push(link.clone());
    }
    Ok(())
}

fn free_for_node(design: &Design, link_names: &BTreeSet<String>, name: &str) -> Result<(), String> {
    if let Some(problem) = names::problem(name) {
        return Err(problem);
    }
    if design.nodes.contains_key(name) {
        return Err(format!("there is a node `{name}` already"));
    }
    if link_names.contains(name) {
        return Err(format!("`{name}` is the name of a link"));
    }
    Ok(())
}

fn remove(
    design: &mut Design,
    nodes: &[String],
    links: &[String],
    heal: bool,
    renames: &mut Renames,
) -> Result<(), String> {
    for name in links {
        let i = link_index(design, name)?;
        design.links.remove(i);
        renames.insert(name.clone(), None);
    }
    for name in nodes {
        node_mut(design, name)?;
        if heal && wiring::neighbours(design, name).is_some() {
            let mut healed = Renames::new();
            extract(design, name, &mut healed)?;
            compose(renames, healed);
        }
        let touches = |link: &LinkSpec| link.from == *name || link.to == *name;
        let mut gone: Renames = design.links.iter().filter(|link| touches(link)).map(|l| (l.name(), None)).collect();
        design.links.retain(|link| !touches(link));
        gone.insert(name.clone(), None);
        compose(renames, gone);
        design.nodes.remove(name);
    }
    Ok(())
}

fn extract(design: &mut Design, node: &str, renames: &mut Renames) -> Result<(), String> {
    node_mut(design, node)?;
    let Some((inward, outward)) = wiring::neighbours(design, node) else {
        return Err(format!("`{node}` does not have one link in and one link out"));
    };
    let (from, to) = (design.links[inward].from.clone(), design.links[outward].to.clone());
    let (inward, outward) = (design.links[inward].name(), design.links[outward].name());
    let joined = design.links.iter().any(|link| link.from == from && link.to == to);
    let i = link_index(design, &outward)?;
    design.links.remove(i);
    renames.insert(outward, None);
    if joined {
        // They call each other already; a second link would double the calls.
        let i = link_index(design, &inward)?;
        design.links.remove(i);
        renames.insert(inward, None);
        return Ok(());
    }
    rewire(design, &inward, &from, &to, renames)
}

fn splice(design: &mut Design, node: &str, link: &str, renames: &mut Renames) -> Result<(), String> {
    let i = link_index(design, link)?;
    let (from, to) = (design.links[i].from.clone(), design.links[i].to.clone());
    rewire(design, link, &from, node, renames)?;
    let onward = wiring::new_link(design, node, &to);
    add(design, &BTreeMap::new(), &[onward])
}

fn rename_node(design: &mut Design, from: &str, to: &str, renames: &mut Renames) -> Result<(), String> {
    node_mut(design, from)?;
    if from == to {
        return Ok(());
    }
    free_for_node(design, &design.links.iter().map(LinkSpec::name).collect(), to)?;
    if let Some(node) = design.nodes.remove(from) {
        design.nodes.insert(to.to_owned(), node);
    }
    renames.insert(from.to_owned(), Some(to.to_owned()));
    for link in &mut design.links {
        let old = link.name();
        for end in [&mut link.from, &mut link.to] {
            if end == from {
                to.clone_into(end);
            }
        }
        if link.name() != old {
            renames.insert(old, Some(link.name()));
        }
    }
    let names: BTreeSet<String> = design.links.iter().map(LinkSpec::name).collect();
    if names.len() < design.links.len() {
        return Err(format!("with the name `{to}`, two links would have the same name"));
    }
    Ok(())
}

fn rename_link(design: &mut Design, link: &str, to: Option<&str>, renames: &mut Renames) -> Result<(), String> {
    let i = link_index(design, link)?;
    let renamed = LinkSpec { name: to.map(str::to_owned), ..design.links[i].clone() };
    let name = renamed.name();
    if name.is_empty() || name.trim() != name {
        return Err("a name is not empty, and does not begin or end with a space".to_owned());
    }
    if name != link {
        if wiring::is_taken(design, &name) {
            return Err(format!("`{name}` is the name of something else already"));
        }
        renames.insert(link.to_owned(), Some(name));
    }
    design.links[i] = renamed;
    Ok(())
}

fn rewire(design: &mut Design, link: &str, from: &str, to: &str, renames: &mut Renames) -> Result<(), String> {
    let i = link_index(design, link)?;
    for end in [from, to] {
        node_mut(design, end)?;
    }
    if (design.links[i].from.as_str(), design.links[i].to.as_str()) == (from, to) {
        return Ok(());
    }
    if let Some(problem) = wiring::problem(design, from, to, Some(i)) {
        return Err(problem);
    }
    let mut wired = design.links.remove(i);
    from.clone_into(&mut wired.from);
    to.clone_into(&mut wired.to);
    if wired.name.is_none() && wiring::is_taken(design, &wired.name()) {
        wired.name = Some(names::fresh(&wired.name(), |name| wiring::is_taken(design, name)));
    }
    if wired.name() != link {
        compose(renames, Renames::from([(link.to_owned(), Some(wired.name()))]));
    }
    design.links.insert(i, wired);
    Ok(())
}
