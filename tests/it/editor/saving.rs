//! Saving changes what has changed in the text of a file, and nothing else.

use super::random::Edits;
use crate::scenarios::files;
use std::path::Path;
use tailboard::base::ron;
use tailboard::design::{Design, set_parameter};
use tailboard::editor::{Edit, Editor};
use tailboard::scenario::edit_str;

const TEXT: &str = r#"// The head.
(
    title: "old", // said first
    run: (length: "60s", warm_up: "1000ms"),

    /* the nodes */
    nodes: {
        "users": (kind: client(rate: "400/s"), at: (0, 0)),
        // It is slow.
        "api": (kind: service((replicas: 2, // two
            slots: 16)), at: (240.5, 0)), // the middle
        "db": (at: (720, 0), kind: database()),
        "more": (kind: service(), at: (720, 200)),
    },
    links: [
        (from: "users", to: "api", timeout: "1000ms"), // patient
        // Not patient.
        (from: "api", to: "db", timeout: "0.2s", retry: (attempts: 2)),
    ],
    timeline: [
        // (at: "30s", do: Kill("db")),
    ],
    expect: [(that: "db.p99", at_most: "1s"), (that: "p99", at_most: "1s", why: "it is")],
)
// The end.
"#;

fn read(text: &str) -> Design {
    ron::read(text).into_result().unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// The text after these edits; what it says must be what they come to.
fn saved(text: &str, edits: &[Edit]) -> String {
    let mut editor = Editor::new(read(text));
    for edit in edits {
        editor.edit(edit).unwrap_or_else(|said| panic!("{edit:?}: {said}"));
    }
    written(text, editor.design())
}

fn written(text: &str, design: &Design) -> String {
    let edited = edit_str(text, design).expect("it can be written");
    assert!(edited.is_kept, "written anew:\n{text}\n{}", edited.text);
    assert_eq!(read(&edited.text), *design, "{}", edited.text);
    edited.text
}

fn set(target: &str, param: &str, text: &str) -> Edit {
    Edit::Set { targets: vec![target.to_owned()], param: param.to_owned(), text: text.to_owned() }
}

#[test]
fn nothing_changes_where_nothing_has_changed() {
    assert_eq!(saved(TEXT, &[]), TEXT);
    let windows = TEXT.replace('\n', "\r\n");
    assert_eq!(saved(&windows, &[]), windows);
}

#[test]
fn what_has_changed_is_changed_where_it_stands() {
    let link = |from: &str, to: &str| Edit::add_link(tailboard::editor::wiring::new_link(&read(TEXT), from, to));
    for (edit, from, to) in [
        (Edit::SetTitle("new".to_owned()), "title: \"old\"", "title: \"new\""),
        (Edit::Move(vec![("db".to_owned(), (728.0, 8.0))]), "(720, 0)", "(728, 8)"),
        (set("api", "slots", "8"), "slots: 16", "slots: 8"),
        (set("users->api", "timeout", "500ms"), "\"1000ms\"), // patient", "\"500ms\"), // patient"),
        // What was left to its default appears, and what goes back to it says so.
        (set("api", "cores", "2"), "slots: 16)", "slots: 16, cores: 2)"),
        (set("api->db", "retry", "None"), "retry: (attempts: 2)", "retry: None"),
        // A name is mentioned elsewhere.
        (Edit::RenameNode { from: "db".to_owned(), to: "store".to_owned() }, "\"db\": (at:", "\"store\": (at:"),
        (
            link("api", "more"),
            "(attempts: 2)),\n",
            "(attempts: 2)),\n        (from: \"api\", to: \"more\", latency: \"250us\"),\n",
        ),
        (
            Edit::Remove { nodes: Vec::new(), links: vec!["users->api".to_owned()], heal: false },
            "        (from: \"users\", to: \"api\", timeout: \"1000ms\"), // patient\n",
            "",
        ),
    ] {
        let mut wanted = TEXT.replacen(from, to, 1);
        assert_ne!(wanted, TEXT, "{from}");
        if matches!(edit, Edit::RenameNode { .. }) {
            wanted = wanted.replace("to: \"db\"", "to: \"store\"").replace("\"db.p99\"", "\"store.p99\"");
        }
        assert_eq!(saved(TEXT, &[edit]), wanted);
    }
}

#[test]
fn sections_are_filled_and_emptied_around_their_comments() {
    let mut design = read(TEXT);
    let other = read(
        r#"(timeline: [(at: "1s", do: Flush("db")), (at: "2s", lasting: "1s", do: Kill("api#0"))], stickies: [(text: "a"), (text: "b")],
            nodes: { "new": (kind: cache(capacity: Entries(7)), label: "x") })"#,
    );
    design.timeline = other.timeline;
    design.stickies = other.stickies;
    design.nodes.extend(other.nodes);
    let text = written(TEXT, &design);
    for line in [
        "        // (at: \"30s\", do: Kill(\"db\")),\n        (at: \"1s\", do: Flush(\"db\")),\n",
        "        \"new\": (kind: cache(capacity: Entries(7)), label: \"x\"),\n    },\n",
        "    stickies: [(text: \"a\"), (text: \"b\")],\n)\n// The end.\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // And back: what was added goes with its lines.
    assert_eq!(written(&text, &read(TEXT)), TEXT);
    let empty = Design { nodes: Default::default(), links: Vec::new(), expect: Vec::new(), ..read(TEXT) };
    let text = written(TEXT, &empty);
    assert!(
        text.contains("// Not patient.") && text.contains("/* the nodes */") && text.contains("expect: []"),
        "{text}"
    );
    written(&text, &read(TEXT));
}

#[test]
fn what_cannot_be_read_or_changed_is_written_anew_and_said() {
    let design = read(TEXT);
    for text in ["", "(title: \"a\", oops: 1)", "not a scenario ("] {
        let edited = edit_str(text, &design).expect("it can be written");
        assert!(!edited.is_kept);
        assert_eq!(read(&edited.text), design);
    }
}

/// The text with a comment above and behind every line.
fn commented(text: &str) -> String {
    let (mut out, mut is_text) = (String::new(), false);
    for (n, line) in text.lines().enumerate() {
        let was_text = is_text;
        is_text ^= line.replace("\\\"", "").matches('"').count() % 2 == 1;
        if was_text || is_text {
            out += &format!("{line}\n");
            continue;
        }
        let behind = if line.ends_with([',', '[', '{', '(']) { format!(" // behind {n}") } else { String::new() };
        out += &format!("// above {n}.\n{line}{behind}\n");
    }
    assert_eq!(read(&out), read(text), "a comment changes nothing");
    out
}

/// Random edits of every scenario that comes with the program, saved one after the other.
#[test]
fn random_edits_read_back_and_keep_the_comments() {
    let (mut count, mut all) = (0, files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")));
    all.extend(files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds")));
    for (seed, (name, path)) in all.into_iter().enumerate() {
        println!("{name}, seed {seed}");
        let original = commented(&std::fs::read_to_string(path).expect("a scenario"));
        let (mut edits, mut editor) = (Edits::seeded(seed as u64), Editor::new(read(&original)));
        let mut text = original;
        for _ in 0..12 {
            for _ in 0..3 {
                let edit = edits.next(editor.design());
                // What cannot be done is refused, and nothing is to be saved.
                count += usize::from(editor.edit(&edit).is_ok());
            }
            let tree = ron::parse(&text);
            let new = written(&text, editor.design());
            for (at, comment) in
                text.match_indices("// above ").map(|(at, _)| (at, text[at..].lines().next().unwrap_or_default()))
            {
                // One within a node or a link may go with it.
                if ron::path_at(&tree, at).len() <= 1 {
                    assert!(new.contains(comment), "{comment}\n{text}\n{new}");
                }
            }
            text = new;
        }
    }
    assert!(count > 200, "only {count} edits could be done");
}

/// What the inspector may set, whatever the shape in which the file says it: each example of each parameter of each kind.
#[test]
fn every_parameter_can_be_saved() {
    for (name, path) in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds")) {
        let text = commented(&std::fs::read_to_string(path).expect("a scenario"));
        let design = read(&text);
        for (node, found) in &design.nodes {
            let mut examples = Vec::new();
            found.kind.clone().visit(&mut |param: &tailboard::kinds::Param, _: &mut dyn tailboard::kinds::Value| {
                examples.extend(param.examples.iter().map(|example| (param.name, *example)));
            });
            for (param, example) in examples {
                let mut changed = design.clone();
                if set_parameter(&mut changed, &format!("{node}.{param}"), example).is_ok() {
                    let new = written(&text, &changed);
                    let missing = text.lines().filter(|line| line.starts_with("// above ") && !new.contains(*line));
                    assert_eq!(missing.count(), 0, "{name}: {node}.{param} = {example}\n{new}");
                }
            }
        }
    }
}
