//! Requests, nodes and links in figures: of the run so far, after its warm-up. A click on a head sorts, a click on a name selects.

use crate::base::short;
use crate::editor::Selection;
use crate::kinds::KINDS;
use crate::metrics::{ClassReport, Estimate, Latency, LinkReport, NodeReport, Report, steady};
use crate::whiteboard::app::App;
use crate::whiteboard::canvas;
use egui::{Align, Button, Grid, Layout, RichText, ScrollArea, Ui};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// How a number is written.
type Write = fn(f64) -> String;

/// What is said in a column of a node or link.
struct Column<R> {
    head: &'static str,
    help: &'static str,
    value: fn(&R) -> Option<f64>,
    write: Write,
}

const fn column<R>(head: &'static str, help: &'static str, value: fn(&R) -> Option<f64>, write: Write) -> Column<R> {
    Column { head, help, value, write }
}

fn whole(value: f64) -> String {
    short::count(value as u64)
}

/// What is answered, after times.
trait Answered {
    fn latency(&self) -> &Latency;
}

impl Answered for ClassReport {
    fn latency(&self) -> &Latency {
        &self.latency
    }
}

impl Answered for NodeReport {
    fn latency(&self) -> &Latency {
        &self.latency
    }
}

impl Answered for LinkReport {
    fn latency(&self) -> &Latency {
        &self.latency
    }
}

const N: &str = "Answers: what mean and percentiles are taken over";
const P50: &str = "Half of the answers are faster";
const P95: &str = "19 in 20 are faster; of 200 answers or more";
const P99: &str = "99 in 100 are faster; of 1,000 answers or more";

fn n(row: &impl Answered) -> Option<f64> {
    Some(row.latency().count as f64)
}

/// A percentile, where there are answers enough to claim it.
fn claimed(latency: &Latency, q: f64, estimate: Option<Estimate>) -> Option<f64> {
    estimate.filter(|_| latency.count >= steady::needed_for(q)).map(|estimate| estimate.value)
}

fn p50(row: &impl Answered) -> Option<f64> {
    claimed(row.latency(), 0.5, row.latency().p50)
}

fn p95(row: &impl Answered) -> Option<f64> {
    claimed(row.latency(), 0.95, row.latency().p95)
}

fn p99(row: &impl Answered) -> Option<f64> {
    claimed(row.latency(), 0.99, row.latency().p99)
}

fn lost_share(failed: &BTreeMap<&'static str, u64>, succeeded: u64) -> Option<f64> {
    let failed: u64 = failed.values().sum();
    (failed + succeeded > 0).then(|| failed as f64 / (failed + succeeded) as f64)
}

const NODES: &[Column<NodeReport>] = &[
    column("calls", "Calls that arrive, per second", |node| Some(node.arrival_rate), short::rate),
    column("n", N, n, whole),
    column("mean", "Mean time to answer", |node| node.latency.mean.map(|mean| mean.value), short::seconds),
    column("p50", P50, p50, short::seconds),
    column("p95", P95, p95, short::seconds),
    column("p99", P99, p99, short::seconds),
    column("wait", "Mean wait for a slot or a core", |node| node.mean_wait.map(|wait| wait.value), short::seconds),
    column("queue", "Calls that wait, on average", |node| Some(node.queue.value), short::number),
    column("longest", "The longest queue", |node| Some(f64::from(node.queue_max)), whole),
    column("busy", "Share of slots in use, on average", |node| node.utilization.map(|busy| busy.value), short::percent),
    column("cores", "Share of cores in use, on average", |node| node.core_utilization, short::percent),
    column("failed", "Share of calls that failed", |node| lost_share(&node.failed, node.succeeded), short::percent),
    column(
        "hits",
        "Share of look-ups that found something",
        |node| node.hit_ratio.map(|hits| hits.value),
        short::percent,
    ),
];

const CLASSES: &[Column<ClassReport>] = &[
    column("offered", "Requests issued, per second", |class| Some(class.offered_rate), short::rate),
    column("goodput", "Answered within the deadline, per second", |class| Some(class.goodput), short::rate),
    column("n", N, n, whole),
    column("mean", "Mean time to answer", |class| class.latency.mean.map(|mean| mean.value), short::seconds),
    column("p50", P50, p50, short::seconds),
    column("p95", P95, p95, short::seconds),
    column("p99", P99, p99, short::seconds),
    column("late", "Answered after the deadline", |class| Some(class.late as f64), whole),
    column(
        "failed",
        "Share of requests that failed",
        |class| lost_share(&class.failed, class.good + class.late),
        short::percent,
    ),
    column("in flight", "Requests without an answer yet", |class| Some(class.in_flight as f64), whole),
];

const LINKS: &[Column<LinkReport>] = &[
    column("attempts", "Attempts, retries among them, per second", |link| Some(link.attempt_rate), short::rate),
    column("n", N, n, whole),
    column(
        "mean",
        "Mean time to answer, as the caller sees it",
        |link| link.latency.mean.map(|mean| mean.value),
        short::seconds,
    ),
    column("p50", P50, p50, short::seconds),
    column("p95", P95, p95, short::seconds),
    column("p99", P99, p99, short::seconds),
    column("failed", "Share of attempts that failed", |link| lost_share(&link.failed, link.succeeded), short::percent),
    column(
        "timeouts",
        "Attempts given up",
        |link| Some(link.failed.get("timeout").copied().unwrap_or(0) as f64),
        whole,
    ),
    column("retries", "Attempts that were another try", |link| Some(link.retries as f64), whole),
    column("hedges", "Attempts beside one that was slow", |link| Some(link.hedges as f64), whole),
    column("in flight", "Attempts without an answer yet", |link| Some(link.in_flight as f64), whole),
];

/// By what a table is sorted: a column, or by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    column: Option<usize>,
    descending: bool,
}

impl Sort {
    /// The head of this column was clicked: once for the largest first, again for the smallest. Names go the other way.
    fn click(&mut self, column: Option<usize>) {
        let first = column.is_some();
        *self = match self.column == column {
            true => Sort { column, descending: !self.descending },
            false => Sort { column, descending: first },
        };
    }
}

/// The rows in their order. What has no value stands last, whichever way it is sorted.
fn sorted<'a, R>(rows: &'a BTreeMap<String, R>, columns: &[Column<R>], sort: Sort) -> Vec<(&'a String, &'a R)> {
    let mut all: Vec<(&String, &R)> = rows.iter().collect();
    let turned = |ordering: Ordering| if sort.descending { ordering.reverse() } else { ordering };
    all.sort_by(|a, b| match sort.column {
        None => turned(a.0.cmp(b.0)),
        Some(column) => {
            let value = columns[column].value;
            match (value(a.1), value(b.1)) {
                (Some(a), Some(b)) => turned(a.total_cmp(&b)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        }
    });
    all
}

/// What a table says over which time: figures are a little behind the run, so that it is they who tell.
fn span(report: &Report) -> String {
    let total = &report.total;
    let seconds = if total.offered_rate > 0.0 { total.offered as f64 / total.offered_rate } else { 0.0 };
    // Nodes and links are counted by whole stretches of the run.
    let nothing = report.nodes.values().all(|node| node.arrived == 0);
    format!(
        "{} – {} of the run, {} requests{}",
        short::seconds(report.warm_up),
        short::seconds(report.warm_up + seconds),
        short::count(total.offered),
        if nothing { " · nodes and links are counted after the warm-up" } else { "" }
    )
}

/// The figures of requests, class by class.
pub fn classes(app: &mut App, ui: &mut Ui) {
    let Some(report) = app.snapshot.as_ref().map(|snapshot| snapshot.report.clone()) else { return };
    table(ui, "classes", &report.classes, CLASSES, &mut app.dock.classes, &[]);
}

pub fn nodes(app: &mut App, ui: &mut Ui) {
    let nodes = called(app);
    let selected = app.editor.selection().nodes.clone();
    if let Some(name) = table(ui, "nodes", &nodes, NODES, &mut app.dock.nodes, &selected) {
        app.editor.select(Selection::of_nodes([name]));
    }
}

pub fn links(app: &mut App, ui: &mut Ui) {
    let Some(report) = app.snapshot.as_ref().map(|snapshot| snapshot.report.clone()) else { return };
    let selected = app.editor.selection().links.clone();
    if let Some(name) = table(ui, "links", &report.links, LINKS, &mut app.dock.links, &selected) {
        app.editor.select(Selection::of_links([name]));
    }
}

/// The nodes that are called: what clients send stands among the requests.
fn called(app: &App) -> BTreeMap<String, NodeReport> {
    let accepts = |kind: &str| KINDS.iter().any(|meta| meta.key == kind && meta.accepts_calls);
    let report = app.snapshot.as_ref().map(|snapshot| &snapshot.report);
    let nodes = report.into_iter().flat_map(|report| report.nodes.iter());
    nodes.filter(|(_, node)| accepts(&node.kind)).map(|(name, node)| (name.clone(), node.clone())).collect()
}

/// What is said beside the tabs.
pub fn note(app: &App) -> String {
    app.snapshot.as_ref().map_or(String::new(), |snapshot| span(&snapshot.report))
}

/// The name that was clicked.
fn table<R>(
    ui: &mut Ui,
    id: &str,
    rows: &BTreeMap<String, R>,
    columns: &[Column<R>],
    sort: &mut Sort,
    selected: &[String],
) -> Option<String> {
    let mut clicked = None;
    let head = |ui: &mut Ui, sort: &mut Sort, column: Option<usize>, word: &str, help: &str| {
        let is_it = sort.column == column;
        let arrow = if sort.descending { " ↓" } else { " ↑" };
        let text = format!("{word}{}", if is_it { arrow } else { "" });
        let text = if is_it { RichText::new(text).family(canvas::bold()) } else { RichText::new(text).weak() };
        if ui.add(Button::new(text.size(12.0)).frame(false)).on_hover_text(help).clicked() {
            sort.click(column);
        }
    };
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        Grid::new(id).striped(true).spacing([16.0, 4.0]).min_col_width(56.0).show(ui, |ui| {
            head(ui, sort, None, "name", "Sort by name");
            for (i, column) in columns.iter().enumerate() {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    head(ui, sort, Some(i), column.head, column.help);
                });
            }
            ui.end_row();
            for (name, row) in sorted(rows, columns, *sort) {
                if ui.add(Button::selectable(selected.contains(name), name.as_str())).clicked() {
                    clicked = Some(name.clone());
                }
                for column in columns {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        ui.label((column.value)(row).map_or("–".to_owned(), column.write));
                    });
                }
                ui.end_row();
            }
        });
    });
    clicked
}

/// A table as it is sorted, with its numbers whole: seconds, per second, shares.
fn csv<R>(rows: &BTreeMap<String, R>, columns: &[Column<R>], sort: Sort) -> Vec<Vec<String>> {
    let head = std::iter::once("name".to_owned()).chain(columns.iter().map(|column| column.head.to_owned()));
    let mut lines = vec![head.collect()];
    for (name, row) in sorted(rows, columns, sort) {
        let values = columns.iter().map(|column| (column.value)(row).map_or(String::new(), |value| value.to_string()));
        lines.push(std::iter::once(name.clone()).chain(values).collect());
    }
    lines
}

pub fn classes_csv(app: &App) -> Vec<Vec<String>> {
    app.snapshot.as_ref().map_or(Vec::new(), |snapshot| csv(&snapshot.report.classes, CLASSES, app.dock.classes))
}

pub fn nodes_csv(app: &App) -> Vec<Vec<String>> {
    csv(&called(app), NODES, app.dock.nodes)
}

pub fn links_csv(app: &App) -> Vec<Vec<String>> {
    app.snapshot.as_ref().map_or(Vec::new(), |snapshot| csv(&snapshot.report.links, LINKS, app.dock.links))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_sorts_both_ways_and_what_is_missing_stands_last() {
        let text = include_str!("../../../scenarios/url_shortener.ron");
        let mut design = crate::scenario::read_str(text).drawing.expect("a design");
        design.run.length = crate::base::Span::from_secs(20);
        let report = crate::run::run(&design).expect("it runs");
        walk(&report.nodes, NODES);
        walk(&report.links, LINKS);
        walk(&report.classes, CLASSES);
    }

    fn walk<R>(rows: &BTreeMap<String, R>, columns: &[Column<R>]) {
        let names = |sort| -> Vec<&String> { sorted(rows, columns, sort).into_iter().map(|(name, _)| name).collect() };
        let mut sort = Sort::default();
        let by_name = names(sort);
        sort.click(None);
        assert!(names(sort).iter().eq(by_name.iter().rev()));
        for (i, column) in columns.iter().enumerate() {
            let mut sort = Sort::default();
            sort.click(Some(i));
            let values = |sort| -> Vec<Option<f64>> {
                sorted(rows, columns, sort).into_iter().map(|(_, row)| (column.value)(row)).collect()
            };
            let down = values(sort);
            sort.click(Some(i));
            let up = values(sort);
            let known = down.iter().flatten().count();
            assert!(known > 0 && up[..known].iter().all(Option::is_some), "{}: {up:?}", column.head);
            assert!(down[..known].is_sorted_by(|a, b| a >= b), "{}: {down:?}", column.head);
            assert!(up[..known].is_sorted_by(|a, b| a <= b), "{}: {up:?}", column.head);
            let lines = csv(rows, columns, sort);
            assert_eq!(lines.len(), rows.len() + 1);
            let written: Vec<Option<f64>> = lines[1..].iter().map(|line| line[i + 1].parse().ok()).collect();
            assert_eq!(written, up, "{}", column.head);
        }
    }
}
