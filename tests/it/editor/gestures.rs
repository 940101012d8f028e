//! Tools, by hand.

use super::{DESIGN, Hand, design};
use tailboard::editor::{CARD, Cursor, Edit, Effect, End, Guide, Hit, Point, Side, Target, Wired};

#[test]
fn clicks_select() {
    let hand = Hand::new(DESIGN).click("api");
    assert_eq!(hand.selected(), ["api"]);
    let hand = hand.hold("shift").click("db").hold("ctrl").click("cache").click("api");
    assert_eq!(hand.selected(), ["db", "cache"]);
    let hand = hand.hold("").click("cache");
    assert_eq!(hand.selected(), ["cache"]);
    let hand = hand.click_link("api->db");
    assert_eq!(hand.selected(), ["api->db"]);
    let hand = hand.hold("shift").press_at((2000.0, 2000.0)).release();
    assert_eq!(hand.selected(), ["api->db"]);
    let hand = hand.hold("").press_at((2000.0, 2000.0)).release();
    assert!(hand.selected().is_empty() && hand.steps() == 0);
}

#[test]
fn a_menu_is_about_what_was_clicked() {
    let hand = Hand::new(DESIGN).select(&["api", "db"]).context(Hit::Node("db".to_owned()));
    assert_eq!(hand.selected(), ["api", "db"]);
    assert_eq!(hand.context(Hit::Node("cache".to_owned())).selected(), ["cache"]);
}

#[test]
fn a_marquee_encloses_to_the_right_and_touches_to_the_left() {
    let right = |hand: Hand| hand.press_at((500.0, -50.0)).drag_to((900.0, 100.0));
    let hand = right(Hand::new(DESIGN));
    assert!(hand.editor.overlay().marquee.is_some_and(|marquee| !marquee.touching));
    assert_eq!(hand.selected(), ["api"], "seen while it is drawn");
    assert_eq!(hand.release().selected(), ["api"]);
    let hand = Hand::new(DESIGN).press_at((900.0, 100.0)).drag_to((700.0, -50.0));
    assert!(hand.editor.overlay().marquee.is_some_and(|marquee| marquee.touching));
    assert_eq!(hand.release().selected(), ["api", "cache"]);
    let hand = right(Hand::new(DESIGN).select(&["db"]).hold("shift")).release();
    assert_eq!(hand.selected(), ["db", "api"]);
    let hand = right(hand.hold("alt")).release();
    assert_eq!((hand.selected(), hand.steps()), (vec!["db"], 0));
}

#[test]
fn a_drag_moves_what_is_selected_in_one_step() {
    let hand = Hand::new(DESIGN).select(&["cache", "db"]).press("db").drag_by((83.0, 301.0));
    assert_eq!(hand.place("db"), (840.0, 160.0), "nothing changes before the release");
    let hand = hand.release();
    assert_eq!((hand.place("cache"), hand.place("db"), hand.steps()), ((920.0, 304.0), (920.0, 464.0), 1));
    let hand = hand.act("edit.undo");
    assert_eq!((hand.place("cache"), hand.selected()), ((840.0, 0.0), vec!["cache", "db"]));
    // What is not selected is dragged alone, and is selected then.
    let hand = hand.press("api").drag_by((0.0, 200.0)).release();
    assert_eq!((hand.selected(), hand.place("cache")), (vec!["api"], (840.0, 0.0)));
    // Back to where it was is no step.
    let hand = hand.press("api").drag_by((40.0, 40.0)).drag_by((-40.0, -40.0)).release();
    assert_eq!(hand.steps(), 1);
}

#[test]
fn a_slip_of_the_hand_is_a_click() {
    let hand = Hand::new(DESIGN).press("api");
    let mut editor = hand.editor;
    let near = |editor: &mut tailboard::editor::Editor| {
        let (hit, held) = (Hit::Node("api".to_owned()), Default::default());
        editor.input(tailboard::editor::Input::Move { at: (646.0, 38.0), hit, held });
        !editor.dragged().is_empty()
    };
    assert!(!near(&mut editor));
    // The same way is longer on the screen at four times the size.
    editor.set_zoom(4.0);
    assert!(near(&mut editor));
}

#[test]
fn cards_are_drawn_into_line_and_onto_the_grid() {
    // Four off the line of the others is in line.
    let hand = Hand::new(DESIGN).press("spare").drag_to((284.0 + 84.0, 323.0 + 36.0));
    assert!(hand.editor.overlay().guides.iter().any(|guide| matches!(guide, Guide::Upright { x, .. } if *x == 280.0)));
    let hand = hand.release();
    assert_eq!(hand.place("spare"), (280.0, 320.0));
    let hand = hand.press("spare").drag_by((37.0, 45.0)).release();
    assert_eq!(hand.place("spare"), (320.0, 368.0));
    let hand = hand.hold("ctrl").press("spare").drag_by((3.0, 6.0)).release();
    assert_eq!(hand.place("spare"), (323.0, 374.0));
    let hand = hand.hold("").act("view.snap").press("spare").drag_by((3.0, 6.0)).release();
    assert_eq!(hand.place("spare"), (326.0, 380.0));
}

#[test]
fn alt_drags_a_copy_with_the_links_within() {
    let hand = Hand::new(DESIGN).select(&["api", "cache", "db"]).hold("alt").press("api").drag_by((0.0, 480.0));
    assert_eq!(hand.editor.cursor(&Hit::Empty), Cursor::Copy);
    assert_eq!(hand.editor.dragged(), ["api-2", "cache-2", "db-2"]);
    let hand = hand.release();
    assert_eq!(hand.selected(), ["api-2", "cache-2", "db-2"]);
    assert_eq!(hand.links()[4..], ["api-2->cache-2", "api-2->db-2"]);
    assert_eq!(hand.editor.design().links[5].when.after_miss.as_deref(), Some("cache-2"));
    assert_eq!((hand.place("api"), hand.place("api-2")), ((560.0, 0.0), (560.0, 480.0)));
    assert_eq!(hand.act("edit.undo").editor.design().nodes.len(), 6);
}

#[test]
fn a_link_is_drawn_from_a_handle() {
    let hand = Hand::new(DESIGN).press_handle("spare", Side::Out).drag_onto("db");
    assert_eq!(hand.editor.overlay().target, Some(Target::Node("db".to_owned())));
    let hand = hand.release();
    assert_eq!((hand.links()[4].as_str(), hand.steps()), ("spare->db", 1));
    // From the side where calls come in, it leads to the card.
    let hand = hand.press_handle("spare", Side::In).drag_onto("limiter").release();
    assert_eq!(hand.links()[5], "limiter->spare");
    // A second one between the same nodes has a name of its own.
    let hand = hand.press_handle("spare", Side::Out).drag_onto("db").release();
    assert_eq!(hand.links()[6], "spare->db-2");
}

#[test]
fn what_the_kinds_forbid_is_refused_in_a_sentence() {
    let refused = |from: &str, to: &str, wanted: &str| {
        let hand = Hand::new(DESIGN).press_handle(from, Side::Out).drag_onto(to);
        let said = hand.editor.overlay().wire.as_ref().and_then(|wire| wire.refusal.clone());
        assert_eq!(said.as_deref(), Some(wanted));
        assert_eq!((hand.editor.overlay().target.clone(), hand.editor.cursor(&Hit::Empty)), (None, Cursor::NotAllowed));
        let hand = hand.release();
        assert_eq!((hand.links().len(), hand.steps(), hand.said()), (4, 0, vec![wanted]));
    };
    refused("api", "users", "`users` is a client, which takes no calls");
    refused("db", "api", "a database calls nobody");
    let hand = Hand::new(DESIGN).press_handle("cache", Side::Out).drag_onto("db").release();
    assert_eq!(hand.links()[4], "cache->db");
    let hand = hand.press_handle("cache", Side::Out).drag_onto("spare").release();
    assert_eq!(hand.said(), ["a cache calls one node, not 2"]);
    // But the one that it has may be led elsewhere.
    let hand = hand.press_end("cache->db", End::To).drag_onto("spare").release();
    assert_eq!((hand.links()[4].as_str(), hand.said().len()), ("cache->spare", 1));
}

#[test]
fn a_link_dropped_on_the_board_asks_for_a_node() {
    let hand = Hand::new(DESIGN).press_handle("spare", Side::Out).drag_to((400.0, 356.0)).release();
    let wired = Wired { node: "spare".to_owned(), side: Side::Out };
    assert_eq!(hand.effects, [Effect::OpenQuickInsert { at: Some((400.0, 356.0)), wired: Some(wired.clone()) }]);
    let mut hand = hand;
    let offered: Vec<&str> = hand.editor.choices(Some(&wired)).iter().map(|meta| meta.key).collect();
    assert!(offered.contains(&"database") && !offered.contains(&"client") && !offered.contains(&"autoscaler"));
    assert_eq!(hand.editor.insert("database", (400.0, 356.0), Some(&wired)), Ok("database".to_owned()));
    assert_eq!((hand.place("database"), hand.selected()), ((400.0, 320.0), vec!["database"]));
    assert_eq!((hand.links()[4].as_str(), hand.steps()), ("spare->database", 1));
    // Recent first; and into the side where calls come in only what can call.
    assert_eq!(hand.editor.choices(None)[0].key, "database");
    let wired = Wired { node: "spare".to_owned(), side: Side::In };
    let offered: Vec<&str> = hand.editor.choices(Some(&wired)).iter().map(|meta| meta.key).collect();
    assert!(!offered.contains(&"database") && offered.contains(&"client"), "{offered:?}");
    assert!(hand.editor.insert("database", (0.0, 0.0), Some(&wired)).is_err());
    assert_eq!(hand.editor.insert("client", (-40.0, 356.0), Some(&wired)), Ok("client".to_owned()));
    assert_eq!(hand.place("client"), (-40.0 - CARD.0, 320.0));
}

#[test]
fn an_end_of_a_link_can_be_led_elsewhere() {
    let hand = Hand::new(DESIGN).press_end("api->db", End::To).drag_onto("spare");
    assert_eq!(hand.editor.overlay().wire.as_ref().and_then(|wire| wire.instead_of), Some(3));
    let hand = hand.release();
    let design = hand.editor.design();
    // What is set on it goes along, and so does what speaks of it.
    assert_eq!((design.links[3].name(), design.links[3].step), ("api->spare".to_owned(), 2));
    assert!(format!("{:?}", design.timeline[1].action).contains("api->spare.timeout"));
    assert!(design.expect[1].that.starts_with("api->spare.attempts"));
    // Dropped on the board, or where it was, it stays.
    let hand = hand.press_end("api->spare", End::From).drag_to((0.0, 900.0)).release();
    let hand = hand.press_end("api->spare", End::From).drag_to((0.0, 900.0)).drag_onto("api").release();
    assert_eq!((hand.links()[3].as_str(), hand.steps(), hand.effects.len()), ("api->spare", 1, 0));
    // A click on an end selects the link.
    let mut hand = hand.press_end("api->spare", End::To);
    hand.over = Some(Hit::LinkEnd(3, End::To));
    assert_eq!(hand.release().selected(), ["api->spare"]);
}

#[test]
fn a_condition_follows_the_link_it_speaks_of() {
    let hand = Hand::new(DESIGN).press_end("api->cache", End::To).drag_onto("spare").release();
    assert_eq!(hand.editor.design().links[3].when.after_miss.as_deref(), Some("spare"));
    // It comes from another node now: nothing is left to wait for.
    let hand = Hand::new(DESIGN).press_end("api->cache", End::From).drag_onto("spare").release();
    assert_eq!(
        (hand.links()[2].as_str(), hand.editor.design().links[3].when.after_miss.clone()),
        ("spare->cache", None)
    );
}

#[test]
fn the_link_tool_drags_and_clicks_from_card_to_card() {
    let hand = Hand::new(DESIGN).act("view.link_tool").press("spare").drag_onto("db").release();
    assert_eq!(hand.links()[4], "spare->db");
    let hand = hand.click("spare").drag_onto("cache").click("cache");
    assert_eq!((hand.links()[5].as_str(), hand.editor.is_busy()), ("spare->cache", false));
    let hand = hand.click("spare").press_at((100.0, 900.0)).release();
    assert!(matches!(hand.effects[..], [Effect::OpenQuickInsert { wired: Some(_), .. }]));
}

#[test]
fn a_card_dropped_on_a_link_is_put_into_it() {
    let hand = Hand::new(DESIGN).press("spare").drag_onto_link("limiter->api");
    assert_eq!(hand.editor.overlay().target, Some(Target::Link(1)));
    let hand = hand.release();
    assert_eq!(hand.links()[1], "limiter->spare");
    assert_eq!((hand.links()[4].as_str(), hand.steps()), ("spare->api", 1));
    let hand = hand.act("edit.undo");
    assert_eq!((hand.links().len(), hand.place("spare")), (4, (0.0, 320.0)));
    // Not with Alt, not what has links already, and not what calls nobody.
    let mut hand = hand.press("spare").drag_onto_link("limiter->api").hold("alt");
    hand = hand.drag_onto_link("limiter->api");
    assert_eq!(hand.editor.overlay().target, None);
    let hand = hand.release().hold("").press("db").drag_onto_link("limiter->api");
    assert_eq!(hand.editor.overlay().target, None);
    let hand = hand.escape().take("database", (0.0, 0.0)).drag_onto_link("limiter->api");
    assert_eq!(hand.editor.overlay().target, None);
    let hand = hand.escape().take("load_balancer", (0.0, 0.0)).drag_onto_link("limiter->api").release();
    assert_eq!(hand.links()[1], "limiter->load_balancer");
    assert_eq!(hand.selected(), ["load_balancer"]);
}

#[test]
fn shift_drags_a_card_out_of_its_link() {
    let hand = Hand::new(DESIGN).hold("shift").press("limiter").drag_by((0.0, 240.0));
    assert_eq!(hand.editor.shown().links[0].name(), "users->api");
    let hand = hand.release();
    assert_eq!((hand.links(), hand.steps()), (vec!["users->api".into(), "api->cache".into(), "api->db".into()], 1));
    assert!(hand.editor.design().links[0].timeout.is_some(), "what is set on the link into it stays");
}

#[test]
fn a_card_from_the_palette_is_put_where_it_is_dropped() {
    let hand = Hand::new(DESIGN).take("cache", (5000.0, 5000.0)).drag_to((403.0, 599.0));
    assert_eq!(hand.editor.dragged(), ["cache-2"]);
    let hand = hand.release();
    assert_eq!((hand.place("cache-2"), hand.selected(), hand.steps()), ((320.0, 560.0), vec!["cache-2"], 1));
}

#[test]
fn double_clicks() {
    let hand = Hand::new(DESIGN).double_click_on(Hit::Empty, (7.0, 9.0));
    assert_eq!(hand.effects, [Effect::OpenQuickInsert { at: Some((7.0, 9.0)), wired: None }]);
    let hand = Hand::new(DESIGN).double_click_on(Hit::Label("api".to_owned()), (7.0, 9.0));
    assert_eq!((hand.effects, hand.editor.selection().nodes.len()), (vec![Effect::EditLabel("api".to_owned())], 1));
    let hand = Hand::new(DESIGN).double_click_on(Hit::Link(1), (7.0, 9.0));
    assert_eq!(hand.selected(), ["limiter", "users", "api", "cache", "db"]);
}

#[test]
fn the_hand_leaves_the_pointer_to_the_window() {
    let hand = Hand::new(DESIGN).act("view.hand_tool").press("api").drag_by((100.0, 100.0)).release();
    assert_eq!((hand.steps(), hand.selected().len(), hand.editor.cursor(&Hit::Empty)), (0, 0, Cursor::Grab));
}

#[test]
fn what_is_typed_over_a_name_becomes_the_name_or_is_only_shown() {
    let mut editor = Hand::new(DESIGN).select(&["db"]).editor;
    assert_eq!(editor.commit_label("db", " postgres "), Ok(()));
    assert_eq!(editor.selection().nodes, ["postgres"]);
    assert_eq!(editor.commit_label("postgres", "Postgres 16.2"), Ok(()));
    assert_eq!(editor.design().nodes["postgres"].label, "Postgres 16.2");
    assert!(editor.commit_label("postgres", "api").is_err_and(|said| said.contains("`api` already")));
    assert_eq!(editor.design().nodes["postgres"].label, "Postgres 16.2");
    assert_eq!(editor.commit_label("postgres", "postgres"), Ok(()));
    assert_eq!(editor.design().nodes["postgres"].label, "");
    assert!(editor.edit(&Edit::RenameNode { from: "postgres".into(), to: "a.b".into() }).is_err());
}

/// No two cards have less room between them than they should have.
fn apart(hand: &Hand) {
    let places: Vec<(&String, Point)> =
        hand.editor.design().nodes.iter().map(|(name, node)| (name, node.at.unwrap_or_default())).collect();
    for (i, (a, at)) in places.iter().enumerate() {
        for (b, other) in &places[..i] {
            let near = (at.0 - other.0).abs() < CARD.0 + 24.0 && (at.1 - other.1).abs() < CARD.1 + 24.0;
            assert!(!near, "{a} {at:?} and {b} {other:?}");
        }
    }
}

#[test]
fn cards_make_room_in_the_same_step() {
    // On another card: what is dropped stays, what is there gives way.
    let hand = Hand::new(DESIGN).press("spare").drag_to((300.0 + 84.0, 40.0 + 36.0)).release();
    assert_eq!((hand.place("spare"), hand.steps()), ((304.0, 40.0), 1));
    apart(&hand);
    assert!(hand.place("limiter") != (280.0, 0.0) && hand.place("db") == (840.0, 160.0), "who is not in the way stays");
    let hand = hand.act("edit.undo");
    assert_eq!(*hand.editor.design().as_ref(), design(DESIGN));
    // From the palette, and several, that stay as they are to each other.
    let hand = hand.take("cache", (0.0, 0.0)).drag_to((600.0, 50.0)).release();
    apart(&hand);
    let hand = Hand::new(DESIGN).select(&["cache", "db"]).press("cache").drag_by((-280.0, 0.0)).release();
    assert_eq!((hand.place("cache"), hand.place("db")), ((560.0, 0.0), (560.0, 160.0)));
    apart(&hand);
    // Copies, pasted and duplicated.
    let hand = hand.act("edit.duplicate");
    apart(&hand);
    let hand = hand.act("edit.duplicate").act("insert.right").act("insert.below");
    apart(&hand);
    // By key, until it is beyond the next.
    let mut hand = Hand::new(DESIGN).select(&["users"]);
    for _ in 0..10 {
        hand = hand.act("arrange.far_right");
        apart(&hand);
    }
    assert_eq!(hand.steps(), 1);
}

#[test]
fn what_is_put_into_a_link_has_room_on_its_line() {
    let hand = Hand::new(DESIGN).press("spare").drag_onto_link("limiter->api").release();
    apart(&hand);
    let line = ["users", "limiter", "spare", "api", "cache"].map(|name| hand.place(name));
    assert!(line.is_sorted_by(|a, b| a.0 < b.0), "in the order of the links: {line:?}");
    assert!(line.iter().all(|at| (at.1 - line[0].1).abs() < 1.0), "on one line: {line:?}");
    assert_eq!((hand.links()[1].as_str(), hand.steps()), ("limiter->spare", 1));
}
