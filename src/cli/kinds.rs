//! `kinds`: the list of kinds, and what stands for a product.

use super::columns::{WIDTH, wrap};
use super::{GOOD, WRONG_INPUT, print, say};
use crate::base::ron;
use crate::kinds::products::{PRODUCTS, Product, product_named};
use crate::kinds::{KINDS, meta};
use comfy_table::{ContentArrangement, Table, presets};

/// List the kinds, or say what stands for a product.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  tailboard kinds\n  tailboard kinds kafka")]
pub struct Args {
    /// A product, such as redis, kafka, lambda or nginx.
    product: Option<String>,
}

pub fn main(args: &Args) -> u8 {
    let Some(name) = &args.product else { return list() };
    if let Some(meta) = meta(name) {
        let text =
            format!("`{}` is a kind: {}\n\n`tailboard explain {}` is its manual.\n", meta.key, meta.summary, meta.key);
        return print(&text, GOOD);
    }
    if let Some(found) = product_named(name) {
        return print(&product(found), GOOD);
    }
    let known: Vec<&str> = PRODUCTS.iter().flat_map(|product| product.names.split(' ')).collect();
    let names: Vec<&str> = known.iter().copied().chain(KINDS.iter().map(|meta| meta.key)).collect();
    let hint = ron::did_you_mean(name, &names).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    say(&format!("error: there is no kind `{name}`, and no product of this name is known{hint}\n"));
    say(&format!("{}\n", wrap(&format!("known products: {}", known.join(", ")), WIDTH)));
    WRONG_INPUT
}

fn list() -> u8 {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for meta in KINDS {
        table.add_row([meta.key, &format!("{:?}", meta.group), meta.summary]);
    }
    let more = "`tailboard explain KIND` is the manual of a kind; `tailboard kinds PRODUCT` says what stands for Redis, Kafka, nginx…";
    print(&format!("{table}\n\n{more}\n"), GOOD)
}

/// What stands for a product, and what of it is not there yet.
pub fn product(product: &Product) -> String {
    let mut text = format!("{}\n", product.names.split(' ').collect::<Vec<&str>>().join(", "));
    let kinds: Vec<String> =
        product.kinds.iter().map(|kind| format!("`{kind}` (`tailboard explain {kind}`)")).collect();
    let place = if kinds.is_empty() { "no kind of its own yet".to_owned() } else { kinds.join(", then ") };
    for (what, said) in [("Kind", place.as_str()), ("Draw it", product.drawn), ("Not there yet", product.not_yet)] {
        text += &format!("{}\n", wrap(&format!("{what}: {said}"), WIDTH));
    }
    text
}
