//! The shape of the project, held by tests: who may import whom, what no file may say, what may not be in the dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;
use tailboard::kinds::KINDS;

/// Modules and what each may use of ours.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("parts", &["base"]),
    ("engine", &["base", "parts"]),
    ("kinds", &["base", "parts", "engine"]),
    ("design", &["base", "parts", "engine", "kinds"]),
    ("scenario", &["base", "kinds", "design"]),
    ("editor", &["base", "kinds", "design", "scenario"]),
    ("metrics", &["base", "engine"]),
    ("run", &["base", "engine", "kinds", "design", "metrics"]),
    ("figure", &["base", "engine", "kinds", "design", "metrics"]),
    ("export", &["base", "engine", "design", "scenario", "metrics", "run"]),
    ("cli", &["base", "engine", "kinds", "design", "scenario", "editor", "metrics", "run", "figure", "export"]),
    ("whiteboard", &["base", "engine", "kinds", "design", "scenario", "editor", "metrics", "run", "figure", "export"]),
];

/// The longest file; a longer one holds two things.
const MOST_LINES: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // `.git` is a file in a work tree that git added.
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files_under(&root().join(folder), &mut found);
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn modules_import_only_what_they_may() {
    let mut wrong = Vec::new();
    let mut modules: Vec<String> = std::fs::read_dir(root().join("src"))
        .expect("src")
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()))
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    modules.sort();
    let mut told: Vec<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    told.sort_unstable();
    assert_eq!(modules, told);
    for (module, allowed) in MAY_USE {
        for path in files(&format!("src/{module}")) {
            for (i, line) in text(&path).lines().enumerate() {
                for part in line.split("crate::").skip(1) {
                    let used: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                    if told.contains(&used.as_str()) && used != *module && !allowed.contains(&used.as_str()) {
                        wrong.push(format!("{}:{}: {module} may not use {used}", path.display(), i + 1));
                    }
                }
                let only_there = [
                    ("bevy", "whiteboard"),
                    ("wgpu", "whiteboard"),
                    ("clap", "cli"),
                    ("comfy_table", "cli"),
                    ("indicatif", "cli"),
                    ("ctrlc", "cli"),
                    ("ariadne", "scenario"),
                    ("quick_xml", "scenario"),
                    ("resvg", "figure"),
                    ("tiny_skia", "figure"),
                    ("ttf_parser", "figure"),
                    ("dagre", "figure"),
                ];
                for (name, place) in only_there {
                    let used = line.contains(&format!("use {name}::")) || line.contains(&format!(" {name}::"));
                    if used && *module != place && !line.trim_start().starts_with("//") {
                        wrong.push(format!("{}:{}: {name} belongs to {place}", path.display(), i + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a kind is to others it says itself (`Meta`), so that one more changes nothing elsewhere.
#[test]
fn nothing_outside_kinds_asks_for_a_kind_by_its_name() {
    let mut wrong = Vec::new();
    for path in files("src").into_iter().filter(|path| !path.starts_with(root().join("src/kinds"))) {
        let text = text(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let asks = |line: &str| [".key", ".kind", "key =="].iter().any(|part| line.contains(part));
        // A figure is called `queue` too.
        let is_arm = |line: &str| line.contains("\" =>") && !line.contains("\"queue\"");
        let is_test = path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
        for (i, line) in code.lines().enumerate().filter(|(_, line)| !is_test && (asks(line) || is_arm(line))) {
            let named = KINDS.iter().find(|meta| line.contains(&format!("\"{}\"", meta.key)));
            wrong.extend(named.map(|meta| format!("{}:{}: {}", path.display(), i + 1, meta.key)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = ["src", "tests/it", "benches"]
        .into_iter()
        .flat_map(files)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (text(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// No stub, no note to oneself, no path of a machine, no registry.
#[test]
fn no_file_says_what_it_must_not() {
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
        concat!("crates", ".io"),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("dbg", "!("),
    ];
    let mut wrong = Vec::new();
    for path in files("") {
        let relative = path.strip_prefix(root()).expect("below the root").to_owned();
        if relative.starts_with("fuzz/target")
            || relative == Path::new("Cargo.lock")
            || relative == Path::new("fuzz/Cargo.lock")
        {
            continue;
        }
        for (i, line) in text(&path).lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{}: {word}", relative.display(), i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No `-dev` package of a distribution, and one graphics stack.
#[test]
fn the_dependencies_build_anywhere() {
    let lock = text(&root().join("Cargo.lock"));
    let count = |name: &str| lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
    for unwanted in ["libudev-sys", "alsa-sys", "bevy_pbr", "bevy_audio", "openssl-sys"] {
        assert_eq!(count(unwanted), 0, "{unwanted}");
    }
    for once in ["wgpu", "egui", "bevy_ecs"] {
        assert_eq!(count(once), 1, "{once}");
    }
}

#[test]
fn the_checks_run_the_test_command_of_the_readme() {
    let readme = text(&root().join("README.md"));
    let run = text(&root().join(".ci/run"));
    assert!(readme.contains("\ncargo run --release\n") && readme.contains("\ncargo test\n"), "the two commands");
    assert!(run.lines().any(|line| line == "step cargo test"), "{run}");
}

/// What a stranger copies from the README is a file that runs.
#[test]
fn the_readme_shows_the_starter_file() {
    let starter = text(&root().join("assets/starter.ron"));
    assert!(text(&root().join("README.md")).contains(starter.trim()));
}

/// Links of documents, and the files that they name as `figure/dots.rs`.
#[test]
fn what_documents_lead_to_is_there() {
    let mut files = Vec::new();
    files_under(root(), &mut files);
    let mut count = 0;
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let (words, folder) = (text(path), path.parent().expect("a folder"));
        let links = words.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            count += 1;
            assert!(folder.join(link).exists(), "{}: {link}", path.display());
        }
        for name in
            words.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") && !name.contains([' ', '<']))
        {
            count += 1;
            assert!(files.iter().any(|file| file.ends_with(name)), "{}: {name}", path.display());
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_scenario_is_named_in_the_readme() {
    let readme = text(&root().join("README.md"));
    for (name, path) in crate::scenarios::files(&root().join("scenarios")) {
        let line = format!("| [`{name}`](scenarios/{name}.ron) | {} |", crate::scenarios::load(&path).question);
        assert!(readme.contains(&line), "{line}");
    }
}

#[test]
fn what_is_tracked_is_what_is_meant() {
    let Ok(output) = Command::new("git").args(["ls-files"]).current_dir(root()).output() else { return };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in listed.lines() {
        let top = line.split('/').next().unwrap_or_default();
        let known = [
            ".ci",
            ".gitignore",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "assets",
            "benches",
            "clippy.toml",
            "fuzz",
            "rustfmt.toml",
            "scenarios",
            "src",
            "tests",
        ];
        assert!(known.contains(&top), "{line}");
    }
}
