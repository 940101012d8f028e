//! Files that are something else: what they are, by their content, and what to do with them.

/// A file of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// "an Excalidraw drawing"
    pub what: &'static str,
    /// A sentence.
    pub advice: &'static str,
}

const REDRAW: &str = "It cannot be imported: draw it anew in the window, or print a file to start from with `tailboard new` \
                      and write each box as a node and each arrow as a link.";
const DEPLOYED: &str = "It cannot be imported: print a file to start from with `tailboard new`, and write each service as a node \
                        (its replicas and CPU limits as `replicas` and `cores`) and each call between services as a link.";
const TRAFFIC: &str = "It cannot be replayed: take its rate, its mix of requests and the spread of its keys, and write them into \
                       a client (`tailboard explain client`).";
const LOAD_TEST: &str = "It cannot be run here: write its rate or users as `rate` or `arrivals` of a client, and its thresholds as \
                         expectations (`tailboard explain figures`).";
const CONVERT: &str = "Name the scenario file (`.ron`), or a PNG or SVG that Tailboard drew.";

/// What the first bytes say, before anything is read as text.
pub fn of_bytes(bytes: &[u8]) -> Option<Foreign> {
    let starts: [(&[u8], &str); 6] = [
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive or an Office document"),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"SQLite format 3", "an SQLite database"),
        (b"\x7fELF", "a program"),
        (b"II*\x00", "a picture in TIFF"),
    ];
    let found = starts.into_iter().find(|(start, _)| bytes.starts_with(start));
    found.map(|(_, what)| Foreign { what, advice: CONVERT })
}

/// What a text is that does not begin as a scenario does.
pub fn of_text(text: &str) -> Option<Foreign> {
    let start = text.trim_start();
    let named = |what, advice| Some(Foreign { what, advice });
    // A scenario begins with a bracket or a comment.
    if start.starts_with('(') || start.starts_with("//") || start.starts_with("/*") {
        return None;
    }
    let has = |part: &str| text.contains(part);
    let begins = |part: &str| start.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part));
    match start.chars().next()? {
        '[' if is_toml(text) => named("a TOML or INI file", DEPLOYED),
        '{' | '[' => of_json(text, start),
        '<' if has("<mxfile") || has("<mxGraphModel") => named("a draw.io diagram", REDRAW),
        '<' if begins("<!doctype html") || begins("<html") => named("a web page", CONVERT),
        '<' => named("an XML file", CONVERT),
        '@' if begins("@startuml") => named("a PlantUML diagram", REDRAW),
        '`' if begins("```mermaid") => named("a Mermaid diagram", REDRAW),
        _ => of_words(text, start),
    }
}

fn of_json(text: &str, start: &str) -> Option<Foreign> {
    // What is written between brackets, without blanks.
    let inner = start[1..].trim_start();
    let is_json = inner.starts_with('"') || start.starts_with('[') && inner.starts_with('{');
    let compact: String = text.chars().take(200_000).filter(|c| !c.is_whitespace()).collect();
    let has = |part: &str| compact.contains(part);
    let foreign = |what, advice| Some(Foreign { what, advice });
    if !is_json {
        return None;
    }
    if has("\"type\":\"excalidraw\"") {
        foreign("an Excalidraw drawing", REDRAW)
    } else if has("\"tldrawFileFormatVersion\"") {
        foreign("a tldraw drawing", REDRAW)
    } else if has("\"format\":") && has("\"not_judged\":") {
        foreign("a report of a run (`--json`), not its scenario", CONVERT)
    } else if has("\"log\":{") && has("\"entries\":") {
        foreign("an HTTP archive (HAR)", TRAFFIC)
    } else if has("\"openapi\":") || has("\"swagger\":") {
        foreign("an OpenAPI description", DEPLOYED)
    } else if has("\"nodes\":") && !has("\"nodes\":[") {
        // A scenario in the notation of JSON is read as far as that goes.
        None
    } else {
        foreign("a JSON file", REDRAW)
    }
}

/// What Mermaid diagrams begin with.
const DIAGRAMS: &[&str] = &[
    "graph",
    "flowchart",
    "sequenceDiagram",
    "classDiagram",
    "stateDiagram",
    "stateDiagram-v2",
    "erDiagram",
    "requirementDiagram",
    "gitGraph",
    "mindmap",
    "gantt",
    "C4Context",
    "C4Container",
    "C4Component",
    "C4Dynamic",
    "C4Deployment",
    "architecture-beta",
    "block-beta",
];

/// The first line that is neither blank, nor a comment of Mermaid, nor its front matter.
fn first_of_mermaid(start: &str) -> Option<&str> {
    let mut lines = start.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("%%")).peekable();
    if lines.next_if(|line| *line == "---").is_some() {
        let after = lines.clone().skip_while(|line| *line != "---").nth(1);
        return after
            .filter(|line| DIAGRAMS.contains(&line.split([' ', ';']).next().unwrap_or_default()))
            .or(Some("---"));
    }
    lines.next()
}

/// `a -> b` with names alone to the left: the arrow of D2.
fn is_arrow(line: &str) -> bool {
    let name = |text: &str| {
        let text = text.trim().trim_matches('"');
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
    };
    let sides = line.split_once(" -> ").or_else(|| line.split_once(" <-> "));
    sides.is_some_and(|(from, to)| name(from) && name(to.split([':', '{']).next().unwrap_or_default()))
}

/// `[section]` and `key = value`, line by line.
fn is_toml(text: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'))
    };
    let section = |line: &str| {
        let inner = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
        let inner = inner.or_else(|| line.strip_prefix('[')?.strip_suffix(']'));
        inner.is_some_and(|name| plain(name) && name.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let pair =
        |line: &str| line.split_once('=').is_some_and(|(key, value)| plain(key.trim_end()) && !value.trim().is_empty());
    let mut code = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let first = code.next().unwrap_or_default();
    section(first) && code.next().is_none_or(|line| pair(line) || section(line))
        || pair(first) && code.take(5).all(|line| pair(line) || section(line))
}

/// By the words at the beginning of lines.
fn of_words(text: &str, start: &str) -> Option<Foreign> {
    let lines = || text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let first = first_of_mermaid(start).unwrap_or_default().trim();
    let foreign = |what, advice| Some(Foreign { what, advice });
    let word = first.split([' ', ';', '{', '(']).next().unwrap_or_default();
    if DIAGRAMS.contains(&word) && !first.ends_with('{') || start.starts_with("%%{") {
        return foreign("a Mermaid diagram", REDRAW);
    }
    if ["digraph", "graph", "strict"].contains(&word) {
        return foreign("a Graphviz drawing", REDRAW);
    }
    if word == "workspace" && first.ends_with('{') {
        return foreign("a Structurizr workspace", REDRAW);
    }
    if text.contains("k6/http") {
        return foreign("a k6 script", LOAD_TEST);
    }
    if lines().take(60).any(|line| line.starts_with("from locust") || line.starts_with("import locust")) {
        return foreign("a Locust file", LOAD_TEST);
    }
    if lines()
        .take(60)
        .any(|line| line.starts_with("import ") || line.starts_with("from ") && line.contains(" import "))
    {
        return foreign(
            "a program",
            "Write what it does as nodes and links: `tailboard new` prints a file to start from.",
        );
    }
    let requests = |line: &str| {
        ["\"GET /", "\"POST /", "\"PUT /", "\"HEAD /", "\"DELETE /", "\"OPTIONS /"]
            .iter()
            .any(|verb| line.contains(verb))
    };
    if lines().take(5).any(requests) {
        return foreign("an access log", TRAFFIC);
    }
    if lines().filter(|line| !line.starts_with('#')).take(20).any(is_arrow) {
        return foreign("a D2 diagram", REDRAW);
    }
    if is_toml(text) {
        return foreign("a TOML or INI file", DEPLOYED);
    }
    if let Some(found) = of_yaml(&lines().take(400).collect::<Vec<&str>>()) {
        return Some(found);
    }
    let separated = |line: &str, mark: char| line.matches(mark).count();
    let bracket = |line: &str| line.contains(['(', '{', '[']);
    let rows: Vec<&str> = lines().take(3).collect();
    let is_table = |mark: char| {
        rows.len() > 1
            && rows.iter().all(|row| separated(row, mark) == separated(rows[0], mark) && !bracket(row))
            && separated(rows[0], mark) > 0
    };
    if [',', ';', '\t'].into_iter().any(is_table) {
        return foreign("a table (CSV)", TRAFFIC);
    }
    if ["resource", "provider", "terraform", "module"].contains(&word) && text.contains(" {") {
        return foreign("a Terraform file", DEPLOYED);
    }
    None
}

fn of_yaml(lines: &[&str]) -> Option<Foreign> {
    let code = lines.iter().filter(|line| !line.trim_start().starts_with('#') && **line != "---");
    let key = |line: &str| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        !name.is_empty() && plain && line[name.len() + 1..].chars().next().is_none_or(char::is_whitespace)
    };
    // A scenario without its outer brackets has lines that end with a comma or a bracket.
    let begins = |line: &&str| key(line) || line.starts_with("- ");
    let is_yaml =
        code.clone().next().is_some_and(begins) && !code.clone().take(20).any(|line| line.ends_with([',', '(', '{']));
    if !is_yaml {
        return None;
    }
    let has = |name: &str| code.clone().any(|line| line.starts_with(name));
    let what = if has("apiVersion:") {
        "a Kubernetes manifest"
    } else if has("services:") {
        "a Compose file"
    } else if has("openapi:") || has("swagger:") {
        "an OpenAPI description"
    } else if has("AWSTemplateFormatVersion:") || has("Resources:") {
        "a CloudFormation template"
    } else {
        "a YAML file"
    };
    Some(Foreign { what, advice: DEPLOYED })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_programs_are_named() {
        for (text, what) in [
            (r#"{"type":"excalidraw","elements":[]}"#, "an Excalidraw drawing"),
            ("{\n  \"tldrawFileFormatVersion\": 1\n}", "a tldraw drawing"),
            ("<mxfile host=\"app.diagrams.net\"><diagram/></mxfile>", "a draw.io diagram"),
            ("graph TD\n    A[User] --> B[API]\n", "a Mermaid diagram"),
            ("flowchart LR; A-->B", "a Mermaid diagram"),
            ("```mermaid\nsequenceDiagram\n```", "a Mermaid diagram"),
            ("digraph { a -> b }", "a Graphviz drawing"),
            ("@startuml\nA -> B\n@enduml", "a PlantUML diagram"),
            ("version: '3'\nservices:\n  api:\n    image: x\n", "a Compose file"),
            ("services:\n  api:\n    deploy:\n      replicas: 3\n", "a Compose file"),
            ("# deployment\napiVersion: apps/v1\nkind: Deployment\n", "a Kubernetes manifest"),
            ("---\nopenapi: 3.0.0\n", "an OpenAPI description"),
            ("name: ci\non: push\n", "a YAML file"),
            (r#"{"rate": 10}"#, "a JSON file"),
            (r#"[{"ts": 1}, {"ts": 2}]"#, "a JSON file"),
            (r#"{"log": {"version": "1.2", "entries": []}}"#, "an HTTP archive (HAR)"),
            (r#"{"format": 1, "title": "", "not_judged": []}"#, "a report of a run (`--json`), not its scenario"),
            (r#"10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 5"#, "an access log"),
            ("time,url,status\n1,/a,200\n2,/b,200\n", "a table (CSV)"),
            ("from_s,until_s,subject,name,figure,value\n0,1,class,r,good,5\n", "a table (CSV)"),
            ("import http from 'k6/http';\nexport default function () {}\n", "a k6 script"),
            ("from locust import HttpUser\n", "a Locust file"),
            ("import simpy\nenv = simpy.Environment()\n", "a program"),
            ("\n\n%% comment\nflowchart LR\nA-->B\n", "a Mermaid diagram"),
            ("%%{init: {}}%%\nC4Context\n", "a Mermaid diagram"),
            ("---\ntitle: a\n---\nerDiagram\n", "a Mermaid diagram"),
            ("- a: 1\n  b: 2\n", "a YAML file"),
            (r#"{"nodes": [], "links": []}"#, "a JSON file"),
            ("[server]\nport = 1\n", "a TOML or INI file"),
            ("# x\n[[services]]\n[a.b]\n", "a TOML or INI file"),
            ("name = \"x\"\n[a]\n", "a TOML or INI file"),
            ("workspace {\n model {\n }\n}\n", "a Structurizr workspace"),
            ("workspace \"Big\" {\n}\n", "a Structurizr workspace"),
            ("direction: right\na -> b\n", "a D2 diagram"),
            ("web -> api: calls\n", "a D2 diagram"),
            ("resource \"aws_instance\" \"a\" {\n}\n", "a Terraform file"),
            ("<!DOCTYPE html><html></html>", "a web page"),
        ] {
            let found = of_text(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.what, what, "{text}");
            assert!(found.advice.ends_with('.'), "{}", found.advice);
        }
        assert_eq!(of_bytes(b"%PDF-1.7 ...").map(|found| found.what), Some("a PDF document"));
        assert_eq!(of_bytes(b"PK\x03\x04..").map(|found| found.what), Some("a ZIP archive or an Office document"));
    }

    #[test]
    fn scenarios_are_not() {
        for text in [
            "()",
            "// graph TD\n(nodes: {})",
            "/* x */ ()",
            "(version: 1, nodes: {})",
            "{\"version\": 1, \"nodes\": {}}",
            "version: 1,\nnodes: {\n",
            "Design(nodes: {})",
            "42",
            "[1, 2, 3]",
            "nodes: {\n// a -> b\n",
            "nodes: {\n}",
            "nonsense",
            "a, b",
            "{ \"a\": (kind: client()) }, \"nodes\": 1",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }
}
