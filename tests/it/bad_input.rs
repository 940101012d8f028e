//! What is wrong with a file is said the way a good compiler says it: `tests/fixtures/bad/*.ron`, each with the message
//! that it must get. `UPDATE=1` writes the messages anew.

use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad")
}

/// Exit code and both outputs of the program.
fn tailboard(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tailboard")).args(args).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn every_bad_file_gets_its_message() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).expect("a folder").map(|e| e.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ron"));
    files.sort();
    assert!(files.len() >= 60, "{}", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let shown = Command::new(env!("CARGO_BIN_EXE_tailboard"))
            .args(["check", &name])
            .current_dir(folder())
            .output()
            .expect("the program runs");
        let message = String::from_utf8(shown.stderr).expect("text");
        let golden = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &message).expect("writable");
        }
        let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
        if shown.status.code() != Some(2) || message != wanted || !message.contains("error") {
            wrong.push(format!("{name}: exit code {:?}\n{message}", shown.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_a_file_is_said_in_a_line() {
    for (args, wanted) in [
        (["run", "no-such-file.ron"], "no-such-file.ron"),
        (["run", "src"], "folder"),
        (["check", "tests"], "folder"),
        (["run", "scenarios"], "folder"),
    ] {
        let (code, _, stderr) = tailboard(&args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(stderr.contains(wanted) && stderr.starts_with("error") && stderr.lines().count() <= 2, "{stderr}");
    }
}

/// 200 MB: refused by its size, without being read into memory.
#[test]
fn an_enormous_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("enormous.ron");
    std::fs::File::create(&path).and_then(|file| file.set_len(200 << 20)).expect("a sparse file");
    let (code, _, stderr) = tailboard(&["run", &path.to_string_lossy()]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("MiB"), "{stderr}");
}

#[test]
fn what_the_command_line_sets_is_checked_too() {
    let run = |extra: &[&str]| {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/url_shortener.ron");
        let scenario = scenario.to_string_lossy().into_owned();
        tailboard(&[&["run", &scenario], extra].concat())
    };
    for (extra, wanted) in [
        (["--set", "api.replica=2"], "did you mean `replicas`"),
        (["--set", "apo.replicas=2"], "did you mean `api`"),
        (["--set", "api.replicas=many"], "replicas"),
        (["--set", "api.replicas"], "node.param=value"),
        (["--set", "api.slots=0"], "slots"),
        (["--for", "yesterday"], "--for"),
        (["--for", "1s"], "warm-up"),
        (["--for", "0s"], "warm-up"),
    ] {
        let (code, stdout, stderr) = run(&extra);
        assert_eq!((code, stdout.as_str()), (2, ""), "{extra:?}: {stderr}");
        assert!(stderr.contains(wanted), "{extra:?}: {stderr}");
    }
}
