//! The scenario reader under hostile text: it never panics, says something about every file that it refuses, draws what it
//! says, and what it accepts is the same after writing and reading again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tailboard::scenario;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = scenario::read_str(text);
    let drawn = read.drawn("fuzzed.ron", text, false);
    assert_eq!(drawn.is_empty(), read.diagnostics.is_empty());
    let Some(design) = read.design else {
        assert!(!read.diagnostics.is_empty(), "refused without a word");
        return;
    };
    let written = scenario::write_str(&design).expect("what was read can be written");
    let again = scenario::read_str(&written);
    assert_eq!(again.design.as_ref(), Some(&design), "{written}");
});
