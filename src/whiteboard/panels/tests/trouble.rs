//! What is asked, refused and complained about, and how it goes away again.

use super::*;
use crate::whiteboard::files::{Next, Question};
use crate::whiteboard::panels::Popup;

#[test]
fn questions_are_answered_by_what_they_say() {
    let mut listener = Listener::before(shortener());
    listener.app().editor.edit(&Edit::SetTitle("another".to_owned())).expect("a title");
    listener.app().popup = Popup::question(Question::Discard(Next::New));
    listener.wait();
    assert!(listener.hears("There are changes that are not saved"));
    listener.press("Cancel");
    assert_eq!(listener.app().editor.design().title, "another");
    listener.app().popup = Popup::question(Question::Discard(Next::New));
    listener.wait();
    listener.press("Don't save");
    assert_eq!(**listener.app().editor.design(), Design::default());
}

#[test]
fn questions_are_answered_by_enter_and_escape() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.ron");
    let mut listener = Listener::with(shortener(), Files::new(Some(path.clone()), None, None));
    listener.app().editor.edit(&Edit::SetTitle("another".to_owned())).expect("a title");
    let mut asked = |key: Key| {
        listener.app().popup = Popup::question(Question::Discard(Next::New));
        listener.wait();
        listener.harness.key_press(key);
        listener.wait();
        assert!(!listener.app().popup.is_open(), "{key:?} does nothing");
        (listener.app().editor.design().title.clone(), path.exists())
    };
    assert_eq!(asked(Key::Escape), ("another".to_owned(), false), "nothing is done");
    assert_eq!(asked(Key::Enter), (String::new(), true), "it is saved, and then there is a new one");
    // What would overwrite something is not what Enter does.
    std::fs::write(&path, "theirs").expect("room");
    listener.app().popup = Popup::question(Question::Replace(path.clone()));
    listener.wait();
    listener.harness.key_press(Key::Enter);
    listener.wait();
    assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("theirs"));
}

/// The room of what is written somewhere.
fn room(listener: &Listener, words: &str) -> Option<egui::Rect> {
    let wanted = words.to_owned();
    let is_it = move |node: &AccessKitNode| node.role() == Role::Label && said(node).as_deref() == Some(&wanted);
    listener.harness.query_all_by(is_it).next().map(|node| node.rect())
}

#[test]
fn messages_have_the_room_they_need_and_problems_stay() {
    let mut listener = Listener::before(shortener());
    let now = listener.app().now;
    listener.app().say("Saved", now);
    listener.wait();
    let problem = "The picture was not copied: the clipboard of this system does not take pictures of this size";
    let now = listener.app().now;
    listener.app().complain(problem, now);
    listener.app().complain(problem, now);
    listener.wait();
    let rect = room(&listener, problem).expect("it is said once");
    assert!(rect.width() > 300.0 && rect.height() < 45.0, "{rect:?}");
    let board = listener.app().screen;
    assert!(board.contains_rect(rect) && room(&listener, "Saved").is_some_and(|rect| board.contains_rect(rect)));
    listener.harness.run_steps(200);
    assert!(room(&listener, "Saved").is_none(), "ten seconds later");
    assert!(room(&listener, problem).is_some(), "nobody has said that they have read it");
    listener.press(&format!("Dismiss: {problem}"));
    assert!(room(&listener, problem).is_none());
    listener.app().complain(problem, now);
    listener.wait();
    listener.harness.key_press(Key::Escape);
    listener.wait();
    assert!(listener.app().messages.all().is_empty());
}

#[test]
fn a_list_is_as_tall_as_what_is_found() {
    let mut listener = Listener::before(shortener());
    let middle = listener.app().screen.center();
    listener.harness.hover_at(middle);
    listener.harness.key_press_modifiers(Modifiers::COMMAND, Key::Space);
    listener.wait();
    let height = |listener: &Listener| {
        listener.harness.ctx.memory(|memory| memory.area_rect(egui::Id::new("Insert"))).expect("a list").height()
    };
    let all = height(&listener);
    assert!(all > 280.0, "{all}");
    listener.get(Role::TextInput, "Search kinds").type_text("cache");
    listener.wait();
    let few = height(&listener);
    assert!(few < 200.0, "{few}");
    for _ in 0..5 {
        listener.harness.key_press(Key::Backspace);
        listener.wait();
    }
    assert_eq!(height(&listener), all);
}

#[test]
fn what_was_refused_is_forgotten_and_said_once() {
    let mut listener = Listener::before(shortener());
    let refused = |listener: &mut Listener| {
        listener.app().editor.select(Selection::of_nodes(["api"]));
        listener.wait();
        listener.fill("slots", "abc");
        assert_eq!(listener.value("slots"), "abc");
        assert!(listener.hears("whole number"));
    };
    refused(&mut listener);
    let says = |node: &AccessKitNode| said(node).is_some_and(|said| said.contains("whole number"));
    let words: Vec<String> = listener.harness.query_all_by(says).filter_map(|node| node.value()).collect();
    assert!(words.iter().all(|words| words.matches("whole number").count() == 1), "{words:?}");
    let slots = |listener: &Listener| listener.value("slots");
    let taken = "32";
    listener.harness.key_press(Key::Escape);
    listener.wait();
    assert_eq!((slots(&listener).as_str(), listener.hears("whole number")), (taken, false), "after Escape");
    refused(&mut listener);
    listener.app().editor.select(Selection::of_nodes(["db"]));
    listener.wait();
    listener.app().editor.select(Selection::of_nodes(["api"]));
    listener.wait();
    assert_eq!((slots(&listener).as_str(), listener.hears("whole number")), (taken, false), "after reselecting");
}

#[test]
fn a_long_status_leaves_the_buttons_where_they_are() {
    let mut listener = Listener::before(shortener());
    let lenses = ["Load", "Latency", "Errors", "Queues", "Clean"];
    let place = |listener: &Listener| lenses.map(|word| listener.get(Role::Button, word).rect());
    listener.until("the start", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.playing));
    let before = place(&listener);
    let long = "a_service_whose_name_is_as_long_as_names_are_in_real_life_and_a_little_longer_than_that";
    listener.app().editor.edit(&Edit::RenameNode { from: "api".into(), to: long.into() }).expect("a name");
    let nothing = Edit::Set { targets: vec![long.to_owned()], param: "slots".to_owned(), text: "0".to_owned() };
    listener.app().editor.edit(&nothing).expect("a setting");
    listener.until("the problem", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.problem.is_some()));
    listener.wait();
    assert_eq!(place(&listener), before);
    let status = listener.harness.query_all_by(|node| said(node).is_some_and(|s| s.contains("cannot be run"))).next();
    let status = status.expect("why it does not run").rect();
    assert!(status.right() <= before[0].left(), "{status:?} {:?}", before[0]);
    // It does not pretend to play.
    assert!(listener.find(Role::Button, "Pause").is_none() && listener.hears("stopped"));
    listener.press("Play");
    assert!(listener.app().messages.all().iter().any(|message| message.is_problem), "why it cannot");
    listener.app().editor.undo();
    listener.until("the run", |app| app.stuck().is_none());
    listener.wait();
    assert!(listener.find(Role::Button, "Pause").is_some(), "it goes on");
}

#[test]
fn what_is_killed_at_a_pause_is_seen_and_at_the_end_begins_anew() {
    let mut design = shortener();
    design.run.length = crate::base::Span::from_secs(20);
    let mut listener = Listener::before(design);
    listener.until("the start", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.now.as_secs() > 0.2));
    listener.press("Pause");
    listener.until("the pause", |app| app.snapshot.as_ref().is_some_and(|snapshot| !snapshot.playing));
    let before = listener.app().snapshot.as_ref().expect("it runs").now;
    listener.app().toggle_kill(&["db".to_owned()]);
    let is_down = |app: &mut App| {
        let snapshot = app.snapshot.as_ref().expect("it runs");
        let node = snapshot.frame.nodes.iter().find(|node| node.name == "db").expect("a database");
        snapshot.frame.at > before && node.copies.iter().all(|copy| copy.stage == crate::engine::Stage::Killed)
    };
    listener.until("the kill", is_down);
    let after = listener.app().snapshot.clone().expect("it runs");
    assert!(after.now.since(before).0 <= 2 && !after.playing, "it rests all the same");
    // To the end, and once more.
    listener.fill("Speed, as a number", "max");
    listener.press("Play");
    listener.until("the end", |app| app.snapshot.as_ref().is_some_and(|snapshot| snapshot.over));
    let number = listener.app().snapshot.as_ref().expect("it runs").number;
    listener.app().toggle_kill(&["api".to_owned()]);
    listener.until("another run", |app| {
        let has_kill = app.editor.design().timeline.iter().any(|i| i.action.targets().contains(&"api"));
        has_kill && app.snapshot.as_ref().is_some_and(|snapshot| snapshot.number > number)
    });
    let kill = listener.app().editor.design().timeline.last().expect("a kill").clone();
    assert!(kill.at.0 < 1_000, "{kill:?}");
    assert!(listener.app().messages.all().iter().any(|message| message.text.contains("starts again")));
}

#[test]
fn the_edges_of_panels_are_wide_enough_for_the_mouse() {
    let mut listener = Listener::before(shortener());
    let board = listener.app().screen;
    let edge = board.right() + 3.0;
    for off in [-2.0, 0.0, 2.0] {
        let before = listener.app().panels.side_width;
        let from = egui::pos2(edge + off, board.center().y);
        listener.harness.hover_at(from);
        listener.wait();
        listener.harness.drag_at(from);
        listener.wait();
        let to = from - egui::vec2(40.0, 0.0);
        listener.harness.hover_at(to);
        listener.wait();
        listener.harness.drop_at(to);
        listener.wait();
        let wider = listener.app().panels.side_width - before;
        assert!((wider - 40.0).abs() < 4.0, "{off}: {wider}");
        let back = to + egui::vec2(40.0, 0.0);
        listener.harness.drag_at(to);
        listener.wait();
        listener.harness.hover_at(back);
        listener.wait();
        listener.harness.drop_at(back);
        listener.wait();
    }
}
