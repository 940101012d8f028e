//! The whiteboard without a window, driven by the events that a window would send.

use super::files::{Purpose, Replacing};
use super::headless::Headless;
use crate::base::Span;
use crate::design::{Design, RunSpec};
use crate::editor::{Selection, Side};
use crate::kinds::{KINDS, Spec};
use crate::scenario;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, pos2, vec2};

/// A person before the screen, who does twenty things a second.
struct Person(Headless);

impl std::ops::Deref for Person {
    type Target = Headless;
    fn deref(&self) -> &Headless {
        &self.0
    }
}

impl std::ops::DerefMut for Person {
    fn deref_mut(&mut self) -> &mut Headless {
        &mut self.0
    }
}

impl Person {
    fn before(design: Design) -> Person {
        Person(Headless::new(design, vec2(1440.0, 900.0)))
    }

    fn with(&mut self, events: Vec<Event>) {
        self.frame(0.05, events);
    }

    fn look(&mut self) {
        self.with(Vec::new());
    }

    fn button(at: Pos2, button: PointerButton, pressed: bool) -> Event {
        Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE }
    }

    fn go(&mut self, at: Pos2) {
        self.with(vec![Event::PointerMoved(at)]);
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        self.go(from);
        self.with(vec![Self::button(from, PointerButton::Primary, true)]);
        for step in 1..=4 {
            self.go(from.lerp(to, step as f32 / 4.0));
        }
        self.with(vec![Self::button(to, PointerButton::Primary, false)]);
        self.look();
    }

    fn click(&mut self, at: Pos2, button: PointerButton) {
        self.go(at);
        self.with(vec![Self::button(at, button, true)]);
        self.with(vec![Self::button(at, button, false)]);
        // Far enough from the next to be no double-click.
        self.time += 1.0;
        self.look();
    }

    fn press(&mut self, key: Key, modifiers: Modifiers) {
        for pressed in [true, false] {
            self.with(vec![Event::Key { key, physical_key: None, pressed, repeat: false, modifiers }]);
        }
    }

    fn type_text(&mut self, text: &str) {
        self.with(vec![Event::Text(text.to_owned())]);
        self.look();
    }

    /// Insert a kind by name at a place of the board, with the keyboard.
    fn insert(&mut self, kind: &str, at: (f32, f32)) -> String {
        let before: Vec<String> = self.app.editor.design().nodes.keys().cloned().collect();
        let place = self.app.view.to_screen(at);
        self.go(place);
        self.press(Key::Space, Modifiers::COMMAND);
        self.look();
        self.type_text(kind);
        self.press(Key::Enter, Modifiers::NONE);
        self.look();
        let new = self.app.editor.design().nodes.keys().find(|name| !before.contains(name)).cloned();
        new.unwrap_or_else(|| panic!("{kind} was not inserted"))
    }

    fn card(&self, node: &str) -> Rect {
        self.app.targets.card(node).unwrap_or_else(|| panic!("{node} is not on the board"))
    }

    fn wire(&mut self, from: &str, to: &str) {
        let start = self.app.targets.handle(self.card(from), Side::Out, &self.app.view);
        let end = self.card(to).center();
        let (start, end) = (self.app.view.to_screen((start.x, start.y)), self.app.view.to_screen((end.x, end.y)));
        self.drag(start, end);
        let there = self.app.editor.design().links.iter().any(|link| link.from == from && link.to == to);
        assert!(there, "no link from {from} to {to}");
    }
}

fn read(text: &str) -> Design {
    scenario::read_str(text).drawing.expect("a design")
}

#[test]
fn a_design_is_built_by_hand_run_broken_undone_and_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.ron");
    let short = RunSpec { length: Span::from_secs(20), ..RunSpec::default() };
    let mut person = Person::before(Design { run: short, ..Design::default() });
    person.app.view = super::view::View { zoom: 0.8, origin: person.app.screen.left_top() };
    person.app.fitted = true;
    let at = [(150.0, 300.0), (400.0, 300.0), (650.0, 180.0), (650.0, 420.0), (900.0, 300.0), (1_150.0, 300.0)];
    let kinds = ["client", "load balancer", "service", "service", "cache", "database"];
    let names: Vec<String> = kinds.iter().zip(at).map(|(kind, at)| person.insert(kind, at)).collect();
    for (from, to) in [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)] {
        person.wire(&names[from], &names[to]);
    }
    assert!(person.app.findings.all.is_empty(), "{:?}", person.app.findings.all);
    // It runs by itself, from the beginning now: on a slow machine, it has run for long while it was drawn.
    person.press(Key::Enter, Modifiers::COMMAND);
    person.look();
    let played = |person: &mut Person, at_least: f64| {
        for _ in 0..400 {
            person.look();
            if person.app.snapshot.as_ref().is_some_and(|snapshot| snapshot.now.as_secs() >= at_least) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the run does not get to {at_least} s");
    };
    played(&mut person, 0.3);
    // Kill the cache with the keyboard, and see it on the timeline.
    let cache = person.card(&names[4]).center();
    let cache = person.app.view.to_screen((cache.x, cache.y));
    person.click(cache, PointerButton::Primary);
    assert!(person.app.editor.selection().has_node(&names[4]));
    person.press(Key::M, Modifiers::NONE);
    let now = person.app.snapshot.as_ref().expect("it runs").now.as_secs();
    played(&mut person, now + 0.2);
    assert_eq!(person.app.editor.design().timeline.len(), 1, "what was done by hand is on the timeline");
    // Undone, it is as before.
    person.press(Key::Z, Modifiers::COMMAND);
    person.look();
    assert!(person.app.editor.design().timeline.is_empty());
    person.press(Key::Z, Modifiers::COMMAND | Modifiers::SHIFT);
    assert_eq!(person.app.editor.design().timeline.len(), 1);
    // The run ends, with what was done in it.
    person.app.runner.as_ref().expect("it runs").set_speed(crate::run::Speed::Fastest);
    for _ in 0..1_000 {
        person.look();
        if person.app.snapshot.as_ref().is_some_and(|snapshot| snapshot.over && snapshot.replaying.is_none()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let seen = person.app.snapshot.clone().expect("it runs");
    assert!(seen.over && seen.now == seen.length);
    assert_eq!(seen.design.timeline, person.app.editor.design().timeline);
    let with_kill = crate::run::run(&seen.design).expect("it runs");
    assert_eq!(*seen.report, with_kill);
    // Saved and opened again it is the same, and run without a window it gives the same report.
    let drawn = (**person.app.editor.design()).clone();
    let app = &mut person.app;
    let done = app.files.with_path(Purpose::SaveAs, &path, Replacing::Ask, &mut app.editor);
    app.files_done(done, 0.0);
    assert!(!person.app.editor.is_changed());
    let mut person = Person::before(Design::default());
    let app = &mut person.app;
    let done = app.files.with_path(Purpose::Open, &path, Replacing::Ask, &mut app.editor);
    app.files_done(done, 0.0);
    person.look();
    assert_eq!(**person.app.editor.design(), drawn);
    let again = crate::run::run(person.app.editor.design()).expect("it runs");
    assert_eq!(again, *seen.report);
    // It is the kill that made the figures.
    let unbroken = Design { timeline: Vec::new(), ..drawn };
    assert_ne!(crate::run::run(&unbroken).expect("it runs"), again);
}

#[test]
fn the_side_is_drawn_for_every_kind_and_for_links() {
    for meta in KINDS {
        let mut person = Person::before(Design::default());
        let name = person.insert(meta.title, (300.0, 300.0));
        assert_eq!(person.app.editor.design().nodes[&name].kind, Spec::new(meta.key).expect("a kind"));
        person.app.editor.select(Selection::of_nodes([name]));
        person.look();
    }
    let mut person = Person::before(read(include_str!("../../scenarios/url_shortener.ron")));
    for link in person.app.editor.design().links.clone() {
        person.app.editor.select(Selection::of_links([link.name()]));
        person.look();
    }
    let all = Selection::all(person.app.editor.design());
    person.app.editor.select(all);
    person.look();
}

#[test]
fn escape_closes_and_every_action_can_be_done() {
    for action in crate::editor::actions::ACTIONS {
        // These open a dialog of the system.
        if [
            "file.open",
            "file.save",
            "file.save_as",
            "file.picture",
            "file.copy_picture",
            "edit.paste",
            "edit.paste_linked",
        ]
        .contains(&action.id)
        {
            continue;
        }
        let mut person = Person::before(read(include_str!("../../scenarios/kinds/cache.ron")));
        person.press(Key::A, Modifiers::COMMAND);
        let now = person.time;
        person.app.perform(action, now);
        person.look();
        person.press(Key::Escape, Modifiers::NONE);
        person.look();
        assert!(!person.app.popup.is_open(), "{} does not close", action.id);
    }
}

#[test]
fn a_short_space_plays_and_a_long_one_moves_the_board() {
    let mut person = Person::before(read(include_str!("../../scenarios/kinds/cache.ron")));
    let middle = person.app.screen.center();
    person.go(middle);
    let space = |pressed| Event::Key {
        key: Key::Space,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let origin = person.app.view.origin;
    person.with(vec![space(true)]);
    person.drag(middle + vec2(0.0, -300.0), middle + vec2(80.0, -260.0));
    person.with(vec![space(false)]);
    assert!(
        (person.app.view.origin - origin - vec2(80.0, 40.0)).length() < 2.0,
        "{:?}",
        person.app.view.origin - origin
    );
    assert!(person.app.space.is_none());
}

#[test]
fn space_plays_and_pauses_on_a_slow_machine_and_with_the_keyboard_on_a_button() {
    let mut person = Person::before(read(include_str!("../../scenarios/kinds/cache.ron")));
    let middle = person.app.screen.center();
    person.go(middle);
    let space = |pressed| {
        let (key, physical_key, modifiers) = (Key::Space, None, Modifiers::NONE);
        vec![Event::Key { key, physical_key, pressed, repeat: false, modifiers }]
    };
    let plays = |person: &mut Person, wanted: bool| {
        for _ in 0..200 {
            person.look();
            if person.app.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing == wanted) {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        false
    };
    assert!(plays(&mut person, true));
    // Half a second between frames.
    person.frame(0.5, space(true));
    person.frame(0.5, space(false));
    assert!(plays(&mut person, false), "it was lost");
    // The keyboard comes to a button: nothing is selected.
    person.press(Key::Tab, Modifiers::NONE);
    person.press(Key::Tab, Modifiers::NONE);
    assert!(person.ctx.egui_wants_keyboard_input() && person.app.editor.selection().is_empty());
    person.with(space(true));
    person.with(space(false));
    assert!(plays(&mut person, true), "the button had it");
    assert!(!egui::Popup::is_any_open(&person.ctx), "and it was pressed");
    // Held while the pointer is moved, as somebody does who thinks better of it.
    person.with(space(true));
    person.frame(0.5, vec![Event::PointerMoved(middle + vec2(60.0, 0.0))]);
    person.with(space(false));
    assert!(!plays(&mut person, false));
}

#[test]
fn the_board_fits_the_window_until_somebody_moves_it() {
    let text = include_str!("../../scenarios/url_shortener.ron");
    let mut person = Person::before(read(text));
    let inside = |person: &Person| {
        let app = &person.app;
        let shown = |card: &Rect| app.screen.contains(app.view.to_screen((card.right(), card.bottom())));
        app.targets.cards.iter().all(|(_, card)| shown(card))
    };
    person.look();
    assert!(inside(&person));
    person.size = vec2(900.0, 700.0);
    person.look();
    person.look();
    assert!(inside(&person), "it is fitted again");
    person.app.view.pan(vec2(-40.0, 0.0));
    let moved = person.app.view;
    person.size = vec2(1440.0, 900.0);
    person.look();
    person.look();
    assert_eq!(person.app.view, moved, "what somebody has moved stays");
}

#[test]
fn a_window_at_rest_asks_for_nothing() {
    let text = include_str!("../../scenarios/url_shortener.ron");
    let mut person = Person::before(read(text));
    for _ in 0..100 {
        person.look();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let now = person.time;
    person.app.act("run.play", now);
    for _ in 0..100 {
        person.look();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(person.app.snapshot.as_ref().is_some_and(|snapshot| !snapshot.playing));
    assert!(!person.ctx.has_requested_repaint(), "{:?}", person.ctx.repaint_causes());
}

#[test]
fn the_first_cards_of_a_new_board_stay_where_they_are_put() {
    let mut person = Person::before(Design::default());
    let at = [(300.0, 200.0), (620.0, 230.0), (700.0, 430.0)];
    for (kind, at) in ["client", "service", "cache"].into_iter().zip(at) {
        let screen = person.app.view.to_screen(at);
        let name = person.insert(kind, at);
        person.look();
        person.look();
        let corner = person.app.editor.design().nodes[&name].at.expect("a place");
        let middle = person.app.view.to_screen((corner.0 + 84.0, corner.1 + 36.0));
        assert!(middle.distance(screen) < 12.0, "{name} is at {middle:?} instead of {screen:?}");
    }
    let places: Vec<_> = person.app.editor.design().nodes.values().filter_map(|node| node.at).collect();
    for (i, a) in places.iter().enumerate() {
        for b in &places[..i] {
            assert!((a.0 - b.0).abs() >= 208.0 || (a.1 - b.1).abs() >= 144.0, "{a:?} and {b:?}");
        }
    }
}

#[test]
fn kinds_that_are_clicked_stand_beside_each_other() {
    let mut person = Person::before(Design::default());
    let palette = pos2(80.0, 0.0);
    let row = (60..400).step_by(4).map(|y| palette + vec2(0.0, y as f32));
    let row: Vec<Pos2> = row.collect();
    for at in row {
        if person.app.editor.design().nodes.len() < 3 {
            person.click(at, PointerButton::Primary);
        }
    }
    let places: Vec<_> = person.app.editor.design().nodes.values().filter_map(|node| node.at).collect();
    assert_eq!(places.len(), 3);
    for (i, a) in places.iter().enumerate() {
        assert!(places[..i].iter().all(|b| (a.0 - b.0).abs() >= 208.0 || (a.1 - b.1).abs() >= 144.0), "{places:?}");
    }
}

/// Cards as near to each other as a file may have them: each handle is one card's, wherever it is pressed.
#[test]
fn a_handle_belongs_to_one_card() {
    for gap in [4.0, 12.0, 20.0, 24.0, 60.0] {
        let text = format!(
            r#"(nodes: {{ "a": (kind: service(), at: (0, 0)), "b": (kind: service(), at: ({}, 0)),
                "c": (kind: service(), at: (0, 200)) }}, links: [])"#,
            168.0 + gap
        );
        for zoom in [0.5, 1.0, 2.0] {
            let mut person = Person::before(read(&text));
            person.app.view = super::view::View { zoom, origin: person.app.screen.left_top() + vec2(150.0, 60.0) };
            person.look();
            for (node, side, wanted) in [("a", Side::Out, "a->c"), ("b", Side::In, "c->b")] {
                let start = person.app.targets.handle(person.card(node), side, &person.app.view);
                let end = person.card("c").center();
                let to_screen = |at: Pos2| person.app.view.to_screen((at.x, at.y));
                let (start, end) = (to_screen(start), to_screen(end));
                person.drag(start, end);
                let links: Vec<String> = person.app.editor.design().links.iter().map(|link| link.name()).collect();
                assert_eq!(links, [wanted], "{gap} {zoom}");
                person.app.editor.undo();
            }
        }
    }
}
