//! The board: cards in their places, links between them, labels and dots.

use super::card::{self, Card};
use super::copies;
use super::detail::Detail;
use super::dots::{self, Sampling, Way};
use super::layout::{self, Block};
use super::legend::{Key, Keys};
use super::link::{self, Wire};
use super::notes::{self, Note};
use super::route::{self, Body};
use super::scene::{Item, Owner, Pen, Point, Rect, Scene};
use super::theme::Theme;
use super::{Lens, axis, series, state};
use crate::base::maths;
use crate::design::{Design, MetricPath, ModeSpec, Node};
use crate::engine::Unit;
use crate::kinds::Group;
use crate::metrics::{Frame, LinkFrame, NodeFrame};
use std::collections::{BTreeMap, BTreeSet};

/// A drawn board, and what its legend must explain.
pub struct Board {
    pub scene: Scene,
    /// Where the scene's upper left corner lies on the board.
    pub origin: Point,
    pub keys: Keys,
    pub sampling: Sampling,
    /// What the tint of the cards is about.
    pub heat: Option<String>,
    /// The links and their ways, on the scene.
    pub ways: Vec<Way>,
}

/// What a board that is drawn again and again remembers: the ways of links, which are dear and seldom change.
#[derive(Default)]
pub struct Memory {
    bodies: Vec<Body>,
    links: Vec<(usize, usize)>,
    ways: Vec<Vec<Point>>,
}

impl Memory {
    fn ways(&mut self, bodies: Vec<Body>, links: &[(usize, usize)]) -> Vec<Vec<Point>> {
        if self.bodies != bodies || self.links != links {
            self.ways = route::routes(&bodies, links);
            (self.bodies, self.links) = (bodies, links.to_vec());
        }
        self.ways.clone()
    }
}

/// Where the cards are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Where the design has them, moved apart where they would be too near to each other to be read.
    Tidy,
    /// Exactly where the design has them: for a board that is being edited.
    Exact,
}

/// What of a board is drawn, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub lens: Lens,
    pub detail: Detail,
    pub places: Places,
}

/// Draw the board of a design in the state of a frame.
pub fn draw(design: &Design, frame: &Frame, theme: &Theme, view: View, memory: &mut Memory) -> Board {
    let View { lens, detail, places } = view;
    let shown = Some(frame).filter(|_| lens != Lens::None);
    let active = shown.map_or(Vec::new(), |frame| state::active(design, frame.at));
    let of_nodes: BTreeMap<&str, &NodeFrame> =
        shown.map(|frame| frame.nodes.iter().map(|node| (node.name.as_str(), node)).collect()).unwrap_or_default();
    let cards: Vec<Card> = (design.nodes.iter())
        .map(|(name, node)| card_of(design, (name, node), of_nodes.get(name.as_str()).copied(), lens, &active))
        .collect();
    let numbers: BTreeMap<&str, usize> = design.nodes.keys().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    // A link to nowhere is a mistake that the checks tell; there is nothing to draw.
    let links: Vec<(&crate::design::LinkSpec, usize, usize)> = (design.links.iter())
        .filter_map(|link| Some((link, *numbers.get(link.from.as_str())?, *numbers.get(link.to.as_str())?)))
        .collect();
    let pairs: Vec<(usize, usize)> = links.iter().map(|(_, from, to)| (*from, *to)).collect();
    let blocks: Vec<Block> = cards
        .iter()
        .zip(design.nodes.values())
        .map(|(card, node)| Block {
            width: card::WIDTH,
            height: card.height(),
            gutter: card.gutter(),
            at: node.at.map(|(x, y)| Point::new(f64::from(x), f64::from(y))),
        })
        .collect();
    let notes: Vec<Note> = design.stickies.iter().map(Note::new).collect();
    let blocks: Vec<Block> = blocks.into_iter().chain(notes.iter().map(Note::block)).collect();
    let places = match places {
        Places::Tidy => layout::place(&blocks, &pairs),
        Places::Exact => blocks.iter().map(|block| block.at.unwrap_or_default()).collect(),
    };
    let bodies: Vec<Body> = (cards.iter().zip(&places))
        .map(|(card, at)| Body {
            card: Rect::new(at.x, at.y, card::WIDTH, card.height()),
            gutter: card.gutter(),
            waist: card.waist(),
        })
        .collect();
    // Links go around texts too.
    let papers = notes.iter().zip(&places[cards.len()..]).map(|(note, at)| note.rect(*at));
    let papers: Vec<Body> = papers.map(|card| Body { card, gutter: 0.0, waist: 0.0 }).collect();
    let ways = memory.ways([&bodies[..], &papers].concat(), &pairs);
    let names: Vec<String> = links.iter().map(|(link, ..)| link.name()).collect();
    let figures: BTreeMap<&str, &LinkFrame> =
        shown.map(|frame| frame.links.iter().map(|link| (link.name.as_str(), link)).collect()).unwrap_or_default();
    // Who calls in more than one step.
    let (mut first, mut in_steps) = (BTreeMap::new(), BTreeSet::new());
    for link in &design.links {
        if *first.entry(link.from.as_str()).or_insert(link.step) != link.step {
            in_steps.insert(link.from.as_str());
        }
    }
    let wires: Vec<Wire> = (links.iter().zip(ways).zip(&names))
        .map(|(((link, ..), way), name)| Wire {
            name,
            frame: figures.get(name.as_str()).copied(),
            is_async: link.mode == ModeSpec::Async,
            is_control: design.nodes[&link.from].kind.meta().group == Group::Control,
            is_broken: state::is_broken(&active, name, &link.from, &link.to),
            step: in_steps.contains(link.from.as_str()).then_some(link.step),
            way,
        })
        .collect();
    let mut under = Vec::new();
    let rooms: Vec<Rect> = bodies.iter().map(occupied).collect();
    let mut obstacles: Vec<Rect> = papers.iter().map(|paper| paper.card).chain(rooms.iter().copied()).collect();
    for frame in &design.frames {
        let title = notes::draw_frame(&mut under, frame, &numbers, (&rooms, &obstacles), detail, theme);
        obstacles.extend(title);
    }
    for (note, at) in notes.iter().zip(&places[cards.len()..]) {
        note.draw(&mut under, *at, detail, theme);
    }
    paint(
        Painted { cards: &cards, places: &places, wires: &wires, under, obstacles },
        shown,
        detail,
        theme,
        heat_words(design, lens),
    )
}

/// What is painted on a board.
struct Painted<'a> {
    cards: &'a [Card<'a>],
    places: &'a [Point],
    wires: &'a [Wire<'a>],
    /// Behind the links.
    under: Vec<Item>,
    /// Where no label may stand.
    obstacles: Vec<Rect>,
}

/// Everything onto the scene, from the back to the front.
fn paint(board: Painted, frame: Option<&Frame>, detail: Detail, theme: &Theme, heat: Option<String>) -> Board {
    let Painted { cards, places, wires, under, obstacles } = board;
    let mut keys = Keys::default();
    let mut items = under;
    for wire in wires {
        wire.draw(&mut link_pen(&mut items, wire), theme, &mut keys);
    }
    let labels = detail.label().map_or(Vec::new(), |size| link::place_labels(wires, &obstacles, size));
    for (wire, label) in wires.iter().zip(labels) {
        if let Some(label) = label {
            label.draw(&mut link_pen(&mut items, wire), theme, &mut keys);
        }
    }
    let ways: Vec<Way> = wires.iter().map(Way::of).collect();
    let sampling = frame.map_or_else(Sampling::default, |frame| {
        let every = dots::thinned(frame, &ways, detail);
        dots::draw((&frame.tokens, &every), &frame.links, &ways, detail, theme, (&mut items, &mut keys));
        Sampling::of(&frame.links, &every)
    });
    for wire in wires.iter().filter(|_| frame.is_some() && detail >= Detail::Full) {
        wire.draw_step(&mut link_pen(&mut items, wire), theme, &mut keys);
    }
    for (card, at) in cards.iter().zip(places) {
        let mut pen = Pen { items: &mut items, owner: Owner::Node(card.name.into()) };
        card.draw(&mut pen, *at, detail, theme, &mut keys);
    }
    if heat.is_some() && cards.iter().any(|card| card.heat.is_some()) {
        keys.add(Key::Heat);
    }
    let mut scene = Scene { items, ..Scene::default() };
    let all = Rect::around(obstacles.into_iter().chain(scene.bounds())).unwrap_or_default();
    let items = std::mem::take(&mut scene.items);
    scene.append(Scene { items, ..Scene::default() }, -all.x, -all.y);
    (scene.width, scene.height) = (all.w, all.h);
    let ways = ways.into_iter().map(|way| way.moved(-all.x, -all.y)).collect();
    Board { scene, origin: Point::new(all.x, all.y), keys, sampling, heat, ways }
}

fn link_pen<'a>(items: &'a mut Vec<Item>, wire: &Wire) -> Pen<'a> {
    Pen { items, owner: Owner::Link(wire.name.into()) }
}

/// A card with what sticks out of it.
fn occupied(body: &Body) -> Rect {
    let card = body.card;
    Rect::new(card.x - body.gutter, card.y - card::OVERHANG, card.w + body.gutter, card.h + card::OVERHANG)
}

fn card_of<'a>(
    design: &Design,
    (name, node): (&'a str, &'a Node),
    shown: Option<&'a NodeFrame>,
    lens: Lens,
    active: &[&crate::design::Intervention],
) -> Card<'a> {
    let meta = node.kind.meta();
    let copies = node.kind.copies().map(|(n, copies)| (n as f64, copies.one));
    // A limit is that of each copy.
    let each = node.kind.waiting_room();
    let limit = each.map(|limit| limit.map(|n| n * copies.map_or(1.0, |(n, _)| n)));
    let queues = limit.is_some() || shown.is_some_and(|node| node.queue > 0.0);
    let card = Card {
        name: if node.label.is_empty() { name } else { &node.label },
        icon: meta.key,
        kind: meta.title,
        node: shown,
        queues,
        queue_limit: limit.flatten(),
        copy_limit: each.flatten(),
        is_control: meta.group == Group::Control,
        copies,
        is_frail: node.kind.is_frail(),
        struck: (shown.and_then(|node| copies::by_chance(&node.copies)).into_iter())
            .chain(state::of_node(active, name))
            .collect(),
        heat: None,
    };
    Card { heat: shown.and_then(|node| heat(design, name, node, &card, lens)), ..card }
}

/// What a lens makes of a node, from fine (0) to failing (1).
fn heat(design: &Design, name: &str, node: &NodeFrame, card: &Card, lens: Lens) -> Option<f64> {
    match lens {
        Lens::Load | Lens::None => None,
        Lens::Latency => {
            let objective = objective(design, name)?;
            Some(0.5 + 0.5 * maths::log10(node.p99? / objective))
        }
        Lens::Errors => Some(if node.failed_share > 0.0 { (4.0 + maths::log10(node.failed_share)) / 4.0 } else { 0.0 }),
        Lens::Queue => {
            let limit = card.queue_limit.filter(|_| card.queues)?;
            Some(maths::ln(1.0 + node.queue) / maths::ln(1.0 + limit.max(1.0)))
        }
    }
}

/// What the 99th percentile of a node is expected to be at most, in seconds: its own bound, or else that of the requests.
fn objective(design: &Design, node: &str) -> Option<f64> {
    let own = design.expect.iter().filter(|expectation| expectation.times.is_none()).find_map(|expectation| {
        let path = MetricPath::parse(&expectation.that).ok()?;
        let is_own = path.subject.as_deref() == Some(node) && path.figure == "p99";
        is_own.then(|| expectation.at_most.as_ref().map(|amount| amount.value))?
    });
    own.or_else(|| series::objectives(design).first().map(|(value, _)| *value))
}

fn heat_words(design: &Design, lens: Lens) -> Option<String> {
    match lens {
        Lens::Load | Lens::None => None,
        Lens::Latency => Some(match series::objectives(design).first() {
            Some((value, _)) => {
                let value = axis::text(*value, Unit::Seconds);
                format!("p99 from a tenth of the objective ({value}) to ten times as much")
            }
            None => "p99 against its own objective".to_owned(),
        }),
        Lens::Errors => Some("share of failures from 0.01 % to all, on a log scale".to_owned()),
        Lens::Queue => Some("length of the queue up to its limit, on a log scale".to_owned()),
    }
}
