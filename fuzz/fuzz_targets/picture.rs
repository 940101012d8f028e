//! The reader of pictures under hostile bytes: it never panics, and what it takes out is what goes into a picture and comes
//! out of it again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tailboard::scenario::picture::{embed_svg, extract};

fuzz_target!(|data: &[u8]| {
    let Ok(Some(carried)) = extract(data) else { return };
    let again = embed_svg("<svg><g/></svg>", &carried).expect("what was read can be written");
    assert_eq!(extract(again.as_bytes()), Ok(Some(carried)));
});
