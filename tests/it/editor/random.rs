//! Random hands and random edits: whatever is done, the editor stays sound, and all of it can be undone and redone.

use super::{DESIGN, Hand, design, sound};
use std::collections::BTreeMap;
use std::sync::Arc;
use tailboard::base::{Rng, Span};
use tailboard::design::{Action, Design, Intervention, LinkSpec, Node};
use tailboard::editor::actions::{ACTIONS, Action as Doing};
use tailboard::editor::{Edit, Editor, Effect, End, Hit, Input, Modifiers, Side, names, wiring};
use tailboard::kinds::{KINDS, Spec};

/// Random edits of what is there, and now and then of what is not.
pub struct Edits(Rng);

impl Edits {
    pub fn seeded(seed: u64) -> Edits {
        Edits(Rng::seeded(seed))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.below(n.max(1) as u32) as usize
    }

    fn node(&mut self, design: &Design) -> String {
        let i = self.below(design.nodes.len() + 1);
        design.nodes.keys().nth(i).cloned().unwrap_or_else(|| "nobody".to_owned())
    }

    fn link(&mut self, design: &Design) -> String {
        let i = self.below(design.links.len() + 1);
        design.links.get(i).map_or("nothing".to_owned(), LinkSpec::name)
    }

    fn at(&mut self) -> (f32, f32) {
        (self.below(1200) as f32, self.below(800) as f32)
    }

    pub fn next(&mut self, design: &Design) -> Edit {
        let (node, other, link) = (self.node(design), self.node(design), self.link(design));
        match self.below(18) {
            0 | 1 => {
                let key = KINDS[self.below(KINDS.len())].key;
                let kind = Spec::new(key).unwrap_or_else(|| panic!("{key}"));
                let name = names::fresh_node(design, key);
                let node = Node { kind, at: Some(self.at()), label: String::new() };
                Edit::Add { nodes: BTreeMap::from([(name, node)]), links: Vec::new() }
            }
            2..=4 => Edit::add_link(wiring::new_link(design, &node, &other)),
            5 => Edit::Remove { nodes: vec![node], links: Vec::new(), heal: self.below(2) == 0 },
            6 => Edit::Remove { nodes: Vec::new(), links: vec![link], heal: false },
            7 => Edit::Extract { node },
            8 => Edit::Splice { node, link },
            9 | 10 => Edit::RenameNode { from: node, to: format!("n{}", self.below(12)) },
            11 => {
                let to = (self.below(3) > 0).then(|| format!("l{}", self.below(12)));
                Edit::RenameLink { link, to }
            }
            12 => Edit::Rewire { link, from: node, to: other },
            13 => Edit::Move(vec![(node, self.at())]),
            14 => {
                let (param, text) = [("latency", "3ms"), ("timeout", "70ms"), ("weight", "2")][self.below(3)];
                Edit::Set { targets: vec![link], param: param.to_owned(), text: text.to_owned() }
            }
            15 => {
                let text = format!("{}", 1 + self.below(20));
                Edit::Set { targets: vec![node], param: "replicas".to_owned(), text }
            }
            16 => {
                let target = if self.below(2) == 0 { node } else { link };
                if design.nodes.is_empty() {
                    return Edit::SetSeed(7);
                }
                let is_there = design.nodes.contains_key(&target) || design.link(&target).is_some();
                let action = if is_there { Action::Heal(target) } else { Action::Heal(self.first(design)) };
                let at = Span::from_millis(self.below(9_000) as u64);
                Edit::AddIntervention(Intervention { at, lasting: None, ramp: None, action })
            }
            _ => Edit::All(vec![Edit::SetSeed(self.below(99) as u64), Edit::SetTitle(format!("{}", self.below(99)))]),
        }
    }

    fn first(&self, design: &Design) -> String {
        design.nodes.keys().next().cloned().unwrap_or_default()
    }

    fn hit(&mut self, design: &Design) -> Hit {
        let (node, link) = (self.node(design), self.below(design.links.len() + 1));
        match self.below(8) {
            0 | 1 => Hit::Empty,
            2 | 3 => Hit::Node(node),
            4 => Hit::Label(node),
            5 => Hit::Handle(node, if self.below(2) == 0 { Side::In } else { Side::Out }),
            6 => Hit::Link(link),
            _ => Hit::LinkEnd(link, if self.below(2) == 0 { End::From } else { End::To }),
        }
    }

    fn input(&mut self, design: &Design) -> Input {
        let (at, hit) = (self.at(), self.hit(design));
        let held = Modifiers { ctrl: self.below(4) == 0, shift: self.below(4) == 0, alt: self.below(4) == 0 };
        match self.below(16) {
            0..=4 => Input::Press { at, hit, held },
            5..=9 => Input::Move { at, hit, held },
            10..=13 => Input::Release { at, hit, held },
            14 if self.below(2) == 0 => Input::DoubleClick { at, hit },
            14 => Input::Context { hit },
            _ => Input::Take { kind: KINDS[self.below(KINDS.len())].key, at },
        }
    }
}

/// Undo to the beginning and redo to the end, and look at each state on the way.
fn there_and_back(editor: &mut Editor, states: &[Arc<Design>]) {
    for state in states.iter().rev().skip(1) {
        assert!(editor.undo());
        assert_eq!(**editor.design(), **state);
        sound(editor);
    }
    assert!(!editor.undo(), "nothing is left to undo");
    for state in &states[1..] {
        assert!(editor.redo());
        assert_eq!(**editor.design(), **state);
        sound(editor);
    }
    assert!(!editor.redo(), "nothing is left to redo");
}

#[test]
fn random_edits_can_all_be_undone_and_redone() {
    let mut done = 0;
    for seed in 0..60 {
        println!("seed {seed}");
        let mut edits = Edits::seeded(seed);
        let mut editor = Editor::new(design(DESIGN));
        let mut states = vec![editor.design().clone()];
        for _ in 0..60 {
            let edit = edits.next(editor.design());
            let before = editor.design().clone();
            match editor.edit(&edit) {
                Ok(()) if *editor.design() != before => states.push(editor.design().clone()),
                Ok(()) => {}
                Err(said) => {
                    assert!(!said.is_empty());
                    assert!(Arc::ptr_eq(editor.design(), &before), "{edit:?}");
                }
            }
            sound(&editor);
            if edits.below(10) == 0 && editor.undo() {
                states.pop();
            }
        }
        // What was undone last is not to be redone.
        assert_eq!(editor.edit(&Edit::SetSeed(1_000)), Ok(()));
        states.push(editor.design().clone());
        done += states.len();
        there_and_back(&mut editor, &states);
    }
    assert!(done > 1_000, "only {done} edits could be done");
}

#[test]
fn random_hands_leave_the_editor_sound() {
    let mut committed = 0;
    for seed in 0..60 {
        println!("seed {seed}");
        let mut edits = Edits::seeded(1_000 + seed);
        let mut editor = Hand::new(DESIGN).editor;
        let start = editor.design().clone();
        let mut clipboard = String::new();
        for _ in 0..150 {
            let design = editor.design().clone();
            let effects = if edits.below(4) == 0 {
                // Not what stands there for the window alone.
                let doings: Vec<&Doing> =
                    ACTIONS.iter().filter(|action| action.menu != tailboard::editor::actions::Menu::File).collect();
                editor.perform(doings[edits.below(doings.len())])
            } else {
                editor.input(edits.input(&design))
            };
            for effect in effects {
                match effect {
                    Effect::OpenQuickInsert { at, wired } if editor.design().nodes.len() < 30 => {
                        let offered = editor.choices(wired.as_ref());
                        if let Some(meta) = offered.get(edits.below(offered.len())) {
                            let inserted = editor.insert(meta.key, at.unwrap_or_default(), wired.as_ref());
                            assert!(inserted.is_ok(), "{} was offered: {inserted:?}", meta.key);
                        }
                    }
                    Effect::EditLabel(node) => {
                        let text = format!("n{}", edits.below(9));
                        let _ = editor.commit_label(&node, &text);
                    }
                    Effect::CopyText(text) => clipboard = text,
                    Effect::ReadClipboard { keep_outer } if editor.design().nodes.len() < 30 => {
                        let _ = editor.paste(&clipboard, None, keep_outer);
                    }
                    Effect::Say(text) | Effect::Refuse(text) => assert!(!text.is_empty()),
                    _ => {}
                }
            }
            sound(&editor);
        }
        editor.cancel();
        let end = editor.design().clone();
        committed += editor.history().depth().0;
        while editor.redo() {}
        while editor.undo() {
            sound(&editor);
        }
        assert_eq!(**editor.design(), *start);
        while editor.redo() {
            sound(&editor);
        }
        assert!(*editor.design() == end || editor.history().depth().1 == 0);
    }
    assert!(committed > 500, "only {committed} steps");
}
