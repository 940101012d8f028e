//! What the pointer does. A gesture is a state; each input takes the state and gives the next. Nothing of the design
//! changes before the gesture is committed.

use super::arrange::card;
use super::edit::{Edit, apply};
use super::input::{End, Hit, Input, Modifiers, Point, Side, Tool};
use super::moving::{Moving, Placing};
use super::output::{Area, Cursor, Effect, Marquee, Overlay, Target, Wire, Wired};
use super::selection::Selection;
use super::travel::{self, Way};
use super::{Editor, aside, wiring};
use crate::kinds::KINDS;

/// A pointer that moves less, in pixels of the screen, has not moved.
const SLACK: f32 = 4.0;

/// What the pointer is doing.
#[derive(Clone, Debug, Default)]
pub(super) enum Gesture {
    #[default]
    Idle,
    /// The button is down, and the pointer has not moved.
    Pressed(Pressed),
    /// A rectangle is drawn that selects.
    Marquee(Pressed),
    /// Cards are dragged.
    Moving(Moving),
    /// A new card is dragged from the palette.
    Placing(Placing),
    /// A link is drawn, or its end moved.
    Wiring(Wiring),
}

/// Where a gesture has begun.
#[derive(Clone, Debug)]
pub(super) struct Pressed {
    pub at: Point,
    pub hit: Hit,
    pub held: Modifiers,
    /// What was selected before.
    pub before: Selection,
}

#[derive(Clone, Debug)]
pub(super) struct Wiring {
    /// The node at the end that stays.
    node: String,
    side: Side,
    /// The link whose end is moved: its number.
    instead_of: Option<usize>,
    from: Point,
    /// The button is down; otherwise the link ends at the next click.
    button: bool,
    has_moved: bool,
}

impl Editor {
    /// The pointer has done something.
    pub fn input(&mut self, input: Input) -> Vec<Effect> {
        let is_drag = !matches!(input, Input::Context { .. } | Input::Take { .. });
        if self.tool == Tool::Hand && is_drag && !self.is_busy() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        // What cannot happen within a gesture ends it: the window has missed its end.
        let clicks = matches!(&self.gesture, Gesture::Wiring(wiring) if !wiring.button);
        let ends = match &input {
            Input::Press { .. } => !clicks,
            Input::DoubleClick { .. } | Input::Context { .. } | Input::Take { .. } => true,
            Input::Move { .. } | Input::Release { .. } => false,
        };
        if ends {
            self.cancel();
        }
        self.gesture = match std::mem::take(&mut self.gesture) {
            Gesture::Idle => self.begin(input, &mut effects),
            Gesture::Pressed(pressed) => self.pressed(pressed, input),
            Gesture::Marquee(start) => self.marquee(start, &input),
            Gesture::Moving(moving) => self.moving(moving, &input, &mut effects),
            Gesture::Placing(placing) => self.placing(placing, &input, &mut effects),
            Gesture::Wiring(wiring) => self.wiring(wiring, input, &mut effects),
        };
        if !self.is_busy() {
            self.forget_gesture();
        }
        effects
    }

    /// Whether a gesture goes on.
    pub fn is_busy(&self) -> bool {
        !matches!(self.gesture, Gesture::Idle)
    }

    /// End the gesture as if it had never begun. Whether there was one.
    pub fn cancel(&mut self) -> bool {
        let before = match std::mem::take(&mut self.gesture) {
            Gesture::Idle => return false,
            Gesture::Pressed(start) | Gesture::Marquee(start) => Some(start.before),
            Gesture::Moving(moving) => Some(moving.before),
            Gesture::Placing(_) | Gesture::Wiring(_) => None,
        };
        if let Some(before) = before {
            self.selection = before;
        }
        self.forget_gesture();
        true
    }

    fn forget_gesture(&mut self) {
        self.preview = None;
        self.overlay = Overlay::default();
    }

    /// Nodes that are dragged now, which the window leaves out when it says what lies under the pointer.
    pub fn dragged(&self) -> &[String] {
        match &self.gesture {
            Gesture::Moving(moving) => &moving.dragged,
            Gesture::Placing(placing) => std::slice::from_ref(&placing.name),
            Gesture::Idle | Gesture::Pressed(_) | Gesture::Marquee(_) | Gesture::Wiring(_) => &[],
        }
    }

    /// How the pointer looks over what it would act on.
    pub fn cursor(&self, over: &Hit) -> Cursor {
        match &self.gesture {
            Gesture::Moving(moving) if moving.copies => Cursor::Copy,
            Gesture::Moving(_) | Gesture::Placing(_) => Cursor::Grabbing,
            Gesture::Wiring(_) if self.overlay.wire.as_ref().is_some_and(|wire| wire.refusal.is_some()) => {
                Cursor::NotAllowed
            }
            Gesture::Wiring(_) | Gesture::Marquee(_) => Cursor::Crosshair,
            Gesture::Pressed(start) if start.hit.node().is_some() => Cursor::Grabbing,
            Gesture::Pressed(_) => Cursor::Arrow,
            Gesture::Idle => match (self.tool, over) {
                (Tool::Hand, _) => Cursor::Grab,
                (Tool::Link, _) | (Tool::Select, Hit::Handle(..) | Hit::LinkEnd(..)) => Cursor::Crosshair,
                (Tool::Select, Hit::Node(_) | Hit::Label(_)) => Cursor::Grab,
                (Tool::Select, Hit::Empty | Hit::Link(_)) => Cursor::Arrow,
            },
        }
    }

    /// What can be done now, for the status line.
    pub fn hint(&self) -> &'static str {
        match &self.gesture {
            Gesture::Pressed(_) => "",
            Gesture::Marquee(_) => {
                "To the right: what lies inside. To the left: what is touched. Shift adds, Alt takes away."
            }
            Gesture::Moving(moving) if moving.copies => "Drop the copy. Ctrl: off the grid. Esc: leave it.",
            Gesture::Moving(_) => "Drop on a link to put it in (not with Alt). Ctrl: off the grid. Esc: back.",
            Gesture::Placing(_) => "Drop on the board, or on a link to put it in. Esc: leave it.",
            Gesture::Wiring(wiring) if wiring.instead_of.is_some() => "Drop on the card where it is to end. Esc: back.",
            Gesture::Wiring(_) => "Drop on a card, or on the board for a new one. Esc: no link.",
            Gesture::Idle => match self.tool {
                Tool::Select => {
                    "Drag a card to move it, from its rim to link it. Alt: copy. Shift: take it out of its link."
                }
                Tool::Link => "Drag, or click, from card to card. Esc: back to selecting.",
                Tool::Hand => "Drag the board. Esc: back to selecting.",
            },
        }
    }

    fn begin(&mut self, input: Input, effects: &mut Vec<Effect>) -> Gesture {
        match input {
            Input::Press { at, hit, held } => {
                return self.press(Pressed { at, hit, held, before: self.selection.clone() });
            }
            Input::DoubleClick { at, hit } => self.double_click(at, &hit, effects),
            Input::Context { hit } => self.select_for_menu(&hit),
            Input::Take { kind, at } => {
                if let Some(meta) = KINDS.iter().find(|meta| meta.key == kind) {
                    let name = super::names::fresh_node(&self.design, kind);
                    let placing = Placing { kind: meta.key, name, edit: None };
                    return self.place(placing, at, &Hit::Empty, Modifiers::default());
                }
            }
            Input::Move { .. } | Input::Release { .. } => {}
        }
        Gesture::Idle
    }

    fn press(&mut self, start: Pressed) -> Gesture {
        let draws = match (&start.hit, self.tool) {
            (Hit::Handle(node, side), _) => Some((node.clone(), *side, None)),
            (Hit::Node(node) | Hit::Label(node), Tool::Link) => Some((node.clone(), Side::Out, None)),
            (Hit::LinkEnd(i, end), _) => self.design.links.get(*i).map(|link| match end {
                End::From => (link.to.clone(), Side::In, Some(*i)),
                End::To => (link.from.clone(), Side::Out, Some(*i)),
            }),
            _ => None,
        };
        if let Some((node, side, instead_of)) = draws.filter(|(node, ..)| self.design.nodes.contains_key(node)) {
            let wiring = Wiring { node, side, instead_of, from: start.at, button: true, has_moved: false };
            // Nothing is drawn before the pointer moves, so that a click on a handle or an end is a click.
            return Gesture::Wiring(wiring);
        }
        // What is pressed is selected at once, so that it can be seen; what is selected already may be dragged together.
        let adds = start.held.shift || start.held.ctrl;
        if !adds && let Some(only) = self.selection_of(&start.hit).filter(|_| !self.is_selected(&start.hit)) {
            self.selection = only;
        }
        Gesture::Pressed(start)
    }

    fn pressed(&mut self, start: Pressed, input: Input) -> Gesture {
        match input {
            Input::Move { at, hit, held } => {
                if !self.is_far(start.at, at) {
                    return Gesture::Pressed(start);
                }
                match start.hit.node().filter(|node| self.design.nodes.contains_key(*node)) {
                    Some(node) => {
                        let node = node.to_owned();
                        let moving = self.take_up(start, &node);
                        self.drag(moving, at, &hit, held)
                    }
                    None if start.hit == Hit::Empty => self.marquee(start, &Input::Move { at, hit, held }),
                    // A link lies where its cards let it.
                    None => Gesture::Pressed(start),
                }
            }
            Input::Release { .. } => {
                self.click(&start.hit, start.held);
                Gesture::Idle
            }
            _ => Gesture::Idle,
        }
    }

    fn click(&mut self, hit: &Hit, held: Modifiers) {
        let adds = held.shift || held.ctrl;
        match (self.selection_of(hit), adds) {
            (Some(only), false) => self.selection = only,
            (Some(one), true) => {
                one.nodes.iter().for_each(|node| self.selection.toggle_node(node));
                one.links.iter().for_each(|link| self.selection.toggle_link(link));
            }
            (None, false) => self.selection = Selection::default(),
            (None, true) => {}
        }
        self.history.seal();
    }

    /// What a click there selects.
    fn selection_of(&self, hit: &Hit) -> Option<Selection> {
        if let Some(node) = hit.node() {
            return self.design.nodes.contains_key(node).then(|| Selection::of_nodes([node]));
        }
        let link = self.design.links.get(hit.link()?)?;
        Some(Selection::of_links([link.name()]))
    }

    fn is_selected(&self, hit: &Hit) -> bool {
        let link = hit.link().and_then(|i| self.design.links.get(i));
        hit.node().is_some_and(|node| self.selection.has_node(node))
            || link.is_some_and(|link| self.selection.has_link(&link.name()))
    }

    /// A menu is about what is selected: if what was clicked is not, it becomes that.
    fn select_for_menu(&mut self, hit: &Hit) {
        if !self.is_selected(hit) {
            self.click(hit, Modifiers::default());
        }
    }

    fn double_click(&mut self, at: Point, hit: &Hit, effects: &mut Vec<Effect>) {
        if let Some(node) = hit.node() {
            self.click(hit, Modifiers::default());
            if self.design.nodes.contains_key(node) {
                effects.push(Effect::EditLabel(node.to_owned()));
            }
        } else if let Some(link) = hit.link().and_then(|i| self.design.links.get(i)) {
            let mut all = Selection::of_nodes(travel::reach(&self.design, std::slice::from_ref(&link.from), Way::Up));
            let down = travel::reach(&self.design, std::slice::from_ref(&link.to), Way::Down);
            all.add(&Selection::of_nodes(down));
            self.select(all);
        } else {
            effects.push(Effect::OpenQuickInsert { at: Some(at), wired: None });
        }
    }

    fn marquee(&mut self, start: Pressed, input: &Input) -> Gesture {
        let (at, held) = match input {
            Input::Move { at, held, .. } | Input::Release { at, held, .. } => (*at, *held),
            _ => return Gesture::Marquee(start),
        };
        let area = Area::spanned(start.at, at);
        let touching = at.0 < start.at.0;
        let inside = self.within(&area, touching);
        self.selection = start.before.clone();
        if held.alt {
            self.selection.remove(&inside);
        } else if held.shift || held.ctrl {
            self.selection.add(&inside);
        } else {
            self.selection = inside;
        }
        if matches!(input, Input::Release { .. }) {
            self.history.seal();
            return Gesture::Idle;
        }
        self.overlay.marquee = Some(Marquee { area, touching });
        Gesture::Marquee(start)
    }

    /// Nodes within an area.
    fn within(&self, area: &Area, touching: bool) -> Selection {
        let is_in = |name: &&String| {
            let takes = |card: Area| if touching { area.touches(&card) } else { area.encloses(&card) };
            card(&self.design, name).is_some_and(takes)
        };
        Selection::of_nodes(self.design.nodes.keys().filter(is_in))
    }

    fn wiring(&mut self, mut wiring: Wiring, input: Input, effects: &mut Vec<Effect>) -> Gesture {
        match input {
            Input::Move { at, hit, .. } => {
                wiring.has_moved |= self.is_far(wiring.from, at);
                if wiring.has_moved {
                    self.show_wire(&wiring, at, &hit);
                }
                Gesture::Wiring(wiring)
            }
            Input::Release { at, hit, held } if wiring.button && !wiring.has_moved => {
                // It was a click.
                if self.tool == Tool::Link && wiring.instead_of.is_none() {
                    self.show_wire(&wiring, at, &hit);
                    return Gesture::Wiring(Wiring { button: false, ..wiring });
                }
                self.click(&hit, held);
                Gesture::Idle
            }
            Input::Release { .. } if !wiring.button => Gesture::Wiring(wiring),
            Input::Release { at, hit, .. } | Input::Press { at, hit, .. } => {
                self.end_wire(&wiring, at, &hit, effects);
                Gesture::Idle
            }
            _ => Gesture::Idle,
        }
    }

    /// From where to where the link would lead.
    fn ends<'a>(wiring: &'a Wiring, other: &'a str) -> (&'a str, &'a str) {
        match wiring.side {
            Side::Out => (&wiring.node, other),
            Side::In => (other, &wiring.node),
        }
    }

    fn show_wire(&mut self, wiring: &Wiring, at: Point, hit: &Hit) {
        // Over its own card nothing is refused yet: the pointer has to leave it first.
        let over = hit.node().filter(|node| *node != wiring.node && self.design.nodes.contains_key(*node));
        let refusal = over.and_then(|other| {
            let (from, to) = Self::ends(wiring, other);
            wiring::problem(&self.design, from, to, wiring.instead_of)
        });
        self.overlay.target = over.filter(|_| refusal.is_none()).map(|node| Target::Node(node.to_owned()));
        self.overlay.wire = Some(Wire {
            node: wiring.node.clone(),
            side: wiring.side,
            loose: at,
            instead_of: wiring.instead_of,
            refusal,
        });
    }

    fn end_wire(&mut self, wiring: &Wiring, at: Point, hit: &Hit, effects: &mut Vec<Effect>) {
        let Some(other) = hit.node() else {
            if wiring.instead_of.is_none() {
                let wired = Some(Wired { node: wiring.node.clone(), side: wiring.side });
                effects.push(Effect::OpenQuickInsert { at: Some(at), wired });
            }
            return;
        };
        if other == wiring.node || !self.design.nodes.contains_key(other) {
            return;
        }
        let (from, to) = Self::ends(wiring, other);
        let edit = match wiring.instead_of.and_then(|i| self.design.links.get(i)) {
            Some(link) => Edit::Rewire { link: link.name(), from: from.to_owned(), to: to.to_owned() },
            None => aside::connect(&self.design, from, to),
        };
        match apply(&self.design, &edit) {
            Ok(edited) => self.commit(edited, edit.title(), None),
            Err(refusal) => effects.push(Effect::Refuse(refusal)),
        }
    }

    fn is_far(&self, a: Point, b: Point) -> bool {
        (a.0 - b.0).hypot(a.1 - b.1) * self.zoom >= SLACK
    }
}
