//! `kinds`: the list of kinds.

use super::{GOOD, print};
use crate::kinds::KINDS;
use comfy_table::{ContentArrangement, Table, presets};

pub fn main() -> u8 {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for meta in KINDS {
        table.add_row([meta.key, &format!("{:?}", meta.group), meta.summary]);
    }
    print(&format!("{table}\n\n`tailboard explain KIND` is the manual of a kind.\n"), GOOD)
}
