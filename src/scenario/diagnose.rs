//! Problems and findings as a good compiler shows them: where, the line itself, what was expected there, what to do.

use crate::base::ron::{Problem, Tree, nearest_span};
use crate::base::{Finding, Severity, plain};
use ariadne::{Color, Config, IndexType, Label, Report, ReportKind};
use std::ops::Range;

/// Longest piece of a line that is shown, in characters: what a terminal of usual width holds.
const MAX_EXCERPT: usize = 100;

/// How much of a cut line is shown before the place itself.
const BEFORE: usize = 40;

/// Beyond this line only the plain form is shown: drawing takes room in proportion to the number of the line, and no
/// file that a person reads is that long.
const MAX_DRAWN_LINE: usize = 100_000;

/// Columns from one tab stop to the next.
const TAB_WIDTH: usize = 4;

/// Something to tell about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    /// Bytes of the text, if it is about a place.
    pub span: Option<Range<usize>>,
    pub message: String,
    /// What to write at the place; may be empty.
    pub label: String,
    pub help: Option<String>,
    pub secondary: Option<(Range<usize>, String)>,
}

impl From<&Problem> for Diagnostic {
    fn from(problem: &Problem) -> Self {
        Diagnostic {
            code: problem.code,
            severity: Severity::Error,
            span: Some(problem.span.clone()),
            message: problem.message.clone(),
            label: problem.label.clone(),
            help: problem.help.clone(),
            secondary: problem.secondary.clone(),
        }
    }
}

impl Diagnostic {
    /// A finding, at the place of what it is about or, if the text does not say that, of what is around it.
    pub fn of_finding(finding: &Finding, tree: Option<&Tree>) -> Self {
        Diagnostic {
            code: finding.code,
            severity: finding.severity,
            span: tree.map(|tree| nearest_span(tree, &finding.subject.0)),
            message: match tree {
                Some(_) => finding.message.clone(),
                None if finding.subject.0.is_empty() => finding.message.clone(),
                // Nothing is drawn that would say what it is about.
                None => format!("{}: {}", finding.subject, finding.message),
            },
            label: finding.subject.to_string(),
            help: finding.remedy.clone(),
            secondary: None,
        }
    }
}

/// A text with its name, for showing places in it.
pub struct Shown<'t> {
    name: String,
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// A place as people count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl<'t> Shown<'t> {
    pub fn new(name: &str, text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Shown { name: clean(name), text, lines }
    }

    /// The position of a byte; past the end, that of the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    fn boundary(&self, offset: usize) -> usize {
        (0..=offset.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// A line without its end.
    fn line(&self, line: usize) -> &'t str {
        let start = self.lines[line - 1];
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let text = &self.text[start..end];
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// `file:line:column: error[code]: message`
    pub fn one_line(&self, diagnostic: &Diagnostic) -> String {
        let place = match &diagnostic.span {
            Some(span) => {
                let Position { line, column } = self.position(span.start);
                format!("{}:{line}:{column}", self.name)
            }
            None => self.name.clone(),
        };
        format!("{place}: {}: {}", kind(diagnostic), clean(&diagnostic.message))
    }

    /// With the line and a mark under the place; in colour if asked. Ends with a line end.
    pub fn drawn(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let marks = self.marks(diagnostic);
        let Some(first) = marks.first() else { return self.undrawn(diagnostic) };
        let excerpt = Excerpt::new(self, &marks, first);
        let shade = match diagnostic.severity {
            Severity::Error => Color::Red,
            Severity::Warning => Color::Yellow,
            Severity::Hint => Color::BrightBlack,
        };
        let name = kind(diagnostic);
        let config = Config::new().with_color(colour).with_index_type(IndexType::Char).with_tab_width(TAB_WIDTH);
        let id = STAND_IN.to_owned();
        let mut report = Report::build(ReportKind::Custom(&name, shade), (id.clone(), excerpt.spans[0].clone()))
            .with_config(config)
            .with_message(clean(&diagnostic.message));
        // Further down goes later, or the excerpt falls apart into two.
        let mut order: Vec<usize> = (0..excerpt.spans.len()).collect();
        order.sort_by_key(|i| excerpt.spans[*i].start);
        for i in order {
            let text = if marks[i].label.is_empty() { " " } else { marks[i].label.as_str() };
            let mut label = Label::new((id.clone(), excerpt.spans[i].clone())).with_message(text);
            label = label.with_color(if i == 0 { shade } else { Color::Blue });
            report = report.with_label(label);
        }
        if let Some(help) = &diagnostic.help {
            report = report.with_help(clean(help));
        }
        if let (1, Some((span, label))) = (marks.len(), &diagnostic.secondary) {
            let Position { line, column } = self.position(span.start);
            report = report.with_note(format!("{}: line {line}, column {column}", clean(label)));
        }
        let mut out = Vec::new();
        let written = report.finish().write((id, ariadne::Source::from(excerpt.text.as_str())), &mut out);
        // Writing to memory fails only if the report is at odds with itself; the plain form says the same.
        let (Ok(()), Ok(out)) = (written, String::from_utf8(out)) else { return self.undrawn(diagnostic) };
        self.with_place(&out, first, (!colour).then(|| format!("{name}: {}", clean(&diagnostic.message))))
    }

    /// All of them, an empty line between two.
    pub fn drawn_all<'d>(&self, diagnostics: impl IntoIterator<Item = &'d Diagnostic>, colour: bool) -> String {
        let drawn: Vec<String> = diagnostics.into_iter().map(|diagnostic| self.drawn(diagnostic, colour)).collect();
        drawn.join("\n")
    }

    fn undrawn(&self, diagnostic: &Diagnostic) -> String {
        let mut text = self.one_line(diagnostic);
        text.push('\n');
        let label = Some(&diagnostic.label).filter(|label| !label.is_empty() && diagnostic.span.is_some());
        for (what, said) in [("here", label), ("help", diagnostic.help.as_ref())] {
            if let Some(said) = said {
                text.push_str(&format!("    {what}: {}\n", clean(said)));
            }
        }
        text
    }

    /// The excerpt is a text of its own; put the true name and position where its stand-ins are, on the second line. The
    /// first is always in colour, and is replaced where none is wanted.
    fn with_place(&self, drawn: &str, mark: &Mark, title: Option<String>) -> String {
        let place = format!("{}:{}:{}", self.name, mark.line, mark.from + 1);
        let mut out = String::with_capacity(drawn.len() + place.len());
        for (i, line) in drawn.lines().enumerate() {
            match line.find(STAND_IN) {
                Some(at) if i == 1 => {
                    let rest = line[at + STAND_IN.len()..].trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
                    out.push_str(&line[..at]);
                    out.push_str(&place);
                    out.push_str(rest);
                }
                None if i == 0 => out.push_str(title.as_deref().unwrap_or(line)),
                _ => out.push_str(line.trim_end()),
            }
            out.push('\n');
        }
        out
    }

    /// The places to mark, the main one first; none if nothing can be drawn.
    fn marks(&self, diagnostic: &Diagnostic) -> Vec<Mark> {
        let Some(span) = &diagnostic.span else { return Vec::new() };
        let main = self.mark(span, &diagnostic.label);
        if main.line > MAX_DRAWN_LINE {
            return Vec::new();
        }
        let second = diagnostic.secondary.as_ref().map(|(span, label)| self.mark(span, label));
        let second = second.filter(|second| {
            // On one long line, both must fit into the piece that is shown.
            let near = second.line != main.line || second.from.abs_diff(main.from) < BEFORE / 2;
            second.line <= MAX_DRAWN_LINE && (near || self.line(main.line).chars().count() <= MAX_EXCERPT)
        });
        std::iter::once(main).chain(second).collect()
    }

    /// What spans several lines is marked on the first.
    fn mark(&self, span: &Range<usize>, label: &str) -> Mark {
        let Position { line, column } = self.position(span.start);
        let from = column - 1;
        let end = self.boundary(span.end.max(span.start));
        let line_start = self.lines[line - 1];
        let line_end = line_start + self.line(line).len();
        let to = self.text[line_start..end.clamp(line_start, line_end)].chars().count();
        Mark { line, from, to: to.max(from + 1), label: clean(label) }
    }
}

/// Stands for the file's name in what is drawn; see [`Shown::with_place`]. No control characters are drawn otherwise.
const STAND_IN: &str = "\u{1}";

struct Mark {
    line: usize,
    /// Characters of the line, from 0.
    from: usize,
    to: usize,
    label: String,
}

/// The marked lines, cut to a readable length, at their true line numbers: the lines between are empty.
struct Excerpt {
    text: String,
    /// The place of each mark, in characters of the text.
    spans: Vec<Range<usize>>,
}

impl Excerpt {
    fn new(shown: &Shown<'_>, marks: &[Mark], first: &Mark) -> Self {
        let mut numbers: Vec<usize> = marks.iter().map(|mark| mark.line).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut excerpt = Excerpt { text: String::new(), spans: vec![0..0; marks.len()] };
        let (mut line, mut chars) = (1, 0);
        for number in numbers {
            excerpt.text.push_str(&"\n".repeat(number - line));
            chars += number - line;
            line = number;
            let here = |mark: &&Mark| mark.line == number;
            let main = if first.line == number { Some(first) } else { marks.iter().find(here) };
            let text = shown.line(number);
            let length = text.chars().count();
            let start = match main {
                Some(mark) if length > MAX_EXCERPT => mark.from.saturating_sub(BEFORE),
                _ => 0,
            };
            let mut piece: Vec<char> = text.chars().skip(start).take(MAX_EXCERPT).map(visible).collect();
            if start > 0 {
                piece[0] = '…';
            }
            if start + piece.len() < length {
                piece.push('…');
            }
            for (i, mark) in marks.iter().enumerate().filter(|(_, mark)| mark.line == number) {
                let from = mark.from.saturating_sub(start);
                // What is missing at the end of a line is marked on a blank after it.
                while piece.len() <= from {
                    piece.push(' ');
                }
                let to = (mark.to - start.min(mark.to)).clamp(from + 1, piece.len());
                excerpt.spans[i] = chars + from..chars + to;
            }
            chars += piece.len();
            excerpt.text.extend(piece);
        }
        excerpt
    }
}

fn kind(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    };
    format!("{severity}[{}]", diagnostic.code)
}

/// A file must not steer the terminal it is shown on, nor break a line where the drawing does not.
fn visible(c: char) -> char {
    if c == '\t' { c } else { plain::visible(c) }
}

/// As [`visible`], for text that is not an excerpt: blanks stay blank.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { visible(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Subject;
    use crate::base::ron::read;
    use proptest::prelude::*;

    fn diagnostic(span: Range<usize>) -> Diagnostic {
        Diagnostic {
            code: "wrong-value",
            severity: Severity::Error,
            span: Some(span),
            message: "`x` should be a number".into(),
            label: "expected a number".into(),
            help: Some("write 1".into()),
            secondary: None,
        }
    }

    #[test]
    fn a_problem_is_drawn_with_its_line() {
        let text = "(\n    nodes: {},\n    café: \"späť\", x: oops,\n)\n";
        let at = text.find("oops").unwrap();
        let shown = Shown::new("shop.ron", text);
        let drawn = shown.drawn(&diagnostic(at..at + 4), false);
        for part in [
            "error[wrong-value]: `x` should be a number",
            "shop.ron:3:22",
            "3 │     café: \"späť\", x: oops,",
            "expected a number",
            "Help: write 1",
        ] {
            assert!(drawn.contains(part), "`{part}` is not in\n{drawn}");
        }
        assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{1}'), "{drawn}");
        // The mark is under the word.
        let lines: Vec<&str> = drawn.lines().collect();
        let row = lines.iter().position(|line| line.contains("oops")).unwrap();
        let column = |line: &str, part: &str| line[..line.find(part).unwrap()].chars().count();
        assert_eq!(column(lines[row], "oops"), column(lines[row + 1], "─").min(column(lines[row + 1], "┬")), "{drawn}");
        assert!(shown.drawn(&diagnostic(at..at + 4), true).contains('\u{1b}'));
        assert_eq!(
            shown.one_line(&diagnostic(at..at + 4)),
            "shop.ron:3:22: error[wrong-value]: `x` should be a number"
        );
    }

    #[test]
    fn the_place_is_right_where_lines_are_cut() {
        let text = format!("(\n{}oops{}\n)", "é".repeat(5_000), "x".repeat(1_000_000));
        let at = text.find("oops").unwrap();
        let drawn = Shown::new("long.ron", &text).drawn(&diagnostic(at..at + 4), false);
        assert!(drawn.contains("long.ron:2:5001") && drawn.contains("éoopsx") && drawn.contains('…'), "{drawn}");
        assert!(drawn.lines().all(|line| line.chars().count() < 140), "{drawn}");
    }

    #[test]
    fn two_places_are_drawn_together() {
        let text = "(\n    a: 1,\n    b: 2,\n    c: 3,\n    a: 4,\n)";
        let problems = read::<std::collections::BTreeMap<String, u8>>(text).problems;
        assert_eq!(problems.len(), 1);
        let drawn = Shown::new("f.ron", text).drawn(&Diagnostic::from(&problems[0]), false);
        assert!(drawn.contains("f.ron:5:5") && drawn.contains("first here") && drawn.contains("again here"), "{drawn}");
        assert!(drawn.contains("2 │     a: 1,") && drawn.contains("5 │     a: 4,"), "{drawn}");
        assert!(!drawn.contains("b: 2"), "{drawn}");
    }

    #[test]
    fn odd_places_are_drawn() {
        for (text, span, place) in [
            ("", 0..0, "1:1"),
            ("", 7..9, "1:1"),
            ("abc", 3..3, "1:4"),
            ("abc\n", 4..4, "2:1"),
            ("a\r\nbc\r\n", 5..5, "2:3"),
            ("\t\tx: 1", 2..3, "1:3"),
            ("日本語", 4..5, "1:2"),
            ("a\u{2028}b\u{85}c\u{1b}[31m", 4..5, "1:3"),
        ] {
            let shown = Shown::new("f", text);
            let drawn = shown.drawn(&diagnostic(span.clone()), false);
            assert!(drawn.contains(&format!("f:{place} ")), "{text:?} {span:?}\n{drawn}");
            assert!(drawn.contains("expected a number") && !drawn.contains('\u{1b}'), "{drawn}");
        }
        let far = "\n".repeat(MAX_DRAWN_LINE + 5);
        assert!(Shown::new("f", &far).drawn(&diagnostic(far.len()..far.len()), false).contains("help: write 1"));
    }

    #[test]
    fn a_finding_is_drawn_at_what_it_is_about() {
        let text = "(nodes: {\n    \"db\": service(replicas: 3),\n})";
        let tree = read::<()>(text).tree;
        let finding = |path| Finding::warning("odd", Subject(path), "this is odd").with_remedy("do not");
        let place = |path: &[&str]| {
            let path = path.iter().map(|s| (*s).to_owned()).collect();
            Shown::new("f", text).one_line(&Diagnostic::of_finding(&finding(path), Some(&tree)))
        };
        assert_eq!(place(&["nodes", "db", "replicas"]), "f:2:29: warning[odd]: this is odd");
        assert_eq!(place(&["nodes", "db", "timeout"]), "f:2:5: warning[odd]: this is odd");
        let without = Diagnostic::of_finding(&finding(vec!["db".into()]), None);
        assert_eq!(Shown::new("f", "").drawn(&without, false), "f: warning[odd]: db: this is odd\n    help: do not\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_place_of_any_text_is_drawn(text in any::<String>(), a in 0..200_usize, b in 0..200_usize, second in any::<bool>()) {
            let mut diagnostic = diagnostic(a.min(b)..a.max(b));
            diagnostic.secondary = second.then(|| (b..b + 3, "there".to_owned()));
            let drawn = Shown::new("f", &text).drawn(&diagnostic, false);
            prop_assert!(drawn.contains("expected a number"));
        }
    }
}
