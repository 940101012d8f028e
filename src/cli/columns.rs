//! Columns of text within the width of a terminal.

use crate::base::plain;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// What a line may hold: less than most windows, and what fits beside other text.
pub const WIDTH: usize = 100;

/// The last column is wrapped to what is left of the line, but not below this.
const NARROWEST: usize = 18;

/// Blanks between two columns.
const GAP: usize = 2;

/// A column: its head, a cell for each row, and how easily it can be spared (0: never).
pub struct Column {
    pub head: &'static str,
    pub spare: u8,
    pub left: bool,
    pub cells: Vec<String>,
}

impl Column {
    /// A column of figures.
    pub fn of(head: &'static str, spare: u8, cells: impl IntoIterator<Item = String>) -> Column {
        Column { head, spare, left: false, cells: cells.into_iter().collect() }
    }

    /// A column of words.
    pub fn words(head: &'static str, spare: u8, cells: impl IntoIterator<Item = String>) -> Column {
        Column { left: true, ..Column::of(head, spare, cells) }
    }

    fn says_something(&self) -> bool {
        self.cells.iter().any(|cell| !matches!(cell.as_str(), "" | "-" | "0" | "0 s" | "0 %" | "0/s"))
    }

    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.chars().count()).chain([self.head.len()]).max().unwrap_or(0)
    }
}

/// The columns as a table. Those that say nothing are left out; where the rest does not fit, those that are spared most
/// easily go. Words in the last column are wrapped.
pub fn grid(mut columns: Vec<Column>) -> String {
    for cell in columns.iter_mut().flat_map(|column| &mut column.cells) {
        // Before it is measured.
        *cell = plain::line(cell).into_owned();
    }
    let mut columns: Vec<Column> = columns
        .into_iter()
        .enumerate()
        .filter(|(i, column)| *i == 0 || column.says_something())
        .map(|(_, c)| c)
        .collect();
    let room = loop {
        let wraps = columns.len() > 1 && columns.last().is_some_and(|column| column.left);
        let fixed: usize = columns[..columns.len() - usize::from(wraps)].iter().map(|c| c.width() + GAP).sum();
        let last = if wraps { columns[columns.len() - 1].width().min(NARROWEST) } else { 0 };
        let spare = (0..columns.len()).max_by_key(|&i| columns[i].spare).filter(|&i| columns[i].spare > 0);
        match spare {
            Some(i) if fixed + last > WIDTH + if wraps { 0 } else { GAP } => drop(columns.remove(i)),
            _ => break if wraps { WIDTH.saturating_sub(fixed).max(NARROWEST) } else { WIDTH },
        }
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.head));
    for row in 0..columns.first().map_or(0, |column| column.cells.len()) {
        let last = columns.len() - 1;
        table.add_row(columns.iter().enumerate().map(|(i, column)| match column.cells[row].as_str() {
            words if i == last && column.left => wrap(words, room),
            cell => cell.to_owned(),
        }));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { 1 }, 1));
        if !columns[i].left {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string().lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Break lines between words.
pub fn wrap(text: &str, width: usize) -> String {
    let paragraph = |line: &str| {
        let (mut out, mut column) = (String::new(), 0);
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push('\n');
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out += word;
            column += length;
        }
        out
    };
    text.lines().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// Wrapped, with all lines but the first so far to the right.
pub fn hanging(text: &str, blanks: usize) -> String {
    wrap(text, WIDTH - blanks).replace('\n', &format!("\n{:blanks$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_or_does_not_fit_is_left_out() {
        let cells = |text: &str| vec![text.to_owned(), text.to_owned()];
        let columns = |width: usize| {
            vec![
                Column::words("node", 0, cells("database")),
                Column::of("failed", 0, cells("-")),
                Column::of("spared", 1, cells("1.23 ms")),
                Column::of("kept", 0, cells(&"9".repeat(width))),
                Column::words("notable", 0, cells("hits 80.7 %, evicted 3.02k/s, coalesced 17.1/s")),
            ]
        };
        let text = grid(columns(40));
        assert!(text.contains("spared") && !text.contains("failed"), "{text}");
        assert!(!grid(columns(70)).contains("spared"));
        for line in [text, grid(columns(60)), grid(columns(70))].iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= WIDTH && line == line.trim_end(), "`{line}`");
        }
    }
}
