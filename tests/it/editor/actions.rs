//! The list of actions.

use super::{DESIGN, Hand, design, sound};
use std::collections::{BTreeMap, BTreeSet};
use tailboard::base::Span;
use tailboard::design::{Intervention, LinkSpec, checks};
use tailboard::editor::actions::{ACTIONS, Action, Menu, On, by_id, by_shortcut, faults};
use tailboard::editor::{Edit, Editor, Effect, Key, Selection, Shortcut, Tool};
use tailboard::kinds::KINDS;

#[test]
fn no_two_share_an_id_a_label_or_a_shortcut() {
    let mut shortcuts: BTreeMap<String, &str> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut labels = BTreeSet::new();
    for action in ACTIONS {
        assert!(ids.insert(action.id), "{} stands there twice", action.id);
        assert!(labels.insert((action.menu, action.label)), "{} twice in a menu", action.label);
        for shortcut in action.shortcuts {
            let other = shortcuts.insert(shortcut.to_string(), action.id);
            assert_eq!(other, None, "{shortcut} of {}", action.id);
            let found = by_shortcut(*shortcut).map(|action| action.id);
            assert_eq!(found, Some(action.id), "{shortcut}");
            // A sign is what it is, however it is produced.
            if matches!(shortcut.key, Key::Sign(_)) {
                assert_eq!(by_shortcut(shortcut.shift()).map(|action| action.id), Some(action.id), "{shortcut}");
                let is_sign = |shortcut: &Shortcut| matches!(shortcut.key, Key::Sign(_));
                assert!(!action.shortcuts.iter().all(is_sign), "{} needs a key that every keyboard has", action.id);
            }
        }
    }
    let menus: Vec<Menu> = ACTIONS.iter().map(|action| action.menu).collect();
    assert!(menus.is_sorted(), "the order of the menus");
    assert!(Menu::ALL.iter().all(|menu| menus.contains(menu) && !menu.title().is_empty()));
    assert!([On::Board, On::Node, On::Link].iter().all(|on| ACTIONS.iter().any(|action| action.on.contains(on))));
}

#[test]
fn shortcuts_read_as_on_a_keyboard() {
    let shown = |id: &str| by_id(id).map(|action| action.shortcuts[0].to_string()).unwrap_or_default();
    assert_eq!(shown("edit.redo"), "Ctrl+Shift+Z");
    assert_eq!(shown("arrange.align_left"), "Ctrl+Shift+←");
    assert_eq!(shown("select.none"), "Esc");
    assert_eq!(shown("file.picture"), "F12");
}

/// Editors in which this or that can be done.
fn states() -> Vec<Editor> {
    let mut states = Vec::new();
    for nodes in [
        &[][..],
        &["api"],
        &["limiter"],
        &["spare", "db", "cache"],
        &["users", "cache", "api"],
        &["db", "spare", "api", "cache"],
        &["db"],
    ] {
        states.push(Hand::new(DESIGN).select(nodes).editor);
    }
    let mut links = Hand::new(DESIGN).editor;
    links.select(Selection::of_links(["api->db", "limiter->api"]));
    states.push(links);
    let mut queue = Hand::new(r#"(nodes: { "jobs": (kind: queue()), "workers": (kind: worker()) })"#).act("select.all");
    queue = queue.act("arrange.far_down");
    states.push(queue.act("edit.undo").editor);
    states.push(Hand::new(DESIGN).select(&["api"]).act("edit.duplicate").act("view.link_tool").editor);
    states
}

/// Whether performing it leaves a trace.
fn does_something(action: &Action, state: &Editor) -> bool {
    let mut editor = state.clone();
    if !(action.enabled)(&editor) {
        assert_eq!(editor.perform(action), [], "{} is not enabled", action.id);
        return false;
    }
    let effects = editor.perform(action);
    sound(&editor);
    let (before, after) = (state, &editor);
    !effects.is_empty()
        || before.design() != after.design()
        || before.selection() != after.selection()
        || before.tool() != after.tool()
        || before.snaps() != after.snaps()
}

#[test]
fn every_action_does_something_somewhere() {
    let states = states();
    for action in ACTIONS {
        assert!(states.iter().any(|state| does_something(action, state)), "{} does nothing", action.id);
    }
    // And nothing in the middle of a gesture breaks it.
    for action in ACTIONS {
        Hand::new(DESIGN).select(&["api", "db"]).press("api").drag_by((90.0, 90.0)).act(action.id).release();
        Hand::new(DESIGN).press_at((-9.0, -9.0)).drag_to((700.0, 90.0)).act(action.id).release();
        Hand::new(DESIGN).act("view.link_tool").press("spare").drag_onto("db").act(action.id).release();
    }
}

#[test]
fn switches_tell_their_state() {
    let mut editor = Hand::new(DESIGN).editor;
    for action in ACTIONS {
        let Some(is_on) = action.is_on else { continue };
        let before = is_on(&editor);
        editor.perform(action);
        assert!(is_on(&editor) != before || (before && editor.tool() == Tool::Select), "{}", action.id);
    }
}

/// What is done by hand goes into the file, and must be something that can be there.
#[test]
fn faults_pass_the_checks_on_every_kind() {
    let mut struck = BTreeSet::new();
    for meta in KINDS {
        let target = if meta.accepts_calls { "it" } else { "api" };
        let text = format!(
            r#"(nodes: {{ "users": (kind: client()), "api": (kind: service()), "it": (kind: {}()) }},
                links: [(from: "users", to: "{target}", timeout: "1s")])"#,
            meta.key
        );
        let mut editor = Editor::new(design(&text));
        for selection in [Selection::of_nodes(["it"]), Selection::of_links([format!("users->{target}")])] {
            editor.select(selection);
            for action in ACTIONS.iter().filter(|action| action.menu == Menu::Break && (action.enabled)(&editor)) {
                let mut before = editor.clone();
                for effect in before.perform(action) {
                    let Effect::Strike(strike) = effect else { continue };
                    struck.insert(action.id);
                    let strike = Intervention { at: Span::from_secs(1), lasting: None, ramp: None, action: strike };
                    let mut struck = editor.clone();
                    assert_eq!(struck.edit(&Edit::AddIntervention(strike)), Ok(()));
                    let wrong =
                        checks::check(struck.design()).into_iter().filter(|finding| finding.subject.0[0] == "timeline");
                    let wrong: Vec<_> = wrong.collect();
                    assert!(wrong.is_empty(), "{} of a {}: {wrong:?}", action.id, meta.key);
                }
            }
        }
    }
    let all = ACTIONS
        .iter()
        .filter(|action| action.menu == Menu::Break && !["break.kill", "break.choose"].contains(&action.id));
    assert_eq!(struck, all.map(|action| action.id).collect());
}

/// A menu over one node, replica or link says the same as the list does of the selection.
#[test]
fn faults_of_one_target_are_those_of_the_list() {
    let labels = |target: &str| -> Vec<&str> {
        faults(&Hand::new(DESIGN).editor, target).iter().map(|(action, _)| action.label).collect()
    };
    let hand = Hand::new(DESIGN).select(&["cache"]);
    for (action, strike) in faults(&hand.editor, "cache") {
        let effect = match action.id {
            "break.kill" => Effect::ToggleKill(vec!["cache".to_owned()]),
            _ => Effect::Strike(strike),
        };
        assert_eq!(hand.editor.clone().perform(action), [effect], "{}", action.id);
    }
    assert_eq!(labels("users"), ["Three times the traffic", "End all faults"]);
    let link = [
        "Kill, or revive",
        "Lose a tenth of the messages",
        "Delay by 100 ms each way",
        "Hold messages back",
        "Part its two ends",
        "End all faults",
    ];
    assert_eq!(labels("api->db"), link);
    assert!(labels("nobody").is_empty() && labels("cache").contains(&"Flush"));
    for (action, strike) in faults(&hand.editor, "db#0") {
        let mut editor = hand.editor.clone();
        let strike = Intervention { at: Span::from_secs(1), lasting: None, ramp: None, action: strike };
        let before = checks::check(editor.design()).len();
        assert_eq!(editor.edit(&Edit::AddIntervention(strike)), Ok(()));
        assert_eq!(checks::check(editor.design()).len(), before, "{}", action.id);
    }
    assert!(labels("db#0").contains(&"Kill, or revive") && !labels("cache#0").contains(&"Flush"));
}

#[test]
fn selecting_by_key() {
    let hand = Hand::new(DESIGN).act("select.all");
    assert_eq!(hand.selected().len(), 6);
    let hand = hand.select(&["api"]).act("select.invert");
    assert_eq!(hand.selected(), ["cache", "db", "limiter", "spare", "users"]);
    assert_eq!(hand.select(&["api"]).act("select.up").selected(), ["api", "limiter", "users"]);
    assert_eq!(Hand::new(DESIGN).select(&["limiter"]).act("select.down").selected(), ["limiter", "api", "cache", "db"]);
    assert_eq!(Hand::new(DESIGN).click_link("limiter->api").act("select.up").selected(), ["limiter", "users"]);
    // Nothing is selected twice, whatever leads there.
    let both = Selection { nodes: vec!["api".into(), "api".into()], links: vec!["api->db".into()] };
    let mut hand = Hand::new(DESIGN);
    hand.editor.select(both);
    assert_eq!(hand.act("select.up").selected(), ["api", "limiter", "users"]);
    let hand = Hand::new(DESIGN).select(&["cache"]).act("select.links");
    assert_eq!(hand.selected(), ["api->cache"]);
    assert_eq!(hand.act("select.invert").selected(), ["users->limiter", "limiter->api", "api->db"]);
}

#[test]
fn travelling_by_key() {
    let hand = Hand::new(DESIGN).act("select.next");
    assert!(hand.selected().is_empty(), "Tab is for the panels while no node is selected");
    let mut hand = hand.select(&["users"]);
    for wanted in ["limiter", "api", "cache", "db", "spare", "users"] {
        hand = hand.act("select.next");
        assert_eq!(hand.selected(), [wanted]);
    }
    assert_eq!(hand.effects.last(), Some(&Effect::Reveal("users".to_owned())));
    let hand = hand.act("select.previous");
    assert_eq!(hand.selected(), ["spare"]);
    let hand = hand.select(&["api"]).act("select.right");
    assert_eq!(hand.selected(), ["cache"]);
    let hand = hand.act("select.left").act("select.below");
    assert_eq!(hand.selected(), ["db"]);
    assert_eq!(hand.act("select.above").act("select.left").act("select.left").selected(), ["users"]);
}

#[test]
fn nodes_are_linked_in_the_order_in_which_they_were_picked() {
    let hand = Hand::new(DESIGN).select(&["users", "spare", "db"]).act("insert.link");
    assert_eq!((&hand.links()[4..], hand.steps()), (&["users->spare".to_owned(), "spare->db".to_owned()][..], 1));
    // What is there already stays as it is; what cannot be is said, and then none is drawn.
    assert_eq!(hand.act("insert.link").steps(), 1);
    let hand = Hand::new(DESIGN).select(&["spare", "db", "users"]).act("insert.link");
    assert_eq!((hand.said().len(), hand.links().len()), (1, 4));
}

#[test]
fn another_of_its_kind() {
    let hand = Hand::new(DESIGN).select(&["spare"]).act("insert.right");
    assert_eq!((hand.selected(), hand.links()[4].as_str()), (vec!["spare-2"], "spare->spare-2"));
    assert_eq!(hand.place("spare-2"), (280.0, 320.0));
    let hand = hand.select(&["spare"]).act("insert.left");
    assert_eq!(hand.links()[5], "spare-3->spare");
    let hand = hand.select(&["api"]).act("insert.below");
    // The place below is free, the twin has its links, and the condition is about its own.
    assert_eq!((hand.selected(), hand.place("api-2")), (vec!["api-2"], (560.0, 144.0)));
    assert_eq!(hand.links()[6..], ["limiter->api-2", "api-2->cache", "api-2->db"]);
    let hand = hand.select(&["api"]).act("insert.below");
    assert_eq!(hand.place("api-3"), (560.0, 288.0));
    assert_eq!(hand.select(&["db"]).act("insert.right").said(), ["a database calls nobody"]);
}

#[test]
fn aligning_and_distributing() {
    let aligned = |id: &str| {
        let hand = Hand::new(DESIGN).select(&["spare", "api", "db"]).act(id);
        assert_eq!(hand.steps(), 1);
        [hand.place("spare"), hand.place("api"), hand.place("db")]
    };
    assert_eq!(aligned("arrange.align_left"), [(0.0, 320.0), (0.0, 0.0), (0.0, 160.0)]);
    assert_eq!(aligned("arrange.align_right"), [(840.0, 320.0), (840.0, 0.0), (840.0, 160.0)]);
    assert_eq!(aligned("arrange.align_top"), [(0.0, 0.0), (560.0, 0.0), (840.0, 0.0)]);
    assert_eq!(aligned("arrange.align_bottom"), [(0.0, 320.0), (560.0, 320.0), (840.0, 320.0)]);
    assert_eq!(aligned("arrange.across"), [(0.0, 320.0), (420.0, 0.0), (840.0, 160.0)]);
    let hand = Hand::new(DESIGN).select(&["spare", "api", "db", "cache"]).act("arrange.down");
    assert_eq!([hand.place("api").1, hand.place("cache").1, hand.place("db").1], [0.0, 107.0, 213.0]);
}

#[test]
fn what_the_window_does_is_asked_of_it() {
    let asked = |id: &str| Hand::new(DESIGN).select(&["cache"]).act(id).effects;
    assert_eq!(asked("edit.rename"), [Effect::EditLabel("cache".into())]);
    assert_eq!(asked("edit.inspect"), [Effect::ToggleInspector]);
    assert_eq!(asked("arrange.lay_out"), [Effect::LayOut(vec!["cache".into()])]);
    assert_eq!(asked("break.kill"), [Effect::ToggleKill(vec!["cache".into()])]);
    assert_eq!(asked("edit.paste_linked"), [Effect::ReadClipboard { keep_outer: true }]);
    assert!(matches!(&asked("run.play")[..], [Effect::Window(_)]));
    let names: Vec<String> = Hand::new(DESIGN).editor.design().links.iter().map(LinkSpec::name).collect();
    assert_eq!(names.len(), 4);
}
