//! Esc at any point of any gesture leaves everything as it was, to the bit.

use super::{DESIGN, Hand, sound};
use std::sync::Arc;
use tailboard::editor::{End, Hit, Input, Modifiers, Selection, Side, Tool};

/// Everything that a press can be on.
fn hits() -> Vec<Hit> {
    let api = || "api".to_owned();
    vec![
        Hit::Empty,
        Hit::Node(api()),
        Hit::Node("spare".to_owned()),
        Hit::Label(api()),
        Hit::Handle(api(), Side::In),
        Hit::Handle(api(), Side::Out),
        Hit::Link(1),
        Hit::LinkEnd(1, End::From),
        Hit::LinkEnd(3, End::To),
        // What the window saw a moment ago may be gone.
        Hit::Node("gone".to_owned()),
        Hit::Link(99),
        Hit::LinkEnd(99, End::To),
    ]
}

fn modifiers() -> Vec<Modifiers> {
    let bits = |i: u8| Modifiers { ctrl: i & 1 > 0, shift: i & 2 > 0, alt: i & 4 > 0 };
    (0..8).map(bits).collect()
}

#[test]
fn every_gesture_can_be_cancelled_at_every_point() {
    let mut gestures = 0;
    for tool in [Tool::Select, Tool::Link, Tool::Hand] {
        for hit in hits() {
            for over in hits() {
                for held in modifiers() {
                    for length in [0, 1, 2, 3] {
                        let mut editor = Hand::new(DESIGN).editor;
                        editor.select(Selection::of_nodes(["api", "db"]));
                        editor.set_tool(tool);
                        let (design, selection, depth) =
                            (editor.design().clone(), editor.selection().clone(), editor.history().depth());
                        editor.input(Input::Press { at: (600.0, 30.0), hit: hit.clone(), held });
                        for at in [(602.0, 31.0), (700.0, 230.0), (90.0, 350.0)].into_iter().take(length) {
                            editor.input(Input::Move { at, hit: over.clone(), held });
                            sound(&editor);
                        }
                        let was_busy = editor.is_busy();
                        let was_cancelled = editor.cancel();
                        assert_eq!(was_busy, was_cancelled);
                        sound(&editor);
                        assert!(Arc::ptr_eq(editor.design(), &design), "{tool:?} {hit:?} {held:?} {length}");
                        assert_eq!(*editor.selection(), selection, "{tool:?} {hit:?} {held:?} {length}");
                        assert_eq!(editor.history().depth(), depth);
                        gestures += usize::from(was_busy);
                    }
                }
            }
        }
    }
    assert!(gestures > 5_000, "only {gestures} gestures were going on");
}

#[test]
fn a_link_that_waits_for_its_second_click_can_be_cancelled() {
    let hand = Hand::new(DESIGN).act("view.link_tool").click("spare");
    assert!(hand.editor.is_busy() && hand.editor.overlay().wire.is_some());
    let hand = hand.escape();
    assert!(!hand.editor.is_busy() && hand.links().len() == 4 && hand.editor.tool() == Tool::Link);
}

#[test]
fn a_card_from_the_palette_can_be_put_back() {
    let hand = Hand::new(DESIGN).take("cache", (300.0, 300.0)).drag_to((400.0, 400.0));
    assert_eq!(hand.editor.shown().nodes.len(), 7);
    let hand = hand.escape();
    assert_eq!((hand.editor.design().nodes.len(), hand.steps()), (6, 0));
}

#[test]
fn escape_takes_back_one_thing_at_a_time() {
    let hand = Hand::new(DESIGN).select(&["api"]).act("view.link_tool").press("api").drag_onto("spare");
    let hand = hand.escape();
    assert_eq!((hand.editor.is_busy(), hand.editor.tool(), hand.selected().len()), (false, Tool::Link, 1));
    let hand = hand.escape();
    assert_eq!((hand.editor.tool(), hand.selected().len()), (Tool::Select, 1));
    assert_eq!(hand.escape().selected().len(), 0);
}

#[test]
fn what_was_never_released_is_cancelled_by_the_next_press() {
    let hand = Hand::new(DESIGN).press("api").drag_by((200.0, 200.0)).press("db").release();
    assert_eq!((hand.steps(), hand.selected()), (0, vec!["db"]));
    let hand = hand.press("api").drag_by((200.0, 200.0)).double_click_on(Hit::Empty, (9.0, 9.0));
    assert_eq!((hand.steps(), hand.effects.len()), (0, 1));
}

/// Ways into each state of the pointer, with a name for each.
fn states() -> Vec<(&'static str, Vec<Input>)> {
    let held = Modifiers::default();
    let press = |hit: Hit| Input::Press { at: (600.0, 30.0), hit, held };
    let to = |x: f32, y: f32| Input::Move { at: (x, y), hit: Hit::Empty, held };
    let release = |hit: Hit| Input::Release { at: (600.0, 30.0), hit, held };
    let api = || Hit::Node("api".to_owned());
    vec![
        ("idle", vec![]),
        ("pressed on a card", vec![press(api())]),
        ("pressed on a link", vec![press(Hit::Link(1))]),
        ("pressed on the board", vec![press(Hit::Empty)]),
        ("marquee", vec![press(Hit::Empty), to(900.0, 300.0)]),
        ("moving", vec![press(api()), to(700.0, 230.0)]),
        ("placing", vec![Input::Take { kind: "cache", at: (300.0, 300.0) }, to(400.0, 400.0)]),
        ("wiring", vec![press(Hit::Handle("api".to_owned(), Side::Out)), to(700.0, 230.0)]),
        ("wiring by clicks", vec![press(api()), release(api()), to(700.0, 230.0)]),
        ("moving an end", vec![press(Hit::LinkEnd(3, End::To)), to(700.0, 230.0)]),
    ]
}

/// Everything that the pointer can do next, wherever it is.
fn inputs() -> Vec<Input> {
    let mut all = vec![Input::Take { kind: "queue", at: (50.0, 500.0) }];
    let hits = hits().into_iter().chain([Hit::Node("db".to_owned()), Hit::Node("cache".to_owned())]);
    for hit in hits {
        for held in modifiers() {
            let at = (90.0, 350.0);
            all.push(Input::Press { at, hit: hit.clone(), held });
            all.push(Input::Move { at, hit: hit.clone(), held });
            all.push(Input::Release { at, hit: hit.clone(), held });
        }
        all.push(Input::DoubleClick { at: (90.0, 350.0), hit: hit.clone() });
        all.push(Input::Context { hit });
    }
    all
}

#[test]
fn whatever_is_done_in_whatever_state_is_one_step_or_none() {
    let mut done = std::collections::BTreeMap::new();
    for tool in [Tool::Select, Tool::Link, Tool::Hand] {
        for (state, way) in states() {
            for input in inputs() {
                let mut editor = Hand::new(DESIGN).editor;
                editor.select(Selection::of_nodes(["api", "db"]));
                editor.set_tool(tool);
                let design = editor.design().clone();
                for input in &way {
                    editor.input(input.clone());
                    sound(&editor);
                }
                editor.input(input.clone());
                sound(&editor);
                let (steps, _) = editor.history().depth();
                assert!(steps <= 1, "{tool:?} {state} {input:?}: {steps} steps");
                editor.cancel();
                sound(&editor);
                if steps == 1 {
                    *done.entry(state).or_insert(0) += 1;
                    assert!(*editor.design() != design, "{tool:?} {state} {input:?}: a step that changes nothing");
                    assert!(editor.undo());
                    sound(&editor);
                    assert_eq!(**editor.design(), *design, "{tool:?} {state} {input:?}");
                } else {
                    assert!(std::sync::Arc::ptr_eq(editor.design(), &design), "{tool:?} {state} {input:?}");
                }
            }
        }
    }
    let committing: Vec<&str> = done.keys().copied().collect();
    assert_eq!(committing, ["moving", "moving an end", "placing", "wiring", "wiring by clicks"], "{done:?}");
}
