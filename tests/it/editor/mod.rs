//! The editor, driven as by a hand. After every step everything that must hold of it is looked at.

mod actions;
mod edits;
mod escape;
mod gestures;
mod random;
mod saving;

use std::collections::BTreeSet;
use std::sync::Arc;
use tailboard::base::ron;
use tailboard::design::{Design, checks};
use tailboard::editor::actions::by_id;
use tailboard::editor::{
    CARD, Cursor, Editor, Effect, End, Hit, Input, MOST_STEPS, Modifiers, Overlay, Point, Selection, Side,
};

/// A chain with a condition, a timeline and expectations, and a service that nothing is linked with.
pub const DESIGN: &str = r#"(
    nodes: {
        "users": (kind: client(), at: (0, 0)),
        "limiter": (kind: rate_limiter(), at: (280, 0)),
        "api": (kind: service(), at: (560, 0)),
        "cache": (kind: cache(), at: (840, 0)),
        "db": (kind: database(), at: (840, 160)),
        "spare": (kind: service(), at: (0, 320)),
    },
    links: [
        (from: "users", to: "limiter", timeout: "1s"),
        (from: "limiter", to: "api"),
        (from: "api", to: "cache", timeout: "50ms"),
        (from: "api", to: "db", step: 2, when: (after_miss: "cache"), timeout: "100ms"),
    ],
    timeline: [
        (at: "1s", lasting: "1s", do: Kill("api#0")),
        (at: "3s", do: Set("api->db.timeout", "80ms")),
        (at: "4s", do: Set("api.slots", "8")),
        (at: "5s", lasting: "1s", do: Partition(["api"], ["cache", "db"])),
        (at: "7s", do: Flush("cache")),
    ],
    expect: [
        (that: "db.p99", at_most: "1s"),
        (that: "api->db.attempts @ 1s..2s", at_most: 1.0, times: "api.arrivals @ 1s..2s"),
        (that: "p99", at_most: "1s"),
    ],
)"#;

pub fn design(text: &str) -> Design {
    ron::read(text).into_result().unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Findings of names that lead nowhere: these must never come from an edit.
pub fn lost_names(design: &Design) -> Vec<String> {
    let codes = ["no-such-target", "bad-figure", "dangling-link", "bad-when", "same-name", "bad-name", "bad-position"];
    let lost = checks::check(design).into_iter().filter(|finding| codes.contains(&finding.code));
    lost.map(|finding| format!("{}: {}", finding.subject, finding.message)).collect()
}

/// What must hold of an editor at any time.
pub fn sound(editor: &Editor) {
    for design in [editor.design(), editor.shown()] {
        assert_eq!(lost_names(design), [""; 0]);
        assert!(design.nodes.values().all(|node| node.at.is_some()), "a node without a place");
        let names: BTreeSet<String> = design.links.iter().map(|link| link.name()).collect();
        assert_eq!(names.len(), design.links.len(), "links of one name");
    }
    let links: BTreeSet<String> = editor.design().links.iter().map(|link| link.name()).collect();
    let Selection { nodes, links: chosen } = editor.selection();
    let unique: BTreeSet<&String> = nodes.iter().chain(chosen).collect();
    assert_eq!(unique.len(), nodes.len() + chosen.len(), "selected twice");
    assert!(nodes.iter().all(|name| editor.design().nodes.contains_key(name)), "{nodes:?} are selected");
    assert!(chosen.iter().all(|name| links.contains(name)), "{chosen:?} are selected");
    let (past, future) = editor.history().depth();
    assert!(past + future <= 2 * MOST_STEPS);
    if !editor.is_busy() {
        assert_eq!(*editor.overlay(), Overlay::default());
        assert!(Arc::ptr_eq(editor.shown(), editor.design()));
        assert!(editor.dragged().is_empty());
        assert!(!editor.hint().is_empty());
        assert_ne!(editor.cursor(&Hit::Empty), Cursor::Grabbing);
    }
}

/// A hand with a mouse and a few keys, over a window that finds out what lies under the pointer.
pub struct Hand {
    pub editor: Editor,
    pub at: Point,
    pub held: Modifiers,
    pub effects: Vec<Effect>,
    /// What to hit, whatever lies there.
    over: Option<Hit>,
}

impl Hand {
    pub fn new(text: &str) -> Hand {
        Hand {
            editor: Editor::new(design(text)),
            at: (0.0, 0.0),
            held: Modifiers::default(),
            effects: Vec::new(),
            over: None,
        }
    }

    fn input(mut self, input: Input) -> Hand {
        self.effects.extend(self.editor.input(input));
        sound(&self.editor);
        self
    }

    /// The middle of a card.
    pub fn middle(&self, node: &str) -> Point {
        let at = self.place(node);
        (at.0 + CARD.0 / 2.0, at.1 + CARD.1 / 2.0)
    }

    pub fn place(&self, node: &str) -> Point {
        self.editor.design().nodes[node].at.unwrap_or_else(|| panic!("{node} has no place"))
    }

    /// Whether there is a link, by name.
    pub fn links(&self) -> Vec<String> {
        self.editor.design().links.iter().map(|link| link.name()).collect()
    }

    fn hit(&self) -> Hit {
        if let Some(hit) = &self.over {
            return hit.clone();
        }
        let design = self.editor.shown();
        let inside =
            |at: Point| (at.0..=at.0 + CARD.0).contains(&self.at.0) && (at.1..=at.1 + CARD.1).contains(&self.at.1);
        let here = design.nodes.iter().filter(|(name, _)| !self.editor.dragged().contains(name));
        let node = here.filter(|(_, node)| node.at.is_some_and(inside)).map(|(name, _)| name.clone()).next();
        node.map_or(Hit::Empty, Hit::Node)
    }

    /// Hold keys from now on: any of `"ctrl shift alt"`.
    pub fn hold(mut self, keys: &str) -> Hand {
        self.held = Modifiers { ctrl: keys.contains("ctrl"), shift: keys.contains("shift"), alt: keys.contains("alt") };
        self
    }

    pub fn press_at(mut self, at: Point) -> Hand {
        self.at = at;
        let input = Input::Press { at, hit: self.hit(), held: self.held };
        self.input(input)
    }

    pub fn press(self, node: &str) -> Hand {
        let at = self.middle(node);
        self.press_at(at)
    }

    pub fn press_on(mut self, hit: Hit, at: Point) -> Hand {
        self.over = Some(hit);
        let mut hand = self.press_at(at);
        hand.over = None;
        hand
    }

    pub fn press_handle(self, node: &str, side: Side) -> Hand {
        let place = self.place(node);
        let x = if side == Side::Out { place.0 + CARD.0 } else { place.0 };
        self.press_on(Hit::Handle(node.to_owned(), side), (x, place.1 + CARD.1 / 2.0))
    }

    pub fn link(&self, name: &str) -> usize {
        self.links().iter().position(|link| link == name).unwrap_or_else(|| panic!("no link {name}"))
    }

    pub fn press_end(self, link: &str, end: End) -> Hand {
        let i = self.link(link);
        let found = &self.editor.design().links[i];
        let at = self.middle(if end == End::From { &found.from } else { &found.to });
        self.press_on(Hit::LinkEnd(i, end), at)
    }

    /// In two moves, of which the first must leave no trace.
    pub fn drag_to(mut self, to: Point) -> Hand {
        let from = self.at;
        for at in [((from.0 + to.0) / 2.0 + 37.0, (from.1 + to.1) / 2.0 - 53.0), to] {
            self.at = at;
            let input = Input::Move { at, hit: self.hit(), held: self.held };
            self = self.input(input);
        }
        self
    }

    pub fn drag_by(self, by: Point) -> Hand {
        let to = (self.at.0 + by.0, self.at.1 + by.1);
        self.drag_to(to)
    }

    pub fn drag_onto(self, node: &str) -> Hand {
        let to = self.middle(node);
        self.drag_to(to)
    }

    /// To the middle of a link, which is hit there.
    pub fn drag_onto_link(mut self, link: &str) -> Hand {
        let i = self.link(link);
        let (from, to) = (self.editor.design().links[i].from.clone(), self.editor.design().links[i].to.clone());
        let (from, to) = (self.middle(&from), self.middle(&to));
        self = self.drag_to(((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0));
        self.over = Some(Hit::Link(i));
        let input = Input::Move { at: self.at, hit: self.hit(), held: self.held };
        self.input(input)
    }

    pub fn release(mut self) -> Hand {
        let input = Input::Release { at: self.at, hit: self.hit(), held: self.held };
        let mut hand = self.input(input);
        hand.over = None;
        self = hand;
        self
    }

    pub fn click(self, node: &str) -> Hand {
        self.press(node).release()
    }

    pub fn click_link(self, link: &str) -> Hand {
        let i = self.link(link);
        let mut hand = self.press_on(Hit::Link(i), (0.0, -500.0));
        hand.over = Some(Hit::Link(i));
        hand.release()
    }

    pub fn double_click_on(self, hit: Hit, at: Point) -> Hand {
        self.input(Input::DoubleClick { at, hit })
    }

    pub fn context(self, hit: Hit) -> Hand {
        self.input(Input::Context { hit })
    }

    pub fn take(mut self, kind: &'static str, at: Point) -> Hand {
        self.at = at;
        self.input(Input::Take { kind, at })
    }

    pub fn act(mut self, id: &str) -> Hand {
        let action = by_id(id).unwrap_or_else(|| panic!("no action {id}"));
        self.effects.extend(self.editor.perform(action));
        sound(&self.editor);
        self
    }

    pub fn escape(self) -> Hand {
        self.act("select.none")
    }

    pub fn select(mut self, nodes: &[&str]) -> Hand {
        self.editor.select(Selection::of_nodes(nodes.iter().copied()));
        sound(&self.editor);
        self
    }

    pub fn selected(&self) -> Vec<&str> {
        let Selection { nodes, links } = self.editor.selection();
        nodes.iter().chain(links).map(String::as_str).collect()
    }

    /// What was said so far.
    pub fn said(&self) -> Vec<&str> {
        let texts = self.effects.iter().filter_map(|effect| match effect {
            Effect::Say(text) | Effect::Refuse(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub fn steps(&self) -> usize {
        self.editor.history().depth().0
    }
}
