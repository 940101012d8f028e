//! Nodes as text: a scenario file of nothing but nodes and links. So the clipboard of a text editor will do, and what is
//! copied there can be pasted here.

use super::arrange::{bounds, is_close, settle};
use super::edit::Edit;
use super::input::Point;
use super::names::{self, Renames};
use super::snap::{GRID, to_grid};
use super::wiring;
use crate::base::ron;
use crate::design::{Design, LinkSpec};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How far from the original a copy is put, to the right and down.
const OFFSET: f32 = 4.0 * GRID;

/// These nodes with all links that touch them: those that lead elsewhere are kept only if pasting is asked to.
pub fn cut_out(design: &Design, nodes: &[String]) -> Design {
    let within = |name: &String| nodes.contains(name);
    Design {
        nodes: nodes.iter().filter_map(|name| Some((name.clone(), design.nodes.get(name)?.clone()))).collect(),
        links: design.links.iter().filter(|link| within(&link.from) || within(&link.to)).cloned().collect(),
        ..Design::default()
    }
}

/// As text.
///
/// # Errors
/// If it is nested too deep to be written.
pub fn write(clip: &Design) -> Result<String, String> {
    #[derive(Serialize)]
    struct Clip<'a> {
        nodes: &'a BTreeMap<String, crate::design::Node>,
        links: &'a [LinkSpec],
    }
    ron::to_pretty(&Clip { nodes: &clip.nodes, links: &clip.links })
}

/// From text.
///
/// # Errors
/// If it holds no nodes: a sentence.
pub fn read(text: &str) -> Result<Design, String> {
    let design = ron::read::<Design>(text).into_result();
    let mut clip = design.map_err(|_| "the clipboard holds no nodes: copy some first".to_owned())?;
    if clip.nodes.is_empty() {
        return Err("there are no nodes in what was copied".to_owned());
    }
    settle(&mut clip);
    Ok(clip)
}

/// How something is pasted.
pub struct Pasted {
    pub edit: Edit,
    /// Of the new nodes.
    pub names: Vec<String>,
}

/// The edit that adds a clip with its middle at a place, or else a little off the original.
pub fn paste(design: &Design, clip: &Design, at: Option<Point>, keep_outer: bool) -> Pasted {
    let by = at.map_or_else(|| free_offset(design, clip), |at| to_middle(clip, at));
    copy(design, clip, by, keep_outer)
}

fn to_middle(clip: &Design, at: Point) -> Point {
    let Some(all) = bounds(clip, clip.nodes.keys()) else { return (0.0, 0.0) };
    let middle = ((all.min.0 + all.max.0) / 2.0, (all.min.1 + all.max.1) / 2.0);
    let corner = to_grid((all.min.0 + at.0 - middle.0, all.min.1 + at.1 - middle.1));
    (corner.0 - all.min.0, corner.1 - all.min.1)
}

/// So far off that no card is put on another.
fn free_offset(design: &Design, clip: &Design) -> Point {
    let places: Vec<Point> = design.nodes.values().filter_map(|node| node.at).collect();
    let hides = |by: f32| {
        let mut new = clip.nodes.values().filter_map(|node| node.at).map(|at| (at.0 + by, at.1 + by));
        new.any(|at| places.iter().any(|place| is_close(*place, at)))
    };
    // Beyond all that is there, there is room.
    let most = bounds(design, design.nodes.keys())
        .zip(bounds(clip, clip.nodes.keys()))
        .map_or(1, |(all, new)| ((all.max.0 - new.min.0).max(0.0) / OFFSET) as usize + 16);
    let by = (1..=most).map(|n| OFFSET * n as f32).find(|by| !hides(*by)).unwrap_or(OFFSET);
    (by, by)
}

/// A link that is kept may wait for one that was not copied, and is not here.
fn forget_lost_conditions(design: &Design, links: &mut [LinkSpec]) {
    let ways: Vec<(String, String, String)> =
        design.links.iter().chain(&*links).map(|link| (link.from.clone(), link.name(), link.to.clone())).collect();
    for link in links {
        for condition in [&mut link.when.after_miss, &mut link.when.after_failure] {
            let is_here = |other: &mut String| {
                ways.iter().any(|(from, name, to)| *from == link.from && (name == other || to == other))
            };
            *condition = condition.take_if(is_here);
        }
    }
}

/// The edit that adds a clip under new names, moved by so much. Links that cannot be are left out.
pub fn copy(design: &Design, clip: &Design, by: Point, keep_outer: bool) -> Pasted {
    let mut taken: BTreeSet<String> = design.nodes.keys().cloned().collect();
    taken.extend(design.links.iter().map(LinkSpec::name));
    let mut take = |name: &str| {
        let new = names::fresh(name, |name| taken.contains(name));
        taken.insert(new.clone());
        new
    };
    let mut renames: Renames = clip.nodes.keys().map(|name| (name.clone(), Some(take(name)))).collect();
    let mut nodes = BTreeMap::new();
    for (name, node) in &clip.nodes {
        let mut node = node.clone();
        node.at = node.at.map(|at| (at.0 + by.0, at.1 + by.1));
        if let Some(Some(name)) = renames.get(name) {
            nodes.insert(name.clone(), node);
        }
    }
    let mut names: Vec<String> = nodes.keys().cloned().collect();
    names.sort();
    // Each link is tried, so that the clip of a design that is wrong can be pasted all the same.
    let mut trial = design.clone();
    trial.nodes.extend(nodes.clone());
    let (before, known) = (trial.links.len(), design);
    for link in &clip.links {
        let end = |name: &String| match renames.get(name) {
            Some(new) => new.clone(),
            None => Some(name.clone()).filter(|name| keep_outer && known.nodes.contains_key(name)),
        };
        let mut new = link.clone();
        let kept =
            end(&link.from).zip(end(&link.to)).filter(|(from, to)| wiring::problem(&trial, from, to, None).is_none());
        let Some((from, to)) = kept else {
            renames.insert(link.name(), None);
            continue;
        };
        (new.from, new.to) = (from, to);
        let name = take(&new.name());
        if name != new.name() {
            new.name = Some(name.clone());
        }
        renames.insert(link.name(), Some(name));
        trial.links.push(new);
    }
    // Conditions speak of other links of the clip.
    let mut part = Design { links: trial.links.split_off(before), ..Design::default() };
    names::follow(clip, &mut part, &renames);
    forget_lost_conditions(design, &mut part.links);
    Pasted { edit: Edit::Add { nodes, links: part.links }, names }
}
