//! The panels as somebody uses them who has them read aloud: everything is found by what it is called.

use crate::design::{Design, LinkSpec};
use crate::editor::actions::{ACTIONS, Menu};
use crate::editor::{Edit, Editor, Selection};
use crate::kinds::{Body, Form, KINDS, Param, Spec, Value};
use crate::scenario;
use crate::whiteboard::app::{self, App};
use crate::whiteboard::canvas;
use crate::whiteboard::files::Files;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{AccessKitNode, NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node};
use std::sync::Arc;

mod trouble;

struct Listener {
    harness: Harness<'static, App>,
}

impl Listener {
    fn before(design: Design) -> Listener {
        Listener::with(design, Files::new(None, None, None))
    }

    fn with(design: Design, files: Files) -> Listener {
        let app = App::new(design, files, Arc::new(|| {}));
        let mut has_fonts = false;
        let frame = move |ui: &mut egui::Ui, app: &mut App| {
            if !std::mem::replace(&mut has_fonts, true) {
                // Fonts come with the next pass.
                ui.ctx().set_fonts(canvas::fonts());
                app::configure(ui.ctx());
                return;
            }
            app.ui(ui);
        };
        let builder = Harness::builder().with_size([1440.0, 1400.0]).with_step_dt(0.05);
        let mut listener = Listener { harness: builder.build_ui_state(frame, app) };
        listener.wait();
        listener
    }

    /// A run wants to be drawn again and again.
    fn wait(&mut self) {
        self.harness.run_steps(3);
    }

    fn app(&mut self) -> &mut App {
        self.harness.state_mut()
    }

    /// Wait until something is so, which another thread has to see to.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut App) -> bool) {
        for _ in 0..500 {
            self.wait();
            if is_so(self.harness.state_mut()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{what} never came");
    }

    fn find(&self, role: Role, name: &str) -> Option<Node<'_>> {
        let wanted = name.to_owned();
        let is_it = move |node: &AccessKitNode| node.role() == role && said(node).as_deref() == Some(&wanted);
        let mut found = self.harness.query_all_by(is_it);
        let first = found.next();
        assert!(found.next().is_none(), "two are called {name}");
        first
    }

    fn get(&self, role: Role, name: &str) -> Node<'_> {
        self.find(role, name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    fn press(&mut self, name: &str) {
        self.get(Role::Button, name).click();
        self.wait();
    }

    /// Type something into a field in place of what is there.
    fn fill(&mut self, name: &str, text: &str) {
        self.get(Role::TextInput, name).focus();
        self.wait();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.wait();
        if text.is_empty() {
            self.harness.key_press(Key::Backspace);
        }
        self.get(Role::TextInput, name).type_text(text);
        self.wait();
        self.harness.key_press(Key::Enter);
        self.wait();
    }

    fn value(&self, name: &str) -> String {
        self.get(Role::TextInput, name).value().unwrap_or_default()
    }

    /// Choose something in a list that opens.
    fn choose(&mut self, list: &str, choice: &str) {
        self.get(Role::ComboBox, list).click();
        self.wait();
        self.press(choice);
    }

    fn hears(&self, words: &str) -> bool {
        self.harness.query_all_by(|node| said(node).is_some_and(|said| said.contains(words))).next().is_some()
    }
}

/// What is read aloud of a node.
fn said(node: &AccessKitNode) -> Option<String> {
    if node.role() == Role::Label { node.value() } else { node.label() }
}

fn shortener() -> Design {
    scenario::read_str(include_str!("../../../scenarios/url_shortener.ron")).drawing.expect("a design")
}

#[test]
fn the_run_is_played_paused_and_told_how_fast_and_how_long() {
    let mut listener = Listener::before(shortener());
    listener.until("the start", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing));
    listener.press("Pause");
    listener.until("the pause", |app| app.snapshot.as_ref().is_some_and(|snapshot| !snapshot.playing));
    listener.press("Play");
    listener.until("the play", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing));
    for (typed, speed) in [("1/500", crate::run::Speed::Times(0.002)), ("max", crate::run::Speed::Fastest)] {
        listener.fill("Speed, as a number", typed);
        listener.until("the speed", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.speed == speed));
        assert_eq!(listener.value("Speed, as a number"), typed);
    }
    listener.fill("Speed, as a number", "quick");
    assert!(listener.hears("`quick` is no speed"));
    listener.fill("Run length", "90s");
    let length = listener.app().editor.design().run.length;
    assert_eq!(length, crate::base::Span::from_secs(90));
    assert_eq!(listener.app().editor.history().undoable(), Some("change run"));
    listener.until("the length", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.length.0 == length.0));
}

#[test]
fn every_menu_has_its_actions() {
    for menu in Menu::ALL {
        let mut listener = Listener::before(shortener());
        let all = Selection::all(listener.app().editor.design());
        listener.app().editor.select(all);
        listener.press(menu.title());
        for action in ACTIONS.iter().filter(|action| action.menu == *menu && action.in_menu) {
            let starts = |node: &AccessKitNode| {
                node.role() == Role::Button && said(node).is_some_and(|said| said.starts_with(action.label))
            };
            assert!(listener.harness.query_all_by(starts).next().is_some(), "{}: {}", menu.title(), action.label);
        }
    }
}

#[test]
fn what_would_be_undone_and_redone_is_said() {
    let mut listener = Listener::before(shortener());
    let at = vec![("db".to_owned(), (900.0, 300.0))];
    listener.app().editor.edit(&Edit::Move(at)).expect("a move");
    listener.press("Edit");
    assert!(listener.hears("Undo move") && !listener.hears("Redo move"));
    listener.harness.key_press(Key::Escape);
    listener.wait();
    listener.app().editor.undo();
    listener.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    listener.wait();
    assert!(listener.hears("Edit: Redo move"));
    assert!(!listener.hears("Undo move"));
}

#[test]
fn each_parameter_of_each_kind_and_of_links_has_a_field_with_its_name() {
    let check = |listener: &Listener, param: &Param, value: &dyn Value| {
        parts_are_there(listener, &Form::of(value), &param.name.replace('_', " "));
    };
    for meta in KINDS {
        let mut editor = Editor::new(Design::default());
        let name = editor.insert(meta.key, (300.0, 300.0), None).expect("a kind");
        let mut listener = Listener::before((**editor.design()).clone());
        listener.app().editor.select(Selection::of_nodes([name]));
        listener.wait();
        let mut spec = Spec::new(meta.key).expect("a kind");
        spec.visit(&mut |param: &Param, value: &mut dyn Value| check(&listener, param, value));
    }
    let mut listener = Listener::before(shortener());
    let mut link: LinkSpec = listener.app().editor.design().links[0].clone();
    listener.app().editor.select(Selection::of_links([link.name()]));
    listener.wait();
    link.visit(&mut |param: &Param, value: &mut dyn Value| check(&listener, param, value));
}

/// What can be switched, chosen and typed of a value, down to its parts, each by its name.
fn parts_are_there(listener: &Listener, form: &Form, name: &str) {
    if form.is_switch() || form.can_be_off() {
        listener.get(Role::CheckBox, name);
    }
    if form.is_switch() || form.can_be_off() && form.is_off() {
        return;
    }
    if !form.choices().is_empty() {
        listener.get(Role::ComboBox, name);
    }
    if form.is_typed() {
        let wanted = if form.is_off() { String::new() } else { super::inspector::plain(&form.text()) };
        assert_eq!(listener.value(name), wanted, "{name}");
    }
    match form.parts() {
        [only] if matches!(form.body, Body::Items(..)) && only.parts().is_empty() => {
            assert_eq!(listener.value(name), super::inspector::plain(&only.text()), "{name}");
        }
        parts => {
            for part in parts {
                let inner = super::inspector::plain(&part.name).replace('_', " ");
                parts_are_there(listener, part, &format!("{name} {inner}"));
            }
        }
    }
}

#[test]
fn policies_are_switched_on_and_set_part_by_part() {
    use crate::base::{Dist, Span};
    let mut listener = Listener::before(shortener());
    let name = listener.app().editor.design().links[1].name();
    let link = |app: &App| app.editor.design().link(&name).expect("a link").clone();
    let plain = LinkSpec { retry: None, timeout: None, ..link(listener.app()) };
    let clean = |app: &mut App| {
        for param in ["retry", "timeout"] {
            let (targets, text) = (vec![name.clone()], "None".to_owned());
            app.editor.edit(&Edit::Set { targets, param: param.to_owned(), text }).expect("none");
        }
        app.editor.select(Selection::of_links([name.clone()]));
    };
    clean(listener.app());
    listener.wait();
    assert!(listener.find(Role::TextInput, "retry attempts").is_none(), "it is off");
    listener.get(Role::CheckBox, "retry").click();
    listener.wait();
    assert_eq!(link(listener.app()).retry, Some(crate::design::RetrySpec::default()));
    listener.fill("retry attempts", "5");
    listener.choose("retry backoff growth", "Fixed");
    listener.choose("retry backoff jitter", "None");
    listener.fill("retry backoff base", "20ms");
    listener.get(Role::CheckBox, "retry budget").click();
    listener.wait();
    listener.fill("retry budget share", "30%");
    listener.fill("timeout", "250ms");
    let retry = link(listener.app()).retry.expect("it is on");
    let base = Span::from_millis(20);
    assert_eq!((retry.attempts, retry.backoff.base, retry.budget.map(|budget| budget.share.0)), (5, base, Some(0.3)));
    assert_eq!(format!("{:?} {:?}", retry.backoff.growth, retry.backoff.jitter), "Fixed None");
    assert_eq!(link(listener.app()).timeout, Some(Span::from_millis(250)));
    listener.fill("retry attempts", "many");
    assert!(listener.hears("whole number"), "why it was refused");
    listener.get(Role::CheckBox, "retry").click();
    listener.wait();
    listener.fill("timeout", "");
    assert_eq!(link(listener.app()), plain);
    // Another shape of the same mean.
    listener.choose("latency", "LogNormal");
    let mean = link(listener.app()).latency.mean();
    assert_eq!(mean, plain.latency.mean().filter(|mean| *mean > 0.0).or(Some(1e7)));
    listener.choose("latency", "Constant");
    assert_eq!(link(listener.app()).latency, Dist::constant(Span(mean.expect("a mean") as u64)));
}

#[test]
fn classes_are_added_and_taken_away() {
    let mut listener = Listener::before(shortener());
    listener.app().editor.select(Selection::of_nodes(["people"]));
    listener.wait();
    let classes = |app: &App| app.editor.design().nodes["people"].kind.classes();
    let before = classes(listener.app());
    listener.fill("add to classes", "report");
    assert!(classes(listener.app()).contains(&"report".to_owned()));
    listener.get(Role::CheckBox, "classes report write").click();
    listener.fill("classes report weight", "7");
    assert_eq!(listener.value("classes report weight"), "7");
    listener.press("remove classes report");
    assert_eq!(classes(listener.app()), before);
}

#[test]
fn a_request_is_traced() {
    let mut listener = Listener::before(shortener());
    listener.press("Trace");
    assert!(listener.hears("Choose a request above"));
    listener.until("a journey", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.journeys.len() > 20));
    listener.press("Slowest");
    assert!(listener.hears("calls, sent at ") && listener.hears("people → balancer: sent 0"));
    assert!(super::trace::csv(listener.app()).len() > 2);
    let row = "balancer → api";
    let mut rows = listener.harness.query_all_by(|node| said(node).is_some_and(|said| said.starts_with(row)));
    rows.next().expect("the second call").click();
    drop(rows);
    listener.wait();
    assert_eq!(listener.app().editor.selection().links, ["balancer->api"]);
}

#[test]
fn what_is_typed_into_the_inspector_is_taken_or_refused() {
    let mut listener = Listener::before(shortener());
    listener.app().editor.select(Selection::of_nodes(["api"]));
    listener.wait();
    listener.fill("slots", "33");
    let slots = |app: &mut App| {
        let mut found = String::new();
        let mut kind = app.editor.design().nodes["api"].kind.clone();
        kind.visit(&mut |param: &Param, value: &mut dyn Value| {
            if param.name == "slots" {
                found = value.text();
            }
        });
        found
    };
    assert_eq!(slots(listener.app()), "33");
    listener.fill("slots", "many");
    assert_eq!(slots(listener.app()), "33");
    assert!(listener.hears("whole number"), "why it was refused");
    assert_eq!(listener.value("slots"), "many", "what was typed is still there");
    listener.get(Role::TextInput, "slots").focus();
    listener.wait();
    listener.harness.key_press(Key::Escape);
    listener.wait();
    assert_eq!(listener.value("slots"), "33");
    assert!(!listener.hears("whole number"));
}

#[test]
fn what_is_wrong_is_told_and_can_be_fixed() {
    let mut design = shortener();
    design.links[1].to = "nobody".to_owned();
    let mut listener = Listener::before(design.clone());
    assert!(listener.hears("there is no node `nobody`"));
    listener.press("Fix: remove the link");
    assert!(!listener.hears("there is no node `nobody`"));
    assert_eq!(listener.app().editor.history().undoable(), Some("delete"));
    listener.app().editor.undo();
    listener.wait();
    assert_eq!(**listener.app().editor.design(), design);
    assert!(listener.hears("there is no node `nobody`"));
}

#[test]
fn tables_are_sorted_by_their_heads_and_copied_as_they_are_shown() {
    let mut design = shortener();
    design.run.length = crate::base::Span::from_secs(20);
    let mut listener = Listener::before(design);
    listener.fill("Speed, as a number", "max");
    listener.until("the end", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.over));
    listener.press("Nodes");
    assert!(listener.hears("of the run, "), "over which time, and how many requests");
    let heights =
        |listener: &Listener| ["api", "balancer", "db"].map(|name| listener.get(Role::Button, name).rect().top());
    assert!(heights(&listener).is_sorted(), "by name");
    listener.press("name ↑");
    assert!(heights(&listener).iter().rev().is_sorted());
    listener.press("busy");
    assert!(listener.find(Role::Button, "busy ↓").is_some(), "the largest first");
    let [api, balancer, db] = heights(&listener);
    assert!(db < api && api < balancer, "the balancer has no slots");
    listener.get(Role::Button, "Copy CSV").click();
    let mut copied = String::new();
    for _ in 0..4 {
        listener.harness.step();
        for command in &listener.harness.output().platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                copied.clone_from(text);
            }
        }
    }
    assert!(copied.starts_with("name,calls,n,mean,p50") && copied.lines().count() == 5, "{copied}");
    listener.press("balancer");
    assert_eq!(listener.app().editor.selection().nodes, ["balancer"]);
    listener.press("Requests");
    assert!(listener.find(Role::Button, "redirect").is_some());
    listener.press("Links");
    listener.press("people->balancer");
    assert_eq!(listener.app().editor.selection().links, ["people->balancer"]);
    listener.press("Plots");
    assert!(super::plots::csv(listener.app()).len() > 10);
    assert!(listener.hears("redirect: n ≈ ") && listener.hears("each point over "));
}

#[test]
fn something_is_broken_by_a_number_and_for_a_while() {
    let mut listener = Listener::before(shortener());
    listener.app().editor.select(Selection::of_nodes(["db"]));
    listener.harness.key_press(Key::B);
    listener.wait();
    listener.choose("Fault", "Slow");
    listener.fill("Times as long", "-3");
    listener.fill("Lasting", "2s");
    listener.press("Do it now");
    assert!(listener.hears("a number above 0"), "what cannot be is refused");
    listener.fill("Times as long", "3");
    listener.fill("Growing over", "500ms");
    listener.choose("What", "db#1");
    listener.press("Do it now");
    assert!(!listener.app().popup.is_open());
    listener.until("the fault", |app| !app.editor.design().timeline.is_empty());
    let done = listener.app().editor.design().timeline[0].clone();
    let span = |text: &str| crate::base::units::Quantity::parse(text).ok();
    assert_eq!(done.action, crate::design::Action::Slow("db#1".to_owned(), 3.0));
    assert_eq!((done.lasting, done.ramp), (span("2s"), span("500ms")));
}

#[test]
fn one_replica_is_killed_and_revived_by_menu() {
    use crate::design::Action::{Kill, Restart};
    let mut listener = Listener::before(shortener());
    listener.app().editor.select(Selection::of_nodes(["db"]));
    listener.wait();
    for (word, wanted) in [("Kill", Kill("db#1".to_owned())), ("Revive", Restart("db#1".to_owned()))] {
        for name in ["Break", "One replica", "db#1", word] {
            listener.press(name);
        }
        listener.until(word, |app| {
            app.editor.design().timeline.last().is_some_and(|intervention| intervention.action == wanted)
        });
    }
    assert!(crate::design::checks::is_runnable(&listener.app().findings.all));
}

#[test]
fn what_is_set_and_opened_is_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.ron");
    std::fs::write(&file, scenario::write_str(&shortener()).expect("text")).expect("room");
    let files = || Files::new(None, None, Some(folder.path()));
    let mut listener = Listener::with(Design::default(), files());
    listener.app().open_path(file, 0.0);
    listener.harness.key_press_modifiers(Modifiers::ALT, Key::S);
    listener.harness.key_press_modifiers(Modifiers::ALT | Modifiers::SHIFT, Key::D);
    listener.app().panels.plots = false;
    listener.wait();
    let look = listener.app().look;
    drop(listener);
    let mut listener = Listener::with(Design::default(), files());
    assert!(!listener.app().editor.snaps() && !listener.app().panels.plots);
    assert!(look != crate::whiteboard::theme::Look::default());
    assert_eq!(listener.app().look, look);
    listener.press("View");
    let toggled = |listener: &Listener, name: &str| listener.get(Role::Button, name).accesskit_node().toggled();
    let name = |id: &str| {
        let action = crate::editor::actions::by_id(id).expect("an action");
        format!("{} {}", action.label, action.shortcuts[0])
    };
    assert_eq!(toggled(&listener, &name("view.snap")), Some(egui::accesskit::Toggled::False));
    assert_eq!(toggled(&listener, &name("view.grid")), Some(egui::accesskit::Toggled::True));
    listener.harness.key_press(Key::Escape);
    listener.wait();
    for name in ["File", "Open recent", "mine.ron"] {
        listener.press(name);
    }
    assert_eq!(listener.app().editor.design().nodes, shortener().nodes);
    listener.app().open(Design::default());
    listener.wait();
    listener.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    listener.wait();
    listener.get(Role::TextInput, "Search commands").type_text("mine.ron");
    listener.wait();
    listener.harness.key_press(Key::Enter);
    listener.wait();
    assert_eq!(listener.app().editor.design().nodes, shortener().nodes);
}

#[test]
fn commands_are_searched_and_done() {
    let mut listener = Listener::before(shortener());
    listener.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    listener.wait();
    listener.get(Role::TextInput, "Search commands").type_text("lay out");
    listener.wait();
    assert!(listener.hears("Arrange: Lay out by itself") && !listener.hears("Arrange: Align left"));
    listener.harness.key_press(Key::Enter);
    listener.wait();
    assert!(!listener.app().popup.is_open());
    assert_eq!(listener.app().editor.history().undoable(), Some("move"));
    listener.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    listener.wait();
    listener.get(Role::TextInput, "Search commands").type_text("message");
    listener.wait();
    listener.harness.key_press(Key::Enter);
    listener.wait();
    let app = listener.app();
    let queue = app.editor.design().nodes.iter().find(|(_, node)| node.kind.meta().key == "queue");
    let queue = queue.map(|(name, _)| name.clone()).expect("a new one");
    listener.wait();
    let cards = &listener.app().targets.cards;
    let place = |name: &str| cards.iter().find(|(other, _)| other == name).map(|(_, card)| *card).expect("a card");
    let others = cards.iter().filter(|(name, _)| *name != queue);
    assert!(others.map(|(_, card)| card.intersect(place(&queue))).all(|both| !both.is_positive()), "it has room");
}

#[test]
fn shortcuts_are_listed_and_searched() {
    let mut listener = Listener::before(shortener());
    listener.harness.key_press(Key::F1);
    listener.wait();
    assert!(listener.hears("Ctrl+Shift+Z   Ctrl+Y") && listener.hears("Distribute across"));
    let width = listener.get(Role::TextInput, "Search shortcuts").rect().width();
    assert!((300.0..600.0).contains(&width), "{width}");
    listener.get(Role::TextInput, "Search shortcuts").focus();
    listener.wait();
    listener.get(Role::TextInput, "Search shortcuts").type_text("redo");
    listener.wait();
    assert!(listener.hears("Ctrl+Shift+Z   Ctrl+Y"));
    assert!(!listener.hears("Distribute across"));
}

#[test]
fn a_picture_is_exported_as_the_dialog_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut listener = Listener::before(shortener());
    listener.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    listener.wait();
    assert!(listener.value("File").ends_with(".png"));
    listener.press("SVG");
    assert!(listener.value("File").ends_with(".svg"), "the name says what it is");
    let path = folder.path().join("drawn.svg");
    listener.fill("File", &path.to_string_lossy());
    listener.press("Export");
    assert!(std::fs::read_to_string(&path).is_ok_and(|text| text.contains("<svg") && text.contains("URL shortener")));
    assert!(!listener.app().popup.is_open());
}

#[test]
fn a_picture_of_what_cannot_run_says_what_it_is_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut listener = Listener::before(shortener());
    let nothing = Edit::Set { targets: vec!["api".to_owned()], param: "slots".to_owned(), text: "0".to_owned() };
    listener.app().editor.edit(&nothing).expect("a setting");
    listener.until("the problem", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.problem.is_some()));
    let path = folder.path().join("old.png").display().to_string();
    let said = crate::whiteboard::export::Export { path, ..Default::default() }.write(listener.app());
    let said = said.expect("a picture");
    assert!(said.starts_with("Wrote") && said.ends_with("as it is drawn now, it cannot run"), "{said}");
}

#[test]
fn the_nodes_of_the_board_are_read_in_order() {
    let mut listener = Listener::before(shortener());
    let sentence = "api, Service, 3 of 5";
    assert!(listener.find(Role::ListBoxOption, "people, Client, 1 of 5").is_some());
    listener.get(Role::ListBoxOption, sentence).click_accesskit();
    listener.wait();
    assert_eq!(listener.app().editor.selection().nodes, ["api"]);
    let is_selected = listener.get(Role::ListBoxOption, sentence).accesskit_node().is_selected();
    assert_eq!(is_selected, Some(true));
}
