//! Edits, history and clipboard.

use super::{DESIGN, Hand, design, lost_names, sound};
use std::sync::Arc;
use tailboard::base::{Severity, Span};
use tailboard::design::{Action, BoardFrame, Design, Intervention, LinkSpec, checks};
use tailboard::editor::{Edit, Editor, Effect, MOST_ITEMS, MOST_STEPS, Selection, apply, names, wiring};
use tailboard::kinds::KINDS;

fn edited(edit: &Edit) -> Design {
    apply(&design(DESIGN), edit).unwrap_or_else(|e| panic!("{edit:?}: {e}")).design
}

fn renamed(from: &str, to: &str) -> Edit {
    Edit::RenameNode { from: from.to_owned(), to: to.to_owned() }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn removed(nodes: &[&str], links: &[&str], heal: bool) -> Edit {
    Edit::Remove { nodes: owned(nodes), links: owned(links), heal }
}

#[test]
fn a_new_name_follows_through_everything() {
    let design = edited(&Edit::All(vec![renamed("api", "web"), renamed("cache", "redis"), renamed("db", "api")]));
    assert_eq!(lost_names(&design), [""; 0]);
    let links: Vec<String> = design.links.iter().map(LinkSpec::name).collect();
    assert_eq!(links, ["users->limiter", "limiter->web", "web->redis", "web->api"]);
    assert_eq!(design.links[3].when.after_miss.as_deref(), Some("redis"));
    let actions: Vec<&Action> = design.timeline.iter().map(|intervention| &intervention.action).collect();
    assert_eq!(*actions[0], Action::Kill("web#0".into()));
    assert_eq!(*actions[1], Action::Set("web->api.timeout".into(), "80ms".into()));
    assert_eq!(*actions[2], Action::Set("web.slots".into(), "8".into()));
    assert_eq!(*actions[3], Action::Partition(vec!["web".into()], vec!["redis".into(), "api".into()]));
    let that: Vec<&str> = design.expect.iter().map(|expectation| expectation.that.as_str()).collect();
    assert_eq!(that, ["api.p99", "web->api.attempts @ 1s..2s", "p99"]);
    assert_eq!(design.expect[1].times.as_deref(), Some("web.arrivals @ 1s..2s"));
}

#[test]
fn a_link_may_have_a_name_of_its_own() {
    let rename = |link: &str, to: Option<&str>| Edit::RenameLink { link: link.to_owned(), to: to.map(str::to_owned) };
    let design = edited(&rename("api->db", Some("misses")));
    assert_eq!(design.timeline[1].action, Action::Set("misses.timeout".into(), "80ms".into()));
    assert!(apply(&design, &rename("misses", Some("db"))).is_err_and(|said| said.contains("`db`")));
    assert!(apply(&design, &rename("misses", Some(" "))).is_err());
    let back = apply(&design, &rename("misses", None)).map(|edited| edited.design);
    assert_eq!(back, Ok(super::design(DESIGN)));
}

#[test]
fn what_is_removed_takes_with_it_what_speaks_of_it() {
    let design = edited(&removed(&["cache"], &[], false));
    assert_eq!(lost_names(&design), [""; 0]);
    assert_eq!((design.links.len(), design.links[2].when.after_miss.as_ref()), (3, None));
    // Of a partition, only that side's member; of the timeline, only the flush.
    assert_eq!(design.timeline[3].action, Action::Partition(vec!["api".into()], vec!["db".into()]));
    assert_eq!((design.timeline.len(), design.expect.len()), (4, 3));
    let hand = Hand::new(DESIGN).select(&["db"]).act("edit.delete");
    assert_eq!(hand.said(), ["Removed with it: one intervention and 2 expectations."]);
    assert_eq!(*hand.act("edit.undo").editor.design().as_ref(), super::design(DESIGN));
}

#[test]
fn frames_follow_their_nodes() {
    let frame = |nodes: &[&str]| BoardFrame { title: "zone".to_owned(), nodes: owned(nodes) };
    let framed = Design { frames: vec![frame(&["api", "cache"]), frame(&["cache"])], ..super::design(DESIGN) };
    let after = |edit: &Edit| apply(&framed, edit).expect("an edit").design;
    let renames = after(&renamed("cache", "redis"));
    assert_eq!(renames.frames, [frame(&["api", "redis"]), frame(&["redis"])]);
    let removes = after(&removed(&["cache"], &[], false));
    assert_eq!(removes.frames, [frame(&["api"])], "around nothing there is none");
    assert!(checks::is_runnable(&checks::check(&removes)));
}

#[test]
fn neighbours_are_joined_if_asked() {
    let design = edited(&removed(&["limiter", "api"], &[], true));
    // `api` has two links out, so that nothing can be joined there.
    assert_eq!(design.links.len(), 0);
    let design = edited(&removed(&["limiter"], &[], true));
    assert_eq!((design.links[0].name(), design.links[0].timeout), ("users->api".into(), Some(Span::from_secs(1))));
    let design = edited(&removed(&["limiter"], &["limiter->api"], true));
    assert_eq!(design.links.len(), 2);
    assert!(Hand::new(DESIGN).select(&["api"]).act("edit.delete_heal").steps() == 0, "it is not offered there");
}

#[test]
fn parameters_are_set_on_several_at_once_or_on_none() {
    let set = |targets: &[&str], param: &str, text: &str| {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        Edit::Set { targets, param: param.to_owned(), text: text.to_owned() }
    };
    let design = edited(&set(&["api->db", "api->cache"], "timeout", "7ms"));
    assert!(design.links[2..].iter().all(|link| link.timeout == Some(Span::from_millis(7))));
    let design = edited(&set(&["api", "spare"], "slots", "12"));
    assert!(["api", "spare"].iter().all(|name| format!("{:?}", design.nodes[*name].kind).contains("12")));
    let mut editor = Editor::new(super::design(DESIGN));
    assert!(editor.edit(&set(&["api", "db"], "slots", "12")).is_err());
    assert!(editor.edit(&set(&["api"], "slots", "many")).is_err_and(|said| said.contains("whole number")));
    assert!(editor.edit(&set(&["nobody"], "slots", "12")).is_err());
    assert_eq!((editor.history().depth(), editor.is_changed()), ((0, 0), false));
}

#[test]
fn what_cannot_be_is_said_and_changes_nothing() {
    let intervention = Intervention { at: Span::ZERO, lasting: None, ramp: None, action: Action::Kill("api".into()) };
    let link = |from: &str, to: &str| Edit::add_link(LinkSpec::new(from, to));
    for (edit, wanted) in [
        (renamed("api", "db"), "there is a node `db` already"),
        (renamed("api", "api->db"), "is not a name"),
        (renamed("nobody", "x"), "there is no node `nobody`"),
        (link("api", "nobody"), "there is no node `nobody`"),
        (link("api", "api"), "a node does not call itself"),
        (link("api", "db"), "`api->db` is the name of something else already"),
        (removed(&["nobody"], &[], false), "there is no node"),
        (removed(&[], &["nothing"], false), "there is no link `nothing`"),
        (Edit::Move(vec![("api".into(), (f32::NAN, 0.0))]), "too far away"),
        (Edit::Extract { node: "api".into() }, "does not have one link in and one link out"),
        (Edit::Splice { node: "db".into(), link: "limiter->api".into() }, "a database calls nobody"),
        (Edit::SetIntervention(9, intervention.clone()), "there is no number 10"),
        (Edit::RemoveIntervention(5), "there is no number 6"),
        (Edit::RemoveExpectation(3), "there is no number 4"),
        (Edit::All(vec![Edit::SetSeed(9), renamed("nobody", "x")]), "there is no node"),
    ] {
        let said = apply(&design(DESIGN), &edit).expect_err("refused");
        assert!(said.contains(wanted), "{edit:?}: {said}");
        let mut editor = Editor::new(design(DESIGN));
        assert!(editor.edit(&edit).is_err() && editor.history().depth() == (0, 0));
    }
    let design = edited(&Edit::All(vec![Edit::RemoveIntervention(0), Edit::AddIntervention(intervention)]));
    assert_eq!(design.timeline[4].action, Action::Kill("api".into()));
}

/// All pairs of kinds: what can be drawn has no error, and what cannot has one of the checks.
#[test]
fn new_links_satisfy_the_checks() {
    let (mut drawn, mut refused) = (0, 0);
    for from in KINDS {
        for to in KINDS {
            let text = format!(r#"(nodes: {{ "a": (kind: {}()), "b": (kind: {}()) }})"#, from.key, to.key);
            let mut design = design(&text);
            let refusal = wiring::problem(&design, "a", "b", None);
            design.links.push(wiring::new_link(&design, "a", "b"));
            let errors = checks::check(&design).into_iter().filter(|finding| finding.severity == Severity::Error);
            // An autoscaler may be linked first with what it is to watch.
            let errors: Vec<_> = errors.filter(|finding| finding.code != "not-scalable").collect();
            assert_eq!(refusal.is_some(), !errors.is_empty(), "{} to {}: {errors:?}", from.key, to.key);
            (drawn, refused) = (drawn + usize::from(refusal.is_none()), refused + usize::from(refusal.is_some()));
        }
    }
    assert!(drawn > 20 && refused > 20, "{drawn} drawn, {refused} refused");
    // A step waits in one way, and an autoscaler watches what it is linked with second.
    let mut design = design(DESIGN);
    design.links[2].wait = tailboard::design::WaitSpec::First;
    assert_eq!(wiring::new_link(&design, "api", "spare").wait, tailboard::design::WaitSpec::First);
    let text = r#"(nodes: { "sc": (kind: autoscaler()), "a": (kind: service()), "b": (kind: queue()) },
        links: [(from: "sc", to: "a")])"#;
    assert_eq!(wiring::new_link(&super::design(text), "sc", "b").step, 2);
}

#[test]
fn free_names_are_numbered() {
    let taken = ["cache", "cache-2", "a-x", "-3"];
    let fresh = |name: &str| names::fresh(name, |name| taken.contains(&name));
    assert_eq!([fresh("db"), fresh("cache"), fresh("cache-2")], ["db", "cache-3", "cache-3"]);
    assert_eq!([fresh("a-x"), fresh("-3")], ["a-x-2", "-3-2"]);
}

#[test]
fn undo_and_redo_restore_design_and_selection() {
    let hand = Hand::new(DESIGN).select(&["api"]).act("edit.duplicate").select(&["db"]).act("edit.delete");
    assert_eq!(hand.editor.history().undoable(), Some("delete"));
    let after = hand.editor.design().clone();
    let hand = hand.act("edit.undo");
    assert_eq!((hand.selected(), hand.editor.history().redoable()), (vec!["db"], Some("delete")));
    // Selecting does not clear what can be redone.
    let hand = hand.select(&["cache"]).act("edit.redo");
    assert!(Arc::ptr_eq(hand.editor.design(), &after));
    let hand = hand.act("edit.undo").act("edit.undo");
    assert_eq!((hand.selected(), hand.editor.is_changed()), (vec!["api"], false));
    assert_eq!(hand.act("edit.undo").act("edit.redo").act("edit.duplicate").editor.history().depth(), (2, 0));
}

#[test]
fn nudges_of_the_same_cards_are_one_step() {
    let hand =
        Hand::new(DESIGN).select(&["api", "db"]).act("arrange.left").act("arrange.far_down").act("arrange.bit_up");
    assert_eq!((hand.place("api"), hand.place("db"), hand.steps()), ((552.0, 39.0), (832.0, 199.0), 1));
    let hand = hand.select(&["api"]).act("arrange.left").act("arrange.left");
    assert_eq!(hand.steps(), 2);
    let hand = hand.act("edit.undo").act("arrange.right");
    assert_eq!((hand.place("api"), hand.steps()), ((560.0, 39.0), 2));
    assert!(!hand.act("edit.undo").act("edit.undo").editor.is_changed());
}

#[test]
fn history_is_bounded() {
    let mut editor = Editor::new(design(DESIGN));
    for seed in 0..MOST_STEPS as u64 + 50 {
        assert_eq!(editor.edit(&Edit::SetSeed(seed + 100)), Ok(()));
    }
    assert_eq!(editor.history().depth(), (MOST_STEPS, 0));
    sound(&editor);
    // A large design goes back fewer steps.
    let many: String = (0..5_000).map(|i| format!("\"n{i}\": (kind: service(), at: (0, 0)),")).collect();
    let mut editor = Editor::new(design(&format!("(nodes: {{ {many} }})")));
    for seed in 0..100 {
        assert_eq!(editor.edit(&Edit::SetSeed(seed + 100)), Ok(()));
    }
    assert_eq!(editor.history().depth(), (MOST_ITEMS / 5_000, 0));
}

#[test]
fn what_is_saved_is_known() {
    let mut editor = Editor::new(design(DESIGN));
    let first = editor.design().clone();
    assert_eq!(editor.edit(&Edit::SetSeed(9)), Ok(()));
    assert!(editor.is_changed());
    let saved = editor.design().clone();
    assert_eq!(editor.edit(&Edit::SetSeed(10)), Ok(()));
    // Saving took a while: there was another edit meanwhile.
    editor.mark_saved(&saved);
    assert!(editor.is_changed() && editor.undo() && !editor.is_changed() && editor.undo() && editor.is_changed());
    assert!(Arc::ptr_eq(editor.design(), &first));
    editor.open(design("()"));
    assert!(!editor.is_changed() && editor.history().depth() == (0, 0));
}

fn copied(hand: &mut Hand) -> String {
    match hand.effects.pop() {
        Some(Effect::CopyText(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn copies_are_text_and_come_back_the_same() {
    let mut hand = Hand::new(DESIGN).act("select.all").act("edit.copy");
    let text = copied(&mut hand);
    let mut editor = Editor::new(Design::default());
    assert_eq!(editor.paste(&text, None, false), Ok(()));
    let (from, to) = (design(DESIGN), editor.design().clone());
    assert_eq!((&from.links, from.nodes.len()), (&to.links, to.nodes.len()));
    for (name, node) in &from.nodes {
        let at = node.at.map(|at| (at.0 + 32.0, at.1 + 32.0));
        assert_eq!((&node.kind, at), (&to.nodes[name].kind, to.nodes[name].at));
    }
    // A whole scenario file is as good; what is none is refused.
    assert_eq!(editor.paste(DESIGN, None, false), Ok(()));
    assert_eq!(editor.design().nodes.len(), 12);
    for text in ["", "hello", "()", "(nodes: {})", "(nodes: { \"a\": (kind: nothing()) })"] {
        assert!(editor.paste(text, None, false).is_err(), "{text}");
    }
    sound(&editor);
}

#[test]
fn pasting_gives_new_names_and_keeps_links_if_asked() {
    let mut hand = Hand::new(DESIGN).select(&["api", "cache"]).act("edit.copy");
    let text = copied(&mut hand);
    let mut editor = hand.editor;
    assert_eq!(editor.paste(&text, Some((1000.0, 1000.0)), false), Ok(()));
    assert_eq!(editor.selection().nodes, ["api-2", "cache-2"]);
    assert_eq!(editor.design().links[4..].iter().map(LinkSpec::name).collect::<Vec<_>>(), ["api-2->cache-2"]);
    // Its middle is there, on the grid.
    assert_eq!(editor.design().nodes["api-2"].at, Some((776.0, 968.0)));
    assert_eq!(editor.paste(&text, None, true), Ok(()));
    let names: Vec<String> = editor.design().links[5..].iter().map(LinkSpec::name).collect();
    assert_eq!(names, ["limiter->api-3", "api-3->cache-3", "api-3->db"]);
    assert_eq!(editor.design().links[7].when.after_miss.as_deref(), Some("cache-3"));
    sound(&editor);
    // A condition is kept where what it waits for is there, and only there.
    let mut hand = Hand::new(DESIGN).select(&["db"]).act("edit.copy");
    let text = copied(&mut hand);
    assert_eq!(hand.editor.paste(&text, None, true), Ok(()));
    assert_eq!(hand.editor.design().links[4].when.after_miss.as_deref(), Some("cache"));
    assert_eq!(hand.editor.edit(&removed(&["cache"], &[], false)), Ok(()));
    assert_eq!(hand.editor.paste(&text, None, true), Ok(()));
    assert_eq!((hand.links()[4].as_str(), hand.editor.design().links[4].when.after_miss.clone()), ("api->db-3", None));
    // Never exactly on another.
    let places: std::collections::BTreeSet<String> =
        editor.design().nodes.values().map(|node| format!("{:?}", node.at)).collect();
    assert_eq!(places.len(), editor.design().nodes.len());
    assert!(editor.undo() && editor.undo() && *editor.design().as_ref() == design(DESIGN));
}

#[test]
fn cutting_copies_and_removes() {
    let mut hand = Hand::new(DESIGN).select(&["cache"]).act("edit.cut");
    assert_eq!(hand.said(), ["Removed with it: one intervention."]);
    hand.effects.pop();
    let text = copied(&mut hand);
    assert_eq!(hand.editor.paste(&text, None, true), Ok(()));
    assert_eq!(hand.links()[3], "api->cache");
}

#[test]
fn cards_without_a_place_are_settled_in_columns() {
    let text = DESIGN.replace(", at: (", ", label: \"\", at: (").replace("label: \"\", at: (0, 320)", "label: \"\"");
    let editor = Editor::new(design(&text));
    assert_eq!((editor.design().nodes["spare"].at, editor.is_changed()), (Some((0.0, 304.0)), false));
    let bare = r#"(nodes: { "c": (kind: client()), "a": (kind: service()), "b": (kind: service()), "d": (kind: database()) },
        links: [(from: "c", to: "a"), (from: "c", to: "b"), (from: "a", to: "d"), (from: "b", to: "d")])"#;
    let editor = Editor::new(design(bare));
    let at = |name: &str| editor.design().nodes[name].at.unwrap_or_default();
    assert_eq!([at("c"), at("a"), at("b"), at("d")], [(0.0, 0.0), (280.0, 0.0), (280.0, 144.0), (560.0, 0.0)]);
    // And so is what an edit adds without one.
    let mut editor = editor;
    let kind = tailboard::kinds::Spec::new("cache").unwrap_or_else(|| panic!("a cache"));
    let nodes = [("e".to_owned(), tailboard::design::Node { kind, at: None, label: String::new() })].into();
    assert_eq!(editor.edit(&Edit::Add { nodes, links: Vec::new() }), Ok(()));
    assert_eq!(editor.design().nodes["e"].at, Some((0.0, 288.0)));
    // What calls each other in a circle is settled, too.
    let circle = r#"(nodes: { "a": (kind: service()), "b": (kind: service()) },
        links: [(from: "a", to: "b"), (from: "b", to: "a")])"#;
    let editor = Editor::new(design(circle));
    assert!(editor.design().nodes["a"].at != editor.design().nodes["b"].at);
}

#[test]
fn a_selection_is_of_what_is_there() {
    let mut editor = Editor::new(design(DESIGN));
    editor.select(Selection { nodes: vec!["api".into(), "gone".into()], links: vec!["api->db".into(), "x->y".into()] });
    assert_eq!(editor.selection().len(), 2);
    assert_eq!(editor.edit(&renamed("api", "web")), Ok(()));
    assert_eq!(*editor.selection(), Selection { nodes: vec!["web".into()], links: vec!["web->db".into()] });
}
