//! The program as a person uses it.

use clap::CommandFactory as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn tailboard(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailboard"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn stdout(args: &[&str], code: i32) -> String {
    let output = tailboard(args).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn without_a_display_it_says_so_in_a_line_and_runs() {
    let output = tailboard(&[])
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .expect("the program runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("running without a window"), "{stderr}");
    assert!(stdout.contains("URL shortener") && stdout.contains("holds"), "{stdout}");
}

/// What the README shows is what the command above it prints.
#[test]
fn the_readme_shows_what_a_run_prints() {
    let readme = include_str!("../../README.md");
    let table = stdout(&["run", "scenarios/url_shortener.ron"], 0);
    assert!(readme.contains(table.trim_end()), "the README shows another table than\n{table}");
}

#[test]
fn exit_codes_are_0_1_and_2() {
    let scenario = "scenarios/url_shortener.ron";
    stdout(&["run", scenario], 0);
    let text = stdout(&["run", scenario, "--set", "cache.capacity=Entries(100)", "--for", "20s"], 1);
    assert!(text.contains("FAILS"), "{text}");
    stdout(&["run", scenario, "--set", "cache.capacity=Entries"], 2);
}

#[test]
fn the_report_can_be_written_as_json_and_csv() {
    let folder = tempfile::tempdir().expect("a folder");
    let (json, csv) = (folder.path().join("report.json"), folder.path().join("series.csv"));
    let args =
        ["run", "scenarios/queue_vs_direct.ron", "--json", &json.to_string_lossy(), "--csv", &csv.to_string_lossy()];
    let table = stdout(&args, 0);
    assert!(table.contains("orders"), "{table}");
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).expect("a file")).expect("JSON");
    assert_eq!(report["format"], 1);
    assert_eq!(report["seed"], 21);
    for path in
        ["/total/latency/p99.9/value", "/nodes/orders/lag/p99/value", "/links/orders->workers/attempts", "/warm_up"]
    {
        assert!(report.pointer(path).is_some_and(serde_json::Value::is_number), "{path}");
    }
    assert_eq!(report["expectations"].as_array().map(Vec::len), Some(5));
    let mut reader = csv::Reader::from_path(&csv).expect("a file");
    let head = reader.headers().expect("a head").clone();
    assert_eq!(head, vec!["from_s", "until_s", "subject", "name", "figure", "value"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let offered: f64 = rows
        .iter()
        .filter(|row| &row[2] == "class" && &row[4] == "offered")
        .map(|row| row[5].parse::<f64>().expect("a number"))
        .sum();
    // The series covers the whole run; the report leaves the warm-up out.
    assert!(offered > report["total"]["offered"].as_f64().expect("a number"), "{offered}");
    // To standard output, alone.
    let text = stdout(&["run", "scenarios/kinds/worker.ron", "--json", "-"], 0);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

/// Width and height from the head of a PNG file.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[test]
fn a_run_is_drawn_as_png_and_svg() {
    let folder = tempfile::tempdir().expect("a folder");
    let (png, svg) = (folder.path().join("out.png"), folder.path().join("out.svg"));
    let (png_name, svg_name) = (png.to_string_lossy().into_owned(), svg.to_string_lossy().into_owned());
    let scenario = "scenarios/kinds/queue.ron";
    let table =
        stdout(&["run", scenario, "--png", &png_name, "--svg", &svg_name, "--size", "400x300", "--scale", "2"], 0);
    assert!(table.contains("orders"), "{table}");
    assert_eq!(png_size(&std::fs::read(&png).expect("a file")), (800, 600));
    let text = std::fs::read_to_string(&svg).expect("a file");
    assert!(text.contains("aria-label=\"orders\"") && text.contains("Requests by outcome"), "{text}");
    // Each option changes what is drawn.
    let drawn = |options: &[&str]| {
        stdout(&[&["figure", scenario, "--svg", &svg_name], options].concat(), 0);
        std::fs::read_to_string(&svg).expect("a file")
    };
    let plain = drawn(&[]);
    for options in [
        &["--theme", "dark"][..],
        &["--theme", "print"],
        &["--lens", "errors"],
        &["--lens", "none"],
        &["--detail", "name"],
        &["--background", "none"],
        &["--at", "11s"],
        &["--board-only"],
        &["--plots-only"],
        &["--plot", "queue:orders"],
        &["--size", "600x600"],
    ] {
        assert!(drawn(options) != plain, "{options:?}");
    }
    assert!(drawn(&["--plot", "queue:orders"]).contains("orders: queue"));
    // At 11 s, while nobody consumes, the state is another one than at the end, and says so.
    assert!(drawn(&["--at", "11s"]).contains("aria-label=\"paused\""));
    let both = stdout(&["figure", scenario, "scenarios/kinds/worker.ron", "--svg", "-"], 0);
    assert!(both.contains("aria-label=\"orders\"") && both.contains("aria-label=\"jobs\""));
}

/// What is wrong with the options of a picture is said before any file is opened: what was there before stays.
#[test]
fn a_refused_picture_leaves_files_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (png, svg, json) = (place("kept.png"), place("kept.svg"), place("kept.json"));
    for file in [&png, &svg, &json] {
        std::fs::write(file, "from before").expect("room");
    }
    let (long, short) = ("scenarios/news_feed.ron", "scenarios/kinds/queue.ron");
    for args in [
        &["run", short, "--json", &json, "--png", &png, "--svg", &svg, "--at", "1h"][..],
        &["figure", short, "--png", &png, "--at", "1h"],
        &["figure", long, short, "--svg", &svg, "--at", "31s"],
    ] {
        let output = tailboard(args).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains("the run ends at 30s"), "{args:?}: {stderr}");
        for file in [&png, &svg, &json] {
            assert_eq!(std::fs::read_to_string(file).expect("a file"), "from before", "{args:?}");
        }
    }
}

/// Where the font of pictures lacks a character, a box stands for it, and a line says so.
#[test]
fn boxes_are_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("a.ron"), folder.path().join("a.svg"));
    let scenario = |title: &str| {
        format!(
            "(title: \"{title}\", run: (length: \"1s\"), nodes: {{\"u\": (kind: client(rate: \"9/s\")), \"a\": (kind: service())}}, links: [(from: \"u\", to: \"a\")])"
        )
    };
    for (title, told) in [("大 🙂", true), ("Größe", false)] {
        std::fs::write(&file, scenario(title)).expect("room");
        let args = ["figure", &file.to_string_lossy(), "--svg", &out.to_string_lossy()];
        let output = tailboard(&args).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(stderr.contains("a box for 大 (U+5927), 🙂 (U+1F642)"), told, "{stderr}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.png").to_string_lossy().into_owned();
    for (options, words) in [
        (&["--size", "10x10"][..], "`--size 10x10`"),
        (&["--size", "wide"], "WIDTHxHEIGHT"),
        (&["--scale", "0"], "`--scale 0`"),
        (&["--at", "1h"], "the run ends at 30s"),
        (&["--at", "soon"], "`--at`"),
        (&["--plot", "queue:nowhere"], "there is no node, link or class `nowhere`"),
        (&["--plot", "colour:orders"], "a node has no figure `colour`"),
        (&["--plot", "foo"], "a request has offered, goodput"),
        (&["--plot", "queue"], "name the node or link that it is of, as in `"),
        (&["--plot", "p99:orders"], "known of the whole run only"),
        (&["--plot", "queue:orders", "--board-only"], "`--board-only`"),
        (&["--size", "16000x16000"], "at most 100 million"),
        (&["--svg", &out], "the same place"),
    ] {
        let args = [&["run", "scenarios/kinds/queue.ron", "--png", &out], options].concat();
        let output = tailboard(&args).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{options:?}: {stderr}");
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{options:?}: {stderr}");
    }
    let output = tailboard(&["figure", "scenarios/kinds/queue.ron"]).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--png FILE`"));
}

#[test]
fn the_seed_and_the_length_can_be_set() {
    let report = |args: &[&str]| -> serde_json::Value {
        let all = [&["run", "scenarios/kinds/worker.ron", "--json", "-"], args].concat();
        let output = tailboard(&all).output().expect("the program runs");
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let (plain, seeded, longer) = (report(&[]), report(&["--seed", "9"]), report(&["--for", "1min"]));
    assert_eq!((&plain["seed"], &seeded["seed"]), (&1.into(), &9.into()));
    assert_ne!(plain["total"]["latency"], seeded["total"]["latency"]);
    assert_eq!(longer["length"], 60.0);
}

#[test]
fn a_new_file_is_fine_and_standard_input_is_read() {
    let starter = stdout(&["new"], 0);
    let mut check = tailboard(&["check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    check.stdin.take().expect("a pipe").write_all(starter.as_bytes()).expect("written");
    let output = check.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("fine"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("starter.ron");
    std::fs::write(&path, starter).expect("written");
    stdout(&["run", &path.to_string_lossy()], 0);
}

#[test]
fn kinds_are_listed_and_explained() {
    let list = stdout(&["kinds"], 0);
    for key in ["client", "load_balancer", "sharded_store", "autoscaler"] {
        assert!(list.contains(key), "{list}");
        let manual = stdout(&["explain", key], 0);
        assert!(manual.contains("Parameters") && manual.len() > 500, "{manual}");
    }
    let output = tailboard(&["explain", "cahce"]).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `cache`"));
}

#[test]
fn help_has_examples_and_completions_are_printed() {
    let help = stdout(&["--help"], 0);
    assert!(help.contains("Examples:") && help.contains("Exit codes"), "{help}");
    for mut verb in tailboard::cli::Cli::command().get_subcommands().cloned() {
        let help = verb.render_long_help().to_string();
        assert!(help.contains("Example"), "{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&["completions", shell], 0).contains("tailboard"));
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut run = tailboard(&["kinds"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(run.stdout.take());
    let output = run.wait_with_output().expect("it ends");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn bench_measures_every_design() {
    let text = stdout(&["bench", "--seconds", "0.02"], 0);
    for name in ["single_station", "eight_services", "thousand_services", "url_shortener", "millions_of_requests"] {
        let line = text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(line.contains(" M") && !line.contains("NaN"), "{line}");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").is_dir());
}

/// Whoever reads the output may be gone, or the disk full: that is no reason to panic, nor to pretend it went well.
#[cfg(target_os = "linux")]
#[test]
fn outputs_that_fail_are_said_and_never_a_panic() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk"));
    let code = |command: &mut Command| command.status().expect("the program runs").code();
    // Standard error: there is nobody to tell.
    assert_eq!(code(tailboard(&["check", "no-such-file.ron"]).stderr(full())), Some(2));
    // Standard output: the result is lost.
    for args in [&["kinds"][..], &["completions", "bash"], &["run", "scenarios/kinds/worker.ron"]] {
        let output = tailboard(args).stdout(full()).stderr(Stdio::piped()).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains("cannot be written") && !stderr.contains("panicked"), "{stderr}");
    }
    let mut check = tailboard(&["check", "no-such-file.ron"]).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(check.stderr.take());
    assert_eq!(check.wait().expect("it ends").code(), Some(2));
}

/// An hour of simulation is not lost to a misspelt folder: outputs are opened first.
#[test]
fn outputs_are_opened_before_the_run() {
    let long = ["run", "scenarios/url_shortener.ron", "--for", "100d"];
    for (extra, wanted) in [
        (&["--json", "/nonexistent/report.json"][..], "/nonexistent/report.json cannot be written"),
        (&["--json", "-", "--csv", "-"], "same place"),
    ] {
        let output = tailboard(&[&long, extra].concat()).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(wanted), "{stderr}");
    }
}

#[test]
fn the_table_fits_and_shows_how_sure_it_is() {
    let table = stdout(&["run", "scenarios/retry_storm.ron"], 0) + &stdout(&["run", "scenarios/url_shortener.ron"], 0);
    for line in table.lines() {
        assert!(line.chars().count() <= 100 && line == line.trim_end(), "`{line}`");
    }
    assert!(table.contains(" ±") && table.contains("bound "), "{table}");
    assert!(!table.contains(": 100.0 %") && !table.contains(" 0.000 %"), "{table}");
}

#[test]
fn what_a_shorter_run_does_not_reach_is_not_judged() {
    let table = stdout(&["run", "scenarios/retry_storm.ron", "--for", "25s"], 0);
    assert!(table.contains("budget.good_share @ 40s..60s >= 99%: not judged"), "{table}");
}
